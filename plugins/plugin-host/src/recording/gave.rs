//! What a call gave: the hash of its output, and enough words to tell two apart.

use std::fmt;
use std::io;

use hub_model::Fault;
use plugin_gateway::Redactor;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::form::hex;
use crate::decode;
use crate::instance::{Answer, AudienceAnswer};
use crate::since_v0_1_0::exported::audience::MemberVerdict;
use crate::since_v0_1_0::exported::destination::{JobState, Report, Verdict};
use crate::since_v0_1_0::imported::types as wit;

/// What a guest said: an answer or its own fault, or how it was stopped.
pub(crate) type Said = Result<Result<Answer, wit::Fault>, Fault>;

/// What a call gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gave {
    /// The SHA-256 of the contract's answer.
    pub output: String,
    /// What kind of answer it was: `page`, `outcomes`, `fault`, `stopped`.
    pub kind: String,
    /// How many things are in it.
    pub items: usize,
    /// The fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

impl Gave {
    pub(crate) fn of(said: &Said, redactor: &Redactor) -> Self {
        let mut hash = Hash(Sha256::new());
        let written = serde_json::to_writer(&mut hash, said);
        debug_assert!(written.is_ok(), "a hash takes everything, and no type here has a key");
        let output = hex(hash.0);
        let (kind, items, fault) = match said {
            Ok(Ok(answer)) => {
                let (kind, items) = kind(answer);
                (kind, items, None)
            }
            Ok(Err(fault)) => ("fault", 0, Some(decode::fault::fault(fault.clone(), redactor))),
            Err(fault) => ("stopped", 0, Some(fault.clone())),
        };
        Self { output, kind: kind.to_owned(), items, fault }
    }
}

fn kind(answer: &Answer) -> (&'static str, usize) {
    let report = |report: &Report| match &report.verdict {
        Verdict::Items(outcomes) => outcomes.len(),
        Verdict::Aggregate(counts) => counts.received as usize,
    };
    match answer {
        Answer::Checked => ("checked", 0),
        Answer::Streams(streams) => ("streams", streams.len()),
        Answer::Page(page) => ("page", page.rows.count as usize),
        Answer::Found(found) => ("found", found.len()),
        Answer::Report(it) => ("outcomes", report(it)),
        Answer::Job(JobState::Done(it)) => ("job-done", report(it)),
        Answer::Job(JobState::Running(_)) => ("job-running", 0),
        Answer::Job(JobState::Failed(_)) => ("job-failed", 0),
        Answer::Audience(AudienceAnswer::Containers(page)) => ("containers", page.items.len()),
        Answer::Audience(AudienceAnswer::Container(_)) => ("container", 1),
        Answer::Audience(AudienceAnswer::Deleted) => ("deleted", 1),
        Answer::Audience(AudienceAnswer::Members(report)) => match &report.verdict {
            MemberVerdict::Items(outcomes) => ("outcomes", outcomes.len()),
            MemberVerdict::Aggregate(_) => ("counts", 1),
        },
        Answer::Reply(reply) => ("reply", usize::from(reply.is_some())),
        Answer::Parsed(parsed) => ("meanings", parsed.len()),
    }
}

impl fmt::Display for Gave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            None => write!(f, "{} of {}", self.kind, self.items),
            Some(fault) => {
                write!(f, "{} {}", self.kind, fault.code.as_str())?;
                if !fault.place.is_empty() {
                    write!(f, " at {}", fault.place)?;
                }
                fault.args.iter().try_for_each(|(name, value)| write!(f, ", {name} {value}"))
            }
        }
    }
}

/// Writes into a hash.
struct Hash(Sha256);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
