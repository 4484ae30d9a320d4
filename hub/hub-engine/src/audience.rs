//! The audience follower: runs right behind intake and keeps its position.
//! There are no segments to evaluate yet, so all it commits is how far
//! membership would be known; delivery of memberships must never run ahead of it.

use hub_model::{Fault, PositionName};
use hub_store::WriteSet;

use crate::follower::{self, Whole};
use crate::workspace::Workspace;

/// About how many log entries one step looks at.
const STEP_ENTRIES: usize = 10_000;

/// The audience follower's position.
pub(crate) fn position() -> PositionName {
    PositionName::new("audience")
}

/// Follows the change log to its head.
pub(crate) async fn follow(workspace: &Workspace) -> Result<(), Fault> {
    loop {
        let guard = workspace.decide().await;
        let stretch =
            follower::next(&*workspace.store, &position(), Whole::Profiles, STEP_ENTRIES).await?;
        if let Some(position) = stretch.position {
            let set = WriteSet { positions: vec![position], ..WriteSet::default() };
            workspace.commit(set).await?;
        }
        drop(guard);
        if stretch.at_end {
            return Ok(());
        }
    }
}
