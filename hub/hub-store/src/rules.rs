//! Which commits are refused, whatever the body.
//!
//! The order of the checks is part of the port: first what is wrong with the
//! set by itself, then whether a position has moved, then what does not fit
//! the stored state. A worker that lost a race must hear [`Error::Conflict`],
//! not that its counters are stale.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use hub_model::{
    CommitSeq, PositionName, ProfileId, Record, RecordNo, RecordRef, Related, Relation, Stamp,
    limits,
};

use crate::history::Moment;
use crate::store::Error;
use crate::view::View;
use crate::write_set::{Counters, WriteSet};

/// Most bytes of inbox bodies in one commit: one pushed body of 1 MiB in an
/// envelope that may double it.
pub const INBOX_COMMIT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most bodies that may wait in the inbox. More means that nobody follows it.
pub const INBOX_ENTRIES_MAX: u64 = 100_000;
/// The position whose follower is done with inbox bodies. Its value is the last
/// body that is done, in decimal digits; bodies up to it are forgotten by the
/// commit that moves it.
pub const INBOX_POSITION: &str = "inbox";
/// Most rows without a key that quarantine keeps per stream; the oldest go.
pub const QUARANTINED_KEYLESS_ROWS_MAX: usize = 1_000;
/// The highest number that a rebuilt store may count on from: numbers beyond it
/// would come near the end of their type.
pub const CONTINUED_MAX: u64 = 1 << 62;
/// Most runs kept per sync; the oldest go.
pub const RUNS_KEPT_MAX: usize = 1_000;

/// Whether the set may be written onto this state.
///
/// # Errors
/// [`Error::Conflict`] when a position has moved, [`Error::Refused`] when a rule
/// or limit is broken, and whatever the view answers.
pub fn check(set: &WriteSet, view: &impl View) -> Result<(), Error> {
    size(set)?;
    names(set)?;
    positions(set, view)?;
    continued(set, view)?;
    let counters = counters(set, view)?;
    records(set, view, counters)?;
    marks(set, view)?;
    erased(set, view)?;
    aliases(set, view)?;
    decisions(set, view, counters)?;
    history(set, view)?;
    let waiting = view.inbox_entries()?;
    if !set.inbox.is_empty() && waiting + set.inbox.len() as u64 > INBOX_ENTRIES_MAX {
        return refuse(format!("{waiting} bodies wait in the inbox, {INBOX_ENTRIES_MAX} may"));
    }
    Ok(())
}

/// The place up to which this set lets the inbox be forgotten, if it moves it.
pub fn inbox_done(set: &WriteSet) -> Option<u64> {
    let change = set.positions.iter().find(|change| change.name.as_str() == INBOX_POSITION)?;
    std::str::from_utf8(change.new.as_deref()?).ok()?.parse().ok()
}

fn refuse<T>(why: String) -> Result<T, Error> {
    Err(Error::Refused(why))
}

fn size(set: &WriteSet) -> Result<(), Error> {
    let records = set.records.len();
    if records > limits::SLICE_RECORDS_MAX {
        return refuse(format!("{records} records, {} may be", limits::SLICE_RECORDS_MAX));
    }
    let events = set.events.len().max(set.events_gone.len());
    if events > limits::SLICE_RECORDS_MAX {
        return refuse(format!("{events} events, {} may be", limits::SLICE_RECORDS_MAX));
    }
    let entries = set.written.len().max(set.unwritten.len());
    if entries > limits::SLICE_RECORDS_MAX {
        return refuse(format!("{entries} entries, {} may be", limits::SLICE_RECORDS_MAX));
    }
    let bytes = set.weight_bytes();
    if bytes > limits::SLICE_BYTES_MAX {
        return refuse(format!("{bytes} bytes of rows, {} may be", limits::SLICE_BYTES_MAX));
    }
    let bytes = set.inbox_bytes();
    if bytes > INBOX_COMMIT_BYTES_MAX {
        return refuse(format!("{bytes} bytes of inbox bodies, {INBOX_COMMIT_BYTES_MAX} may be"));
    }
    Ok(())
}

/// Names become keys, and keys have a length that a body can rely on.
fn names(set: &WriteSet) -> Result<(), Error> {
    let at = |at: &RecordRef| {
        longest([
            at.stream.workspace.as_str(),
            at.stream.connection.as_str(),
            at.stream.stream.as_str(),
            at.key.as_str(),
        ])
    };
    let related = |relation: &Relation| match &relation.to {
        Related::Identity(identity) => longest([&*identity.namespace, &*identity.value]),
        Related::Row(row) => at(row),
    };
    let longest = [
        set.records.iter().map(|r| at(&r.at)).max(),
        set.records.iter().flat_map(|r| &r.relations).map(related).max(),
        set.claims.iter().map(|(i, _)| longest([&*i.namespace, &*i.value])).max(),
        set.positions.iter().map(|p| p.name.as_str().len()).max(),
        set.pending.iter().map(|p| p.key.sync.as_str().len()).max(),
        set.quarantined.iter().map(quarantined_name).max(),
        set.reviews
            .iter()
            .map(|r| longest([&*r.identity.namespace, &*r.identity.value, r.reason.as_str()]))
            .max(),
        set.runs.iter().map(|run| longest([run.id.as_str(), run.sync.as_str()])).max(),
        set.tokens.iter().map(|(c, n, _)| longest([c.as_str(), n.as_str()])).max(),
        set.events.iter().map(|event| at(&event.at).max(event_name(event))).max(),
        set.events_gone.iter().map(at).max(),
        set.written.iter().map(written_name).max(),
        set.unwritten.iter().map(|place| place.run.as_str().len()).max(),
    ]
    .into_iter()
    .flatten()
    .max()
    .unwrap_or(0);
    if longest > limits::KEY_BYTES_MAX {
        return refuse(format!("a name of {longest} bytes, {} may be", limits::KEY_BYTES_MAX));
    }
    Ok(())
}

