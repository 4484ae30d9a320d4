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

use std::borrow::Cow;
use std::collections::BTreeSet;

use hub_core::planted::{self, Bug};
use hub_core::sync::{self, Birth};
use hub_model::{
    Fault, FaultCode, Object, Pending, PendingKey, PendingState, ProfileId, Record, RecordNo,
    RecordRef, Stamp, SyncId, Timestamp, Word, WriteEnd,
};
use hub_store::{Error, Store, WriteSet};
use plugin_api::{Aggregate, JobState, Outcome, WriteReport};

use super::became::{became, counted, failed, still_running, unknown};
use super::{Question, open_creates, updated};
use crate::budget::Call;
use crate::conclude::{Changed, conclude};
use crate::delivery::{Count, wait_micros};
use crate::ledger::{Attempted, Ledger};
use crate::retry;
use crate::run::RunContext;
use crate::slices::Slices;
use crate::waiting;

/// How a job stands, as far as its items are concerned.
enum Said {
    Running(Option<u32>),
    Done(Vec<Outcome>),
    Counted(Aggregate),
    Failed(Fault),
    /// Nobody knows it any more, or what is said of it does not fit its items.
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
                let said = ask(context, job, items).await?;
                conclude_job(context, items, &said).await?
            }
            _ => items.to_vec(),
        };
        for item in items.into_iter().filter(|item| item.state == PendingState::Unknown) {
            match (item.job(), item.key.record) {
                (None, _) => rest.push(item),
                (Some(_), Some(_)) => context.note_open(item),
                // A page may show what it makes before it says so.
                (Some(_), None) => context.open_creates.push(item),
            }
        }
    }
    Ok(rest)
}

/// Its place among the items that its job was given.
fn place(pending: &Pending) -> usize {
    match &pending.word {
        Some(Word::Accepted { place, .. }) => usize::try_from(*place).unwrap_or(usize::MAX),
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

async fn ask(context: &RunContext<'_>, job: &str, items: &[Pending]) -> Result<Said, Fault> {
    let call = context.call();
    let poll = || context.job.connector.poll_job(&call, job);
    Ok(match retry::reading(context, Call::PollJob, poll).await {
        Ok(JobState::Running { poll_after_seconds }) => Said::Running(Some(poll_after_seconds)),
        // Counts that do not fit say nothing about any item.
        Ok(JobState::Done(report)) if items.iter().any(|it| place(it) >= report.items()) => {
            tracing::warn!(run = %context.id, job, items = report.items(), "a job told of too few");
            Said::Lost
        }
        Ok(JobState::Done(WriteReport::Items(outcomes))) => Said::Done(outcomes),
        Ok(JobState::Done(WriteReport::Aggregate(counts))) => Said::Counted(counts),
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
    if let Said::Counted(counts) = said {
        context.counts.counted += u64::from(counts.received);
        context.counts.counted_invalid += u64::from(counts.invalid);
    }
    let mut next = Vec::with_capacity(items.len());
    let mut ledger = Ledger::of(context, items.iter().map(|it| it.key.profile).collect()).await?;
    let mut slices = Slices::new(context.workspace, None);
    for item in items {
        let retry_at = now.plus_micros(wait_micros(context, item.tries, None));
        let counts = &mut context.counts;
        let item = match said {
            Said::Running(asked) => still_running(item.clone(), *asked, now),
            Said::Done(outcomes) => {
                let at = place(item) + usize::from(planted::is(Bug::AnswersShifted));
                let outcome = outcomes.get(at).unwrap_or(&Outcome::Unknown);
                became(item.clone(), outcome, now, retry_at, counts)
            }
            Said::Counted(told) => counted(item.clone(), Count::of(*told), now, counts),
            Said::Failed(fault) => {
                let alone = items.len() == 1;
                failed(item.clone(), fault, alone, now, retry_at, counts)
            }
            Said::Lost => unknown(item.clone(), now),
        };
        if matches!(said, Said::Lost) && planted::is(Bug::ForgottenIsDone) {
            slices.push(WriteSet { settled: vec![item.key], ..WriteSet::default() }).await?;
            continue;
        }
        if let (PendingState::Rejected, Some(fault)) = (item.state, &item.fault) {
            let keeps_values = super::is_kept(context, &item).await?;
            ledger.refuse(
                Attempted::of(&item, keeps_values, context.job.mapping.deletes),
                None,
                fault.code,
            );
        }
        // While the job was under way nothing else was planned for its row, whatever
        // became golden: deliveries have to look. What is tried again comes back by
        // itself, unless its row is somebody else's by now.
        let mut looks = match item.state {
            PendingState::Unknown => BTreeSet::new(),
            _ => owners(&*context.workspace.store, &item.key).await?,
        };
        if item.state == PendingState::Retry {
            looks.remove(&item.key.profile);
        }
        let set = WriteSet {
            pending: vec![item.clone()],
            written: ledger.take_entries(),
            changes: looks.into_iter().map(updated).collect(),
            ..WriteSet::default()
        };
        slices.push(set).await?;
        next.push(item);
    }
    slices.flush().await?;
    Ok(next)
}

/// Whom a delivery is about: the profile that it was planned for, and the one that its
/// record is part of now.
async fn owners(store: &dyn Store, key: &PendingKey) -> Result<BTreeSet<ProfileId>, Error> {
    let number: Vec<RecordNo> = key.record.into_iter().collect();
    let record = store.records(&number).await?.into_iter().flatten().next();
    let owner = record.filter(|record| !record.is_object()).map(|record| record.profile);
    Ok(owner.into_iter().chain([key.profile]).collect())
}

/// A record as it is known before its row is read, if something is under way that may
/// have come to it: what shows that is our own word. Read as somebody's it would come
/// back to its source.
pub(crate) fn own<'a>(
    context: &RunContext<'_>,
    record: &'a Record,
    row: &Object,
) -> Cow<'a, Record> {
    let mut known = Cow::Borrowed(record);
    if planted::is(Bug::JobEchoRead) {
        return known;
    }
    let changes = context.open_changes.get(&record.number).into_iter().flatten();
    for open in changes.chain(open_creates::over(context, row)) {
        let settled = sync::settle_echo(&known, &open.attempt, row, &context.job.mapping);
        if settled != *known {
            known = Cow::Owned(settled);
        }
    }
    known
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
                let owner = question.owner.as_ref();
                if let Some((owner, for_record)) = owner.and_then(|o| Some((o, o.for_record?))) {
                    counters.record += 1;
                    let birth = Birth {
                        number: RecordNo(counters.record),
                        stamp: Stamp(counters.stamp),
                        at: RecordRef { stream: mapping.stream.clone(), key },
                        for_record,
                        profile: owner.profile,
                        run: context.id.clone(),
                    };
                    let record = owner.own(sync::created(birth, attempt, None, None, mapping));
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
