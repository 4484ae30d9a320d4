//! What vendors allow in a time, and what they say about it while they answer.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The scope of a budget that counts every call of the account.
pub const SCOPE_ACCOUNT: &str = "account";
/// The scope of a budget that counts every call of the connector, whatever the
/// account: vendors limit the application as well.
pub const SCOPE_APP: &str = "app";

/// A rate that the vendor allows. A vendor that limits in several ways has several
/// budgets, also of one scope: a burst and a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RateBudget {
    /// What it counts for: `account`, `app`, or an endpoint's name, which is a kind
    /// of call (`discover`, `read`, `lookup`, `write`, `poll-job`) or a stream.
    pub scope: String,
    /// Calls (or cost points) in a window; 0 = not counted, for vendors that limit
    /// only what runs at once.
    pub calls: u32,
    /// The window's length in seconds.
    pub window_seconds: u32,
    /// Most calls at once; 0 = not limited.
    #[serde(default)]
    pub concurrency: u32,
}

/// What a vendor's answer says about its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateHint {
    /// Of which budgets, by their scope.
    pub scope: String,
    /// Calls or cost points that remain in the window.
    pub remaining: Option<u32>,
    /// Calls or cost points of a whole window.
    pub limit: Option<u32>,
    /// Seconds until the window renews.
    pub reset_after_seconds: Option<u32>,
    /// What the last call cost.
    pub cost: Option<u32>,
}

/// Whose call goes first, and how much of a window it may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Somebody is to be forgotten, or asked not to be written to.
    Erase,
    /// Something happened that wants an answer soon.
    Trigger,
    /// An ordinary run.
    Sync,
    /// A first load.
    Backfill,
}

/// How much of a vendor's allowance some work takes, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Calls that it takes.
    pub calls: u64,
    /// Calls of a whole window of the budget that it strains most.
    pub of: u32,
    /// The length of that window in seconds.
    pub window_seconds: u32,
    /// Its calls as a share of that window, in per cent, rounded up.
    pub percent: u64,
    /// When the last of them can be made, as far as budgets say.
    pub ends: Timestamp,
}
