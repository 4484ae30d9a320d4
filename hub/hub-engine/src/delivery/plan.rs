//! What is due for some profiles, and what already waits for an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use hub_core::planted::{self, Bug};
use hub_core::sync::{self, Due, Moment};
use hub_model::{
    Attempt, CommitSeq, Fault, FaultCode, FieldName, Pending, PendingKey, PendingState,
    PlannedWrite, Profile, ProfileId, Record, RecordNo, Stamp, Timestamp, Value, WriteKind,
};
use hub_store::WriteSet;
use plugin_api::StreamInfo;

use super::mirror;
use crate::ledger::Attempted;
use crate::permission::Permission;
use crate::run::RunContext;
use crate::slices::Slices;

/// One write that should be made.
#[derive(Debug, Clone)]
pub(super) struct Work {
    /// What it is about.
    pub key: PendingKey,
    /// The record to update; `None` for a create.
    pub record: Option<Record>,
    /// The record that a create is made for.
    pub for_record: RecordNo,
    /// What finds an existing row before a create, most telling first.
    pub matching: Vec<(FieldName, Value)>,
    /// Golden values and their stamps.
    pub fields: BTreeMap<FieldName, (Value, Stamp)>,
    /// How often this was tried before.
    pub tries: u32,
    /// The row must be read before it is written.
    pub look_first: bool,
    /// The row is to be deleted.
    pub removes: bool,
    /// Into the archive of its system, that is.
    pub archives: bool,
    /// Everything that the destination requires was granted when it was planned;
    /// otherwise it takes back what was brought.
    pub permitted: bool,
    /// It goes without others: it was among several that a job refused as one.
    pub alone: bool,
    /// Its place among the items of the job that it was taken into.
    pub place: u32,
    /// The vendor said of no item what became of it.
    pub counted: bool,
    /// The newest commit when it was planned.
    asof: CommitSeq,
    /// The attempt, once it was asked for.
    attempt: OnceLock<Attempt>,
}

impl Work {
    /// Of nothing yet.
    pub fn new(key: PendingKey, for_record: RecordNo, permitted: bool) -> Self {
        Self {
            key,
            record: None,
            for_record,
            matching: Vec::new(),
            fields: BTreeMap::new(),
            tries: 0,
            look_first: false,
            removes: false,
            archives: false,
            permitted,
            alone: false,
            place: 0,
            counted: false,
            asof: CommitSeq(0),
            attempt: OnceLock::new(),
        }
    }

    /// The same, planned as of a commit.
    pub fn planned_as_of(self, asof: CommitSeq) -> Self {
        Self { asof, ..self }
    }

    /// The write as it is shown and approved.
    pub fn planned(&self) -> PlannedWrite {
        sync::planned(&self.key, self.action(), self.record.as_ref(), &self.fields)
    }

    /// What it does to its row.
    pub const fn action(&self) -> WriteKind {
        match &self.record {
            Some(_) if self.archives => WriteKind::Archive,
            Some(_) if self.removes => WriteKind::Delete,
            Some(_) => WriteKind::Update,
            None => WriteKind::Create,
        }
    }

    /// What is asked of the destination.
    pub fn attempted(&self) -> Attempted<'_> {
        let (kind, profile, attempt) = (self.action(), self.key.profile, self.attempt());
        Attempted { run: None, kind, profile, attempt, keeps_values: self.permitted }
    }

    /// How many bytes of values it writes and knows of its row.
    pub fn size_bytes(&self) -> usize {
        let written = self.fields.values().map(|(value, _)| value.size_bytes());
        let known = self.record.iter().flat_map(|record| record.raw.values());
        written.chain(known.map(Value::size_bytes)).sum()
    }

    /// The attempt as it is kept.
    pub fn attempt(&self) -> &Attempt {
        self.attempt.get_or_init(|| {
            let PendingKey { sync, profile, record } = &self.key;
            let fields = &self.fields;
            let idempotency_key = sync::idempotency_key(sync, *profile, *record, fields, self.asof);
            Attempt { fields: self.fields.clone(), idempotency_key }
        })
    }
}

