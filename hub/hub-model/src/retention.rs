//! Whose data they are, and how long they may be kept.

use serde::{Deserialize, Serialize};

use crate::id::ConnectionId;
use crate::period::Period;

/// Who collected the data of a connection.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The organisation itself.
    #[default]
    First,
    /// A partner who collected them for itself and shares them.
    Second,
    /// Somebody who sells or aggregates them.
    Third,
}

impl Party {
    /// The words used in configuration and output.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("first", Self::First), ("second", Self::Second), ("third", Self::Third)];

    /// How long anonymous data of this origin are kept unless a connection
    /// says otherwise: 90 days for those of third parties.
    pub const fn keep_anonymous(self) -> Option<Period> {
        match self {
            Self::First | Self::Second => None,
            Self::Third => Some(Period::Days(90)),
        }
    }
}

/// The origin of a connection's data, and how long they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The connection.
    pub connection: ConnectionId,
    /// Who collected the data.
    pub party: Party,
    /// How long a record is kept after it last changed; for ever if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Period>,
    /// The same while its profile is anonymous. Of both the shorter holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_anonymous: Option<Period>,
}

/// How long what profiles were before is kept, and what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// A version is kept so long after it was replaced.
    pub keep: Period,
    /// What was written to destinations is kept, and can be undone, so long.
    pub keep_writes: Period,
}

impl Default for History {
    /// A year and five weeks: the same month of last year can be looked at. Who has
    /// not missed what a run wrote within a quarter does not undo it any more.
    fn default() -> Self {
        Self { keep: Period::Days(400), keep_writes: Period::Days(90) }
    }
}
