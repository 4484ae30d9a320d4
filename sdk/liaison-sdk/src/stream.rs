//! What discovery says: streams and their fields.

use serde_json::{Map, Value, json};

use crate::bindings::connection::exports::liaison::connector::connection as api;

pub use api::{EntityKind, Idempotency};

/// A field of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    schema: Value,
    info: api::FieldInfo,
}

impl Field {
    /// A field with its JSON Schema.
    pub fn new(name: impl Into<String>, schema: impl Into<Value>) -> Self {
        let info = api::FieldInfo {
            name: name.into(),
            title: String::new(),
            read_only: false,
            create_only: false,
            required: false,
            matchable: false,
            unique: false,
            pii: String::new(),
            hash_profile: String::new(),
            has_choices: false,
        };
        Self { schema: schema.into(), info }
    }

    /// A field of text that may be empty (null).
    pub fn text(name: impl Into<String>) -> Self {
        Self::new(name, json!({ "type": ["string", "null"] }))
    }

    /// A field that is true, false or empty (null).
    pub fn flag(name: impl Into<String>) -> Self {
        Self::new(name, json!({ "type": ["boolean", "null"] }))
    }

    /// A field of an exact number that may be empty (null).
    pub fn number(name: impl Into<String>) -> Self {
        Self::new(name, json!({ "type": ["number", "null"] }))
    }

    /// For people.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.info.title = title.into();
        self
    }

    /// It can be read but not written.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.info.read_only = true;
        self
    }

    /// It can be written when the row is created, not later.
    #[must_use]
    pub fn create_only(mut self) -> Self {
        self.info.create_only = true;
        self
    }

    /// A create without it is refused.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.info.required = true;
        self
    }

    /// Rows can be found by it.
    #[must_use]
    pub fn matchable(mut self) -> Self {
        self.info.matchable = true;
        self
    }

    /// No two rows have the same value.
    #[must_use]
    pub fn unique(mut self) -> Self {
        self.info.unique = true;
        self
    }

    /// Class of personal data: `email`, `phone`, `name`, `address`, `id`.
    #[must_use]
    pub fn pii(mut self, class: impl Into<String>) -> Self {
        self.info.pii = class.into();
        self
    }

    /// How the value must be normalised and hashed.
    #[must_use]
    pub fn hash_profile(mut self, profile: impl Into<String>) -> Self {
        self.info.hash_profile = profile.into();
        self
    }

    /// Its values can be asked for.
    #[must_use]
    pub fn has_choices(mut self) -> Self {
        self.info.has_choices = true;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.info.name
    }
}

/// A stream of a connection. Begins as neither readable nor writable.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    info: api::StreamInfo,
    fields: Vec<Field>,
    open: bool,
    archives: bool,
    sends: Option<String>,
}

impl Stream {
    /// A stream of persons; see [`Self::kind`].
    pub fn new(name: impl Into<String>) -> Self {
        let info = api::StreamInfo {
            name: name.into(),
            title: String::new(),
            kind: EntityKind::Person,
            readable: false,
            writable: false,
            primary_key: Vec::new(),
            cursor_field: None,
            complete_snapshots: false,
            conditional_writes: false,
            idempotency: Idempotency::None,
            dry_run: false,
            batches: api::BatchRules {
                items_max: 100,
                items_min: 0,
                bytes_max: 1024 * 1024,
                item_bytes_max: 256 * 1024,
                group_by: Vec::new(),
                unique_keys: false,
                ordered: false,
                atomic: false,
            },
            purposes: Vec::new(),
            origin_field: None,
            schema: String::new(),
            fields: Vec::new(),
        };
        Self { info, fields: Vec::new(), open: false, archives: false, sends: None }
    }

    /// A stream of memberships, whose fields are what members are matched by; at most
    /// so many members in one write, all of one container.
    pub fn members(name: impl Into<String>, items_max: u32) -> Self {
        let mut stream = Self::new(name).kind(EntityKind::Membership).writable(items_max);
        stream.info.batches.group_by = vec!["container".to_owned()];
        stream
    }

