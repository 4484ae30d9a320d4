//! The suite against a double that has one defect at a time: every rule must be
//! able to fail, and must pass where there is no defect.
#![allow(clippy::unwrap_used, reason = "tests")]

mod audiences;
mod double;
mod troubled;

use hub_model::Object;
use plugin_conformance::destination::Sample;
use plugin_conformance::judge::{WRONG_SETTINGS, broken, judge, judge_trouble};
use plugin_conformance::trouble::Trouble;
use plugin_conformance::{Standing, Subject, connection, rule_names};

use double::{Defect, Double};
use troubled::Troubled;

fn sample() -> Sample {
    let row = Object::from([("name".into(), "Ana".into()), ("email".into(), "ana@x.fr".into())]);
    Sample::new(row, ("name", "Anna".into()), "email")
}

#[tokio::test]
async fn a_sound_connector_passes() {
    let double = Double::sound();
    let subject = Subject::new(&double, "people");
    let judged = judge(&subject, Some(&sample())).await;
    assert!(judged.iter().all(|it| it.standing == Standing::Kept), "{judged:#?}");
    let named = rule_names();
    let not_here = named.iter().filter(|rule| !judged.iter().any(|it| it.rule == **rule));
    let elsewhere = ["trouble::", "audience::", "inbound::"];
    let not_here = not_here.filter(|rule| !elsewhere.iter().any(|part| rule.starts_with(part)));
    let not_here: Vec<_> = not_here.collect();
    assert_eq!(not_here, [&WRONG_SETTINGS]);
    assert_eq!(judged[3].sentence(), "a snapshot ends");
}

#[tokio::test]
async fn what_cannot_be_judged_says_why() {
    let double = Double::sound();
    let subject = Subject::new(&double, "people");
    let judged = judge(&subject, None).await;
    let why = |it: &&plugin_conformance::Judged| {
        it.standing == Standing::NotJudged("no sample says what may be written")
    };
    assert_eq!(judged.iter().filter(why).count(), 9);
    let subject = Subject::new(&double, "poeple");
    let judged = judge(&subject, None).await;
    assert!(broken(&judged)[0].found.contains("poeple"), "{judged:#?}");
}

#[tokio::test]
async fn every_defect_is_found_by_its_rule() {
    let cases = [
        (Defect::CheckFails, "passes its check"),
        (Defect::SchemaLacksAField, "knows its fields"),
        (Defect::SendsForNothing, "purposes of its messages"),
        (Defect::SendsOnNoChannel, "names its channel"),
        (Defect::NeverEnds, "comes to an end"),
        (Defect::CursorRepeats, "cursor moves"),
        (Defect::BadRow, "valid key"),
        (Defect::KeyTwice, "no key comes twice"),
        (Defect::ShowsOthersEachTime, "second snapshot"),
        (Defect::ForgetsCursors, "same rows again"),
        (Defect::TakesAnyCursor, "cursor of another form"),
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
        (Defect::TellsOneOutcome, "one outcome per item"),
        (Defect::CountsWrites, "written again"),
        (Defect::SkipsAtTheBorder, "written together"),
    ];
    for (defect, rule) in cases {
        let double = Double::with(defect);
        let subject = Subject::new(&double, "people");
        let judged = judge(&subject, Some(&sample())).await;
        let breaches = broken(&judged);
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

#[tokio::test]
async fn a_connector_that_tells_its_systems_trouble_passes() {
    for trouble in Trouble::ALL {
        let told = Troubled::telling(trouble);
        let judged = judge_trouble(&Subject::new(&told, "people"), trouble).await;
        assert_eq!(judged.standing, Standing::Kept, "{trouble:?}");
        let silent = Troubled::silent();
        let judged = judge_trouble(&Subject::new(&silent, "people"), trouble).await;
        assert!(judged.sentence().contains("all is well"), "{trouble:?}: {judged:?}");
        let mistaken = Troubled::mistaken();
        let judged = judge_trouble(&Subject::new(&mistaken, "people"), trouble).await;
        assert!(matches!(judged.standing, Standing::Broken(_)), "{trouble:?}");
        // A check that tells is not enough.
        let empty = Troubled::empty_pages(trouble);
        let judged = judge_trouble(&Subject::new(&empty, "people"), trouble).await;
        assert!(judged.sentence().contains("0 rows, complete"), "{trouble:?}: {judged:?}");
    }
}
