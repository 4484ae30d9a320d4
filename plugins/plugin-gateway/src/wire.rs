//! One request over the wire and its whole answer, under the limits.
//!
//! There is one client per connection and port. That keeps pooled connections
//! of different grants apart, and lets the resolver know the port it resolves for.

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue, SET_COOKIE,
    TRANSFER_ENCODING,
};
use reqwest::{Client, Method, Response};
use tokio::net::TcpStream;
use url::{Host, Url};

use crate::body::BodyReader;
use crate::grants::Grants;
use crate::http::{HttpFault, HttpLimits, HttpResponse};
use crate::redact::Redactor;
use crate::resolver::{self, AddressDenied, GuardedResolver, Lookup};
use crate::tls::{self, TlsFault};

/// Idle connections kept per host.
const IDLE_CONNECTIONS_MAX: usize = 8;
/// How long an idle connection is kept, in seconds.
const IDLE_SECONDS: u64 = 60;

/// A request that was checked and has its credential.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) port: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// The way over the wire of one connection.
pub(crate) struct Wire {
    pub(crate) grants: Arc<Grants>,
    pub(crate) limits: HttpLimits,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) user_agent: String,
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) tls: Result<rustls::ClientConfig, TlsFault>,
    pub(crate) clients: Mutex<HashMap<u16, Client>>,
}

impl Wire {
    /// Sends a request and reads the whole answer. Redirects are answers.
    pub(crate) async fn exchange(&self, request: Prepared) -> Result<HttpResponse, HttpFault> {
        if let (Err(reason), "https") = (&self.tls, request.url.scheme()) {
            return Err(HttpFault::Connect(reason.clone()));
        }
        let client = self.client(request.port)?;
        let sent = client
            .request(request.method, request.url)
            .headers(request.headers)
            .header(ACCEPT_ENCODING, "gzip")
            .body(request.body)
            .send()
            .await;
        let response = sent.map_err(fault)?;
        self.read(response).await
    }

    /// Connects to a server that is no web server, at an address that may be connected to.
    pub(crate) async fn connect(&self, host: &Host, port: u16) -> Result<TcpStream, HttpFault> {
        let addresses: Vec<SocketAddr> = match host {
            Host::Ipv4(address) => vec![SocketAddr::new((*address).into(), port)],
            Host::Ipv6(address) => vec![SocketAddr::new((*address).into(), port)],
            Host::Domain(name) => resolver::allowed(&*self.lookup, &self.grants, name, port)
                .await
                .map_err(|error| match error.downcast::<AddressDenied>() {
                    Ok(denied) => HttpFault::Denied(denied.to_string()),
                    Err(error) => HttpFault::Connect(error.to_string()),
                })?,
        };
        let connected = TcpStream::connect(addresses.as_slice());
        match tokio::time::timeout(self.limits.connect_timeout, connected).await {
            Ok(stream) => stream.map_err(|error| HttpFault::Connect(error.to_string())),
            Err(_) => Err(HttpFault::Connect("no connection within the time limit".to_owned())),
        }
    }

    async fn read(&self, mut response: Response) -> Result<HttpResponse, HttpFault> {
        let limits = &self.limits;
        let header_bytes: usize =
            response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if header_bytes > limits.header_bytes_max {
            return Err(HttpFault::too_large("header_bytes_max", limits.header_bytes_max));
        }
        let announced = response.content_length().and_then(|bytes| usize::try_from(bytes).ok());
        if announced.is_some_and(|bytes| bytes > limits.response_bytes_max) {
            return Err(HttpFault::too_large("response_bytes_max", limits.response_bytes_max));
        }
        let encoding = response.headers().get(CONTENT_ENCODING).map(HeaderValue::to_str);
        let mut body = BodyReader::new(
            encoding.map(|text| text.unwrap_or("unreadable")),
            limits.response_bytes_max,
            limits.compression_ratio_max,
        )?;
        while let Some(part) = response.chunk().await.map_err(fault)? {
            body.push(&part)?;
        }
        Ok(HttpResponse {
            status: response.status().as_u16(),
            headers: self.shown_headers(response.headers()),
            body: body.finish()?,
        })
    }

    /// What the connector sees: no cookies, because a session is a secret; no
    /// headers about the transfer, because it has ended.
    fn shown_headers(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        let hidden = [SET_COOKIE, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING];
        let shown = headers.iter().filter(|(name, _)| !hidden.contains(name));
        shown
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), self.redactor.redact(&value))
            })
            .collect()
    }

    fn client(&self, port: u16) -> Result<Client, HttpFault> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&port) {
            return Ok(client.clone());
        }
        let client = self.build(port)?;
        clients.insert(port, client.clone());
        Ok(client)
    }

    fn build(&self, port: u16) -> Result<Client, HttpFault> {
        let tls = match &self.tls {
            Ok(config) => config.clone(),
            Err(_) => tls::nobody().map_err(HttpFault::Connect)?,
        };
        let resolver =
            GuardedResolver { lookup: self.lookup.clone(), grants: self.grants.clone(), port };
        let header_bytes = u32::try_from(self.limits.header_bytes_max).unwrap_or(u32::MAX);
        Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(resolver))
            .redirect(reqwest::redirect::Policy::none())
            // A proxy from the environment would connect on our behalf, unchecked.
            .no_proxy()
            .referer(false)
            .no_gzip()
            .user_agent(&self.user_agent)
            .connect_timeout(self.limits.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(IDLE_SECONDS))
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .http2_max_header_list_size(header_bytes)
            .build()
            .map_err(fault)
    }
}

/// A fault from the client's error: its chain of reasons in one line, without
/// the URL.
fn fault(error: reqwest::Error) -> HttpFault {
    let (connecting, timed_out) = (error.is_connect(), error.is_timeout());
    let building = error.is_builder();
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(denied) = cause.downcast_ref::<AddressDenied>() {
            return HttpFault::Denied(denied.to_string());
        }
        // Writing to a String does not fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    match (connecting, timed_out, building) {
        (true, true, _) => HttpFault::Connect("no connection within the time limit".to_owned()),
        (true, false, _) => HttpFault::Connect(text),
        (false, true, _) => HttpFault::Timeout,
        (false, false, true) => HttpFault::Invalid(text),
        (false, false, false) => HttpFault::Broken(text),
    }
}
