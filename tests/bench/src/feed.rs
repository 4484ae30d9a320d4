//! A connector without a sandbox and without HTTP: rows straight from the
//! generator, so that what remains is the path from a row to the disk.
//!
//! Making a row is no work of the hub's and is taken out of the account;
//! parsing its text is the hub's and stays in, counted by itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hub_model::{EntityKind, Fault, FaultCode, FieldName, RemoteKey, StreamName};
use plugin_api::{
    CallContext, Connector, Cursor, FieldInfo, Found, Item, ItemChange, JobState, LookupRequest,
    Manifest, Page, ReadRequest, Row, StreamInfo, WriteReport, WriteRequest,
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::{self, thread_cpu};
use crate::people::People;
use crate::world::CUSTOMERS;

/// Rows of one page.
pub const PAGE_ROWS: u64 = 1_000;

/// Rows between two points of a growth curve.
pub const SLICE_ROWS: u64 = 100_000;

/// A moment of a load.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Point {
    /// Rows read.
    pub rows: u64,
    /// Used since the feed was made, in seconds.
    pub cpu_seconds: f64,
    /// Since the feed was made, in seconds.
    pub wall_seconds: f64,
    /// Resident now.
    pub resident_bytes: u64,
}

/// Rows of a table, page by page.
pub struct Feed {
    people: People,
    manifest: Manifest,
    stream: StreamInfo,
    rows: u64,
    making_nanos: AtomicU64,
    parsing_nanos: AtomicU64,
    seek: Mutex<Option<u64>>,
    begun: (Instant, Duration),
    points: Mutex<Vec<Point>>,
}

impl Feed {
    /// The first `rows` rows of a table with these fields.
    ///
    /// # Errors
    /// The fields make no schema.
    pub fn new(people: People, rows: u64, fields: &[FieldName]) -> Result<Self, serde_json::Error> {
        Ok(Self {
            people,
            manifest: serde_json::from_value(manifest())?,
            stream: stream(fields),
            rows,
            making_nanos: AtomicU64::new(0),
            parsing_nanos: AtomicU64::new(0),
            seek: Mutex::default(),
            begun: (Instant::now(), clock::process_cpu()),
            points: Mutex::default(),
        })
    }

    /// The next page begins after so many rows, whatever was read before.
    pub fn seek(&self, after: u64) {
        *self.seek.lock().unwrap_or_else(PoisonError::into_inner) = Some(after);
    }

    /// Now, after so many rows. Making them is not counted.
    pub fn point(&self, rows: u64) -> Point {
        let (begun, cpu) = self.begun;
        let making = Duration::from_nanos(self.making_nanos.load(Ordering::Relaxed));
        let cpu = clock::process_cpu().saturating_sub(cpu).saturating_sub(making);
        Point {
            rows,
            cpu_seconds: cpu.as_secs_f64(),
            wall_seconds: begun.elapsed().as_secs_f64(),
            resident_bytes: clock::memory(std::process::id()).unwrap_or_default().resident_bytes,
        }
    }

