//! The conversation with a server that takes mail in (RFC 5321), as far as handing
//! over one message needs it.
//!
//! It is written here rather than taken from a library for three things that decide
//! what the hub may promise. The end of a message is sent *by itself*, so that what
//! fails before it was surely not sent and only what fails behind it is unknown.
//! Every recipient has a reply of his own. And nothing that was said before TLS
//! counts behind it: an answer that waits in the buffer when TLS begins was put
//! there by somebody on the way.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use zeroize::Zeroizing;

use crate::mail::{MailDelivery, MailFault, MailMessage};
use crate::message;

/// Longest line of a reply in bytes; RFC 5321 says 512.
const REPLY_LINE_BYTES_MAX: usize = 2 * 1024;
/// Most lines of a reply.
const REPLY_LINES_MAX: usize = 100;
/// A reply that is passed on is cut here, in bytes.
const REPLY_SHOWN_BYTES_MAX: usize = 500;
/// The reply of a server that ends the conversation.
const GOING_AWAY: u16 = 421;
/// The reply to a message that is larger than the server takes.
const TOO_LARGE: u16 = 552;
/// So much is read at once.
const READ_BYTES: usize = 4 * 1024;

/// What a conversation is held over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A user and his password.
pub(crate) struct Login {
    pub(crate) username: Zeroizing<String>,
    pub(crate) password: Zeroizing<String>,
}

/// A reply of one or more lines.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    fn is(&self, hundreds: u16) -> bool {
        self.code / 100 == hundreds
    }

    /// What nobody expected here, as a fault of the whole message.
    fn fault(&self) -> MailFault {
        match self.code / 100 {
            4 => MailFault::Deferred(self.to_string()),
            5 => MailFault::Refused(self.to_string()),
            _ => MailFault::Connect(format!("an answer that does not belong here: {self}")),
        }
    }

    fn delivery(&self) -> MailDelivery {
        match self.code / 100 {
            2 => MailDelivery::Accepted(self.to_string()),
            5 => MailDelivery::Refused(self.to_string()),
            _ => MailDelivery::Deferred(self.to_string()),
        }
    }
}

/// In one line, printable and cut.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{} {}", self.code, self.lines.join(" "));
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        f.write_str(text.get(..text.floor_char_boundary(REPLY_SHOWN_BYTES_MAX)).unwrap_or_default())
    }
}

/// What a server said that it can, in answer to EHLO.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Abilities {
    starttls: bool,
    plain: bool,
    login: bool,
    /// Whether it says the size of what it takes, and how much that is.
    size: Option<Option<usize>>,
}

impl Abilities {
    fn of(reply: &Reply) -> Self {
        let mut abilities = Self::default();
        // The first line is a greeting.
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            // `AUTH=` is how servers said it before there was a standard.
            let mut words = line.split([' ', '=']);
            match words.next() {
                Some("STARTTLS") => abilities.starttls = true,
                Some("AUTH") => {
                    for word in words {
                        abilities.plain |= word == "PLAIN";
                        abilities.login |= word == "LOGIN";
                    }
                }
                Some("SIZE") => {
                    let most = words.next().and_then(|word| word.parse().ok());
                    abilities.size = Some(most.filter(|most| *most > 0));
                }
                _ => {}
            }
        }
        abilities
    }
}

/// A message that was handed over up to its end, and how each recipient stands.
pub(crate) struct HandedOver {
    /// The replies to those that were refused; `None` for those that get it.
    recipients: Vec<Option<MailDelivery>>,
}

impl HandedOver {
    fn refuse_rest(&mut self, reply: &Reply) {
        for recipient in &mut self.recipients {
            recipient.get_or_insert_with(|| reply.delivery());
        }
    }

    /// The same word for everybody who was to get it.
    pub(crate) fn all(self, verdict: &MailDelivery) -> Vec<MailDelivery> {
        self.recipients.into_iter().map(|it| it.unwrap_or_else(|| verdict.clone())).collect()
    }

    /// Whether anybody is to get it.
    pub(crate) fn is_for_somebody(&self) -> bool {
        self.recipients.iter().any(Option::is_none)
    }
}

/// A conversation under way.
pub(crate) struct Conversation {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    abilities: Abilities,
}

