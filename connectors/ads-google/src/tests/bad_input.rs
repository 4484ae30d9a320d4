//! What goes wrong at Google, and how it is told.

use doubles::google::Trouble;
use liaison_sdk::testing::{Exchange, Script};
use liaison_sdk::{
    Audience, Call, Connector, ContainerWish, Destination, Fault, FaultCode, MemberOutcome,
    MemberRequest,
};
use serde_json::json;

use super::{Stage, URL, joins, leaves};
use crate::Google;

/// The faults of a check, of ensuring, of a write and of a question for a job, each of
/// which meets the trouble.
fn faults(trouble: Trouble) -> [Fault; 4] {
    let stage = Stage::new();
    let list = stage.ensure("Customers").key;
    let fail = || stage.account().fail("", trouble);
    fail();
    let check = stage.run(Google::check).unwrap_err();
    fail();
    let wish = ContainerWish::titled("Customers");
    let ensure = stage.run(|call| Google::ensure_container(call, &wish)).unwrap_err();
    fail();
    let write = stage.try_write(&list, vec![joins("a@x.example")]).unwrap_err();
    let taken = stage.write(&list, vec![joins("a@x.example")]);
    let MemberOutcome::Accepted(job) = &taken[0] else { panic!("{taken:?}") };
    fail();
    let poll = stage.run(|call| Google::poll_job(call, job)).unwrap_err();
    [check, ensure, write, poll]
}

#[test]
fn an_expired_token_is_told_by_every_call() {
    for fault in faults(Trouble::Expired) {
        assert_eq!(fault.code, FaultCode::Auth);
        assert_eq!(fault.arg("vendor-code"), Some("ACCESS_TOKEN_EXPIRED"));
    }
}

#[test]
fn a_missing_permission_and_missing_terms_are_named() {
    for fault in faults(Trouble::NoPermission) {
        assert_eq!(fault.code, FaultCode::Permission);
    }
    for fault in faults(Trouble::NoTerms) {
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Permission, "terms-of-service"));
    }
}

#[test]
fn limits_and_quotas_say_when_they_renew() {
    for fault in faults(Trouble::TooFast(29)) {
        assert_eq!(fault.code, FaultCode::RateLimited(Some(29)));
    }
    for fault in faults(Trouble::QuotaGone) {
        assert_eq!(fault.code, FaultCode::QuotaExhausted(None));
    }
}

#[test]
fn pages_and_halves_in_place_of_json_are_told_from_answers() {
    for trouble in [Trouble::Page(200), Trouble::BreaksOff] {
        let [check, ensure, write, poll] = faults(trouble);
        for fault in [check, ensure, poll] {
            assert_eq!(fault.code, FaultCode::SchemaDrift, "{trouble:?}");
        }
        // After a write nobody knows what was behind it.
        assert_eq!(write.code, FaultCode::Timeout, "{trouble:?}");
    }
    assert_eq!(faults(Trouble::Page(200))[0].arg("content-type"), Some("text/html"));
}

#[test]
pub fn a_failure_while_writing_is_not_taken_for_not_written() {
    for (trouble, read, written) in [
        (Trouble::OutOfOrder, FaultCode::Transient, FaultCode::Timeout),
        (Trouble::NoAnswer, FaultCode::Transient, FaultCode::Timeout),
        (Trouble::Page(503), FaultCode::Transient, FaultCode::Transient),
    ] {
        let [check, _, write, _] = faults(trouble);
        assert_eq!((check.code, write.code), (read, written), "{trouble:?}");
    }
    // A list whose making nobody heard of is found by its name.
    let stage = Stage::new();
    let wish = ContainerWish::titled("Customers");
    let ensure = || stage.run(|call| Google::ensure_container(call, &wish));
    stage.account().fail("POST ", Trouble::NoAnswer);
    assert_eq!(ensure().unwrap_err().code, FaultCode::Timeout);
    ensure().unwrap();
    assert_eq!(stage.account().names(), ["Customers"]);
}

