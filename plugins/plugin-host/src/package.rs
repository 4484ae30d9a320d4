//! A loaded package: the component with its manifest, ready to be connected.

use std::fmt;

use plugin_api::Manifest;
use sha2::{Digest as _, Sha256};
use wasmtime::component::InstancePre;

use crate::limits::COMPONENT_BYTES_MAX;
use crate::since_v0_1_0::{Exports, GuestState};

/// Why a file does not become a package. Displays teach; sources are kept apart.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Read(#[source] std::io::Error),
    /// The file is larger than a component may be.
    #[error("larger than a component may be ({COMPONENT_BYTES_MAX} bytes)")]
    TooLarge,
    /// The file is something else.
    #[error("not a WebAssembly component but {looks_like}")]
    NotWebAssembly {
        /// What it looks like.
        looks_like: &'static str,
    },
    /// A core module, which is a step on the way to a component.
    #[error("a core WebAssembly module, which is a step on the way to a component")]
    CoreModule,
    /// The bytes are not well formed.
    #[error("not a valid component: {0}")]
    Invalid(String),
    /// There is no manifest in it.
    #[error("no manifest: the custom section `liaison:manifest` is missing")]
    ManifestMissing,
    /// The manifest is wrong.
    #[error("the manifest is wrong: {0}")]
    Manifest(String),
    /// It speaks another version of the contract.
    #[error("written against contract {wanted}; this host speaks {known}")]
    Contract {
        /// What the manifest names.
        wanted: String,
        /// What the host speaks.
        known: String,
    },
    /// It asks for something that the contract does not offer.
    #[error("it imports `{0}`, which the contract does not offer: connectors get nothing else")]
    ForbiddenImport(String),
    /// It does not export what its manifest says.
    #[error("its manifest needs the interface `{0}`, which it does not export")]
    ExportMissing(String),
    /// The code does not compile or does not fit the contract's types.
    #[error("it does not fit the contract: {0}")]
    Unfit(String),
    /// The host stops or its compiler failed.
    #[error("the host could not finish loading: {0}")]
    Host(String),
}

/// The SHA-256 of a component's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ComponentDigest(pub [u8; 32]);

impl ComponentDigest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for ComponentDigest {
    /// Lower-case hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ComponentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{self}")
    }
}

/// A component that was inspected, compiled and linked.
pub struct Package {
    /// The SHA-256 of its bytes: what it is installed by.
    pub digest: ComponentDigest,
    /// Its manifest.
    pub manifest: Manifest,
    /// The interfaces of the contract that it exports.
    pub interfaces: Vec<String>,
    /// The size of the component in bytes.
    pub size_bytes: usize,
    /// Its code was compiled before and found under a valid MAC.
    pub from_cache: bool,
    pub(crate) pre: InstancePre<GuestState>,
    pub(crate) exports: Exports,
}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Package")
            .field("id", &self.manifest.id)
            .field("version", &self.manifest.version)
            .field("digest", &self.digest)
            .field("interfaces", &self.interfaces)
            .finish_non_exhaustive()
    }
}
