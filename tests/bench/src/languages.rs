//! What a connector costs in each language that has an SDK, beside the same Rust code
//! without a sandbox.
//!
//! One connector (the one that `liaison connector new` begins), one account on the loopback,
//! one way out: native is the Rust connector called as a library, whose requests go through
//! the gateway as the others' do. So what differs is the sandbox, what crosses its wall, and
//! the language. Pages are read in turn, one of each, so that whatever else the machine does
//! meets all of them alike; a figure is the median of processor time of this process. The
//! account's share is in it, the same for all.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use doubles::contacts::Contacts;
use doubles::http::Server;
use guest_template::Contacts as Native;
use hub_model::Timestamp;
use liaison_sdk::http::Response;
use liaison_sdk::testing::{Script, Sent};
use liaison_sdk::{Call, Source as _};
use plugin_api::{CallContext, Connector, ReadRequest};
use plugin_gateway::{
    ConnectionGateway, ConnectionPolicy, Credential, Gateway, GatewayOptions, Grants, HttpLimits,
    HttpRequest,
};
use plugin_host::{Binding, Host, HostOptions, Limits};
use serde::Serialize;
use serde_json::{Value, json};

use crate::clock::process_cpu;

/// What `liaison connector new` begins, by language: the names of the components.
pub const COMPONENTS: [(&str, &str); 3] = [
    ("rust", "guest-template"),
    ("python", "guest-template-python"),
    ("typescript", "guest-template-typescript"),
];
/// Rows of a page, as the connector asks for them.
const PAGE_ROWS: usize = 100;
/// Pages of a snapshot.
const PAGES: usize = 10;
const TOKEN: &str = "s3cret";

/// What a connector costs in one language.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// `native`, or the language of the component.
    pub language: &'static str,
    /// The component; none of it is native.
    pub component_bytes: Option<usize>,
    /// Compiling it, once.
    pub compile_millis: Option<f64>,
    /// Loading what was compiled.
    pub load_millis: Option<f64>,
    /// The first page, for which an instance starts.
    pub first_page_millis: f64,
    /// A page.
    pub page_millis: f64,
    /// That in native pages.
    pub of_native: f64,
}

/// Reads `rounds` pages in each language whose component is in a folder.
///
/// # Errors
/// The sandbox cannot be set up, a component does not load, or a page lacks rows.
pub async fn measure(components: &Path, work: &Path, rounds: usize) -> Result<Vec<Cost>> {
    let mut account = Contacts::new(TOKEN);
    for number in 0..PAGE_ROWS * PAGES {
        let email = format!("n{number}@example.org");
        account.enter(&json!({ "name": format!("Name {number}"), "email": email }));
    }
    let server = Server::start(account)?;
    let settings = json!({ "url": server.url() });
    let gateway = gateway(server.port())?;
    let mut readers = vec![Reader::native(gateway.clone(), settings.clone())];
    for (language, component) in COMPONENTS {
        let path = components.join(format!("{component}.wasm"));
        if path.is_file() {
            readers.push(Reader::sandboxed(language, &path, work, &gateway, &settings).await?);
        }
    }
    for _ in 0..rounds {
        for reader in &mut readers {
            reader.read().await.with_context(|| format!("reading in {}", reader.language))?;
        }
    }
    let native = readers.first().map_or(0.0, Reader::page_millis);
    Ok(readers.iter().map(|reader| reader.cost(native)).collect())
}

fn gateway(port: u16) -> Result<Arc<ConnectionGateway>> {
    let gateway = Gateway::new(GatewayOptions::default())?;
    Ok(gateway.connection(ConnectionPolicy {
        connection: "account".to_owned(),
        grants: Grants {
            hosts: vec![format!("127.0.0.1:{port}").parse()?],
            private: vec![format!("127.0.0.1/32:{port}").parse()?],
            insecure_http: true,
            ..Grants::default()
        },
        credentials: BTreeMap::from([("token".to_owned(), Credential::Bearer(TOKEN.into()))]),
        settings: Value::Null,
        limits: HttpLimits::default(),
    }))
}

/// Who reads, where it stands, and what each page cost.
struct Reader {
    language: &'static str,
    way: Way,
    cursor: Option<Vec<u8>>,
    loaded: Option<Loaded>,
    pages: Vec<Duration>,
}

enum Way {
    Native { gateway: Arc<ConnectionGateway>, settings: Value },
    Sandboxed(Arc<dyn Connector>),
}

struct Loaded {
    bytes: usize,
    compile: Duration,
    load: Duration,
}

impl Reader {
    const fn native(gateway: Arc<ConnectionGateway>, settings: Value) -> Self {
        let way = Way::Native { gateway, settings };
        Self { language: "native", way, cursor: None, loaded: None, pages: Vec::new() }
    }

    async fn sandboxed(
        language: &'static str,
        path: &Path,
        work: &Path,
        gateway: &Arc<ConnectionGateway>,
        settings: &Value,
    ) -> Result<Self> {
        let cache_dir = Some(work.join(format!("code-{language}")));
        let options = HostOptions { cache_dir, cache_key: [7; 32], limits: Limits::default() };
        let begun = process_cpu();
        let package = Host::new(options.clone())?.load(path).await?;
        let compile = process_cpu() - begun;
        // Another host, as after the next start.
        let host = Host::new(options)?;
        let begun = process_cpu();
        let again = host.load(path).await?;
        let load = process_cpu() - begun;
        ensure!(again.from_cache, "what was compiled was not kept");
        let loaded = Some(Loaded { bytes: package.size_bytes, compile, load });
        let binding = Binding::new("account", settings.clone(), gateway.clone());
        let way = Way::Sandboxed(host.connect(again, binding));
        Ok(Self { language, way, cursor: None, loaded, pages: Vec::new() })
    }