#[test]
fn a_part_that_fails_leaves_the_other_as_it_was() {
    for (trouble, expected) in [
        (Trouble::TooFast(7), MemberOutcome::Retry(Some(7))),
        (Trouble::Page(503), MemberOutcome::Retry(None)),
        (Trouble::NoAnswer, MemberOutcome::Unknown),
    ] {
        let stage = Stage::new();
        let list = stage.ensure("Customers").key;
        stage.account().fail("audienceMembers:ingest", trouble);
        let found = stage.write(&list, vec![joins("new@x.example"), leaves("old@x.example")]);
        assert_eq!(found[0], expected, "{trouble:?}");
        assert!(matches!(found[1], MemberOutcome::Accepted(_)), "{found:?}");
    }
}

#[test]
fn too_many_members_are_refused_before_anything_is_sent() {
    let stage = Stage::new();
    let list = stage.ensure("Customers").key;
    let many = |count: usize| (0..count).map(|n| joins(&format!("p{n}@x.example"))).collect();
    let fault = stage.try_write(&list, many(10_001)).unwrap_err();
    assert_eq!((fault.code, fault.arg("items-max")), (FaultCode::Rejected, Some("10000")));
    assert!(stage.bodies("/v1/audienceMembers:ingest").is_empty());
    stage.write(&list, many(10_000));
    stage.account().work(0);
    assert_eq!(stage.account().people(&list).len(), 10_000);
}

#[test]
fn a_list_that_is_gone_is_not_found() {
    let stage = Stage::new();
    for key in ["7", "", "me", "../7"] {
        let fault = stage.try_write(key, vec![joins("a@x.example")]).unwrap_err();
        assert_eq!(fault.code, FaultCode::NotFound, "{key}");
    }
}

#[test]
fn a_wrong_setting_is_named() {
    let good = || json!({"url": URL, "login_url": "https://oauth2.test", "account": "1"});
    for (name, value, place) in [
        ("url", json!(""), "settings.url"),
        ("login_url", json!("https://x/token"), "settings.login_url"),
        ("account", json!("123-456-7890"), "settings.account"),
        ("login_account", json!("me"), "settings.login_account"),
        ("developer_token", json!("x"), "settings"),
    ] {
        let mut settings = good();
        settings[name] = value;
        let call = Call::with_settings(settings);
        let fault = Script::new().run(|| Google::check(&call)).unwrap_err();
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Config, place), "{name}");
    }
    // Another server, another account.
    let call = Call::with_settings(good());
    let path = format!("{URL}/v1/accountTypes/GOOGLE_ADS/accounts/1/userLists?pageSize=1");
    let ask = || Exchange::new("GET", path.clone()).credential("google");
    let missing = json!({"error": {"status": "NOT_FOUND", "message": "m"}});
    for (exchange, place) in [
        (ask().reply(404, "<html>not here</html>"), "settings.url"),
        (ask().reply_json(404, missing), "settings.account"),
    ] {
        let fault = Script::new().exchange(exchange).run(|| Google::check(&call)).unwrap_err();
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Config, place));
    }
}

#[test]
fn transport_faults_are_told() {
    let settings = json!({"url": URL, "login_url": "https://oauth2.test", "account": "1"});
    let call = Call::with_settings(settings);
    let ask =
        || Exchange::new("POST", format!("{URL}/v1/audienceMembers:ingest")).credential("google");
    let members = vec![joins("a@x.example")];
    let request = MemberRequest { container: "7".to_owned(), members, session: None };
    for (exchange, code) in [
        (ask().times_out(), FaultCode::Timeout),
        (ask().fails_to_connect(), FaultCode::Unreachable),
        (ask().is_denied(), FaultCode::HostDenied),
        // Taken in, and without a number nobody can ask what became of it.
        (ask().reply_json(200, json!({})), FaultCode::Timeout),
    ] {
        let script = Script::new().exchange(exchange);
        let fault = script.run(|| Google::write_members(&call, &request)).unwrap_err();
        assert_eq!(fault.code, code);
    }
}
