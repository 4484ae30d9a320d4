//! Names and numbers that identify things. Every key carries its workspace,
//! through [`StreamRef`]; remote keys are opaque text.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limits::KEY_BYTES_MAX;

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $type(Arc<str>);

        impl $type {
            /// Wraps a name as it is; see [`valid`] for what is accepted from outside.
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $type {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(/** One organisation's (or brand's) separate world. */ WorkspaceId);
name!(/** An account at a vendor, as named in the configuration. */ ConnectionId);
name!(/** An account at a vendor as the vendor counts it: connections that name the same one share its limits. */ AccountName);
name!(/** A named collection in a connection: contacts, orders. */ StreamName);
name!(/** A scheduled job between a stream and the hub. */ SyncId);
name!(/** The key of a row in its own system: opaque, at most [`KEY_BYTES_MAX`] bytes. */ RemoteKey);
name!(/** A field of a record, in the vendor's words. */ FieldName);
name!(/** A field of a profile, in the organisation's words. */ TraitName);
name!(/** A kind of objects, in the organisation's words: order, deal, ticket. */ KindName);
name!(/** The name of a stored position: a cursor, a follower's place. */ PositionName);
name!(/** One execution of a sync; sorts by start. */ RunId);

impl From<&ConnectionId> for AccountName {
    /// The account of a connection that names none: its own.
    fn from(connection: &ConnectionId) -> Self {
        Self(Arc::clone(&connection.0))
    }
}

/// Whether text from outside may become a name or key: not empty, at most
/// [`KEY_BYTES_MAX`] bytes, no control character.
pub fn valid(name: &str) -> bool {
    !name.is_empty() && name.len() <= KEY_BYTES_MAX && !name.chars().any(char::is_control)
}

macro_rules! ordinal {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $type(pub u64);

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

ordinal!(/** The number of a record, given once in order of receipt, never reused. From 1. */ RecordNo);
ordinal!(/** The number of a profile's founding (lowest) record. */ ProfileId);
ordinal!(/** The hub's order of receipt; 0 means "never". */ Stamp);
ordinal!(/** The number of a commit, without gaps; 0 means "before the first". */ CommitSeq);

impl ProfileId {
    /// Of a record that is part of no profile: an object. Records are numbered
    /// from 1.
    pub const NOBODY: Self = Self(0);
}

impl From<RecordNo> for ProfileId {
    fn from(founder: RecordNo) -> Self {
        Self(founder.0)
    }
}

/// A stream of a connection of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamRef {
    /// Whose world.
    pub workspace: WorkspaceId,
    /// Which account.
    pub connection: ConnectionId,
    /// Which collection.
    pub stream: StreamName,
}

impl StreamRef {
    /// The stream `stream` of `connection` in `workspace`.
    pub fn new(workspace: &str, connection: &str, stream: &str) -> Self {
        Self {
            workspace: WorkspaceId::new(workspace),
            connection: ConnectionId::new(connection),
            stream: StreamName::new(stream),
        }
    }
}

impl fmt::Display for StreamRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.workspace, self.connection, self.stream)
    }
}

/// A row of a stream, by its remote key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordRef {
    /// Where.
    pub stream: StreamRef,
    /// Which row.
    pub key: RemoteKey,
}
