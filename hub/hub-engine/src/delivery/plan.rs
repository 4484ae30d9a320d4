//! What is due for some profiles, and what already waits for an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use hub_core::consent;
use hub_core::planted::{self, Bug};
use hub_core::sync::{self, Due, Moment};
use hub_model::{
    Attempt, CommitSeq, Fault, FaultCode, FieldName, Pending, PendingKey, PendingState,
    PlannedWrite, ProfileId, Record, RecordNo, RecordRef, Stamp, Timestamp, Value, Word, WriteKind,
};
use hub_store::WriteSet;
use plugin_api::StreamInfo;

use super::subject::Subject;
use super::{mirror, subject};
use crate::erasure;
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
    /// The object that it is about, if it is about one.
    pub source: Option<RecordRef>,
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
    /// It tells of a refusal, or takes back what may not be there: it waits for nobody.
    pub urgent: bool,
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
            source: None,
            matching: Vec::new(),
            fields: BTreeMap::new(),
            tries: 0,
            look_first: false,
            removes: false,
            archives: false,
            permitted,
            urgent: !permitted,
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

    /// What is kept of it while it is not known what became of it.
    pub fn unknown(&self, context: &RunContext<'_>, word: Option<Word>) -> Pending {
        Pending {
            key: self.key.clone(),
            state: PendingState::Unknown,
            attempt: self.attempt().clone(),
            run: Some(context.id.clone()),
            tries: self.tries + 1,
            due: context.workspace.env.now(),
            fault: None,
            word,
        }
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
    /// What is not written because a value has no form there, or refers to what is not
    /// there yet.
    pub refused: Vec<Pending>,
    /// How many refer to what is not there yet.
    pub awaiting: u64,
    /// The newest commit when they were planned.
    pub head: CommitSeq,
}

/// What is due, and what is only to be noted here.
#[derive(Default)]
struct Gathered {
    works: Vec<Work>,
    /// What is not written because a value has no form there, or refers to what is not
    /// there yet.
    refused: Vec<Pending>,
    /// How many refer to what is not there yet, also those that are kept already.
    awaiting: u64,
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
    let Gathered { mut works, refused, awaiting, told, over } =
        gather(context, stream, ids).await?;
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
    Ok(Plan { works, refused, awaiting, head })
}

/// The same works, in order of profile and record, and how many more refer to what is
/// not there yet; nothing is kept.
pub(super) async fn dry(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    ids: &[ProfileId],
) -> Result<(Vec<Work>, u64), Fault> {
    let _guard = context.workspace.decide().await;
    let Gathered { mut works, awaiting, .. } = gather(context, stream, ids).await?;
    works.sort_by(|a, b| a.key.cmp(&b.key));
    Ok((works, awaiting))
}

