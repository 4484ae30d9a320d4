//! Vendors that only count what they took in, and never say which item failed.
//!
//! The run says so in its own counts. Where everything was taken in, known rows
//! count as written and new ones are looked for. Where nothing was, everything is
//! rejected. Where some of it was, nobody knows which: it is read back, and what
//! does not show goes once more, each item by itself, so that the count of a batch
//! of one says what became of it.

use hub_core::planted::{self, Bug};
use hub_model::{Fault, FaultCode, Pending, Word};
use hub_store::WriteSet;
use plugin_api::{Aggregate, Outcome};

use super::outcome;
use super::plan::Work;
use crate::run::RunContext;
use crate::slices::Slices;

/// What counts say of the items of a batch.
pub(crate) enum Count {
    /// All were taken in.
    All,
    /// Some were, and nobody knows which. The fault lets each go by itself.
    Some(Fault),
    /// None was.
    None(Fault),
}

impl Count {
    pub fn of(counts: Aggregate) -> Self {
        let fault = Fault::new(FaultCode::Rejected).with("invalid", counts.invalid);
        match counts.invalid {
            0 => Self::All,
            _ if planted::is(Bug::CountedIsDone) => Self::All,
            invalid if invalid >= counts.received => Self::None(fault),
            _ => Self::Some(fault.with("alone", true)),
        }
    }
}

/// Keeps the counts of a batch.
pub(super) async fn keep(
    context: &mut RunContext<'_>,
    mut works: Vec<Work>,
    counts: Aggregate,
) -> Result<(), Fault> {
    context.counts.counted += works.len() as u64;
    context.counts.counted_invalid += u64::from(counts.invalid);
    works.iter_mut().for_each(|work| work.counted = true);
    match Count::of(counts) {
        Count::All => {
            let (creates, known): (Vec<Work>, Vec<Work>) =
                works.into_iter().partition(|work| work.record.is_none());
            let done = known.into_iter().map(|work| (work, Outcome::Unchanged));
            outcome::keep(context, done.collect()).await?;
            look_for(context, creates, None).await
        }
        Count::Some(fault) => look_for(context, works, Some(fault)).await,
        Count::None(fault) => {
            let refused = |work| (work, Outcome::Rejected(fault.clone()));
            outcome::keep(context, works.into_iter().map(refused).collect()).await
        }
    }
}

/// Leaves writes open, to be read back.
async fn look_for(
    context: &mut RunContext<'_>,
    works: Vec<Work>,
    fault: Option<Fault>,
) -> Result<(), Fault> {
    let mut slices = Slices::new(context.workspace, None);
    for work in works {
        let pending = open(work.unknown(context, None), fault.as_ref());
        context.note_open(pending.clone());
        slices.push(WriteSet { pending: vec![pending], ..WriteSet::default() }).await?;
    }
    slices.flush().await?;
    Ok(())
}

/// An attempt whose batch was counted, to be read back. With a fault nobody knows
/// whether it was taken in; a create counts as taken in all the same where nothing
/// can be read back, since it may make a second row when it is made again.
pub(crate) fn open(pending: Pending, fault: Option<&Fault>) -> Pending {
    let is_taken = fault.is_none() || pending.key.record.is_none();
    Pending { word: is_taken.then_some(Word::Counted), fault: fault.cloned(), ..pending }
}
