//! Names and lines, held against what the partners publish.

use liaison_sdk::{Connector, Container, ContainerWish, FaultCode, MemberOutcome};

use super::*;

/// Name and lines as in Adobe's "FTP Name and File Size Requirements" and "Inbound Data
/// File Contents": ten digits of seconds, a tab, `d_sid` and `d_unsid`.
#[test]
fn audience_manager_reads_its_own_form() {
    script().run(|| {
        let members = vec![joins(" Ana@X.example"), leaves("bob@x.example")];
        assert_eq!(write(&adobe(), "12345", members), vec![MemberOutcome::Done; 2]);
        let text = format!("{ANA}\td_sid=12345\n{BOB}\td_unsid=12345\n");
        assert_eq!(shown("out"), [(format!("ftp_dpm_21_{SECOND}.sync"), text)]);
    });
}

#[test]
fn each_kind_of_id_has_its_own_file_name_and_form() {
    let device = "97987BCA-ae59-4c7d-94ba-ee4f19ab8c21";
    type Change = fn(&mut Value);
    let cases: [(&str, &str, &str, &str, Change); 5] = [
        ("customer_id", " C-7 ", "ftp_dpm_21_", "C-7", |_| {}),
        ("customer_id", "C-7", "ftp_dpm_33_21_", "C-7", |s| {
            s["audience_manager"] = json!({ "source": "33", "target": "21" });
        }),
        ("idfa", device, "ftp_dpm_20915_21_", "97987BCA-AE59-4C7D-94BA-EE4F19AB8C21", |s| {
            s["audience_manager"] = json!({ "target": "21" });
        }),
        ("gaid", device, "ftp_dpm_20914_21_", "97987bca-ae59-4c7d-94ba-ee4f19ab8c21", |s| {
            s["audience_manager"] = json!({ "target": "21" });
        }),
        ("email_sha256", &ANA.to_uppercase(), "ftp_dpm_21_", ANA, |s| {
            s["identifiers"] = json!(["email"]);
        }),
    ];
    for (field, value, begin, id, change) in cases {
        let settings = with(adobe(), |s| {
            s["identifiers"] = json!([field]);
            change(s);
        });
        script().run(|| {
            let member = Member::new(MemberChange::Add, [(field, value)]);
            assert_eq!(write(&settings, "678", vec![member]), [MemberOutcome::Done], "{field}");
            let named = format!("{begin}{SECOND}.sync");
            assert_eq!(shown("out"), [(named, format!("{id}\td_sid=678\n"))]);
        });
    }
}

/// Columns with the hash type in their names; each address and number of a person in a
/// row of its own, with his id in all of them; `0` for who leaves.
#[test]
fn liveramp_reads_its_own_form() {
    script().run(|| {
        let ana = [
            ("customer_id", "7"),
            ("email", "Ana@x.example"),
            ("email", "bob@x.example"),
            ("phone", "+1 (555) 123-4567"),
        ];
        let members = vec![
            Member::new(MemberChange::Add, ana),
            Member::new(MemberChange::Remove, [("customer_id", "a,b")]),
            // A number of another country is left out.
            Member::new(MemberChange::Add, [("customer_id", "9"), ("phone", "+33612345678")]),
        ];
        assert_eq!(write(&liveramp(), "REGULARS", members), vec![MemberOutcome::Done; 3]);
        let phone = "b8e04c986aa87857dfb4d364371d1a4195abf1bb";
        let text = format!(
            "CUSTOMERID,EMAIL1_SHA-256,PHONE1_SHA-1,REGULARS\n7,{ANA},{phone},1\n7,{BOB},,1\n\
             \"a,b\",,,0\n9,,,1\n"
        );
        assert_eq!(shown("out"), [("shop_REGULARS_2026-11-30_221500.csv".to_owned(), text)]);
    });
}

