//! Where tokens that a vendor hands out (sessions, rotated refresh tokens) are
//! kept. Implemented over the store by the server; the gateway only asks.

use async_trait::async_trait;

/// The store could not keep or give a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("token store: {0}")]
pub struct TokenStoreError(pub String);

/// Sealed small values by connection and name. Values are sealed by the caller:
/// the store never sees a secret in clear.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// The sealed value, if there is one.
    async fn get(&self, connection: &str, name: &str) -> Result<Option<Vec<u8>>, TokenStoreError>;

    /// Replaces the sealed value; durable on return, because a rotated token
    /// that is lost locks the connection out.
    async fn put(
        &self,
        connection: &str,
        name: &str,
        sealed: Vec<u8>,
    ) -> Result<(), TokenStoreError>;

    /// Forgets the value.
    async fn remove(&self, connection: &str, name: &str) -> Result<(), TokenStoreError>;
}
