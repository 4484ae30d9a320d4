//! What a vendor pushes: the way in, for connectors that have one.
//!
//! Two halves that never meet. At the door the *host* verifies ([`Inbound::admit`])
//! by the recipe of the manifest; nothing of the component runs, and what is let
//! in holds no credential any more. Later, in a run, the *component* says what a
//! delivery means ([`Inbound::parse`]).

use std::fmt;

use async_trait::async_trait;
use hub_model::{Fault, RemoteKey, StreamName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::connector::CallContext;
use crate::page::ItemResult;

/// A delivery as it came in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The method.
    pub method: String,
    /// Path and query below the door of the connection: `/v1/batch?debug=1`.
    pub target: String,
    /// Headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(with = "crate::bytes")]
    pub body: Vec<u8>,
    /// When it was received.
    pub received: Timestamp,
}

impl Delivery {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let own = |(header, _): &&(String, String)| header.eq_ignore_ascii_case(name);
        self.headers.iter().find(own).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Delivery {
    /// Neither headers nor body, which may hold secrets and personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("method", &self.method)
            .field("body_bytes", &self.body.len())
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

/// A delivery that was verified: decompressed, and without its credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The delivery.
    pub delivery: Delivery,
    /// The vendor's own id of it.
    pub id: Option<String>,
    /// The component is asked for an answer before it is kept.
    pub handshake: bool,
}

/// Why a delivery is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No recipe holds. The reason is for the log and never for the sender.
    #[error("not verified: {0}")]
    Unverified(&'static str),
    /// The body is not what its encoding says.
    #[error("the body cannot be decompressed")]
    Unreadable,
    /// The body is too large once decompressed.
    #[error("the body is larger than {bytes_max} bytes")]
    TooLarge {
        /// Most bytes.
        bytes_max: usize,
    },
    /// The connection cannot verify anything at present.
    #[error("the connection cannot take deliveries: {0}")]
    NotReady(Fault),
}

/// An answer that a vendor expects at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Its content type.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a delivery means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// Rows of a stream. An upserted row is a patch: what it does not name stays.
    Rows(StreamName, Vec<ItemResult>),
    /// These rows of a stream changed: look them up.
    Refetch(StreamName, Vec<RemoteKey>),
    /// Something in this stream changed: read on.
    Read(StreamName),
    /// Nothing that matters.
    Ignored,
}

/// The way in of a connection.
#[async_trait]
pub trait Inbound: Send + Sync {
    /// The origins of web pages that may deliver.
    fn origins(&self) -> Vec<String>;

    /// Verifies a delivery. Secrets are resolved here and leave no trace in what
    /// is let in.
    ///
    /// # Errors
    /// [`Refusal`].
    fn admit(&self, delivery: Delivery, now: Timestamp) -> Result<Admitted, Refusal>;

    /// The answer to a challenge; none = an ordinary delivery.
    async fn handshake(
        &self,
        call: &CallContext,
        delivery: &Delivery,
    ) -> Result<Option<Reply>, Fault>;

    /// What a delivery means; one delivery may mean several things.
    async fn parse(&self, call: &CallContext, delivery: &Delivery) -> Result<Vec<Parsed>, Fault>;
}
