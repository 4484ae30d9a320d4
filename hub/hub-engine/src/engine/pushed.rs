//! What systems push: hints make syncs run, deliveries are taken by the syncs of
//! their connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hub_core::consent;
use hub_model::{ConnectionId, SyncId, Trigger};
use hub_store::Error;
use plugin_api::{Connector, Delivery};

use super::Engine;
use crate::inbox::{self, DoorCounts, NotReceived, Received};
use crate::run::Task;

impl Engine {
    /// Keeps a raw body that a system pushed, durably, before its sender is
    /// answered. It is a hint: the syncs of that connection are read soon.
    ///
    /// # Errors
    /// When the store did not keep it: the sender must be told to come again.
    pub async fn accept(&self, connection: &ConnectionId, body: &[u8]) -> Result<(), Error> {
        inbox::accept(&self.shared.workspace, connection, body).await?;
        self.shared.nudge.notify_one();
        Ok(())
    }

    /// Takes what a vendor delivers: verified, and durable before its sender is
    /// answered. What it means is taken in soon.
    ///
    /// # Errors
    /// [`NotReceived`]: nothing is kept.
    pub async fn receive(
        &self,
        connection: &ConnectionId,
        delivery: Delivery,
    ) -> Result<Received, NotReceived> {
        let connector = self.receiver(connection).ok_or(NotReceived::NoDoor)?;
        let shared = &self.shared;
        let waiting = shared.waiting.count(connection);
        let to = (connection, &*connector);
        let received = shared.doors.receive(&shared.workspace, to, waiting, delivery).await?;
        shared.nudge.notify_one();
        Ok(received)
    }

    /// The origins of web pages that may deliver to a connection.
    pub fn origins(&self, connection: &ConnectionId) -> Vec<String> {
        let receiver = self.receiver(connection);
        let inbound = receiver.as_ref().and_then(|connector| connector.inbound());
        inbound.map(plugin_api::Inbound::origins).unwrap_or_default()
    }

    /// What came to the door of a connection since the hub started, if it has one.
    pub fn door(&self, connection: &ConnectionId) -> Option<DoorCounts> {
        self.receiver(connection).map(|_| self.shared.doors.counts(connection))
    }

    /// The connector of a connection whose deliveries some sync takes.
    fn receiver(&self, connection: &ConnectionId) -> Option<Arc<dyn Connector>> {
        let jobs = self.jobs();
        let own = jobs
            .values()
            .find(|job| job.mapping.stream.connection == *connection && job.takes_deliveries());
        own.map(|job| Arc::clone(&job.connector))
    }

    /// Marks the syncs of connections that hinted, lets those take that something
    /// was delivered to, and forgets what everybody has taken.
    pub(super) async fn hear(&self, wait: &mut Duration) -> Result<(), Error> {
        let shared = &self.shared;
        let hinted = shared.waiting.look(&shared.workspace).await?;
        let jobs = self.jobs();
        for (id, job) in jobs.iter() {
            if hinted.contains(&job.mapping.stream.connection)
                && let Some(live) = shared.live().get_mut(id)
            {
                live.wanted = true;
            }
        }
        self.hasten();
        let mut taken: BTreeMap<ConnectionId, u64> = BTreeMap::new();
        for (id, job) in jobs.iter().filter(|(_, job)| job.takes_deliveries()) {
            let connection = &job.mapping.stream.connection;
            let through = inbox::taken(&shared.workspace, id).await?;
            let least = taken.entry(connection.clone()).or_insert(through);
            *least = through.min(*least);
            if shared.waiting.newest(connection).is_some_and(|newest| newest > through) {
                self.push(id, wait);
            }
        }
        shared.waiting.forget(&shared.workspace, &taken).await
    }

    /// Where somebody has refused something, the scheduled syncs run now that ask for
    /// consents or tell of them.
    fn hasten(&self) {
        let (shared, workspace) = (&self.shared, &self.shared.workspace);
        if !workspace.refused.swap(false, Ordering::Relaxed) {
            return;
        }
        let now = workspace.env.now();
        for (id, job) in self.jobs().iter() {
            let scheduled = !job.paused && job.schedule.next_after(now).is_some();
            if scheduled
                && job.mapping.writes()
                && consent::concerns(&job.mapping, &workspace.rules)
                && let Some(live) = shared.live().get_mut(id)
            {
                live.wanted = true;
            }
        }
    }

    /// Lets a sync take what was delivered, unless it is too early or it runs.
    fn push(&self, sync: &SyncId, wait: &mut Duration) {
        let now = self.shared.workspace.env.now();
        let next = self.shared.live().get(sync).and_then(|live| live.pushed.next);
        if let Some(next) = next.filter(|next| *next > now) {
            let micros = u64::try_from(next.0.saturating_sub(now.0)).unwrap_or(0);
            *wait = (*wait).min(Duration::from_micros(micros.max(1_000)));
        } else if let Ok(begun) = self.begin(sync, Task::Pushed) {
            self.spawn(begun, Trigger::Pushed);
        }
    }
}
