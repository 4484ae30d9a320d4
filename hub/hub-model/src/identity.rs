//! Identities: values that name somebody in a namespace.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::ProfileId;

/// A namespace of identities, as named in the configuration: `email`, `crm`.
pub type NamespaceName = Arc<str>;

/// A normalised value that names somebody: `email:ana@x.fr`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The namespace.
    pub namespace: NamespaceName,
    /// The value in the namespace's normal form.
    pub value: Arc<str>,
}

impl Identity {
    /// An identity from a value that is already normalised.
    pub fn new(namespace: &str, value: &str) -> Self {
        Self { namespace: namespace.into(), value: value.into() }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.namespace, self.value)
    }
}

/// Who claims an identity. Ids may be aliases of merged profiles; readers
/// resolve them. A value that too many records carry keeps counting but stops
/// listing: it identifies nobody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Claim {
    /// The profiles that claim the value, lowest first.
    pub profiles: Vec<ProfileId>,
    /// How many records assert the value now.
    pub carriers: u32,
}
