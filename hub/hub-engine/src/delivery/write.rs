//! The write itself: the attempt is durable before the request leaves.

use std::collections::BTreeMap;

use hub_core::planted::{self, Bug};
use hub_model::{CommitSeq, Fault, FaultCode, Object, Priority, Profile, Record, WriteKind};
use hub_store::WriteSet;
use plugin_api::{Action, Outcome, StreamInfo, WriteItem, WriteReport, WriteRequest};

use super::counted;
use super::outcome;
use super::plan::{Plan, Work};
use super::subject;
use crate::budget::{self, Call};
use crate::erasure;
use crate::permission::Permission;
use crate::run::RunContext;
use crate::slices::Slices;

/// Writes what is due, in batches that the stream accepts.
pub(super) async fn write(
    context: &mut RunContext<'_>,
    stream: &StreamInfo,
    plan: Plan,
) -> Result<(), Fault> {
    let (urgent, rest) = taking_back_first(plan.works).into_iter().partition(|it| it.urgent);
    for batch in batches(stream, urgent).into_iter().chain(batches(stream, rest)) {
        context.go_on()?;
        // An attempt that is kept and then not made would have to be looked for.
        budget::ready(context, haste(context, &batch), Call::Write).await?;
        let batch = intend(context, batch, plan.head).await?;
        if !batch.is_empty() {
            send(context, batch).await?;
        }
    }
    Ok(())
}

/// What takes back what it may not have there comes before everything else, and what
/// goes before what comes.
fn taking_back_first(mut works: Vec<Work>) -> Vec<Work> {
    works.sort_by_key(|work| (work.permitted, !work.removes));
    works
}

/// With how much haste a batch is written: a consent that was withdrawn waits for
/// nobody, nor does the word of it.
fn haste(context: &RunContext<'_>, works: &[Work]) -> Priority {
    if works.iter().any(|work| work.urgent) { Priority::Erase } else { context.priority }
}

/// Cuts into batches by items and bytes.
fn batches(stream: &StreamInfo, works: Vec<Work>) -> Vec<Vec<Work>> {
    let items_max = usize::try_from(stream.batch_items_max).unwrap_or(1).max(1);
    let bytes_max = usize::try_from(stream.batch_bytes_max).unwrap_or(usize::MAX).max(1);
    let mut batches: Vec<Vec<Work>> = Vec::new();
    let mut bytes = usize::MAX;
    for work in works {
        let size: usize =
            work.fields.iter().map(|(f, (v, _))| f.as_str().len() + v.size_bytes() + 8).sum();
        match batches.last_mut() {
            Some(batch)
                if batch.len() < items_max
                    && bytes.saturating_add(size) <= bytes_max
                    && !work.alone
                    && !batch.iter().any(|other| other.alone) =>
            {
                bytes += size;
                batch.push(work);
            }
            _ => {
                bytes = size;
                batches.push(vec![work]);
            }
        }
    }
    batches
}

/// Keeps the attempts: from here on their outcome is unknown until it is kept.
/// Whoever left in the meantime, or is not who was planned for, is passed over:
/// the log has an entry about it.
async fn intend(
    context: &RunContext<'_>,
    works: Vec<Work>,
    planned: CommitSeq,
) -> Result<Vec<Work>, Fault> {
    let _guard = context.workspace.decide().await;
    // Consents expire without a commit.
    let mapping = &context.job.mapping;
    let holds = mapping.requires.is_empty() && mapping.segment.is_none();
    let mut works = if holds && context.workspace.head().await? == planned {
        works
    } else {
        still_there(context, works).await?
    };
    let leaving = erasure::leaving(&*context.workspace.store).await?;
    works.retain(|work| work.source.is_some() || !leaving.contains(&work.key.profile));
    let permission = Permission::of(context, std::iter::empty()).await?;
    works.retain(|work| !work.permitted || permission.may_be_told(&work.fields));
    let mut slices = Slices::new(context.workspace, None);
    for work in &works {
        let pending = vec![work.unknown(context, None)];
        slices.push(WriteSet { pending, ..WriteSet::default() }).await?;
    }
    if !planted::is(Bug::AttemptNotKept) {
        slices.flush().await?;
    }
    Ok(works)
}

async fn still_there(context: &RunContext<'_>, works: Vec<Work>) -> Result<Vec<Work>, Fault> {
    let workspace = context.workspace;
    let store = &workspace.store;
    let now = workspace.env.now();
    let mapping = &context.job.mapping;
    if mapping.made_of.is_some() {
        return sources_there(context, works).await;
    }
    let ids: Vec<_> = works.iter().map(|work| work.key.profile).collect();
    let numbers: Vec<_> = works.iter().map(|work| work.for_record).collect();
    let there = store.profiles(&ids).await?.into_iter().zip(store.records(&numbers).await?);
    let permission = Permission::of(context, ids.iter().copied()).await?;
    let same = |(work, (profile, record)): (Work, (Option<Profile>, Option<Record>))| {
        let (profile, record) = (profile?, record?);
        let planned = work.record.as_ref().is_none_or(|planned| {
            (&planned.raw, &planned.identities, planned.deleted)
                == (&record.raw, &record.identities, record.deleted)
        });
        // What takes back needs nobody's consent.
        let permitted = permission.is_given(&profile, &[], now);
        (planned && (permitted || !work.permitted)).then_some(work)
    };
    Ok(works.into_iter().zip(there).filter_map(same).collect())
}

