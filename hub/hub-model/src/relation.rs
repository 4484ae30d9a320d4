//! Relations: what a row says of whom, or what, it belongs to.
//!
//! An order has a buyer, a person an employer and a household, an invoice its
//! order. A relation names an identity or a row, never a profile: who that is
//! is looked up when somebody asks. So a relation may be stated before the
//! person is known, and merging or unmerging people moves nothing. It never
//! joins anybody.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{FieldName, RecordRef, StreamRef};
use crate::identity::{Identity, NamespaceName};
use crate::mapping::MADE;

/// What somebody or something is to a record: `buyer`, `employer`, `order`.
pub type RoleName = Arc<str>;

/// Whom or what a relation names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Related {
    /// Whoever claims the identity; if nobody does, all who relate to it have
    /// it in common, as a household.
    Identity(Identity),
    /// A row of a stream.
    Row(RecordRef),
}

impl fmt::Display for Related {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(identity) => identity.fmt(f),
            Self::Row(at) => {
                write!(f, "{}/{}/{}", at.stream.connection, at.stream.stream, at.key.as_str())
            }
        }
    }
}

/// A relation of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Relation {
    /// What the other is to this record.
    pub role: RoleName,
    /// The other.
    pub to: Related,
    /// The field that says so.
    pub field: FieldName,
}

/// What the source is to an object that the hub made of it; behind [`MADE`] it stands
/// for a field, so that no row has that.
const SOURCE: &str = "source";

impl Relation {
    /// That an object was made of another. No row says so: the hub keeps it.
    pub fn made_of(source: RecordRef) -> Self {
        let field = FieldName::new(format!("{MADE}{SOURCE}"));
        Self { role: SOURCE.into(), to: Related::Row(source), field }
    }

    /// Whether the hub keeps it by itself.
    pub fn is_kept(&self) -> bool {
        self.field.as_str().starts_with(MADE)
    }
}

/// Where the values of a relating field lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelatesTo {
    /// To whoever claims the value in a namespace.
    Namespace(NamespaceName),
    /// To the row of that key.
    Stream(StreamRef),
}

/// Which field of a stream relates, and to what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelationMapping {
    /// The field; one of the mapping that is read.
    pub field: FieldName,
    /// What the other is to the row.
    pub role: RoleName,
    /// Where its values lead.
    pub to: RelatesTo,
}

/// What becomes of an object when a person whom it names is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenErased {
    /// It stays without any value that names the person.
    #[default]
    Unlink,
    /// It leaves with the person.
    Erase,
}

impl WhenErased {
    /// Whether it is what happens unless a sync says otherwise.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}
