//! Name lookup that gives back only addresses that may be connected to.
//!
//! The check sits inside the lookup that the client connects with, so there is
//! no second lookup whose answer could differ (DNS rebinding). One resolver
//! serves one connection and one port, because private networks are granted by
//! port.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::grants::Grants;

/// Most addresses taken from one lookup.
const ADDRESSES_MAX: usize = 16;

/// Where addresses come from.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// All addresses of a name, unfiltered.
    ///
    /// # Errors
    ///
    /// The name does not exist or the lookup failed.
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's lookup.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// Every address of the name is forbidden to this connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AddressDenied {
    pub(crate) name: String,
}

impl fmt::Display for AddressDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` has no address that this connection may reach", self.name.escape_debug())
    }
}

impl std::error::Error for AddressDenied {}

/// The resolver that a client connects with.
pub(crate) struct GuardedResolver {
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) port: u16,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, grants, port) = (self.lookup.clone(), self.grants.clone(), self.port);
        Box::pin(async move {
            let allowed = allowed(&*lookup, &grants, name.as_str(), port).await?;
            let allowed: Addrs = Box::new(allowed.into_iter());
            Ok(allowed)
        })
    }
}

/// The addresses of a name that may be connected to, at least one.
pub(crate) async fn allowed(
    lookup: &dyn Lookup,
    grants: &Grants,
    name: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
    let found = lookup.lookup(name).await?;
    let allowed: Vec<SocketAddr> = found
        .into_iter()
        .filter(|address| grants.allows_address(*address, port))
        .take(ADDRESSES_MAX)
        .map(|address| SocketAddr::new(address.to_canonical(), port))
        .collect();
    if allowed.is_empty() {
        return Err(AddressDenied { name: name.to_owned() }.into());
    }
    Ok(allowed)
}
