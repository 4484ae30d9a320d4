//! What a delivery will take of its account's budgets, told before it begins.

use hub_model::{Fault, Forecast, PlanCounts, Priority, Run};
use hub_schedule::budget::forecast;
use hub_store::WriteSet;
use plugin_api::StreamInfo;

use super::book::Of;
use super::{Call, know};
use crate::run::{Event, RunContext};

/// Calls that a delivery takes, kind by kind.
fn calls(stream: &StreamInfo, matching: usize, counts: &PlanCounts) -> [(Call, u64); 3] {
    let batches = |rows: u64| rows.div_ceil(u64::from(stream.batch_items_max.max(1)));
    let looked_at = if stream.conditional_writes { 0 } else { batches(counts.updates) };
    // A row may be looked for by each of the fields that can find it.
    let searched = batches(counts.creates) * matching.max(1) as u64;
    let written = batches(counts.creates + counts.updates + counts.deletes);
    [(Call::Discover, 1), (Call::Lookup, searched + looked_at), (Call::Write, written)]
}

/// What the writes of a plan take; `None` where no budget counts calls.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn of_plan(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    counts: &PlanCounts,
) -> Result<Option<Forecast>, Fault> {
    let calls = calls(stream, context.job.mapping.matching.len(), counts);
    let kinds = calls.map(|(call, number)| (Of::new(context.job, call), number));
    for (of, _) in &kinds {
        know(context, of).await?;
    }
    let now = context.workspace.env.now();
    let book = context.workspace.budgets.book();
    let mut rows: Vec<(&_, &_, u64)> = Vec::new();
    for (of, number) in &kinds {
        for (budget, spent) in book.spent(of) {
            match rows.iter_mut().find(|(other, ..)| std::ptr::eq(*other, budget)) {
                Some((.., sum)) => *sum += number,
                None => rows.push((budget, spent, *number)),
            }
        }
    }
    let all: u64 = kinds.iter().map(|(_, number)| number).sum();
    let one_micros = kinds.first().map_or(0, |(of, _)| book.call_micros(of));
    let alone_micros = i64::try_from(all).unwrap_or(i64::MAX).saturating_mul(one_micros);
    Ok(forecast(now, rows, context.priority, alone_micros))
}

/// Tells what a first delivery will take, from the people that are known: each may
/// be a row to create.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn announce(
    context: &mut RunContext<'_>,
    stream: &StreamInfo,
) -> Result<(), Fault> {
    let store = &context.workspace.store;
    if store.position(&context.job.delivery_position()).await?.is_some() {
        return Ok(());
    }
    context.priority = context.priority.max(Priority::Backfill);
    if context.job.mapping.made_of.is_some() {
        // How many objects fulfil what is asked of them only a plan says.
        return Ok(());
    }
    let creates = store.stats().await?.profiles;
    let counts = PlanCounts { creates, ..PlanCounts::default() };
    context.forecast = of_plan(context, stream, &counts).await?;
    let Some(told) = context.forecast else { return Ok(()) };
    tracing::info!(
        run = %context.id, calls = told.calls, percent = told.percent, ends = %told.ends,
        "a first delivery begins"
    );
    if let Some(run) = store.run(&context.id).await? {
        let run = Run { forecast: Some(told), counts: context.counts, ..run };
        let runs = vec![run.clone()];
        context.workspace.commit(WriteSet { runs, ..WriteSet::default() }).await?;
        context.workspace.tell(Event::Started(run));
    }
    Ok(())
}
