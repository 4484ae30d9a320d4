//! What an administrator does with a store while it is in use.

use std::path::PathBuf;

use async_trait::async_trait;
use hub_store::Error;
use hub_store::upkeep::{self, BackedUp, Compacted, Sizes, Upkeep};

use super::{SledStore, blocking};
use crate::{backup, compact, fault};

#[async_trait]
impl Upkeep for SledStore {
    async fn compact(&self, mut tell: upkeep::Tell) -> Result<Compacted, Error> {
        self.copying(move |live| compact::compact(live, &mut *tell)).await
    }

    async fn sizes(&self) -> Result<Sizes, Error> {
        let shared = self.shared();
        // Row by row beside the commits: nobody needs it exact.
        blocking("counting bytes", move || {
            shared.may_read()?;
            let mut live_bytes = 0;
            for row in shared.rows.tree.iter() {
                let (key, value) = row.map_err(|e| fault::sled("counting bytes", &e))?;
                live_bytes += (key.len() + value.len()) as u64;
            }
            let disk_bytes = shared.place.disk_bytes();
            let state = shared.state();
            let (log_start, log_end) = (state.meta.log_start, state.meta.stats.seq);
            Ok(Sizes { disk_bytes, live_bytes, log_start, log_end })
        })
        .await
    }

    async fn backup(&self, to: PathBuf, mut tell: upkeep::Tell) -> Result<BackedUp, Error> {
        self.copying(move |live| backup::backup(live, &to, &mut *tell)).await
    }
}
