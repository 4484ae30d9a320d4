//! The connections that somebody signs in to, by name: the face's port over the gateway.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use hub_http::sign_in::Brought;
use hub_http::{SignInRefused, SignInView, SignIns};
use plugin_gateway::ConnectionGateway;

/// The gateways of all connections, each as it was bound last.
#[derive(Default)]
pub struct SignInDesk(Mutex<BTreeMap<String, Arc<ConnectionGateway>>>);

impl SignInDesk {
    /// Takes up a connection, or what it has become.
    pub fn take_up(&self, connection: &str, gateway: Arc<ConnectionGateway>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(connection.to_owned(), gateway);
    }

    /// The gateway of a connection.
    pub fn of(&self, connection: &str) -> Option<Arc<ConnectionGateway>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(connection).cloned()
    }

    fn all(&self) -> Vec<Arc<ConnectionGateway>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

#[async_trait]
impl SignIns for SignInDesk {
    fn standing(&self, connection: &str) -> Option<SignInView> {
        let standing = self.of(connection)?.sign_in_standing()?;
        let (needed, ended, failure) = (standing.needed, standing.ended, standing.failure);
        Some(SignInView { needed, ended, failure })
    }

    fn begin(&self, connection: &str, redirect: &str) -> Result<String, SignInRefused> {
        let gateway = self.of(connection).ok_or(SignInRefused::NotNeeded)?;
        gateway.begin_sign_in(redirect).map(|begun| begun.address).map_err(refused)
    }

    async fn finish(&self, state: &str, brought: Brought) -> Result<(), SignInRefused> {
        // `state` alone says whose it is: those that did not give it do not know it.
        for gateway in self.all() {
            match gateway.finish_sign_in(state, brought.clone()).await {
                Err(plugin_gateway::SignInRefused::UnknownState) => {}
                ended => return ended.map_err(refused),
            }
        }
        Err(SignInRefused::Unknown)
    }
}

fn refused(refused: plugin_gateway::SignInRefused) -> SignInRefused {
    match refused {
        plugin_gateway::SignInRefused::NotNeeded => SignInRefused::NotNeeded,
        plugin_gateway::SignInRefused::UnknownState => SignInRefused::Unknown,
        plugin_gateway::SignInRefused::Failed(reason) => SignInRefused::Failed(reason),
    }
}
