//! The suite on this body.

use async_trait::async_trait;
use hub_store::Store;
use hub_store::conformance::Subject;
use hub_store::upkeep::Upkeep;
use hub_store_sled::SledStore;
use tempfile::TempDir;

struct SledSubject {
    // Closed before the directory is removed.
    store: Option<SledStore>,
    dir: TempDir,
}

async fn fresh() -> Box<dyn Subject> {
    let dir = tempfile::tempdir().unwrap();
    let store = super::open(dir.path()).unwrap();
    Box::new(SledSubject { store: Some(store), dir })
}

#[async_trait]
impl Subject for SledSubject {
    fn store(&self) -> &dyn Store {
        self.store.as_ref().unwrap()
    }

    async fn reopen(&mut self) {
        self.store = None;
        self.store = Some(super::open(self.dir.path()).unwrap());
    }

    async fn renew(&mut self) {
        self.store = None;
        self.dir = tempfile::tempdir().unwrap();
        self.store = Some(super::open(self.dir.path()).unwrap());
    }

    async fn compact(&mut self) {
        let store = self.store.as_ref().unwrap();
        store.compact(Box::new(|_| Ok(()))).await.unwrap();
    }
}

hub_store::store_conformance!(fresh);
