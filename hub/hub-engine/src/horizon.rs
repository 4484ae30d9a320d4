//! The horizon of history: how far back the store tells what profiles were.
//!
//! It follows the clock in steps of a sweep, so that nobody's commit has to look at
//! it; the store never lets it go back. The ledger of writes loses what is over in
//! the same steps.

use hub_model::{PositionName, Timestamp};
use hub_store::{Error, PositionChange, WriteSet};

use crate::ledger;
use crate::sweep::SWEEP_SECONDS_MAX;
use crate::workspace::Workspace;

/// Moves it, if it is time.
pub(crate) async fn follow(workspace: &Workspace) -> Result<(), Error> {
    let name = PositionName::new("history");
    let now = workspace.env.now();
    let expected = workspace.store.position(&name).await?;
    let kept = expected.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
    let last: Option<i64> = kept.and_then(|text| text.parse().ok());
    let due = |last| Timestamp(last).plus_seconds(SWEEP_SECONDS_MAX) <= now;
    if last.is_some_and(|last| !due(last)) {
        return Ok(());
    }
    ledger::forget_old(workspace).await?;
    let new = Some(now.0.to_string().into_bytes());
    let set = WriteSet {
        history_from: Some(workspace.rules.history.keep.before(now)),
        positions: vec![PositionChange { name, expected, new }],
        ..WriteSet::default()
    };
    workspace.commit(set).await.map(|_| ())
}
