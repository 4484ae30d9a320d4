//! An audience as a whole: everybody in it anew by a schedule, and its end.
//!
//! An audience never shows who is in it, so nothing there can be compared with what is
//! stored. What can be done is to say once more who should be in it, as one replacement:
//! whoever was taken out at the vendor is back after that, and whoever was brought in there
//! is out. It follows a delivery that has come to its end, so it never runs ahead of the
//! audience follower, and it waits while the outcome of any write is not known. Between two
//! of them nothing is written that does not differ.
//!
//! An audience that is for no segment any more closes: nobody is meant
//! ([`crate::permission`]), so its members are taken out as they are from any, planned and
//! held by the guards. Once it is empty its container is deleted, where the vendor lets it
//! and this hub has filled it. Which ones it has filled is kept, so that one whose sync was
//! taken out of the configuration without that is told at every start.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::audience::closes;
use hub_core::sync::member;
use hub_model::{
    Fault, FaultCode, Object, PendingState, PositionName, Record, RemoteKey, SyncId, Timestamp,
    Value,
};
use hub_store::{Error, PositionChange, Store, WriteSet};
use plugin_api::{
    Audience, ContainerWish, Cursor, Member, MemberChange, MemberOutcome, MemberReport,
    MemberRequest, ReplaceSession, StreamInfo,
};

use super::members::identities;
use crate::budget::{self, Call};
use crate::delivery::subject;
use crate::erasure;
use crate::job::SyncJob;
use crate::permission::Permission;
use crate::run::RunContext;
use crate::workspace::Workspace;

/// Rows that are looked at at once.
const STEP_RECORDS: usize = 500;
/// Most pages of containers that are looked through for a title.
const CONTAINER_PAGES_MAX: usize = 100;

/// What an audience is due as a whole, after a delivery.
///
/// # Errors
/// The vendor's, and when the store cannot be read or written; the next run goes on.
pub(crate) async fn care(context: &mut RunContext<'_>, stream: &StreamInfo) -> Result<(), Fault> {
    if closes(&context.job.mapping) {
        return close(context).await;
    }
    note_filled(context, true).await?;
    let Some(schedule) = &context.job.reconcile else { return Ok(()) };
    let (now, name) = (context.workspace.env.now(), reconciled_position(context));
    let kept = context.workspace.store.position(&name).await?;
    let last = kept.as_deref().and_then(|kept| serde_json::from_slice::<Timestamp>(kept).ok());
    let is_due = last.is_some_and(|last| schedule.latest_within(last, now).is_some());
    if last.is_some() && !is_due || is_open(context).await? {
        return Ok(());
    }
    if is_due {
        let members = replace(context, stream).await?;
        tracing::info!(sync = %context.job.id(), members, "everybody was brought in anew");
    }
    let new = serde_json::to_vec(&now).ok();
    let positions = vec![PositionChange { name, expected: kept, new }];
    context.workspace.commit(WriteSet { positions, ..WriteSet::default() }).await?;
    Ok(())
}

/// When everybody was last brought in anew.
fn reconciled_position(context: &RunContext<'_>) -> PositionName {
    PositionName::new(format!("reconciled/{}", context.job.id()))
}

/// The audiences that were filled from here, by sync, with what is kept of them.
async fn filled(store: &dyn Store) -> Result<(Option<Vec<u8>>, BTreeMap<SyncId, String>), Error> {
    let kept = store.position(&filled_position()).await?;
    let known = kept.as_deref().and_then(|kept| serde_json::from_slice(kept).ok());
    Ok((kept, known.unwrap_or_default()))
}

fn filled_position() -> PositionName {
    PositionName::new("audiences")
}

