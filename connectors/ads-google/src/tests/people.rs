//! Who joins, who leaves, and what became of it.

use liaison_sdk::hash::{Kind, Profile};
use liaison_sdk::{
    Audience, Consent, Destination, Environment, FaultCode, JobState, Member, MemberChange,
    MemberOutcome, MemberRequest, ReplaceSession, Report, Verdict,
};
use serde_json::json;

use super::{Stage, joins, leaves};
use crate::Google;

fn hashed(kind: Kind, value: &str) -> String {
    Profile::Google.prepare(kind, value).unwrap()
}

fn email(value: &str) -> String {
    json!({"emailAddress": hashed(Kind::Email, value)}).to_string()
}

fn counts(received: u32, invalid: u32) -> JobState {
    let verdict = Verdict::Aggregate(received, invalid);
    JobState::Done(Report { verdict, hints: Default::default() })
}

#[test]
pub fn people_are_taken_in_and_join_and_leave_later() {
    let stage = Stage::new();
    let list = stage.ensure("Customers").key;
    let taken = stage.write(&list, vec![joins("Ana@x.example"), joins("bob@x.example")]);
    assert_eq!(taken[0], taken[1]);
    assert!(matches!(stage.poll(&taken[0]), JobState::Running(seconds) if seconds > 0));
    assert_eq!(stage.account().people(&list), [""; 0]);
    stage.account().work(0);
    assert_eq!(stage.poll(&taken[0]), counts(2, 0));
    let mut expected = [email("ana@x.example"), email("bob@x.example")];
    expected.sort();
    assert_eq!(stage.account().people(&list), expected);
    // Both at once are two requests: who leaves goes first.
    let taken = stage.write(&list, vec![joins("eve@x.example"), leaves("ana@x.example")]);
    assert_ne!(taken[0], taken[1]);
    stage.account().work(0);
    assert_eq!((stage.poll(&taken[0]), stage.poll(&taken[1])), (counts(1, 0), counts(1, 0)));
    let mut expected = [email("bob@x.example"), email("eve@x.example")];
    expected.sort();
    assert_eq!(stage.account().people(&list), expected);
}

#[test]
pub fn a_job_tells_counts_and_never_who() {
    let stage = Stage::new();
    let list = stage.ensure("Customers").key;
    let many = || (0..3).map(|n| joins(&format!("p{n}@x.example"))).collect::<Vec<_>>();
    let partly = stage.write(&list, many());
    stage.account().work(1);
    assert_eq!(stage.poll(&partly[0]), counts(3, 1));
    let failed = stage.write(&list, many());
    stage.account().work(3);
    let JobState::Failed(fault) = stage.poll(&failed[0]) else { panic!("it did not fail") };
    let reason = "PROCESSING_ERROR_REASON_UNKNOWN_CONSENT (3)";
    assert_eq!((fault.code, fault.arg("vendor-message")), (FaultCode::Rejected, Some(reason)));
    let fault = stage.run(|call| Google::poll_job(call, "126365e1-99")).unwrap_err();
    assert_eq!(fault.code, FaultCode::NotFound);
}

#[test]
pub fn everything_that_is_known_of_a_person_is_sent_in_googles_form() {
    let stage = Stage::new();
    let list = stage.ensure("Customers").key;
    let ana = [
        ("email", "Ana.Dupont+x@Gmail.com"),
        ("email", "second@x.example"),
        ("phone", "+33 6 12 34 56 78"),
        ("first_name", "Anaïs"),
        ("last_name", "Dupont"),
        ("country", "fr"),
        ("postcode", "42000"),
    ];
    let half = [("email", "bob@x.example"), ("first_name", "Bob"), ("last_name", "Dupont")];
    let add = |identities: &[(&'static str, &'static str)]| {
        Member::new(MemberChange::Add, identities.iter().copied())
    };
    stage.write(&list, vec![add(&ana), add(&half)]);
    let sent = &stage.bodies("/v1/audienceMembers:ingest")[0];
    let expected = json!([
        {"emailAddress": hashed(Kind::Email, "anadupont@gmail.com")},
        {"emailAddress": hashed(Kind::Email, "second@x.example")},
        {"phoneNumber": hashed(Kind::Phone, "+33612345678")},
        {"address": {
            "givenName": hashed(Kind::FirstName, "anaïs"),
            "familyName": hashed(Kind::LastName, "dupont"),
            "regionCode": "FR",
            "postalCode": "42000",
        }},
    ]);
    assert_eq!(sent["audienceMembers"][0]["userData"]["userIdentifiers"], expected);
    // An address that lacks a part finds nobody.
    let bob = &sent["audienceMembers"][1]["userData"]["userIdentifiers"];
    assert_eq!(bob.as_array().map(Vec::len), Some(1));
    assert_eq!((&sent["encoding"], &sent["validateOnly"]), (&json!("HEX"), &json!(false)));
    let body = sent.to_string().to_lowercase();
    assert!(!["gmail", "dupont", "612345678"].iter().any(|text| body.contains(text)), "{body}");
    let most: Vec<(String, String)> =
        (0..15).map(|n| ("email".to_owned(), format!("p{n}@x.example"))).collect();
    let most = most.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    stage.write(&list, vec![Member::new(MemberChange::Add, most)]);
    let sent = &stage.bodies("/v1/audienceMembers:ingest")[1];
    let identifiers = &sent["audienceMembers"][0]["userData"]["userIdentifiers"];
    assert_eq!(identifiers.as_array().map(Vec::len), Some(10));
}

