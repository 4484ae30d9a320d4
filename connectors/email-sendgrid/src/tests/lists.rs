//! Lists, and who is in them.

use liaison_sdk::{
    Audience, Container, ContainerWish, Fault, FaultCode, Member, MemberChange, MemberOutcome,
    MemberRequest, MemberVerdict,
};
use serde_json::json;

use super::Stage;
use crate::SendGrid;

impl Stage {
    fn ensure(&self, title: &str) -> Container {
        self.run(|call| SendGrid::ensure_container(call, &ContainerWish::titled(title))).unwrap()
    }

    fn members(&self, list: &str, members: Vec<Member>) -> Result<Vec<MemberOutcome>, Fault> {
        let request = MemberRequest { container: list.to_owned(), members, session: None };
        match self.run(|call| SendGrid::write_members(call, &request))?.verdict {
            MemberVerdict::Items(outcomes) => Ok(outcomes),
            MemberVerdict::Aggregate(counts) => panic!("outcomes were expected: {counts:?}"),
        }
    }
}

fn job(outcome: &MemberOutcome) -> &str {
    match outcome {
        MemberOutcome::Accepted(job) => job,
        other => panic!("a job was expected: {other:?}"),
    }
}

#[test]
fn a_list_is_made_once_and_found_on_any_page() {
    let stage = Stage::new();
    stage.account().page_lists = 1;
    stage.account().make_list("Old");
    let list = stage.ensure("Customers");
    assert_eq!(stage.ensure("Customers").key, list.key);
    let wish = ContainerWish { key: Some(list.key.clone()), ..ContainerWish::default() };
    assert_eq!(stage.run(|call| SendGrid::ensure_container(call, &wish)).unwrap().key, list.key);
    assert_eq!(stage.account().list_names(), ["Old", "Customers"]);
    stage.run(|call| SendGrid::delete_container(call, &list.key)).unwrap();
    for key in [list.key.as_str(), "7", "../7"] {
        let fault = stage.run(|call| SendGrid::delete_container(call, key)).unwrap_err();
        assert_eq!(fault.code, FaultCode::NotFound, "{key}");
    }
    let odd = json!({"colour": "red"}).as_object().unwrap().clone();
    for wish in [
        ContainerWish { settings: odd, ..ContainerWish::titled("X") },
        ContainerWish::titled("x".repeat(101)),
        ContainerWish::titled(" "),
    ] {
        let fault = stage.run(|call| SendGrid::ensure_container(call, &wish)).unwrap_err();
        assert_eq!(fault.code, FaultCode::Config);
    }
}

#[test]
fn people_join_and_leave_by_their_address() {
    let stage = Stage::new();
    let list = stage.ensure("Customers").key;
    let joins = |email: &str| Member::new(MemberChange::Add, [("email", email)]);
    let leaves = |email: &str| Member::new(MemberChange::Remove, [("email", email)]);
    let outcomes =
        stage.members(&list, vec![joins("Ana@x.example"), joins("none"), joins("bob@x.example")]);
    let outcomes = outcomes.unwrap();
    stage.end_of(job(&outcomes[0]));
    assert_eq!(outcomes[2], outcomes[0]);
    assert!(matches!(&outcomes[1], MemberOutcome::Rejected(fault) if fault.place == "email"));
    assert_eq!(stage.account().members(&list), ["ana@x.example", "bob@x.example"]);

    let outcomes = stage.members(&list, vec![leaves("eve@x.example"), leaves("ana@x.example")]);
    let outcomes = outcomes.unwrap();
    assert_eq!(outcomes[0], MemberOutcome::Done);
    stage.end_of(job(&outcomes[1]));
    assert_eq!(stage.account().members(&list), ["bob@x.example"]);
    assert!(stage.account().contacts().with("ana@x.example").is_some(), "she stays a contact");

    let unknown = "ffffffff-0000-4000-8000-000000000000";
    let fault = stage.members(unknown, vec![joins("ana@x.example")]).unwrap_err();
    assert_eq!(fault.code, FaultCode::NotFound);
}