/// Call it under [`crate::workspace::Workspace::decide`].
async fn gather(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    ids: &[ProfileId],
) -> Result<Gathered, Fault> {
    let workspace = context.workspace;
    let mut gathered = Gathered::default();
    let mapping = &context.job.mapping;
    let subjects = subject::load(&*workspace.store, (&workspace.rules, mapping), ids).await?;
    // Pending rows under the id of a profile that was absorbed since.
    let asked: BTreeSet<ProfileId> = ids.iter().copied().chain(subjects.keys().copied()).collect();
    let asked: Vec<ProfileId> = asked.into_iter().collect();
    let waiting = workspace.store.pending_of(context.job.id(), &asked).await?;
    let mut waiting: BTreeMap<PendingKey, Pending> =
        waiting.into_iter().map(|pending| (pending.key.clone(), pending)).collect();
    let now = workspace.env.now();
    let all_read = mirror::all_read(context).await?;
    let permission = Permission::of(context, subjects.keys().copied()).await?;
    let leaving = erasure::leaving(&*workspace.store).await?;
    let stays =
        |(id, subject): &(&ProfileId, &Subject)| subject.source.is_some() || !leaving.contains(id);
    for (id, subject) in subjects.iter().filter(stays) {
        let (id, records) = (*id, &subject.records);
        let permitted = subject.is_permitted(&permission, now);
        // Without the consent that the destination requires, outside the segment that
        // it is for, or when the time of the data is over, what was brought is taken
        // back, and nothing else is queued; a write that is under way is still settled.
        // This is asked once more right before writing.
        for due in subject.owed(mapping, &Moment { permitted, all_read }) {
            let of = |record, for_record| {
                let work = Work::new(key(context, id, record), for_record, permitted);
                Work { source: subject.source.clone(), ..work }
            };
            let create = |for_record| of(None, for_record);
            let change = |number| {
                let work = of(Some(number), number);
                Some(Work { record: Some(records.get(&number)?.clone()), ..work })
            };
            // What is under way to a row may be under the name of another profile, which
            // was joined with this one since or told apart from it.
            let open = match &due {
                Due::Update { record, .. } | Due::Remove { record, .. } => {
                    context.open_changes.contains_key(record).then_some(Some(*record))
                }
                Due::Create { .. } => context.asked.is_for(&subject.profile).then_some(None),
                Due::MarkSent { .. } | Due::Refused { .. } => None,
            };
            if let Some(record) = open {
                // What waits for it goes on waiting.
                waiting.remove(&key(context, id, record));
                continue;
            }
            let work = match due {
                Due::MarkSent { record, fields } => {
                    let told = records.get(&record).map(|found| sync::mark_sent(found, &fields));
                    gathered.told.extend(told);
                    continue;
                }
                Due::Refused { record, fields, for_record, fault } => {
                    let work = Work { fields, ..of(record, for_record) };
                    gathered.awaiting += u64::from(fault.code == FaultCode::Reference);
                    let refused = rejected(&work, fault, now);
                    let known = |pending: &Pending| {
                        pending.state == PendingState::Unknown
                            || (mends_itself(pending)
                                && pending.state == PendingState::Rejected
                                && pending.attempt.fields == work.fields
                                && pending.fault == refused.fault)
                    };
                    if !waiting.remove(&work.key).as_ref().is_some_and(known) {
                        gathered.refused.push(refused);
                    }
                    continue;
                }
                // What was sent stays sent.
                Due::Remove { .. } if stream.sends.is_some() => continue,
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
            let Some(mut work) = work else { continue };
            if work.permitted && !permission.may_be_told(&work.fields) {
                continue;
            }
            let rules = &workspace.rules;
            work.urgent |=
                consent::tells_refusal(&subject.profile, work.fields.keys(), mapping, rules);
            gathered.works.extend(unless_waiting(context, work, &mut waiting));
        }
    }
    // What waits and is due no more: the golden value went back, or the
    // profile was absorbed. An unknown outcome is never dropped.
    let over = waiting.into_values().filter(|pending| pending.state != PendingState::Unknown);
    gathered.over.extend(over.map(|pending| pending.key));
    Ok(gathered)
}

/// What waits for somebody to mend the mapping, or for another golden value; and what
/// refers to something that is not there yet, for which every run looks.
fn rejected(work: &Work, fault: Fault, now: Timestamp) -> Pending {
    let place = format!("{}/{}", work.key.sync, fault.place);
    let due = if fault.code == FaultCode::Reference { now } else { Timestamp(i64::MAX) };
    Pending {
        key: work.key.clone(),
        state: PendingState::Rejected,
        attempt: work.attempt().clone(),
        run: None,
        tries: work.tries,
        due,
        fault: Some(fault.at(place)),
        word: None,
    }
}

/// Whether something waits because a value had no form there, or referred to what was
/// not there: it is tried as soon as that is over.
fn mends_itself(pending: &Pending) -> bool {
    let mends_itself = |code| matches!(code, FaultCode::NoForm | FaultCode::Reference);
    pending.fault.as_ref().is_some_and(|fault| mends_itself(fault.code))
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
    if may_be_made(context, &pending) {
        // Whatever has changed since is an update of the row that it makes, or made.
        work.fields.clone_from(&pending.attempt.fields);
    }
    let same = pending.attempt.fields == work.fields;
    let is_due = pending.due <= context.workspace.env.now();
    match pending.state {
        PendingState::Unknown => None,
        PendingState::Rejected
            if same && !is_due && !mends_itself(&pending) && !planted::is(Bug::RejectedAgain) =>
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

/// Whether a create got no answer and is made again at a vendor that knows it by its
/// key: with another content it would have another key, and there would be two rows.
fn may_be_made(context: &RunContext<'_>, pending: &Pending) -> bool {
    let is_unanswered = pending.state == PendingState::Retry && pending.fault.is_none();
    let stream = context.stream.as_ref();
    pending.key.record.is_none()
        && is_unanswered
        && stream.is_some_and(|stream| stream.idempotency_keys)
        && !planted::is(Bug::FreshKeys)
}
