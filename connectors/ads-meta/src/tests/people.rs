//! Who joins, who leaves, who remains.

use liaison_sdk::hash::{Kind, Profile};
use liaison_sdk::{
    FaultCode, Member, MemberChange, MemberCounts, MemberOutcome, MemberVerdict, ReplaceSession,
};

use super::{Stage, joins, leaves, outcomes};

fn hashed(kind: Kind, value: &str) -> String {
    Profile::Meta.prepare(kind, value).unwrap()
}

fn email(value: &str) -> String {
    format!("EMAIL={}", hashed(Kind::Email, value))
}

#[test]
fn people_join_and_leave_and_twice_changes_nothing() {
    let stage = Stage::new();
    let key = stage.ensure("Customers").key;
    let both = || vec![joins("Ana@x.example"), joins("bob@x.example ")];
    for _ in 0..2 {
        assert_eq!(stage.change(&key, both()), [MemberOutcome::Done, MemberOutcome::Done]);
    }
    let mut expected = [email("ana@x.example"), email("bob@x.example")];
    expected.sort();
    assert_eq!(stage.account().people(&key), expected);
    for _ in 0..2 {
        assert_eq!(stage.change(&key, vec![leaves("ana@x.example")]), [MemberOutcome::Done]);
    }
    assert_eq!(stage.account().people(&key), [email("bob@x.example")]);
    // Both at once: who leaves goes first.
    stage.change(&key, vec![joins("eve@x.example"), leaves("bob@x.example")]);
    assert_eq!(stage.account().people(&key), [email("eve@x.example")]);
    let asked = stage.asked();
    let path = format!("/v26.0/{key}/users");
    assert_eq!(asked[asked.len() - 2..], [format!("DELETE {path}"), format!("POST {path}")]);
    assert_eq!(stage.change(&key, Vec::new()), []);
}

#[test]
fn everything_that_is_known_of_a_person_is_sent_in_metas_form() {
    let stage = Stage::new();
    let key = stage.ensure("Customers").key;
    let ana = [
        ("external_id", "C-17"),
        ("email", "Ana.Dupont+x@Gmail.com"),
        ("email", "second@x.example"),
        ("phone", "+33 6 12 34 56 78"),
        ("first_name", "Anaïs"),
        ("last_name", "Dupont"),
        ("birth_date", "1990-02-05"),
        ("city", "Saint-Étienne"),
        ("postcode", "42000"),
        ("country", "FR"),
    ];
    stage.change(&key, vec![Member::new(MemberChange::Add, ana), joins("bob@x.example")]);
    let people = stage.account().people(&key);
    let ana = people.iter().find(|line| line.contains("EXTERN_ID=C-17")).unwrap();
    for (column, kind, value) in [
        ("EMAIL", Kind::Email, "ana.dupont+x@gmail.com"),
        ("PHONE", Kind::Phone, "+33612345678"),
        ("FN", Kind::FirstName, "anaïs"),
        ("DOBY", Kind::BirthYear, "1990-02-05"),
        ("DOBM", Kind::BirthMonth, "1990-02-05"),
        ("DOBD", Kind::BirthDay, "1990-02-05"),
        ("CT", Kind::City, "saint-étienne"),
        ("COUNTRY", Kind::Country, "fr"),
    ] {
        assert!(ana.contains(&format!("{column}={}", hashed(kind, value))), "{column}: {ana}");
    }
    // He has no more than his address, whatever columns she has.
    assert!(people.contains(&email("bob@x.example")), "{people:?}");
    let clear = ["gmail", "dupont", "612345678", "1990"];
    for (request, _) in stage.account().seen() {
        let body = String::from_utf8_lossy(&request.body).to_lowercase();
        assert!(!clear.iter().any(|text| body.contains(text)), "{body}");
    }
}

#[test]
fn a_digest_is_taken_as_it_is_and_nothing_else_for_one() {
    let stage = Stage::new();
    let key = stage.ensure("Customers").key;
    let digest = hashed(Kind::Email, "ana@x.example");
    let adopted =
        Member::new(MemberChange::Add, [("email_sha256", digest.to_uppercase().as_str())]);
    let not_one = Member::new(MemberChange::Add, [("email_sha256", "ana@x.example")]);
    let found = stage.change(&key, vec![adopted, not_one]);
    assert_eq!(found[0], MemberOutcome::Done);
    assert!(matches!(&found[1], MemberOutcome::Rejected(fault) if fault.place == "email_sha256"));
    assert_eq!(stage.account().people(&key), [email("ana@x.example")]);
}

