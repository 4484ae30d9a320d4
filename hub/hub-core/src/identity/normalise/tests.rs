use hub_model::{Namespace, Normaliser, Value};

use super::{Normalised, Reason, normalise, settle_never};
use crate::fixture::{Rng, namespace};

fn is(namespace: &Namespace, text: &str) -> String {
    match normalise(namespace, &Value::text(text)) {
        Normalised::Identity(identity) => identity.value.to_string(),
        Normalised::Empty => "empty".to_owned(),
        Normalised::Invalid(reason) => format!("invalid {}", reason.as_str()),
        Normalised::Never => "never".to_owned(),
    }
}

fn check(namespace: &Namespace, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(is(namespace, text), *expected, "{text:?}");
    }
}

#[test]
fn e_mail_addresses() {
    let mut email = namespace("email", Normaliser::Email);
    email.never = vec!["accueil@mairie.fr".to_owned()];
    let long = format!("{}@x.fr", "a".repeat(250));
    let longest = format!("{}@x.fr", "a".repeat(249));
    check(
        &email,
        &[
            (" A@B.Fr ", "a@b.fr"),
            ("ana@x.fr.", "ana@x.fr"),
            ("ana+news@x.fr", "ana+news@x.fr"),
            ("a\u{200b}na\u{feff}@x.fr", "ana@x.fr"),
            ("\u{202e}ana@x.fr", "ana@x.fr"),
            ("jose\u{301}@x.fr", "jos\u{e9}@x.fr"),
            ("ana@b\u{fc}cher.example", "ana@xn--bcher-kva.example"),
            ("ANA@B\u{dc}CHER.example", "ana@xn--bcher-kva.example"),
            ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
            // A Cyrillic letter is another address, not a way into this one.
            ("\u{430}na@x.fr", "\u{430}na@x.fr"),
            ("", "empty"),
            (" \u{200b} ", "empty"),
            ("ana", "invalid email"),
            ("ana@x@y.fr", "invalid email"),
            ("@x.fr", "invalid email"),
            ("ana@", "invalid domain"),
            ("ana@.", "invalid domain"),
            ("ana@x..fr", "invalid domain"),
            ("ana@x_y z.fr", "invalid domain"),
            ("\"ana b\"@x.fr", "invalid email"),
            ("ana b@x.fr", "invalid email"),
            ("ana@x.fr, bob@x.fr", "invalid email"),
            ("Ana <ana@x.fr>", "invalid email"),
            ("a\u{0}b@x.fr", "invalid control"),
            (&long, "invalid length"),
            (&longest, &longest),
            ("test@test.com", "never"),
            ("NoReply@shop.fr", "never"),
            ("info@x.fr", "never"),
            ("informatique@x.fr", "informatique@x.fr"),
            ("null", "never"),
            ("N/A", "never"),
            ("nobody@nowhere.invalid", "never"),
            ("Accueil@Mairie.fr", "never"),
        ],
    );
}

#[test]
fn telephone_numbers() {
    let french = namespace("phone", Normaliser::Phone);
    check(
        &french,
        &[
            ("06 12 34 56 98", "+33612345698"),
            ("06.12.34.56.98", "+33612345698"),
            ("+33 6 12 34 56 98", "+33612345698"),
            ("+33 (0)6 12 34 56 98", "+33612345698"),
            ("0033 6 12 34 56 98", "+33612345698"),
            ("0033 (0) 6 12 34 56 98", "+33612345698"),
            ("\u{202a}+33612345698\u{202c}", "+33612345698"),
            ("+44 20 7946 0018", "+442079460018"),
            ("tel:+33-6-12-34-56-98", "+33612345698"),
            ("01 40 20 50 50 ext. 12", "+33140205050;ext=12"),
            ("+33140205050;ext=12", "+33140205050;ext=12"),
            ("+33140205050;ext=", "invalid phone"),
            ("01 40 20 50 50 ext. 12;ext=3", "invalid phone"),
            ("", "empty"),
            ("12", "invalid phone"),
            ("call me", "invalid phone"),
            ("06 12 34 56 98 77 66", "invalid phone"),
            ("+999 123456789", "invalid phone"),
            ("0600000000", "never"),
            // Counting is not a number either.
            ("06 12 34 56 78", "never"),
            ("null", "never"),
            (&"1".repeat(41), "invalid length"),
        ],
    );
    let nowhere = Namespace { country: None, ..french };
    check(
        &nowhere,
        &[
            ("06 12 34 56 98", "invalid country"),
            ("+33 6 12 34 56 98", "+33612345698"),
            ("00 33 6 12 34 56 98", "+33612345698"),
        ],
    );
}

#[test]
fn codes_and_exact_values() {
    check(
        &namespace("code", Normaliser::Code),
        &[
            (" AbC-1 ", "abc-1"),
            ("0042", "0042"),
            ("000000", "never"),
            ("0", "never"),
            ("n/a", "never"),
            ("---", "never"),
            ("XXXXXX", "never"),
            ("1111", "1111"),
        ],
    );
    check(&namespace("exact", Normaliser::Exact), &[(" AbC ", "AbC"), ("NULL", "never")]);
    let code = namespace("code", Normaliser::Code);
    let number = normalise(&code, &Value::from(42));
    assert!(matches!(number, Normalised::Identity(id) if &*id.value == "42"));
    assert_eq!(normalise(&code, &Value::Null), Normalised::Empty);
    assert_eq!(normalise(&code, &Value::Bool(true)), Normalised::Invalid(Reason::Kind));
    assert_eq!(is(&code, &"x1".repeat(300)), "invalid length");
}