#[test]
fn files_are_compressed_and_split() {
    let settings = with(adobe(), |s| {
        s["gzip"] = json!(true);
        s["split_bytes"] = json!(10_000);
    });
    script().run(|| {
        let people = (0..300).map(|number| joins(&format!("p{number}@x.example")));
        assert_eq!(write(&settings, "12345", people.collect()), vec![MemberOutcome::Done; 300]);
        let files = shown("out");
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        let named = |part: usize| format!("ftp_dpm_21_{SECOND}.sync.{part}.gz");
        assert_eq!(names, [named(1), named(2), named(3)]);
        assert!(files.iter().all(|(_, text)| text.len() <= 10_000 && text.ends_with('\n')));
        let lines: usize = files.iter().map(|(_, text)| text.lines().count()).sum();
        assert_eq!(lines, 300);
    });
    let settings = with(liveramp(), |s| s["split_bytes"] = json!(10_000));
    script().run(|| {
        let people = (0..300).map(|number| joins(&format!("p{number}@x.example")));
        write(&settings, "REGULARS", people.collect());
        let files = shown("out");
        assert_eq!(files[1].0, "shop_REGULARS_2026-11-30_221500_part-2.csv");
        assert!(files.iter().all(|(_, text)| text.starts_with("CUSTOMERID,")));
    });
}

fn session(sequence: u32, last: bool) -> Option<ReplaceSession> {
    Some(ReplaceSession { id: 7_000_000_000 + 3, sequence, last, total: None })
}

#[test]
fn everybody_is_a_full_file_where_the_partner_has_one() {
    script().run(|| {
        let full = ask(&liveramp(), "REGULARS", vec![joins("ana@x.example")], session(1, true));
        assert_eq!(outcomes(full), [MemberOutcome::Done]);
        assert_eq!(shown("out")[0].0, "shop_REGULARS_2026-11-30_221500_full.csv");
        let parts = ask(&liveramp(), "REGULARS", vec![joins("ana@x.example")], session(1, false));
        assert_eq!(parts.unwrap_err().code, FaultCode::NotSupported);
    });
    script().run(|| {
        let refused = ask(&adobe(), "678", vec![joins("ana@x.example")], session(1, true));
        assert_eq!(refused.unwrap_err().code, FaultCode::NotSupported);
        let settings = with(adobe(), |s| s["audience_manager"]["overwrite"] = json!(true));
        for (sequence, who) in [(1, "ana@x.example"), (2, "bob@x.example"), (2, "ana@x.example")] {
            let full = ask(&settings, "678", vec![joins(who)], session(sequence, sequence == 2));
            assert_eq!(outcomes(full), [MemberOutcome::Done]);
        }
        let line = format!("{ANA}\td_sid=678\n");
        let named = |part| format!("ftp_dpm_21_7000000003.overwrite.{part}");
        assert_eq!(shown("out"), [(named(1), line.clone()), (named(2), line)]);
    });
}

#[test]
fn segments_are_those_of_the_settings() {
    script().run(|| {
        let call = Call::with_settings(adobe());
        let page = AudienceFiles::containers(&call, None).unwrap();
        let trait_of = |key: &str, title: &str| Container {
            kind: "trait".to_owned(),
            ..Container::new(key, title)
        };
        assert_eq!(page.items, [trait_of("678", "Lapsed"), trait_of("12345", "Regulars")]);
        let wish = ContainerWish::titled("Regulars");
        let regulars = AudienceFiles::ensure_container(&call, &wish).unwrap();
        assert_eq!(regulars.key, "12345");
        let by_key = ContainerWish { key: Some("678".to_owned()), ..ContainerWish::default() };
        assert_eq!(AudienceFiles::ensure_container(&call, &by_key).unwrap().title, "Lapsed");
        let deleted = AudienceFiles::delete_container(&call, "678").unwrap_err();
        assert_eq!(deleted.code, FaultCode::NotSupported);
    });
}

#[test]
fn what_members_are_matched_by_is_discovered() {
    for (settings, fields) in [
        (adobe(), vec!["email", "email_sha256"]),
        (liveramp(), vec!["customer_id", "email", "email_sha256", "phone", "phone_sha1"]),
    ] {
        script().run(|| {
            let call = Call::with_settings(settings);
            AudienceFiles::check(&call).unwrap();
            let streams = AudienceFiles::discover(&call).unwrap();
            let [members] = streams.as_slice() else { panic!("{streams:?}") };
            let names: Vec<&str> = members.fields().iter().map(|field| field.name()).collect();
            assert_eq!(names, fields);
        });
    }
}
