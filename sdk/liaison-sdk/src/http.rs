//! HTTP through the host. The connector names a credential slot; it never
//! sees what the host puts there.
//!
//! ```no_run
//! # use liaison_sdk::{http, Fault};
//! # fn f() -> Result<(), Fault> {
//! let contacts: serde_json::Value = http::get("https://api.example.com/contacts")
//!     .query("limit", 100)
//!     .credential("token")
//!     .send()?
//!     .expect_success()?
//!     .json()?;
//! # Ok(()) }
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::host::liaison::connector::http as wit;
use crate::fault::{Fault, FaultCode};
use crate::host;

/// A request to build up and send.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    inner: wit::Request,
    problem: Option<String>,
}

/// A `GET` request.
pub fn get(url: impl Into<String>) -> Request {
    Request::new("GET", url)
}

/// A `POST` request.
pub fn post(url: impl Into<String>) -> Request {
    Request::new("POST", url)
}

/// A `PUT` request.
pub fn put(url: impl Into<String>) -> Request {
    Request::new("PUT", url)
}

/// A `PATCH` request.
pub fn patch(url: impl Into<String>) -> Request {
    Request::new("PATCH", url)
}

/// A `DELETE` request.
pub fn delete(url: impl Into<String>) -> Request {
    Request::new("DELETE", url)
}

impl Request {
    /// A request of any method to an absolute URL.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        let inner = wit::Request {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            credential: None,
        };
        Self { inner, problem: None }
    }

    /// With a header. The host refuses those that are its own business, such
    /// as `Authorization` and `Host`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.inner.headers.push(wit::Header { name: name.into(), value: value.into() });
        self
    }

    /// With a query parameter, percent-encoded.
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        let separator = if self.inner.url.contains('?') { '&' } else { '?' };
        self.inner.url.push(separator);
        self.inner.url.push_str(&percent_encode(name));
        self.inner.url.push('=');
        self.inner.url.push_str(&percent_encode(&value.to_string()));
        self
    }

    /// With a body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.inner.body = body.into();
        self
    }

    /// With a JSON body and its content type.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.header("content-type", "application/json").body(body),
            Err(error) => {
                self.problem = Some(error.to_string());
                self
            }
        }
    }

    /// With the credential of a slot of the manifest.
    pub fn credential(mut self, slot: impl Into<String>) -> Self {
        self.inner.credential = Some(slot.into());
        self
    }

    /// Sends it. Any status is a response.
    ///
    /// # Errors
    /// No response: `host-denied`, `unreachable`, `timeout` (it may have had an
    /// effect), `limit`, `auth`, or `bug` for a request that is malformed.
    pub fn send(self) -> Result<Response, Fault> {
        if let Some(problem) = self.problem {
            return Err(Fault::bug(problem).at("request body"));
        }
        let place = host_of(&self.inner.url).to_owned();
        let response = host::http_send(&self.inner).map_err(|error| fault(error).at(place))?;
        let headers = response.headers.into_iter().map(|it| (it.name, it.value)).collect();
        Ok(Response { status: response.status, headers, body: response.body })
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let fits = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        self.headers.iter().find(fits).map(|(_, value)| value.as_str())
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON of the connector's own type. Numbers stay exact in
    /// `serde_json::Value` and `serde_json::Number`.
    ///
    /// # Errors
    /// `schema-drift`, with what was expected and where.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(&self.body).map_err(|error| Fault::drift("response", error))
    }

    /// The body as text; broken UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The response, if the status is 200 to 299.
    ///
    /// # Errors
    /// As [`Self::fault`].
    pub fn expect_success(self) -> Result<Self, Fault> {
        if self.is_success() { Ok(self) } else { Err(self.fault()) }
    }

    /// The fault that a status usually means. Vendors differ: ask them first.
    pub fn fault(&self) -> Fault {
        let retry_after = self.header("retry-after").and_then(|text| text.trim().parse().ok());
        let code = match self.status {
            401 => FaultCode::Auth,
            403 => FaultCode::Permission,
            404 | 410 => FaultCode::NotFound,
            409 | 412 => FaultCode::Conflict,
            408 | 425 | 500.. => FaultCode::Transient,
            429 => FaultCode::RateLimited(retry_after),
            _ => FaultCode::Rejected,
        };
        Fault::new(code).with("status", self.status).with("vendor-message", self.text())
    }
}

fn fault(error: wit::Error) -> Fault {
    let (code, why) = match error {
        wit::Error::Denied(why) => (FaultCode::HostDenied, why),
        wit::Error::Timeout => return Fault::new(FaultCode::Timeout),
        wit::Error::Connect(why) => (FaultCode::Unreachable, why),
        wit::Error::TooLarge(bytes) => {
            return Fault::new(FaultCode::Limit).with("bytes-max", bytes);
        }
        wit::Error::BudgetExhausted => (FaultCode::Limit, "requests per call".to_owned()),
        wit::Error::Invalid(why) => (FaultCode::Bug, why),
        wit::Error::Credential(why) => (FaultCode::Auth, why),
        // It may have had an effect, just as after a timeout.
        wit::Error::Broken(why) => (FaultCode::Timeout, why),
        wit::Error::NotSupported => (FaultCode::NotSupported, "http".to_owned()),
    };
    Fault::new(code).with("why", why)
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Whether a text is an address without a path: what a setting for a system's own
/// address must be, since paths are joined to it.
pub fn is_origin(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@']))
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{Response, get, percent_encode};
    use crate::fault::FaultCode;

    #[test]
    fn a_query_is_encoded() {
        assert_eq!(percent_encode("a b&é"), "a%20b%26%C3%A9");
        let request = get("https://x.test/a").query("q", "1+1").query("n", 2);
        assert_eq!(request.inner.url, "https://x.test/a?q=1%2B1&n=2");
    }

    #[test]
    fn a_status_has_a_usual_meaning() {
        let cases = [
            (401, FaultCode::Auth),
            (403, FaultCode::Permission),
            (404, FaultCode::NotFound),
            (409, FaultCode::Conflict),
            (429, FaultCode::RateLimited(Some(7))),
            (503, FaultCode::Transient),
            (422, FaultCode::Rejected),
        ];
        for (status, code) in cases {
            let headers = vec![("Retry-After".to_owned(), "7".to_owned())];
            let response = Response { status, headers, body: b"no".to_vec() };
            assert_eq!(response.fault().code, code, "{status}");
        }
    }
}