/// Keeps that a run's audience is filled from here, or that it is no more.
async fn note_filled(context: &RunContext<'_>, is_filled: bool) -> Result<(), Error> {
    let workspace = context.workspace;
    let _guard = workspace.decide().await;
    let (expected, mut known) = filled(&*workspace.store).await?;
    let (id, stream) = (context.job.id(), &context.job.mapping.stream);
    if known.contains_key(id) == is_filled {
        return Ok(());
    }
    if is_filled {
        known.insert(id.clone(), format!("{}/{}", stream.connection, stream.stream));
    } else {
        known.remove(id);
    }
    let (name, new) = (filled_position(), serde_json::to_vec(&known).ok());
    let positions = vec![PositionChange { name, expected, new }];
    workspace.commit(WriteSet { positions, ..WriteSet::default() }).await?;
    Ok(())
}

/// The audiences that hold people whom no sync takes out any more, by the sync that
/// brought them in.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn forgotten(
    workspace: &Workspace,
    jobs: &BTreeMap<SyncId, SyncJob>,
) -> Result<BTreeMap<SyncId, String>, Error> {
    let (_, mut known) = filled(&*workspace.store).await?;
    known.retain(|id, _| jobs.get(id).is_none_or(|job| !job.mapping.audience));
    Ok(known)
}

/// Whether it is not known of any write what became of it.
async fn is_open(context: &RunContext<'_>) -> Result<bool, Error> {
    let ever = Timestamp(i64::MAX);
    let waiting = context.workspace.store.pending(context.job.id(), ever, usize::MAX).await?;
    Ok(waiting.iter().any(|pending| pending.state == PendingState::Unknown))
}

fn audience<'a>(context: &'a RunContext<'_>) -> Result<&'a dyn Audience, Fault> {
    context.job.connector.audience().ok_or_else(|| {
        let fault = Fault::new(FaultCode::NotSupported);
        fault.at(context.job.id().to_string()).with("lacks", "audience")
    })
}

/// A replacement on its way: calls of as many members as one takes.
struct Replacing {
    container: RemoteKey,
    session: ReplaceSession,
    waiting: Vec<Member>,
    waiting_bytes: usize,
    sent: u64,
}

/// Brings in everybody who is in, and nobody else; how many that were.
async fn replace(context: &mut RunContext<'_>, stream: &StreamInfo) -> Result<u64, Fault> {
    let title = context.job.mapping.stream.stream.to_string();
    let wish = ContainerWish { title, ..ContainerWish::default() };
    let call = context.call();
    let container = audience(context)?.ensure_container(&call, &wish);
    let container = budget::paced(context, Call::Write, container).await?;
    let id = context.workspace.env.random();
    let mut replacing = Replacing {
        container: container.key,
        session: ReplaceSession { id, sequence: 1, last: false, total: None },
        waiting: Vec::new(),
        waiting_bytes: 0,
        sent: 0,
    };
    let items_max = usize::try_from(stream.batch_items_max).unwrap_or(1).max(1);
    let bytes_max = usize::try_from(stream.batch_bytes_max).unwrap_or(usize::MAX);
    let mut after = None;
    loop {
        context.go_on()?;
        let store = &*context.workspace.store;
        let page = store.scan_records(&context.job.mapping.stream, after, STEP_RECORDS).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.number);
        for values in meant(context, &page).await? {
            let bytes: usize = values.values().map(Value::size_bytes).sum();
            // The last call has to be told as such: what is full waits for somebody more.
            let is_full = replacing.waiting.len() >= items_max
                || !replacing.waiting.is_empty() && replacing.waiting_bytes + bytes > bytes_max;
            if is_full {
                send(context, &mut replacing).await?;
            }
            replacing.waiting_bytes += bytes;
            replacing.waiting.push(joining(&values));
        }
    }
    replacing.session.last = true;
    send(context, &mut replacing).await?;
    Ok(replacing.sent)
}

/// The values of those members who may be in at this instant.
async fn meant(context: &RunContext<'_>, page: &[Record]) -> Result<Vec<Object>, Fault> {
    let (workspace, mapping) = (context.workspace, &context.job.mapping);
    let live = || page.iter().filter(|record| record.is_live());
    let ids: Vec<_> = live().map(|record| record.profile).collect();
    let subjects = subject::load(&*workspace.store, (&workspace.rules, mapping), &ids).await?;
    let permission = Permission::of(context, subjects.keys().copied()).await?;
    let leaving = erasure::leaving(&*workspace.store).await?;
    let now = workspace.env.now();
    let given = subjects
        .iter()
        .filter(|(id, subject)| !leaving.contains(*id) && subject.is_permitted(&permission, now));
    let given: BTreeSet<_> = given.flat_map(|(_, subject)| subject.records.keys()).collect();
    let may_be = live().filter(|record| given.contains(&record.number));
    let values = may_be.map(|record| member::sure(&record.raw));
    Ok(values.filter(|values| !values.is_empty()).collect())
}

