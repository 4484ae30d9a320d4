//! What a connector says about itself. The manifest asks; the admin grants.

use hub_model::{RateBudget, StreamName};
use serde::{Deserialize, Serialize};

use crate::recipe::InboundDeclaration;

/// What a connector is able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Reads streams.
    Source,
    /// Writes records.
    Destination,
    /// Maintains audiences: containers, membership, replace sessions.
    Audience,
    /// Sends messages.
    Sender,
    /// Parses webhooks and events.
    Inbound,
    /// Uses files in granted folders.
    Files,
}

/// A credential that a connection must supply. The connector knows the slot's
/// name and never its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CredentialSlot {
    /// The name that requests refer to.
    pub name: String,
    /// How it is applied: `bearer`, `api-key`, `basic`, `session`, `oauth2`; or `webhook`, which
    /// verifies what comes in and is never sent; or `mac-key`, `signing-key`,
    /// `sealing-key`, which the host uses on behalf of the connector and never sends.
    pub kind: String,
    /// What it is, for the person who fills it in.
    #[serde(default)]
    pub title: String,
    /// For `session`: how to log in, as a declarative recipe run by the host.
    /// For `oauth2`: where tokens are had, for what, and in which ways.
    /// For `api-key`: where it goes (`header`, `query`, `body`) and under which name.
    /// For `bearer`: which proofs of another secret go along in the `query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<serde_json::Value>,
    /// A connection may do without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// A host that the connector wants to reach: exact, `*.suffix`, or a template
/// over the connection's settings such as `{settings.url}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostGrant(pub String);

/// The manifest: carried in the component's custom section `liaison:manifest`
/// as JSON, so that it cannot part from the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Unique name: `erp-tryton`.
    pub id: String,
    /// Its own version.
    pub version: String,
    /// The contract version it was written against: `0.1.0`.
    pub contract: String,
    /// For people.
    #[serde(default)]
    pub title: String,
    /// What it is able to do.
    pub capabilities: Vec<Capability>,
    /// Hosts it wants to reach.
    #[serde(default)]
    pub hosts: Vec<HostGrant>,
    /// Credentials it wants applied.
    #[serde(default)]
    pub credentials: Vec<CredentialSlot>,
    /// JSON Schema 2020-12 of the connection's settings.
    pub settings: serde_json::Value,
    /// Streams known before any connection exists; discovery may add more.
    #[serde(default)]
    pub streams: Vec<StreamName>,
    /// What the vendor allows.
    #[serde(default)]
    pub budgets: Vec<RateBudget>,
    /// How deliveries come in, for connectors of the capability `inbound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound: Option<InboundDeclaration>,
    /// The vendor's API version and the day it ends (`yyyy-mm-dd`), if pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// See `api_version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_sunset: Option<String>,
}
