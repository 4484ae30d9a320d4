//! One row of a page, and its line of NDJSON.
//!
//! Where the vendor tells what was deleted, that is a row as well; a snapshot that is
//! [complete](crate::Page::complete) tells it by not showing the row.
//!
//! ```
//! use liaison_sdk::Row;
//! use serde_json::{Map, Value};
//!
//! fn row(id: &str, customer: Map<String, Value>) -> Row {
//!     match customer.get("deleted") {
//!         Some(Value::Bool(true)) => Row::delete(id),
//!         _ => Row::upsert(id, customer),
//!     }
//! }
//! # let told = |text: &str| row("7", serde_json::from_str(text).unwrap());
//! # assert_eq!(told(r#"{ "deleted": true }"#), Row::delete("7"));
//! # assert!(told(r#"{ "name": "Ana" }"#).fields().is_some());
//! ```

use serde::Serialize;
use serde_json::{Map, Value};

use crate::fault::{Fault, FaultCode};
use crate::verbatim::Verbatim;

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is as `data` says.
    Upsert,
    /// It is archived (soft-deleted) and as `data` says.
    Archive,
    /// It is gone.
    Delete,
    /// Its own system merged it into another row.
    MergedInto,
    /// Something happened (append-only streams).
    Event,
    /// The subject joined a container.
    MemberAdd,
    /// The subject left a container.
    MemberRemove,
    /// It cannot be read; the rest of the page can.
    Invalid,
}

/// One row of a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    /// Its key in its own system, 1 to 512 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What happened to it.
    pub change: Change,
    /// The row itself, an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// The same as the vendor wrote it, in place of `data`.
    #[serde(rename = "data", skip_serializing_if = "Option::is_none")]
    pub verbatim: Option<Verbatim>,
    /// The surviving row's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
    /// The list or audience.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The vendor's version of the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The vendor's own time of the change, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Who made the change, as far as the vendor tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The text of a row that cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Where in the source it is: `line 17`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What is wrong, as a word: `columns`, `encoding`, `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Row {
    fn new(key: Option<String>, change: Change) -> Self {
        Self {
            key,
            change,
            data: None,
            verbatim: None,
            into: None,
            container: None,
            version: None,
            time: None,
            origin: None,
            raw: None,
            place: None,
            problem: None,
        }
    }

    fn holding(key: impl Into<String>, change: Change, data: impl Into<Value>) -> Self {
        Self { data: Some(data.into()), ..Self::new(Some(key.into()), change) }
    }

    /// The row as it is now: an object, as `serde_json::json!({..})` or a `Map`.
    pub fn upsert(key: impl Into<String>, data: impl Into<Value>) -> Self {
        Self::holding(key, Change::Upsert, data)
    }

    /// The row as it is now, as the vendor wrote it; see [`crate::verbatim`].
    ///
    /// # Errors
    /// `bug`; no row that was read from JSON is known to cause it.
    pub fn verbatim(key: impl Into<String>, row: Verbatim) -> Result<Self, Fault> {
        let verbatim = Some(row.on_one_line()?);
        Ok(Self { verbatim, ..Self::new(Some(key.into()), Change::Upsert) })
    }

    /// The row is archived, and as it is now.
    pub fn archive(key: impl Into<String>, data: impl Into<Value>) -> Self {
        Self::holding(key, Change::Archive, data)
    }

    /// Something happened.
    pub fn event(key: impl Into<String>, data: impl Into<Value>) -> Self {
        Self::holding(key, Change::Event, data)
    }

    /// The row is gone.
    pub fn delete(key: impl Into<String>) -> Self {
        Self::new(Some(key.into()), Change::Delete)
    }

    /// The row was merged into another one by its own system.
    pub fn merged_into(key: impl Into<String>, survivor: impl Into<String>) -> Self {
        Self { into: Some(survivor.into()), ..Self::new(Some(key.into()), Change::MergedInto) }
    }

    /// The subject joined a container.
    pub fn member_add(key: impl Into<String>, container: impl Into<String>) -> Self {
        Self { container: Some(container.into()), ..Self::new(Some(key.into()), Change::MemberAdd) }
    }

    /// The subject left a container.
    pub fn member_remove(key: impl Into<String>, container: impl Into<String>) -> Self {
        let container = Some(container.into());
        Self { container, ..Self::new(Some(key.into()), Change::MemberRemove) }
    }

    /// A row that cannot be read: the hub keeps its text in quarantine and goes
    /// on with the page. `place` says where (`line 17`), `problem` what, as a word.
    pub fn invalid(
        key: Option<String>,
        place: impl Into<String>,
        problem: impl Into<String>,
        raw: impl Into<String>,
    ) -> Self {
        Self {
            raw: Some(raw.into()),
            place: Some(place.into()),
            problem: Some(problem.into()),
            ..Self::new(key, Change::Invalid)
        }
    }

    /// With the vendor's version of the row.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// With the vendor's own time of the change, RFC 3339.
    #[must_use]
    pub fn time(mut self, time: impl Into<String>) -> Self {
        self.time = Some(time.into());
        self
    }

    /// With who made the change.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// The row's fields, if it holds an object that was taken apart.
    pub fn fields(&self) -> Option<&Map<String, Value>> {
        self.data.as_ref().and_then(Value::as_object)
    }

    /// Its line, without the line break.
    ///
    /// # Errors
    /// `bug`; no row that this type can hold is known to cause it.
    pub fn to_line(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(Fault::bug)
    }
}

/// Documents as one blob, one per line.
pub(crate) fn lines<T: Serialize>(items: &[T]) -> Result<Vec<u8>, Fault> {
    let mut data = Vec::new();
    for item in items {
        serde_json::to_writer(&mut data, item).map_err(Fault::bug)?;
        data.push(b'\n');
    }
    Ok(data)
}

/// The documents of a blob, one per line.
pub(crate) fn parse_lines<T: serde::de::DeserializeOwned>(data: &[u8]) -> Result<Vec<T>, Fault> {
    data.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            serde_json::from_slice(line)
                .map_err(|error| Fault::new(FaultCode::Bug).at("batch").with("expected", error))
        })
        .collect()
}
