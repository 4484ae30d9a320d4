//! Settling writes whose outcome is unknown, before anything else is read.
//!
//! A request that got no answer may have arrived. As long as that is open, the
//! row it was about cannot be believed: our own value, perhaps in the vendor's
//! form, would look like somebody's edit. So the rows are read back first. What
//! shows the attempt is our echo and counts as delivered; what does not was
//! lost and is due again; everything else in the row is read in the ordinary
//! way.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use hub_core::mapping::form;
use hub_core::quality::StreamRules;
use hub_core::sync::{self, Birth};
use hub_model::{
    Fault, FaultCode, Object, Pending, PendingState, Profile, Record, RecordNo, RecordRef, Stamp,
};
use hub_store::{Counters, WriteSet};
use plugin_api::{Found, ItemChange, LookupKey};

use crate::conclude::{Changed, conclude};
use crate::delivery::find;
use crate::reading::{self, Reading};
use crate::run::RunContext;
use crate::slice;

/// Attempts per step.
const STEP_ITEMS_MAX: usize = 50;

/// An attempt and where its row would be.
struct Question<'a> {
    pending: &'a Pending,
    record: Option<Record>,
    profile: Option<Profile>,
    /// The record that a created one belongs to.
    for_record: Option<RecordNo>,
    key: Option<LookupKey>,
}

/// Settles every unknown outcome of the sync.
pub(crate) async fn settle(context: &mut RunContext<'_>) -> Result<(), Fault> {
    let now = context.workspace.env.now();
    let waiting = context.workspace.store.pending(context.job.id(), now, usize::MAX).await?;
    let unknown: Vec<Pending> =
        waiting.into_iter().filter(|pending| pending.state == PendingState::Unknown).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let stream = reading::stream_info(context).await?;
    let step = usize::try_from(stream.batch_items_max).unwrap_or(1).clamp(1, STEP_ITEMS_MAX);
    for unknown in unknown.chunks(step) {
        context.go_on()?;
        let questions = questions(context, unknown).await?;
        let keys: Vec<LookupKey> = questions.iter().filter_map(|q| q.key.clone()).collect();
        let found = match find(context, &stream, &keys).await {
            Ok(found) => found,
            // Nothing can be read back there: trying again may make a double,
            // which is what the connection's delivery class says.
            Err(fault) if fault.code == FaultCode::NotSupported => vec![Found::None; keys.len()],
            Err(fault) => return Err(fault),
        };
        let rules = reading::row_rules(context).await?;
        let rows = answer(context, &rules, &questions, found).await?;
        for rows in slice::cut(rows) {
            slice::apply(context, rows, None).await?;
        }
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
        let record = match pending.key.record {
            Some(number) => store.records(&[number]).await?.into_iter().flatten().next(),
            None => None,
        };
        let profile = store.profiles(&[pending.key.profile]).await?.into_iter().flatten().next();
        let key = match &record {
            Some(record) => Some(LookupKey::Key(record.at.key.clone())),
            None => profile.as_ref().and_then(|profile| search(context, pending, profile)),
        };
        let for_record = match &profile {
            Some(profile) => {
                let members = store.records(&profile.records).await?;
                sync::created_for(&members.iter().flatten().collect::<Vec<_>>())
            }
            None => None,
        };
        questions.push(Question { pending, record, profile, for_record, key });
    }
    Ok(questions)
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
    let mut births = Births { context, counters };
    let mut set = WriteSet::default();
    let mut changed = Vec::new();
    let mut rows = Vec::new();
    let mut found = found.into_iter();
    for question in questions {
        let found = if question.key.is_some() { found.next() } else { None };
        match (found, &question.record) {
            (Some(Found::One(item)), record) => {
                if let ItemChange::Upsert(row) = &item.change
                    && let Ok(object) = row.fields()
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
                    changed.extend(births.echo(question, known, at, &object, version));
                }
                rows.push(reading::check_row(births.context, rules, item));
            }
            (Some(Found::None | Found::Several(_)), Some(record)) => {
                rows.push(Reading::gone(record.at.key.clone()));
            }
            _ => {}
        }
        // Due at once: what was lost is planned again, what arrived is dropped.
        set.pending.push(Pending {
            state: PendingState::Retry,
            due: workspace.env.now(),
            ..question.pending.clone()
        });
    }
    if !changed.is_empty() {
        set.counters = Some(births.counters);
    }
    conclude(workspace, changed, &mut set).await?;
    workspace.commit(set).await?;
    Ok(rows)
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
        if let Some(record) = known {
            let settled = sync::settle_echo(&record, attempt, object, mapping);
            return (settled != record).then_some(Changed::States(settled));
        }
        let profile = question.profile.as_ref()?;
        if !sync::looks_like(attempt, object, &mapping.matching) {
            return None; // somebody else's row: read it like any other
        }
        self.counters.record += 1;
        self.counters.stamp += 1;
        let birth = Birth {
            number: RecordNo(self.counters.record),
            stamp: Stamp(self.counters.stamp),
            at,
            for_record: question.for_record?,
            profile: profile.id,
            run: self.context.id.clone(),
        };
        Some(Changed::Created(sync::settle_birth(birth, attempt, object, version, mapping)))
    }
}
