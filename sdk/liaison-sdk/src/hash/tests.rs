//! The vendors' own vectors, and what each platform refuses.

use super::{Form, Kind, Profile, Unfit};

/// Vectors that a vendor published: what goes in, what it normalises to, and the
/// digest. Where only the digest was published, the normalised form is ours.
const VECTORS: &[(Profile, Kind, &str, &str, &str)] = &[
    // Meta, "Customer Information Parameters".
    (
        Profile::Meta,
        Kind::Email,
        "John_Smith@gmail.com",
        "john_smith@gmail.com",
        "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
    ),
    (
        Profile::Meta,
        Kind::Phone,
        "1(650)555-1212",
        "16505551212",
        "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
    ),
    (
        Profile::Meta,
        Kind::FirstName,
        "Mary",
        "mary",
        "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec",
    ),
    (
        Profile::Meta,
        Kind::FirstName,
        "정",
        "정",
        "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14",
    ),
    (
        Profile::Meta,
        Kind::FirstName,
        "Valéry",
        "valéry",
        "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c",
    ),
    // Google, the tests of its formatter.
    (
        Profile::Google,
        Kind::Email,
        "  ALEXZ@example.com   ",
        "alexz@example.com",
        "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a",
    ),
    (
        Profile::Google,
        Kind::Phone,
        "1-800-555-0100   ",
        "+18005550100",
        "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30",
    ),
    (
        Profile::Google,
        Kind::FirstName,
        "  GivenName  ",
        "givenname",
        "128a07bfe2df877c52076e60d7774cf5baaa046c5a6c48daf30ff43ecca2f814",
    ),
    (
        Profile::Google,
        Kind::LastName,
        "  FamilyName ",
        "familyname",
        "77762c287e61ce065bee5c15464012c6fbe088398b8057627d5577249430d574",
    ),
    // TikTok, "List of supported IDs and formats for a customer file".
    (
        Profile::TikTok,
        Kind::Email,
        "JaneDoe @gmail.com",
        "janedoe@gmail.com",
        "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69",
    ),
    (
        Profile::TikTok,
        Kind::DeviceId,
        "5F3A2B18-9C4D-4E7F-B8E2-17D3A1E69B25",
        "5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25",
        "83dc3f5f32b9472613b0f038d36f22585a609d018af6f6067f50da318bf354bd",
    ),
    // UID2, "Normalization and Encoding".
    (
        Profile::Uid2,
        Kind::Email,
        "user@example.com",
        "user@example.com",
        "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=",
    ),
    (
        Profile::Uid2,
        Kind::Email,
        "MYEMAIL@example.com",
        "myemail@example.com",
        "FsGNM28LJQ8OLZB0Us65ZYp07NrovJSGTCMSKnLMJ6U=",
    ),
    (
        Profile::Uid2,
        Kind::Email,
        "My.Email@example.com",
        "my.email@example.com",
        "4itTvG+HEnTzpiqzejyu1yFPwU1nYhWpaiQvz62hyB8=",
    ),
    (
        Profile::Uid2,
        Kind::Email,
        "JaneSaoirse@example.com",
        "janesaoirse@example.com",
        "1mcOepIAfxtf94Xx/IHlOqbT170GvfXEc83HKGwoS20=",
    ),
    (
        Profile::Uid2,
        Kind::Email,
        "JaneSaoirse+Work@example.com",
        "janesaoirse+work@example.com",
        "KKruSBUjDNO069iMUVImVQZm6RrAGZKeOtrD9mwogYA=",
    ),
    (
        Profile::Uid2,
        Kind::Email,
        "JANE.SAOIRSE@gmail.com",
        "janesaoirse@gmail.com",
        "ku4mBX7Z3qJTXWyLFB1INzkyR2WZGW4ANSJUiW21iI8=",
    ),
    (
        Profile::Uid2,
        Kind::Email,
        "JaneSaoirse+Work@gmail.com",
        "janesaoirse@gmail.com",
        "ku4mBX7Z3qJTXWyLFB1INzkyR2WZGW4ANSJUiW21iI8=",
    ),
    (
        Profile::Uid2,
        Kind::Phone,
        "1 (234) 567-8901",
        "+12345678901",
        "EObwtHBUqDNZR33LNSMdtt5cafsYFuGmuY4ZLenlue4=",
    ),
];

#[test]
fn the_vendors_vectors_hold() {
    for (profile, kind, value, normalised, sent) in VECTORS {
        let seen = profile.normalise(*kind, value);
        assert_eq!(seen.as_deref(), Ok(*normalised), "{profile:?} {kind:?} {value}");
        let seen = profile.prepare(*kind, value);
        assert_eq!(seen.as_deref(), Ok(*sent), "{profile:?} {kind:?} {value}");
    }
}

