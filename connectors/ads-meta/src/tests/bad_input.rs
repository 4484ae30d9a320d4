//! What goes wrong at Meta, and how it is told.

use doubles::meta::Trouble;
use liaison_sdk::testing::{Exchange, Script};
use liaison_sdk::{
    Audience, Call, Connector, ContainerWish, Fault, FaultCode, MemberOutcome, MemberRequest,
};
use serde_json::json;

use super::{Stage, URL, joins, leaves, outcomes};
use crate::Meta;

fn members() -> MemberRequest {
    MemberRequest { container: "7".to_owned(), members: vec![joins("a@x.example")], session: None }
}

/// The faults of a check, of ensuring and of a write, each of which meets the trouble.
fn faults(trouble: Trouble) -> [Fault; 3] {
    let stage = Stage::new();
    let key = stage.ensure("Customers").key;
    let fail = || stage.account().fail("", trouble);
    fail();
    let check = stage.run(Meta::check).unwrap_err();
    fail();
    let wish = ContainerWish::titled("Customers");
    let ensure = stage.run(|call| Meta::ensure_container(call, &wish)).unwrap_err();
    fail();
    let write = stage.write(&key, vec![joins("a@x.example")], None).unwrap_err();
    [check, ensure, write]
}

#[test]
fn a_wrong_or_expired_token_is_told_by_every_call() {
    for fault in faults(Trouble::Expired) {
        assert_eq!((fault.code, fault.arg("vendor-code")), (FaultCode::Auth, Some("190/463")));
    }
}

#[test]
fn a_missing_proof_of_the_apps_secret_is_named() {
    let stage = Stage::new();
    stage.account().asks_for_proof = true;
    let fault = stage.run(Meta::check).unwrap_err();
    assert_eq!((fault.code, &*fault.place), (FaultCode::Auth, "credentials.token.app_secret"));
}

#[test]
fn a_missing_permission_and_missing_terms_are_named() {
    for fault in faults(Trouble::NoPermission) {
        assert_eq!(fault.code, FaultCode::Permission);
        assert!(fault.arg("vendor-message").unwrap().contains("ads_management"));
    }
    for fault in faults(Trouble::NoTerms) {
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Permission, "terms-of-service"));
    }
}

