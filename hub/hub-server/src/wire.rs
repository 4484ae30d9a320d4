//! Wiring: from a configuration to connectors that are bound to their
//! connections, and syncs that are ready to run.
//!
//! A component file that is no connector, a secret that is missing, settings
//! that do not fit: each breaks its own connection only. Its syncs keep their
//! place and fail with the reason; the others run.

use std::collections::BTreeMap;
use std::sync::Arc;

use hub_config::{ConfigFault, ConnectionConfig, SyncConfig};
use hub_engine::{Engine, EngineOptions, Env, SyncJob, SystemEnv};
use hub_http::ConnectionView;
use hub_model::{Fault, FaultCode, SyncId};
use hub_store::Store;
use hub_store::upkeep::Upkeep;
use plugin_api::{CallContext, Connector, Manifest, TokenStore};
use plugin_gateway::{ConnectionPolicy, Credential, Gateway, GatewayOptions, Grants, TokenKeeping};
use plugin_host::recording::Recorder;
use plugin_host::{Binding, Host, HostOptions, LoadError, Package};
use tokio::sync::Mutex;

use crate::broken::BrokenConnector;
use crate::exit::Exit;
use crate::grants;
use crate::keys::Keys;
use crate::limits::limits;
use crate::load::Loaded;
use crate::out::talk;
use crate::package::{Unfit, whole};
use crate::secrets::credentials;
use crate::shelf::Shelf;
use crate::sign_ins::SignInDesk;
use crate::tokens::PassingTokens;
use crate::trouble::{Item, Trouble};

/// The sandbox, the way out, and what was loaded so far.
pub struct Wiring<'l> {
    loaded: &'l Loaded,
    host: Host,
    gateway: Gateway,
    packages: Mutex<BTreeMap<String, Arc<Package>>>,
    /// Makes tombstones of those who are erased.
    privacy_key: [u8; 32],
    /// What records runs.
    recorder: Option<Arc<dyn Recorder>>,
    desk: Arc<SignInDesk>,
}

/// A connection that works as far as this machine can tell.
pub struct Bound {
    /// The way to its system.
    pub connector: Arc<dyn Connector>,
}

/// Everything that a hub runs.
pub struct Hub {
    /// The syncs.
    pub jobs: Vec<SyncJob>,
    /// The connections.
    pub connections: Vec<ConnectionView>,
}

/// What a connector is told about a call of the command line.
pub fn call(purpose: &str) -> CallContext {
    let env = SystemEnv::default();
    CallContext { purpose: purpose.to_owned(), now: env.now(), seed: env.random() }
}

impl<'l> Wiring<'l> {
    /// For work that lasts: keys, compiled code and tokens are kept.
    ///
    /// # Errors
    /// When keys cannot be used or the sandbox cannot be set up.
    pub fn kept(loaded: &'l Loaded, tokens: Arc<dyn TokenStore>) -> Result<Self, Trouble> {
        Self::new(loaded, Keys::kept(loaded)?, tokens)
    }

    /// For one command that must leave nothing behind.
    ///
    /// # Errors
    /// When the sandbox cannot be set up.
    pub fn passing(loaded: &'l Loaded) -> Result<Self, Trouble> {
        Self::new(loaded, Keys::passing(loaded)?, Arc::new(PassingTokens::default()))
    }

    fn new(loaded: &'l Loaded, keys: Keys, tokens: Arc<dyn TokenStore>) -> Result<Self, Trouble> {
        let options = HostOptions {
            cache_dir: keys.cache_dir,
            cache_key: keys.cache_key,
            limits: limits(&[&loaded.config.limits]).0,
        };
        let host = Host::new(options).map_err(|error| no_sandbox(&error))?;
        let tokens = Some(TokenKeeping { vault: keys.vault, store: tokens });
        let gateway = Gateway::new(GatewayOptions { tokens, ..GatewayOptions::default() })
            .map_err(|error| no_sandbox(&error))?;
        let (packages, privacy_key) = (Mutex::default(), keys.privacy_key);
        let desk = Arc::default();
        Ok(Self { loaded, host, gateway, packages, privacy_key, recorder: None, desk })
    }

    /// The same, with runs recorded by these.
    pub fn recorded_by(self, recorder: Option<Arc<impl Recorder + 'static>>) -> Self {
        Self { recorder: recorder.map(|it| it as Arc<dyn Recorder>), ..self }
    }

