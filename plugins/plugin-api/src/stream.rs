//! What discovery says of a stream.

use hub_model::{DeliveryClass, EntityKind, FieldName, StreamName};
use serde::{Deserialize, Serialize};

/// The object kind of a stream whose rows are memberships; see [`crate::audience`].
pub const MEMBERSHIP_KIND: &str = "membership";

/// A stream of a connection, as discovered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StreamInfo {
    /// Its name.
    pub name: StreamName,
    /// What its rows describe.
    #[serde(default)]
    pub kind: EntityKind,
    /// Whether it can be read.
    pub readable: bool,
    /// Whether it can be written.
    pub writable: bool,
    /// Whether the vendor checks `if-version`; otherwise the hub reads before it writes.
    #[serde(default)]
    pub conditional_writes: bool,
    /// Whether creating with a key that exists updates instead of duplicating.
    #[serde(default)]
    pub upsert_by_key: bool,
    /// Whether the vendor knows a repeated request by its idempotency key.
    #[serde(default)]
    pub idempotency_keys: bool,
    /// Whether one bad item fails its whole batch: the hub then bisects.
    #[serde(default)]
    pub atomic_batches: bool,
    /// Whether rows can be archived: kept there, and out of the way.
    #[serde(default)]
    pub archives: bool,
    /// Most items in one write.
    pub batch_items_max: u32,
    /// Most bytes in one write, as JSON.
    pub batch_bytes_max: u32,
    /// Purposes that a row needs a consent for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<Box<str>>,
    /// The channel on which a row is a message: once created it has gone out, and
    /// nothing takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends: Option<Box<str>>,
    /// JSON Schema 2020-12 of a row.
    pub schema: serde_json::Value,
    /// Its fields, with what the schema cannot say.
    pub fields: Vec<FieldInfo>,
}

impl StreamInfo {
    /// What protects it from writes that are made twice.
    pub const fn delivery_class(&self) -> DeliveryClass {
        match self {
            Self { upsert_by_key: true, .. } => DeliveryClass::ExternalId,
            Self { idempotency_keys: true, .. } => DeliveryClass::IdempotencyKey,
            Self { conditional_writes: true, .. } => DeliveryClass::ConditionalWrite,
            _ => DeliveryClass::PossibleDuplicates,
        }
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&FieldInfo> {
        self.fields.iter().find(|field| field.name.as_str() == name)
    }
}

/// A field of a stream: the annotations of discovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FieldInfo {
    /// Its name.
    pub name: FieldName,
    /// For people.
    #[serde(default)]
    pub title: String,
    /// It can be read but not written.
    #[serde(default)]
    pub read_only: bool,
    /// It can be written when the row is created, not later.
    #[serde(default)]
    pub create_only: bool,
    /// A create without it is refused.
    #[serde(default)]
    pub required: bool,
    /// Rows can be found by it (`lookup`).
    #[serde(default)]
    pub matchable: bool,
    /// Class of personal data: `email`, `phone`, `name`, `address`; empty = none.
    #[serde(default)]
    pub pii: String,
    /// How a vendor wants the value hashed; empty = clear.
    #[serde(default)]
    pub hash_profile: String,
}

impl FieldInfo {
    /// A field of which nothing is known but its name.
    pub fn new(name: impl Into<FieldName>) -> Self {
        Self {
            name: name.into(),
            title: String::new(),
            read_only: false,
            create_only: false,
            required: false,
            matchable: false,
            pii: String::new(),
            hash_profile: String::new(),
        }
    }
}
