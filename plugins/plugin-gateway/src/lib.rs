//! The way out: every request and every mail that leaves the hub, and every file
//! that a connector touches, goes through here. And the lock of the way in: what vendors
//! push is verified here ([`admit`]), because here the secrets are.
//!
//! A connector has no ambient authority. It states a request and the *name* of a
//! credential; this crate decides whether the request may go, adds the secret,
//! sends it, and gives back an answer with the secret taken out. These decisions
//! shape it.
//!
//! **Judge what is connected to, not what is written.** A URL is parsed once;
//! the host must be granted ([`Grants`]); the *address* is judged in the very
//! lookup that the client connects with ([`address`]), so neither odd spellings
//! nor changing DNS answers lead inside. Redirects are answers, never followed.
//!
//! **The host owns what frames and identifies a request.** `Host`,
//! `Authorization`, cookies and hop-by-hop headers from a connector are refused
//! by name rather than dropped, so that its author notices.
//!
//! **Secrets are late and short.** A configuration holds references
//! ([`SecretRef`]), resolved for each request; what a vendor hands out (sessions)
//! is sealed at rest ([`Vault`]); everything that was used is known to the
//! [`Redactor`], through which every error text passes.
//!
//! **Logins are few.** A session is shared, renewed once for everybody, and left
//! alone after a refusal, because a hub that insists gets an account locked.
//!
//! **A token is kept before it is used.** [`oauth`] fetches and renews it; what a vendor
//! rotates is durable first, and where only a person can help, the fault says so.
//!
//! **A folder is a directory, a bucket or a folder of a server** behind the same words
//! ([`files`], [`s3`], [`sftp`]); a connector knows its alias and nothing else.
//!
//! **Mail is handed over, never asked about again.** [`mail`] goes to granted servers
//! with the same grants and credentials, and says of each recipient what is known.
//!
//! Faults say whether the request may have had an effect ([`HttpFault`]): that is
//! what the hub must know before it repeats a write.

pub mod address;
pub mod grants;
pub mod http;

pub mod destination;
pub mod resolver;
mod tls;

mod body;
mod wire;

pub mod redact;
pub mod secret;
pub mod vault;

pub mod key_file;

pub mod template;

pub mod credential;
pub mod proof;
pub mod recipe;
pub mod session;

pub mod oauth;

pub mod admit;
pub mod crypto;
mod signature;

pub mod files;
mod folder;
pub mod s3;
pub mod sftp;

pub mod mail;
mod mailer;
mod message;
mod smtp;

pub mod connection;
pub mod gateway;

pub use connection::ConnectionGateway;
pub use credential::{Credential, CredentialError, KeyPlace, KeyUse, SessionCredential};
pub use crypto::{CryptoFault, Mac, Sealing, Signing};
pub use files::{FileAccess, FileFault, FileInfo, FileRange};
pub use gateway::{ConnectionPolicy, Gateway, GatewayError, GatewayOptions};
pub use grants::{FolderGrant, FolderPlace, GrantError, Grants, HostPattern, PrivateGrant};
pub use http::{Exceeded, HttpFault, HttpLimits, HttpRequest, HttpResponse};
pub use key_file::{KeyFileError, load_or_create_master, load_or_create_vault, master_from};
pub use mail::{MailDelivery, MailFault, MailMessage, MailSecurity, MailServer};
pub use oauth::{OAuthRecipe, SignIn, SignInRefused, SignInStanding};
pub use recipe::SessionRecipe;
pub use redact::Redactor;
pub use resolver::{Lookup, SystemLookup};
pub use s3::S3Place;
pub use secret::{Secret, SecretError, SecretRef};
pub use session::TokenKeeping;
pub use sftp::{SftpLogin, SftpPlace};
pub use vault::{Key, Vault, VaultError, WrappedKey};
