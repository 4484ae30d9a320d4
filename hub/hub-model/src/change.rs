//! The change log: hints that something is dirty. Values live in profiles.

use serde::{Deserialize, Serialize};

use crate::id::{CommitSeq, ProfileId};

/// What happened to a profile in a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It was founded.
    Created,
    /// A trait, identity or member changed.
    Updated,
    /// It was absorbed by another profile and is now an alias.
    Merged,
    /// It was split off another profile or lost members to one.
    Separated,
}

/// One entry of the change log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Change {
    /// The commit it belongs to.
    pub seq: CommitSeq,
    /// The profile (the surviving one resolves through the alias).
    pub profile: ProfileId,
    /// What happened.
    pub kind: ChangeKind,
}
