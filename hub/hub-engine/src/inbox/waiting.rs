//! What waits in the inbox, and for whom.
//!
//! The bodies themselves are read when they are taken; here is only which of them
//! wait, so that each body is looked at once however often somebody asks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hub_model::{ConnectionId, PositionName};
use hub_store::Error;
use hub_store::rules::INBOX_POSITION;

use super::envelope::Envelope;
use super::{STEP_BODIES, done, forget};
use crate::workspace::Workspace;

/// Which bodies wait.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The last body that was looked at.
    looked: u64,
    /// Deliveries that are not taken by everybody whom they are for.
    deliveries: BTreeMap<ConnectionId, VecDeque<u64>>,
}

impl Waiting {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest delivery of a connection that waits.
    pub fn newest(&self, connection: &ConnectionId) -> Option<u64> {
        self.known().deliveries.get(connection)?.back().copied()
    }

    /// How many deliveries of a connection wait.
    pub fn count(&self, connection: &ConnectionId) -> usize {
        self.known().deliveries.get(connection).map_or(0, VecDeque::len)
    }

    /// Looks at what came since the last look; the connections that hinted.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn look(&self, workspace: &Workspace) -> Result<BTreeSet<ConnectionId>, Error> {
        let mut hinted = BTreeSet::new();
        let (forgotten, _) = done(workspace, &PositionName::new(INBOX_POSITION)).await?;
        loop {
            let after = self.known().looked.max(forgotten);
            let entries = workspace.store.inbox(after, STEP_BODIES).await?;
            if entries.is_empty() {
                return Ok(hinted);
            }
            let mut known = self.known();
            for entry in entries {
                known.looked = known.looked.max(entry.seq);
                let Some(envelope) = Envelope::open(&entry.body) else { continue };
                if envelope.delivery.is_some() {
                    known.deliveries.entry(envelope.connection).or_default().push_back(entry.seq);
                } else {
                    hinted.insert(envelope.connection);
                }
            }
        }
    }

    /// Forgets what nobody needs any more: hints, what was taken up to these places
    /// by everybody of a connection, and deliveries of connections that nobody
    /// takes from.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn forget(
        &self,
        workspace: &Workspace,
        taken: &BTreeMap<ConnectionId, u64>,
    ) -> Result<(), Error> {
        let until = {
            let mut known = self.known();
            known.deliveries.retain(|connection, waiting| {
                let through = taken.get(connection).copied().unwrap_or(u64::MAX);
                waiting.retain(|seq| *seq > through);
                !waiting.is_empty()
            });
            let first = known.deliveries.values().filter_map(VecDeque::front).min();
            first.map_or(known.looked, |first| first - 1)
        };
        let name = PositionName::new(INBOX_POSITION);
        let (forgotten, kept) = done(workspace, &name).await?;
        forget(workspace, (&name, &kept), forgotten, until).await
    }
}
