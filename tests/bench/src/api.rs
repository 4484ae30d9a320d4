//! The API that figures are measured against: a table of customers in memory,
//! a thousand rows a page, and a sink that takes batches.
//!
//! Pages are made before anybody asks, so that answering costs a copy. The
//! table can be replaced while the server runs: grown, or with some of its rows
//! changed; everything unchanged is the table as it is.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::people::People;

/// Rows of a page that was made before.
const PAGE_ROWS: u64 = 1_000;
/// Most rows of any page.
const PAGE_ROWS_MAX: u64 = 10_000;
/// Most items of one batch.
pub const BATCH_ITEMS_MAX: usize = 1_000;
/// Largest body in bytes.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Which rows are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// So many.
    pub rows: u64,
    /// So many of them, evenly spread, differ from the table as generated.
    pub changed: u64,
}

impl Shown {
    /// So many rows, none of them changed.
    #[must_use]
    pub const fn unchanged(rows: u64) -> Self {
        Self { rows, changed: 0 }
    }
}

struct Table {
    people: People,
    shown: Shown,
    pages: Vec<Bytes>,
}

impl Table {
    fn make(people: People, shown: Shown) -> Self {
        let mut table = Self { people, shown, pages: Vec::new() };
        let starts = (0..shown.rows).step_by(PAGE_ROWS as usize);
        table.pages = starts.map(|after| table.render(after, PAGE_ROWS)).collect();
        table
    }

    fn page(&self, after: u64, limit: u64) -> Bytes {
        let made = usize::try_from(after / PAGE_ROWS).ok().and_then(|at| self.pages.get(at));
        match made {
            Some(page) if after.is_multiple_of(PAGE_ROWS) && limit == PAGE_ROWS => page.clone(),
            _ => self.render(after, limit.min(PAGE_ROWS_MAX)),
        }
    }

    fn render(&self, after: u64, limit: u64) -> Bytes {
        let end = self.shown.rows.min(after.saturating_add(limit));
        let mut text = String::with_capacity(512 * 1024);
        text.push_str("{\"customers\":[");
        for row in after..end {
            if row > after {
                text.push(',');
            }
            self.people.write(row, u32::from(self.is_changed(row)), &mut text);
        }
        text.push_str(if end < self.shown.rows { "],\"more\":true}" } else { "],\"more\":false}" });
        text.into()
    }

    /// The i-th changed row is the one at i/changed of the table.
    fn is_changed(&self, row: u64) -> bool {
        let Shown { rows, changed } = self.shown;
        let before = |row: u64| u128::from(row) * u128::from(changed) / u128::from(rows.max(1));
        before(row) != before(row + 1)
    }
}

#[derive(Default)]
struct Sink {
    key_of_email: HashMap<String, String>,
    items: HashMap<String, Value>,
    key_of_request: HashMap<String, String>,
    counts: SinkCounts,
}

/// What the sink has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SinkCounts {
    /// Rows that exist now.
    pub rows: u64,
    /// Batches taken.
    pub batches: u64,
    /// Items of the largest batch.
    pub largest_batch: u64,
    /// Items created.
    pub created: u64,
    /// Items updated.
    pub updated: u64,
}

struct Shared {
    table: Mutex<Arc<Table>>,
    sink: Mutex<Sink>,
    asked_after: AtomicU64,
}

type Api = State<Arc<Shared>>;