#[test]
fn a_limit_says_when_it_ends() {
    for code in [4, 17, 32, 613, 80_003] {
        for fault in faults(Trouble::TooFast(code, 19)) {
            assert_eq!(fault.code, FaultCode::RateLimited(Some(1_140)), "{code}");
        }
    }
    assert_eq!(faults(Trouble::TooFast(17, 0))[0].code, FaultCode::RateLimited(Some(60)));
    // While something is left a call goes well, and still tells.
    let answer = json!({"num_received": 1, "num_invalid_entries": 0});
    let ask = Exchange::new("POST", format!("{URL}/v26.0/7/users")).credential("token");
    let ask = ask
        .reply_json(200, answer)
        .reply_header("x-ad-account-usage", r#"{"acc_id_util_pct":100,"reset_time_duration":90}"#);
    let call = Call::with_settings(json!({"url": URL, "account": "1"}));
    let script = Script::new().exchange(ask);
    let report = script.run(|| Meta::write_members(&call, &members())).unwrap();
    let rate = &report.hints.rates[0];
    assert_eq!((rate.remaining, rate.reset_after_seconds), (Some(0), Some(90)));
}

#[test]
fn a_blocked_audience_is_told_as_such() {
    for fault in faults(Trouble::Blocked) {
        assert_eq!(fault.code, FaultCode::Blocked);
    }
}

#[test]
fn pages_and_halves_in_place_of_json_are_told_from_answers() {
    for trouble in [Trouble::Page(200), Trouble::BreaksOff] {
        let [check, ensure, write] = faults(trouble);
        assert_eq!((check.code, ensure.code), (FaultCode::SchemaDrift, FaultCode::SchemaDrift));
        // After a write nobody knows what was behind it.
        assert_eq!(write.code, FaultCode::Timeout, "{trouble:?}");
    }
    assert_eq!(faults(Trouble::Page(200))[0].arg("content-type"), Some("text/html"));
}

#[test]
fn a_failure_while_writing_is_not_taken_for_not_written() {
    for (trouble, read, written) in [
        (Trouble::OutOfOrder, FaultCode::Transient, FaultCode::Timeout),
        (Trouble::NoAnswer, FaultCode::Transient, FaultCode::Timeout),
        (Trouble::Page(502), FaultCode::Transient, FaultCode::Timeout),
        (Trouble::Page(503), FaultCode::Transient, FaultCode::Transient),
    ] {
        let [check, _, write] = faults(trouble);
        assert_eq!((check.code, write.code), (read, written), "{trouble:?}");
    }
    // An audience whose making nobody heard of is found by its name.
    let stage = Stage::new();
    let wish = ContainerWish::titled("Customers");
    let ensure = || stage.run(|call| Meta::ensure_container(call, &wish));
    stage.account().fail("POST ", Trouble::NoAnswer);
    assert_eq!(ensure().unwrap_err().code, FaultCode::Timeout);
    ensure().unwrap();
    assert_eq!(stage.account().names(), ["Customers"]);
}

#[test]
fn a_part_that_fails_leaves_the_other_as_it_was() {
    for (trouble, expected) in [
        (Trouble::TooFast(17, 2), MemberOutcome::Retry(Some(120))),
        (Trouble::Page(503), MemberOutcome::Retry(None)),
        (Trouble::NoAnswer, MemberOutcome::Unknown),
    ] {
        let stage = Stage::new();
        let key = stage.ensure("Customers").key;
        stage.change(&key, vec![joins("old@x.example")]);
        // Who leaves goes first, and well; who joins does not.
        stage.account().fail("POST ", trouble);
        let members = vec![joins("new@x.example"), leaves("old@x.example")];
        let report = stage.write(&key, members, None).unwrap();
        assert_eq!(outcomes(report), [expected, MemberOutcome::Done], "{trouble:?}");
    }
}

#[test]
fn too_many_members_are_refused_before_anything_is_sent() {
    let stage = Stage::new();
    let key = stage.ensure("Customers").key;
    let many = |count: usize| (0..count).map(|n| joins(&format!("p{n}@x.example"))).collect();
    let asked = stage.asked().len();
    let fault = stage.write(&key, many(10_001), None).unwrap_err();
    assert_eq!((fault.code, fault.arg("items-max")), (FaultCode::Rejected, Some("10000")));
    assert_eq!(stage.asked().len(), asked);
    let found = stage.change(&key, many(10_000));
    assert!(found.iter().all(|outcome| *outcome == MemberOutcome::Done));
    assert_eq!(stage.account().people(&key).len(), 10_000);
    assert_eq!(stage.ensure("Customers").size, Some(10_000));
}

#[test]
fn a_container_that_is_gone_is_not_found() {
    let stage = Stage::new();
    let other = stage.account().make("Like customers", "LOOKALIKE");
    for key in ["7", "", "me", "../7", other.as_str()] {
        let fault = stage.write(key, vec![joins("a@x.example")], None).unwrap_err();
        assert_eq!(fault.code, FaultCode::NotFound, "{key}");
    }
}

#[test]
fn a_wrong_setting_is_named() {
    for (settings, place) in [
        (json!({"url": "", "account": "1"}), "settings.url"),
        (json!({"url": "https://x/path", "account": "1"}), "settings.url"),
        (json!({"url": URL, "account": "act_1"}), "settings.account"),
        (json!({"url": URL, "account": ""}), "settings.account"),
        (json!({"url": URL}), "settings"),
        (json!({"url": URL, "account": "1", "source": "friends"}), "settings"),
        (json!({"url": URL, "account": "1", "pixel": "2"}), "settings"),
    ] {
        let call = Call::with_settings(settings.clone());
        let fault = Script::new().run(|| Meta::check(&call)).unwrap_err();
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Config, place), "{settings}");
    }
    // Another server, another account.
    let call = Call::with_settings(json!({"url": URL, "account": "1"}));
    let path = format!("{URL}/v26.0/act_1/customaudiences?fields=id&limit=1");
    let ask = || Exchange::new("GET", path.clone()).credential("token");
    let missing = json!({"error": {"code": 100, "error_subcode": 33, "message": "m"}});
    for (exchange, place) in [
        (ask().reply(404, "<html>not here</html>"), "settings.url"),
        (ask().reply(301, "").reply_header("location", "https://elsewhere"), "settings.url"),
        (ask().reply_json(400, missing), "settings.account"),
    ] {
        let fault = Script::new().exchange(exchange).run(|| Meta::check(&call)).unwrap_err();
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Config, place));
    }
}

#[test]
fn transport_faults_are_told() {
    let call = Call::with_settings(json!({"url": URL, "account": "1"}));
    let ask = || Exchange::new("POST", format!("{URL}/v26.0/7/users")).credential("token");
    for (exchange, code) in [
        (ask().times_out(), FaultCode::Timeout),
        (ask().fails_to_connect(), FaultCode::Unreachable),
        (ask().is_denied(), FaultCode::HostDenied),
        (ask().reply_json(200, json!({"num_received": "many"})), FaultCode::Timeout),
    ] {
        let script = Script::new().exchange(exchange);
        let fault = script.run(|| Meta::write_members(&call, &members())).unwrap_err();
        assert_eq!(fault.code, code);
    }
}
