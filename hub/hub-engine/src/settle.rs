//! Settling writes whose outcome is unknown, before anything else is read.
//!
//! A request that got no answer may have arrived. As long as that is open, the
//! row it was about cannot be believed: our own value, perhaps in the vendor's
//! form, would look like somebody's edit. So the rows are read back first. What
//! shows the attempt is our echo and counts as delivered; what does not was
//! lost and is due again; everything else in the row is read in the ordinary
//! way.
//!
//! A new row is the exception. Many vendors search in an index that lags behind
//! their lists, so that a row that a search does not find may exist: creating it
//! once more would make a double. Such a create stays open until the lag is over.
//! Until then, and in any case before it is made again, a page that shows its row
//! settles it, and nobody else's row is created by the same value
//! ([`crate::delivery`]). Its person may be gone by then, and be back as somebody
//! else ([`heir`]).

mod became;
mod heir;
pub(crate) mod jobs;
mod members;
pub(crate) mod open_creates;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hub_core::mapping::form;
use hub_core::quality::StreamRules;
use hub_core::sync::{self, Birth};
use hub_model::{
    Change, ChangeKind, CommitSeq, Fault, FaultCode, Object, Pending, PendingState, Profile,
    ProfileId, Record, RecordNo, RecordRef, RemoteKey, Stamp, Timestamp, Word, WriteEnd, WriteKind,
};
use hub_store::{Counters, WriteSet};
use plugin_api::{Found, ItemChange, LookupKey};

use crate::conclude::{Changed, conclude};
use crate::delivery::subject::{self, Subject};
use crate::delivery::{find, wait_micros};
use crate::ledger::{Attempted, Ledger};
use crate::permission::Permission;
use crate::reading::{self, Reading};
use crate::run::RunContext;
use crate::slice;

/// Attempts per step.
const STEP_ITEMS_MAX: usize = 50;

/// An attempt and where its row would be.
struct Question<'a> {
    pending: &'a Pending,
    record: Option<Record>,
    owner: Option<Owner>,
    key: Option<LookupKey>,
    /// Whether the destination may have what was tried.
    keeps_values: bool,
}

/// Whom a created row belongs to.
struct Owner {
    profile: ProfileId,
    /// The record that it was made for.
    for_record: Option<RecordNo>,
    /// The object that it was made of.
    source: Option<RecordRef>,
    /// The records of the person.
    records: BTreeSet<RecordNo>,
}

impl Owner {
    /// Whether a row that is known is somebody else's. What an object is made of does
    /// not tell that.
    fn is_strange(&self, record: &Record) -> bool {
        self.source.is_none() && !self.records.contains(&record.number)
    }

    /// A record that was created for it.
    fn own(&self, record: Record) -> Record {
        match &self.source {
            Some(source) => sync::linked(record, source.clone()),
            None => record,
        }
    }
}

/// Settles every unknown outcome of the sync.
pub(crate) async fn settle(context: &mut RunContext<'_>) -> Result<(), Fault> {
    // Whatever the clock says: it may have been set back since the attempt.
    let ever = Timestamp(i64::MAX);
    let waiting = context.workspace.store.pending(context.job.id(), ever, usize::MAX).await?;
    let unknown: Vec<Pending> =
        waiting.into_iter().filter(|pending| pending.state == PendingState::Unknown).collect();
    let unknown = jobs::poll(context, unknown).await?;
    if unknown.is_empty() {
        return Ok(());
    }
    let stream = reading::stream_info(context).await?;
    let rules = reading::row_rules(context).await?;
    let step = usize::try_from(stream.batch_items_max).unwrap_or(1).clamp(1, STEP_ITEMS_MAX);
    let mut rows = Vec::new();
    for unknown in unknown.chunks(step) {
        context.go_on()?;
        let mut questions = questions(context, unknown).await?;
        if context.job.mapping.audience {
            members::settle(context, questions).await?;
            continue;
        }
        let keys: Vec<LookupKey> = questions.iter().filter_map(|q| q.key.clone()).collect();
        let found = match find(context, &stream, &keys).await {
            Ok(found) => found,
            // Nothing can be read back there: trying again may make a double,
            // which the ledger says.
            Err(fault) if fault.code == FaultCode::NotSupported => {
                questions = jobs::take_at_word(context, questions).await?;
                vec![Found::None; questions.iter().filter(|q| q.key.is_some()).count()]
            }
            Err(fault) => return Err(fault),
        };
        let found = open_creates::without_others(context, &stream, &questions, found).await?;
        let (questions, found) = open_creates::set_aside(context, questions, found);
        rows.extend(answer(context, &rules, &questions, found).await?);
    }
    // Several attempts may have come to one row: it is read when all of them are known.
    for rows in slice::cut(rows) {
        slice::apply(context, rows, None).await?;
    }
    Ok(())
}