    /// The connections that somebody signs in to.
    pub fn desk(&self) -> Arc<SignInDesk> {
        Arc::clone(&self.desk)
    }

    /// Binds a connection to its connector.
    ///
    /// # Errors
    /// Everything that keeps it from working, at once.
    pub async fn bind(&self, connection: &ConnectionConfig) -> Result<Bound, Vec<ConfigFault>> {
        let package = self.package(connection).await.map_err(|fault| vec![fault])?;
        let manifest = &package.manifest;
        let mut faults = hub_config::settings_faults(connection, &manifest.settings);
        let root = &self.loaded.root;
        let credentials = credentials(connection, manifest, root).map_err(|f| faults.extend(f));
        let grants = grants::grants(connection, root).map_err(|f| faults.extend(f));
        if let Ok(grants) = &grants {
            faults.extend(grants::missing(connection, manifest, grants));
        }
        let (Ok(grants), Ok(credentials), true) = (grants, credentials, faults.is_empty()) else {
            return Err(faults);
        };
        let bound = self.connect(connection, package, grants, credentials);
        if let Some(gateway) = self.desk.of(connection.id.as_str()) {
            gateway.look_for_sign_in().await;
        }
        Ok(bound)
    }

    /// Binds a connection to its connector with settings that are not checked, and
    /// to a port of this machine in place of its hosts where one is given: the
    /// conformance suite judges what a connector makes of trouble.
    ///
    /// # Errors
    /// As [`Self::bind`], except for the settings.
    pub async fn bind_on_stage(
        &self,
        connection: &ConnectionConfig,
        settings: serde_json::Value,
        port: Option<u16>,
    ) -> Result<Bound, Vec<ConfigFault>> {
        let package = self.package(connection).await.map_err(|fault| vec![fault])?;
        let root = &self.loaded.root;
        let credentials = credentials(connection, &package.manifest, root)?;
        let mut grants = grants::grants(connection, root)?;
        if let Some(port) = port {
            grants = grants::on_this_machine(grants, port);
        }
        let connection = ConnectionConfig { settings, ..connection.clone() };
        Ok(self.connect(&connection, package, grants, credentials))
    }

    fn connect(
        &self,
        connection: &ConnectionConfig,
        package: Arc<Package>,
        grants: Grants,
        credentials: BTreeMap<String, Credential>,
    ) -> Bound {
        let (guest, http) = limits(&[&self.loaded.config.limits, &connection.limits]);
        let gateway = self.gateway.connection(ConnectionPolicy {
            connection: connection.id.to_string(),
            grants,
            credentials,
            settings: connection.settings.clone(),
            limits: http,
        });
        self.desk.take_up(connection.id.as_str(), gateway.clone());
        let recorder = self.recorder.clone();
        let settings = connection.settings.clone();
        let binding = Binding {
            limits: Some(guest),
            recorder,
            ..Binding::new(connection.id.as_str(), settings, gateway)
        };
        Bound { connector: self.host.connect(package, binding) }
    }

    /// The connector of a connection, loaded once however many use it.
    async fn package(&self, connection: &ConnectionConfig) -> Result<Arc<Package>, ConfigFault> {
        let name = connection.connector.as_str();
        let mut packages = self.packages.lock().await;
        if let Some(package) = packages.get(name) {
            return Ok(package.clone());
        }
        let told = |unfit: Unfit| {
            let place = format!("connections.{}.connector", connection.id);
            let at = connection.connector.location.clone();
            let problem = format!("{}: {}", unfit.place, unfit.what);
            ConfigFault::told(unfit.code, at, place, problem, unfit.mend)
        };
        let (shelf, id) = (Shelf::of(self.loaded), name.to_owned());
        let taking = tokio::task::spawn_blocking(move || shelf.take(&id)).await;
        let found = taking
            .unwrap_or_else(|error| Err(Unfit::of(name, &LoadError::Host(error.to_string()))))
            .map_err(told)?;
        let place = found.place;
        // The very bytes that were looked at: the file may be another one by now.
        let loading = self.host.load_bytes(found.bytes).await;
        let package = loading.map_err(|error| told(Unfit::of(place, &error)))?;
        packages.insert(name.to_owned(), package.clone());
        Ok(package)
    }

    /// Every sync and connection.
    pub async fn all(&self) -> Hub {
        self.hub(|_| true).await
    }