fn joining(values: &Object) -> Member {
    Member {
        change: MemberChange::Add,
        key: None,
        identities: identities(values),
        consents: Vec::new(),
        ttl_seconds: None,
        idempotency_key: String::new(),
    }
}

async fn send(context: &mut RunContext<'_>, replacing: &mut Replacing) -> Result<(), Fault> {
    let members = std::mem::take(&mut replacing.waiting);
    let (asked, container) = (members.len() as u64, replacing.container.clone());
    let request = MemberRequest { container, members, session: Some(replacing.session) };
    context.counts.writes += asked;
    let call = context.call();
    let written = audience(context)?.write_members(&call, &request);
    let report = budget::paced(context, Call::Write, written).await?;
    let put_off = |outcome: &MemberOutcome| {
        matches!(outcome, MemberOutcome::Retry { .. } | MemberOutcome::Unknown)
    };
    if let MemberReport::Items(outcomes) = &report
        && outcomes.iter().any(put_off)
    {
        // A replacement is made whole or anew.
        return Err(Fault::new(FaultCode::Transient).at(context.job.id().to_string()));
    }
    replacing.sent += asked;
    replacing.session.sequence += 1;
    replacing.waiting_bytes = 0;
    Ok(())
}

/// Deletes the container of an audience that closes, once nobody is in it.
async fn close(context: &mut RunContext<'_>) -> Result<(), Fault> {
    let store = &*context.workspace.store;
    let is_ours = filled(store).await?.1.contains_key(context.job.id());
    let waits = !store.pending(context.job.id(), Timestamp(i64::MAX), 1).await?.is_empty();
    if !is_ours || waits || holds_anybody(context).await? {
        return Ok(());
    }
    if let Some(container) = find(context, context.job.mapping.stream.stream.as_str()).await? {
        let call = context.call();
        let deleted = audience(context)?.delete_container(&call, &container);
        match budget::paced(context, Call::Write, deleted).await {
            Ok(()) => tracing::info!(sync = %context.job.id(), "the audience was deleted"),
            Err(fault) if fault.code == FaultCode::NotFound => {}
            Err(fault) if fault.code == FaultCode::NotSupported => {
                tracing::warn!(sync = %context.job.id(), "the audience is empty; delete it there");
            }
            Err(fault) => return Err(fault),
        }
    }
    note_filled(context, false).await?;
    Ok(())
}

async fn holds_anybody(context: &RunContext<'_>) -> Result<bool, Error> {
    let (store, stream) = (&*context.workspace.store, &context.job.mapping.stream);
    let mut after = None;
    loop {
        let page = store.scan_records(stream, after, STEP_RECORDS).await?;
        let Some(last) = page.last() else { return Ok(false) };
        after = Some(last.number);
        if page.iter().any(Record::is_live) {
            return Ok(true);
        }
    }
}

/// The container of a title, if there is one.
async fn find(context: &RunContext<'_>, title: &str) -> Result<Option<RemoteKey>, Fault> {
    let mut cursor: Option<Cursor> = None;
    for _ in 0..CONTAINER_PAGES_MAX {
        let call = context.call();
        let page = audience(context)?.containers(&call, cursor.as_ref());
        let page = budget::paced(context, Call::Lookup, page).await?;
        if let Some(found) = page.items.into_iter().find(|it| it.title == title) {
            return Ok(Some(found.key));
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(None);
        }
    }
    Err(Fault::new(FaultCode::LimitExceeded).at("containers").with("pages", CONTAINER_PAGES_MAX))
}
