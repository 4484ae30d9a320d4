//! From the address of an SSH server to a stream on which files are talked about.
//!
//! The server has to have the host key that is pinned in the configuration, before it is
//! told who is calling: whoever sits in between learns neither a name nor a password. A key
//! that is not pinned, or another, is a fault that shows what the server presented and what
//! to write, because the one who has to compare is a human.
//!
//! Compression is not offered, and neither is SHA-1.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use russh::client::{self, AuthResult, Handle, Msg};
use russh::keys::ssh_key::Fingerprint;
use russh::keys::{
    Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate,
};
use russh::{ChannelMsg, ChannelStream, Preferred};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zeroize::Zeroizing;

use crate::credential;
use crate::destination;
use crate::files::FileFault;
use crate::grants::{GrantError, Grants, HostPattern};
use crate::http::HttpFault;
use crate::secret::Secret;
use crate::wire::Wire;

/// Longest time from the first byte to an open channel, in seconds.
const LOGIN_TIMEOUT_SECONDS: u64 = 30;
/// A connection on which nothing comes is closed after so many seconds.
const IDLE_SECONDS: u64 = 60;

/// How the hub proves to a server who it is.
#[derive(Debug, Clone)]
pub enum SftpLogin {
    /// By a password.
    Password(Secret),
    /// By a private key.
    PrivateKey {
        /// The key, as `ssh-keygen` writes it.
        key: Secret,
        /// What it is encrypted with.
        passphrase: Option<Secret>,
    },
}

/// How a server proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HostKey {
    /// `SHA256:...`
    Fingerprint(Fingerprint),
    /// `ssh-ed25519 AAAA...`; the server is then asked for a key of this kind.
    Key(Box<PublicKey>),
}

impl HostKey {
    fn is(&self, presented: &PublicKey) -> bool {
        match self {
            Self::Fingerprint(pinned) => presented.fingerprint(HashAlg::Sha256) == *pinned,
            Self::Key(pinned) => pinned.key_data() == presented.key_data(),
        }
    }
}

impl FromStr for HostKey {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let key = || PublicKey::from_openssh(text).ok().map(|key| Self::Key(Box::new(key)));
        let fingerprint: Option<Fingerprint> = text.parse().ok();
        let fingerprint = fingerprint.filter(|it| it.algorithm() == HashAlg::Sha256);
        fingerprint.map(Self::Fingerprint).or_else(key).ok_or_else(|| GrantError {
            given: text.to_owned(),
            what: "host key",
            mend: "write the fingerprint, `SHA256:` and 43 characters, or the line of the public \
                   key, such as `ssh-ed25519 AAAA...`"
                .to_owned(),
        })
    }
}

/// A server and how to log in there.
pub(super) struct Server {
    pub(super) host: HostPattern,
    /// Host and port.
    pub(super) address: String,
    pub(super) user: String,
    pub(super) login: SftpLogin,
    pub(super) host_key: Option<HostKey>,
}

/// A stream to the files of a server. The connection lasts as long as it.
///
/// The library takes its leave on the runtime that is current when the channel is dropped,
/// and panics where none is; so it is dropped on the one that it was made on.
pub(super) struct FileStream {
    channel: Option<ChannelStream<Msg>>,
    runtime: tokio::runtime::Handle,
}

impl FileStream {
    fn channel(self: Pin<&mut Self>) -> io::Result<Pin<&mut ChannelStream<Msg>>> {
        let channel = self.get_mut().channel.as_mut();
        channel.map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for FileStream {
    fn drop(&mut self) {
        let _entered = self.runtime.enter();
        self.channel = None;
    }
}

impl AsyncRead for FileStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.channel()?.poll_read(context, buffer)
    }
}

impl AsyncWrite for FileStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.channel()?.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.channel()?.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.channel()?.poll_shutdown(context)
    }
}

impl Server {
    /// Connects, logs in and asks for the files.
    pub(super) async fn connect(&self, wire: &Wire) -> Result<FileStream, FileFault> {
        let proof = self.proof(wire).await?;
        let grants = Grants {
            hosts: vec![self.host.clone()],
            private: wire.grants.private.clone(),
            ..Grants::default()
        };
        let (host, port) = destination::check_server(&self.address, &grants).map_err(from_http)?;
        let stream = wire.connect(&host, port).await.map_err(from_http)?;
        let patience = Duration::from_secs(LOGIN_TIMEOUT_SECONDS);
        let opened = tokio::time::timeout(patience, async {
            stream.set_nodelay(true).map_err(|error| FileFault::Io(error.to_string()))?;
            let pinned = Pinned { key: self.host_key.clone(), address: self.address.clone() };
            let mut handle = client::connect_stream(self.config(), stream, pinned).await?;
            self.log_in(&mut handle, proof).await?;
            open_files(&handle).await
        });
        opened.await.unwrap_or_else(|_| Err(FileFault::Io("the server was too slow".to_owned())))
    }

    fn config(&self) -> Arc<client::Config> {
        let algorithms = Preferred::DEFAULT.key.iter().filter(|it| self.wants(it));
        let preferred = Preferred { key: algorithms.cloned().collect(), ..Preferred::DEFAULT };
        let inactivity_timeout = Some(Duration::from_secs(IDLE_SECONDS));
        Arc::new(client::Config { preferred, inactivity_timeout, ..client::Config::default() })
    }

