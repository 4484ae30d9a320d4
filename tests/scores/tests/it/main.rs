//! Every connector keeps what it can be judged by, and one that does not is told.
#![allow(clippy::unwrap_used, reason = "tests")]

mod languages;

use anyhow::Result;
use doubles::{contacts::Contacts, http::Server};
use scores::{Against, Case, Report, Score, Stage, case};
use serde_json::json;
use xtask::{guests, mail, paths, tryton};

/// Rules kept at least: fewer means that something is not judged any more.
const KEPT: [(&str, usize); 9] = [
    ("ads-google", 9),
    ("ads-meta", 14),
    ("crm-hubspot", 179),
    ("dmp-audience-files", 22),
    ("email-sendgrid", 110),
    ("email-smtp", 17),
    ("erp-tryton", 23),
    ("events-in", 16),
    ("files", 23),
];

#[test]
fn every_connector_keeps_what_it_can_be_judged_by() {
    let folder = tempfile::tempdir().unwrap();
    let report = Report::make(folder.path()).unwrap();
    let table = report.table();
    assert!(report.judge().is_ok(), "{table}");
    for (name, least) in KEPT {
        let score = report.connectors.iter().find(|score| score.connector == name);
        let score = score.unwrap_or_else(|| panic!("{name} is not shipped\n{table}"));
        let there = match name {
            "erp-tryton" => tryton::ready().map(drop),
            "email-smtp" => mail::ready().map(drop),
            _ => Ok(()),
        };
        if let Err(missing) = there {
            missing.skip(&format!("every_connector_keeps_what_it_can_be_judged_by: {name}"));
            continue;
        }
        assert!(score.kept >= least, "{name}\n{table}");
    }
    assert_eq!(case::ALL.len(), KEPT.len(), "a case has no number here");
}

const LOSES: Case = Case {
    connector: "guest-template",
    class: "CRM",
    against: Against::OwnDouble,
    also: "",
    begin: |_| contacts(Some(7)),
};

/// An account of seven contacts that is read in pages of three, for the connector that
/// `liaison connector new` begins.
fn contacts(loses_after: Option<u64>) -> Result<Stage> {
    let mut account = Contacts::new("s3cret");
    account.page_rows = 3;
    for number in 1..=7 {
        let email = format!("n{number}@x.fr");
        account.enter(&json!({ "name": format!("N{number}"), "email": email }));
    }
    account.loses_after = loses_after;
    let server = Server::start(account)?;
    let connection = case::reaching(server.port())
        + &format!("settings = {{ url = \"{}\" }}\n", server.url())
        + "credentials.token = { token = \"env:SCORES_TOKEN\" }\n";
    let row = json!({ "name": "Dora", "email": "dora@x.fr" });
    let sample = json!({ "row": row, "changed": { "name": "Dorothea" }, "cleared": "name" });
    Ok(Stage {
        connection,
        secrets: vec![("SCORES_TOKEN", "s3cret".to_owned())],
        samples: json!({ "contacts": sample }),
        counterpart: Box::new(server),
    })
}

#[test]
fn a_broken_rule_is_named_and_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let guests = guests::find(&paths::root()).unwrap();
    let guest = guests.iter().find(|guest| guest.name == LOSES.connector).unwrap();
    let score = Score::of(guest, Some(&LOSES), folder.path()).unwrap();
    let unknown = Score::of(guest, None, folder.path()).unwrap();
    let report = Report { connectors: vec![score, unknown] };
    assert!(report.judge().is_err());
    let table = report.table();
    let rule = "destination::rows_written_together_are_all_shown";
    assert!(table.contains(&format!("guest-template/contacts breaks {rule}")), "{table}");
    assert!(table.contains("guest-template was not judged"), "{table}");
}
