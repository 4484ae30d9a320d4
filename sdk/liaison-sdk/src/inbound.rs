//! What a vendor pushes: webhooks and tracked events.
//!
//! The host verifies a delivery by the recipes of the manifest and keeps it before
//! its sender hears "yes". Later it asks what the delivery means ([`Parsed`]). A
//! webhook of a vendor that can also be read is a hint: answer with
//! [`Parsed::Refetch`], and the host looks the rows up, so that a delivery that
//! came late, twice or not at all does no harm. [`Parsed::Rows`] is for what
//! nobody can be asked for again.
//!
//! ```
//! use liaison_sdk::{Call, Connector, Delivery, Fault, Inbound, Parsed, Stream};
//! use serde::Deserialize;
//!
//! struct Crm;
//!
//! #[derive(Deserialize)]
//! struct Hook {
//!     contact: u64,
//! }
//!
//! impl Connector for Crm {
//!     fn discover(_: &Call) -> Result<Vec<Stream>, Fault> {
//!         Ok(vec![Stream::new("contacts").readable()])
//!     }
//! }
//!
//! impl Inbound for Crm {
//!     fn parse(_: &Call, delivery: &Delivery) -> Result<Vec<Parsed>, Fault> {
//!         let hooks: Vec<Hook> = delivery.json()?;
//!         let keys = hooks.into_iter().map(|hook| hook.contact.to_string());
//!         Ok(vec![Parsed::refetch("contacts", keys)])
//!     }
//! }
//!
//! let delivery = Delivery::post("/").with_json(serde_json::json!([{ "contact": 7 }]));
//! let parsed = liaison_sdk::testing::parse::<Crm>(&Call::default(), &delivery).unwrap();
//! assert_eq!(parsed, [Parsed::refetch("contacts", ["7"])]);
//! ```
//!
//! `connector.json` then has the capability `inbound`, a credential slot of kind
//! `webhook`, and how deliveries are verified:
//! ```json
//! "credentials": [{ "name": "webhook", "kind": "webhook", "title": "Signing key" }],
//! "inbound": {
//!   "recipes": [{
//!     "algorithm": "hmac-sha256", "encoding": "hex", "at": "header:X-Signature",
//!     "prefix": "sha256=", "signed": "{timestamp}.{body}",
//!     "timestamp": { "at": "header:X-Timestamp" }, "slot": "webhook"
//!   }],
//!   "delivery-id": "header:X-Delivery"
//! }
//! ```

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::bindings::host::liaison::connector::types as wit;
use crate::bindings::inbound::exports::liaison::connector::inbound as api;
use crate::fault::{Fault, FaultCode};
use crate::page;
use crate::row::Row;

/// A delivery as it came in, verified, decompressed, without its credential.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// The method.
    pub method: String,
    /// Path and query below the connection's door: `/v1/batch`.
    pub target: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// When it was received: microseconds since 1970.
    pub received: i64,
}

impl Delivery {
    /// A delivery as a test makes it.
    pub fn post(target: impl Into<String>) -> Self {
        Self { method: "POST".to_owned(), target: target.into(), ..Self::default() }
    }

    /// With a header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With a body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn with_json(self, body: impl Into<Value>) -> Self {
        self.with_header("content-type", "application/json").with_body(body.into().to_string())
    }

    /// Received at that time: microseconds since 1970.
    #[must_use]
    pub fn at(mut self, received: i64) -> Self {
        self.received = received;
        self
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The value of a header, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let own = |(header, _): &&(String, String)| header.eq_ignore_ascii_case(name);
        self.headers.iter().find(own).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, whatever its content type says: browsers send JSON as
    /// text, so that they need not ask first.
    ///
    /// # Errors
    /// `rejected` when it is none: it goes to quarantine as it is.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let place = format!("body:{}:{}", error.line(), error.column());
            // The parser's own words may quote what was sent.
            let expected = if error.is_data() { "another shape" } else { "JSON" };
            Fault::new(FaultCode::Rejected).at(place).with("expected", expected)
        })
    }
}

/// An answer that a vendor expects at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Its content type.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// `200` with a text: what most challenges expect back.
    pub fn text(text: impl Into<String>) -> Self {
        let content_type = "text/plain".to_owned();
        Self { status: 200, content_type, body: text.into().into_bytes() }
    }
}

/// What a delivery means.
#[derive(Debug, Clone, PartialEq)]
pub enum Parsed {
    /// Rows of a stream. An `upsert` is a patch: a field that is absent is left
    /// alone, null clears.
    Rows(String, Vec<Row>),
    /// These rows of a stream changed: the hub looks them up.
    Refetch(String, Vec<String>),
    /// Something in this stream changed: the hub reads on.
    Read(String),
    /// Nothing that matters.
    Ignored,
}

impl Parsed {
    /// Rows of a stream.
    pub fn rows(stream: impl Into<String>, rows: Vec<Row>) -> Self {
        Self::Rows(stream.into(), rows)
    }

    /// These rows of a stream changed.
    pub fn refetch<K: Into<String>>(
        stream: impl Into<String>,
        keys: impl IntoIterator<Item = K>,
    ) -> Self {
        Self::Refetch(stream.into(), keys.into_iter().map(Into::into).collect())
    }

    /// Something in a stream changed.
    pub fn read(stream: impl Into<String>) -> Self {
        Self::Read(stream.into())
    }
}

/// A subscription at the vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The vendor's id.
    pub id: String,
    /// It must be renewed within so many seconds.
    pub renew_within_seconds: Option<u32>,
}

impl From<api::Delivery> for Delivery {
    fn from(delivery: api::Delivery) -> Self {
        let api::Delivery { method, target, headers, body, received } = delivery;
        Self { method, target, headers, body, received }
    }
}

impl From<Reply> for api::Reply {
    fn from(reply: Reply) -> Self {
        let headers = vec![("content-type".to_owned(), reply.content_type)];
        Self { status: reply.status, headers, body: reply.body }
    }
}

impl TryFrom<Parsed> for api::Parsed {
    type Error = Fault;

    fn try_from(parsed: Parsed) -> Result<Self, Fault> {
        Ok(match parsed {
            Parsed::Rows(stream, rows) => Self::Rows((stream, page::batch(&rows)?)),
            Parsed::Refetch(stream, keys) => Self::Refetch((stream, keys)),
            Parsed::Read(stream) => Self::Read(stream),
            Parsed::Ignored => Self::Ignored,
        })
    }
}

impl From<Subscription> for api::Subscription {
    fn from(subscription: Subscription) -> Self {
        let Subscription { id, renew_within_seconds } = subscription;
        Self { id, renew_within_seconds }
    }
}

/// The contract's answer of a list of meanings.
pub(crate) fn answer(parsed: Vec<Parsed>) -> Result<Vec<api::Parsed>, wit::Fault> {
    Ok(parsed.into_iter().map(TryInto::try_into).collect::<Result<_, Fault>>()?)
}
