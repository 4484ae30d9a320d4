//! The one way out of a guest's call: everything that a guest learns from outside and
//! that is no function of the call itself is an errand, and has an answer.
//!
//! Clock and randomness are none: both are functions of the call (its `now`, its
//! `seed`). So a call, its errands and their answers are all that an output depends on,
//! and whoever stands in this port can note them or give them again
//! ([`recording`](crate::recording)); no host function knows who it is.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use plugin_gateway::{
    ConnectionGateway, CryptoFault, FileFault, FileInfo, FileRange, HttpFault, HttpRequest,
    HttpResponse, Mac, MailDelivery, MailFault, MailMessage, MailServer, Sealing, Signing,
};
use serde::{Deserialize, Serialize};

/// What a guest asks of the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Errand {
    /// A request, before its credential is applied.
    Http(HttpRequest),
    /// The files of a folder.
    List {
        /// The folder's alias.
        folder: String,
    },
    /// Size and version of a file.
    Stat {
        /// The folder's alias.
        folder: String,
        /// The file.
        name: String,
    },
    /// A part of a file.
    Read {
        /// The folder's alias.
        folder: String,
        /// The file.
        name: String,
        /// From this byte on.
        offset: u64,
        /// At most so many.
        bytes_max: usize,
    },
    /// A file, whole.
    Write {
        /// The folder's alias.
        folder: String,
        /// The file.
        name: String,
        /// What it is to hold.
        #[serde(with = "plugin_api::bytes")]
        data: Vec<u8>,
        /// The version that it must still have.
        expected: String,
    },
    /// A message.
    Mail {
        /// The server that takes it.
        server: MailServer,
        /// The message.
        message: MailMessage,
    },
    /// A login at a mail server.
    CheckMail {
        /// The server.
        server: MailServer,
    },
    /// Something done with the key of a slot, which the guest never sees.
    Key {
        /// The credential slot.
        slot: String,
        /// What.
        work: KeyWork,
        /// The bytes that it is done to.
        #[serde(with = "plugin_api::bytes")]
        data: Vec<u8>,
        /// Bytes that are authenticated along.
        #[serde(with = "plugin_api::bytes")]
        associated: Vec<u8>,
    },
}

/// What is done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyWork {
    /// A message authentication code.
    Mac(Mac),
    /// A signature.
    Sign(Signing),
    /// Sealing.
    Seal(Sealing),
    /// Opening what is sealed.
    Open(Sealing),
}

/// Bytes that were made with a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made(#[serde(with = "plugin_api::bytes")] pub Vec<u8>);

/// What the world answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// To [`Errand::Http`].
    Http(Result<HttpResponse, HttpFault>),
    /// To [`Errand::List`].
    Files(Result<Vec<FileInfo>, FileFault>),
    /// To [`Errand::Stat`] and [`Errand::Write`].
    File(Result<FileInfo, FileFault>),
    /// To [`Errand::Read`].
    Part(Result<FileRange, FileFault>),
    /// To [`Errand::Mail`].
    Mail(Result<Vec<MailDelivery>, MailFault>),
    /// To [`Errand::CheckMail`].
    Checked(Result<(), MailFault>),
    /// To [`Errand::Key`].
    Made(Result<Made, CryptoFault>),
}

/// How loud a line of a guest's log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// For the connector's author.
    Debug,
    /// Usual.
    Info,
    /// Unusual.
    Warn,
    /// Wrong.
    Error,
}

/// The way out of one call.
#[async_trait]
pub trait Way: Send + Sync {
    /// Does an errand. The answer is of the errand's kind.
    async fn go(&self, errand: Errand) -> Reply;

    /// A line of the guest's log, as it may be shown.
    fn told(&self, level: Level, line: &str) -> String;
}

/// The real world, behind the gateway of a connection.
pub(crate) struct Outside(pub(crate) Arc<ConnectionGateway>);

#[async_trait]
impl Way for Outside {
    async fn go(&self, errand: Errand) -> Reply {
        let files = self.0.files();
        match errand {
            Errand::Http(request) => Reply::Http(self.0.send(request).await),
            Errand::List { folder } => Reply::Files(files.list(&folder).await),
            Errand::Stat { folder, name } => Reply::File(files.stat(&folder, &name).await),
            Errand::Read { folder, name, offset, bytes_max } => {
                Reply::Part(files.read(&folder, &name, offset, bytes_max).await)
            }
            Errand::Write { folder, name, data, expected } => {
                Reply::File(files.write_atomic(&folder, &name, data, Some(expected)).await)
            }
            Errand::Mail { server, message } => {
                Reply::Mail(self.0.send_mail(&server, &message).await)
            }
            Errand::CheckMail { server } => Reply::Checked(self.0.check_mail(&server).await),
            Errand::Key { slot, work, data, associated } => {
                let made = match work {
                    KeyWork::Mac(algorithm) => self.0.mac(&slot, algorithm, &data),
                    KeyWork::Sign(algorithm) => self.0.sign(&slot, algorithm, &data),
                    KeyWork::Seal(algorithm) => self.0.seal(&slot, algorithm, (&data, &associated)),
                    KeyWork::Open(algorithm) => self.0.open(&slot, algorithm, (&data, &associated)),
                };
                Reply::Made(made.map(Made))
            }
        }
    }

