//! The vectors that the SDKs of all languages are held to: what the vendors published,
//! what each platform's rules say, and 1,000 people whose every value was taken for every
//! kind.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::countries::is_country;
use super::form::hex;
use super::{Form, Kind, Profile, Unfit};

#[derive(Deserialize)]
struct Vectors {
    published: Vec<Vector>,
    rules: Vec<Vector>,
    forms: Vec<Sent>,
    adopted: Vec<Adopted>,
    countries: String,
}

#[derive(Deserialize)]
struct Vector {
    profile: String,
    kind: String,
    value: String,
    normalised: Option<String>,
    sent: Option<String>,
    unfit: Option<String>,
}

#[derive(Deserialize)]
struct Sent {
    profile: String,
    kind: String,
    form: Option<String>,
}

#[derive(Deserialize)]
struct Adopted {
    profile: String,
    kind: String,
    digest: String,
    sent: Option<String>,
    unfit: Option<String>,
}

#[derive(Deserialize)]
struct Person {
    values: Vec<String>,
    sent: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../vectors/hash.json")).unwrap()
}

fn of(profile: &str, kind: &str) -> (Profile, Kind) {
    let profile = Profile::ALL.into_iter().find(|it| it.as_str() == profile);
    (profile.unwrap(), Kind::ALL.into_iter().find(|it| it.as_str() == kind).unwrap())
}

const fn word(unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::NotTaken => "not-taken",
        Unfit::Empty => "empty",
        Unfit::Email => "email",
        Unfit::Phone => "phone",
        Unfit::Gender => "gender",
        Unfit::BirthDate => "birth-date",
        Unfit::Country => "country",
        Unfit::Digest => "digest",
    }
}

/// As the vectors say it: what it is, or why it is not.
fn told(made: Result<String, Unfit>) -> (Option<String>, Option<String>) {
    match made {
        Ok(made) => (Some(made), None),
        Err(unfit) => (None, Some(word(unfit).to_owned())),
    }
}

#[test]
fn the_vendors_vectors_hold() {
    let published = vectors().published;
    assert!(published.len() >= 20);
    for it in published {
        let (profile, kind) = of(&it.profile, &it.kind);
        assert_eq!(profile.normalise(kind, &it.value).ok(), it.normalised, "{}", it.value);
        assert_eq!(profile.prepare(kind, &it.value).ok(), it.sent, "{}", it.value);
    }
}

#[test]
fn each_platform_has_its_own_rules() {
    for it in vectors().rules {
        let (profile, kind) = of(&it.profile, &it.kind);
        let seen = told(profile.normalise(kind, &it.value));
        assert_eq!(seen, (it.normalised, it.unfit), "{profile:?} {kind:?} {}", it.value);
    }
}

#[test]
fn what_is_sent_in_clear_and_what_is_hashed() {
    for it in vectors().forms {
        let (profile, kind) = of(&it.profile, &it.kind);
        let form = profile.form(kind).map(|form| match form {
            Form::Plain => "plain",
            Form::Sha256Hex => "sha256-hex",
            Form::Sha256Base64 => "sha256-base64",
            Form::Sha1Hex => "sha1-hex",
        });
        assert_eq!(form, it.form.as_deref(), "{profile:?} {kind:?}");
        assert_eq!(profile.annotation(kind), format!("{}/{}", it.profile, it.kind));
    }
}

#[test]
fn digests_are_adopted_when_told_and_never_guessed() {
    for it in vectors().adopted {
        let (profile, kind) = of(&it.profile, &it.kind);
        let seen = told(profile.adopt(kind, &it.digest));
        assert_eq!(seen, (it.sent, it.unfit), "{profile:?} {kind:?} {}", it.digest);
    }
    // A name of 64 letters that looks like a digest is a name.
    let name = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514";
    assert_ne!(Profile::Meta.prepare(Kind::LastName, name).as_deref(), Ok(name));
}

#[test]
fn people_are_hashed_as_by_the_other_sdks() {
    let people = include_str!("../../../vectors/people.json");
    let people: Vec<Person> = serde_json::from_str(people).unwrap();
    assert_eq!(people.len(), 1_000);
    for person in people {
        let mut digest = Sha256::new();
        for profile in Profile::ALL {
            for (value, kind) in
                person.values.iter().flat_map(|value| Kind::ALL.map(|kind| (value, kind)))
            {
                let made = profile.prepare(kind, value);
                digest.update(made.unwrap_or_else(|unfit| word(unfit).to_owned()) + "\n");
            }
        }
        assert_eq!(hex(&digest.finalize()), person.sent, "{:?}", person.values);
    }
}

#[test]
fn countries_are_those_of_the_other_sdks() {
    let list = vectors().countries;
    let codes: Vec<&str> = list.split(' ').collect();
    assert_eq!(codes.len(), 249);
    assert!(codes.is_sorted_by(|one, next| one < next));
    let letters = || 'A'..='Z';
    let all = letters().flat_map(|one| letters().map(move |two| format!("{one}{two}")));
    for code in all.chain(["fr".to_owned(), String::new()]) {
        assert_eq!(is_country(&code), codes.contains(&code.as_str()), "{code}");
    }
}

#[test]
fn words_are_distinct_and_a_fault_holds_no_value() {
    let words: std::collections::BTreeSet<_> = Kind::ALL.iter().map(|it| it.as_str()).collect();
    assert_eq!(words.len(), Kind::ALL.len());
    let words: std::collections::BTreeSet<_> = Profile::ALL.iter().map(|it| it.as_str()).collect();
    assert_eq!(words.len(), Profile::ALL.len());
    let unfit = Profile::Meta.prepare(Kind::Email, "secret person").unwrap_err();
    let fault = crate::Fault::from(unfit);
    assert_eq!(fault.code, crate::FaultCode::Rejected);
    assert!(!fault.to_string().contains("secret"), "{fault}");
}
