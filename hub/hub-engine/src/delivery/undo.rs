//! Undoing a run: what it wrote is taken back where nobody has edited since.
//!
//! What is to be done is computed from the ledger and from what the rows show now,
//! each time anew, and written like any other delivery: the row is looked at, the
//! attempt is durable, the ledger keeps what became of it. So the job needs no
//! progress of its own: a row that was given back is found so, and whatever a crash
//! left is found undone. That it is under way is kept before its first write; the
//! next delivery of the sync goes on with it before anything else.
//!
//! Nothing writes again behind it what was undone ([`hub_core::sync::undo`] says
//! until when). For fields that follows from their stamps, and rows are held
//! ([`held`]).

mod held;

use std::collections::{BTreeMap, BTreeSet};

use hub_core::sync::undo::{self, joined};
use hub_core::sync::{Compensation, Skipped, Standing, Why};
use hub_model::{
    CommitSeq, Fault, FaultCode, FieldName, LedgerEntry, Pending, PendingKey, PendingState,
    PlannedWrite, PositionName, Profile, ProfileId, Record, RecordNo, RemoteKey, RunId, SyncId,
    Timestamp, WriteEnd, WriteKind,
};
use hub_store::{Error, PositionChange, WriteSet};
use plugin_api::StreamInfo;

use self::held::{hold, is_hold};
use super::plan::{self, Plan, Work};
use super::{look, subject, write};
use crate::permission::Permission;
use crate::reading;
use crate::run::RunContext;

/// Rows that are taken back at once.
const STEP_ROWS: usize = 200;
/// Entries that are read at once.
const STEP_ENTRIES: usize = 500;
/// Most writes of a run that are undone together: they are in memory.
const WRITES_MAX: usize = 500_000;

/// Something of a run that is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The profile that the write was about.
    pub profile: ProfileId,
    /// The record of the row, where it is known.
    pub record: Option<RecordNo>,
    /// The row, where it is known.
    pub key: Option<RemoteKey>,
    /// What, and why.
    pub skipped: Skipped,
}

impl Left {
    fn of(entry: &LedgerEntry, skipped: Skipped) -> Self {
        let (profile, record, key) = (entry.profile, entry.record, entry.key.clone());
        Self { profile, record, key, skipped }
    }
}

/// What a run wrote.
#[derive(Default)]
struct Wrote {
    /// Row by row.
    rows: Vec<LedgerEntry>,
    /// Writes of which nobody knows whether they were made.
    unknown: Vec<LedgerEntry>,
}

/// What undoing comes to for some rows, as of a commit.
#[derive(Default)]
struct Step {
    works: Vec<Work>,
    left: Vec<Left>,
    /// Writes that wait for an answer, or for their time.
    open: usize,
    head: CommitSeq,
}

/// Takes back what a run wrote.
///
/// # Errors
/// As for any delivery; the next one goes on.
pub(crate) async fn undo(context: &mut RunContext<'_>, run: &RunId) -> Result<(), Fault> {
    context.undoes = Some(run.clone());
    let stream = reading::stream_info(context).await?;
    let wrote = wrote(context, run).await?;
    let name = under_way(context.job.id());
    let kept = context.workspace.store.position(&name).await?;
    let wanted = Some(run.as_str().as_bytes().to_vec());
    move_to(context, &name, kept, wanted.clone()).await?;
    let mut open = 0;
    for rows in wrote.rows.chunks(STEP_ROWS) {
        context.go_on()?;
        open += take_back(context, &stream, rows).await?;
        hold(context, &stream, rows).await?;
        context.report();
    }
    // What the vendor put off, or has not answered, is the next delivery's.
    if open == 0 && context.counts.retried == 0 && !awaits_an_answer(context).await? {
        move_to(context, &name, wanted, None).await?;
    }
    Ok(())
}

/// Goes on with an undoing that was cut off.
///
/// # Errors
/// As for [`undo`].
pub(crate) async fn resume(context: &mut RunContext<'_>) -> Result<(), Fault> {
    let kept = context.workspace.store.position(&under_way(context.job.id())).await?;
    match kept.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(run) => undo(context, &RunId::new(run)).await,
        None => Ok(()),
    }
}

/// What undoing a run would write, and what it would leave.
///
/// # Errors
/// When the system or the store does not answer.
pub(crate) async fn dry(
    context: &mut RunContext<'_>,
    run: &RunId,
) -> Result<(Vec<PlannedWrite>, Vec<Left>), Fault> {
    let stream = reading::stream_info(context).await?;
    let Wrote { rows, unknown } = wrote(context, run).await?;
    let unsure = Skipped { field: None, why: Why::Unknown };
    let mut left: Vec<Left> = unknown.iter().map(|e| Left::of(e, unsure.clone())).collect();
    let mut writes = Vec::new();
    for rows in rows.chunks(STEP_ROWS) {
        let step = step(context, &stream, rows).await?;
        writes.extend(step.works.iter().map(Work::planned));
        left.extend(step.left);
    }
    Ok((writes, left))
}