/// What a server in this process shows, and how far its reader is.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl Handle {
    /// Shows another table from now on.
    pub fn show(&self, shown: Shown) {
        let people = lock(&self.0.table).people;
        let table = Arc::new(Table::make(people, shown));
        *lock(&self.0.table) = table;
    }

    /// How many rows came before the page that was asked for last.
    #[must_use]
    pub fn asked_after(&self) -> u64 {
        self.0.asked_after.load(Ordering::Relaxed)
    }

    /// What the sink has taken.
    #[must_use]
    pub fn sink(&self) -> SinkCounts {
        lock(&self.0.sink).counts
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server that listens already.
pub struct Server {
    shared: Arc<Shared>,
    listener: TcpListener,
    router: Router,
}

impl Server {
    /// Makes the pages and listens on the loopback; port 0 takes a free one.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn open(people: People, shown: Shown, port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.with_context(|| format!("listen on port {port}"))?;
        let table = Mutex::new(Arc::new(Table::make(people, shown)));
        let shared =
            Arc::new(Shared { table, sink: Mutex::default(), asked_after: AtomicU64::new(0) });
        let router = Router::new()
            .route("/customers", get(customers))
            .route("/table", post(replace))
            .route("/contacts/find", post(find))
            .route("/contacts/batch", post(write))
            .route("/contacts", get(counts))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(Arc::clone(&shared));
        Ok(Self { shared, listener, router })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// What it shows, for whoever runs it in the same process.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared))
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    /// The socket fails.
    pub async fn serve(self) -> Result<()> {
        Ok(axum::serve(self.listener, self.router).await?)
    }
}

#[derive(Deserialize)]
struct Window {
    after: u64,
    limit: u64,
}

async fn customers(State(api): Api, Query(window): Query<Window>) -> Response {
    api.asked_after.store(window.after, Ordering::Relaxed);
    let table = Arc::clone(&*lock(&api.table));
    let page = table.page(window.after, window.limit);
    ([(header::CONTENT_TYPE, "application/json")], page).into_response()
}

async fn replace(State(api): Api, Json(shown): Json<Shown>) -> StatusCode {
    let shown = tokio::task::spawn_blocking(move || Handle(api).show(shown)).await;
    if shown.is_ok() { StatusCode::NO_CONTENT } else { StatusCode::INTERNAL_SERVER_ERROR }
}

#[derive(Deserialize)]
struct Wanted {
    emails: Vec<String>,
}

async fn find(State(api): Api, Json(wanted): Json<Wanted>) -> Json<Value> {
    let sink = lock(&api.sink);
    let keys: Vec<_> = wanted.emails.iter().map(|email| sink.key_of_email.get(email)).collect();
    Json(json!({ "keys": keys }))
}

#[derive(Deserialize)]
struct Batch {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    action: String,
    key: Option<String>,
    #[serde(default)]
    patch: serde_json::Map<String, Value>,
    #[serde(default, rename = "idempotency-key")]
    request: String,
}

async fn write(State(api): Api, Json(batch): Json<Batch>) -> Response {
    if batch.items.len() > BATCH_ITEMS_MAX {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let mut sink = lock(&api.sink);
    sink.counts.batches += 1;
    sink.counts.largest_batch = sink.counts.largest_batch.max(batch.items.len() as u64);
    let outcomes: Vec<Value> = batch.items.into_iter().map(|item| sink.take(item)).collect();
    Json(json!({ "outcomes": outcomes })).into_response()
}

async fn counts(State(api): Api) -> Json<SinkCounts> {
    Json(lock(&api.sink).counts)
}

impl Sink {
    fn take(&mut self, item: Item) -> Value {
        if item.action == "create" {
            return self.create(item);
        }
        let Some((key, row)) =
            item.key.and_then(|key| Some((key.clone(), self.items.get_mut(&key)?)))
        else {
            return json!({ "status": "missing", "key": "" });
        };
        if let Some(row) = row.as_object_mut() {
            row.extend(item.patch);
        }
        self.counts.updated += 1;
        json!({ "status": "updated", "key": key })
    }

    /// A request that is repeated creates nothing.
    fn create(&mut self, item: Item) -> Value {
        let known = self.key_of_request.get(&item.request).cloned();
        let key = known.unwrap_or_else(|| {
            self.counts.created += 1;
            self.counts.rows += 1;
            let key = format!("S{:08}", self.counts.rows);
            self.key_of_request.insert(item.request, key.clone());
            if let Some(Value::String(email)) = item.patch.get("email") {
                self.key_of_email.insert(email.clone(), key.clone());
            }
            self.items.insert(key.clone(), Value::Object(item.patch));
            key
        });
        json!({ "status": "created", "key": key })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{People, Server, Shown};
    use crate::client::client;

    async fn start(shown: Shown) -> String {
        let server = Server::open(People::new(1), shown, 0).await.unwrap();
        let address = server.address().unwrap();
        tokio::spawn(server.serve());
        format!("http://{address}")
    }

    async fn ask(url: &str) -> Value {
        client().get(url).send().await.unwrap().json().await.unwrap()
    }

    async fn all(url: &str, limit: usize) -> Vec<Value> {
        let mut rows: Vec<Value> = Vec::new();
        loop {
            let page = ask(&format!("{url}/customers?after={}&limit={limit}", rows.len())).await;
            let part = page["customers"].as_array().unwrap();
            assert!(part.len() <= limit);
            rows.extend(part.iter().cloned());
            if page["more"] == false {
                return rows;
            }
            assert_eq!(part.len(), limit, "a page with more behind it is full");
        }
    }

    #[tokio::test]
    async fn pages_cover_the_table_once_and_changes_are_counted() {
        let url = start(Shown { rows: 2_345, changed: 0 }).await;
        let rows = all(&url, 1_000).await;
        assert_eq!(rows.len(), 2_345);
        assert_eq!(all(&url, 700).await, rows);
        assert_eq!(
            ask(&format!("{url}/customers?after=2345&limit=1000")).await["customers"],
            json!([])
        );

        let client = client();
        for changed in [1, 7, 1_000, 2_345] {
            let shown = Shown { rows: 2_345, changed };
            let answer = client.post(format!("{url}/table")).json(&shown).send().await.unwrap();
            assert!(answer.status().is_success());
            let fresh = all(&url, 1_000).await;
            let differ = rows.iter().zip(&fresh).filter(|(old, new)| old != new).count();
            assert_eq!(differ as u64, changed);
        }
    }

    #[tokio::test]
    async fn the_sink_creates_once_and_finds_again() {
        let url = start(Shown { rows: 0, changed: 0 }).await;
        let client = client();
        let post = async |path: &str, body: Value| -> Value {
            let sent = client.post(format!("{url}/{path}")).json(&body).send().await.unwrap();
            sent.json().await.unwrap()
        };
        let item =
            json!({ "action": "create", "idempotency-key": "r1", "patch": { "email": "a@x" } });
        let batch = json!({ "items": [item, { "action": "update", "key": "S9" }] });
        for _ in 0..2 {
            let done = post("contacts/batch", batch.clone()).await;
            assert_eq!(done["outcomes"][0], json!({ "status": "created", "key": "S00000001" }));
            assert_eq!(done["outcomes"][1]["status"], "missing");
        }
        let found = post("contacts/find", json!({ "emails": ["b@x", "a@x"] })).await;
        assert_eq!(found["keys"], json!([null, "S00000001"]));
        let counts = ask(&format!("{url}/contacts")).await;
        assert_eq!((&counts["rows"], &counts["batches"]), (&json!(1), &json!(2)));
        let many = json!({ "items": vec![json!({ "action": "create" }); 1_001] });
        let refused =
            client.post(format!("{url}/contacts/batch")).json(&many).send().await.unwrap();
        assert_eq!(refused.status(), 413);
    }
}
