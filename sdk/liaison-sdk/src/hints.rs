//! What a call learns besides its answer.

use crate::bindings::host::liaison::connector::types as wit;

/// What the vendor's answer says about its limits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateHint {
    /// `account`, `app` or an endpoint's name, as in the manifest's budgets. An
    /// endpoint is a kind of call (`discover`, `read`, `lookup`, `write`,
    /// `poll-job`) or a stream.
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

/// Something a person should know although the call succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notice {
    /// `deprecation`, `sunset`, `api-version`.
    pub topic: String,
    /// Named arguments, such as `date` and `link`.
    pub args: Vec<(String, String)>,
}

/// What a call learned besides its answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hints {
    /// Limits.
    pub rates: Vec<RateHint>,
    /// Deprecations and warnings.
    pub notices: Vec<Notice>,
}

impl From<RateHint> for wit::RateHint {
    fn from(hint: RateHint) -> Self {
        Self {
            scope: hint.scope,
            remaining: hint.remaining,
            limit: hint.limit,
            reset_after_seconds: hint.reset_after_seconds,
            cost: hint.cost,
        }
    }
}

impl From<Hints> for wit::Hints {
    fn from(hints: Hints) -> Self {
        let notices = hints.notices.into_iter();
        Self {
            rates: hints.rates.into_iter().map(Into::into).collect(),
            notices: notices.map(|it| wit::Notice { topic: it.topic, args: it.args }).collect(),
        }
    }
}