    /// The points so far: one before every [`SLICE_ROWS`] rows.
    pub fn points(&self) -> Vec<Point> {
        self.points.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Processor time that went into parsing them.
    pub fn parsing(&self) -> Duration {
        Duration::from_nanos(self.parsing_nanos.load(Ordering::Relaxed))
    }

    fn page(&self, after: u64) -> Result<Page, Fault> {
        let end = self.rows.min(after + PAGE_ROWS);
        let begun = thread_cpu();
        let mut texts = Vec::new();
        for row in after..end {
            let mut text = String::with_capacity(512);
            self.people.write(row, 0, &mut text);
            texts.push((row, text));
        }
        let made = thread_cpu();
        let mut items = Vec::with_capacity(texts.len());
        for (row, text) in &texts {
            items.push(Ok(item(*row, text)?));
        }
        let parsed = thread_cpu();
        drop(texts);
        count(&self.making_nanos, made.saturating_sub(begun) + thread_cpu().saturating_sub(parsed));
        count(&self.parsing_nanos, parsed.saturating_sub(made));
        let next = Some(Cursor(end.to_string().into_bytes()));
        let more = end < self.rows;
        Ok(Page { items, next, more, snapshot_complete: false, poll_after_seconds: None })
    }
}

fn count(total: &AtomicU64, time: Duration) {
    total.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// The same steps as the host's for a line of a page.
pub(crate) fn item(row: u64, text: &str) -> Result<Item, Fault> {
    let broken =
        |error: &dyn std::fmt::Display| Fault::new(FaultCode::ConnectorBug).with("row", error);
    let line: &RawValue = serde_json::from_str(text).map_err(|error| broken(&error))?;
    let key = RemoteKey::new(format!("C{row:08}"));
    Ok(Item {
        key,
        change: ItemChange::Upsert(Row::Text(line.get().into())),
        version: None,
        time: None,
    })
}

fn manifest() -> serde_json::Value {
    serde_json::json!({
        "id": "feed", "version": "0.1.0", "contract": "0.1.0", "title": "Feed",
        "capabilities": ["source"], "settings": { "type": "object" },
    })
}

/// The stream with the schema that the sandboxed connector declares.
fn stream(fields: &[FieldName]) -> StreamInfo {
    let types = |name: &FieldName| {
        let kind = if name.as_str().starts_with("consent_") { "boolean" } else { "string" };
        (name.to_string(), serde_json::json!({ "type": [kind, "null"] }))
    };
    let properties: serde_json::Map<String, serde_json::Value> = fields.iter().map(types).collect();
    let field = |name: &FieldName| FieldInfo::new(name.clone());
    StreamInfo {
        name: StreamName::new(CUSTOMERS),
        kind: EntityKind::default(),
        readable: true,
        writable: false,
        conditional_writes: false,
        upsert_by_key: false,
        idempotency_keys: false,
        archives: false,
        purposes: Vec::new(),
        sends: None,
        atomic_batches: false,
        batch_items_max: 1_000,
        batch_bytes_max: 1 << 20,
        schema: serde_json::json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object", "properties": properties, "additionalProperties": false,
        }),
        fields: fields.iter().map(field).collect(),
    }
}

fn only_reads<T>() -> Result<T, Fault> {
    Err(Fault::new(FaultCode::NotSupported))
}

#[async_trait]
impl Connector for Feed {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    async fn check(&self, _: &CallContext) -> Result<(), Fault> {
        Ok(())
    }

    async fn discover(&self, _: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        Ok(vec![self.stream.clone()])
    }

    async fn read(&self, _: &CallContext, request: &ReadRequest) -> Result<Page, Fault> {
        let position = request.cursor.as_ref().and_then(|c| std::str::from_utf8(&c.0).ok());
        let kept = position.and_then(|text| text.parse().ok()).unwrap_or(0);
        let sought = self.seek.lock().unwrap_or_else(PoisonError::into_inner).take();
        let after = sought.unwrap_or(kept);
        if after.is_multiple_of(SLICE_ROWS) {
            let point = self.point(after);
            self.points.lock().unwrap_or_else(PoisonError::into_inner).push(point);
        }
        self.page(after)
    }

    async fn lookup(&self, _: &CallContext, _: &LookupRequest) -> Result<Vec<Found>, Fault> {
        only_reads()
    }

    async fn write(&self, _: &CallContext, _: &WriteRequest) -> Result<WriteReport, Fault> {
        only_reads()
    }

    async fn poll_job(&self, _: &CallContext, _: &str) -> Result<JobState, Fault> {
        only_reads()
    }
}

#[cfg(test)]
mod tests {
    use hub_model::{FieldName, StreamName, Timestamp};
    use plugin_api::{CallContext, Connector as _, Cursor, ReadRequest};

    use super::Feed;
    use crate::people::People;

    #[tokio::test]
    async fn pages_follow_each_other_to_the_end() {
        let fields = ["id", "consent_sms"].map(FieldName::new);
        let feed = Feed::new(People::new(1), 2_300, &fields).unwrap();
        let call = CallContext { purpose: String::new(), now: Timestamp(0), seed: 0 };
        let mut cursor: Option<Cursor> = None;
        let mut keys = std::collections::BTreeSet::new();
        loop {
            let stream = StreamName::new("customers");
            let request = ReadRequest { stream, cursor: cursor.clone(), fields: Vec::new() };
            let page = feed.read(&call, &request).await.unwrap();
            keys.extend(page.items.into_iter().map(|item| item.unwrap().key));
            cursor = page.next;
            if !page.more {
                break;
            }
        }
        assert_eq!(keys.len(), 2_300);
        assert_eq!(feed.points().len(), 1, "one point at the start of the first slice");
    }
}
