//! What goes wrong, and what an administrator hears of it.

use liaison_sdk::{Connector, ContainerWish, FaultCode, MemberOutcome, ReadRequest, Source};

use super::*;

#[test]
fn wrong_settings_are_named_by_their_place() {
    type Change = fn(&mut Value);
    let adobes: [(&str, Change); 12] = [
        ("settings", |s| s["formt"] = json!(1)),
        ("settings.folder", |s| drop(s.as_object_mut().unwrap().remove("folder"))),
        ("settings.liveramp", |s| s["liveramp"] = json!({ "name": "x" })),
        ("settings.segments", |s| drop(s.as_object_mut().unwrap().remove("audience_manager"))),
        ("settings.segments.Regulars", |s| s["segments"]["Regulars"] = json!("REGULARS")),
        ("settings.segments.Regulars", |s| s["segments"]["Regulars"] = json!("678")),
        ("settings.identifiers", |s| s["identifiers"] = json!([])),
        ("settings.identifiers", |s| s["identifiers"] = json!(["email", "idfa"])),
        ("settings.identifiers", |s| s["identifiers"] = json!(["phone"])),
        ("settings.audience_manager", |s| s["identifiers"] = json!(["idfa"])),
        ("settings.audience_manager", |s| s["audience_manager"] = json!({})),
        ("settings.audience_manager", |s| s["audience_manager"]["target"] = json!("../x")),
    ];
    let liveramps: [(&str, Change); 5] = [
        ("settings.identifiers", |s| s["identifiers"] = json!(["gaid"])),
        ("settings.identifiers", |s| s["identifiers"] = json!(["email", "email"])),
        ("settings.liveramp.name", |s| s["liveramp"]["name"] = json!("a/b")),
        ("settings.segments.Regulars", |s| s["segments"]["Regulars"] = json!("A B")),
        ("settings.split_bytes", |s| s["split_bytes"] = json!(1)),
    ];
    let streams: [(&str, Change); 5] = [
        ("settings.streams.members", |s| s["streams"]["members"] = stream()),
        ("settings.streams.x.delimiter", |s| s["streams"]["x"]["delimiter"] = json!("\"")),
        ("settings.streams.x.time_to_live_days", |s| {
            s["streams"]["x"]["time_to_live_days"] = json!(0);
        }),
        ("settings.streams.x.key", |s| s["streams"]["x"]["key"] = json!("")),
        ("settings", |s| s["streams"] = json!({})),
    ];
    let of_streams = json!({ "streams": { "x": stream() } });
    let cases = adobes.iter().map(|case| (adobe(), case));
    let cases = cases.chain(liveramps.iter().map(|case| (liveramp(), case)));
    for (settings, (place, change)) in
        cases.chain(streams.iter().map(|case| (of_streams.clone(), case)))
    {
        let call = Call::with_settings(with(settings, change));
        let fault = script().run(|| AudienceFiles::discover(&call)).unwrap_err();
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Config, *place), "{fault}");
    }
}

fn stream() -> Value {
    json!({ "folder": "in", "files": "*.csv", "key": "id" })
}

/// The others are written.
#[test]
fn a_person_whom_nothing_finds_is_refused_alone() {
    type Identities = &'static [(&'static str, &'static str)];
    let cases: [(Value, Identities, FaultCode, &str); 7] = [
        (adobe(), &[("email", "nobody")], FaultCode::Rejected, "email"),
        (adobe(), &[("email_sha256", "abc")], FaultCode::Rejected, "email_sha256"),
        (adobe(), &[], FaultCode::Rejected, "email, email_sha256"),
        (adobe(), &[("phone", "+33612345678")], FaultCode::NotSupported, "phone"),
        (liveramp(), &[("phone", "+33612345678")], FaultCode::Rejected, "phone"),
        (liveramp(), &[("customer_id", "a\tb")], FaultCode::Rejected, "customer_id"),
        (liveramp(), &[("customer_id", "a%3ab")], FaultCode::Rejected, "customer_id"),
    ];
    for (settings, identities, code, place) in cases {
        let segment = if settings["liveramp"].is_null() { "12345" } else { "REGULARS" };
        script().run(|| {
            let odd = Member::new(MemberChange::Add, identities.iter().copied());
            let outcomes = write(&settings, segment, vec![odd.clone(), joins("ana@x.example")]);
            let [MemberOutcome::Rejected(fault), MemberOutcome::Done] = outcomes.as_slice() else {
                panic!("{outcomes:?}")
            };
            assert_eq!((fault.code, fault.place.as_str()), (code, place));
            let value = identities.first().map_or("?", |(_, value)| *value);
            assert!(!fault.to_string().contains(value), "a customer's value: {fault}");
            assert_eq!(shown("out").len(), 1);
            assert!(matches!(
                write(&settings, segment, vec![odd])[..],
                [MemberOutcome::Rejected(_)]
            ));
            assert_eq!(shown("out").len(), 1, "a file with nobody in it");
        });
    }
}

#[test]
fn what_is_not_there_is_told_from_what_cannot_be() {
    script().run(|| {
        let call = Call::with_settings(adobe());
        let unknown = ask(&adobe(), "999", vec![joins("ana@x.example")], None).unwrap_err();
        assert_eq!(unknown.code, FaultCode::NotFound);
        let titled = AudienceFiles::ensure_container(&call, &ContainerWish::titled("New"));
        let fault = titled.unwrap_err();
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Config, "title"));
        let unknown = AudienceFiles::read(&call, &ReadRequest::start("other")).unwrap_err();
        assert_eq!(unknown.code, FaultCode::NotFound);
        let only_in = Call::with_settings(json!({ "streams": { "x": stream() } }));
        let fault = AudienceFiles::containers(&only_in, None).unwrap_err();
        assert_eq!(fault.code, FaultCode::NotSupported);
        let many = vec![joins("ana@x.example"); 10_001];
        assert_eq!(ask(&adobe(), "678", many, None).unwrap_err().code, FaultCode::Rejected);
    });
    Script::new().now(now()).run(|| {
        let fault = ask(&adobe(), "678", vec![joins("ana@x.example")], None).unwrap_err();
        assert_eq!(fault.code, FaultCode::HostDenied);
        let check = AudienceFiles::check(&Call::with_settings(adobe())).unwrap_err();
        assert_eq!(check.code, FaultCode::HostDenied);
    });
}
