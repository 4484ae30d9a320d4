//! The door: a delivery is verified, recognised if it came before, and durable
//! before its sender hears "yes".
//!
//! Repeats are recognised by the vendor's id of a delivery for a day, in memory:
//! it saves work and carries no promise. What is delivered twice across a restart
//! is parsed twice, and its rows are known by their keys.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hub_model::{ConnectionId, Fault, Timestamp};
use hub_store::Error;
use plugin_api::{CallContext, Connector, Delivery, Inbound, Refusal, Reply};

use super::{envelope, keep};
use crate::workspace::Workspace;

/// Deliveries of one connection that are looked at in a second.
const PER_SECOND_MAX: u32 = 1_000;
/// Deliveries of one connection that may wait to be taken.
pub(crate) const WAITING_MAX: usize = 20_000;
/// Ids of deliveries remembered per connection.
const IDS_MAX: usize = 10_000;
/// How long an id is remembered.
const ID_SECONDS_MAX: i64 = 24 * 3600;
/// How long a component may take to answer a challenge.
const HANDSHAKE_WALL: Duration = Duration::from_secs(5);

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// It is durable.
    Kept,
    /// It came before and is durable since.
    Known,
    /// It was a challenge; this is the answer to it, and nothing is kept.
    Replied(Reply),
}

/// Why a delivery was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReceived {
    /// No sync takes deliveries from such a connection.
    #[error("there is no such door")]
    NoDoor,
    /// It was not let in.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too many came in this second.
    #[error("more than {PER_SECOND_MAX} deliveries in a second")]
    TooMany,
    /// Too many wait to be taken.
    #[error("{WAITING_MAX} deliveries wait")]
    Full,
    /// The component could not answer the challenge.
    #[error("the challenge could not be answered: {0}")]
    Handshake(Fault),
    /// The store did not keep it.
    #[error(transparent)]
    Store(#[from] Error),
}

/// What came to the door of a connection since the hub started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DoorCounts {
    /// Deliveries that were kept.
    pub kept: u64,
    /// Deliveries that had come before.
    pub repeated: u64,
    /// Deliveries that were not verified, or not readable.
    pub refused: u64,
    /// Deliveries that came too fast, or while too many waited.
    pub limited: u64,
}

/// All doors.
#[derive(Default)]
pub(crate) struct Doors(Mutex<BTreeMap<ConnectionId, Door>>);

#[derive(Default)]
struct Door {
    counts: DoorCounts,
    /// The second that is counted, and how many came in it.
    second: (i64, u32),
    ids: BTreeSet<String>,
    order: VecDeque<(Timestamp, String)>,
}

impl Door {
    fn is_too_fast(&mut self, now: Timestamp) -> bool {
        let second = now.0.div_euclid(1_000_000);
        if self.second.0 != second {
            self.second = (second, 0);
        }
        self.second.1 = self.second.1.saturating_add(1);
        self.second.1 > PER_SECOND_MAX
    }

    fn knows(&mut self, id: &str, now: Timestamp) -> bool {
        let oldest = now.plus_seconds(-ID_SECONDS_MAX);
        while let Some((at, _)) = self.order.front()
            && (*at < oldest || self.order.len() >= IDS_MAX)
        {
            if let Some((_, id)) = self.order.pop_front() {
                self.ids.remove(&id);
            }
        }
        self.ids.contains(id)
    }

    fn remember(&mut self, id: String, now: Timestamp) {
        if self.ids.insert(id.clone()) {
            self.order.push_back((now, id));
        }
    }
}

impl Doors {
    fn with<R>(&self, connection: &ConnectionId, use_it: impl FnOnce(&mut Door) -> R) -> R {
        let mut doors: MutexGuard<'_, _> = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        use_it(doors.entry(connection.clone()).or_default())
    }

    /// What came so far.
    pub fn counts(&self, connection: &ConnectionId) -> DoorCounts {
        self.with(connection, |door| door.counts)
    }

    /// Takes a delivery.
    pub async fn receive(
        &self,
        workspace: &Workspace,
        (connection, connector): (&ConnectionId, &dyn Connector),
        waiting: usize,
        delivery: Delivery,
    ) -> Result<Received, NotReceived> {
        let inbound = connector.inbound().ok_or(NotReceived::NoDoor)?;
        let now = workspace.env.now();
        let limited = self.with(connection, |door| {
            let too_fast = door.is_too_fast(now).then_some(NotReceived::TooMany);
            let limited = too_fast.or((waiting >= WAITING_MAX).then_some(NotReceived::Full));
            door.counts.limited += u64::from(limited.is_some());
            limited
        });
        if let Some(limited) = limited {
            return Err(limited);
        }
        let admitted = inbound.admit(delivery, now).map_err(|refusal| {
            tracing::warn!(%connection, %refusal, "a delivery was refused");
            self.with(connection, |door| door.counts.refused += 1);
            refusal
        })?;
        let (id, delivery) = (admitted.id, admitted.delivery);
        if let Some(id) = &id
            && self.with(connection, |door| door.knows(id, now))
        {
            self.with(connection, |door| door.counts.repeated += 1);
            return Ok(Received::Known);
        }
        if admitted.handshake
            && let Some(reply) = handshake(workspace, inbound, &delivery).await?
        {
            return Ok(Received::Replied(reply));
        }
        keep(workspace, envelope::of_delivery(connection, delivery)?).await?;
        self.with(connection, |door| {
            door.counts.kept += 1;
            if let Some(id) = id {
                door.remember(id, now);
            }
        });
        Ok(Received::Kept)
    }
}

async fn handshake(
    workspace: &Workspace,
    inbound: &dyn Inbound,
    delivery: &Delivery,
) -> Result<Option<Reply>, NotReceived> {
    let (now, seed) = (workspace.env.now(), workspace.env.random());
    let call = CallContext { purpose: "handshake".to_owned(), now, seed };
    tokio::select! {
        biased;
        answer = inbound.handshake(&call, delivery) => answer.map_err(NotReceived::Handshake),
        () = workspace.env.sleep(HANDSHAKE_WALL) => {
            let fault = Fault::new(hub_model::FaultCode::Timeout);
            Err(NotReceived::Handshake(fault.with("wall_seconds_max", HANDSHAKE_WALL.as_secs())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_remembered_for_a_day_and_so_many() {
        let at = Timestamp::from_seconds;
        let mut door = Door::default();
        door.remember("a".to_owned(), at(0));
        assert!(door.knows("a", at(ID_SECONDS_MAX)));
        assert!(!door.knows("b", at(0)));
        assert!(!door.knows("a", at(ID_SECONDS_MAX + 1)));
        for number in 0..IDS_MAX {
            door.remember(number.to_string(), at(1));
        }
        assert!(!door.knows("0", at(1)), "the oldest makes room");
        assert!(door.knows("1", at(1)));
        assert!(door.order.len() == door.ids.len() && door.ids.len() < IDS_MAX);
    }

    #[test]
    fn a_second_has_its_number_of_deliveries() {
        let mut door = Door::default();
        let now = Timestamp::from_seconds(5);
        assert!((0..PER_SECOND_MAX).all(|_| !door.is_too_fast(now)));
        assert!(door.is_too_fast(now));
        assert!(!door.is_too_fast(Timestamp::from_seconds(6)));
    }
}
