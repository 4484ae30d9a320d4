//! One guest that attacks and one that behaves, in one host: what becomes of the
//! attack, of the other's answers, and of the memory.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hub_model::{Fault, FaultCode};
use plugin_api::{Connector, Cursor, ReadRequest};
use plugin_gateway::{
    ConnectionGateway, ConnectionPolicy, Gateway, GatewayOptions, Grants, HttpLimits, Lookup,
};
use plugin_host::{Binding, Host, Limits, Package};
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard, OnceCell};
use tokio::time::Instant;

use crate::hostile::batch;
use crate::support::{call, component, host_with, limits, soon, start};
use crate::{handmade, logs};

/// How late a guest may be stopped.
const LATE_MAX: Duration = Duration::from_millis(100);
/// What a busy machine adds to that: the processor is shared with other tests, and
/// what interrupts a guest waits for its turn too.
const BUSY: Duration = Duration::from_secs(20);
/// The same for its processor time, to which waiting does not count.
const BUSY_CPU: Duration = Duration::from_millis(400);
/// How much more memory may be in use after an attack than before.
const MEMORY_KIB_MAX: u64 = 64 * 1024;
/// A host that no lookup finds, and one at which it breaks.
const NOWHERE: &str = "http://nowhere.example/";
const PANICS: &str = "panics.example";
/// How often a guest is asked that is stopped only at the end of its run.
const CALLS_MAX: usize = 1_000;

/// What is asked of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Read,
    Write,
    PollJob,
    Discover,
}

/// What becomes of an attack.
#[derive(Debug, Clone, Copy)]
pub enum Ends {
    /// It is stopped, with a fault that names the reason.
    Stopped(FaultCode, &'static str),
    /// It is answered, and what was too much of it is cut.
    Cut(fn(&str)),
}

/// A guest that misbehaves and what is to become of it.
pub struct Attack {
    pub guest: &'static str,
    pub ask: Ask,
    pub limits: Limits,
    pub ends: Ends,
}

pub const fn attack(guest: &'static str, ask: Ask, limits: Limits, ends: Ends) -> Attack {
    Attack { guest, ask, limits, ends }
}

struct Names;

#[async_trait::async_trait]
impl Lookup for Names {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        assert_ne!(name, PANICS, "on purpose");
        Err(io::Error::other("no such name"))
    }
}

fn gateway(connection: &str) -> Arc<ConnectionGateway> {
    let options = GatewayOptions { lookup: Arc::new(Names), ..GatewayOptions::default() };
    let hosts = ["nowhere.example", PANICS].map(|host| host.parse().unwrap());
    Gateway::new(options).unwrap().connection(ConnectionPolicy {
        connection: connection.to_owned(),
        grants: Grants { hosts: hosts.to_vec(), insecure_http: true, ..Grants::default() },
        credentials: std::collections::BTreeMap::new(),
        settings: serde_json::Value::Null,
        limits: HttpLimits { calls_max: 20, ..HttpLimits::default() },
    })
}

/// The host of all attacks: what one of them breaks, the next one meets.
pub struct Arena {
    host: Host,
    hostile: Arc<Package>,
    simple: Arc<Package>,
}

/// One attack at a time: memory is measured.
static ARENA: OnceCell<Mutex<Arena>> = OnceCell::const_new();

impl Arena {
    async fn open() -> Mutex<Self> {
        logs::keep();
        let host = host_with(limits());
        let hostile = host.load(&component("guest-hostile")).await.unwrap();
        let simple = host.load(&component("guest-simple")).await.unwrap();
        Mutex::new(Self { host, hostile, simple })
    }

    async fn package(&self, guest: &str) -> Arc<Package> {
        let bytes = match guest {
            "table" => handmade::grows_its_table(),
            "huge-table" => handmade::has_a_huge_table(),
            "re-entrant" => handmade::calls_back_at_once(),
            _ => return self.hostile.clone(),
        };
        self.host.load_bytes(bytes).await.unwrap()
    }
}

/// Keeps attacks away while memory is looked at; everything is logged.
pub async fn alone() -> MutexGuard<'static, Arena> {
    ARENA.get_or_init(Arena::open).await.lock().await
}

impl Attack {
    async fn connect(&self, arena: &Arena) -> Arc<dyn Connector> {
        let (kind, url) = match self.guest {
            "host-panic" => ("http", format!("http://{PANICS}/")),
            kind => (kind, NOWHERE.to_owned()),
        };
        let settings = json!({ "kind": kind, "url": url });
        let mut binding = Binding::new(self.guest, settings, gateway(self.guest));
        binding.limits = Some(self.limits.clone());
        arena.host.connect(arena.package(self.guest).await, binding)
    }

