//! A request and its answer, as they cross the sandbox, and what may go wrong.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use hub_model::FaultCode;
use serde::{Deserialize, Serialize};

/// Largest decompressed response body in bytes.
pub const RESPONSE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Largest request body in bytes.
pub const REQUEST_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Largest sum of header names and values in bytes, in each direction.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Most headers in a request.
pub const REQUEST_HEADERS_MAX: usize = 100;
/// Longest URL in bytes.
pub const URL_BYTES_MAX: usize = 16 * 1024;
/// How many times larger than its compressed form a response may be.
pub const COMPRESSION_RATIO_MAX: usize = 100;
/// Longest wait for a connection, in seconds.
pub const CONNECT_TIMEOUT_SECONDS: u64 = 10;
/// Longest time of a whole request, in seconds.
pub const TOTAL_TIMEOUT_SECONDS: u64 = 60;
/// Longest wait for a mail server's word on a message that was handed over, in
/// seconds. RFC 5321 asks for ten minutes; a call of a connector has five.
pub const MAIL_VERDICT_TIMEOUT_SECONDS: u64 = 180;
/// Most requests within one call of a connector.
pub const CALLS_MAX: u32 = 1_000;

/// The limits of one connection. The default holds the constants above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpLimits {
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest time of a whole request: login, connection, answer, body.
    pub total_timeout: Duration,
    /// Longest wait for a mail server's word on a message that was handed over.
    pub mail_verdict_timeout: Duration,
    /// Largest request body in bytes.
    pub request_bytes_max: usize,
    /// Largest decompressed response body in bytes.
    pub response_bytes_max: usize,
    /// Largest sum of header bytes.
    pub header_bytes_max: usize,
    /// How many times larger than its compressed form a response may be.
    pub compression_ratio_max: usize,
    /// Most requests between two [`begin_call`](crate::ConnectionGateway::begin_call).
    pub calls_max: u32,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(CONNECT_TIMEOUT_SECONDS),
            total_timeout: Duration::from_secs(TOTAL_TIMEOUT_SECONDS),
            mail_verdict_timeout: Duration::from_secs(MAIL_VERDICT_TIMEOUT_SECONDS),
            request_bytes_max: REQUEST_BYTES_MAX,
            response_bytes_max: RESPONSE_BYTES_MAX,
            header_bytes_max: HEADER_BYTES_MAX,
            compression_ratio_max: COMPRESSION_RATIO_MAX,
            calls_max: CALLS_MAX,
        }
    }
}

/// A request as a connector states it. `Debug` shows no header values, no body
/// and no query, because they hold customers' data.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HttpRequest {
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE` or `OPTIONS`.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Headers in order; those that belong to the host are refused.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    #[serde(with = "plugin_api::bytes")]
    pub body: Vec<u8>,
    /// The credential slot to apply.
    pub credential: Option<String>,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &self.url.split(['?', '#']).next().unwrap_or_default())
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .field("credential", &self.credential)
            .finish()
    }
}

/// An answer: any status, redirects included. `Debug` shows sizes only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Headers in order, without cookies.
    pub headers: Vec<(String, String)>,
    /// The decompressed body.
    #[serde(with = "plugin_api::bytes")]
    pub body: Vec<u8>,
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// Why there is no answer. The texts never hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpFault {
    /// The grants or the rules forbid the request. Nothing was sent.
    #[error("denied: {0}")]
    Denied(String),
    /// No answer within the limit. The request may have had its effect.
    #[error("no answer within the time limit")]
    Timeout,
    /// No connection to the host. Nothing was sent.
    #[error("no connection: {0}")]
    Connect(String),
    /// The connection broke after the request was sent. It may have had its effect.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// Something is larger than allowed. If it was the answer, the request had
    /// its effect.
    #[error("larger than the limit of {limit_bytes} bytes")]
    TooLarge {
        /// The setting of the limit; empty = none can change it.
        #[serde(default)]
        setting: Cow<'static, str>,
        /// The limit in bytes.
        limit_bytes: usize,
    },
    /// The call has used up its requests. Nothing was sent.
    #[error("this call has used up its requests")]
    BudgetExhausted,
    /// The request or the answer is malformed.
    #[error("invalid: {0}")]
    Invalid(String),
    /// The credential is missing, unreadable, or was refused at login.
    #[error("credential: {0}")]
    Credential(String),
}

/// A limit that a request of a call ran into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded {
    /// The code of a fault that tells of it.
    pub code: FaultCode,
    /// Its setting, as in `[limits]` of a configuration.
    pub setting: Cow<'static, str>,
    /// What it is, in the unit that the setting names.
    pub max: u64,
}

impl HttpFault {
    pub(crate) const fn too_large(setting: &'static str, limit_bytes: usize) -> Self {
        Self::TooLarge { setting: Cow::Borrowed(setting), limit_bytes }
    }

    /// The limit that it tells of, if a setting can change it.
    pub(crate) fn exceeded(&self, limits: &HttpLimits) -> Option<Exceeded> {
        let (setting, max) = match self {
            Self::TooLarge { setting, limit_bytes } if !setting.is_empty() => {
                let ratio = setting == "compression_ratio_max";
                let max = if ratio { limits.compression_ratio_max } else { *limit_bytes };
                (setting.clone(), u64::try_from(max).unwrap_or(u64::MAX))
            }
            Self::Timeout => (Cow::Borrowed("http_seconds_max"), limits.total_timeout.as_secs()),
            Self::BudgetExhausted => (Cow::Borrowed("http_calls_max"), limits.calls_max.into()),
            _ => return None,
        };
        Some(Exceeded { code: self.code(), setting, max })
    }

    /// The same fault with its text changed, for redaction.
    pub(crate) fn map_text(self, change: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Denied(text) => Self::Denied(change(&text)),
            Self::Connect(text) => Self::Connect(change(&text)),
            Self::Broken(text) => Self::Broken(change(&text)),
            Self::Invalid(text) => Self::Invalid(change(&text)),
            Self::Credential(text) => Self::Credential(change(&text)),
            Self::Timeout | Self::TooLarge { .. } | Self::BudgetExhausted => self,
        }
    }

    /// The hub's code for this fault.
    #[must_use]
    pub const fn code(&self) -> FaultCode {
        match self {
            Self::Denied(_) => FaultCode::HostDenied,
            // Both leave the outcome of a write unknown, which `timeout` stands for.
            Self::Timeout | Self::Broken(_) => FaultCode::Timeout,
            Self::Connect(_) => FaultCode::Unreachable,
            Self::TooLarge { .. } | Self::BudgetExhausted => FaultCode::LimitExceeded,
            Self::Invalid(_) => FaultCode::ConnectorBug,
            Self::Credential(_) => FaultCode::Auth,
        }
    }
}