impl Conversation {
    /// Hears the greeting and says who is calling: an address, since a hub has no
    /// name of its own (RFC 5321, 4.1.4).
    pub(crate) async fn open(stream: Box<dyn Stream>, own: IpAddr) -> Result<Self, MailFault> {
        let mut conversation = Self::over(stream);
        let greeting = conversation.reply().await?;
        if greeting.code != 220 {
            return Err(greeting.fault());
        }
        conversation.hello(own).await?;
        Ok(conversation)
    }

    fn over(stream: Box<dyn Stream>) -> Self {
        Self { stream, buffer: Vec::new(), abilities: Abilities::default() }
    }

    async fn hello(&mut self, own: IpAddr) -> Result<(), MailFault> {
        let own = match own {
            IpAddr::V4(own) => format!("[{own}]"),
            IpAddr::V6(own) => format!("[IPv6:{own}]"),
        };
        let reply = self.command(&format!("EHLO {own}")).await?;
        if reply.code != 250 {
            return Err(reply.fault());
        }
        self.abilities = Abilities::of(&reply);
        Ok(())
    }

    /// Asks for TLS and gives the stream back, on which TLS begins.
    pub(crate) async fn start_tls(mut self) -> Result<Box<dyn Stream>, MailFault> {
        if !self.abilities.starttls {
            return Err(MailFault::Connect("the server offers no STARTTLS".to_owned()));
        }
        let reply = self.command("STARTTLS").await?;
        if reply.code != 220 {
            return Err(reply.fault());
        }
        if !self.buffer.is_empty() {
            return Err(MailFault::Connect("answers came in clear behind STARTTLS".to_owned()));
        }
        Ok(self.stream)
    }

    /// Goes on behind STARTTLS: nothing that was said before counts.
    pub(crate) async fn resume(stream: Box<dyn Stream>, own: IpAddr) -> Result<Self, MailFault> {
        let mut conversation = Self::over(stream);
        conversation.hello(own).await?;
        Ok(conversation)
    }

    /// Logs in.
    pub(crate) async fn log_in(&mut self, login: &Login) -> Result<(), MailFault> {
        let encoded = |plain: &str| {
            Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(plain.as_bytes()))
        };
        let reply = if self.abilities.plain {
            let pair = Zeroizing::new(format!("\0{}\0{}", &*login.username, &*login.password));
            let line = Zeroizing::new(format!("AUTH PLAIN {}", &*encoded(&pair)));
            self.command(&line).await?
        } else if self.abilities.login {
            let mut reply = self.command("AUTH LOGIN").await?;
            for part in [&login.username, &login.password] {
                if reply.code == 334 {
                    reply = self.command(&encoded(part)).await?;
                }
            }
            reply
        } else {
            let why = "the server offers no login of the kinds PLAIN and LOGIN";
            return Err(MailFault::Credential(why.to_owned()));
        };
        match reply.code {
            235 => Ok(()),
            500.. => Err(MailFault::Credential(reply.to_string())),
            _ => Err(reply.fault()),
        }
    }

    /// Hands a message over, all but its end. Until that is sent the server has
    /// to forget what it got.
    pub(crate) async fn hand_over(
        &mut self,
        message: &MailMessage,
        content: &[u8],
    ) -> Result<HandedOver, MailFault> {
        let limit = self.abilities.size.flatten();
        if let Some(limit_bytes) = limit.filter(|limit| content.len() > *limit) {
            return Err(MailFault::TooLarge { limit_bytes });
        }
        let size = match self.abilities.size {
            Some(_) => format!(" SIZE={}", content.len()),
            None => String::new(),
        };
        let mut over = HandedOver { recipients: Vec::with_capacity(message.recipients.len()) };
        let reply = self.command(&format!("MAIL FROM:<{}>{size}", message.sender)).await?;
        if reply.code == TOO_LARGE {
            over.recipients.resize(message.recipients.len(), Some(reply.delivery()));
            return Ok(over);
        }
        if !reply.is(2) {
            return Err(reply.fault());
        }
        for recipient in &message.recipients {
            let reply = self.command(&format!("RCPT TO:<{recipient}>")).await?;
            if reply.code == GOING_AWAY {
                return Err(reply.fault());
            }
            over.recipients.push(Some(reply.delivery()).filter(|_| !reply.is(2)));
        }
        if over.is_for_somebody() {
            let reply = self.command("DATA").await?;
            match reply.code {
                354 => self.write(&message::stuffed(content)).await?,
                // Some servers judge the message here.
                400.. => over.refuse_rest(&reply),
                _ => return Err(reply.fault()),
            }
        }
        Ok(over)
    }

    /// Ends the message and hears what became of it. Once this has begun the server
    /// may have the message.
    pub(crate) async fn end(&mut self) -> MailDelivery {
        let ended = match self.write(b".\r\n").await {
            Ok(()) => self.reply().await,
            Err(fault) => Err(fault),
        };
        match ended {
            // Nothing else is an answer to a message.
            Ok(reply) if [2, 4, 5].iter().any(|it| reply.is(*it)) => reply.delivery(),
            Ok(reply) => MailDelivery::Unknown(reply.to_string()),
            Err(fault) => MailDelivery::Unknown(fault.to_string()),
        }
    }

    /// Takes leave. What is said to that changes nothing.
    pub(crate) async fn leave(mut self) {
        let _ = self.command("QUIT").await;
    }

    async fn command(&mut self, line: &str) -> Result<Reply, MailFault> {
        let line = Zeroizing::new(format!("{line}\r\n"));
        self.write(line.as_bytes()).await?;
        self.reply().await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), MailFault> {
        let broke = |error: std::io::Error| MailFault::Connect(format!("it broke: {error}"));
        self.stream.write_all(bytes).await.map_err(broke)?;
        self.stream.flush().await.map_err(broke)
    }

    async fn reply(&mut self) -> Result<Reply, MailFault> {
        let mut lines = Vec::new();
        while lines.len() < REPLY_LINES_MAX {
            let line = self.line().await?;
            let (code, last, text) = parse_line(&line).ok_or_else(|| {
                let shown: String = line.chars().take(80).collect();
                MailFault::Connect(format!("this is no mail server: `{}`", shown.escape_debug()))
            })?;
            lines.push(text.to_owned());
            if last {
                return Ok(Reply { code, lines });
            }
        }
        Err(MailFault::Connect(format!("a reply of more than {REPLY_LINES_MAX} lines")))
    }

    async fn line(&mut self) -> Result<String, MailFault> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned());
            }
            if self.buffer.len() > REPLY_LINE_BYTES_MAX {
                let why = format!("a line of more than {REPLY_LINE_BYTES_MAX} bytes");
                return Err(MailFault::Connect(why));
            }
            let mut part = [0; READ_BYTES];
            let read = self.stream.read(&mut part).await;
            match read.map_err(|error| MailFault::Connect(format!("it broke: {error}")))? {
                0 => return Err(MailFault::Connect("the server hung up".to_owned())),
                count => self.buffer.extend_from_slice(part.get(..count).unwrap_or_default()),
            }
        }
    }
}

