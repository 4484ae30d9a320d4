//! Jobs of vendors that take a write in and do it later: asked for until they say
//! what became of each item, or until they are given up.
//!
//! The attempt stays open all the while: nothing else is written to its row, and a
//! row of a page that shows it is our echo. What a job wrote is read back like any
//! write whose outcome is unknown, with one difference: the vendor's form of it
//! counts as delivered, since the vendor has said so. A vendor at which nothing can
//! be read back is taken at its word.
//!
//! Nothing here is remembered outside the store: a process that starts anew asks on.

use std::collections::BTreeMap;
use std::sync::Arc;

use hub_core::quality::StreamRules;
use hub_core::sync::{self, Birth};
use hub_model::{
    Fault, FaultCode, Pending, PendingState, Record, RecordNo, RecordRef, RemoteKey, Stamp, SyncId,
    Timestamp, Word, WriteEnd,
};
use hub_store::{Error, Store, WriteSet};
use plugin_api::page::ItemResult;
use plugin_api::{ItemChange, JobState, Outcome, WriteReport};

use super::Question;
use super::became::{became, failed, still_running, unknown};
use crate::budget::Call;
use crate::conclude::{Changed, conclude};
use crate::delivery::wait_micros;
use crate::ledger::{Attempted, Ledger};
use crate::reading;
use crate::retry;
use crate::run::RunContext;
use crate::slices::Slices;
use crate::waiting;

/// How a job stands, as far as its items are concerned.
enum Said {
    Running(Option<u32>),
    Done(WriteReport),
    Failed(Fault),
    /// Nobody knows it any more.
    Lost,
}

/// Asks for the jobs of open attempts whose time it is. Returns what is to be read
/// back now; what still runs is set aside.
pub(super) async fn poll(
    context: &mut RunContext<'_>,
    unknown: Vec<Pending>,
) -> Result<Vec<Pending>, Fault> {
    let (mut accepted, mut rest): (Vec<Pending>, Vec<Pending>) =
        unknown.into_iter().partition(|pending| pending.job().is_some());
    accepted.sort_by(|a, b| (a.job(), place(a)).cmp(&(b.job(), place(b))));
    for items in accepted.chunk_by(|a, b| a.job() == b.job()) {
        context.go_on()?;
        let now = context.workspace.env.now();
        let items = match items.first().and_then(Pending::job) {
            Some(job) if !items.iter().all(|item| waits(item, now)) => {
                let said = ask(context, job).await?;
                conclude_job(context, items, &said).await?
            }
            _ => items.to_vec(),
        };
        for item in items.into_iter().filter(|item| item.state == PendingState::Unknown) {
            match (item.job(), item.key.record) {
                (None, _) => rest.push(item),
                (Some(_), Some(_)) => context.open_jobs.push(item),
                // A page may show what it makes before it says so.
                (Some(_), None) => context.open_creates.push(item),
            }
        }
    }
    Ok(rest)
}

fn place(pending: &Pending) -> u32 {
    match &pending.word {
        Some(Word::Accepted { place, .. }) => *place,
        _ => 0,
    }
}

/// Whether it is too early to ask. Not where the clock was set back: what it said
/// then says nothing now.
fn waits(pending: &Pending, now: Timestamp) -> bool {
    match &pending.word {
        Some(Word::Accepted { since, .. }) => *since <= now && now < pending.due,
        _ => false,
    }
}

async fn ask(context: &RunContext<'_>, job: &str) -> Result<Said, Fault> {
    let call = context.call();
    let poll = || context.job.connector.poll_job(&call, job);
    Ok(match retry::reading(context, Call::PollJob, poll).await {
        Ok(JobState::Running { poll_after_seconds }) => Said::Running(Some(poll_after_seconds)),
        Ok(JobState::Done(report)) => Said::Done(report),
        Ok(JobState::Failed(fault)) => Said::Failed(fault),
        Err(fault) if matches!(fault.code, FaultCode::NotFound | FaultCode::NotSupported) => {
            Said::Lost
        }
        Err(fault) if fault.code == FaultCode::Stopping || waiting::is_waited_out(fault.code) => {
            return Err(fault);
        }
        Err(fault) => {
            tracing::warn!(run = %context.id, job, %fault, "a job could not be asked for");
            Said::Running(None)
        }
    })
}

/// Keeps what a job said of its items; returns them as they are now.
async fn conclude_job(
    context: &mut RunContext<'_>,
    items: &[Pending],
    said: &Said,
) -> Result<Vec<Pending>, Fault> {
    let now = context.workspace.env.now();
    if let Said::Done(WriteReport::Aggregate(counts)) = said {
        context.counts.counted += items.len() as u64;
        context.counts.counted_invalid += u64::from(counts.invalid);
    }
    let mut next = Vec::with_capacity(items.len());
    let mut ledger = Ledger::of(context, items.iter().map(|it| it.key.profile).collect()).await?;
    let mut slices = Slices::new(context.workspace, None);
    for item in items {
        let retry_at = now.plus_micros(wait_micros(context, item.tries, None));
        let outcome = match said {
            Said::Done(WriteReport::Items(outcomes)) => {
                let at = usize::try_from(place(item)).unwrap_or(usize::MAX);
                Some(outcomes.get(at))
            }
            _ => None,
        };
        let item = match (said, outcome) {
            (_, Some(outcome)) => {
                let outcome = outcome.unwrap_or(&Outcome::Unknown);
                became(item.clone(), outcome, now, retry_at, &mut context.counts)
            }
            (Said::Running(asked), _) => still_running(item.clone(), *asked, now),
            (Said::Failed(fault), _) => {
                let alone = items.len() == 1;
                failed(item.clone(), fault, alone, now, retry_at, &mut context.counts)
            }
            (Said::Done(_), _) => Pending { word: Some(Word::Counted), ..item.clone() },
            (Said::Lost, _) => unknown(item.clone()),
        };
        if let (PendingState::Rejected, Some(fault)) = (item.state, &item.fault) {
            let keeps_values = super::is_kept(context, &item).await?;
            ledger.refuse(
                Attempted::of(&item, keeps_values, context.job.mapping.deletes),
                None,
                fault.code,
            );
        }
        let (pending, written) = (vec![item.clone()], ledger.take_entries());
        slices.push(WriteSet { pending, written, ..WriteSet::default() }).await?;
        next.push(item);
    }
    slices.flush().await?;
    Ok(next)
}

