//! Audiences: found, made, listed, deleted.

use liaison_sdk::{Audience, Connector, ContainerWish, FaultCode};
use serde_json::json;

use super::Stage;
use crate::Meta;

#[test]
fn an_audience_is_made_once() {
    let stage = Stage::new();
    stage.account().page_items_max = 2;
    for name in ["A", "B", "C", "D"] {
        stage.account().make(name, "LOOKALIKE");
    }
    let first = stage.ensure("Customers");
    assert_eq!(
        (first.title.as_str(), first.kind.as_str(), first.size),
        ("Customers", "CUSTOM", None)
    );
    assert_eq!(stage.ensure("Customers").key, first.key);
    // Somebody makes a second one of that name by hand: the older one stays ours.
    stage.account().make("Customers", "CUSTOM");
    assert_eq!(stage.ensure("Customers").key, first.key);
    // One of another kind is not taken for it.
    assert_ne!(stage.ensure("A").key, first.key);
    let wish = ContainerWish { key: Some(first.key.clone()), ..ContainerWish::default() };
    let known = stage.run(|call| Meta::ensure_container(call, &wish)).unwrap();
    assert_eq!(known.title, "Customers");
}

#[test]
fn a_wish_that_cannot_be_granted_is_told() {
    let stage = Stage::new();
    let other = stage.account().make("Like customers", "LOOKALIKE");
    let wish = |change: &dyn Fn(&mut ContainerWish)| {
        let mut wish = ContainerWish::titled("Customers");
        change(&mut wish);
        stage.run(|call| Meta::ensure_container(call, &wish)).unwrap_err()
    };
    for (fault, code) in [
        (wish(&|it| it.title.clear()), FaultCode::Config),
        (wish(&|it| "LOOKALIKE".clone_into(&mut it.kind)), FaultCode::Config),
        (wish(&|it| drop(it.settings.insert("colour".into(), json!("red")))), FaultCode::Config),
        (wish(&|it| it.key = Some("7".into())), FaultCode::NotFound),
        (wish(&|it| it.key = Some(other.clone())), FaultCode::NotFound),
        (wish(&|it| it.key = Some("../me".into())), FaultCode::NotFound),
    ] {
        assert_eq!(fault.code, code, "{fault}");
    }
    assert_eq!(stage.account().names(), ["Like customers"]);
    let described = ContainerWish {
        settings: json!({"description": "Who bought"}).as_object().unwrap().clone(),
        ..ContainerWish::titled("Buyers")
    };
    stage.run(|call| Meta::ensure_container(call, &described)).unwrap();
}

#[test]
fn audiences_are_listed_page_by_page() {
    let stage = Stage::new();
    stage.account().page_items_max = 2;
    for (name, kind) in
        [("A", "CUSTOM"), ("B", "WEBSITE"), ("C", "WEBSITE"), ("D", "LOOKALIKE"), ("E", "CUSTOM")]
    {
        stage.account().make(name, kind);
    }
    let (mut titles, mut cursor) = (Vec::new(), None::<Vec<u8>>);
    loop {
        let page = stage.run(|call| Meta::containers(call, cursor.as_deref())).unwrap();
        titles.extend(page.items.into_iter().map(|container| container.title));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(titles, ["A", "E"]);
    let fault = stage.run(|call| Meta::containers(call, Some(&[0xff]))).unwrap_err();
    assert_eq!(fault.code, FaultCode::CursorExpired);
}

#[test]
fn nothing_but_an_audience_of_people_is_deleted() {
    let stage = Stage::new();
    let other = stage.account().make("Like customers", "LOOKALIKE");
    let own = stage.ensure("Customers").key;
    let delete = |key: &str| stage.run(|call| Meta::delete_container(call, key));
    for key in [other.as_str(), "7", "", "act_1234567890"] {
        assert_eq!(delete(key).unwrap_err().code, FaultCode::NotFound, "{key}");
    }
    delete(&own).unwrap();
    assert_eq!(delete(&own).unwrap_err().code, FaultCode::NotFound);
    assert_eq!(stage.account().names(), ["Like customers"]);
}

#[test]
fn discovery_and_check_know_the_account() {
    let stage = Stage::new();
    stage.run(Meta::check).unwrap();
    let streams = stage.run(Meta::discover).unwrap();
    let fields: Vec<&str> = streams[0].fields().iter().map(|field| field.name()).collect();
    assert_eq!(fields[..4], ["external_id", "email", "email_sha256", "phone"]);
    assert_eq!(stage.asked().len(), 1);
}