    /// One page; after the last one the next snapshot begins.
    async fn read(&mut self) -> Result<()> {
        let begun = process_cpu();
        let (rows, next) = match &self.way {
            Way::Native { gateway, settings } => {
                native_page(gateway.clone(), settings.clone(), self.cursor.take()).await?
            }
            Way::Sandboxed(connector) => page(&**connector, self.cursor.take()).await?,
        };
        self.pages.push(process_cpu() - begun);
        ensure!(rows == PAGE_ROWS, "{rows} rows on a page");
        self.cursor = next;
        Ok(())
    }

    /// The median, the first page left out where there are others.
    fn page_millis(&self) -> f64 {
        let mut pages = self.pages.get(1..).unwrap_or_default().to_vec();
        pages.sort_unstable();
        pages.get(pages.len() / 2).map_or(0.0, |page| millis(*page))
    }

    fn cost(&self, native: f64) -> Cost {
        let loaded = self.loaded.as_ref();
        Cost {
            language: self.language,
            component_bytes: loaded.map(|it| it.bytes),
            compile_millis: loaded.map(|it| millis(it.compile)),
            load_millis: loaded.map(|it| millis(it.load)),
            first_page_millis: self.pages.first().map_or(0.0, |page| millis(*page)),
            page_millis: self.page_millis(),
            of_native: self.page_millis() / native,
        }
    }
}

/// Rows of a page, and where to go on.
type Read = (usize, Option<Vec<u8>>);

async fn page(connector: &dyn Connector, cursor: Option<Vec<u8>>) -> Result<Read> {
    let call =
        CallContext { purpose: "run-1".to_owned(), now: Timestamp::from_seconds(1), seed: 1 };
    let cursor = cursor.map(plugin_api::Cursor);
    let request = ReadRequest { stream: "contacts".into(), cursor, fields: Vec::new() };
    let page = connector.read(&call, &request).await?;
    Ok((page.items.iter().flatten().count(), page.next.map(|cursor| cursor.0)))
}

/// The Rust connector as a library; its requests go the same way out.
async fn native_page(
    gateway: Arc<ConnectionGateway>,
    settings: Value,
    cursor: Option<Vec<u8>>,
) -> Result<Read> {
    let runtime = tokio::runtime::Handle::current();
    let page = tokio::task::spawn_blocking(move || {
        let gateway = gateway.begin_call();
        let vendor = move |sent: Sent| {
            let Sent { method, url, headers, body, credential } = sent;
            let request = HttpRequest { method, url, headers, body, credential };
            match runtime.block_on(gateway.send(request)) {
                Ok(answer) => {
                    Response { status: answer.status, headers: answer.headers, body: answer.body }
                }
                Err(_) => Response { status: 503, headers: Vec::new(), body: Vec::new() },
            }
        };
        let request =
            liaison_sdk::ReadRequest { cursor, ..liaison_sdk::ReadRequest::start("contacts") };
        let call = Call::with_settings(settings);
        Script::new().vendor(vendor).run(|| Native::read(&call, &request))
    });
    let page = page.await??;
    Ok((page.rows.len(), page.next))
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// The costs as a table for people.
#[must_use]
pub fn table(costs: &[Cost]) -> String {
    let mut text = format!(
        "{:<11}{:>12}{:>12}{:>10}{:>13}{:>11}{:>10}\n",
        "LANGUAGE", "COMPONENT", "COMPILE", "LOAD", "FIRST PAGE", "PAGE", "x NATIVE"
    );
    let some = |millis: Option<f64>| millis.map_or("-".to_owned(), |it| format!("{it:.1} ms"));
    for cost in costs {
        let kib = cost.component_bytes.map_or("-".to_owned(), |it| format!("{} KiB", it / 1024));
        text += &format!(
            "{:<11}{kib:>12}{:>12}{:>10}{:>10.2} ms{:>8.2} ms{:>10.2}\n",
            cost.language,
            some(cost.compile_millis),
            some(cost.load_millis),
            cost.first_page_millis,
            cost.page_millis,
            cost.of_native,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::path::PathBuf;

    use super::{COMPONENTS, PAGES, measure, table};

    /// The folder of components; its tests that need one say so by name.
    fn components() -> PathBuf {
        let folder = std::env::var_os("LIAISON_COMPONENTS_DIR").map(PathBuf::from);
        folder.unwrap_or_else(|| {
            PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/components"))
        })
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_language_reads_the_same_pages_beside_native() {
        let (components, work) = (components(), tempfile::tempdir().unwrap());
        // Once round the account, and into the next snapshot.
        let costs = measure(&components, work.path(), PAGES + 2).await.unwrap();
        let there = |name: &str| components.join(format!("{name}.wasm")).is_file();
        let expected = COMPONENTS.iter().filter(|(_, name)| there(name)).map(|(it, _)| *it);
        let found: Vec<_> = costs.iter().map(|cost| cost.language).collect();
        assert_eq!(found, ["native"].into_iter().chain(expected).collect::<Vec<_>>());
        assert!(found.contains(&"rust"), "cargo xtask components builds it");
        assert!(costs.iter().all(|cost| cost.page_millis > 0.0), "{costs:#?}");
        println!("{}", table(&costs));
    }
}