/// The same where objects are made of others: the source is there, its row is what it
/// was planned for, those whose consents count let it, and nothing is referred to that
/// went in the meantime.
async fn sources_there(context: &RunContext<'_>, works: Vec<Work>) -> Result<Vec<Work>, Fault> {
    let workspace = context.workspace;
    let of = (&*workspace.rules, &context.job.mapping);
    let ids: Vec<_> = works.iter().map(|work| work.key.profile).collect();
    let subjects = subject::load(&*workspace.store, of, &ids).await?;
    let permission = Permission::of(context, std::iter::empty()).await?;
    let now = workspace.env.now();
    let same = |work: &Work| {
        let Some(subject) = subjects.get(&work.key.profile) else { return false };
        if work.permitted && !subject.is_permitted(&permission, now) {
            return false;
        }
        let planned = work.record.as_ref().is_none_or(|planned| {
            let found = subject.records.get(&planned.number);
            found.is_some_and(|it| (&planned.raw, planned.deleted) == (&it.raw, it.deleted))
        });
        planned && !work.fields.keys().any(|field| subject.missing(field).is_some())
    };
    Ok(works.into_iter().filter(same).collect())
}

/// Sends one batch and keeps what became of it. Where one bad item fails its
/// whole batch, the batch is halved until the bad item stands alone.
async fn send(context: &mut RunContext<'_>, works: Vec<Work>) -> Result<(), Fault> {
    let mut stack = vec![works];
    while let Some(mut works) = stack.pop() {
        let request = WriteRequest {
            stream: context.job.mapping.stream.stream.clone(),
            items: works.iter().map(item).collect(),
            dry_run: false,
        };
        context.counts.writes += works.len() as u64;
        let call = context.call();
        let haste = haste(context, &works);
        let written = context.job.connector.write(&call, &request);
        match budget::paced_as(context, haste, Call::Write, written).await {
            Ok(report) if report.items() != works.len() => {
                // Counts that do not fit say nothing about any item.
                return Err(Fault::new(FaultCode::ConnectorBug)
                    .at(context.job.id().to_string())
                    .with("items", works.len())
                    .with("outcomes", report.items()));
            }
            Ok(WriteReport::Items(outcomes)) => {
                outcome::keep(context, works.into_iter().zip(outcomes).collect()).await?;
            }
            Ok(WriteReport::Aggregate(counts)) => counted::keep(context, works, counts).await?,
            Err(fault) if is_unknown(fault.code) && planted::is(Bug::UnknownIsDone) => {
                let done = works.into_iter().map(|work| (work, Outcome::Unchanged));
                outcome::keep(context, done.collect()).await?;
                return Err(fault);
            }
            Err(fault) if is_unknown(fault.code) && !planted::is(Bug::UnknownIsNotDone) => {
                return Err(fault);
            }
            Err(fault)
                if is_refusal(fault.code) && works.len() > 1 && !planted::is(Bug::NotHalved) =>
            {
                let rest = works.split_off(works.len() / 2);
                stack.push(rest);
                stack.push(works);
            }
            Err(fault) => {
                // What was refused stands alone now; what else was in its batch is
                // still to be asked. Any other fault is about all of them.
                let ends_the_run = !is_refusal(fault.code);
                if ends_the_run {
                    works.extend(stack.drain(..).flatten());
                }
                let refused = |work| (work, refusal(&fault));
                outcome::keep(context, works.into_iter().map(refused).collect()).await?;
                if ends_the_run {
                    return Err(fault);
                }
            }
        }
    }
    Ok(())
}

/// Whether a failed call may have written something.
pub(crate) fn is_unknown(code: FaultCode) -> bool {
    matches!(
        code,
        FaultCode::Timeout
            | FaultCode::ConnectorBug
            | FaultCode::LimitExceeded
            | FaultCode::Stopping
    )
}

/// Whether a failed call says no to what was asked, and would again.
const fn is_refusal(code: FaultCode) -> bool {
    matches!(code, FaultCode::Rejected | FaultCode::NotSupported)
}

fn refusal(fault: &Fault) -> Outcome {
    if is_refusal(fault.code) {
        return Outcome::Rejected(fault.clone());
    }
    let after_seconds = fault.args.get("after_seconds").and_then(|text| text.parse().ok());
    Outcome::Retry { after_seconds, fault: fault.clone() }
}

fn item(work: &Work) -> WriteItem {
    let attempt = work.attempt();
    let patch: Object =
        attempt.fields.iter().map(|(f, (v, _))| (f.as_str().into(), v.clone())).collect();
    WriteItem {
        action: match work.action() {
            WriteKind::Create => Action::Create,
            WriteKind::Update => Action::Update,
            WriteKind::Delete => Action::Delete,
            WriteKind::Archive => Action::Archive,
        },
        key: work.record.as_ref().map(|record| record.at.key.clone()),
        matching: BTreeMap::new(),
        patch,
        if_version: work.record.as_ref().and_then(|record| record.version.clone()),
        idempotency_key: attempt.idempotency_key.clone(),
        consents: Vec::new(),
        ttl_seconds: None,
    }
}