#[test]
pub fn consents_go_along_and_who_refused_is_not_sent() {
    let mut stage = Stage::new();
    stage.settings["ad_personalization"] = json!("personalised");
    let list = stage.ensure("Customers").key;
    let with = |given: &[(&str, bool)]| {
        let consents = given.iter().map(|(purpose, granted)| Consent {
            purpose: (*purpose).to_owned(),
            granted: *granted,
            since: "2026-01-01T00:00:00Z".to_owned(),
            source: "form".to_owned(),
        });
        Member { consents: consents.collect(), ..joins("ana@x.example") }
    };
    let members = vec![
        with(&[("advertising", true), ("personalised", true), ("newsletter", false)]),
        with(&[("advertising", true)]),
        with(&[]),
        with(&[("advertising", true), ("personalised", false)]),
    ];
    let found = stage.write(&list, members);
    assert!(matches!(&found[3], MemberOutcome::Rejected(fault) if fault.place == "personalised"));
    let sent = &stage.bodies("/v1/audienceMembers:ingest")[0]["audienceMembers"];
    assert_eq!(sent.as_array().map(Vec::len), Some(3));
    let granted = json!("CONSENT_GRANTED");
    assert_eq!(
        sent[0]["consent"],
        json!({"adUserData": granted.clone(), "adPersonalization": granted.clone()})
    );
    assert_eq!(sent[1]["consent"], json!({"adUserData": granted}));
    assert_eq!(sent[2].get("consent"), None);
    // Who leaves is not asked.
    let leaving = Member { change: MemberChange::Remove, ..with(&[("advertising", false)]) };
    assert!(matches!(stage.write(&list, vec![leaving])[0], MemberOutcome::Accepted(_)));
}

#[test]
pub fn a_connection_to_a_sandbox_only_validates() {
    let mut stage = Stage::new();
    let list = stage.ensure("Customers").key;
    stage.environment = Environment::Sandbox;
    assert_eq!(stage.write(&list, vec![joins("ana@x.example")]), [MemberOutcome::Done]);
    stage.account().work(0);
    assert_eq!(stage.account().people(&list), [""; 0]);
}

#[test]
pub fn who_cannot_be_matched_is_refused_alone_and_by_name() {
    let stage = Stage::new();
    let list = stage.ensure("Customers").key;
    let member = |identities: &[(&'static str, &'static str)]| {
        Member::new(MemberChange::Add, identities.iter().copied())
    };
    let nobody = "email, phone, or first_name, last_name, country and postcode";
    let digest = hashed(Kind::Email, "eve@x.example");
    let cases = [
        (member(&[("email", "nobody")]), "email", FaultCode::Rejected),
        (member(&[("phone", "12")]), "phone", FaultCode::Rejected),
        (member(&[("email_sha256", "eve@x.example")]), "email_sha256", FaultCode::Rejected),
        (member(&[("first_name", "Ana")]), nobody, FaultCode::Rejected),
        (member(&[]), nobody, FaultCode::Rejected),
        (member(&[("external_id", "7")]), "external_id", FaultCode::NotSupported),
    ];
    let mut members: Vec<Member> = cases.iter().map(|(member, _, _)| member.clone()).collect();
    members.push(member(&[("phone", "12"), ("email", "ana@x.example")]));
    members.push(Member::new(MemberChange::Add, [("email_sha256", digest.as_str())]));
    let found = stage.write(&list, members);
    for ((_, place, code), outcome) in cases.iter().zip(&found) {
        let MemberOutcome::Rejected(fault) = outcome else { panic!("{outcome:?}") };
        assert_eq!((fault.place.as_str(), fault.code), (*place, *code));
    }
    assert!(found[6..].iter().all(|it| matches!(it, MemberOutcome::Accepted(_))), "{found:?}");
    stage.account().work(0);
    assert_eq!(stage.account().people(&list).len(), 2);
}

#[test]
fn a_session_is_not_offered() {
    let stage = Stage::new();
    let list = stage.ensure("Customers").key;
    let session = Some(ReplaceSession { id: 1, sequence: 1, last: true, total: None });
    let request = MemberRequest { container: list, members: vec![joins("a@x.example")], session };
    let fault = stage.run(|call| Google::write_members(call, &request)).unwrap_err();
    assert_eq!(fault.code, FaultCode::NotSupported);
}
