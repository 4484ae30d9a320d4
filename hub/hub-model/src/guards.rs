//! How much one run of a sync may write before a person is asked.

use serde::{Deserialize, Serialize};

use crate::id::RunId;
use crate::plan::PlanCounts;
use crate::time::Timestamp;

/// Share of the known rows that one run may change or delete unless a sync says
/// otherwise. What people edit in a day stays far below; a wrecked mapping or
/// rule touches nearly everybody.
pub const RECORDS_PERCENT_MAX: u8 = 30;
/// Rows that one run may delete unless a sync says otherwise: there is no way
/// back from a delete.
pub const DELETES_MAX: u32 = 100;
/// Rows that one run may create unless a sync says otherwise: a small system is
/// filled without a question, a large one after one.
pub const CREATES_MAX: u32 = 10_000;
/// Rows that one run may change or delete whatever their share is: in a small
/// system every share is large.
pub const RECORDS_FLOOR: u64 = 100;

/// The limits of one run of a sync. What goes beyond is held, not cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guards {
    /// Share of the known rows that may be changed or deleted, in per cent; 100
    /// asks nothing. Does not count up to [`RECORDS_FLOOR`] rows.
    pub records_percent_max: u8,
    /// Rows that may be deleted.
    pub deletes_max: u32,
    /// Rows that may be created.
    pub creates_max: u32,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            records_percent_max: RECORDS_PERCENT_MAX,
            deletes_max: DELETES_MAX,
            creates_max: CREATES_MAX,
        }
    }
}

/// A run that waits for a person, and what was answered. One per sync: the
/// newest run's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The run that was held.
    pub run: RunId,
    /// The hash of what it would have written.
    pub plan: String,
    /// How much that was.
    pub counts: PlanCounts,
    /// What was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// What a person answered to a run that was held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Yes: the next runs may write as much as was planned, until one of them
    /// has. No: what was planned stays unwritten.
    pub approved: bool,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}
