//! Associations.

use liaison_sdk::{Found, Outcome, ReadRequest};
use serde_json::{Value, json};

use super::{Stage, create, delete, key, rejected, stored, told, update};

fn people_and_companies(stage: &Stage) -> (Vec<String>, Vec<String>) {
    let mut account = stage.account();
    let people = (0..45).map(|n| account.enter("contacts", &json!({"firstname": format!("{n}")})));
    let people = people.collect();
    let companies = (0..4).map(|n| account.enter("companies", &json!({"name": format!("{n}")})));
    (people, companies.collect())
}

#[test]
fn every_association_is_read_once_with_its_labels() {
    let stage = Stage::new();
    stage.account().links_page = 2;
    let (people, companies) = people_and_companies(&stage);
    let mut expected = Vec::new();
    for (person, company) in [(0, 0), (1, 0), (1, 1), (1, 2), (1, 3), (44, 3)] {
        let (person, company) = (&people[person], &companies[company]);
        let label = (*company == companies[3]).then_some("Billing");
        stage.account().associate(("contacts", person), ("companies", company), label);
        expected.push(format!("{person}-{company}"));
    }
    let (rows, next) = stage.read_all(ReadRequest::start("contact_companies"));
    let mut seen = told(&rows);
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
    assert_eq!(next.cursor, None);
    let last =
        rows.iter().find(|row| row.key.as_deref() == Some(expected.last().unwrap())).unwrap();
    let fields =
        json!({"contact_id": people[44], "company_id": companies[3], "labels": ["Billing"]});
    assert_eq!(last.fields(), fields.as_object());
    assert_eq!(rows[0].fields().unwrap()["labels"], Value::Null);
}

#[test]
fn associations_are_made_found_and_removed_as_often_as_one_likes() {
    let stage = Stage::new();
    let (people, companies) = people_and_companies(&stage);
    let make = |company: &str| create(json!({"contact_id": people[0], "company_id": company}));
    let items =
        || vec![make(&companies[0]), make("999999"), create(json!({"contact_id": people[0]}))];
    for _ in 0..2 {
        let outcomes = stage.write("contact_companies", items());
        assert_eq!(stored(&outcomes[0]).key, format!("{}-{}", people[0], companies[0]));
        assert_eq!(rejected(&outcomes[1]).arg("vendor-code"), Some("OBJECT_NOT_FOUND"));
        assert_eq!(rejected(&outcomes[2]).arg("reason"), Some("both-ids-are-needed"));
    }
    let name = format!("{}-{}", people[0], companies[0]);
    let other = format!("{}-{}", people[0], companies[1]);
    let both = json!({"contact_id": people[0], "company_id": companies[0]});
    let both = liaison_sdk::LookupKey::Fields(both.as_object().unwrap().clone());
    let found = stage.lookup("contact_companies", vec![key(&name), key(&other), key("x"), both]);
    assert!(matches!((&found[0], &found[3]), (Found::One(_), Found::One(_))), "{found:?}");
    assert_eq!(found[1..3], [Found::None, Found::None]);

    let outcomes = stage.write(
        "contact_companies",
        vec![update(&name, json!({"labels": ["x"]})), delete(&name), delete(&other)],
    );
    assert_eq!(rejected(&outcomes[0]).arg("reason"), Some("read-only"));
    assert_eq!(outcomes[1..], [Outcome::Deleted, Outcome::Deleted]);
    assert!(
        !stage.account().are_associated(("contacts", &people[0]), ("companies", &companies[0]))
    );
}

#[test]
fn deals_have_contacts_and_companies() {
    let stage = Stage::new();
    let (people, companies) = people_and_companies(&stage);
    let deal = stage.account().enter("deals", &json!({"dealname": "D"}));
    let links = [
        ("deal_contacts", "contact_id", &people[7]),
        ("deal_companies", "company_id", &companies[2]),
    ];
    for (stream, field, id) in links {
        let outcomes = stage.write(stream, vec![create(json!({"deal_id": deal, field: id}))]);
        assert!(matches!(&outcomes[0], Outcome::Created(_)), "{outcomes:?}");
        let (rows, _) = stage.read_all(ReadRequest::start(stream));
        assert_eq!(told(&rows), [format!("{deal}-{id}")]);
    }
}
