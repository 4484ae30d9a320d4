//! Slices: what was read becomes records and profiles, one commit at a time.
//!
//! The same path serves pages, look-ups before a write and read-backs after an
//! unknown outcome, so that a row means the same wherever it was seen.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::Ordering;

use hub_core::consent;
use hub_core::event::is_later;
use hub_core::identity::{Normalised, normalise};
use hub_core::mapping::identity_in;
use hub_core::privacy::Unlink;
use hub_core::sync::{self, Context, Observation, Row, Stamps};
use hub_model::{
    Event, Fault, FaultCode, Object, Priority, Quarantined, Record, RecordNo, RecordRef, Related,
    RemoteKey, RunCounts, Stamp, limits,
};
use hub_store::{Counters, Error, PositionChange, WriteSet};

use crate::conclude::{Changed, conclude};
use crate::events::{self, Ties};
use crate::reading::{Admitted, Reading, What};
use crate::run::RunContext;
use crate::settle;
use crate::suppressions;
use crate::unlink::taken;

/// What a row costs in a commit, times its own size: the row and the profile
/// that shows its values. A slice that weighs more after all is halved.
const COMMIT_BYTES_PER_ROW_BYTE: usize = 3;
/// What a row costs in a commit whatever its size: states, identities, index.
const COMMIT_BYTES_PER_ROW: usize = 500;

/// Whether a row that was rejected is about somebody who was erased: by its key,
/// or by a value that would have named him.
fn names_the_erased(context: &RunContext<'_>, row: &Quarantined) -> bool {
    let tombstones = &context.workspace.tombstones;
    if tombstones.is_empty() {
        return false;
    }
    let object: Object = serde_json::from_str(&row.raw).unwrap_or_default();
    let at = row.key.clone().map(|key| RecordRef { stream: row.stream.clone(), key });
    if at.is_some_and(|at| tombstones.refuse_row(&at, &object)) {
        return true;
    }
    let rules = &context.workspace.rules;
    let mapping = &context.job.mapping;
    let is_erased = |to: &Related| tombstones.refuse_related(to);
    if (Unlink { mapping, rules, is_erased: &is_erased, texts: &[] }).concerns(&object) {
        return true;
    }
    mapping.fields.iter().any(|pair| {
        let namespace = pair.identity.as_deref().and_then(|name| rules.namespace(name));
        let value = object.get(pair.field.as_str());
        // What does not fit the pair's transforms may still name somebody as it is.
        namespace.zip(value).is_some_and(|(namespace, value)| {
            let plain = match normalise(namespace, value) {
                Normalised::Identity(identity) => Some(identity),
                Normalised::Empty | Normalised::Invalid(_) | Normalised::Never => None,
            };
            let named = identity_in(pair, namespace, value).into_iter().chain(plain);
            named.into_iter().any(|identity| tombstones.refuse(&identity))
        })
    })
}

/// Cuts what was read into slices that fit a commit.
pub(crate) fn cut(readings: Vec<Reading>) -> Vec<Vec<Reading>> {
    let mut slices: Vec<Vec<Reading>> = Vec::new();
    let mut bytes = usize::MAX;
    for reading in readings {
        let cost = reading.size_bytes() * COMMIT_BYTES_PER_ROW_BYTE + COMMIT_BYTES_PER_ROW;
        let fits = bytes.saturating_add(cost) <= limits::SLICE_BYTES_MAX;
        match slices.last_mut() {
            Some(slice) if fits && slice.len() < limits::SLICE_RECORDS_MAX => {
                bytes += cost;
                slice.push(reading);
            }
            _ => {
                bytes = cost;
                slices.push(vec![reading]);
            }
        }
    }
    slices
}

