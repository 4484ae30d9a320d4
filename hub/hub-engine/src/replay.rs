//! Replaying quarantine: rows that were rejected are judged once more, by the
//! rules of today.
//!
//! A row that passes is taken in like any other and leaves quarantine; one that
//! does not stays, with the reason of today. A row waits there only while
//! nothing newer was accepted under its key, so a replay never brings back what
//! is out of date.

use std::collections::BTreeSet;

use hub_model::{Fault, Object, Quarantined, RemoteKey};
use plugin_api::{Item, ItemChange};

use crate::reading;
use crate::run::RunContext;
use crate::slice;

/// Rows of quarantine looked at per step.
const STEP_ROWS: usize = 500;

/// Replays the rows of the run's stream: all of them, or the one of a key.
pub(crate) async fn replay(
    context: &mut RunContext<'_>,
    key: Option<&RemoteKey>,
) -> Result<(), Fault> {
    let rules = reading::row_rules(context).await?;
    let mut tried: BTreeSet<RemoteKey> = BTreeSet::new();
    let mut after = 0;
    loop {
        context.go_on()?;
        let rows = context.workspace.store.quarantined(after, STEP_ROWS).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let looked_at = rows.len();
        let mut readings = Vec::new();
        for row in rows {
            // A row that stays is met again, at another place.
            if let Some(item) = item(context, row, key)
                && tried.insert(item.key.clone())
            {
                context.counts.read += 1;
                readings.push(reading::check_row(context, &rules, item));
            }
        }
        // Accepted rows leave; those after them move up.
        let before = context.counts.quarantined;
        let replayed = readings.len();
        for readings in slice::cut(readings) {
            slice::apply(context, readings, None).await?;
        }
        let stay = usize::try_from(context.counts.quarantined - before).unwrap_or(replayed);
        after += looked_at - replayed.saturating_sub(stay);
        context.report();
    }
}

/// The row as it was read, if it is one of those asked for and whole. A row
/// without a key, or cut because it was too long, cannot be replayed: its system
/// has to show it again.
fn item(context: &RunContext<'_>, row: Quarantined, key: Option<&RemoteKey>) -> Option<Item> {
    let own = row.key.filter(|own| key.is_none_or(|key| key == own))?;
    if row.stream != context.job.mapping.stream {
        return None;
    }
    let object: Object = serde_json::from_str(&row.raw).ok()?;
    Some(Item { key: own, change: ItemChange::Upsert(object.into()), version: None, time: None })
}