#[test]
fn names_dates_browsers_and_devices() {
    check(
        &namespace("name", Normaliser::Name),
        &[
            ("\u{c9}lodie  Le-Goff", "elodie le goff"),
            ("e\u{301}lodie le goff.", "elodie le goff"),
            ("O\u{2019}Brien", "o brien"),
            ("Stra\u{df}e \u{d8}st", "strasse ost"),
            ("\u{130}pek", "ipek"),
            ("\u{41a}\u{438}\u{439}", "\u{43a}\u{438}\u{438}"),
            ("\u{915}\u{93f}", "\u{915}\u{93f}"),
            ("Unknown", "never"),
            ("...", "invalid name"),
            ("12", "invalid name"),
            ("", "empty"),
        ],
    );
    check(
        &namespace("born", Normaliser::Date),
        &[
            (" 1957-01-10 ", "1957-01-10"),
            ("1957-02-30", "invalid date"),
            ("10/01/1957", "invalid date"),
            ("19570110", "invalid date"),
            ("1900-01-01", "never"),
            ("1970-01-01", "never"),
        ],
    );
    check(
        &namespace("cookie", Normaliser::Cookie),
        &[
            ("GA1.2.1719.Ab", "GA1.2.1719.Ab"),
            ("short", "invalid cookie"),
            ("two words", "invalid cookie"),
            ("caf\u{e9}caf\u{e9}", "invalid cookie"),
            ("undefined", "never"),
            ("00000000", "never"),
            ("00000000-0000-0000-0000-000000000000", "never"),
        ],
    );
    check(
        &namespace("device", Normaliser::Device),
        &[
            ("{6D92078A-8246-4BA4-AE5B-76104861E7DC}", "6d92078a82464ba4ae5b76104861e7dc"),
            ("00:1B:44:11:3A:B7", "001b44113ab7"),
            ("00000000-0000-0000-0000-000000000000", "never"),
            ("not-a-device", "invalid device"),
            ("12", "invalid device"),
        ],
    );
}

#[test]
fn never_lists_are_compared_in_normal_form() {
    let mut email = namespace("email", Normaliser::Email);
    email.never = vec!["Accueil@Mairie.FR".into(), "nonsense".into(), "info@x.fr".into()];
    let (email, strange) = settle_never(email);
    assert_eq!((&*email.never, &*strange), (&["accueil@mairie.fr".to_owned()][..], &[1][..]));
    check(&email, &[("ACCUEIL@mairie.fr", "never"), ("mairie@mairie.fr", "mairie@mairie.fr")]);
}

#[test]
fn a_plain_domain_is_one_that_stays_as_it_is() {
    let alphabet = ['a', 'z', '0', '-', '-', '.', 'x', 'n', 'A', '\u{e9}', '_', ' '];
    let long = ["a".repeat(63), "a".repeat(64), ["ab."; 84].concat() + "a", ["ab."; 85].concat()];
    let mut plain = 0;
    let some = (0..20_000).map(|seed| {
        let mut rng = Rng(seed);
        (0..rng.below(12)).map(|_| *rng.pick(&alphabet)).collect::<String>()
    });
    for domain in some.chain(long) {
        if super::is_plain_domain(&domain) {
            plain += 1;
            assert_eq!(idna::domain_to_ascii_strict(&domain).ok(), Some(domain));
        }
    }
    assert!(plain > 1_000, "{plain}");
}

/// Whatever text arrives: no panic, and the normal form is its own.
#[test]
fn normal_forms_are_stable() {
    let alphabet: Vec<char> = "aZ0169+ ()@.-;=ext\u{e9}\u{301}\u{df}\u{130}\u{200d}\u{feff}\u{3002}\u{ff20}\u{0}\u{661}\u{1f600}n\"<".chars().collect();
    let normalisers = [
        Normaliser::Email,
        Normaliser::Phone,
        Normaliser::Code,
        Normaliser::Exact,
        Normaliser::Cookie,
        Normaliser::Device,
        Normaliser::Name,
        Normaliser::Date,
    ];
    let mut named = 0;
    for seed in 0..8_000 {
        let mut rng = Rng(seed);
        let namespace = namespace("n", *rng.pick(&normalisers));
        let starts = ["", "ana@x.fr", "0612345698", "+33", "00", "1957-01-10", "6d92078a82464ba4"];
        let start = *rng.pick(&starts);
        let mut text: Vec<char> = start.chars().collect();
        for _ in 0..rng.below(6) {
            text.insert(rng.below(text.len() + 1), *rng.pick(&alphabet));
        }
        let text: String = text.into_iter().collect();
        if let Normalised::Identity(identity) = normalise(&namespace, &Value::text(&*text)) {
            named += 1;
            let again = normalise(&namespace, &Value::text(&*identity.value));
            assert_eq!(again, Normalised::Identity(identity), "{text:?}");
        }
    }
    assert!(named > 500, "{named}");
}