/// Applies one slice and moves the position with it. Returns the numbers of
/// the records whose rows were there. A slice that the store finds too large
/// is halved, and a row that is too large by itself goes to quarantine; the
/// position moves with the last part.
pub(crate) async fn apply(
    context: &mut RunContext<'_>,
    readings: Vec<Reading>,
    position: Option<PositionChange>,
) -> Result<Vec<RecordNo>, Fault> {
    let mut numbers = Vec::new();
    let mut stack = vec![(readings, position)];
    while let Some((mut readings, position)) = stack.pop() {
        match commit(context, &readings, position.clone()).await {
            Ok(there) => numbers.extend(there),
            Err(Error::Refused(_)) if readings.len() > 1 => {
                let rest = readings.split_off(readings.len() / 2);
                stack.push((rest, position));
                stack.push((readings, None));
            }
            Err(Error::Refused(reason)) if matches!(readings.as_slice(), [r] if r.is_row()) => {
                let fault = Fault::new(FaultCode::RowLimit).with("reason", reason);
                let too_large = readings.into_iter().map(|r| r.too_large(context, &fault));
                stack.push((too_large.collect(), position));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(numbers)
}

async fn commit(
    context: &mut RunContext<'_>,
    readings: &[Reading],
    position: Option<PositionChange>,
) -> Result<Vec<RecordNo>, Error> {
    let workspace = context.workspace;
    let _guard = workspace.decide().await;
    let mut observer = Observer::open(context, readings).await?;
    for reading in readings {
        observer.take(context, reading);
    }
    let Observer { changed, mut set, numbers, mut counts, record, stamps, .. } = observer;
    let (happened, gone) = (observer.events, observer.events_gone);
    events::append(workspace, happened, gone, (&mut set, &mut counts)).await?;
    if !changed.is_empty() {
        set.counters = Some(Counters { record, stamp: stamps.last() });
    }
    let (mapping, since) = (&context.job.mapping, Stamp(observer.since));
    let mut records = changed.iter().map(Changed::record);
    let refuses = records.any(|record| consent::refused_since(record, mapping, since));
    conclude(workspace, changed, &mut set).await?;
    let suppressed = suppressions::enter(workspace, mapping, &mut set).await?;
    set.positions.extend(position);
    if !set.is_empty() {
        workspace.commit(set).await?;
    }
    // Of a first load everybody is told as the schedules come.
    if (refuses || !suppressed.is_empty()) && context.priority != Priority::Backfill {
        workspace.refused.store(true, Ordering::Relaxed);
    }
    workspace.suppressions.remember(suppressed);
    add(&mut context.counts, counts);
    Ok(numbers)
}

fn add(total: &mut RunCounts, slice: RunCounts) {
    total.new += slice.new;
    total.changed += slice.changed;
    total.deleted += slice.deleted;
    total.quarantined += slice.quarantined;
    total.refused += slice.refused;
}

/// Compares the rows of one slice with what is known of them.
struct Observer {
    /// The number and mark of rows, as of the newest reading.
    marks: HashMap<RemoteKey, (RecordNo, u64)>,
    /// The records of those whose readings say something new.
    known: HashMap<RemoteKey, Record>,
    /// Rows of which there are several readings.
    repeated: HashSet<RemoteKey>,
    /// Whether any row may wait in quarantine: usually none does, and nothing
    /// has to be released.
    has_quarantine: bool,
    stamps: Stamps,
    /// The last stamp before.
    since: u64,
    record: u64,
    changed: Vec<Changed>,
    set: WriteSet,
    numbers: Vec<RecordNo>,
    events: Vec<Event>,
    /// Events that their system deleted.
    events_gone: BTreeSet<RecordRef>,
    counts: RunCounts,
}

impl Observer {
    async fn open(context: &RunContext<'_>, readings: &[Reading]) -> Result<Self, Error> {
        let store = &context.workspace.store;
        let mut keys: HashSet<&RemoteKey> = HashSet::with_capacity(readings.len());
        let mut refs: Vec<RecordRef> = Vec::with_capacity(readings.len());
        let mut repeated = HashSet::new();
        let stream = &context.job.mapping.stream;
        for key in readings.iter().filter_map(Reading::key) {
            if keys.insert(key) {
                refs.push(RecordRef { stream: stream.clone(), key: key.clone() });
            } else {
                repeated.insert(key.clone());
            }
        }
        let known = store.known(&refs).await?;
        let marks: HashMap<RemoteKey, (RecordNo, u64)> = refs
            .into_iter()
            .zip(known)
            .filter_map(|(at, known)| Some((at.key, known.map(|k| (k.number, k.mark))?)))
            .collect();
        let news: BTreeSet<RecordNo> = readings
            .iter()
            .filter_map(|reading| {
                let (number, mark) = marks.get(reading.key()?)?;
                (reading.mark() != Some(*mark)).then_some(*number)
            })
            .collect();
        let found = store.records(&news.into_iter().collect::<Vec<_>>()).await?;
        let known = found.into_iter().flatten().map(|r| (r.at.key.clone(), r)).collect();
        let counters = store.counters().await?;
        let has_quarantine = !store.quarantined(0, 1).await?.is_empty();
        Ok(Self {
            marks,
            known,
            repeated,
            has_quarantine,
            stamps: Stamps::after(counters.stamp),
            since: counters.stamp,
            record: counters.record,
            changed: Vec::new(),
            set: WriteSet::default(),
            numbers: Vec::new(),
            events: Vec::new(),
            events_gone: BTreeSet::new(),
            counts: RunCounts::default(),
        })
    }

    fn take(&mut self, context: &RunContext<'_>, reading: &Reading) {
        match &reading.what {
            What::Unopened { key, mark, .. } if self.is_known(key, *mark) => {}
            What::Unopened { .. } => self.take(context, &reading.clone().opened(context)),
            What::Row(row) if self.is_known(&row.key, row.mark) => {}
            What::Row(row) => self.take_row(context, row),
            What::Event { event, ties } => self.take_event(context, event, ties.as_ref()),
            What::Gone(key) => self.take_gone(context, key),
            What::Rejected(row) => self.take_rejected(context, row),
        }
    }

    /// Whether a row shows what it showed when it was last taken: then nothing
    /// of it is to be looked at.
    fn is_known(&mut self, key: &RemoteKey, mark: u64) -> bool {
        match self.marks.get(key) {
            Some((number, known)) if *known == mark => {
                self.numbers.push(*number);
                true
            }
            _ => false,
        }
    }

    fn take_rejected(&mut self, context: &RunContext<'_>, row: &Quarantined) {
        if names_the_erased(context, row) {
            // Not even in quarantine.
            self.counts.refused += 1;
            return;
        }
        self.counts.quarantined += 1;
        self.has_quarantine = true;
        self.set.quarantined.push(row.clone());
        // A known record is still there, only unreadable. What it shows next is
        // looked at, even if it is what it showed before.
        let known = row.key.as_ref().and_then(|key| self.marks.get_mut(key));
        if let Some((number, mark)) = known {
            *mark = 0;
            self.set.marks.push((*number, 0));
            self.numbers.push(*number);
        }
    }

    fn take_row(&mut self, context: &RunContext<'_>, row: &Admitted) {
        let Admitted { key, raw, cleaned, version, mark } = row;
        let object = cleaned.as_ref().unwrap_or(raw);
        let at = RecordRef { stream: context.job.mapping.stream.clone(), key: key.clone() };
        let known = self.known.get(key);
        if context.workspace.tombstones.refuse_row(&at, raw) {
            let number = known.map(|record| record.number);
            return self.refuse(context, key, number);
        }
        let mapping = &context.job.mapping;
        let Some((raw, object)) = taken(context.workspace, mapping, key, (raw, object)) else {
            let number = known.map(|record| record.number);
            return self.refuse(context, key, number);
        };
        let number = known.map_or(RecordNo(self.record + 1), |record| record.number);
        let known = known.map(|record| settle::jobs::own(context, record, &object));
        let known = known.as_deref();
        let row = Row { at: &at, object: &object, raw: &raw, version: version.as_deref() };
        let rules = &context.workspace.rules;
        let now = context.workspace.env.now();
        let about = Context { number, run: &context.id, rules, now };
        let observed = sync::observe(known, &row, mapping, &mut self.stamps, &about);
        if let Observation::Seen(seen) = &observed
            && context.workspace.tombstones.refuse_facts(&seen.facts)
        {
            let number = known.map(|record| record.number);
            return self.refuse(context, key, number);
        }
        // Whatever it says: it was accepted.
        self.release(context, key);
        self.numbers.push(number);
        self.set.marks.push((number, *mark));
        if self.repeated.contains(key) {
            self.marks.insert(key.clone(), (number, *mark));
        }
        let Observation::Seen(seen) = observed else { return };
        if seen.is_new {
            self.record += 1;
            self.counts.new += 1;
        }
        self.counts.changed += u64::from(seen.is_changed());
        if self.repeated.contains(key) {
            self.known.insert(key.clone(), seen.record.clone());
        }
        self.changed.push(Changed::Seen(seen));
    }

    /// The row is not taken, and nothing of it is kept: neither here nor in
    /// quarantine. A record that is known of it stays as it is.
    fn refuse(&mut self, context: &RunContext<'_>, key: &RemoteKey, known: Option<RecordNo>) {
        self.counts.refused += 1;
        self.numbers.extend(known);
        self.release(context, key);
    }

    fn release(&mut self, context: &RunContext<'_>, key: &RemoteKey) {
        if self.has_quarantine {
            let stream = context.job.mapping.stream.clone();
            self.set.released.push((stream, key.clone()));
        }
    }

    fn take_event(&mut self, context: &RunContext<'_>, event: &Event, ties: Option<&Ties>) {
        self.release(context, &event.at.key);
        if events::is_refused(context.workspace, event) {
            self.counts.refused += 1;
            return;
        }
        self.events.push(event.clone());
        let Some(Ties { key, row, mark }) = ties else { return };
        // A page that is older than what is known of them says nothing.
        let later = self.known.get(key).is_some_and(|known| is_later(&known.raw, row));
        if later || self.is_known(key, *mark) {
            return;
        }
        // The record is not what was read: the event is counted.
        let counts = self.counts;
        let (key, raw) = (key.clone(), row.clone());
        let row = Admitted { key, raw, cleaned: None, version: None, mark: *mark };
        self.take_row(context, &row);
        self.counts = counts;
    }

    fn take_gone(&mut self, context: &RunContext<'_>, key: &RemoteKey) {
        if context.job.mapping.event.is_some() {
            self.release(context, key);
            self.events.retain(|event| event.at.key != *key);
            self.events_gone
                .insert(RecordRef { stream: context.job.mapping.stream.clone(), key: key.clone() });
            return;
        }
        // What waits in quarantine must not be replayed after its end.
        self.release(context, key);
        let Some(record) = self.known.get(key).filter(|record| record.is_live()) else { return };
        let record = sync::observe_deleted(record, self.stamps.next(), &context.id);
        self.counts.deleted += 1;
        // Seen again, whatever it shows, it is news.
        self.marks.insert(key.clone(), (record.number, 0));
        self.set.marks.push((record.number, 0));
        self.known.insert(key.clone(), record.clone());
        self.changed.push(Changed::Deleted(record));
    }
}