    /// Asks until it is stopped or, where once is enough, once.
    async fn ask(&self, guest: &dyn Connector) -> Result<(), Fault> {
        let mut cursor = None;
        for _ in 0..CALLS_MAX {
            match self.ask {
                Ask::Read => {
                    let request = ReadRequest { cursor: cursor.clone(), ..start("s0") };
                    let page = guest.read(&call(), &request).await?;
                    cursor = page.next.or_else(|| Some(Cursor(b"again".to_vec())));
                }
                Ask::Write => drop(guest.write(&call(), &batch(3)).await?),
                Ask::PollJob => drop(guest.poll_job(&call(), "job").await?),
                Ask::Discover => drop(guest.discover(&call()).await?),
            }
            if matches!(self.ends, Ends::Cut(_)) {
                break;
            }
        }
        Ok(())
    }

    /// Lets it happen.
    pub async fn happens(self) {
        let arena = alone().await;
        let guest = self.connect(&arena).await;
        let loaded = (guest.manifest().clone(), guest.digest());
        let people = Served::begin(&arena).await;
        let memory = memory_kib();

        let began = Instant::now();
        let ended = soon(self.ask(&*guest)).await;
        let took = began.elapsed();

        people.end().await;
        // Whatever it says of itself later, it is what was loaded and approved.
        assert_eq!((guest.manifest(), guest.digest()), (&loaded.0, loaded.1));
        self.judge(ended);
        self.judge_time(took);
        drop(guest);
        self.judge_memory(memory).await;
    }

    fn judge(&self, ended: Result<(), Fault>) {
        match (self.ends, ended) {
            (Ends::Stopped(code, named), Err(fault)) => {
                assert_eq!(fault.code, code, "{}: {fault}", self.guest);
                let text = fault.to_string();
                assert!(text.contains(named), "{}: {text}", self.guest);
                assert!(text.len() < 8 * 1024, "{}: {} bytes", self.guest, text.len());
            }
            (Ends::Cut(look), Ok(())) => look(self.guest),
            (ends, ended) => panic!("{}: {ended:?} instead of {ends:?}", self.guest),
        }
    }

    fn judge_time(&self, took: Duration) {
        let deadline = self.limits.cpu_of_run.min(self.limits.cpu);
        let used = logs::about(self.guest).iter().filter_map(|line| cpu_ms(line)).max();
        let used = Duration::from_millis(used.unwrap_or_default());
        eprintln!("{}: took {took:.0?}, longest call {used:.0?} of processor time", self.guest);
        assert!(used <= deadline + LATE_MAX + BUSY_CPU, "{}: {used:?}", self.guest);
        assert!(took <= self.limits.cpu_of_run.min(BUSY) + LATE_MAX + BUSY, "{took:?}");
    }

    /// Other tests of this process come and go meanwhile: it is enough that the
    /// memory is given back soon.
    async fn judge_memory(&self, before: u64) {
        let until = Instant::now() + BUSY;
        while memory_kib() > before + MEMORY_KIB_MAX {
            assert!(Instant::now() < until, "{}: {before} KiB, {}", self.guest, memory_kib());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn cpu_ms(line: &str) -> Option<u64> {
    line.split_once("cpu_ms=")?.1.split_whitespace().next()?.parse().ok()
}

/// Memory of this process that is in use.
fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// A well-behaved guest that is read from all the time.
struct Served {
    stop: Arc<AtomicBool>,
    pages: Arc<AtomicUsize>,
    reader: tokio::task::JoinHandle<()>,
}

impl Served {
    async fn begin(arena: &Arena) -> Self {
        let settings = json!({ "rows": [{ "name": "Ana" }, { "name": "Bea" }] });
        let binding = Binding::new("people", settings, gateway("people"));
        let people = arena.host.connect(arena.simple.clone(), binding);
        let (stop, pages) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (told, count) = (stop.clone(), pages.clone());
        let reader = tokio::spawn(async move {
            while !told.load(Ordering::Relaxed) {
                let page = soon(people.read(&call(), &start("people"))).await.unwrap();
                assert_eq!(page.items.len(), 2);
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let served = Self { stop, pages, reader };
        served.one_more().await;
        served
    }

    async fn one_more(&self) {
        let seen = self.pages.load(Ordering::Relaxed);
        while self.pages.load(Ordering::Relaxed) == seen && !self.reader.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Every answer was the right one, and there still are answers.
    async fn end(self) {
        self.one_more().await;
        self.stop.store(true, Ordering::Relaxed);
        self.reader.await.unwrap();
    }
}
