//! Lists: found, made, listed, deleted.

use liaison_sdk::{Audience, Connector, ContainerWish, FaultCode};
use serde_json::json;

use super::Stage;
use crate::Google;

#[test]
pub fn a_list_is_made_once() {
    let stage = Stage::new();
    stage.account().page_items_max = 1;
    stage.account().make("Devices", "MOBILE_ID");
    let first = stage.ensure("Customers");
    assert_eq!((first.title.as_str(), first.kind.as_str()), ("Customers", "CONTACT_ID"));
    assert_eq!(stage.ensure("Customers").key, first.key);
    // Another account shares one of that name: the older one stays ours.
    stage.account().make("Customers", "CONTACT_ID");
    assert_eq!(stage.ensure("Customers").key, first.key);
    let odd = stage.ensure("The \"best\" \\ ones");
    assert_eq!(stage.ensure("The \"best\" \\ ones").key, odd.key);
    let wish = ContainerWish { key: Some(first.key.clone()), ..ContainerWish::default() };
    let known = stage.run(|call| Google::ensure_container(call, &wish)).unwrap();
    assert_eq!(known.title, "Customers");
    let settings = json!({"description": "Who bought", "membership_days": 540});
    let settings = settings.as_object().unwrap().clone();
    let wish = ContainerWish { settings, ..ContainerWish::titled("Buyers") };
    stage.run(|call| Google::ensure_container(call, &wish)).unwrap();
    let made = stage.bodies("/v1/accountTypes/GOOGLE_ADS/accounts/1234567890/userLists");
    assert_eq!(made.last().unwrap()["membershipDuration"], "46656000s");
}

#[test]
fn a_wish_that_cannot_be_granted_is_told() {
    let stage = Stage::new();
    let other = stage.account().make("Devices", "MOBILE_ID");
    let wish = |change: &dyn Fn(&mut ContainerWish)| {
        let mut wish = ContainerWish::titled("Customers");
        change(&mut wish);
        stage.run(|call| Google::ensure_container(call, &wish)).unwrap_err()
    };
    for (fault, code) in [
        (wish(&|it| it.title.clear()), FaultCode::Config),
        (wish(&|it| "MOBILE_ID".clone_into(&mut it.kind)), FaultCode::Config),
        (wish(&|it| drop(it.settings.insert("colour".into(), json!("red")))), FaultCode::Config),
        (wish(&|it| "Devices".clone_into(&mut it.title)), FaultCode::Config),
        (wish(&|it| it.key = Some("7".into())), FaultCode::NotFound),
        (wish(&|it| it.key = Some(other.clone())), FaultCode::NotFound),
        (wish(&|it| it.key = Some("../7".into())), FaultCode::NotFound),
    ] {
        assert_eq!(fault.code, code, "{fault}");
    }
    assert_eq!(stage.account().names(), ["Devices"]);
}

#[test]
pub fn lists_are_listed_page_by_page() {
    let stage = Stage::new();
    stage.account().page_items_max = 2;
    for (name, kind) in [("A", "CONTACT_ID"), ("B", "USER_ID"), ("C", "CONTACT_ID")] {
        stage.account().make(name, kind);
    }
    let (mut titles, mut cursor) = (Vec::new(), None::<Vec<u8>>);
    loop {
        let page = stage.run(|call| Google::containers(call, cursor.as_deref())).unwrap();
        titles.extend(page.items.into_iter().map(|container| container.title));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(titles, ["A", "C"]);
    let fault = stage.run(|call| Google::containers(call, Some(&[0xff]))).unwrap_err();
    assert_eq!(fault.code, FaultCode::CursorExpired);
}

#[test]
pub fn nothing_but_a_list_of_people_is_deleted() {
    let stage = Stage::new();
    let other = stage.account().make("Devices", "MOBILE_ID");
    let own = stage.ensure("Customers").key;
    let delete = |key: &str| stage.run(|call| Google::delete_container(call, key));
    for key in [other.as_str(), "7", "", "../accounts"] {
        assert_eq!(delete(key).unwrap_err().code, FaultCode::NotFound, "{key}");
    }
    delete(&own).unwrap();
    assert_eq!(delete(&own).unwrap_err().code, FaultCode::NotFound);
    assert_eq!(stage.account().names(), ["Devices"]);
}

#[test]
pub fn access_may_go_through_a_manager() {
    let mut stage = Stage::new();
    stage.settings["login_account"] = json!("42");
    stage.run(Google::check).unwrap();
    let list = stage.ensure("Customers").key;
    stage.write(&list, vec![super::joins("a@x.example")]);
    let account = stage.account();
    let login = account.seen()[0].0.find("login-account").map(str::to_owned);
    assert_eq!(login.as_deref(), Some("accountTypes/GOOGLE_ADS/accounts/42"));
    drop(account);
    let sent = stage.bodies("/v1/audienceMembers:ingest");
    assert_eq!(sent[0]["destinations"][0]["loginAccount"]["accountId"], "42");
}
