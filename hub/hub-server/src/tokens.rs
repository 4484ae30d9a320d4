//! Tokens that vendors hand out, kept in the store. They arrive sealed: the
//! gateway seals them, the store never sees one in clear.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use hub_store::{Store, WriteSet};
use plugin_api::{TokenStore, TokenStoreError};

/// Tokens in the store of the workspace.
pub struct StoredTokens(pub Arc<dyn Store>);

impl StoredTokens {
    async fn write(
        &self,
        connection: &str,
        name: &str,
        sealed: Option<Vec<u8>>,
    ) -> Result<(), TokenStoreError> {
        let token = (connection.to_owned(), name.to_owned(), sealed);
        let set = WriteSet { tokens: vec![token], ..WriteSet::default() };
        self.0.commit(set).await.map(drop).map_err(|error| TokenStoreError(error.to_string()))
    }
}

#[async_trait]
impl TokenStore for StoredTokens {
    async fn get(&self, connection: &str, name: &str) -> Result<Option<Vec<u8>>, TokenStoreError> {
        let token = self.0.token(connection, name).await;
        token.map_err(|error| TokenStoreError(error.to_string()))
    }

    async fn put(
        &self,
        connection: &str,
        name: &str,
        sealed: Vec<u8>,
    ) -> Result<(), TokenStoreError> {
        self.write(connection, name, Some(sealed)).await
    }

    async fn remove(&self, connection: &str, name: &str) -> Result<(), TokenStoreError> {
        self.write(connection, name, None).await
    }
}

/// Tokens for the length of one command that must not touch the store, such as
/// `connection check` while a hub runs: it logs in on its own.
#[derive(Default)]
pub struct PassingTokens(Mutex<BTreeMap<(String, String), Vec<u8>>>);

#[async_trait]
impl TokenStore for PassingTokens {
    async fn get(&self, connection: &str, name: &str) -> Result<Option<Vec<u8>>, TokenStoreError> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(tokens.get(&(connection.to_owned(), name.to_owned())).cloned())
    }

    async fn put(
        &self,
        connection: &str,
        name: &str,
        sealed: Vec<u8>,
    ) -> Result<(), TokenStoreError> {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert((connection.to_owned(), name.to_owned()), sealed);
        Ok(())
    }

    async fn remove(&self, connection: &str, name: &str) -> Result<(), TokenStoreError> {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.remove(&(connection.to_owned(), name.to_owned()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_keep_replace_and_forget() {
        let stores: [Box<dyn TokenStore>; 2] = [
            Box::new(StoredTokens(Arc::new(hub_store::MemoryStore::default()))),
            Box::new(PassingTokens::default()),
        ];
        for store in stores {
            assert_eq!(store.get("erp", "session").await.unwrap(), None);
            store.put("erp", "session", vec![1]).await.unwrap();
            store.put("erp", "session", vec![2]).await.unwrap();
            store.put("erp", "other", vec![3]).await.unwrap();
            assert_eq!(store.get("erp", "session").await.unwrap(), Some(vec![2]));
            store.remove("erp", "session").await.unwrap();
            assert_eq!(store.get("erp", "session").await.unwrap(), None);
            assert_eq!(store.get("crm", "other").await.unwrap(), None);
        }
    }
}
