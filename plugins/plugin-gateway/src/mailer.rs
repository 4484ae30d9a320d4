//! From a granted server to what became of a message.
//!
//! The grants are those of requests: the host with its port must be granted, the
//! address is judged in the lookup that is connected with, and without TLS nothing
//! goes unless `insecure_http` is granted. A connection serves one message: mail is
//! sent in dozens, not in thousands, and a fresh one is never in a state that
//! somebody else left behind.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use secrecy::ExposeSecret as _;
use tokio_rustls::TlsConnector;
use url::Host;
use zeroize::Zeroizing;

use crate::connection::Shared;
use crate::credential::{self, Credential};
use crate::destination;
use crate::http::HttpFault;
use crate::mail::{MailDelivery, MailFault, MailMessage, MailSecurity, MailServer};
use crate::message;
use crate::smtp::{Conversation, Login, Stream};
use crate::wire::Wire;

/// How long a server that has a message is listened to before QUIT is given up.
const LEAVE_TIMEOUT_SECONDS: u64 = 2;

/// Sends a message.
pub(crate) async fn send(
    shared: &Shared,
    server: &MailServer,
    message: &MailMessage,
) -> Result<Vec<MailDelivery>, MailFault> {
    let content = message::content(message)?;
    let limits = &shared.wire.limits;
    let before = async {
        let mut conversation = open(shared, server).await?;
        let over = conversation.hand_over(message, &content).await?;
        Ok((conversation, over))
    };
    let before = tokio::time::timeout(limits.total_timeout, before).await;
    let (mut conversation, over) = before.unwrap_or_else(|_| Err(too_slow()))?;
    let verdict = if over.is_for_somebody() {
        let verdict = tokio::time::timeout(limits.mail_verdict_timeout, conversation.end()).await;
        verdict.unwrap_or_else(|_| MailDelivery::Unknown("no answer in time".to_owned()))
    } else {
        // Everybody was refused, so this is nobody's.
        MailDelivery::Unknown(String::new())
    };
    leave(conversation).await;
    Ok(over.all(&verdict))
}

/// Connects and logs in, and sends nothing.
pub(crate) async fn check(shared: &Shared, server: &MailServer) -> Result<(), MailFault> {
    let opened = tokio::time::timeout(shared.wire.limits.total_timeout, open(shared, server)).await;
    leave(opened.unwrap_or_else(|_| Err(too_slow()))?).await;
    Ok(())
}

fn too_slow() -> MailFault {
    MailFault::Connect("the server was too slow".to_owned())
}

async fn leave(conversation: Conversation) {
    let patience = Duration::from_secs(LEAVE_TIMEOUT_SECONDS);
    let _ = tokio::time::timeout(patience, conversation.leave()).await;
}

/// A conversation that is as safe as was asked for, and logged in.
async fn open(shared: &Shared, server: &MailServer) -> Result<Conversation, MailFault> {
    let wire = &shared.wire;
    if server.security == MailSecurity::None && !wire.grants.insecure_http {
        return Err(MailFault::Denied(
            "mail without TLS is not granted to this connection (`insecure_http`)".to_owned(),
        ));
    }
    let login = server.credential.as_deref().map(|slot| login(shared, slot)).transpose()?;
    let (host, port) =
        destination::check_server(&server.address, &wire.grants).map_err(from_http)?;
    let stream = wire.connect(&host, port).await.map_err(from_http)?;
    let own = stream.local_addr().map_err(|error| MailFault::Connect(error.to_string()))?.ip();
    let mut conversation = match server.security {
        MailSecurity::None => Conversation::open(Box::new(stream), own).await?,
        MailSecurity::Tls => {
            Conversation::open(tls(wire, &host, Box::new(stream)).await?, own).await?
        }
        MailSecurity::StartTls => {
            let clear = Conversation::open(Box::new(stream), own).await?.start_tls().await?;
            Conversation::resume(tls(wire, &host, clear).await?, own).await?
        }
    };
    if let Some(login) = &login {
        conversation.log_in(login).await?;
    }
    Ok(conversation)
}

fn login(shared: &Shared, slot: &str) -> Result<Login, MailFault> {
    let redactor = &shared.wire.redactor;
    match shared.credentials.get(slot) {
        Some(Credential::Basic { username, password }) => {
            // No secret, and a word that servers repeat.
            let username =
                username.resolve().map_err(|error| MailFault::Credential(error.to_string()))?;
            let username = Zeroizing::new(username.expose_secret().to_owned());
            let password = credential::resolve(password, redactor).map_err(from_http)?;
            redactor.learn(&format!("\0{}\0{}", &*username, &*password));
            Ok(Login { username, password })
        }
        Some(_) => Err(MailFault::Credential("mail needs a user and a password".to_owned())),
        None => Err(MailFault::Credential(format!(
            "this connection has no credential for the slot `{}`",
            slot.chars().take(80).collect::<String>().escape_debug()
        ))),
    }
}

async fn tls(
    wire: &Wire,
    host: &Host,
    stream: Box<dyn Stream>,
) -> Result<Box<dyn Stream>, MailFault> {
    let mut config = wire.tls.clone().map_err(MailFault::Connect)?;
    // Those of HTTP.
    config.alpn_protocols.clear();
    let name = match host {
        Host::Domain(name) => ServerName::try_from(name.clone())
            .map_err(|error| MailFault::Connect(error.to_string()))?,
        Host::Ipv4(address) => ServerName::from(std::net::IpAddr::from(*address)),
        Host::Ipv6(address) => ServerName::from(std::net::IpAddr::from(*address)),
    };
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    Ok(Box::new(connected.map_err(|error| MailFault::Connect(error.to_string()))?))
}

/// Faults of steps that requests have too.
fn from_http(fault: HttpFault) -> MailFault {
    match fault {
        HttpFault::Denied(why) => MailFault::Denied(why),
        HttpFault::Connect(why) => MailFault::Connect(why),
        HttpFault::Credential(why) => MailFault::Credential(why),
        HttpFault::TooLarge { limit_bytes, .. } => MailFault::TooLarge { limit_bytes },
        HttpFault::Invalid(why) => MailFault::Invalid(why),
        other => MailFault::Invalid(other.to_string()),
    }
}