async fn questions<'a>(
    context: &RunContext<'_>,
    unknown: &'a [Pending],
) -> Result<Vec<Question<'a>>, Fault> {
    let store = &context.workspace.store;
    let mut questions = Vec::new();
    for pending in unknown {
        let known = match (pending.key.record, open_creates::made(pending)) {
            (Some(number), _) => store.records(&[number]).await?,
            // What the vendor made of it may be a row that is known.
            (None, Some(key)) => {
                let stream = context.job.mapping.stream.clone();
                store.records_by_ref(&[RecordRef { stream, key: key.clone() }]).await?
            }
            (None, None) => Vec::new(),
        };
        let record = known.into_iter().flatten().next();
        let of = (&*context.workspace.rules, &context.job.mapping);
        let subject = subject::one(&**store, of, pending.key.profile).await?;
        let profile = subject.as_ref().map(|subject| &subject.profile);
        let made_for = match (&record, profile) {
            (None, Some(profile)) => search(context, pending, profile),
            _ => None,
        };
        let key = match &record {
            Some(record) => Some(LookupKey::Key(record.at.key.clone())),
            None => open_creates::made(pending)
                .cloned()
                .map(LookupKey::Key)
                .or_else(|| made_for.clone()),
        };
        let (owner, keeps_values) = match subject {
            Some(subject) => owner(context, pending, subject, made_for.as_ref()).await?,
            None => (None, false),
        };
        questions.push(Question { pending, record, owner, key, keeps_values });
    }
    Ok(questions)
}

/// Whom a row belongs to which was asked for somebody some time ago, and whether the
/// destination may have what was tried. `made_for` finds a row that is not known by
/// its value, whoever told its key. An object has no heirs.
async fn owner(
    context: &RunContext<'_>,
    pending: &Pending,
    subject: Subject,
    made_for: Option<&LookupKey>,
) -> Result<(Option<Owner>, bool), Fault> {
    let mapping = &context.job.mapping;
    let heir = match made_for.filter(|_| subject.source.is_none()) {
        Some(value) => {
            heir::heir(context, (&subject.profile, subject.members().as_slice()), value).await?
        }
        None => None,
    };
    let of = (&*context.workspace.rules, mapping);
    let heir = match heir {
        Some(heir) => subject::one(&*context.workspace.store, of, heir.id).await?,
        None => None,
    };
    let is_heir = heir.is_some();
    let subject = heir.unwrap_or(subject);
    let members = subject.members();
    let for_record = match is_heir {
        true => sync::created_for(&members),
        false => sync::created_for_asked(pending.key.profile, &members),
    };
    let permitted = is_permitted(context, &subject).await?;
    let profile = subject.profile.id;
    let records = members.iter().map(|record| record.number).collect();
    Ok((Some(Owner { profile, for_record, source: subject.source, records }), permitted))
}

/// Whether the values of an attempt may be kept.
async fn is_kept(context: &RunContext<'_>, pending: &Pending) -> Result<bool, Fault> {
    let of = (&*context.workspace.rules, &context.job.mapping);
    let subject = subject::one(&*context.workspace.store, of, pending.key.profile).await?;
    match subject {
        Some(subject) => is_permitted(context, &subject).await,
        None => Ok(false),
    }
}

/// Whether the destination may have anything of a subject.
async fn is_permitted(context: &RunContext<'_>, subject: &Subject) -> Result<bool, Fault> {
    let permission = Permission::of(context, std::iter::once(subject.profile.id)).await?;
    Ok(subject.is_permitted(&permission, context.workspace.env.now()))
}

/// What finds the row that a create may have made: the value that was sent,
/// else the profile's own, by the most telling field that has one.
fn search(context: &RunContext<'_>, pending: &Pending, profile: &Profile) -> Option<LookupKey> {
    let mapping = &context.job.mapping;
    mapping.matching.iter().find_map(|name| {
        let pair = mapping.field(name.as_str())?;
        let sent = pending.attempt.fields.get(name).map(|(value, _)| value.clone());
        let golden = || {
            let golden = profile.traits.get(&pair.to)?;
            form(pair, Cow::Borrowed(&golden.value)).ok().map(Cow::into_owned)
        };
        let value = sent.or_else(golden)?;
        let fields = BTreeMap::from([(name.clone(), value.clone())]);
        (!value.is_null()).then_some(LookupKey::Fields(fields))
    })
}

