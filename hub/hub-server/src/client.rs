//! The way to a running hub: its own API, over loopback, with the token that
//! only the same user can read.
//!
//! One request per connection is enough here, and a plain HTTP/1.1 client
//! keeps the rich one where it belongs: in the gateway.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::exit::Exit;
use crate::trouble::Trouble;

/// How long the hub may take to answer.
const ANSWER_SECONDS_MAX: u64 = 60;
/// Largest answer that is taken.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Longest message of the stream of events.
const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// A running hub.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    token: String,
}

/// What the hub answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Value,
}

impl Client {
    /// The hub at an address.
    pub const fn new(address: SocketAddr, token: String) -> Self {
        Self { address, token }
    }

    /// The hub's address.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `GET`, where anything but success is a trouble.
    ///
    /// # Errors
    /// When the hub does not answer, or refuses.
    pub async fn get(&self, path: &str) -> Result<Value, Trouble> {
        self.call("GET", path).await?.success()
    }

    /// `POST` of a body, where anything but success is a trouble.
    ///
    /// # Errors
    /// When the hub does not answer, or refuses.
    pub async fn post_json(&self, path: &str, body: &Value) -> Result<Value, Trouble> {
        self.call_with("POST", path, body.to_string()).await?.success()
    }

    /// `POST` of `{}`, where anything but success is a trouble.
    ///
    /// # Errors
    /// When the hub does not answer, or refuses.
    pub async fn post(&self, path: &str) -> Result<Value, Trouble> {
        self.call("POST", path).await?.success()
    }

    /// A request; any status is an answer.
    ///
    /// # Errors
    /// When the hub does not answer.
    pub async fn call(&self, method: &str, path: &str) -> Result<Answer, Trouble> {
        let body = if method == "GET" { "" } else { "{}" };
        self.call_with(method, path, body.to_owned()).await
    }

    async fn call_with(&self, method: &str, path: &str, body: String) -> Result<Answer, Trouble> {
        let patience = Duration::from_secs(ANSWER_SECONDS_MAX);
        let answer = tokio::time::timeout(patience, async {
            let response = self.send(method, path, body).await?;
            let status = response.status();
            let body = http_body_util::Limited::new(response.into_body(), ANSWER_BYTES_MAX);
            let bytes = body.collect().await.map_err(|e| self.silent(&e))?.to_bytes();
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            Ok(Answer { status, body })
        });
        answer.await.unwrap_or_else(|_| Err(self.silent(&"no answer in time")))
    }

    /// The stream of events.
    ///
    /// # Errors
    /// When the hub does not answer, or refuses.
    pub async fn events(&self) -> Result<Events, Trouble> {
        let response = self.send("GET", "/api/v1/events", String::new()).await?;
        if response.status() != StatusCode::OK {
            return Err(self.silent(&format!("events: {}", response.status())));
        }
        Ok(Events { client: self.clone(), body: response.into_body(), text: Vec::new() })
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        body: String,
    ) -> Result<Response<Incoming>, Trouble> {
        let stream = TcpStream::connect(self.address).await.map_err(|e| self.silent(&e))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|e| self.silent(&e))?;
        // Ends by itself when the answer has been read or dropped.
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|e| self.silent(&e))?;
        sender.send_request(request).await.map_err(|e| self.silent(&e))
    }

    fn silent(&self, reason: &dyn std::fmt::Display) -> Trouble {
        Trouble::new(
            Exit::Unreachable,
            "hub/unreachable",
            format!("http://{}", self.address),
            format!("a hub holds the store but does not answer: {reason}"),
            "wait if it has just been started; otherwise stop it (SIGTERM) and start it again",
        )
    }
}

impl Answer {
    /// The body of a success; a refusal becomes a trouble with the hub's own words.
    ///
    /// # Errors
    /// When the hub refused.
    pub fn success(self) -> Result<Value, Trouble> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        let word = |name: &str| self.body.get(name).and_then(Value::as_str).unwrap_or_default();
        let exit = match self.status.as_u16() {
            401 | 403 => Exit::Unreachable,
            503 => Exit::Store,
            404 | 409 => Exit::Finding,
            _ => Exit::Usage,
        };
        let what = match word("detail") {
            "" => word("title").to_owned(),
            detail => format!("{}: {detail}", word("title")),
        };
        let code = match word("code") {
            "" => "hub/answer",
            code => code,
        };
        Err(Trouble::new(exit, code, word("place"), what, word("mend")))
    }
}

/// The stream of events of a hub.
pub struct Events {
    client: Client,
    body: Incoming,
    text: Vec<u8>,
}

impl Events {
    /// The next event: its name and data. `None` when the hub ended the stream.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next(&mut self) -> Result<Option<(String, Value)>, Trouble> {
        loop {
            if let Some(event) = self.take() {
                return Ok(Some(event));
            }
            if self.text.len() > EVENT_BYTES_MAX {
                return Err(self.client.silent(&"an event is too long"));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(self.client.silent(&error)),
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.text.extend_from_slice(data);
                    }
                }
            }
        }
    }

    /// An event that has arrived whole; comments are passed over.
    fn take(&mut self) -> Option<(String, Value)> {
        loop {
            let end = self.text.windows(2).position(|pair| pair == b"\n\n")?;
            let block: Vec<u8> = self.text.drain(..end + 2).collect();
            let block = String::from_utf8_lossy(&block).into_owned();
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
            if let Some(name) = field("event:") {
                let data = field("data:").map(str::trim).unwrap_or_default();
                let data = serde_json::from_str(data).unwrap_or(Value::Null);
                return Some((name.trim().to_owned(), data));
            }
        }
    }
}
