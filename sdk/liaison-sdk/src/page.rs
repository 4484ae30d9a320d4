//! Reading: what is asked for, and the page that answers.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::host::liaison::connector::types as wit;
use crate::bindings::source::exports::liaison::connector::source as api;
use crate::fault::{Fault, FaultCode};
use crate::hints::Hints;
use crate::row::{self, Row};

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadRequest {
    /// The stream.
    pub stream: String,
    /// Where to go on; none starts a new snapshot. See [`Self::cursor`] for the typed form.
    pub cursor: Option<Vec<u8>>,
    /// Fields that are mapped; empty = all.
    pub fields: Vec<String>,
    /// So many rows would be welcome.
    pub rows_wanted: u32,
}

impl ReadRequest {
    /// A request for the beginning of a stream, as a test makes it.
    pub fn start(stream: impl Into<String>) -> Self {
        Self { stream: stream.into(), rows_wanted: 1_000, ..Self::default() }
    }

    /// The request that follows a page of this one.
    #[must_use]
    pub fn after(&self, page: &Page) -> Self {
        Self { cursor: page.next.clone(), ..self.clone() }
    }

    /// The cursor as the connector's own type.
    ///
    /// # Errors
    /// `cursor-expired` when an older version wrote it in another form: the hub
    /// then takes a new snapshot.
    pub fn cursor<T: DeserializeOwned>(&self) -> Result<Option<T>, Fault> {
        self.cursor
            .as_ref()
            .map(|bytes| serde_json::from_slice(bytes))
            .transpose()
            .map_err(|_| Fault::new(FaultCode::CursorExpired))
    }
}

/// What one read call returns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// Where to go on after this page; none = anew.
    pub next: Option<Vec<u8>>,
    /// There is more to read now.
    pub more: bool,
    /// The snapshot that began without a cursor is complete: rows not seen
    /// since no longer exist.
    pub snapshot_complete: Option<u64>,
    /// Rows up to this point of the vendor's order are complete.
    pub watermark: Option<String>,
    /// The vendor wants to be left alone for so long.
    pub poll_after_seconds: Option<u32>,
    /// What the call learned besides.
    pub hints: Hints,
}

impl Page {
    /// A page of rows after which there is nothing more to read for now and
    /// no position to go on from.
    pub fn of(rows: Vec<Row>) -> Self {
        Self { rows, ..Self::default() }
    }

    /// There is more; go on from here.
    ///
    /// # Errors
    /// `bug` when the cursor cannot be written as JSON.
    pub fn more_from<T: Serialize>(mut self, cursor: &T) -> Result<Self, Fault> {
        self.more = true;
        self.next_from(cursor)
    }

    /// Nothing more for now; next time go on from here.
    ///
    /// # Errors
    /// `bug` when the cursor cannot be written as JSON.
    pub fn next_from<T: Serialize>(mut self, cursor: &T) -> Result<Self, Fault> {
        self.next = Some(serde_json::to_vec(cursor).map_err(Fault::bug)?);
        Ok(self)
    }

    /// The snapshot is complete with this page.
    #[must_use]
    pub fn complete(mut self) -> Self {
        self.snapshot_complete = Some(0);
        self
    }

    /// The vendor wants to be left alone for so long.
    #[must_use]
    pub fn poll_after(mut self, seconds: u32) -> Self {
        self.poll_after_seconds = Some(seconds);
        self
    }

    /// With what the call learned besides.
    #[must_use]
    pub fn hints(mut self, hints: Hints) -> Self {
        self.hints = hints;
        self
    }
}

impl From<api::ReadRequest> for ReadRequest {
    fn from(request: api::ReadRequest) -> Self {
        Self {
            stream: request.stream,
            cursor: request.cursor,
            fields: request.fields,
            rows_wanted: request.rows_wanted,
        }
    }
}

impl TryFrom<Page> for api::Page {
    type Error = Fault;

    fn try_from(page: Page) -> Result<Self, Fault> {
        Ok(Self {
            rows: batch(&page.rows)?,
            next: page.next,
            more: page.more,
            snapshot_complete: page.snapshot_complete,
            watermark: page.watermark,
            poll_after_seconds: page.poll_after_seconds,
            hints: page.hints.into(),
        })
    }
}

/// Rows as one blob.
pub(crate) fn batch(rows: &[Row]) -> Result<wit::Batch, Fault> {
    let count = u32::try_from(rows.len()).map_err(Fault::bug)?;
    Ok(wit::Batch { format: wit::BatchFormat::Ndjson, count, data: row::lines(rows)? })
}
