//! Every URL of the table, tried in earnest and in three ways: as it stands, as
//! the target of a redirect, and as what a name that was harmless turns into. The
//! inside is a server that counts who connects: nobody does.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use plugin_gateway::address::{Reach, reach};
use plugin_gateway::http::{HttpFault, HttpLimits};
use plugin_gateway::{ConnectionGateway, Gateway, GatewayOptions, Lookup};
use tokio::net::TcpListener;
use url::{Host, Url};

use crate::destinations::{ADDRESSES, HOSTS, Is, URLS, grants};
use crate::server::{Reply, Seen, get, policy};
use crate::tls::authority;

/// The vendor: the one address that is granted.
const VENDOR: &str = "127.0.0.77";
/// The machine itself, which is not.
const INSIDE: [&str; 2] = ["127.0.0.1", "::1"];
/// A granted name whose address changes.
const TURNING: &str = "turning.example";
/// Names of the vendor, which its certificate holds.
const NAMES: [&str; 4] = [TURNING, "api.example.com", "a.b.vendor.example", "api.vendor.example"];

/// What names stand for. Inside names are the machine itself; the turning name is
/// the vendor when it is asked for the first time, and then what it was told.
#[derive(Default)]
struct Zone {
    turned: Mutex<Vec<IpAddr>>,
    lookups: AtomicUsize,
}

impl Zone {
    fn turn(&self, to: IpAddr) {
        *self.turned.lock().unwrap() = vec![to, VENDOR.parse().unwrap()];
    }

    fn turned(&self) -> IpAddr {
        let mut answers = self.turned.lock().unwrap();
        if answers.len() > 1 { answers.pop().unwrap() } else { answers[0] }
    }
}

#[async_trait::async_trait]
impl Lookup for Zone {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        let inside = ["localhost", "local", "internal"].iter().any(|end| name.ends_with(end));
        Ok(vec![match name {
            TURNING => self.turned(),
            _ if inside => INSIDE[0].parse().unwrap(),
            _ => VENDOR.parse().unwrap(),
        }])
    }
}

/// The vendor and the inside on one port, and a connection to the vendor.
struct Field {
    port: u16,
    zone: Arc<Zone>,
    served: Arc<AtomicUsize>,
    trapped: Arc<AtomicUsize>,
    connection: Arc<ConnectionGateway>,
}

/// Counts who connects, and hangs up.
fn trap(listener: TcpListener, trapped: Arc<AtomicUsize>) {
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            trapped.fetch_add(1, Ordering::Relaxed);
        }
    });
}

/// One listener for each address, all on one port.
async fn listeners() -> (TcpListener, Vec<TcpListener>) {
    loop {
        let vendor = TcpListener::bind((VENDOR, 0)).await.unwrap();
        let port = vendor.local_addr().unwrap().port();
        let mut inside = Vec::new();
        for address in INSIDE {
            inside.push(TcpListener::bind((address, port)).await);
        }
        // A machine without IPv6 has one trap less; a port in use is no good.
        if inside[0].is_ok() {
            return (vendor, inside.into_iter().flatten().collect());
        }
    }
}

impl Field {
    async fn new(private: &[&str]) -> Self {
        let (vendor, inside) = listeners().await;
        let port = vendor.local_addr().unwrap().port();
        let (served, trapped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        inside.into_iter().for_each(|it| trap(it, trapped.clone()));
        let (authority, count) = (authority(), served.clone());
        authority.serve(vendor, &NAMES, false, Arc::new(move |seen| answer(seen, port, &count)));

        let zone = Arc::new(Zone::default());
        let options = GatewayOptions { lookup: zone.clone(), ..GatewayOptions::default() };
        let hosts: Vec<String> =
            HOSTS.iter().chain([&TURNING]).map(|host| format!("{host}:{port}")).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let private: Vec<String> = private.iter().map(|net| format!("{net}:{port}")).collect();
        let private: Vec<&str> = private.iter().map(String::as_str).collect();
        let mut grants = grants(&hosts, &private, false);
        grants.authorities_pem = Some(authority.certificate.pem());
        let limits = HttpLimits { calls_max: 10_000, ..HttpLimits::default() };
        let policy = policy(grants, None, limits, serde_json::Value::Null);
        let connection = Gateway::new(options).unwrap().connection(policy);
        Self { port, zone, served, trapped, connection }
    }

    /// The URL of a row, on the port where something listens.
    fn url(&self, row: &str) -> String {
        on_port(row, self.port)
    }

    async fn send(&self, url: &str) -> Result<u16, HttpFault> {
        self.connection.send(get(url)).await.map(|answer| answer.status)
    }

    fn count(&self) -> usize {
        self.trapped.load(Ordering::Relaxed)
    }

    /// What the rules make of a URL, when something may listen there.
    async fn judge(&self, url: &str, expected: Is) {
        let verdict = self.send(url).await;
        let fits = match expected {
            Is::Sent => verdict == Ok(200),
            Is::Denied => matches!(verdict, Err(HttpFault::Denied(_))),
            Is::Invalid => matches!(verdict, Err(HttpFault::Invalid(_))),
        };
        assert!(fits, "{url:?} gave {verdict:?}");
    }
}

/// The vendor sends elsewhere whoever asks it for `/to/<row>`.
fn answer(seen: &Seen, port: u16, served: &AtomicUsize) -> Reply {
    served.fetch_add(1, Ordering::Relaxed);
    let row = seen.target.strip_prefix("/to/").and_then(|number| number.parse::<usize>().ok());
    match row {
        // A header cannot hold the few control characters of the table.
        Some(row) => Reply::new(307, "")
            .header("Location", on_port(URLS[row].0, port).replace(char::is_control, "")),
        None => Reply::new(200, "here"),
    }
}

/// The text with our port where it has none, or the one of https.
fn on_port(row: &str, port: u16) -> String {
    let Some((scheme, rest)) = row.split_once("://") else { return row.to_owned() };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.strip_suffix(":443").unwrap_or(authority);
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| {
        !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit()) && !host.ends_with(']')
    });
    if host.is_empty() || has_port {
        return row.to_owned();
    }
    format!("{scheme}://{host}:{port}{path}")
}

