//! Vendors that only count what they took in, and never say which item failed.
//!
//! The run says so in its own counts; what became of each item is assumed for rows
//! that are known, and looked for where a row was to be created.

use hub_model::{Fault, Pending, PendingState, Word};
use hub_store::WriteSet;
use plugin_api::{Aggregate, Outcome};

use super::outcome;
use super::plan::Work;
use crate::run::RunContext;
use crate::slices::Slices;

/// Keeps the counts of a batch.
pub(super) async fn keep(
    context: &mut RunContext<'_>,
    mut works: Vec<Work>,
    counts: Aggregate,
) -> Result<(), Fault> {
    context.counts.counted += works.len() as u64;
    context.counts.counted_invalid += u64::from(counts.invalid);
    works.iter_mut().for_each(|work| work.counted = true);
    let (creates, known): (Vec<Work>, Vec<Work>) =
        works.into_iter().partition(|work| work.record.is_none());
    outcome::keep(context, known.into_iter().map(|work| (work, Outcome::Unchanged)).collect())
        .await?;
    let due = context.workspace.env.now();
    let mut slices = Slices::new(context.workspace, None);
    for work in creates {
        let pending = vec![Pending {
            attempt: work.attempt().clone(),
            key: work.key,
            state: PendingState::Unknown,
            run: Some(context.id.clone()),
            tries: work.tries + 1,
            due,
            fault: None,
            word: Some(Word::Counted),
        }];
        slices.push(WriteSet { pending, ..WriteSet::default() }).await?;
    }
    slices.flush().await?;
    Ok(())
}