#[test]
fn who_cannot_be_matched_is_refused_alone_and_by_name() {
    let stage = Stage::new();
    let key = stage.ensure("Customers").key;
    let member = |identities: &[(&'static str, &'static str)]| {
        Member::new(MemberChange::Add, identities.iter().copied())
    };
    let cases = [
        (member(&[("email", "nobody")]), "email", FaultCode::Rejected),
        (member(&[("phone", "12")]), "phone", FaultCode::Rejected),
        (
            member(&[("first_name", "Ana")]),
            "email, phone, external_id or device_id",
            FaultCode::Rejected,
        ),
        (member(&[]), "email, phone, external_id or device_id", FaultCode::Rejected),
        (member(&[("shoe_size", "42")]), "shoe_size", FaultCode::NotSupported),
    ];
    let mut members: Vec<Member> = cases.iter().map(|(member, _, _)| member.clone()).collect();
    // A bad number does no harm beside a good address.
    members.push(member(&[("phone", "12"), ("email", "ana@x.example")]));
    let found = stage.change(&key, members);
    for ((_, place, code), outcome) in cases.iter().zip(&found) {
        let MemberOutcome::Rejected(fault) = outcome else { panic!("{outcome:?}") };
        assert_eq!((fault.place.as_str(), fault.code), (*place, *code));
    }
    assert_eq!(found.last(), Some(&MemberOutcome::Done));
    assert_eq!(stage.account().people(&key), [email("ana@x.example")]);
}

#[test]
fn a_session_replaces_everybody_with_its_last_call() {
    let stage = Stage::new();
    let key = stage.ensure("Customers").key;
    stage.change(&key, vec![joins("old@x.example")]);
    let session = |sequence, last| ReplaceSession { id: u64::MAX, sequence, last, total: Some(2) };
    let first = stage.write(&key, vec![joins("ana@x.example")], Some(session(1, false))).unwrap();
    assert_eq!(outcomes(first), [MemberOutcome::Done]);
    assert_eq!(stage.account().people(&key), [email("old@x.example")]);
    let rest = vec![joins("bob@x.example"), leaves("old@x.example"), joins("nobody")];
    let found = outcomes(stage.write(&key, rest, Some(session(2, true))).unwrap());
    assert_eq!(found[..2], [MemberOutcome::Done, MemberOutcome::Done]);
    assert!(matches!(found[2], MemberOutcome::Rejected(_)));
    let mut expected = [email("ana@x.example"), email("bob@x.example")];
    expected.sort();
    assert_eq!(stage.account().people(&key), expected);
    // Nobody remains: the last call says so without a row.
    let empty = ReplaceSession { id: 7, sequence: 1, last: true, total: None };
    stage.write(&key, Vec::new(), Some(empty)).unwrap();
    assert_eq!(stage.account().people(&key), [""; 0]);
}

#[test]
fn counts_are_the_answer_once_meta_finds_rows_invalid() {
    use liaison_sdk::testing::{Exchange, Script};
    use liaison_sdk::{Audience, Call, MemberRequest};
    use serde_json::json;

    let answer = json!({"audience_id": "7", "session_id": "1", "num_received": 2,
        "num_invalid_entries": 1, "invalid_entry_samples": {"x": "y"}});
    let ask = Exchange::new("POST", "https://graph.test/v26.0/7/users").credential("token");
    let script = Script::new().exchange(ask.reply_json(200, answer));
    let call = Call::with_settings(json!({"url": super::URL, "account": "1"}));
    let members = vec![joins("ana@x.example"), joins("nobody"), joins("bob@x.example")];
    let request = MemberRequest { container: "7".to_owned(), members, session: None };
    let report = script.run(|| crate::Meta::write_members(&call, &request)).unwrap();
    // Who was not sent is counted with those that Meta refused.
    let counts = MemberCounts { received: 3, invalid: 2, matched: None };
    assert_eq!(report.verdict, MemberVerdict::Aggregate(counts));
}
