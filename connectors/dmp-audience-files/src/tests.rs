//! The connector against folders in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bad_input;
mod forms;
mod inbound;
mod repetition;

use std::io::Read as _;

use flate2::read::GzDecoder;
use liaison_sdk::testing::Script;
use liaison_sdk::{
    Audience, Call, Fault, Member, MemberChange, MemberOutcome, MemberReport, MemberRequest,
    MemberVerdict, ReplaceSession, files, time,
};
use serde_json::{Value, json};

use crate::AudienceFiles;

/// An instant of the tests, and its second.
const NOW: &str = "2026-11-30T22:15:00.5Z";
const SECOND: i64 = 1_796_076_900;
/// SHA-256 of `ana@x.example` and `bob@x.example`.
const ANA: &str = "e4aeae0defb89ddde363fa71945f539402251f932f6262d8b20b40b48f93ef66";
const BOB: &str = "7832d9309020e043e851f1b7936f0934e57fccc68f62a661a414880191f9311e";

fn now() -> i64 {
    time::parse(NOW).unwrap()
}

fn script() -> Script {
    Script::new().folder("out").folder("in").now(now())
}

/// A connection to Audience Manager.
fn adobe() -> Value {
    json!({
        "folder": "out",
        "audience_manager": { "source": "21" },
        "identifiers": ["email"],
        "segments": { "Regulars": "12345", "Lapsed": "678" },
        "gzip": false,
    })
}

/// A connection to LiveRamp.
fn liveramp() -> Value {
    json!({
        "folder": "out",
        "liveramp": { "name": "shop" },
        "identifiers": ["customer_id", "email", "phone"],
        "segments": { "Regulars": "REGULARS" },
        "gzip": false,
    })
}

fn with(mut settings: Value, change: impl FnOnce(&mut Value)) -> Value {
    change(&mut settings);
    settings
}

fn joins(email: &str) -> Member {
    Member::new(MemberChange::Add, [("email", email)])
}

fn leaves(email: &str) -> Member {
    Member::new(MemberChange::Remove, [("email", email)])
}

fn ask(
    settings: &Value,
    segment: &str,
    members: Vec<Member>,
    session: Option<ReplaceSession>,
) -> Result<MemberReport, Fault> {
    let call = Call::with_settings(settings.clone());
    let request = MemberRequest { container: segment.to_owned(), members, session };
    AudienceFiles::write_members(&call, &request)
}

fn outcomes(report: Result<MemberReport, Fault>) -> Vec<MemberOutcome> {
    match report.unwrap().verdict {
        MemberVerdict::Items(outcomes) => outcomes,
        MemberVerdict::Aggregate(counts) => panic!("outcomes were expected: {counts:?}"),
    }
}

fn write(settings: &Value, segment: &str, members: Vec<Member>) -> Vec<MemberOutcome> {
    outcomes(ask(settings, segment, members, None))
}

/// The files of a folder and their text, unpacked.
fn shown(folder: &str) -> Vec<(String, String)> {
    let of = |stat: files::Stat| {
        let bytes = files::read(folder, &stat.name, 0, u32::MAX).unwrap().data;
        let mut text = String::new();
        if stat.name.ends_with(".gz") {
            GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
        } else {
            text = String::from_utf8(bytes).unwrap();
        }
        (stat.name, text)
    };
    files::list(folder).unwrap().into_iter().map(of).collect()
}

#[test]
fn the_manifest_says_what_the_code_does() {
    let manifest: Value = serde_json::from_str(liaison_sdk::manifest!()).unwrap();
    assert_eq!(manifest["streams"], json!([crate::MEMBERS]));
    assert_eq!(manifest["capabilities"], json!(["source", "audience", "files"]));
}
