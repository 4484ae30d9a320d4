//! Objects that the hub makes of others: a deal that was won in one system becomes
//! an order in another.
//!
//! The two stay two objects, each with the identity that its system gives it. That
//! one was made of the other is a relation, which the hub keeps by itself
//! ([`crate::Relation::made_of`]): no value has to stay as it is for the order to be
//! found again.
//!
//! A field of the new object may have to hold a key of its own system: that of the
//! customer there. What the source names is followed by its relation to whoever, or
//! whatever, it leads to now, and from there to the row in the destination. So no
//! key of one system is ever taken for one of another.

use serde::{Deserialize, Serialize};

use crate::id::{StreamRef, TraitName};
use crate::relation::RoleName;
use crate::transform::Test;

/// Of which objects those of a stream are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeOf {
    /// The stream of the sources.
    pub stream: StreamRef,
    /// What a source has to fulfil, all of it. While it does not, nothing is made of
    /// it, and what was made of it before is left as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// What somebody is to a source whose consents count for what is made of it. While
    /// nobody is, or one of several refuses, nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whose: Option<RoleName>,
}

/// A test of one value of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The value, by the name that the source's sync gives it.
    pub name: TraitName,
    /// What it has to be.
    pub test: Test,
    /// It must not be that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not: bool,
}

/// A value that is the key of another row of the same connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// What the other is to the source, or to an object that stands between them.
    pub role: RoleName,
    /// The stream whose key is wanted.
    pub stream: StreamRef,
    /// The stream of objects that say it for the source, where it does not say it
    /// itself: associations, which relate to both ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<StreamRef>,
    /// Whether a source that names nobody in the role has null there; otherwise it
    /// waits until it does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}