/// What the platforms' rules say without giving a digest.
const RULES: &[(Profile, Kind, &str, Result<&str, Unfit>)] = &[
    // Google, documentation and the tests of its formatter.
    (
        Profile::Google,
        Kind::Email,
        "Jefferson.Loves.hiking@gmail.com",
        Ok("jeffersonloveshiking@gmail.com"),
    ),
    (
        Profile::Google,
        Kind::Email,
        "Cloudy.SanFrancisco+shopping@googlemail.com",
        Ok("cloudysanfrancisco@googlemail.com"),
    ),
    (Profile::Google, Kind::Email, "user.name+NYC@Example.com", Ok("user.name+nyc@example.com")),
    (Profile::Google, Kind::Email, "  ", Err(Unfit::Email)),
    (Profile::Google, Kind::Email, "quinn", Err(Unfit::Email)),
    (Profile::Google, Kind::Email, " @googlemail.com", Err(Unfit::Email)),
    (Profile::Google, Kind::Email, " ...@gmail.com", Err(Unfit::Email)),
    (Profile::Google, Kind::Email, "a b@x.fr", Err(Unfit::Email)),
    (Profile::Google, Kind::Phone, "+44-113-496-0987", Ok("+441134960987")),
    (Profile::Google, Kind::Phone, " +A BCD EFG ", Err(Unfit::Phone)),
    (Profile::Google, Kind::Country, " uS ", Ok("US")),
    (Profile::Google, Kind::Country, "UK", Err(Unfit::Country)),
    (Profile::Google, Kind::Postcode, " 1229-076  ", Ok("1229-076")),
    (Profile::Google, Kind::City, " Saint-Étienne ", Ok("saintétienne")),
    (Profile::Google, Kind::City, "L'Aquila (AQ)", Ok("laquila aq")),
    (Profile::Google, Kind::City, " -_- ", Err(Unfit::Empty)),
    (Profile::Google, Kind::Street, "12, rue de l'Église", Ok("12 rue de léglise")),
    (Profile::Google, Kind::BirthDate, "1990-02-05", Err(Unfit::NotTaken)),
    // Meta.
    (Profile::Meta, Kind::Email, "Jane.Doe+x@Gmail.com", Ok("jane.doe+x@gmail.com")),
    (Profile::Meta, Kind::Email, "ana@localhost", Err(Unfit::Email)),
    (Profile::Meta, Kind::Email, "a@b@x.fr", Err(Unfit::Email)),
    (Profile::Meta, Kind::Email, "a@x..fr", Err(Unfit::Email)),
    (Profile::Meta, Kind::Phone, "0033 6.12.34.56.78", Ok("33612345678")),
    (Profile::Meta, Kind::Phone, "06 12 34 56 78", Err(Unfit::Phone)),
    (Profile::Meta, Kind::FirstName, "  ", Err(Unfit::Empty)),
    (Profile::Meta, Kind::FirstInitial, " Édith", Ok("é")),
    (Profile::Meta, Kind::LastName, " O'Brien-Smith ", Ok("o'brien-smith")),
    (Profile::Meta, Kind::LastName, "ΠΑΠΑΔΟΠΟΥΛΟΣ", Ok("παπαδοπουλος")),
    (Profile::Meta, Kind::Gender, " Female", Ok("f")),
    (Profile::Meta, Kind::Gender, "divers", Err(Unfit::Gender)),
    (Profile::Meta, Kind::BirthDate, "1990-02-05", Ok("19900205")),
    (Profile::Meta, Kind::BirthYear, "19900205", Ok("1990")),
    (Profile::Meta, Kind::BirthMonth, "1990-02-05", Ok("02")),
    (Profile::Meta, Kind::BirthDay, "1990-02-05", Ok("05")),
    (Profile::Meta, Kind::BirthDate, "1890-02-05", Err(Unfit::BirthDate)),
    (Profile::Meta, Kind::BirthDate, "1990-02-30", Err(Unfit::BirthDate)),
    (Profile::Meta, Kind::BirthDate, "05/02/1990", Err(Unfit::BirthDate)),
    (Profile::Meta, Kind::City, "St. Gallen (9000)", Ok("stgallen")),
    (Profile::Meta, Kind::City, "L'Aquila", Ok("l'aquila")),
    (Profile::Meta, Kind::Region, "Île-de-France", Ok("îledefrance")),
    (Profile::Meta, Kind::Postcode, "94035-1234", Ok("94035")),
    (Profile::Meta, Kind::Postcode, "SW1A 1AA", Ok("sw1a1aa")),
    (Profile::Meta, Kind::Country, "FR", Ok("fr")),
    (Profile::Meta, Kind::ExternalId, " Kd-42 ", Ok("Kd-42")),
    (Profile::Meta, Kind::Street, "1 rue A", Err(Unfit::NotTaken)),
    // UID2 strips at gmail.com only.
    (Profile::Uid2, Kind::Email, "a.b+c@googlemail.com", Ok("a.b+c@googlemail.com")),
    (Profile::Uid2, Kind::FirstName, "Jane", Err(Unfit::NotTaken)),
    // LiveRamp's own examples, and what it takes in clear.
    (Profile::LiveRamp, Kind::Email, "MyName@liveramp.com ", Ok("myname@liveramp.com")),
    (Profile::LiveRamp, Kind::Phone, "+1 (555) 123-4567", Ok("5551234567")),
    (Profile::LiveRamp, Kind::Phone, "+33612345678", Err(Unfit::Phone)),
    (Profile::LiveRamp, Kind::Postcode, "94035-1234", Ok("940351234")),
    (Profile::LinkedIn, Kind::Email, " Ana@X.fr ", Ok("ana@x.fr")),
    (Profile::LinkedIn, Kind::Phone, "+33612345678", Err(Unfit::NotTaken)),
    (Profile::Adobe, Kind::Email, " Ana@X.fr ", Ok("ana@x.fr")),
];

