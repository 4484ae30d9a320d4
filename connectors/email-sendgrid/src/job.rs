//! How a job stands: counts, and a file that says what was wrong with whom.
//!
//! The counts name nobody. Where all of a job was refused, which is what becomes of a
//! bad contact that was sent by itself, the file's reason is that of each.

use std::collections::BTreeSet;

use liaison_sdk::csv::{self, Scan};
use liaison_sdk::{Fault, FaultCode, JobState, Report, Verdict, log};
use serde::Deserialize;

use crate::api::Api;
use crate::contact;

/// Pause between two questions.
const AGAIN_SECONDS: u32 = 5;
/// Different reasons that are shown.
const REASONS_MAX: usize = 5;
/// Cells of fewer characters are not blotted out of a reason.
const BLOTTED_CHARS_MIN: usize = 3;

#[derive(Deserialize)]
struct Status {
    status: String,
    #[serde(default)]
    results: Results,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Results {
    requested_count: u32,
    errored_count: u32,
    errors_url: Option<String>,
}

/// Asks for the state of a job.
///
/// # Errors
/// `not-found` for one that SendGrid does not know; otherwise the request's.
pub fn ask(api: &Api, job: &str) -> Result<JobState, Fault> {
    if !contact::is_id(job) {
        return Err(Fault::new(FaultCode::NotFound).at("job"));
    }
    let ask = api.get(&format!("/v3/marketing/contacts/imports/{job}"));
    let Status { status, results } = api.reads(ask)?;
    let reasons = || results.errors_url.as_deref().map(|url| reasons(api, url)).unwrap_or_default();
    Ok(match status.as_str() {
        "completed" | "errored" => {
            if results.errored_count > 0 {
                log::warn(format!(
                    "{} contacts were refused: {}",
                    results.errored_count,
                    reasons()
                ));
            }
            let invalid = results.errored_count.min(results.requested_count);
            let verdict = Verdict::Aggregate(results.requested_count, invalid);
            JobState::Done(Report { verdict, hints: api.hints() })
        }
        "failed" => JobState::Failed(Fault::new(FaultCode::Rejected).vendor("failed", reasons())),
        _ => JobState::Running(AGAIN_SECONDS),
    })
}

/// The reasons of a file of errors, for people. That it cannot be read is no reason to
/// stop.
fn reasons(api: &Api, url: &str) -> String {
    match api.file(url) {
        Ok(file) => told(&file),
        Err(fault) => {
            log::warn(format!("the file of errors: {fault}"));
            String::new()
        }
    }
}

fn told(file: &[u8]) -> String {
    let mut lines = lines(file).into_iter();
    let head = lines.next().unwrap_or_default();
    let words = ["error", "reason", "message"];
    let names = |name: &String| words.iter().any(|it| name.to_lowercase().contains(it));
    let column = head.iter().position(names).unwrap_or(head.len().saturating_sub(1));
    let mut reasons = BTreeSet::new();
    for line in lines {
        let others = line.iter().enumerate().filter(|(place, _)| *place != column);
        let cells = others.map(|(_, cell)| cell.trim());
        let cells = cells.filter(|cell| cell.chars().count() >= BLOTTED_CHARS_MIN);
        let reason = line.get(column).map(|it| it.trim().to_owned()).unwrap_or_default();
        // A fault never holds a customer's value.
        reasons.insert(cells.fold(reason, |reason, cell| reason.replace(cell, "…")));
        if reasons.len() >= REASONS_MAX {
            break;
        }
    }
    reasons.into_iter().collect::<Vec<_>>().join("; ")
}

/// The cells of each line, up to the first that is none.
fn lines(mut rest: &[u8]) -> Vec<Vec<String>> {
    let (mut lines, mut cells) = (Vec::new(), Vec::new());
    while let Scan::Record { consumed, .. } = csv::scan(rest, b',', true, &mut cells) {
        lines.push(cells.iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect());
        rest = rest.get(consumed..).unwrap_or_default();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn reasons_are_told_once_and_without_values() {
        let file = "EMAIL,CITY,ERROR\nana@x.example,Nice,\"Nice is no number, ana@x.example\"\n\
            bob@x.example,Lyon,too long\neve@x.example,Brest,too long\n";
        assert_eq!(told(file.as_bytes()), "too long; … is no number, …");
        assert_eq!(told(b"<html>"), "");
        assert_eq!(told(b"\xff\xfe"), "");
    }
}
