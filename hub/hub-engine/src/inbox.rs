//! The inbox: what systems push is durable before they are answered. A pushed
//! body is a hint, never data: it makes the syncs of its connection run soon,
//! and their ordinary reading finds what changed.

use std::collections::BTreeSet;

use hub_model::{ConnectionId, PositionName, Timestamp};
use hub_store::{Error, PositionChange, WriteSet};
use serde::{Deserialize, Serialize};

use crate::workspace::Workspace;

/// Largest body that is accepted.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How many bodies one step looks at.
const STEP_BODIES: usize = 1_000;

#[derive(Serialize, Deserialize)]
struct Envelope {
    connection: ConnectionId,
    at: Timestamp,
    body: String,
}

/// Keeps a body; durable on return.
pub(crate) async fn accept(
    workspace: &Workspace,
    connection: &ConnectionId,
    body: &[u8],
) -> Result<(), Error> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Error::Refused(format!("inbox body larger than {BODY_BYTES_MAX} bytes")));
    }
    let envelope = Envelope {
        connection: connection.clone(),
        at: workspace.env.now(),
        body: String::from_utf8_lossy(body).into_owned(),
    };
    let bytes = serde_json::to_vec(&envelope).map_err(|e| Error::Refused(e.to_string()))?;
    let set = WriteSet { inbox: vec![bytes], ..WriteSet::default() };
    workspace.commit(set).await?;
    Ok(())
}

/// The connections that pushed something since the last call. Their runs are
/// only wanted, not done, when this returns; a crash in between is mended by
/// the schedule, which is why a hint needs no more than this.
pub(crate) async fn follow(workspace: &Workspace) -> Result<BTreeSet<ConnectionId>, Error> {
    let name = PositionName::new("inbox");
    let mut connections = BTreeSet::new();
    loop {
        let kept = workspace.store.position(&name).await?;
        let after = kept
            .as_deref()
            .and_then(|bytes| std::str::from_utf8(bytes).ok()?.parse().ok())
            .unwrap_or(0);
        let entries = workspace.store.inbox(after, STEP_BODIES).await?;
        let Some(last) = entries.last() else { return Ok(connections) };
        let new = Some(last.seq.to_string().into_bytes());
        for entry in &entries {
            if let Ok(envelope) = serde_json::from_slice::<Envelope>(&entry.body) {
                connections.insert(envelope.connection);
            }
        }
        let position = PositionChange { name: name.clone(), expected: kept, new };
        let set = WriteSet { positions: vec![position], ..WriteSet::default() };
        workspace.commit(set).await?;
    }
}