#[test]
fn each_platform_has_its_own_rules() {
    for (profile, kind, value, expected) in RULES {
        let seen = profile.normalise(*kind, value);
        assert_eq!(seen.as_deref(), expected.as_ref().copied(), "{profile:?} {kind:?} {value}");
    }
}

#[test]
fn what_is_sent_in_clear_and_what_is_hashed() {
    let cases = [
        (Profile::Meta, Kind::Country, Some(Form::Sha256Hex)),
        (Profile::Meta, Kind::ExternalId, Some(Form::Plain)),
        (Profile::Google, Kind::Country, Some(Form::Plain)),
        (Profile::LinkedIn, Kind::FirstName, Some(Form::Plain)),
        (Profile::TikTok, Kind::ExternalId, Some(Form::Sha256Hex)),
        (Profile::Uid2, Kind::Phone, Some(Form::Sha256Base64)),
        (Profile::LiveRamp, Kind::Phone, Some(Form::Sha1Hex)),
        (Profile::LiveRamp, Kind::LastName, Some(Form::Plain)),
        (Profile::Adobe, Kind::Phone, None),
    ];
    for (profile, kind, form) in cases {
        assert_eq!(profile.form(kind), form, "{profile:?} {kind:?}");
    }
    let phone = Profile::LiveRamp.prepare(Kind::Phone, "+1 (555) 123-4567");
    assert_eq!(phone.as_deref(), Ok("b8e04c986aa87857dfb4d364371d1a4195abf1bb"));
    assert_eq!(Profile::Meta.annotation(Kind::FirstName), "meta/first-name");
}

#[test]
fn digests_are_adopted_when_told_and_never_guessed() {
    let digest = "B4C9A289323B21A01C3E940F150EB9B8C542587F1ABFD8F0E1CC1FFC5E475514";
    let base64 = "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=";
    let small = digest.to_lowercase();
    assert_eq!(Profile::Meta.adopt(Kind::Email, digest), Ok(small.clone()));
    assert_eq!(Profile::Uid2.adopt(Kind::Email, &format!(" {digest} ")), Ok(base64.to_owned()));
    for (profile, kind, value, expected) in [
        (Profile::Meta, Kind::Email, "ana@x.fr", Unfit::Digest),
        (Profile::Meta, Kind::Email, &digest[1..], Unfit::Digest),
        (Profile::Meta, Kind::Email, &digest[2..], Unfit::Digest),
        (Profile::Meta, Kind::Email, "", Unfit::Digest),
        (Profile::Meta, Kind::ExternalId, "", Unfit::Digest),
        (Profile::Meta, Kind::ExternalId, digest, Unfit::Digest),
        (Profile::LiveRamp, Kind::Phone, digest, Unfit::Digest),
        (Profile::Adobe, Kind::Phone, digest, Unfit::NotTaken),
    ] {
        assert_eq!(profile.adopt(kind, value), Err(expected), "{profile:?} {kind:?} {value}");
    }
    // A name of 64 letters that looks like a digest is a name.
    assert_ne!(Profile::Meta.prepare(Kind::LastName, &small), Ok(small));
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