/// What should be written, as of a commit.
pub(super) struct Plan {
    /// The writes.
    pub works: Vec<Work>,
    /// What is not written because a value has no form there.
    pub refused: Vec<Pending>,
    /// The newest commit when they were planned.
    pub head: CommitSeq,
}

/// What is due, and what is only to be noted here.
#[derive(Default)]
struct Gathered {
    works: Vec<Work>,
    /// What is not written because a value has no form there.
    refused: Vec<Pending>,
    /// Records whose row shows the golden values already.
    told: Vec<Record>,
    /// What waits and is due no more.
    over: Vec<PendingKey>,
}

/// Compares golden values with what was sent. Values that a system has already
/// are marked as sent without a word to it.
pub(super) async fn plan(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    ids: &[ProfileId],
) -> Result<Plan, Fault> {
    let workspace = context.workspace;
    let _guard = workspace.decide().await;
    let Gathered { mut works, refused, told, over } = gather(context, stream, ids).await?;
    let mut slices = Slices::new(workspace, None);
    for record in told {
        slices.push(WriteSet { records: vec![record], ..WriteSet::default() }).await?;
    }
    for key in over {
        slices.push(WriteSet { settled: vec![key], ..WriteSet::default() }).await?;
    }
    slices.flush().await?;
    let head = workspace.head().await?;
    for work in &mut works {
        work.asof = head;
    }
    Ok(Plan { works, refused, head })
}

/// The same works, in order of profile and record; nothing is kept.
pub(super) async fn dry(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    ids: &[ProfileId],
) -> Result<Vec<Work>, Fault> {
    let _guard = context.workspace.decide().await;
    let mut works = gather(context, stream, ids).await?.works;
    works.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(works)
}

/// Call it under [`crate::workspace::Workspace::decide`].
async fn gather(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    ids: &[ProfileId],
) -> Result<Gathered, Fault> {
    let workspace = context.workspace;
    let mut gathered = Gathered::default();
    let profiles: BTreeMap<ProfileId, Profile> = workspace
        .store
        .profiles(ids)
        .await?
        .into_iter()
        .flatten()
        .map(|profile| (profile.id, profile))
        .collect();
    // Pending rows under the id of a profile that was absorbed since.
    let asked: BTreeSet<ProfileId> = ids.iter().copied().chain(profiles.keys().copied()).collect();
    let asked: Vec<ProfileId> = asked.into_iter().collect();
    let waiting = workspace.store.pending_of(context.job.id(), &asked).await?;
    let mut waiting: BTreeMap<PendingKey, Pending> =
        waiting.into_iter().map(|pending| (pending.key.clone(), pending)).collect();
    let numbers: Vec<RecordNo> =
        profiles.values().flat_map(|profile| &profile.records).copied().collect();
    let records = workspace.store.records(&numbers).await?.into_iter().flatten();
    let records: BTreeMap<RecordNo, Record> =
        records.map(|record| (record.number, record)).collect();
    let now = workspace.env.now();
    let all_read = mirror::all_read(context).await?;
    let mapping = &context.job.mapping;
    let permission = Permission::of(workspace, mapping, profiles.keys().copied()).await?;
    for profile in profiles.values() {
        let members: Vec<&Record> =
            profile.records.iter().filter_map(|number| records.get(number)).collect();
        // Without the consent that the destination requires, outside the segment that
        // it is for, or when the time of the data is over, what was brought is taken
        // back, and nothing else is queued; a write that is under way is still settled.
        // This is asked once more right before writing.
        let permitted = permission.is_given(profile, &members, now);
        for due in sync::owed(profile, &members, mapping, &Moment { permitted, all_read }) {
            let create =
                |for_record| Work::new(key(context, profile.id, None), for_record, permitted);
            let change = |number| {
                let work = Work::new(key(context, profile.id, Some(number)), number, permitted);
                Some(Work { record: Some(records.get(&number)?.clone()), ..work })
            };
            let work = match due {
                Due::MarkSent { record, fields } => {
                    let told = records.get(&record).map(|found| sync::mark_sent(found, &fields));
                    gathered.told.extend(told);
                    continue;
                }
                Due::Refused { record, fields, for_record, fault } => {
                    let key = key(context, profile.id, record);
                    let work = Work { fields, ..Work::new(key, for_record, permitted) };
                    let waits = waiting.remove(&work.key);
                    let known = |pending: &Pending| {
                        pending.state == PendingState::Unknown
                            || (lacks_form(pending) && pending.attempt.fields == work.fields)
                    };
                    if !waits.as_ref().is_some_and(known) {
                        gathered.refused.push(rejected(&work, fault));
                    }
                    continue;
                }
                Due::Remove { record, archive } => change(record).map(|work| Work {
                    removes: true,
                    archives: archive,
                    look_first: look_first(stream),
                    ..work
                }),
                Due::Update { record, mut fields } => {
                    fields.retain(|field, _| may_change(stream, field));
                    if fields.is_empty() {
                        continue;
                    }
                    let look_first = look_first(stream);
                    change(record).map(|work| Work { fields, look_first, ..work })
                }
                Due::Create { for_record, matching, mut fields } => {
                    fields.retain(|field, _| may_set(stream, field));
                    Some(Work { fields, matching, look_first: true, ..create(for_record) })
                }
            };
            let work = work.and_then(|work| unless_waiting(context, work, &mut waiting));
            gathered.works.extend(work);
        }
    }
    // What waits and is due no more: the golden value went back, or the
    // profile was absorbed. An unknown outcome is never dropped.
    let over = waiting.into_values().filter(|pending| pending.state != PendingState::Unknown);
    gathered.over.extend(over.map(|pending| pending.key));
    Ok(gathered)
}

