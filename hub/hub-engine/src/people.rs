//! People as others ask for them: why a trait has its value, who may be one
//! person, and what a decision or another set of rules makes of them.
//!
//! Everything that changes who is who goes one way. What bears on the question
//! is gathered ([`gather`]), replayed by the core with the new decisions
//! ([`decide`]) or rules ([`recast`]), and compared with what is stored, group by
//! group ([`regroup`]): a group is what is closed under being together before or
//! after. A preview counts the groups; applying commits each whole. Work that
//! does not fit one commit is cut, and kept as unfinished until it is done.

pub mod explain;

mod gather;

mod regroup;

pub mod decide;

pub mod reviews;

pub mod conflicts;

pub mod recast;

pub use hub_core::identity::preview::{Merge, Preview, Split, Writes};

use hub_core::identity::separate::NotASeparation;
use hub_model::{EntityKind, ProfileId, RecordNo};
use hub_store::Error;

/// Why people cannot be joined or taken apart as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeopleError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] Error),
    /// There is no such profile.
    #[error("there is no profile {0}")]
    NoProfile(ProfileId),
    /// Both are one profile already.
    #[error("both are profile {0}")]
    OneAlready(ProfileId),
    /// They are two profiles already.
    #[error("profiles {0} and {1} are two already")]
    TwoAlready(ProfileId, ProfileId),
    /// A person and an account are never one.
    #[error("profile {0} is of kind {kind}, profile {1} of kind {other}", kind = .2.as_str(), other = .3.as_str())]
    Kinds(ProfileId, ProfileId, EntityKind, EntityKind),
    /// The records do not make two sides.
    #[error(transparent)]
    NotASeparation(#[from] NotASeparation),
    /// Nobody joined them by hand, or the rules join them as well: which records
    /// leave has to be said.
    #[error("nobody joined record {0} to this profile by hand, or the rules join it as well")]
    NotByHand(RecordNo),
    /// The configuration was changed and not applied yet.
    #[error("the profiles do not follow this configuration yet")]
    RulesChanged,
    /// More pairs of records than are decided at once.
    #[error("{pairs} pairs of records would be joined, {pairs_max} may be at once")]
    TooManyPairs {
        /// So many.
        pairs: usize,
        /// So many may be.
        pairs_max: usize,
    },
    /// More records bear on each other than are replayed at once.
    #[error("more than {records_max} records bear on each other through shared values")]
    TooManyTogether {
        /// So many may.
        records_max: usize,
    },
}