/// `250-text` or `250 text`: the code, whether it is the last line, the text.
fn parse_line(line: &str) -> Option<(u16, bool, &str)> {
    let digits = line.get(..3).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()))?;
    let code = digits.parse().ok().filter(|code| (200..600).contains(code))?;
    match line.as_bytes().get(3) {
        None => Some((code, true, "")),
        Some(b' ') => Some((code, true, line.get(4..)?)),
        Some(b'-') => Some((code, false, line.get(4..)?)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Abilities, Reply, parse_line};

    #[test]
    fn a_line_has_a_code_and_says_whether_more_follows() {
        let cases = [
            ("250 ok", Some((250, true, "ok"))),
            ("250-one", Some((250, false, "one"))),
            ("250", Some((250, true, ""))),
            ("220 h\u{e9}", Some((220, true, "h\u{e9}"))),
            ("25", None),
            ("250x", None),
            ("+25 ok", None),
            ("199 ok", None),
            ("600 ok", None),
            ("HTTP/1.1 400 Bad Request", None),
            ("\u{e9}\u{e9} ok", None),
        ];
        for (line, expected) in cases {
            assert_eq!(parse_line(line), expected, "{line}");
        }
    }

    #[test]
    fn abilities_are_read_whatever_their_case() {
        let of = |lines: &[&str]| {
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            Abilities::of(&Reply { code: 250, lines })
        };
        let all = of(&["here STARTTLS", "SIZE 1000", "starttls", "auth login plain", "8BITMIME"]);
        let size = Some(Some(1_000));
        assert_eq!(all, Abilities { starttls: true, plain: true, login: true, size });
        assert_eq!(of(&["STARTTLS"]), Abilities::default());
        let old = of(&["hi", "AUTH=LOGIN", "SIZE"]);
        assert_eq!(old, Abilities { login: true, size: Some(None), ..Abilities::default() });
        assert_eq!(of(&["hi", "SIZE 0"]).size, Some(None));
    }
}