    /// For people.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.info.title = title.into();
        self
    }

    /// What its rows describe.
    #[must_use]
    pub fn kind(mut self, kind: EntityKind) -> Self {
        self.info.kind = kind;
        self
    }

    /// It can be read.
    #[must_use]
    pub fn readable(mut self) -> Self {
        self.info.readable = true;
        self
    }

    /// It can be written, at most so many items at once.
    #[must_use]
    pub fn writable(mut self, items_max: u32) -> Self {
        self.info.writable = true;
        self.info.batches.items_max = items_max;
        self
    }

    /// The fields whose values make up the key.
    #[must_use]
    pub fn primary_key<S: Into<String>>(mut self, fields: impl IntoIterator<Item = S>) -> Self {
        self.info.primary_key = fields.into_iter().map(Into::into).collect();
        self
    }

    /// Reading everything ends with `complete`, so that missing rows are known
    /// to be deleted.
    #[must_use]
    pub fn complete_snapshots(mut self) -> Self {
        self.info.complete_snapshots = true;
        self
    }

    /// The vendor checks `if_version`.
    #[must_use]
    pub fn conditional_writes(mut self) -> Self {
        self.info.conditional_writes = true;
        self
    }

    /// What the vendor offers against writing twice.
    #[must_use]
    pub fn idempotency(mut self, idempotency: Idempotency) -> Self {
        self.info.idempotency = idempotency;
        self
    }

    /// Rows can be archived: kept there, and out of the way.
    #[must_use]
    pub fn archives(mut self) -> Self {
        self.archives = true;
        self
    }

    /// A row is a message on a channel, such as `email`: once created it has gone out,
    /// and nothing takes it back. Nobody gets one to whom nothing may be sent there.
    #[must_use]
    pub fn sends(mut self, channel: impl Into<String>) -> Self {
        self.sends = Some(channel.into());
        self
    }

    /// One bad item fails its whole write: the hub bisects.
    #[must_use]
    pub fn atomic_batches(mut self) -> Self {
        self.info.batches.atomic = true;
        self
    }

    /// Writes must keep their order.
    #[must_use]
    pub fn ordered(mut self) -> Self {
        self.info.batches.ordered = true;
        self
    }

    /// Most bytes of one write, as JSON.
    #[must_use]
    pub fn batch_bytes_max(mut self, bytes: u32) -> Self {
        self.info.batches.bytes_max = bytes;
        self
    }

    /// The vendor can validate without writing.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.info.dry_run = true;
        self
    }

    /// A row needs a consent for these purposes.
    #[must_use]
    pub fn purposes<S: Into<String>>(mut self, purposes: impl IntoIterator<Item = S>) -> Self {
        self.info.purposes = purposes.into_iter().map(Into::into).collect();
        self
    }

    /// The field that says who changed a row last.
    #[must_use]
    pub fn origin_field(mut self, field: impl Into<String>) -> Self {
        self.info.origin_field = Some(field.into());
        self
    }

    /// Rows may hold fields that discovery does not name.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// With one more field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// With more fields.
    #[must_use]
    pub fn with_fields(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.fields.extend(fields);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.info.name
    }

    /// Its fields.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// JSON Schema 2020-12 of a row, from the fields.
    pub fn schema(&self) -> Value {
        let properties: Map<String, Value> = self
            .fields
            .iter()
            .map(|field| (field.info.name.clone(), field.schema.clone()))
            .collect();
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "additionalProperties": self.open,
        });
        if self.archives {
            schema["x-archives"] = json!(true);
        }
        if let Some(channel) = &self.sends {
            schema["x-sends"] = json!(channel);
        }
        schema
    }
}

impl From<Stream> for api::StreamInfo {
    fn from(stream: Stream) -> Self {
        let schema = stream.schema().to_string();
        let fields = stream.fields.into_iter().map(|field| field.info).collect();
        Self { schema, fields, ..stream.info }
    }
}