    /// One sync with its connection.
    pub async fn one(&self, id: &SyncId) -> Hub {
        self.hub(|sync| sync.id == *id).await
    }

    async fn hub(&self, wanted: impl Fn(&SyncConfig) -> bool) -> Hub {
        let config = &self.loaded.config;
        let every = config.syncs.iter().all(&wanted);
        let mut hub = Hub { jobs: Vec::new(), connections: Vec::new() };
        for connection in &config.connections {
            let syncs: Vec<&SyncConfig> = config
                .syncs
                .iter()
                .filter(|s| s.mapping.stream.connection == connection.id && wanted(s))
                .collect();
            if syncs.is_empty() && !every {
                continue;
            }
            let (connector, view) = self.wired(connection).await;
            hub.connections.push(view);
            for sync in syncs {
                hub.jobs.extend(self.job(sync, connection, connector.clone()));
            }
        }
        hub
    }

    /// The engine of some syncs, in this process; with `upkeep` it also tends the
    /// store that it is of.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn engine(
        &self,
        store: Arc<dyn Store>,
        upkeep: Option<Arc<dyn Upkeep>>,
        jobs: Vec<SyncJob>,
    ) -> Result<Engine, Trouble> {
        let options = EngineOptions {
            store,
            rules: self.loaded.config.rules(),
            jobs,
            env: Arc::new(SystemEnv::default()),
            upkeep,
            privacy_key: self.privacy_key,
        };
        Ok(Engine::open(options).await?)
    }

    /// A connection with its connector, which may be one that says why it cannot work.
    pub async fn wired(
        &self,
        connection: &ConnectionConfig,
    ) -> (Arc<dyn Connector>, ConnectionView) {
        let (connector, fault) = self.bind_or_break(connection).await;
        let view = view(connection, connector.manifest(), fault);
        (connector, view)
    }

    /// Takes a connector from the shelf anew when it is next asked for.
    pub async fn forget(&self, connector: &str) {
        self.packages.lock().await.remove(connector);
    }

    async fn bind_or_break(
        &self,
        connection: &ConnectionConfig,
    ) -> (Arc<dyn Connector>, Option<Fault>) {
        match self.bind(connection).await {
            Ok(bound) => (bound.connector, None),
            Err(faults) => {
                talk(format!("the connection `{}` cannot work; others go on", connection.id));
                for fault in &faults {
                    talk(Item::of_config(fault));
                }
                let fault = broken(connection, &faults);
                let connector = BrokenConnector::new(&connection.connector, fault.clone());
                (Arc::new(connector), Some(fault))
            }
        }
    }

    fn job(
        &self,
        sync: &SyncConfig,
        connection: &ConnectionConfig,
        connector: Arc<dyn Connector>,
    ) -> Option<SyncJob> {
        Some(SyncJob {
            mapping: sync.mapping.clone(),
            guards: sync.guards,
            schedule: self.loaded.schedules.get(&sync.id)?.clone(),
            schedule_text: sync.schedule.value.clone(),
            paused: sync.paused,
            account: connection.account(),
            connector,
        })
    }
}

/// One fault that says everything that is wrong with a connection.
fn broken(connection: &ConnectionConfig, faults: &[ConfigFault]) -> Fault {
    let reasons: Vec<String> =
        faults.iter().map(|fault| format!("{} [{}]", fault.problem(), fault.code)).collect();
    let at = faults.first().map_or(&connection.location, |fault| &fault.location);
    Fault::new(FaultCode::Config).at(at.to_string()).with("reason", reasons.join("; "))
}

fn view(
    connection: &ConnectionConfig,
    manifest: &Manifest,
    fault: Option<Fault>,
) -> ConnectionView {
    ConnectionView {
        id: connection.id.to_string(),
        connector: connection.connector.value.clone(),
        version: Some(manifest.version.clone()).filter(|version| !version.is_empty()),
        title: manifest.title.clone(),
        hosts: connection.hosts.iter().map(|host| host.value.clone()).collect(),
        fault,
    }
}

/// Why connectors cannot be run here.
pub fn no_sandbox(error: &dyn std::error::Error) -> Trouble {
    Trouble::new(
        Exit::Usage,
        "sandbox/unavailable",
        "",
        format!("connectors cannot be run on this machine: {}", whole(error)),
        "check memory, threads (`ulimit -u`) and the data directory's permissions",
    )
}
