//! Namespaces of identities: which values name somebody, in which form, and
//! how far they are believed.

use serde::{Deserialize, Serialize};

use crate::id::TraitName;
use crate::identity::NamespaceName;

/// Most parts of a composite namespace.
pub const COMPOSITE_PARTS_MAX: usize = 8;

/// How a value becomes an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normaliser {
    /// E-mail address: trimmed, lower case, domain in its ASCII form.
    Email,
    /// Telephone number in E.164, with the namespace's country as default.
    Phone,
    /// Code: trimmed, case folded.
    Code,
    /// As it is, NFC and trimmed.
    Exact,
    /// Identifier that a web site gave to a browser: as it is, without blanks,
    /// long enough to be random.
    Cookie,
    /// Identifier of a device or an app: hexadecimal digits, lower case,
    /// without separators.
    Device,
    /// Name of a person or place: lower case, without accents, punctuation and
    /// doubled blanks.
    Name,
    /// Calendar date `YYYY-MM-DD`; other forms are cleaned into it first.
    Date,
    /// Several traits of one record together; see [`Namespace::parts`].
    Composite,
}

/// One part of a composite identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The trait whose assertion by the record is the part.
    #[serde(rename = "trait")]
    pub of: TraitName,
    /// Its form; never [`Normaliser::Composite`].
    pub normaliser: Normaliser,
}

/// The rules of one namespace of identities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Its name.
    pub name: NamespaceName,
    /// How values are normalised.
    pub normaliser: Normaliser,
    /// The parts of a composite, in order; empty for every other normaliser.
    /// A record names somebody by it while it asserts every part itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Trusted namespaces join profiles; weak ones only find them.
    pub trusted: bool,
    /// It names a browser or device rather than a person: a profile with such
    /// identities only is anonymous.
    #[serde(default)]
    pub anonymous: bool,
    /// Rank among the identities of one row; lower is heard first, so that of
    /// two keys in conflict the stronger joins and the weaker is refused.
    #[serde(default = "priority")]
    pub priority: u32,
    /// Two-letter country for phone numbers without one.
    pub country: Option<String>,
    /// Most values of this namespace on one profile; a join beyond is refused.
    pub values_per_profile_max: u32,
    /// A value carried by more records names nobody.
    pub records_per_value_max: u32,
    /// Values that never identify. They are compared in normalised form.
    pub never: Vec<String>,
}

/// Rank of a namespace unless it says otherwise.
pub const PRIORITY: u32 = 100;
/// Most values of one namespace on one profile unless it says otherwise: more
/// than any person has, fewer than a wrong join gathers.
pub const VALUES_PER_PROFILE_MAX: u32 = 25;
/// Most records that carry one value unless it says otherwise: beyond it, the
/// value is a switchboard or a placeholder.
pub const RECORDS_PER_VALUE_MAX: u32 = 25;

fn priority() -> u32 {
    PRIORITY
}

impl Namespace {
    /// A trusted namespace with the usual limits. One of cookies or devices is
    /// anonymous.
    pub fn new(name: impl Into<NamespaceName>, normaliser: Normaliser) -> Self {
        Self {
            name: name.into(),
            normaliser,
            parts: Vec::new(),
            trusted: true,
            anonymous: normaliser.names_a_browser(),
            priority: PRIORITY,
            country: None,
            values_per_profile_max: VALUES_PER_PROFILE_MAX,
            records_per_value_max: RECORDS_PER_VALUE_MAX,
            never: Vec::new(),
        }
    }
}

impl Normaliser {
    /// Whether values of this form are given to browsers and devices.
    pub const fn names_a_browser(self) -> bool {
        matches!(self, Self::Cookie | Self::Device)
    }
}
