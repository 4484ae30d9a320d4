//! The inbox: what systems push is durable before they are answered.
//!
//! Two things come in. A *hint* ([`accept`]) says that something changed, no more:
//! the syncs of its connection run soon, and their ordinary reading finds what it
//! was. A *delivery* ([`door`]) was verified by the connector's recipe; what it
//! means is asked of the component, in a run of each sync of its connection
//! ([`take`]): rows are taken in like those of a page, keys are looked up, and the
//! sync's place in the inbox moves in the commit that takes them. A crash leaves
//! the place where it was, the delivery is parsed once more, and rows and events
//! that are known already change nothing.
//!
//! A sync has a place of its own, so a connection whose deliveries cannot be taken
//! at present keeps its own bodies and holds up nobody else's. A body is forgotten
//! once every sync that it is for has taken it ([`waiting`]).

pub(crate) mod door;
mod envelope;
mod patch;
pub(crate) mod take;
pub(crate) mod waiting;

pub use door::{DoorCounts, NotReceived, Received};
pub use plugin_api::{Delivery, Refusal, Reply};

use hub_model::{ConnectionId, PositionName, SyncId};
use hub_store::rules::INBOX_POSITION;
use hub_store::{Error, PositionChange, WriteSet};

use self::envelope::Envelope;
use crate::workspace::Workspace;

/// Largest body that is accepted.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How many bodies one step looks at: each may be of [`BODY_BYTES_MAX`].
const STEP_BODIES: usize = 32;

/// Keeps a hint; durable on return.
pub(crate) async fn accept(
    workspace: &Workspace,
    connection: &ConnectionId,
    body: &[u8],
) -> Result<(), Error> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Error::Refused(format!("inbox body larger than {BODY_BYTES_MAX} bytes")));
    }
    keep(workspace, envelope::of_hint(connection, workspace.env.now(), body)?).await
}

async fn keep(workspace: &Workspace, bytes: Vec<u8>) -> Result<(), Error> {
    let set = WriteSet { inbox: vec![bytes], ..WriteSet::default() };
    workspace.commit(set).await?;
    Ok(())
}

/// Where a sync is in the inbox.
fn place_of(sync: &SyncId) -> PositionName {
    PositionName::new(format!("{INBOX_POSITION}/{sync}"))
}

/// The last body that a position says is done, and how the position reads.
async fn done(workspace: &Workspace, name: &PositionName) -> Result<(u64, Option<Vec<u8>>), Error> {
    let kept = workspace.store.position(name).await?;
    let number = kept.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok()?.parse().ok());
    Ok((number.unwrap_or(0), kept))
}

/// The last body that a sync has taken.
pub(crate) async fn taken(workspace: &Workspace, sync: &SyncId) -> Result<u64, Error> {
    Ok(done(workspace, &place_of(sync)).await?.0)
}

fn moved(name: PositionName, expected: Option<Vec<u8>>, to: u64) -> PositionChange {
    PositionChange { name, expected, new: Some(to.to_string().into_bytes()) }
}

/// Whether a body that waits to be taken in holds something. Hints before it hold
/// nothing that is taken from them, and are forgotten.
pub(crate) async fn holds(
    workspace: &Workspace,
    names: impl Fn(&str) -> bool,
) -> Result<bool, Error> {
    let name = PositionName::new(INBOX_POSITION);
    let (forgotten, kept) = done(workspace, &name).await?;
    let (mut after, mut hints) = (forgotten, Some(forgotten));
    let mut held = false;
    while !held {
        let entries = workspace.store.inbox(after, STEP_BODIES).await?;
        let Some(last) = entries.last() else { break };
        after = last.seq;
        for entry in &entries {
            let is_hint = Envelope::open(&entry.body).is_none_or(|it| it.delivery.is_none());
            match hints {
                Some(_) if is_hint => hints = Some(entry.seq),
                Some(until) => {
                    forget(workspace, (&name, &kept), forgotten, until).await?;
                    hints = None;
                }
                None => {}
            }
            held |= hints.is_none() && names(&String::from_utf8_lossy(&entry.body));
        }
    }
    if let Some(until) = hints {
        forget(workspace, (&name, &kept), forgotten, until).await?;
    }
    Ok(held)
}

async fn forget(
    workspace: &Workspace,
    (name, kept): (&PositionName, &Option<Vec<u8>>),
    from: u64,
    until: u64,
) -> Result<(), Error> {
    if until > from {
        let positions = vec![moved(name.clone(), kept.clone(), until)];
        workspace.commit(WriteSet { positions, ..WriteSet::default() }).await?;
    }
    Ok(())
}
