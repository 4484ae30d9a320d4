//! What a recording consists of: a header, the calls, an ending; one line of JSON each.

use hub_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::binding::Environment;
use crate::question::Question;
use crate::recording::Gave;
use crate::way::{Errand, Level, Reply};

/// The version of the form.
pub const FORMAT: u32 = 1;
/// Most bytes of a recording, before it is compressed.
pub const RECORDING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most calls of a recording.
pub const CALLS_MAX: u32 = 10_000;
/// Most bytes of one call: what its errands and their answers hold.
pub const CALL_BYTES_MAX: usize = 32 * 1024 * 1024;

/// What all calls have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the form: [`FORMAT`].
    pub format: u32,
    /// The run: the purpose of every call.
    pub run: String,
    /// The connection.
    pub connection: String,
    /// The connector's id.
    pub connector: String,
    /// Its version.
    pub version: String,
    /// The contract that it was written against.
    pub contract: String,
    /// The SHA-256 of the component, in hexadecimal.
    pub component: String,
    /// Which of the vendor's worlds the connection belongs to.
    pub environment: Environment,
    /// The connection's settings.
    pub settings: Value,
    /// Values were replaced; the output hashes are those of the values in here.
    pub masked: bool,
}

/// An errand and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What the guest asked for.
    pub errand: Errand,
    /// What it was answered.
    pub reply: Reply,
}

/// A line of the guest's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How loud.
    pub level: Level,
    /// The line.
    pub line: String,
}

/// A call of the guest. `Q` is how the question is held: as JSON while it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call<Q = Question<'static>> {
    /// Its number in the recording, from 1.
    pub number: u32,
    /// A new instance served it, not one that had served calls of the run before.
    pub anew: bool,
    /// The guest's clock.
    pub now: Timestamp,
    /// What its randomness comes from.
    pub seed: u64,
    /// What was asked of it.
    pub question: Q,
    /// Its errands, in order.
    pub exchanges: Vec<Exchange>,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// What it gave.
    pub gave: Gave,
    /// A secret was taken out of the question or of an answer.
    pub redacted: bool,
}

/// That a recording is whole, or why it ends before its run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Calls that are in it.
    pub calls: u32,
    /// The hash of all outputs.
    pub output: String,
    /// The limit at which it ends before its run, with its value.
    pub stopped: Option<String>,
}

/// A line, without its seal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line<Q = Question<'static>> {
    Header(Header),
    Call(Box<Call<Q>>),
    Ending(Ending),
}

/// A line as it stands in the file.
#[derive(Serialize, Deserialize)]
pub(super) struct Sealed<'l> {
    /// The hash of this line and all before it.
    pub seal: String,
    #[serde(borrow)]
    pub line: &'l RawValue,
}

/// The seal of a line that comes after one.
pub(super) fn seal(before: &str, line: &str) -> String {
    hex(Sha256::new().chain_update(before).chain_update(line))
}

/// The hash of all outputs, call by call.
pub(super) fn whole<'g>(gave: impl Iterator<Item = &'g Gave>) -> String {
    hex(gave.fold(Sha256::new(), |hash, gave| hash.chain_update(&gave.output)))
}

/// A hash in lower-case hexadecimal.
pub(super) fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
