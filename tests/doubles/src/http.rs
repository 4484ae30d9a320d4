//! Requests and answers as values, and a small HTTP/1.1 server for those who
//! need a socket.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// Largest body of a request in bytes.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest wait for the rest of a request.
const READ_TIMEOUT_SECONDS: u64 = 30;

/// A request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request with a JSON body.
    #[must_use]
    pub fn new(method: &str, target: &str, body: &Value) -> Self {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        Self { method: method.to_owned(), target: target.to_owned(), headers: Vec::new(), body }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of a header.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The path, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query's parameters, decoded.
    #[must_use]
    pub fn query(&self) -> Vec<(String, String)> {
        pairs(self.target.split_once('?').map_or("", |(_, query)| query))
    }

    /// The pairs of a form in the body, decoded; none if it says it is something else.
    #[must_use]
    pub fn form(&self) -> Vec<(String, String)> {
        let is_form = self.find("content-type") == Some("application/x-www-form-urlencoded");
        let text = std::str::from_utf8(&self.body).ok().filter(|_| is_form);
        pairs(text.unwrap_or_default())
    }

    /// The value of a query parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.query().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The body as JSON; `null` if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Answer {
    /// A JSON answer; `null` is an empty body.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        if body.is_null() {
            return Self { status, ..Self::default() };
        }
        Self { status, headers: Vec::new(), body: body.to_string().into_bytes() }
            .header("content-type", "application/json;charset=utf-8")
    }

    /// A page of a proxy that wants somebody to sign in.
    #[must_use]
    pub fn page(status: u16) -> Self {
        let body =
            format!("<!DOCTYPE html><html><title>{status}</title><body>Sign in</body></html>");
        Self { status, headers: Vec::new(), body: body.into_bytes() }
            .header("content-type", "text/html")
    }

    /// The first half of it.
    #[must_use]
    pub fn broken_off(mut self) -> Self {
        self.body.truncate(self.body.len() / 2);
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

/// Text of a query, decoded: a `+` is a space.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|it| char::from(it.unwrap_or(b'?')));
                let digits: String = digits.iter().collect();
                u8::from_str_radix(&digits, 16).unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How long a request takes, while others are served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waits {
    /// Until it is carried out.
    pub before: Duration,
    /// From then until it is answered.
    pub after: Duration,
}

/// Something that answers requests.
pub trait Vendor: Send + 'static {
    /// The answer to a request.
    fn answer(&mut self, request: &Request) -> Answer;

    /// How long a request takes that has just come in. Whoever sent it may be gone
    /// by then; it is carried out all the same.
    fn waits(&mut self, _request: &Request) -> Waits {
        Waits::default()
    }
}

/// A vendor behind a socket on the loopback interface; ends when dropped.
#[derive(Debug)]
pub struct Server<V> {
    address: SocketAddr,
    vendor: Arc<Mutex<V>>,
    ended: Arc<AtomicBool>,
}

impl<V: Vendor> Server<V> {
    /// Starts to serve on a free port.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(vendor: V) -> Result<Self> {
        Self::start_at(0, vendor)
    }

    /// Starts to serve on a port.
    ///
    /// # Errors
    /// Somebody else serves there.
    pub fn start_at(port: u16, vendor: V) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).context("no free port")?;
        let address = listener.local_addr()?;
        let (vendor, ended) = (Arc::new(Mutex::new(vendor)), Arc::new(AtomicBool::new(false)));
        let (shared, over) = (Arc::clone(&vendor), Arc::clone(&ended));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let vendor = Arc::clone(&shared);
                // Whoever hangs up in the middle is no concern of the others.
                thread::spawn(move || serve(stream, &vendor));
            }
        });
        Ok(Self { address, vendor, ended })
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its address, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The vendor, while nobody else is served.
    pub fn vendor(&self) -> MutexGuard<'_, V> {
        self.vendor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Drop for Server<V> {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the listener; that it cannot be reached is as good.
        let _ = TcpStream::connect(self.address);
    }
}

/// One request on one connection: whoever wants another comes back.
fn serve<V: Vendor>(stream: TcpStream, vendor: &Mutex<V>) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(READ_TIMEOUT_SECONDS)))?;
    let mut reader = BufReader::new(&stream);
    let request = read(&mut reader)?;
    let vendor = || vendor.lock().unwrap_or_else(PoisonError::into_inner);
    let waits = vendor().waits(&request);
    thread::sleep(waits.before);
    let answer = vendor().answer(&request);
    thread::sleep(waits.after);
    let mut head = format!("HTTP/1.1 {} -\r\nconnection: close\r\n", answer.status);
    // A double may announce more than it sends.
    if !answer.headers.iter().any(|(name, _)| name == "content-length") {
        head += &format!("content-length: {}\r\n", answer.body.len());
    }
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let mut stream = &stream;
    stream.write_all(head.as_bytes())?;
    stream.write_all(b"\r\n")?;
    stream.write_all(&answer.body)?;
    stream.shutdown(Shutdown::Write)?;
    Ok(())
}

fn read(reader: &mut BufReader<&TcpStream>) -> Result<Request> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let method = words.next().context("no method")?.to_owned();
    let target = words.next().context("no target")?.to_owned();
    let mut request = Request { method, target, ..Request::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.find("content-length").map_or(Ok(0), str::parse)?;
    anyhow::ensure!(length <= BODY_BYTES_MAX, "the body is too large");
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body)?;
    Ok(request)
}