fn longest<const N: usize>(names: [&str; N]) -> usize {
    names.into_iter().map(str::len).max().unwrap_or(0)
}

/// A run becomes part of a key, and is told apart from what follows it.
fn written_name(entry: &hub_model::LedgerEntry) -> usize {
    longest([entry.run.as_str(), entry.sync.as_str()])
}

fn event_name(event: &hub_model::Event) -> usize {
    let named = event.identities.iter().map(|i| longest([&*i.namespace, &*i.value]));
    named.max().unwrap_or(0).max(event.name.len())
}

fn quarantined_name(row: &hub_model::Quarantined) -> usize {
    longest([
        row.stream.workspace.as_str(),
        row.stream.connection.as_str(),
        row.stream.stream.as_str(),
        row.key.as_ref().map_or("", |key| key.as_str()),
    ])
}

fn positions(set: &WriteSet, view: &impl View) -> Result<(), Error> {
    let mut moved: BTreeSet<&PositionName> = BTreeSet::new();
    for change in &set.positions {
        if !moved.insert(&change.name) {
            return refuse(format!("position {} moves twice", change.name));
        }
    }
    for change in &set.positions {
        if view.position(&change.name)? != change.expected {
            return Err(Error::Conflict { name: change.name.clone() });
        }
    }
    Ok(())
}

fn continued(set: &WriteSet, view: &impl View) -> Result<(), Error> {
    let Some(continued) = set.continued else { return Ok(()) };
    let seq = view.seq()?;
    if seq.0 != 0 {
        return refuse(format!("commit {} continues another store: only the first may", seq.0 + 1));
    }
    if continued.seq.0 > CONTINUED_MAX || continued.inbox > CONTINUED_MAX {
        return refuse(format!("a store that continues from a number above {CONTINUED_MAX}"));
    }
    Ok(())
}

fn counters(set: &WriteSet, view: &impl View) -> Result<Counters, Error> {
    let now = view.counters()?;
    let Some(new) = set.counters else { return Ok(now) };
    if new.record < now.record || new.stamp < now.stamp {
        return refuse(format!(
            "counters go down: records {} to {}, stamps {} to {}",
            now.record, new.record, now.stamp, new.stamp
        ));
    }
    Ok(new)
}

fn records(set: &WriteSet, view: &impl View, counters: Counters) -> Result<(), Error> {
    let mut numbers: HashMap<&RecordRef, RecordNo> = HashMap::with_capacity(set.records.len());
    let mut refs: HashMap<RecordNo, &RecordRef> = HashMap::with_capacity(set.records.len());
    for record in &set.records {
        let number = record.number;
        if number.0 == 0 || number.0 > counters.record {
            return refuse(format!("record {number}, {} were given out", counters.record));
        }
        let stamp = newest_stamp(record);
        if stamp.0 > counters.stamp {
            return refuse(format!(
                "record {number} has stamp {stamp}, {} were given out",
                counters.stamp
            ));
        }
        // A number belongs to one row and a row has one number, for ever.
        // Anything else is two workers that gave out the same number. A number
        // that its row has is that row's; only another one is worth a look.
        let stored = view.number(&record.at)?;
        let taken = stored != Some(number) && view.has_record(number)?;
        let other_ref = taken || refs.insert(number, &record.at).is_some_and(|at| *at != record.at);
        let other_number = stored.is_some_and(|stored| stored != number)
            || numbers.insert(&record.at, number).is_some_and(|earlier| earlier != number);
        if other_ref || other_number {
            return refuse(format!(
                "record {number} and its row in {} do not belong together",
                record.at.stream
            ));
        }
    }
    Ok(())
}

fn marks(set: &WriteSet, view: &impl View) -> Result<(), Error> {
    let put: HashSet<RecordNo> = set.records.iter().map(|record| record.number).collect();
    for (number, _) in &set.marks {
        if !put.contains(number) && !view.has_record(*number)? {
            return refuse(format!("a mark for record {number}, which does not exist"));
        }
    }
    Ok(())
}

