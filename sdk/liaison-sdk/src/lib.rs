//! Write a connector for Liaison: a manifest and a few functions.
//!
//! A connector is a WebAssembly component that reads from, writes to, or sends
//! through one vendor. The hub owns the loop, the schedule, the retries, the
//! credentials and the decisions about data; a connector translates. It can do
//! nothing that the contract does not offer (`wit/`), and this crate is the
//! contract in Rust.
//!
//! # A whole connector
//!
//! `Cargo.toml`:
//! ```toml
//! [lib]
//! crate-type = ["cdylib", "rlib"]
//!
//! [package.metadata.liaison]
//! component = true
//!
//! [dependencies]
//! liaison-sdk = "0.1"
//! serde = { version = "1", features = ["derive"] }
//! serde_json = { version = "1", features = ["arbitrary_precision"] }
//! ```
//!
//! `connector.json`, beside it; what it asks for, the administrator grants:
//! ```json
//! {
//!   "id": "newsletter", "version": "0.1.0", "contract": "0.1.0",
//!   "title": "Newsletter", "capabilities": ["source"],
//!   "hosts": ["api.newsletter.example"],
//!   "credentials": [{ "name": "token", "kind": "bearer", "title": "API token" }],
//!   "settings": {
//!     "type": "object", "additionalProperties": false, "required": ["list"],
//!     "properties": { "list": { "type": "string", "title": "List" } }
//!   }
//! }
//! ```
//!
//! `src/lib.rs`:
//! ```
//! use liaison_sdk::paginate::NextToken;
//! use liaison_sdk::{Call, Connector, Fault, Field, Page, ReadRequest, Row, Source, Stream, http};
//! use serde::Deserialize;
//! use serde_json::{Map, Value};
//!
//! struct Newsletter;
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Settings {
//!     list: String,
//! }
//!
//! #[derive(Deserialize)]
//! struct Answer {
//!     subscribers: Vec<Map<String, Value>>,
//!     next: Option<String>,
//! }
//!
//! impl Connector for Newsletter {
//!     fn discover(_: &Call) -> Result<Vec<Stream>, Fault> {
//!         let email = Field::text("email").pii("email");
//!         Ok(vec![Stream::new("subscribers").readable().complete_snapshots().field(email)])
//!     }
//!
//!     fn check(call: &Call) -> Result<(), Fault> {
//!         Newsletter::read(call, &ReadRequest::start("subscribers")).map(|_| ())
//!     }
//! }
//!
//! impl Source for Newsletter {
//!     fn read(call: &Call, request: &ReadRequest) -> Result<Page, Fault> {
//!         let settings: Settings = call.settings()?;
//!         let position = NextToken::of(request)?;
//!         let mut ask = http::get("https://api.newsletter.example/subscribers")
//!             .query("list", &settings.list)
//!             .credential("token");
//!         if let Some(token) = &position.token {
//!             ask = ask.query("after", token);
//!         }
//!         let answer: Answer = ask.send()?.expect_success()?.json()?;
//!         let rows = answer.subscribers.into_iter().map(|mut fields| {
//!             let key = fields.remove("id").map(|id| id.to_string()).unwrap_or_default();
//!             Row::upsert(key, fields)
//!         });
//!         position.page(rows.collect(), answer.next)
//!     }
//! }
//!
//! liaison_sdk::export_connector!(Newsletter: source);
//!
//! // Its test runs natively, without a WebAssembly target:
//! use liaison_sdk::testing::{Exchange, Script};
//! let call = Call::with_settings(serde_json::json!({ "list": "7" }));
//! let url = "https://api.newsletter.example/subscribers?list=7";
//! let answer = serde_json::json!({ "subscribers": [{ "id": 1, "email": "ana@x.fr" }] });
//! let page = Script::new()
//!     .exchange(Exchange::new("GET", url).credential("token").reply_json(200, answer))
//!     .run(|| Newsletter::read(&call, &ReadRequest::start("subscribers")))
//!     .unwrap();
//! assert_eq!(page.rows, [Row::upsert("1", serde_json::json!({ "email": "ana@x.fr" }))]);
//! assert!(page.snapshot_complete.is_some());
//! ```
//!
//! `sdk/README.md` grows a two-way connector step by step, and holds the connector
//! specification. Besides what the contract offers there is what vendors make
//! necessary: [`paginate`] for every way of paging, [`hash`] for what ad platforms
//! want hashed, [`csv`], [`phone`] and [`time`].
//!
//! # Rules that carry the design
//!
//! - **The connector classifies.** An HTTP status is not an outcome: answer with
//!   one [`Outcome`] per item and with [`Fault`]s whose code says what the hub
//!   should do next.
//! - **Values are exact.** Numbers stay decimal text from the vendor's JSON to the
//!   hub's (`serde_json` with `arbitrary_precision`); convert to `f64` nowhere.
//! - **Rows that you do not change are passed on as they are**: a page of
//!   [`Verbatim`] rows costs the sandbox a fraction of one that is parsed.
//! - **No state.** An instance may be thrown away after any call. What reading
//!   needs to go on belongs into the cursor.
//! - **A broken row is a row** ([`Row::invalid`]): it goes to quarantine and the
//!   rest of the page goes on.
//! - **A complete snapshot deletes.** Say [`Page::complete`] only when every row
//!   was shown since the cursor was empty: the hub takes missing rows for deleted.
//! - **What is pushed is a hint** ([`inbound`]) wherever the vendor can also be asked:
//!   name the rows, and the hub looks them up.
//! - **No clock, no randomness, no files, no sockets** but those of [`clock`],
//!   [`random`], [`files`], [`http`] and [`mail`]. A panic is logged and ends the call.

// The generated code and the export macros name this crate from outside.
extern crate self as liaison_sdk;

pub mod bindings;

pub mod audience;
pub mod call;
pub mod connector;
pub mod effect;
pub mod fault;
pub mod find;
pub mod hints;
pub mod inbound;
pub mod page;
pub mod row;
pub mod stream;
pub mod verbatim;
pub mod write;

pub mod files;
pub mod http;
pub mod mail;
pub mod paginate;
pub mod surroundings;

pub mod csv;
pub mod hash;
pub mod phone;
pub mod time;

mod host;
pub mod manifest;
mod panics;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use audience::{
    Container, ContainerPage, ContainerWish, Identity, Member, MemberChange, MemberCounts,
    MemberOutcome, MemberReport, MemberRequest, MemberVerdict, ReplaceSession,
};
pub use call::{Call, Environment};
pub use connector::{Audience, Connector, Destination, Inbound, Lookup, Source};
pub use effect::Effect;
pub use fault::{Fault, FaultCode};
pub use find::{Found, LookupKey, LookupRequest};
pub use hints::{Hints, Notice, RateHint};
pub use inbound::{Delivery, Parsed, Reply, Subscription};
pub use page::{Page, ReadRequest};
pub use row::{Change, Row};
pub use stream::{EntityKind, Field, Idempotency, Stream};
pub use surroundings::{clock, log, random};
pub use verbatim::Verbatim;
pub use write::{
    Action, Consent, JobState, Outcome, Report, Stored, Verdict, WriteItem, WriteRequest,
};

/// The contract as generated: for the interfaces that have no wrapper yet.
pub mod contract {
    pub use crate::bindings::audience::exports::liaison::connector::audience;
    pub use crate::bindings::choices::exports::liaison::connector::choices;
    pub use crate::bindings::connection::exports::liaison::connector::connection;
    pub use crate::bindings::destination::exports::liaison::connector::destination;
    pub use crate::bindings::erasure::exports::liaison::connector::erasure;
    pub use crate::bindings::host::liaison::connector::{
        clock, crypto, files, http, http_streams, log, mail, random, sql, state, types,
    };
    pub use crate::bindings::inbound::exports::liaison::connector::inbound;
    pub use crate::bindings::lookup::exports::liaison::connector::lookup;
    pub use crate::bindings::sender::exports::liaison::connector::sender;
    pub use crate::bindings::source::exports::liaison::connector::source;
}
