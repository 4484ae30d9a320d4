//! The engine's handle, closed where a panic of its becomes a message.
//!
//! The last handle flushes and syncs when it is dropped, and panics when the disk
//! does not let it. Nothing acknowledged depends on that: every commit was synced
//! before, so there is nothing to do but say so.

use std::ops::Deref;

use crate::fault;

/// A handle of the engine.
#[derive(Debug, Clone)]
pub(crate) struct Engine(Option<sled::Db>);

impl From<sled::Db> for Engine {
    fn from(db: sled::Db) -> Self {
        Self(Some(db))
    }
}

impl Deref for Engine {
    type Target = sled::Db;

    fn deref(&self) -> &sled::Db {
        match &self.0 {
            Some(db) => db,
            None => unreachable!("only dropping takes it"),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let closed = fault::contained("closing the store", || {
            drop(self.0.take());
            Ok(())
        });
        if let Err(error) = closed {
            tracing::error!(%error, "the engine did not close");
        }
    }
}
