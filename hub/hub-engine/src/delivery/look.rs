//! Looking before writing: no create without a search, no update of a row that
//! may have moved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hub_core::planted::{self, Bug};
use hub_core::quality::StreamRules;
use hub_model::{
    Fault, FaultCode, FieldName, Pending, PendingKey, PendingState, ProfileId, RemoteKey,
};
use hub_store::WriteSet;
use plugin_api::{Found, LookupKey, LookupRequest, StreamInfo};

use super::adopt::adopt;
use super::outcome;
use super::plan::Work;
use crate::budget::Call;
use crate::reading::{self, Reading};
use crate::retry;
use crate::run::RunContext;
use crate::slice;

/// After so long a create whose row existed is looked for again.
const TAKEN_WAIT_MICROS: i64 = 3_600 * 1_000_000;

/// What looking showed.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Looked for (or not needed) and clear to be written.
    clear: BTreeSet<PendingKey>,
    /// Creates that must not be made: rows exist already.
    taken: BTreeMap<PendingKey, Fault>,
    /// Updates of rows that their rules do not admit: whether somebody edited
    /// them is not known. And creates of what may have been made a moment ago.
    waits: BTreeMap<PendingKey, Fault>,
}

impl Looked {
    /// Whether a work may be written as far as looking showed.
    pub fn is_clear(&self, key: &PendingKey) -> bool {
        self.clear.contains(key)
    }
}

/// Looks for rows; what is found is taken in like a page of the stream.
pub(super) async fn look(
    context: &mut RunContext<'_>,
    stream: &StreamInfo,
    works: &[Work],
) -> Result<Looked, Fault> {
    let mut looked = Looked::default();
    let mut rows = Vec::new();
    let rules = reading::row_rules(context).await?;
    let (creates, updates): (Vec<&Work>, Vec<&Work>) =
        works.iter().partition(|work| work.record.is_none());
    let (unread, known): (Vec<&Work>, Vec<&Work>) =
        updates.into_iter().partition(|work| work.look_first);
    looked.clear.extend(known.iter().map(|work| work.key.clone()));

    let keys: Vec<LookupKey> = unread
        .iter()
        .filter_map(|work| work.record.as_ref())
        .map(|record| LookupKey::Key(record.at.key.clone()))
        .collect();
    for (work, (found, key)) in
        unread.iter().zip(find(context, stream, &keys).await?.into_iter().zip(&keys))
    {
        match (found, key) {
            (Found::One(item), _) => {
                let row = reading::check_row(context, &rules, item);
                if let Some(fault) = row.fault() {
                    looked.waits.insert(work.key.clone(), fault.clone());
                }
                rows.push(row);
            }
            (Found::None | Found::Several(_), LookupKey::Key(key)) => {
                rows.push(Reading::gone(key.clone()));
            }
            (Found::None | Found::Several(_), LookupKey::Fields(_)) => {}
        }
        if !looked.waits.contains_key(&work.key) {
            looked.clear.insert(work.key.clone());
        }
    }
    let found =
        find_before_create(context, stream, (&creates, &rules), &mut looked, &mut rows).await?;
    for rows in slice::cut(rows) {
        slice::apply(context, rows, None).await?;
    }
    adopt(context, &found).await?;
    Ok(looked)
}