/// What leaves is what it was taken for, and is not put in the same breath.
fn erased(set: &WriteSet, view: &impl View) -> Result<(), Error> {
    let put: BTreeSet<RecordNo> = set.records.iter().map(|record| record.number).collect();
    let marked: BTreeSet<RecordNo> = set.marks.iter().map(|(number, _)| *number).collect();
    for (number, at) in &set.erased {
        if put.contains(number) || marked.contains(number) {
            return refuse(format!("record {number} is put and erased at once"));
        }
        if view.has_record(*number)? && view.number(at)? != Some(*number) {
            return refuse(format!("record {number} is erased by a row that is not its own"));
        }
    }
    let put: BTreeSet<ProfileId> = set.profiles.iter().map(|profile| profile.id).collect();
    match set.erased_profiles.iter().find(|id| put.contains(id)) {
        Some(id) => refuse(format!("profile {id} is put and erased at once")),
        None => Ok(()),
    }
}

fn newest_stamp(record: &Record) -> Stamp {
    let fields = record.fields.values().flat_map(|field| {
        let settled = field.dispute.as_ref().and_then(|kept| kept.settled.as_ref());
        [
            field.sent,
            field.asserted.as_ref().map_or(Stamp(0), |asserted| asserted.stamp),
            settled.map_or(Stamp(0), |settled| settled.stamp),
        ]
    });
    let facts = record.identities.iter().map(|fact| fact.stamp);
    [record.born, record.deleted.unwrap_or_default()]
        .into_iter()
        .chain(fields)
        .chain(facts)
        .max()
        .unwrap_or_default()
}

fn aliases(set: &WriteSet, view: &impl View) -> Result<(), Error> {
    let put: BTreeSet<ProfileId> = set.profiles.iter().map(|profile| profile.id).collect();
    let mut new: BTreeMap<ProfileId, ProfileId> = BTreeMap::new();
    for (absorbed, surviving) in &set.aliases {
        if put.contains(absorbed) {
            return refuse(format!("profile {absorbed} is put and absorbed at once"));
        }
        if new.insert(*absorbed, *surviving).is_some_and(|earlier| earlier != *surviving) {
            return refuse(format!("profile {absorbed} is absorbed by two"));
        }
    }
    for start in new.keys() {
        let mut seen = BTreeSet::from([*start]);
        let mut at = *start;
        while let Some(next) = hop(at, &new, &put, view)? {
            if !seen.insert(next) {
                return refuse(format!("the aliases from profile {start} form a circle"));
            }
            at = next;
        }
    }
    Ok(())
}

/// One hop in the state after the commit.
fn hop(
    from: ProfileId,
    new: &BTreeMap<ProfileId, ProfileId>,
    put: &BTreeSet<ProfileId>,
    view: &impl View,
) -> Result<Option<ProfileId>, Error> {
    match new.get(&from) {
        Some(next) => Ok(Some(*next)),
        None if put.contains(&from) => Ok(None),
        None => view.alias(from),
    }
}

fn decisions(set: &WriteSet, view: &impl View, counters: Counters) -> Result<(), Error> {
    let mut new: BTreeMap<Stamp, &hub_model::Decision> = BTreeMap::new();
    for decision in &set.decisions {
        let stamp = decision.stamp;
        if stamp.0 == 0 || stamp.0 > counters.stamp {
            return refuse(format!(
                "a decision has stamp {stamp}, {} were given out",
                counters.stamp
            ));
        }
        let stored = view.decision(stamp)?;
        if stored.is_some_and(|stored| stored != *decision)
            || new.insert(stamp, decision).is_some_and(|earlier| earlier != decision)
        {
            return refuse(format!("stamp {stamp} already belongs to another decision"));
        }
    }
    Ok(())
}

/// What is told of former times comes in order, and from former times.
fn history(set: &WriteSet, view: &impl View) -> Result<(), Error> {
    if set.versions.is_empty() && set.since.is_empty() && set.forgotten.is_empty() {
        return Ok(()); // the usual case
    }
    let head = view.seq()?;
    let mut newest: BTreeMap<ProfileId, CommitSeq> = BTreeMap::new();
    let mut check = |id: ProfileId, since: Moment| {
        let before = match newest.get(&id) {
            Some(seq) => Some(*seq),
            None => view.versions(id).next().transpose()?.map(|version| version.since.seq),
        };
        if since.seq > head || before.is_some_and(|before| since.seq <= before) {
            return refuse(format!("profile {id} as of commit {} comes out of turn", since.seq));
        }
        newest.insert(id, since.seq);
        Ok(())
    };
    for (id, version) in &set.versions {
        if view.profile(*id)?.is_some() || view.alias(*id)?.is_some() {
            return refuse(format!("what profile {id} was before comes after what it is"));
        }
        check(*id, version.since)?;
    }
    let put = set.profiles.iter().map(|profile| profile.id);
    let put: BTreeSet<ProfileId> = put.chain(set.aliases.iter().map(|(id, _)| *id)).collect();
    for (id, since) in &set.since {
        if !put.contains(id) {
            return refuse(format!("since when profile {id} is so, which is not put"));
        }
        check(*id, *since)?;
    }
    match set.forgotten.iter().find(|(_, before)| before.is_some_and(|before| before > head)) {
        Some((number, _)) => refuse(format!("record {number} is forgotten in the future")),
        None => Ok(()),
    }
}
