//! Telling a destination what to take back.
//!
//! To delete what is deleted and to clear what is cleared changes nothing, so an
//! answer that got lost is asked for again by doing it again.

use std::collections::BTreeMap;

use hub_model::{Fault, FaultCode, Object, Priority, Timestamp};
use hub_schedule::backoff;
use hub_store::WriteSet;
use plugin_api::{Action as Do, Found, LookupKey, Outcome, WriteItem, WriteReport, WriteRequest};

use super::is_about;
use super::job::{self, Action, Erasure, Removal, Told};
use crate::budget::{self, Call};
use crate::delivery::find;
use crate::reading;
use crate::run::RunContext;

/// First wait before a row is told again.
const WAIT_MICROS_FIRST: i64 = 15 * 1_000_000;
/// Longest wait before a row is told again.
const WAIT_MICROS_MAX: i64 = 3_600 * 1_000_000;

/// Tells the run's system everything that it has to take back.
pub(crate) async fn tell(context: &mut RunContext<'_>) -> Result<(), Fault> {
    let store = std::sync::Arc::clone(&context.workspace.store);
    context.priority = Priority::Erase;
    for id in job::open(&*store).await? {
        let Some(erasure) = job::read(&*store, id).await? else { continue };
        if is_about(&erasure, context.job.id()) {
            tell_of(context, erasure).await?;
        }
    }
    Ok(())
}

async fn tell_of(context: &mut RunContext<'_>, mut erasure: Erasure) -> Result<(), Fault> {
    let stream = reading::stream_info(context).await?;
    let step = usize::try_from(stream.batch_items_max).unwrap_or(1).max(1);
    let now = context.workspace.env.now();
    let sync = context.job.id().clone();
    let waiting: Vec<usize> = (0..)
        .zip(&erasure.telling.removals)
        .filter(|(_, removal)| {
            let receipt = &removal.receipt;
            receipt.sync == sync && receipt.told == Told::Queued && removal.due <= now
        })
        .map(|(place, _)| place)
        .collect();
    for places in waiting.chunks(step) {
        context.go_on()?;
        let items = places.iter().filter_map(|place| {
            let removal = erasure.telling.removals.get(*place)?;
            Some(item(removal, format!("erasure-{}-{place}", erasure.id)))
        });
        let request = WriteRequest {
            stream: context.job.mapping.stream.stream.clone(),
            items: items.collect(),
            dry_run: false,
        };
        context.counts.writes += request.items.len() as u64;
        let call = context.call();
        let write = context.job.connector.write(&call, &request);
        let answer = budget::paced(context, Call::Write, write).await;
        let (outcomes, broken) = match answer {
            Ok(WriteReport::Items(outcomes)) if outcomes.len() == places.len() => (outcomes, None),
            Ok(WriteReport::Aggregate(_)) => (vec![Outcome::Unchanged; places.len()], None),
            Ok(WriteReport::Items(_)) => {
                let fault = Fault::new(FaultCode::ConnectorBug).with("items", places.len());
                (vec![Outcome::Unknown; places.len()], Some(fault))
            }
            Err(fault) if matches!(fault.code, FaultCode::Rejected | FaultCode::NotSupported) => {
                (vec![Outcome::Rejected(fault); places.len()], None)
            }
            Err(fault) => (vec![Outcome::Unknown; places.len()], Some(fault)),
        };
        for (place, outcome) in places.iter().zip(outcomes) {
            let Some(removal) = erasure.telling.removals.get_mut(*place) else { continue };
            let told = became(context, &stream, removal, outcome).await?;
            note(context, removal, told);
        }
        keep(context, &mut erasure).await?;
        if let Some(fault) = broken {
            return Err(fault);
        }
    }
    Ok(())
}

/// What became of a row, or why it is told again later.
async fn became(
    context: &RunContext<'_>,
    stream: &plugin_api::StreamInfo,
    removal: &mut Removal,
    outcome: Outcome,
) -> Result<Result<Told, Option<Fault>>, Fault> {
    Ok(match outcome {
        Outcome::Created { .. }
        | Outcome::Updated { .. }
        | Outcome::Unchanged
        | Outcome::Deleted => Ok(Told::Done),
        Outcome::Rejected(fault) => {
            removal.receipt.fault = Some(fault);
            Ok(Told::Refused)
        }
        Outcome::Retry { fault, .. } => Err(Some(fault)),
        Outcome::Unknown | Outcome::DuplicateOf(_) => Err(None),
        // It was taken in, perhaps not for the first time; it moved, or it is not
        // there any more.
        met @ (Outcome::Accepted { .. } | Outcome::Conflict) => {
            let fault = (met == Outcome::Conflict).then(|| Fault::new(FaultCode::Conflict));
            let Some(key) = removal.key.clone() else { return Ok(Ok(Told::Done)) };
            match find(context, stream, &[LookupKey::Key(key)]).await?.pop() {
                Some(Found::None) => Ok(Told::Done),
                Some(Found::One(row)) => {
                    removal.version = row.version;
                    Err(fault)
                }
                _ => Err(fault),
            }
        }
    })
}

fn note(context: &RunContext<'_>, removal: &mut Removal, told: Result<Told, Option<Fault>>) {
    let now = context.workspace.env.now();
    removal.receipt.at = Some(now);
    match told {
        Ok(told) => {
            // The receipt stays; what it was about does not.
            removal.receipt.told = told;
            removal.key = None;
            removal.version = None;
            removal.fields = BTreeMap::new();
        }
        Err(fault) => {
            let seed = context.workspace.env.random();
            let wait = backoff(removal.tries, seed, WAIT_MICROS_FIRST, WAIT_MICROS_MAX);
            removal.tries += 1;
            removal.due = Timestamp(now.0.saturating_add(wait));
            removal.receipt.fault = fault;
        }
    }
}

/// Keeps the receipts. Another sync may have kept its own meanwhile: its word on
/// its rows stands.
async fn keep(context: &RunContext<'_>, erasure: &mut Erasure) -> Result<(), Fault> {
    let _guard = context.workspace.decide().await;
    let store = &*context.workspace.store;
    if let Some(mut newest) = job::read(store, erasure.id).await? {
        let own = erasure.telling.removals.iter();
        for (theirs, own) in newest.telling.removals.iter_mut().zip(own) {
            if own.receipt.sync == *context.job.id() {
                theirs.clone_from(own);
            }
        }
        newest.settle();
        *erasure = newest;
    }
    let positions = job::keep(store, erasure).await?;
    store.commit(WriteSet { positions, ..WriteSet::default() }).await?;
    Ok(())
}

fn item(removal: &Removal, idempotency_key: String) -> WriteItem {
    let values = removal.fields.iter();
    let patch: Object =
        values.map(|(field, value)| (field.as_str().into(), value.clone())).collect();
    WriteItem {
        action: match removal.receipt.action {
            Action::Delete => Do::Delete,
            Action::Clear => Do::Update,
        },
        key: removal.key.clone(),
        matching: BTreeMap::new(),
        patch,
        if_version: removal.version.clone(),
        idempotency_key,
        consents: Vec::new(),
        ttl_seconds: None,
    }
}
