//! A message and what becomes of it, as they cross the sandbox.
//!
//! Sending is not asking: once the end of a message is on its way, nobody but the
//! server knows whether it has it. So a [`MailFault`] means that nothing was sent
//! to anybody, and everything later is told for each recipient, "unknown" included.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Largest message in bytes, with its head.
pub const MESSAGE_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Most recipients of one message.
pub const RECIPIENTS_MAX: usize = 100;
/// Longest address in bytes (RFC 5321, 4.5.3.1.3, without the brackets).
pub const ADDRESS_BYTES_MAX: usize = 254;
/// Most headers of a message.
pub const MAIL_HEADERS_MAX: usize = 100;
/// Longest line in bytes, without its end (RFC 5322, 2.1.1).
pub const LINE_BYTES_MAX: usize = 998;

/// How the connection to a server is kept from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailSecurity {
    /// TLS from the first byte on.
    Tls,
    /// TLS by STARTTLS, or nothing is sent.
    StartTls,
    /// Not at all: for connections that are granted `insecure_http`.
    None,
}

/// The server that takes mail in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailServer {
    /// Host and port: `smtp.example.org:587`.
    pub address: String,
    /// How the connection is kept from being read.
    pub security: MailSecurity,
    /// The credential slot to log in with.
    pub credential: Option<String>,
}

/// A message as a connector states it. `Debug` shows sizes only, because the rest
/// is customers' data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailMessage {
    /// The envelope's sender: where bounces go.
    pub sender: String,
    /// The envelope's recipients.
    pub recipients: Vec<String>,
    /// Headers in order, without line breaks; those that belong to the servers on
    /// the way are refused.
    pub headers: Vec<(String, String)>,
    /// The body: ASCII, lines that end in CR LF.
    #[serde(with = "plugin_api::bytes")]
    pub body: Vec<u8>,
}

impl fmt::Debug for MailMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("MailMessage")
            .field("recipients", &self.recipients.len())
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What became of one recipient. The texts never hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailDelivery {
    /// Taken in; the reply.
    Accepted(String),
    /// Not now (4xx); the reply.
    Deferred(String),
    /// Refused (5xx); the reply.
    Refused(String),
    /// The message was handed over whole and nothing came back.
    Unknown(String),
}

impl MailDelivery {
    /// The same with its text changed, for redaction.
    pub(crate) fn map_text(self, change: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Accepted(text) => Self::Accepted(change(&text)),
            Self::Deferred(text) => Self::Deferred(change(&text)),
            Self::Refused(text) => Self::Refused(change(&text)),
            Self::Unknown(text) => Self::Unknown(change(&text)),
        }
    }
}

/// Why nothing was sent to anybody. The texts never hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailFault {
    /// The grants or the rules forbid it.
    #[error("denied: {0}")]
    Denied(String),
    /// The message is malformed.
    #[error("invalid: {0}")]
    Invalid(String),
    /// The message is larger than the server or the hub takes.
    #[error("larger than the limit of {limit_bytes} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit_bytes: usize,
    },
    /// The call has used up its requests.
    #[error("this call has used up its requests")]
    BudgetExhausted,
    /// No connection, or none that lasted until the message was handed over.
    #[error("no connection: {0}")]
    Connect(String),
    /// The credential is missing, unreadable, or was refused.
    #[error("credential: {0}")]
    Credential(String),
    /// The server takes nothing now (4xx); its reply.
    #[error("the server takes no mail now: {0}")]
    Deferred(String),
    /// The server takes nothing from this sender (5xx); its reply.
    #[error("the server takes no mail from here: {0}")]
    Refused(String),
}

impl MailFault {
    /// The same fault with its text changed, for redaction.
    pub(crate) fn map_text(self, change: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Denied(text) => Self::Denied(change(&text)),
            Self::Invalid(text) => Self::Invalid(change(&text)),
            Self::Connect(text) => Self::Connect(change(&text)),
            Self::Credential(text) => Self::Credential(change(&text)),
            Self::Deferred(text) => Self::Deferred(change(&text)),
            Self::Refused(text) => Self::Refused(change(&text)),
            Self::TooLarge { .. } | Self::BudgetExhausted => self,
        }
    }
}
