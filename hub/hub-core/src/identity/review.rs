//! Connections that the rules saw and did not make.

use hub_model::{Identity, ProfileId};

/// Why two profiles that carry one value were not joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReviewReason {
    /// Too many records carry the value; it names nobody.
    SharedValue,
    /// The profile would have more values of a namespace than it may.
    Cardinality,
    /// The profile would have more records of a stream than its sync allows:
    /// two rows of one system, free of duplicates by its rules, share the value.
    SameStream,
    /// Somebody decided that they are different people.
    Separated,
    /// Somebody edited the value in a namespace that is written both ways: a
    /// typo must not rewrite a stranger.
    TwoWayChange,
}

impl ReviewReason {
    /// The reason as the stable word that the store keeps.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SharedValue => "shared-value",
            Self::Cardinality => "cardinality",
            Self::SameStream => "same-stream",
            Self::Separated => "separated",
            Self::TwoWayChange => "two-way-change",
        }
    }
}

/// Something for a person to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Review {
    /// The identity that both sides carry.
    pub identity: Identity,
    /// The profile that brought it.
    pub left: ProfileId,
    /// The profile that had it.
    pub right: ProfileId,
    /// Why they were not joined.
    pub reason: ReviewReason,
}
