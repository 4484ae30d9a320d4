//! Consent: permission for a purpose on a channel, with its proof.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{FieldName, RecordNo, Stamp};
use crate::mapping::TimeField;
use crate::period::Period;
use crate::time::Timestamp;
use crate::value::Value;

/// What data are used for: `newsletter`, `advertising`.
pub type PurposeName = Arc<str>;
/// A way to reach somebody: `email`, `sms`.
pub type ChannelName = Arc<str>;

/// The channel of a consent that speaks of all channels of its purpose.
pub const EVERY_CHANNEL: &str = "*";
/// Longest raw proof that is kept, in bytes of text; a TCF string of today has
/// about 1,500.
pub const PROOF_BYTES_MAX: usize = 8 * 1024;

/// A purpose on a channel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConsentKey {
    /// The purpose.
    pub purpose: PurposeName,
    /// The channel, or [`EVERY_CHANNEL`].
    pub channel: ChannelName,
}

impl ConsentKey {
    /// A purpose on a channel.
    pub fn new(purpose: &str, channel: &str) -> Self {
        Self { purpose: purpose.into(), channel: channel.into() }
    }

    /// Whether a statement under this key speaks of that purpose and channel.
    pub fn covers(&self, purpose: &str, channel: &str) -> bool {
        *self.purpose == *purpose && (*self.channel == *EVERY_CHANNEL || *self.channel == *channel)
    }
}

impl fmt::Display for ConsentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.purpose, self.channel)
    }
}

/// What somebody said, in order of strictness. Unknown is no permission either;
/// it is least because it says nothing against what another record knows.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ConsentState {
    /// Nothing is known.
    #[default]
    Unknown,
    /// Permitted.
    Granted,
    /// Asked, and refused.
    Denied,
    /// Permitted once, and taken back.
    Withdrawn,
}

impl ConsentState {
    /// The word used in configuration and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Where a consent comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentProof {
    /// The record that states it.
    pub record: RecordNo,
    /// The field that states it.
    pub field: FieldName,
    /// When it was given or refused, as its source declares; else when the hub
    /// first saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Timestamp>,
    /// The version of the text that was agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_version: Option<String>,
    /// The proof as received (a TCF or GPP string, a form's token), at most
    /// [`PROOF_BYTES_MAX`]; absent when longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

/// What holds for a profile under one key, before the clock is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Purpose and channel.
    #[serde(flatten)]
    pub key: ConsentKey,
    /// The strictest of what the profile's records say.
    pub state: ConsentState,
    /// The receipt stamp of the assertion that says it.
    pub stamp: Stamp,
    /// When a grant stops counting; absent for other states, and where the
    /// purpose has no such rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Where it comes from.
    pub proof: ConsentProof,
}

/// A purpose as configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purpose {
    /// Its name.
    pub name: PurposeName,
    /// Its channels.
    pub channels: Vec<ChannelName>,
    /// How long a grant counts from the time it was given. A grant without a
    /// time never counts where this is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Period>,
}

/// How a field of a stream states a consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentMapping {
    /// The field; it is mapped and read, so that our own echo never consents.
    pub field: FieldName,
    /// What it speaks of.
    #[serde(flatten)]
    pub key: ConsentKey,
    /// Values that permit.
    pub granted: Vec<Value>,
    /// Values that refuse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<Value>,
    /// Values that take a permission back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<Value>,
    /// What any other asserted value means, null included; never a grant.
    #[serde(default)]
    pub otherwise: ConsentState,
    /// The field with the time at which it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeField>,
    /// The field with the version of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_version: Option<FieldName>,
    /// The field with the raw proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<FieldName>,
}

impl ConsentMapping {
    /// What a value of the field states.
    pub fn state_of(&self, value: &Value) -> ConsentState {
        // A value that is listed twice means the stricter.
        if self.withdrawn.contains(value) {
            ConsentState::Withdrawn
        } else if self.denied.contains(value) {
            ConsentState::Denied
        } else if self.granted.contains(value) {
            ConsentState::Granted
        } else if self.otherwise == ConsentState::Granted {
            ConsentState::Unknown
        } else {
            self.otherwise
        }
    }
}
