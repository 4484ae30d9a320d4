//! A small server for mail on the loopback interface that behaves as told and
//! remembers what it was told. The suite holds the gateway against a server that
//! somebody else wrote (`tests/suite`), with the same troubles.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use plugin_gateway::{Grants, MailSecurity, MailServer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// How the server behaves. The default takes everything in.
#[derive(Clone, Default)]
pub struct Manner {
    /// In place of `220 double`.
    pub greeting: Option<String>,
    /// What it says that it can.
    pub abilities: Vec<&'static str>,
    /// Replies to commands that begin so, before its own; `.` is the end of a message.
    pub replies: Vec<(&'static str, String)>,
    /// The user and the password that it knows.
    pub login: Option<(&'static str, &'static str)>,
    /// Hangs up in place of answering to such a command.
    pub hangs_up: Option<&'static str>,
    /// Never answers to such a command.
    pub silent: Option<&'static str>,
    /// Its certificate, and whether TLS is there from the beginning.
    pub tls: Option<(TlsAcceptor, bool)>,
}

/// A message that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub sender: String,
    pub recipients: Vec<String>,
    pub content: String,
}

#[derive(Default)]
pub struct Memory {
    pub commands: Vec<String>,
    pub taken: Vec<Taken>,
}

pub struct MailDouble {
    pub port: u16,
    pub memory: Arc<Mutex<Memory>>,
}

impl MailDouble {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let memory = Arc::new(Mutex::new(Memory::default()));
        let kept = memory.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (manner, memory) = (manner.clone(), kept.clone());
                tokio::spawn(async move {
                    match manner.tls.clone() {
                        Some((acceptor, true)) => {
                            if let Ok(socket) = acceptor.accept(socket).await {
                                let _ = talk(socket, &manner, &memory, true).await;
                            }
                        }
                        Some((acceptor, false)) => {
                            if let Some(socket) = talk(socket, &manner, &memory, true).await
                                && let Ok(socket) = acceptor.accept(socket).await
                            {
                                let _ = talk(socket, &manner, &memory, false).await;
                            }
                        }
                        None => drop(talk(socket, &manner, &memory, true).await),
                    }
                });
            }
        });
        Self { port, memory }
    }

    pub fn server(&self, security: MailSecurity) -> MailServer {
        let address = format!("127.0.0.1:{}", self.port);
        MailServer { address, security, credential: None }
    }

    pub fn grants(&self) -> Grants {
        Grants {
            hosts: vec![format!("127.0.0.1:{}", self.port).parse().unwrap()],
            private: vec![format!("127.0.0.1/32:{}", self.port).parse().unwrap()],
            insecure_http: true,
            ..Grants::default()
        }
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.memory.lock().unwrap().taken.clone()
    }

    pub fn commands(&self) -> Vec<String> {
        self.memory.lock().unwrap().commands.clone()
    }
}

struct Lines<S> {
    socket: S,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Lines<S> {
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return String::from_utf8(line[..end].to_vec()).ok();
            }
            if self.socket.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
        }
    }

    async fn say(&mut self, text: &str) {
        let _ = self.socket.write_all(format!("{text}\r\n").as_bytes()).await;
        let _ = self.socket.flush().await;
    }
}

/// Talks until the client leaves; gives the socket back where TLS is to begin.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    socket: S,
    manner: &Manner,
    memory: &Mutex<Memory>,
    greets: bool,
) -> Option<S> {
    let mut lines = Lines { socket, buffer: Vec::new() };
    if greets {
        lines.say(manner.greeting.as_deref().unwrap_or("220 double")).await;
    }
    let mut taken = Taken { sender: String::new(), recipients: Vec::new(), content: String::new() };
    loop {
        let line = lines.next().await?;
        memory.lock().unwrap().commands.push(line.clone());
        let is = |command: &str| line.starts_with(command);
        let mut end = false;
        if is("DATA") && !manner.replies.iter().any(|(command, _)| is(command)) {
            lines.say("354 go on").await;
            loop {
                let line = lines.next().await?;
                if line == "." {
                    break;
                }
                taken.content += line.strip_prefix('.').unwrap_or(&line);
                taken.content += "\r\n";
            }
            end = true;
        }
        let is = |command: &str| if end { command == "." } else { line.starts_with(command) };
        if manner.hangs_up.is_some_and(is) {
            return None;
        }
        if manner.silent.is_some_and(is) {
            std::future::pending::<()>().await;
        }
        if let Some((_, reply)) = manner.replies.iter().find(|(command, _)| is(command)) {
            lines.say(reply).await;
            if is("STARTTLS") && reply.starts_with("220") {
                return Some(lines.socket);
            }
            continue;
        }
        if end {
            memory.lock().unwrap().taken.push(taken.clone());
            taken.recipients.clear();
            lines.say("250 2.0.0 queued as 4711").await;
        } else if is("EHLO") {
            let all = [&["double"], manner.abilities.as_slice()].concat();
            for (at, ability) in all.iter().enumerate() {
                let dash = if at + 1 == all.len() { ' ' } else { '-' };
                lines.say(&format!("250{dash}{ability}")).await;
            }
        } else if is("STARTTLS") {
            lines.say("220 go on").await;
            return Some(lines.socket);
        } else if let Some(rest) = line.strip_prefix("AUTH ") {
            let reply = log_in(&mut lines, manner, memory, rest.to_owned()).await?;
            lines.say(reply).await;
        } else if let Some(rest) = line.strip_prefix("MAIL FROM:<") {
            rest.split('>').next().unwrap_or_default().clone_into(&mut taken.sender);
            lines.say("250 ok").await;
        } else if let Some(rest) = line.strip_prefix("RCPT TO:<") {
            taken.recipients.push(rest.trim_end_matches('>').to_owned());
            lines.say("250 ok").await;
        } else if is("QUIT") {
            lines.say("221 bye").await;
            return None;
        } else {
            lines.say("500 what?").await;
        }
    }
}

async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
    lines: &mut Lines<S>,
    manner: &Manner,
    memory: &Mutex<Memory>,
    method: String,
) -> Option<&'static str> {
    let decoded = |text: &str| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let given = match method.strip_prefix("PLAIN ") {
        Some(pair) => decoded(pair),
        None => {
            let mut given = String::new();
            for ask in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                lines.say(ask).await;
                let line = lines.next().await?;
                memory.lock().unwrap().commands.push(line.clone());
                given += &format!("\0{}", decoded(&line));
            }
            given
        }
    };
    let known = manner.login.map(|(user, password)| format!("\0{user}\0{password}"));
    Some(if known == Some(given) { "235 welcome" } else { "535 5.7.8 no" })
}
