//! What survives a restart: the refresh token and the addresses learnt with it, sealed.
//! Access tokens do not: they are had anew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::session::TokenKeeping;

/// Version of the sealed form.
const SEALED_VERSION: u32 = 1;

/// Where a slot's refresh token is kept.
pub(crate) struct Shelf {
    pub(crate) connection: String,
    pub(crate) slot: String,
    /// None keeps it in memory only.
    pub(crate) tokens: Option<TokenKeeping>,
}

/// What is kept. `account` is a digest of recipe, client and configured token, so that a
/// token is not used for another account after a change of the configuration.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) account: String,
    pub(crate) refresh_token: String,
    #[serde(default)]
    pub(crate) places: BTreeMap<String, String>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.refresh_token.zeroize();
    }
}

impl Shelf {
    fn name(&self) -> String {
        format!("oauth/{}", self.slot)
    }

    /// What is kept for an account.
    ///
    /// # Errors
    ///
    /// The store does not answer. Then nothing is known, and nobody is asked to sign in.
    pub(crate) async fn load(&self, account: &str) -> Result<Option<Kept>, String> {
        let Some(tokens) = &self.tokens else { return Ok(None) };
        let name = self.name();
        let sealed = tokens.store.get(&self.connection, &name).await.map_err(|e| e.to_string())?;
        let Some(sealed) = sealed else { return Ok(None) };
        let Ok(plain) = tokens.vault.open(&self.connection, &name, SEALED_VERSION, &sealed) else {
            tracing::warn!(connection = %self.connection, slot = %self.slot, "the kept refresh token does not open");
            return Ok(None);
        };
        let kept = serde_json::from_slice::<Kept>(&plain).ok();
        Ok(kept.filter(|kept| kept.account == account))
    }

    /// Keeps it; durable on return.
    ///
    /// # Errors
    ///
    /// It is not kept.
    pub(crate) async fn keep(&self, kept: &Kept) -> Result<(), String> {
        let Some(tokens) = &self.tokens else { return Ok(()) };
        let name = self.name();
        let plain = serde_json::to_vec(kept).map(Zeroizing::new).map_err(|e| e.to_string())?;
        let sealed = tokens.vault.seal(&self.connection, &name, SEALED_VERSION, &plain);
        let sealed = sealed.map_err(|error| error.to_string())?;
        let put = tokens.store.put(&self.connection, &name, sealed).await;
        put.map_err(|error| error.to_string())
    }
}