/// Knows our own values again in rows whose job has not ended: read as somebody's
/// word they would come back to their source.
pub(super) async fn recognise(
    context: &RunContext<'_>,
    rules: &Arc<StreamRules>,
    items: &[ItemResult],
) -> Result<(), Fault> {
    if context.open_jobs.is_empty() {
        return Ok(());
    }
    let rows: BTreeMap<&RemoteKey, &plugin_api::Row> = items
        .iter()
        .flatten()
        .filter_map(|item| match &item.change {
            ItemChange::Upsert(row) => Some((&item.key, row)),
            _ => None,
        })
        .collect();
    let workspace = context.workspace;
    let _guard = workspace.decide().await;
    let numbers: Vec<RecordNo> = context.open_jobs.iter().filter_map(|p| p.key.record).collect();
    let records = workspace.store.records(&numbers).await?;
    let mut changed = Vec::new();
    for (pending, record) in context.open_jobs.iter().zip(records) {
        let Some(record) = record else { continue };
        let Some(Ok(row)) = rows.get(&record.at.key).map(|row| row.fields()) else { continue };
        let row = reading::comparable(rules, &row);
        let settled = sync::settle_echo(&record, &pending.attempt, &row, &context.job.mapping);
        if settled != record {
            changed.push(Changed::States(settled));
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let mut set = WriteSet::default();
    conclude(workspace, changed, &mut set).await?;
    workspace.commit(set).await?;
    Ok(())
}

/// Takes a vendor at its word at which nothing can be read back. Returns the
/// questions about which it said nothing.
pub(super) async fn take_at_word<'a>(
    context: &RunContext<'_>,
    questions: Vec<Question<'a>>,
) -> Result<Vec<Question<'a>>, Fault> {
    let workspace = context.workspace;
    let _guard = workspace.decide().await;
    let mut counters = workspace.store.counters().await?;
    let profiles = questions.iter().map(|question| question.pending.key.profile);
    let mut ledger = Ledger::of(context, profiles.collect()).await?;
    let mut set = WriteSet::default();
    let mut changed = Vec::new();
    let mut rest = Vec::new();
    for mut question in questions {
        let Some(word) = question.pending.word.clone() else {
            if question.record.is_some() {
                // Nothing is known of its row: that it is gone neither.
                question.key = None;
            }
            rest.push(question);
            continue;
        };
        counters.stamp += 1;
        let (attempt, mapping) = (&question.pending.attempt, &context.job.mapping);
        let at_word = |record: &Record| {
            if attempt.fields.is_empty() {
                let stamp = Stamp(counters.stamp);
                return Changed::Deleted(sync::observe_deleted(record, stamp, &context.id));
            }
            let version = record.version.as_deref();
            Changed::States(sync::delivered(record, attempt, None, version, mapping))
        };
        let attempted = Attempted::of(question.pending, question.keeps_values, mapping.deletes);
        let end = if word == Word::Counted { WriteEnd::Counted } else { WriteEnd::Made };
        match (&question.record, word) {
            (Some(record), _) => {
                let change = at_word(record);
                ledger.end(attempted, end, Some(record), Some(change.record()));
                changed.push(change);
            }
            (None, Word::Written { key: Some(key) }) => {
                let owner = question.profile.as_ref().zip(question.for_record);
                if let Some((profile, for_record)) = owner {
                    counters.record += 1;
                    let birth = Birth {
                        number: RecordNo(counters.record),
                        stamp: Stamp(counters.stamp),
                        at: RecordRef { stream: mapping.stream.clone(), key },
                        for_record,
                        profile: profile.id,
                        run: context.id.clone(),
                    };
                    let record = sync::created(birth, attempt, None, None, mapping);
                    ledger.end(attempted, end, None, Some(&record));
                    changed.push(Changed::Created(record));
                }
            }
            // Made, under a key that nobody knows.
            (None, _) => ledger.end(attempted, end, None, None),
        }
        set.settled.push(question.pending.key.clone());
    }
    if !set.is_empty() {
        set.counters = Some(counters);
        set.written = ledger.into_entries();
        conclude(workspace, changed, &mut set).await?;
        workspace.commit(set).await?;
    }
    Ok(rest)
}

/// When the next job of a sync is to be asked for.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn next(store: &dyn Store, sync: &SyncId) -> Result<Option<Timestamp>, Error> {
    let open = store.pending(sync, Timestamp(i64::MAX), usize::MAX).await?;
    Ok(open.iter().filter(|pending| pending.job().is_some()).map(|pending| pending.due).min())
}