fn under_way(sync: &SyncId) -> PositionName {
    PositionName::new(format!("undo/{sync}"))
}

async fn move_to(
    context: &RunContext<'_>,
    name: &PositionName,
    expected: Option<Vec<u8>>,
    new: Option<Vec<u8>>,
) -> Result<(), Error> {
    if expected == new {
        return Ok(());
    }
    let positions = vec![PositionChange { name: name.clone(), expected, new }];
    context.workspace.store.commit(WriteSet { positions, ..WriteSet::default() }).await?;
    Ok(())
}

/// Whether any write of the sync has no known outcome: one of the run that is
/// undone may still turn out to have arrived.
async fn awaits_an_answer(context: &RunContext<'_>) -> Result<bool, Error> {
    let ever = Timestamp(i64::MAX);
    let waiting = context.workspace.store.pending(context.job.id(), ever, usize::MAX).await?;
    Ok(waiting.iter().any(|pending| pending.state == PendingState::Unknown))
}

async fn wrote(context: &RunContext<'_>, run: &RunId) -> Result<Wrote, Fault> {
    let mut wrote = Wrote::default();
    let mut rows: BTreeMap<RecordNo, Vec<LedgerEntry>> = BTreeMap::new();
    let (mut after, mut writes) = (None, 0);
    loop {
        let store = &context.workspace.store;
        let page = store.scan_written(Some(run), after.as_ref(), STEP_ENTRIES).await?;
        let Some((last, _)) = page.last().cloned() else { break };
        after = Some(last);
        writes += page.len();
        if writes > WRITES_MAX {
            return Err(Fault::new(FaultCode::LimitExceeded).with("limit", WRITES_MAX));
        }
        for (_, entry) in page {
            match (entry.end, entry.record) {
                (end, Some(record)) if end.is_made() => {
                    rows.entry(record).or_default().push(entry);
                }
                // Counted, and nobody knows which row it made.
                (end, None) if end.is_made() => wrote.unknown.push(entry),
                (WriteEnd::Unknown, _) => wrote.unknown.push(entry),
                _ => {}
            }
        }
    }
    wrote.rows = rows.into_values().filter_map(joined).collect();
    Ok(wrote)
}

/// One step: look, compare, write. Returns how many writes have to wait.
async fn take_back(
    context: &mut RunContext<'_>,
    stream: &StreamInfo,
    rows: &[LedgerEntry],
) -> Result<usize, Fault> {
    let mut found = step(context, stream, rows).await?;
    if found.works.is_empty() {
        return Ok(found.open);
    }
    let looked = look::look(context, stream, &found.works).await?;
    if context.workspace.head().await? != found.head {
        found = step(context, stream, rows).await?;
    }
    let works = look::cleared(context, found.works, &looked).await?;
    write::write(
        context,
        stream,
        Plan { works, refused: Vec::new(), awaiting: 0, head: found.head },
    )
    .await?;
    Ok(found.open)
}

async fn step(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    rows: &[LedgerEntry],
) -> Result<Step, Fault> {
    let _guard = context.workspace.decide().await;
    let people = People::of(context, rows).await?;
    let mut step = Step { head: context.workspace.head().await?, ..Step::default() };
    let mut waiting = people.waiting.clone();
    let permission = permission(context, &people).await?;
    let now = context.workspace.env.now();
    for row in rows {
        let record = row.record.and_then(|number| people.records.get(&number));
        let members = record.map(|record| people.members(record)).unwrap_or_default();
        let profile = record.and_then(|record| people.profile_of(record));
        let permitted = profile.is_some_and(|profile| permission.is_given(profile, &members, now));
        let profile = profile.map(|profile| (profile, &*members));
        let standing = Standing { record, profile, permitted };
        let undoing = undo::undo(row, &standing, &context.job.mapping);
        step.left.extend(undoing.skipped.into_iter().map(|skipped| Left::of(row, skipped)));
        let (Some(action), Some(record), Some((profile, _))) = (undoing.action, record, profile)
        else {
            continue;
        };
        let (work, unwritable) = work(context, stream, action, record, profile.id, permitted);
        step.left.extend(unwritable.into_iter().map(|skipped| Left::of(row, skipped)));
        let Some(work) = work else { continue };
        let before = waiting.get(&work.key).map(|pending| pending.state);
        let own = waiting.get(&work.key).is_some_and(is_hold);
        if own {
            waiting.remove(&work.key);
        }
        match (plan::unless_waiting(context, work, &mut waiting), before) {
            (Some(work), _) => step.works.push(work.planned_as_of(step.head)),
            (None, Some(PendingState::Rejected)) => {
                step.left.push(Left::of(row, Skipped { field: None, why: Why::Refused }));
            }
            (None, _) => step.open += 1,
        }
    }
    Ok(step)
}