    /// Whether the server may prove itself so.
    fn wants(&self, algorithm: &Algorithm) -> bool {
        match (&self.host_key, algorithm) {
            (_, Algorithm::Rsa { hash: None }) => false,
            (Some(HostKey::Key(key)), Algorithm::Rsa { .. }) => key.algorithm().is_rsa(),
            (Some(HostKey::Key(key)), other) => key.algorithm() == *other,
            _ => true,
        }
    }

    async fn proof(&self, wire: &Wire) -> Result<Proof, FileFault> {
        let secret = |secret: &Secret| {
            let resolved = credential::resolve(secret, &wire.redactor);
            resolved.map_err(|fault| FileFault::Denied(fault.to_string()))
        };
        match &self.login {
            SftpLogin::Password(password) => Ok(Proof::Password(secret(password)?)),
            SftpLogin::PrivateKey { key, passphrase } => {
                let (key, passphrase) = (secret(key)?, passphrase.as_ref().map(secret));
                let passphrase = passphrase.transpose()?;
                // A passphrase is made slow to guess.
                let read = tokio::task::spawn_blocking(move || {
                    russh::keys::decode_secret_key(&key, passphrase.as_ref().map(|it| it.as_str()))
                });
                let unreadable = "the private key cannot be read: it is no key that `ssh-keygen` \
                                  writes, or its `passphrase` is missing or wrong";
                match read.await {
                    Ok(Ok(key)) => Ok(Proof::Key(Arc::new(key))),
                    _ => Err(FileFault::Denied(unreadable.to_owned())),
                }
            }
        }
    }

    async fn log_in(&self, handle: &mut Handle<Pinned>, proof: Proof) -> Result<(), FileFault> {
        let user = self.user.as_str();
        let (answer, what) = match proof {
            Proof::Password(password) => {
                (handle.authenticate_password(user, password.as_str()).await, "password")
            }
            Proof::Key(key) => {
                let hash = if key.algorithm().is_rsa() {
                    let best = handle.best_supported_rsa_hash().await.map_err(Trouble::from)?;
                    Some(best.flatten().unwrap_or(HashAlg::Sha512))
                } else {
                    None
                };
                let key = PrivateKeyWithHashAlg::new(key, hash);
                (handle.authenticate_publickey(user, key).await, "private key")
            }
        };
        match answer.map_err(Trouble::from)? {
            AuthResult::Success => Ok(()),
            AuthResult::Failure { partial_success: true, .. } => Err(FileFault::Denied(format!(
                "the server takes the {what} of `{user}` and asks for more proofs, which this \
                 hub cannot give"
            ))),
            AuthResult::Failure { .. } => {
                Err(FileFault::Denied(format!("the server refuses the {what} of `{user}`")))
            }
        }
    }
}

async fn open_files(handle: &Handle<Pinned>) -> Result<FileStream, FileFault> {
    let mut channel = handle.channel_open_session().await.map_err(Trouble::from)?;
    channel.request_subsystem(true, "sftp").await.map_err(Trouble::from)?;
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => {
                let channel = Some(channel.into_stream());
                return Ok(FileStream { channel, runtime: tokio::runtime::Handle::current() });
            }
            Some(ChannelMsg::Failure | ChannelMsg::Eof | ChannelMsg::Close) | None => {
                let why = "the server offers this user no file transfer (SFTP)";
                return Err(FileFault::Denied(why.to_owned()));
            }
            Some(_) => {}
        }
    }
}

enum Proof {
    Password(Zeroizing<String>),
    Key(Arc<PrivateKey>),
}

/// What a server has to present.
struct Pinned {
    key: Option<HostKey>,
    address: String,
}

impl client::Handler for Pinned {
    type Error = Trouble;

    async fn check_server_key(
        &mut self,
        presented: &PublicKeyOrCertificate,
    ) -> Result<bool, Trouble> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = presented else {
            // It was not asked for one.
            return Ok(false);
        };
        let why = match &self.key {
            Some(pinned) if pinned.is(key) => return Ok(true),
            Some(_) => "has another host key than the one that is pinned",
            None => "is not known: no host key is pinned",
        };
        Err(Trouble::HostKey(format!(
            "the server `{}` {why}. It presents {} of the kind {}. Ask its operator whether that \
             is right; if it is, write `host_key = \"{}\"`. If another kind of key is published, \
             write the whole line of that public key",
            self.address,
            key.fingerprint(HashAlg::Sha256),
            key.algorithm(),
            key.fingerprint(HashAlg::Sha256),
        )))
    }
}

/// What the library reports.
#[derive(Debug)]
enum Trouble {
    HostKey(String),
    Protocol(russh::Error),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostKey(why) => f.write_str(why),
            Self::Protocol(error) => write!(f, "the SSH connection failed: {error}"),
        }
    }
}

impl From<russh::Error> for Trouble {
    fn from(error: russh::Error) -> Self {
        Self::Protocol(error)
    }
}

impl From<Trouble> for FileFault {
    fn from(trouble: Trouble) -> Self {
        match &trouble {
            Trouble::HostKey(why) => Self::Denied(why.clone()),
            Trouble::Protocol(_) => Self::Io(trouble.to_string()),
        }
    }
}

fn from_http(fault: HttpFault) -> FileFault {
    match fault {
        HttpFault::Denied(why) => FileFault::Denied(why),
        other => FileFault::Io(other.to_string()),
    }
}
