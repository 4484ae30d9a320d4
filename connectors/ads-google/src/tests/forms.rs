//! Everything that the other tests send, read by Google's own messages: a field, a word
//! or a type that they do not have is refused there, whatever our account thinks of it.

use std::cell::RefCell;

use doubles::google::proto;
use doubles::http::Request;
use serde_json::{Map, Value, json};
use xtask::oracles::Oracle;

use super::{bad_input, containers, conversions, people};

thread_local! {
    static SEEN: RefCell<Vec<Request>> = RefCell::default();
}

/// Keeps a request for [`every_request_is_one_of_googles_messages`].
pub fn witness(request: &Request) {
    SEEN.with_borrow_mut(|seen| seen.push(request.clone()));
}

fn question((message, body): (&str, Value)) -> Map<String, Value> {
    Map::from_iter([("message".to_owned(), message.into()), ("body".to_owned(), body)])
}

/// Why each is none of Google's messages.
fn refusals(questions: &[Map<String, Value>]) -> Vec<Option<String>> {
    let answers = Oracle::GoogleMessages.ask(questions).unwrap();
    assert_eq!(answers.len(), questions.len());
    answers.iter().map(|answer| answer["refused"].as_str().map(str::to_owned)).collect()
}

/// The tests that talk to the account, in this thread.
fn send_everything() {
    people::people_are_taken_in_and_join_and_leave_later();
    people::a_job_tells_counts_and_never_who();
    people::everything_that_is_known_of_a_person_is_sent_in_googles_form();
    people::consents_go_along_and_who_refused_is_not_sent();
    people::a_connection_to_a_sandbox_only_validates();
    people::who_cannot_be_matched_is_refused_alone_and_by_name();
    containers::a_list_is_made_once();
    containers::lists_are_listed_page_by_page();
    containers::nothing_but_a_list_of_people_is_deleted();
    containers::access_may_go_through_a_manager();
    conversions::a_conversion_is_sent_in_googles_form_to_the_last_digit();
    conversions::each_action_is_a_request_of_its_own();
    conversions::consents_go_along_and_who_refused_is_not_sent();
    bad_input::a_failure_while_writing_is_not_taken_for_not_written();
}

#[test]
fn every_request_is_one_of_googles_messages() {
    if let Err(missing) = Oracle::GoogleMessages.ready() {
        return missing.skip("ads-google: every_request_is_one_of_googles_messages");
    }
    send_everything();
    let seen = SEEN.take();
    let sent: Vec<_> = seen.iter().map(|it| proto::message_of(it).unwrap()).collect();
    for kind in [
        "IngestAudienceMembersRequest",
        "RemoveAudienceMembersRequest",
        "IngestEventsRequest",
        "RetrieveRequestStatusRequest",
        "UserList",
        "ListUserListsRequest",
        "GetUserListRequest",
        "DeleteUserListRequest",
    ] {
        assert!(sent.iter().any(|(message, _)| *message == kind), "{kind} was not sent");
    }
    let questions: Vec<_> = sent.into_iter().map(question).collect();
    for (question, refusal) in questions.iter().zip(refusals(&questions)) {
        assert_eq!(refusal, None, "{}", Value::Object(question.clone()));
    }
}

#[test]
fn what_is_none_of_googles_messages_is_refused() {
    if let Err(missing) = Oracle::GoogleMessages.ready() {
        return missing.skip("ads-google: what_is_none_of_googles_messages_is_refused");
    }
    let good = || {
        json!({
            "destinations": [{"productDestinationId": "2"}],
            "audienceMembers": [{"userData": {"userIdentifiers": [{"emailAddress": "00"}]}}],
            "encoding": "HEX",
        })
    };
    let wrong = [
        ("/encoding", json!("HEXADECIMAL")),
        ("/destinations", json!({})),
        ("/destinations/0", json!({"product_destination": "2"})),
        ("/audienceMembers/0/userData/userIdentifiers/0", json!({"emailAddress": 7})),
        ("/audienceMembers/0/userData/userIdentifiers/0", json!({"phone": "00"})),
    ];
    let wrong = wrong.map(|(pointer, value)| {
        let mut body = good();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    });
    let bodies = std::iter::once(good()).chain(wrong);
    let questions: Vec<_> =
        bodies.map(|body| question(("IngestAudienceMembersRequest", body))).collect();
    let refusals = refusals(&questions);
    assert_eq!(refusals[0], None);
    assert!(refusals[1..].iter().all(Option::is_some), "{refusals:?}");
}
