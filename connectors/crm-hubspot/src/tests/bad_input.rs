//! What goes wrong at the vendor, and how it is told.

use liaison_sdk::testing::{Exchange, Script};
use liaison_sdk::{
    Call, Connector, Destination, Fault, FaultCode, Outcome, ReadRequest, Source, WriteRequest,
};
use serde_json::{Value, json};

use super::{Stage, URL, create, rejected, update};
use crate::HubSpot;
use doubles::hubspot::Trouble;

fn contacts() -> ReadRequest {
    ReadRequest { fields: vec!["email".into()], ..ReadRequest::start("contacts") }
}

fn properties() -> Exchange {
    let email = json!({"results": [{"name": "email", "type": "string", "fieldType": "text"}]});
    Exchange::new("GET", format!("{URL}/crm/properties/2026-03/contacts"))
        .credential("token")
        .reply_json(200, email)
}

fn list() -> Exchange {
    let query =
        "limit=100&archived=false&properties=email%2Chs_merged_object_ids%2Clastmodifieddate";
    Exchange::new("GET", format!("{URL}/crm/objects/2026-03/contacts?{query}")).credential("token")
}

fn fault_of(exchange: Exchange) -> Fault {
    let call = Call::with_settings(json!({"url": URL}));
    let script = Script::new().exchange(properties()).exchange(exchange);
    script.run(|| HubSpot::read(&call, &contacts())).unwrap_err()
}

#[test]
fn an_expired_token_is_told_by_check_read_and_write() {
    let stage = Stage::new();
    let fail = || stage.account().fail("properties", Trouble::Expired);
    fail();
    assert_eq!(stage.run(HubSpot::check).unwrap_err().code, FaultCode::Auth);
    fail();
    let fault = stage.read(&contacts()).unwrap_err();
    assert_eq!(
        (fault.code, fault.arg("vendor-code")),
        (FaultCode::Auth, Some("INVALID_AUTHENTICATION"))
    );
    fail();
    let written = stage.try_write("contacts", vec![create(json!({"email": "a@x.example"}))]);
    assert_eq!(written.unwrap_err().code, FaultCode::Auth);
}

#[test]
fn a_missing_scope_is_named_where_it_is_missing_and_nowhere_else() {
    let stage = Stage::new();
    stage.account().withdraw("crm.objects.deals.read");
    stage.account().withdraw("communication_preferences.read");
    stage.run(|call| HubSpot::check(call).unwrap());
    let streams = stage.run(|call| HubSpot::discover(call).unwrap());
    let deals = streams.iter().find(|stream| stream.name() == "deals").unwrap();
    assert_eq!((deals.fields().len(), &deals.schema()["additionalProperties"]), (0, &json!(true)));
    stage.read(&contacts()).unwrap();
    let fault = stage.read(&ReadRequest::start("deals")).unwrap_err();
    assert_eq!(
        (fault.code, fault.place.as_str()),
        (FaultCode::Permission, "crm.objects.deals.read")
    );

    stage.account().withdraw("crm.objects.contacts.write");
    let written = stage.try_write("contacts", vec![create(json!({"email": "a@x.example"}))]);
    assert_eq!(written.unwrap_err().place, "crm.objects.contacts.write");
    for scope in ["crm.objects.contacts.read", "crm.objects.companies.read"] {
        stage.account().withdraw(scope);
    }
    assert_eq!(stage.run(HubSpot::check).unwrap_err().code, FaultCode::Permission);
}

#[test]
fn a_renamed_property_empties_no_field() {
    let stage = Stage::new();
    stage.account().define("contacts", "shoe_size", "number", "number", json!({}));
    let id = stage.account().enter("contacts", &json!({"shoe_size": "42"}));
    let request = ReadRequest { fields: vec!["shoe_size".into()], ..contacts() };
    stage.read(&request).unwrap();
    stage.account().clock.pass(60_000);
    stage.account().undefine("contacts", "shoe_size");
    let fault = stage.read(&request).unwrap_err();
    assert_eq!((fault.code, fault.place.as_str()), (FaultCode::SchemaDrift, "shoe_size"));
    let outcomes = stage.write("contacts", vec![update(&id, json!({"shoe_size": 43}))]);
    assert_eq!(rejected(&outcomes[0]).arg("reason"), Some("unknown-field"));
}

#[test]
fn a_value_that_is_too_large_is_refused_by_name() {
    let stage = Stage::new();
    let large = "x".repeat(70_000);
    let outcomes = stage.write("contacts", vec![create(json!({"lastname": large}))]);
    let fault = rejected(&outcomes[0]);
    assert_eq!(
        (fault.place.as_str(), fault.arg("vendor-code")),
        ("lastname", Some("PROPERTY_VALUE_TOO_LONG"))
    );

    // A proxy in front refuses the whole request, with a page.
    let call = Call::with_settings(json!({"url": URL}));
    let path = format!("{URL}/crm/objects/2026-03/contacts/batch/create");
    let refuse = || Exchange::new("POST", path.clone()).credential("token").reply(413, "<html>");
    let script = Script::new().exchange(properties()).exchange(refuse());
    // Then it is looked for who has the address already.
    let read = format!("{URL}/crm/objects/2026-03/contacts/batch/read");
    let nobody = json!({"results": []});
    let script =
        script.exchange(Exchange::new("POST", read).credential("token").reply_json(200, nobody));
    let items = vec![create(json!({"email": "a@x.example"}))];
    let request = WriteRequest { stream: "contacts".into(), items, dry_run: false };
    let report = script.run(|| HubSpot::write(&call, &request)).unwrap();
    let liaison_sdk::Verdict::Items(outcomes) = report.verdict else { panic!("no items") };
    assert_eq!(rejected(&outcomes[0]).arg("reason"), Some("too-large"));
}