/// Keeps what the rows say about the attempts; returns the rows, to be read in
/// the ordinary way for everything else that is in them.
async fn answer(
    context: &mut RunContext<'_>,
    rules: &Arc<StreamRules>,
    questions: &[Question<'_>],
    found: Vec<Found>,
) -> Result<Vec<Reading>, Fault> {
    let workspace = context.workspace;
    let _guard = workspace.decide().await;
    let counters = workspace.store.counters().await?;
    let profiles = questions.iter().map(|question| question.pending.key.profile);
    let mut ledger = Ledger::of(context, profiles.collect()).await?;
    let mut births = Births { context, counters };
    let mut set = WriteSet::default();
    let mut changed = Vec::new();
    let mut rows = Vec::new();
    // Two creates may find one row, where two people who are joined or told apart
    // had one address for a while: it was made once.
    let mut born: BTreeSet<RemoteKey> = BTreeSet::new();
    let mut found = found.into_iter();
    for question in questions {
        let found = if question.key.is_some() { found.next() } else { None };
        let attempted = Attempted::of(
            question.pending,
            question.keeps_values,
            births.context.job.mapping.deletes,
        );
        match (found, &question.record) {
            (Some(Found::One(item)), record) => {
                if let ItemChange::Upsert(row) = &item.change
                    && let Ok(object) = row.fields()
                    && !born.contains(&item.key)
                {
                    let at = RecordRef {
                        stream: births.context.job.mapping.stream.clone(),
                        key: item.key.clone(),
                    };
                    let known = match record {
                        Some(record) => Some(record.clone()),
                        None => {
                            let known =
                                workspace.store.records_by_ref(std::slice::from_ref(&at)).await?;
                            known.into_iter().flatten().next()
                        }
                    };
                    let version = item.version.as_deref();
                    // Cleaned like any row, or the vendor's form would pass for
                    // an edit of what we wrote.
                    let object = reading::comparable(rules, &object);
                    let before = known.clone();
                    let echo = births.echo(question, known, at, &object, version);
                    ledger.settle(attempted, before.as_ref(), echo.as_ref().map(Changed::record));
                    if matches!(echo, Some(Changed::Created(_))) {
                        born.insert(item.key.clone());
                    }
                    changed.extend(echo);
                } else {
                    ledger.settle(attempted, record.as_ref(), None);
                }
                rows.push(reading::check_row(births.context, rules, item));
            }
            (Some(Found::None | Found::Several(_)), Some(record)) => {
                let end = match attempted.kind {
                    WriteKind::Delete | WriteKind::Archive => WriteEnd::Found,
                    WriteKind::Create | WriteKind::Update => WriteEnd::Lost,
                };
                ledger.end(attempted, end, Some(record), None);
                if end == WriteEnd::Found && births.context.job.mapping.segment.is_some() {
                    // Whoever left the segment may come back.
                    births.counters.stamp += 1;
                    let stamp = Stamp(births.counters.stamp);
                    let mapping = &births.context.job.mapping;
                    let gone = sync::removed(record, stamp, &births.context.id, mapping);
                    changed.push(Changed::Deleted(gone));
                } else {
                    rows.push(Reading::gone(record.at.key.clone()));
                }
            }
            (_, record) => ledger.end(attempted, WriteEnd::Unknown, record.as_ref(), None),
        }
        // Due at once: what was lost is planned again, what arrived is dropped.
        let now = workspace.env.now();
        let due = match &question.pending.word {
            // It may be the one that the vendor found invalid.
            Some(Word::Counted) => {
                now.plus_micros(wait_micros(context, question.pending.tries, None))
            }
            _ => now,
        };
        let state = PendingState::Retry;
        set.pending.push(Pending { state, due, word: None, ..question.pending.clone() });
        // Its record may be part of another profile by now, which waited for this.
        let owner = question.record.as_ref().filter(|record| !record.is_object());
        let owner = owner.map(|record| record.profile);
        let moved = owner.filter(|owner| *owner != question.pending.key.profile);
        set.changes.extend(moved.map(updated));
    }
    if !changed.is_empty() {
        set.counters = Some(births.counters);
    }
    set.written = ledger.into_entries();
    conclude(workspace, changed, &mut set).await?;
    workspace.commit(set).await?;
    Ok(rows)
}

/// Deliveries have to look at a profile.
const fn updated(profile: ProfileId) -> Change {
    Change { seq: CommitSeq(0), profile, kind: ChangeKind::Updated }
}

/// Numbers for rows that turn out to be ours.
struct Births<'a, 'b> {
    context: &'a RunContext<'b>,
    counters: Counters,
}

impl Births<'_, '_> {
    /// What a row says about an attempt.
    fn echo(
        &mut self,
        question: &Question<'_>,
        known: Option<Record>,
        at: RecordRef,
        object: &Object,
        version: Option<&str>,
    ) -> Option<Changed> {
        let attempt = &question.pending.attempt;
        let mapping = &self.context.job.mapping;
        let word = question.pending.word.as_ref();
        if let Some(record) = known {
            let settled = match word {
                Some(Word::Written { .. }) => sync::settle_told(&record, attempt, object, mapping),
                Some(Word::Counted) => sync::settle_counted(&record, attempt, object, mapping),
                _ => sync::settle_echo(&record, attempt, object, mapping),
            };
            return (settled != record).then_some(Changed::States(settled));
        }
        let owner = question.owner.as_ref()?;
        if !sync::looks_like(attempt, object, &mapping.matching) {
            return None; // somebody else's row: read it like any other
        }
        self.counters.record += 1;
        self.counters.stamp += 1;
        let birth = Birth {
            number: RecordNo(self.counters.record),
            stamp: Stamp(self.counters.stamp),
            at,
            for_record: owner.for_record?,
            profile: owner.profile,
            run: self.context.id.clone(),
        };
        Some(Changed::Created(owner.own(match word {
            Some(Word::Written { .. } | Word::Counted) => {
                sync::settle_told_birth(birth, attempt, object, version, mapping)
            }
            _ => sync::settle_birth(birth, attempt, object, version, mapping),
        })))
    }
}
