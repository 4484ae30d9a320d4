//! The host: loads packages and connects them.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use plugin_api::Connector;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::binding::Binding;
use crate::cache::CodeCache;
use crate::connector::{Sandboxed, Shared};
use crate::engine;
use crate::inspect;
use crate::limits::{COMPONENT_BYTES_MAX, Limits};
use crate::package::{ComponentDigest, LoadError, Package};
use crate::runtime::GuestRuntime;
use crate::since_v0_1_0::{self, Exports, GuestState};
use crate::trusted;

/// What a host is made of.
#[derive(Clone)]
pub struct HostOptions {
    /// Where compiled code is kept; none = it is compiled at every start.
    pub cache_dir: Option<PathBuf>,
    /// The key under which compiled code is kept; the hub's own secret.
    pub cache_key: [u8; 32],
    /// What guests may use unless their binding says otherwise.
    pub limits: Limits,
}

impl fmt::Debug for HostOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostOptions")
            .field("cache_dir", &self.cache_dir)
            .field("cache_key", &"***")
            .field("limits", &self.limits)
            .finish()
    }
}

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The processor or operating system is not one that code can be made for.
    #[error("the sandbox cannot be set up: {0}")]
    Engine(String),
    /// No threads for guests.
    #[error("no threads for connectors")]
    Runtime(#[source] std::io::Error),
    /// The folder of compiled code cannot be used.
    #[error("the folder of compiled connectors cannot be used")]
    Cache(#[source] std::io::Error),
}

/// Loads and connects connectors. Dropping it stops what still runs.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    compiler: Arc<Compiler>,
    shared: Arc<Shared>,
    limits: Limits,
}

struct Compiler {
    engine: Engine,
    linker: Linker<GuestState>,
    cache: Option<CodeCache>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("limits", &self.inner.limits).finish_non_exhaustive()
    }
}

impl Host {
    /// A host with threads of its own for guests.
    ///
    /// # Errors
    /// See [`HostError`].
    pub fn new(options: HostOptions) -> Result<Self, HostError> {
        let limits = options.limits;
        let engine = engine::ticking(limits.stack_bytes_max).map_err(HostError::Engine)?;
        let mut linker = Linker::new(&engine);
        since_v0_1_0::link(&mut linker).map_err(|error| HostError::Engine(error.to_string()))?;
        let cache = options.cache_dir.map(|folder| CodeCache::open(&folder, options.cache_key));
        let cache = cache.transpose().map_err(HostError::Cache)?;
        let shared = Shared {
            runtime: GuestRuntime::new(limits.threads).map_err(HostError::Runtime)?,
            slots: Arc::new(Semaphore::new(limits.concurrent_calls_max.max(1))),
            idle: Arc::new(AtomicUsize::new(0)),
            idle_max: limits.idle_instances_max,
        };
        let compiler = Arc::new(Compiler { engine, linker, cache });
        Ok(Self { inner: Arc::new(Inner { compiler, shared: Arc::new(shared), limits }) })
    }

    /// Loads the component in a file.
    ///
    /// # Errors
    /// See [`LoadError`]: every refusal has a variant of its own.
    pub async fn load(&self, path: &Path) -> Result<Arc<Package>, LoadError> {
        let path = path.to_path_buf();
        self.load_with(move || read_capped(&path)).await
    }

    /// Loads a component from its bytes.
    ///
    /// # Errors
    /// See [`LoadError`]: every refusal has a variant of its own.
    pub async fn load_bytes(&self, bytes: Vec<u8>) -> Result<Arc<Package>, LoadError> {
        self.load_with(move || Ok(bytes)).await
    }

    /// Reading and compiling block, so they get a thread of the guests' runtime.
    async fn load_with(
        &self,
        bytes: impl FnOnce() -> Result<Vec<u8>, LoadError> + Send + 'static,
    ) -> Result<Arc<Package>, LoadError> {
        let compiler = self.inner.compiler.clone();
        let work = move || compiler.package(&bytes()?);
        let loaded = self.inner.shared.runtime.run_blocking(work).await;
        loaded.map_err(|error| LoadError::Host(error.to_string()))?.map(Arc::new)
    }

    /// A connector of one connection.
    pub fn connect(&self, package: Arc<Package>, binding: Binding) -> Arc<dyn Connector> {
        Arc::new(self.sandboxed(package, binding))
    }

    pub(crate) fn sandboxed(&self, package: Arc<Package>, binding: Binding) -> Sandboxed {
        let limits = binding.limits.clone().unwrap_or_else(|| self.inner.limits.clone());
        Sandboxed::new(self.inner.shared.clone(), package, binding, limits)
    }
}

/// The size is judged before anything is read, and again while reading: a file
/// may grow, and a device has no size.
fn read_capped(path: &Path) -> Result<Vec<u8>, LoadError> {
    let file = File::open(path).map_err(LoadError::Read)?;
    if file.metadata().map_err(LoadError::Read)?.len() > COMPONENT_BYTES_MAX {
        return Err(LoadError::TooLarge);
    }
    let mut bytes = Vec::new();
    file.take(COMPONENT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(LoadError::Read)?;
    Ok(bytes)
}

impl Compiler {
    fn package(&self, bytes: &[u8]) -> Result<Package, LoadError> {
        let inspected = inspect::inspect(bytes)?;
        let digest = ComponentDigest::of(bytes);
        let (component, from_cache) = self.component(bytes, digest)?;
        let unfit = |error: wasmtime::Error| LoadError::Unfit(format!("{error:#}"));
        let pre = self.linker.instantiate_pre(&component).map_err(unfit)?;
        let exports =
            Exports::find(&pre, |name| inspected.exports.contains(name)).map_err(unfit)?;
        Ok(Package {
            digest,
            manifest: inspected.manifest,
            interfaces: inspected.exports.into_iter().collect(),
            size_bytes: bytes.len(),
            from_cache,
            pre,
            exports,
        })
    }

    /// The code, and whether it was compiled before.
    fn component(
        &self,
        bytes: &[u8],
        digest: ComponentDigest,
    ) -> Result<(Component, bool), LoadError> {
        let invalid = |error: wasmtime::Error| LoadError::Invalid(format!("{error:#}"));
        let Some(cache) = &self.cache else {
            return Ok((Component::from_binary(&self.engine, bytes).map_err(invalid)?, false));
        };
        if let Some(component) = cache.get(&self.engine, digest) {
            return Ok((component, true));
        }
        let code = self.engine.precompile_component(bytes).map_err(invalid)?;
        cache.put(digest, &code);
        // Compiled just now and never out of this memory.
        Ok((trusted::load_compiled(&self.engine, &code).map_err(invalid)?, false))
    }
}