#[test]
fn a_record_deleted_underneath_is_a_conflict() {
    let stage = Stage::new();
    let id = stage.account().enter("contacts", &json!({"email": "a@x.example"}));
    stage.account().delete("contacts", &id);
    let outcomes = stage.write("contacts", vec![update(&id, json!({"lastname": "L"}))]);
    assert_eq!(outcomes, [Outcome::Conflict]);
}

#[test]
fn limits_and_quotas_say_when_they_renew() {
    let stage = Stage::new();
    for (trouble, code) in [
        (Trouble::TooFast, FaultCode::RateLimited(Some(10))),
        (Trouble::QuotaGone(7_200), FaultCode::QuotaExhausted(Some(7_200))),
        (Trouble::Locked, FaultCode::RateLimited(Some(2))),
        (Trouble::Page(502), FaultCode::Transient),
        (Trouble::Page(503), FaultCode::Transient),
    ] {
        stage.account().fail("crm/objects", trouble);
        assert_eq!(stage.read(&contacts()).unwrap_err().code, code, "{trouble:?}");
    }
}

#[test]
fn pages_and_halves_in_place_of_json_are_told_from_data() {
    let stage = Stage::new();
    for trouble in [Trouble::Page(200), Trouble::BreaksOff] {
        stage.account().fail("crm/objects", trouble);
        let fault = stage.read(&contacts()).unwrap_err();
        assert_eq!(fault.code, FaultCode::SchemaDrift, "{trouble:?}");
        // After a write nobody knows what was behind it.
        stage.account().fail("batch/create", trouble);
        let items = vec![create(json!({"lastname": "L"}))];
        assert_eq!(stage.write("contacts", items), [Outcome::Unknown], "{trouble:?}");
    }
    stage.account().fail("crm/objects", Trouble::Page(200));
    let fault = stage.read(&contacts()).unwrap_err();
    assert_eq!(fault.arg("content-type"), Some("text/html"));
}

#[test]
fn a_wrong_address_is_a_setting_to_mend() {
    let moved = fault_of(list().reply(301, "").reply_header("location", "https://elsewhere"));
    assert_eq!((moved.code, moved.place.as_str()), (FaultCode::Config, "settings.url"));
    let page = fault_of(list().reply(404, "<html>not here</html>"));
    assert_eq!((page.code, page.place.as_str()), (FaultCode::Config, "settings.url"));
    for url in ["", "hubspot", "ftp://x", "https://x/path", "https://x?q"] {
        let call = Call::with_settings(json!({"url": url}));
        let fault = Script::new().run(|| HubSpot::check(&call)).unwrap_err();
        assert_eq!(fault.code, FaultCode::Config, "{url}");
    }
    let call = Call::with_settings(json!({"url": URL, "shedule": 1}));
    assert_eq!(Script::new().run(|| HubSpot::check(&call)).unwrap_err().code, FaultCode::Config);
}

#[test]
fn transport_faults_are_told() {
    assert_eq!(fault_of(list().times_out()).code, FaultCode::Timeout);
    assert_eq!(fault_of(list().fails_to_connect()).code, FaultCode::Unreachable);
    assert_eq!(fault_of(list().is_denied()).code, FaultCode::HostDenied);
    assert_eq!(
        fault_of(list().reply_json(200, json!({"results": "none"}))).code,
        FaultCode::SchemaDrift
    );
    let endless: Value = json!({"results": [], "paging": {"next": {"after": "5"}}});
    let call = Call::with_settings(json!({"url": URL}));
    let first =
        Script::new().exchange(properties()).exchange(list().reply_json(200, endless.clone()));
    let page = first.run(|| HubSpot::read(&call, &contacts())).unwrap();
    let again = Exchange::new(
        "GET",
        format!(
            "{URL}/crm/objects/2026-03/contacts?limit=100&archived=false&properties=email%2Chs_merged_object_ids%2Clastmodifieddate&after=5"
        ),
    );
    let again = Script::new()
        .exchange(properties())
        .exchange(again.credential("token").reply_json(200, endless));
    let fault = again.run(|| HubSpot::read(&call, &contacts().after(&page))).unwrap_err();
    assert_eq!(fault.code, FaultCode::SchemaDrift);
}

#[test]
fn a_deprecation_is_passed_on() {
    let call = Call::with_settings(json!({"url": URL}));
    let told = list()
        .reply_json(200, json!({"results": []}))
        .reply_header("Sunset", "Thu, 30 Sep 2027 00:00:00 GMT");
    let script = Script::new().exchange(properties()).exchange(told);
    let page = script.run(|| HubSpot::read(&call, &contacts())).unwrap();
    assert_eq!(page.hints.notices[0].topic, "sunset");
}
