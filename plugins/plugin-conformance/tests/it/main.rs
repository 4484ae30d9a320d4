//! The suite against a double that has one defect at a time: every rule must be
//! able to fail, and must pass where there is no defect.
#![allow(clippy::unwrap_used, reason = "tests")]

mod double;

use hub_model::Object;
use plugin_conformance::destination::Sample;
use plugin_conformance::{Subject, check_destination, check_source, connection};

use double::{Defect, Double};

fn sample() -> Sample {
    let row = Object::from([("name".into(), "Ana".into()), ("email".into(), "ana@x.fr".into())]);
    Sample::new(row, ("name", "Anna".into()), "email")
}

#[tokio::test]
async fn a_sound_connector_passes() {
    let double = Double::sound();
    let subject = Subject::new(&double, "people");
    assert_eq!(check_source(&subject).await, []);
    assert_eq!(check_destination(&subject, &sample()).await, []);
}

#[tokio::test]
async fn every_defect_is_found_by_its_rule() {
    let cases = [
        (Defect::CheckFails, "passes its check"),
        (Defect::SchemaLacksAField, "knows its fields"),
        (Defect::NeverEnds, "comes to an end"),
        (Defect::CursorRepeats, "cursor moves"),
        (Defect::BadRow, "valid key"),
        (Defect::KeyTwice, "no key comes twice"),
        (Defect::ShowsOthersEachTime, "second snapshot"),
        (Defect::ForgetsCursors, "same rows again"),
        (Defect::UnknownField, "every field of every row"),
        (Defect::LookupShowsLess, "as reading does"),
        (Defect::LookupShuffles, "order of its keys"),
        (Defect::InventsRows, "unknown key"),
        (Defect::CreatesNothing, "created row"),
        (Defect::PatchReplaces, "no others"),
        (Defect::NullIsIgnored, "null clears"),
        (Defect::VersionIsIgnored, "old version"),
        (Defect::UpdateCreates, "not create it"),
        (Defect::DeletesNothing, "deleted row"),
    ];
    for (defect, rule) in cases {
        let double = Double::with(defect);
        let subject = Subject::new(&double, "people");
        let mut breaches = check_source(&subject).await;
        breaches.extend(check_destination(&subject, &sample()).await);
        let found = breaches.iter().any(|breach| breach.must.contains(rule));
        assert!(found, "{defect:?} should break {rule:?}, broke {breaches:#?}");
    }
}

#[tokio::test]
async fn wrong_settings_must_be_told() {
    let sound = Double::sound();
    let subject = Subject::new(&sound, "people");
    assert!(connection::wrong_settings_are_a_config_fault(&subject).await.is_err());
    let telling = Double::with(Defect::CheckFails);
    let subject = Subject::new(&telling, "people");
    assert_eq!(connection::wrong_settings_are_a_config_fault(&subject).await, Ok(()));
}