    fn told(&self, _level: Level, line: &str) -> String {
        // A connector may repeat what a vendor said, and that may hold a secret.
        self.0.redactor().redact(line)
    }
}

/// What stands in a fault when an answer is of another kind than its errand.
const MIXED_UP: &str = "the answer is to another errand";

impl dyn Way {
    pub(crate) async fn http(&self, request: HttpRequest) -> Result<HttpResponse, HttpFault> {
        match self.go(Errand::Http(request)).await {
            Reply::Http(answer) => answer,
            _ => Err(HttpFault::Invalid(MIXED_UP.to_owned())),
        }
    }

    pub(crate) async fn files(&self, folder: String) -> Result<Vec<FileInfo>, FileFault> {
        match self.go(Errand::List { folder }).await {
            Reply::Files(answer) => answer,
            _ => Err(FileFault::Io(MIXED_UP.to_owned())),
        }
    }

    /// The state of a file, after `Stat` or `Write`.
    pub(crate) async fn file(&self, errand: Errand) -> Result<FileInfo, FileFault> {
        match self.go(errand).await {
            Reply::File(answer) => answer,
            _ => Err(FileFault::Io(MIXED_UP.to_owned())),
        }
    }

    pub(crate) async fn part(&self, errand: Errand) -> Result<FileRange, FileFault> {
        match self.go(errand).await {
            Reply::Part(answer) => answer,
            _ => Err(FileFault::Io(MIXED_UP.to_owned())),
        }
    }

    pub(crate) async fn mail(
        &self,
        server: MailServer,
        message: MailMessage,
    ) -> Result<Vec<MailDelivery>, MailFault> {
        match self.go(Errand::Mail { server, message }).await {
            Reply::Mail(answer) => answer,
            _ => Err(MailFault::Invalid(MIXED_UP.to_owned())),
        }
    }

    pub(crate) async fn key(&self, errand: Errand) -> Result<Vec<u8>, CryptoFault> {
        match self.go(errand).await {
            Reply::Made(made) => made.map(|made| made.0),
            _ => Err(CryptoFault::Slot(MIXED_UP.to_owned())),
        }
    }

    pub(crate) async fn check_mail(&self, server: MailServer) -> Result<(), MailFault> {
        match self.go(Errand::CheckMail { server }).await {
            Reply::Checked(answer) => answer,
            _ => Err(MailFault::Invalid(MIXED_UP.to_owned())),
        }
    }
}

impl Errand {
    /// Where two errands part, in one word; none = they are the same.
    #[must_use]
    pub fn differs(&self, other: &Self) -> Option<&'static str> {
        match (self, other) {
            (one, two) if one == two => None,
            (Self::Http(one), Self::Http(two)) => Some(match () {
                () if one.method != two.method => "method",
                () if one.url != two.url => "url",
                () if one.headers != two.headers => "headers",
                () if one.credential != two.credential => "credential",
                () => "body",
            }),
            (one, two) if std::mem::discriminant(one) != std::mem::discriminant(two) => {
                Some("kind")
            }
            _ => Some("content"),
        }
    }
}

impl fmt::Display for Errand {
    /// In one line, without bodies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(request) => {
                let HttpRequest { method, url, body, .. } = request;
                write!(f, "{method} {url} ({} bytes)", body.len())
            }
            Self::List { folder } => write!(f, "list {folder}"),
            Self::Stat { folder, name } => write!(f, "look at {folder}/{name}"),
            Self::Read { folder, name, offset, bytes_max } => {
                write!(f, "read {folder}/{name} from {offset}, {bytes_max} bytes")
            }
            Self::Write { folder, name, data, .. } => {
                write!(f, "write {folder}/{name} ({} bytes)", data.len())
            }
            Self::Mail { server, message } => {
                write!(f, "mail by {} ({} bytes)", server.address, message.body.len())
            }
            Self::CheckMail { server } => write!(f, "log in at {}", server.address),
            Self::Key { slot, work, data, .. } => {
                write!(f, "{work:?} by the key {slot} ({} bytes)", data.len())
            }
        }
    }
}
