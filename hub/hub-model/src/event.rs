//! Events: something that happened, once: a page view, an open, a purchase.
//!
//! An event is kept as it was received and never changed. It names whom it is
//! about by identities and by nothing else, neither a profile nor a record, so
//! whoever claims one of them has it: when people are merged or parted, no event
//! moves.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{FieldName, RecordRef};
use crate::identity::Identity;
use crate::mapping::TimeField;
use crate::period::Period;
use crate::suppression::Suppressing;
use crate::time::Timestamp;
use crate::value::Object;

/// What an event is called: `page_view`, `order_completed`.
pub type EventName = Arc<str>;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its stream, and the key by which it is known again: a key that comes back
    /// is the same event.
    #[serde(rename = "ref")]
    pub at: RecordRef,
    /// What it is called.
    pub name: EventName,
    /// When it happened, as its source says; when it was received, if it says
    /// nothing. Never later than it was received.
    pub time: Timestamp,
    /// When it was received.
    pub received: Timestamp,
    /// The row, cleaned.
    pub properties: Object,
    /// Whom it names, in order, each once.
    pub identities: Vec<Identity>,
}

/// How rows of a stream are events.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EventMapping {
    /// The field with the name of the event; the stream's name if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<FieldName>,
    /// Where a row says when it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeField>,
    /// Whether an event that names somebody in several trusted ways ties them:
    /// the visitor of a browser becomes known when he logs in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub identifies: bool,
    /// How long an event is kept after it happened; as long as its connection
    /// says, if absent. Of both the shorter holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Period>,
    /// Which of the events suppress whom they name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppress: Vec<Suppressing>,
}

impl EventMapping {
    /// The fields that it reads.
    pub fn fields(&self) -> impl Iterator<Item = &FieldName> {
        let said = self.suppress.iter().filter_map(|it| Some(&it.when.as_ref()?.0));
        self.name.iter().chain(self.time.iter().map(|time| &time.field)).chain(said)
    }
}
