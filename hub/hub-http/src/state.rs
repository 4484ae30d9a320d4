//! What every handler shares.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use hub_engine::Engine;
use hub_model::{Fault, Rules, Timestamp};
use hub_store::Store;
use hub_store::upkeep::Upkeep;
use tokio::sync::{Semaphore, watch};

use crate::limits::WATCHERS_MAX;
use crate::session::Sessions;
use crate::sign_in::SignIns;
use crate::token::{AccessToken, NoRandomness, Secret};
use crate::upkeep::Keeper;

/// A connection as shown: no settings and no credential in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionView {
    /// Its name in the configuration.
    pub id: String,
    /// The connector that it uses.
    pub connector: String,
    /// The connector's version, if it could be loaded.
    pub version: Option<String>,
    /// The connector's title for people, if it has one.
    pub title: String,
    /// Hosts that are granted.
    pub hosts: Vec<String>,
    /// Why it cannot work, if it cannot.
    pub fault: Option<Fault>,
}

/// What the face is made of.
pub struct HttpOptions {
    /// The engine.
    pub engine: Engine,
    /// The same store, to be looked after.
    pub upkeep: Arc<dyn Upkeep>,
    /// The connections, in order of their names.
    pub connections: Vec<ConnectionView>,
    /// The secret that programs send, hashed.
    pub token: AccessToken,
    /// The port that the hub is reached at; part of `Host`, `Origin` and the
    /// cookie's name.
    pub port: u16,
    /// The hub's version.
    pub version: &'static str,
    /// The connections that somebody signs in to.
    pub sign_ins: Arc<dyn SignIns>,
    /// Becomes true when the hub stops: streams of events end then.
    pub closing: watch::Receiver<bool>,
}

struct Inner {
    options: HttpOptions,
    connections: RwLock<Arc<Vec<ConnectionView>>>,
    sessions: Mutex<Sessions>,
    watchers: Arc<Semaphore>,
    keeper: Arc<Keeper>,
}

/// A cheap handle to what every handler shares.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

impl AppState {
    /// From its parts.
    pub fn new(mut options: HttpOptions) -> Self {
        let connections = RwLock::new(Arc::new(std::mem::take(&mut options.connections)));
        let watchers = Arc::new(Semaphore::new(WATCHERS_MAX));
        let keeper = Arc::new(Keeper::new(Arc::clone(&options.upkeep)));
        Self(Arc::new(Inner { options, connections, sessions: Mutex::default(), watchers, keeper }))
    }

    /// A secret for a link that opens one session, once: append it to
    /// `/login?token=`.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn login_link(&self) -> Result<Secret, NoRandomness> {
        let now = self.now();
        self.sessions().link(now)
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.0.options.engine
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        self.engine().store()
    }

    /// What was configured about data.
    pub fn rules(&self) -> &Rules {
        &self.engine().workspace().rules
    }

    /// The connections, as they are at this moment.
    pub fn connections(&self) -> Arc<Vec<ConnectionView>> {
        Arc::clone(&self.0.connections.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows a connection as it has become.
    pub fn exchange(&self, view: &ConnectionView) {
        let mut all = self.0.connections.write().unwrap_or_else(PoisonError::into_inner);
        let now = |old: &ConnectionView| if old.id == view.id { view } else { old }.clone();
        *all = Arc::new(all.iter().map(now).collect());
    }

    /// The hub's version.
    pub fn version(&self) -> &'static str {
        self.0.options.version
    }

    /// The port that the hub is reached at.
    pub fn port(&self) -> u16 {
        self.0.options.port
    }

    /// The hub's clock.
    pub fn now(&self) -> Timestamp {
        self.engine().workspace().env.now()
    }

    pub(crate) fn sign_ins(&self) -> &dyn SignIns {
        &*self.0.options.sign_ins
    }

    pub(crate) fn token(&self) -> &AccessToken {
        &self.0.options.token
    }

    pub(crate) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn watchers(&self) -> &Arc<Semaphore> {
        &self.0.watchers
    }

    pub(crate) fn keeper(&self) -> &Arc<Keeper> {
        &self.0.keeper
    }

    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.0.options.closing.clone()
    }

    /// The session cookie's name. Cookies are shared by all ports of a host,
    /// so the port is in the name.
    pub(crate) fn cookie_name(&self) -> String {
        format!("liaison_{}", self.port())
    }
}
