//! A small HTTP/1.1 server on the loopback interface that answers as told and
//! remembers what it was asked.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plugin_gateway::http::HttpLimits;
use plugin_gateway::{
    ConnectionGateway, ConnectionPolicy, Credential, Gateway, GatewayOptions, Grants, HttpRequest,
    Lookup, TokenKeeping,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What to answer.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Waits before it answers.
    pub delay: Duration,
    /// Announces so many bytes more than it sends.
    pub missing_bytes: usize,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// What a server answers to a request.
pub type Answer = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

pub struct Server {
    pub port: u16,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, memory): (Answer, _) = (Arc::new(answer), seen.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, answer.clone(), memory.clone()));
            }
        });
        Self { port, seen }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Grants for exactly this server.
    pub fn grants(&self) -> Grants {
        Grants {
            hosts: vec![format!("127.0.0.1:{}", self.port).parse().unwrap()],
            private: vec![format!("127.0.0.1/32:{}", self.port).parse().unwrap()],
            insecure_http: true,
            ..Grants::default()
        }
    }

    /// A connection to this server with one credential in the slot `main`.
    pub fn connect(&self, credential: Option<Credential>) -> Arc<ConnectionGateway> {
        self.connect_with(credential, HttpLimits::default(), None)
    }

    pub fn connect_with(
        &self,
        credential: Option<Credential>,
        limits: HttpLimits,
        tokens: Option<TokenKeeping>,
    ) -> Arc<ConnectionGateway> {
        let gateway = Gateway::new(GatewayOptions { tokens, ..GatewayOptions::default() });
        let settings = serde_json::json!({ "url": self.url("/"), "database": "e r/p" });
        gateway.unwrap().connection(policy(self.grants(), credential, limits, settings))
    }
}

pub fn policy(
    grants: Grants,
    credential: Option<Credential>,
    limits: HttpLimits,
    settings: serde_json::Value,
) -> ConnectionPolicy {
    let credentials: BTreeMap<String, Credential> =
        credential.map(|credential| ("main".to_owned(), credential)).into_iter().collect();
    ConnectionPolicy { connection: "shop".to_owned(), grants, credentials, settings, limits }
}

/// A `GET` without a credential.
pub fn get(url: impl Into<String>) -> HttpRequest {
    HttpRequest { method: "GET".to_owned(), url: url.into(), ..HttpRequest::default() }
}

/// A request with the credential of the slot `main`.
pub fn with_credential(mut request: HttpRequest) -> HttpRequest {
    request.credential = Some("main".to_owned());
    request
}

/// A lookup that gives the same addresses for every name.
pub struct Fixed(pub Vec<IpAddr>);

#[async_trait::async_trait]
impl Lookup for Fixed {
    async fn lookup(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        if self.0.is_empty() {
            return Err(std::io::Error::other("no such name"));
        }
        Ok(self.0.clone())
    }
}

pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: S,
    answer: Answer,
    memory: Arc<Mutex<Vec<Seen>>>,
) {
    let Some(seen) = read_request(&mut socket).await else { return };
    let reply = answer(&seen);
    memory.lock().unwrap().push(seen);
    tokio::time::sleep(reply.delay).await;
    let length = reply.body.len() + reply.missing_bytes;
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", reply.status);
    head.push_str(&format!("Content-Length: {length}\r\n"));
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let _ = socket.write_all(head.as_bytes()).await;
    let _ = socket.write_all(&reply.body).await;
    let _ = socket.shutdown().await;
}

async fn read_request<S: AsyncRead + Unpin>(socket: &mut S) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut seen = Seen { method, target, headers, body: bytes[end + 4..].to_vec() };
    let length = seen.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while seen.body.len() < length {
        if socket.read_buf(&mut seen.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(seen)
}
