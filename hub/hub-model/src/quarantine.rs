//! Quarantine: rows that a rule rejected, with the reason, waiting to be
//! mended and replayed.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::id::{RemoteKey, RunId, StreamRef};
use crate::time::Timestamp;

/// A row that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Where it came from.
    pub stream: StreamRef,
    /// Its key, if it had a usable one. A later row of the same key replaces it.
    pub key: Option<RemoteKey>,
    /// Which rule rejected it, where, and what was expected.
    pub fault: Fault,
    /// The row as received, as JSON text, cut at the value limit.
    pub raw: String,
    /// The run that met it.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
}
