//! Reading: one page at a time, from an opaque cursor.

use hub_model::{Fault, Object, RemoteKey, StreamName};
use serde::{Deserialize, Serialize};

use crate::row::Row;

/// An opaque position after a page. The connector makes it, the hub keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor(#[serde(with = "crate::bytes")] pub Vec<u8>);

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadRequest {
    /// The stream.
    pub stream: StreamName,
    /// Where to go on; `None` starts a new snapshot.
    pub cursor: Option<Cursor>,
    /// Fields that are mapped; a connector may return fewer bytes for it.
    pub fields: Vec<String>,
}

/// What happened to a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemChange {
    /// The row as it is now.
    Upsert(Row),
    /// The row is archived (soft-deleted), as it is now.
    Archive(Object),
    /// The row is gone.
    Delete,
    /// The row was merged into another one by its own system.
    MergedInto(RemoteKey),
    /// Something happened (append-only streams).
    Event(Object),
    /// The subject joined a container (list, audience).
    MemberAdd {
        /// The container.
        container: String,
    },
    /// The subject left a container.
    MemberRemove {
        /// The container.
        container: String,
    },
}

/// One row of a page. A row that broke a limit or the page grammar arrives as
/// `Err` with the raw text, so that it can be put into quarantine while the
/// page goes on.
pub type ItemResult = Result<Item, BadItem>;

/// A row that could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadItem {
    /// Its key, if that much could be read.
    pub key: Option<RemoteKey>,
    /// What is wrong.
    pub fault: Fault,
    /// The raw text, cut at the value limit.
    pub raw: String,
}

/// One row of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The row's key in its own system.
    pub key: RemoteKey,
    /// What happened to it.
    pub change: ItemChange,
    /// The vendor's version of the row, for conditional writes.
    pub version: Option<String>,
    /// The vendor's own time of the change, RFC 3339; evidence, never the order.
    pub time: Option<String>,
}

/// What one read call returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The rows, at most [`hub_model::limits::PAGE_ITEMS_MAX`].
    pub items: Vec<ItemResult>,
    /// Where to go on after this page; `None` = start anew next time.
    pub next: Option<Cursor>,
    /// Whether there is more to read now.
    pub more: bool,
    /// The snapshot that started with an empty cursor is complete with this
    /// page: rows not seen since its start no longer exist.
    pub snapshot_complete: bool,
    /// The vendor wants to be left alone for so long.
    pub poll_after_seconds: Option<u32>,
}