/// The address that a row means, or the machine itself.
fn address(row: &str) -> IpAddr {
    match Url::parse(row).ok().as_ref().and_then(Url::host) {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        _ => INSIDE[0].parse().unwrap(),
    }
}

#[tokio::test]
async fn no_url_of_the_table_leads_inside() {
    let field = Field::new(&["127.0.0.77/32"]).await;
    for (url, expected) in URLS {
        field.judge(&field.url(url), *expected).await;
    }
    assert_eq!(field.count(), 0);
}

#[tokio::test]
async fn no_redirect_leads_inside() {
    let field = Field::new(&["127.0.0.77/32"]).await;
    for (row, (url, expected)) in URLS.iter().enumerate() {
        let asked = format!("https://api.example.com:{}/to/{row}", field.port);
        let before = field.served.load(Ordering::Relaxed);
        let answer = field.connection.send(get(asked)).await.unwrap();
        let location = answer.headers.iter().find(|(name, _)| name == "location").unwrap();
        assert_eq!(answer.status, 307, "{url:?}");
        assert_eq!(field.served.load(Ordering::Relaxed), before + 1, "{url:?} was followed");
        // A connector that follows on its own goes through all of it again.
        if !url.contains(char::is_control) {
            assert_eq!(location.1, field.url(url).trim(), "{url:?}");
            field.judge(&field.url(url), *expected).await;
        }
    }
    assert_eq!(field.count(), 0);
}

#[tokio::test]
async fn no_name_that_turns_leads_inside() {
    let field = Field::new(&["127.0.0.77/32"]).await;
    let url = format!("https://{TURNING}:{}/", field.port);
    let rows = URLS.iter().filter(|(_, is)| *is != Is::Sent).map(|(url, _)| address(url));
    let ranges = ADDRESSES.iter().map(|(text, _)| text.parse().unwrap());
    let forbidden = rows.chain(ranges).filter(|address| reach(*address) != Reach::Public);
    for (row, address) in forbidden.enumerate() {
        field.zone.turn(address);
        assert_eq!(field.send(&url).await, Ok(200), "{address}");
        // Looked up once, and that answer was connected to.
        assert_eq!(field.zone.lookups.load(Ordering::Relaxed), 2 * row + 1, "{address}");
        let turned = field.send(&url).await;
        assert!(matches!(turned, Err(HttpFault::Denied(_))), "{address}: {turned:?}");
        assert_eq!(field.zone.lookups.load(Ordering::Relaxed), 2 * row + 2, "{address}");
    }
    assert_eq!(field.count(), 0);
}

/// The traps work: with the inside granted, the same URLs walk into them.
#[tokio::test]
async fn with_the_inside_granted_the_same_urls_are_counted() {
    let field = Field::new(&["127.0.0.77/32", "127.0.0.0/8", "::1/128"]).await;
    for (url, _) in URLS {
        let _ = field.send(&field.url(url)).await;
    }
    let literal = field.count();
    assert!(literal >= 10, "{literal}");
    field.zone.turn(INSIDE[0].parse().unwrap());
    let url = format!("https://{TURNING}:{}/", field.port);
    assert_eq!(field.send(&url).await, Ok(200));
    assert!(field.send(&url).await.is_err());
    assert_eq!(field.count(), literal + 1);
}