/// Searches by each matching field in turn, most telling first. Returns the one row
/// that was found for each of those who have one.
async fn find_before_create(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    (creates, rules): (&[&Work], &Arc<StreamRules>),
    looked: &mut Looked,
    rows: &mut Vec<Reading>,
) -> Result<Vec<(ProfileId, RemoteKey)>, Fault> {
    let mut sole = Vec::new();
    let mut open = Vec::with_capacity(creates.len());
    for work in creates {
        match context.asked.for_another(work) {
            Some(fault) => {
                looked.waits.insert(work.key.clone(), fault);
            }
            None => open.push(*work),
        }
    }
    // Nobody can look who is in an audience; to bring somebody in twice changes nothing.
    let searches = !planted::is(Bug::CreateBlindly) && !context.job.mapping.audience;
    for field in context.job.mapping.matching.iter().filter(|_| searches) {
        let (asked, without): (Vec<&Work>, Vec<&Work>) =
            open.into_iter().partition(|work| match_key(work, field).is_some());
        let keys: Vec<LookupKey> = asked.iter().filter_map(|work| match_key(work, field)).collect();
        open = without;
        for (work, found) in asked.into_iter().zip(find(context, stream, &keys).await?) {
            match found {
                Found::None => open.push(work),
                Found::One(item) => {
                    let fault = taken(work, field, 1);
                    looked.taken.insert(work.key.clone(), fault);
                    sole.push((work.key.profile, item.key.clone()));
                    rows.push(reading::check_row(context, rules, item));
                }
                Found::Several(keys) => {
                    let fault = taken(work, field, keys.len());
                    looked.taken.insert(work.key.clone(), fault);
                }
            }
        }
    }
    looked.clear.extend(open.into_iter().map(|work| work.key.clone()));
    Ok(sole)
}

fn match_key(work: &Work, field: &FieldName) -> Option<LookupKey> {
    let (_, value) = work.matching.iter().find(|(name, _)| name == field)?;
    Some(LookupKey::Fields(BTreeMap::from([(field.clone(), value.clone())])))
}

fn taken(work: &Work, field: &FieldName, rows: usize) -> Fault {
    Fault::new(FaultCode::Conflict)
        .at(format!("{}/{field}", work.key.sync))
        .with("profile", work.key.profile)
        .with("rows", rows)
}

/// Asks for rows in batches that the stream accepts: one answer per key.
pub(crate) async fn find(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    keys: &[LookupKey],
) -> Result<Vec<Found>, Fault> {
    let mut all = Vec::with_capacity(keys.len());
    let step = usize::try_from(stream.batch_items_max).unwrap_or(1).max(1);
    for keys in keys.chunks(step) {
        let request = LookupRequest {
            stream: context.job.mapping.stream.stream.clone(),
            keys: keys.to_vec(),
            fields: context.job.fields(),
        };
        let call = context.call();
        let look = || context.job.connector.lookup(&call, &request);
        let found = retry::reading(context, Call::Lookup, look).await?;
        if found.len() != keys.len() {
            return Err(Fault::new(FaultCode::ConnectorBug)
                .with("asked", keys.len())
                .with("answered", found.len()));
        }
        all.extend(found);
    }
    Ok(all)
}

/// The works that may be written after looking. A create whose row exists but
/// did not join its profile waits for a person: writing would make a double,
/// joining would be a guess. The row may also have shown the value for a while
/// only, as after a separation: it is looked for again from time to time.
pub(super) async fn cleared(
    context: &mut RunContext<'_>,
    due: Vec<Work>,
    looked: &Looked,
) -> Result<Vec<Work>, Fault> {
    let mut set = WriteSet::default();
    let mut clear = Vec::new();
    let again = context.workspace.env.now().plus_micros(TAKEN_WAIT_MICROS);
    for work in due {
        if looked.clear.contains(&work.key) {
            clear.push(work);
        } else if let Some(fault) = looked.taken.get(&work.key) {
            context.counts.rejected += 1;
            set.pending.push(Pending {
                key: work.key.clone(),
                state: PendingState::Rejected,
                attempt: work.attempt().clone(),
                run: None,
                tries: work.tries,
                due: again,
                fault: Some(fault.clone()),
                word: None,
            });
        } else if let Some(fault) = looked.waits.get(&work.key) {
            outcome::wait(context, &mut set, work, None, fault.clone());
        }
        // What became due only by looking waits for the next step.
    }
    if !set.is_empty() {
        context.workspace.commit(set).await?;
    }
    Ok(clear)
}