/// What waits for somebody to mend the mapping, or for another golden value.
fn rejected(work: &Work, fault: Fault) -> Pending {
    let place = format!("{}/{}", work.key.sync, fault.place);
    Pending {
        key: work.key.clone(),
        state: PendingState::Rejected,
        attempt: work.attempt().clone(),
        run: None,
        tries: work.tries,
        due: Timestamp(i64::MAX),
        fault: Some(fault.at(place)),
        word: None,
    }
}

/// Whether something waits because a value had no form there: it is tried as soon
/// as each has one.
fn lacks_form(pending: &Pending) -> bool {
    pending.fault.as_ref().is_some_and(|fault| fault.code == FaultCode::NoForm)
}

/// Whether a row must be read before it is written or goes: the vendor does not see
/// for itself that it has changed.
fn look_first(stream: &StreamInfo) -> bool {
    !stream.conditional_writes && !planted::is(Bug::WriteUnread)
}

/// Whether the vendor lets a field of an existing row be written.
pub(super) fn may_change(stream: &StreamInfo, field: &FieldName) -> bool {
    stream.field(field.as_str()).is_none_or(|info| !info.read_only && !info.create_only)
}

/// Whether the vendor lets a field of a new row be written.
pub(super) fn may_set(stream: &StreamInfo, field: &FieldName) -> bool {
    stream.field(field.as_str()).is_none_or(|info| !info.read_only)
}

fn key(context: &RunContext<'_>, profile: ProfileId, record: Option<RecordNo>) -> PendingKey {
    PendingKey { sync: context.job.id().clone(), profile, record }
}

/// The work, unless the same one waits: for an answer, for its time, or for
/// somebody to mend what was rejected.
pub(super) fn unless_waiting(
    context: &RunContext<'_>,
    mut work: Work,
    waiting: &mut BTreeMap<PendingKey, Pending>,
) -> Option<Work> {
    let Some(pending) = waiting.remove(&work.key) else { return Some(work) };
    let same = pending.attempt.fields == work.fields;
    let is_due = pending.due <= context.workspace.env.now();
    match pending.state {
        PendingState::Unknown => None,
        PendingState::Rejected
            if same && !is_due && !lacks_form(&pending) && !planted::is(Bug::RejectedAgain) =>
        {
            None
        }
        PendingState::Retry if !is_due => None,
        PendingState::Rejected => Some(work),
        PendingState::Retry => {
            work.tries = pending.tries;
            work.alone = pending.fault.as_ref().is_some_and(|f| f.args.contains_key("alone"));
            work.look_first = !planted::is(Bug::WriteUnread);
            if same && !planted::is(Bug::FreshKeys) {
                // A repetition, which the vendor may know by its key.
                work.attempt = OnceLock::from(pending.attempt);
            }
            Some(work)
        }
    }
}