/// Whether the destination may have anything of these people.
async fn permission<'w>(
    context: &RunContext<'w>,
    people: &People,
) -> Result<Permission<'w>, Fault> {
    Ok(Permission::of(context, people.profiles.keys().copied()).await?)
}

/// The write of a compensation, and what its system does not let be written.
fn work(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    action: Compensation,
    record: &Record,
    profile: ProfileId,
    permitted: bool,
) -> (Option<Work>, Vec<Skipped>) {
    let sync = context.job.id();
    let key = |record| PendingKey { sync: sync.clone(), profile, record };
    let number = record.number;
    let change = || {
        let mut work = Work::new(key(Some(number)), number, permitted);
        work.record = Some(record.clone());
        work.look_first = true;
        work
    };
    match action {
        Compensation::Restore(mut fields) => {
            let all: Vec<FieldName> = fields.keys().cloned().collect();
            fields.retain(|field, _| plan::may_change(stream, field));
            let shut = all.into_iter().filter(|field| !fields.contains_key(field));
            let shut = shut.map(|field| Skipped { field: Some(field), why: Why::ReadOnly });
            let shut = shut.collect();
            if fields.is_empty() {
                return (None, shut);
            }
            let mut work = change();
            work.fields = fields;
            (Some(work), shut)
        }
        Compensation::Remove => {
            let mut work = change();
            work.removes = true;
            (Some(work), Vec::new())
        }
        Compensation::Create { mut fields, matching, for_record } => {
            fields.retain(|field, _| plan::may_set(stream, field));
            let mut work = Work::new(key(None), for_record, permitted);
            work.fields = fields;
            work.matching = matching;
            work.look_first = true;
            work.source = record.made_of().cloned();
            (Some(work), Vec::new())
        }
    }
}

/// Whom some rows are about, and what waits about them.
struct People {
    records: BTreeMap<RecordNo, Record>,
    /// By the id that the records of the rows know them by; objects under their own.
    profiles: BTreeMap<ProfileId, Profile>,
    /// The objects that rows were made of.
    sources: BTreeMap<RecordNo, ProfileId>,
    waiting: BTreeMap<PendingKey, Pending>,
}

impl People {
    /// Call it under [`crate::workspace::Workspace::decide`].
    async fn of(context: &RunContext<'_>, rows: &[LedgerEntry]) -> Result<Self, Error> {
        let store = &*context.workspace.store;
        let numbers: Vec<RecordNo> = rows.iter().filter_map(|row| row.record).collect();
        let own: Vec<Record> = store.records(&numbers).await?.into_iter().flatten().collect();
        let sources: BTreeMap<RecordNo, ProfileId> = match context.job.mapping.made_of {
            Some(_) => rows.iter().filter_map(|row| Some((row.record?, row.profile))).collect(),
            None => BTreeMap::new(),
        };
        let id = |record: &Record| *sources.get(&record.number).unwrap_or(&record.profile);
        let ids: BTreeSet<ProfileId> = own.iter().map(id).collect();
        let ids: Vec<ProfileId> = ids.into_iter().collect();
        let of = (&*context.workspace.rules, &context.job.mapping);
        let waiting = store.pending_of(context.job.id(), &ids).await?;
        let (mut profiles, mut records) = (BTreeMap::new(), BTreeMap::new());
        for id in ids {
            let Some(subject) = subject::one(store, of, id).await? else { continue };
            profiles.insert(id, subject.profile);
            records.extend(subject.records);
        }
        records.extend(own.into_iter().map(|record| (record.number, record)));
        let waiting = waiting.into_iter().map(|pending| (pending.key.clone(), pending)).collect();
        Ok(Self { records, profiles, sources, waiting })
    }

    /// Whom, or what, a row is about.
    fn profile_of(&self, record: &Record) -> Option<&Profile> {
        let id = self.sources.get(&record.number).unwrap_or(&record.profile);
        self.profiles.get(id)
    }

    /// The profiles of rows with which a kind of thing was done.
    fn of_kind(&self, rows: &[LedgerEntry], kind: WriteKind) -> BTreeSet<ProfileId> {
        let rows = rows.iter().filter(|row| row.kind == kind);
        let records = rows.filter_map(|row| self.records.get(&row.record?));
        records.filter_map(|record| Some(self.profile_of(record)?.id)).collect()
    }

    /// Everybody in the profile of a record.
    fn members(&self, record: &Record) -> Vec<&Record> {
        let numbers = self.profile_of(record).map(|profile| &*profile.records);
        let numbers = numbers.unwrap_or_default().iter();
        numbers.filter_map(|number| self.records.get(number)).collect()
    }
}
