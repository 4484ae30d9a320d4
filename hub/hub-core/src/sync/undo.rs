//! Undo: what a run wrote is taken back, field by field, where nobody has edited
//! since.
//!
//! A field gets back the form that it showed before. The golden value stays as it
//! is, and so does the stamp under which it counts as delivered: the field is as
//! little due after the undoing as it was before it. So what was undone stays
//! undone until somebody changes the golden value, or the mapping makes another
//! form of it; then it is due like any other. A golden value that has changed
//! already, or a mapping that was mended before, is due at once.
//!
//! A row that the run created goes, if its system says nothing by itself in it. It
//! leaves nothing behind that would stand against another one ([`unmade`]); what
//! would make it again at once waits under the values that it would have
//! ([`crate::sync::due()`] gives them), until one of them is another. A row that
//! the run deleted is made again of what it showed: to its system it is a new one.
//!
//! What a destination may not have any more is not brought back.

use std::collections::BTreeMap;

use hub_model::{
    FieldName, LedgerEntry, LedgerField, Mapping, Origin, Profile, Record, RecordNo, Stamp, Value,
    WriteKind,
};

use super::due::{created_for, form_wanted, tells};
use super::echo::{form_there, resembles};

/// What gives a row back what it was before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Undoing {
    /// What is to be done, if anything.
    pub action: Option<Compensation>,
    /// What is left as it is, and why.
    pub skipped: Vec<Skipped>,
}

/// One compensating write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compensation {
    /// Fields get back what they showed, with the stamp that they count as
    /// delivered under.
    Restore(BTreeMap<FieldName, (Value, Stamp)>),
    /// A row that was created goes.
    Remove,
    /// A row that was deleted is made again.
    Create {
        /// What it showed.
        fields: BTreeMap<FieldName, (Value, Stamp)>,
        /// What finds one that is there again, most telling first.
        matching: Vec<(FieldName, Value)>,
        /// The record that the new one belongs to.
        for_record: RecordNo,
    },
}

/// Something that is not undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which field; none = the row.
    pub field: Option<FieldName>,
    /// Why.
    pub why: Why,
}

/// Why something is not undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Somebody has edited it since.
    Edited,
    /// A later run has written it since.
    Written,
    /// The row is not there any more, or nobody is left whom it was about.
    Gone,
    /// What it showed before is not known.
    BeforeUnknown,
    /// The mapping does not write it any more.
    Unmapped,
    /// Its system does not let it be written.
    ReadOnly,
    /// Its system refused it.
    Refused,
    /// The destination may not have it: a consent is missing, or its time is over.
    NotPermitted,
    /// There is no value left by which a row that is there again would be found.
    NotFindable,
    /// The row lies in the archive of its system, and can only be taken out there.
    Archived,
    /// Nobody knows whether the write was made.
    Unknown,
}

impl Why {
    /// The word used in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edited => "edited-since",
            Self::Written => "written-since",
            Self::Gone => "gone",
            Self::BeforeUnknown => "before-unknown",
            Self::Unmapped => "not-mapped",
            Self::ReadOnly => "read-only",
            Self::Refused => "refused",
            Self::NotPermitted => "not-permitted",
            Self::NotFindable => "not-findable",
            Self::Archived => "archived",
            Self::Unknown => "outcome-unknown",
        }
    }
}

/// What several writes of one run about one row come to: what it showed before the
/// first, and was left with by the last. `None` when they come to nothing: made
/// and deleted again.
pub fn joined(entries: impl IntoIterator<Item = LedgerEntry>) -> Option<LedgerEntry> {
    let mut entries = entries.into_iter();
    let mut whole = entries.next()?;
    for later in entries {
        for (name, field) in later.fields {
            match whole.fields.get_mut(&name) {
                Some(earlier) => *earlier = LedgerField { before: earlier.before.take(), ..field },
                None => {
                    whole.fields.insert(name, field);
                }
            }
        }
        match (whole.kind, later.kind) {
            (WriteKind::Create, WriteKind::Delete) => return None,
            (WriteKind::Update, kind) => whole.kind = kind,
            _ => {}
        }
    }
    Some(whole)
}

/// What an undoing looks at.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// The record of the row as it is now.
    pub record: Option<&'a Record>,
    /// Its profile, and everybody in it.
    pub profile: Option<(&'a Profile, &'a [&'a Record])>,
    /// Whether the destination may have anything of it.
    pub permitted: bool,
}

/// What undoes a write, by how its row stands. What is undone already is not done
/// again, and is nothing to tell of.
pub fn undo(entry: &LedgerEntry, standing: &Standing<'_>, mapping: &Mapping) -> Undoing {
    match entry.kind {
        WriteKind::Create => remove(entry, standing),
        WriteKind::Delete => create(entry, standing, mapping),
        WriteKind::Update => restore(entry, standing, mapping),
        WriteKind::Archive => archived(standing),
    }
}

fn all(why: Why) -> Undoing {
    Undoing { action: None, skipped: vec![Skipped { field: None, why }] }
}

fn remove(entry: &LedgerEntry, standing: &Standing<'_>) -> Undoing {
    // One that is gone is what undoing is for.
    let Some(record) = standing.record.filter(|record| record.is_live()) else {
        return Undoing::default();
    };
    let edited = |(name, field): (&FieldName, &LedgerField)| {
        touched(record, name, field) == Some(Why::Edited)
    };
    if record.asserts_anything() || entry.fields.iter().any(edited) {
        return all(Why::Edited);
    }
    Undoing { action: Some(Compensation::Remove), skipped: Vec::new() }
}

/// Another row beside the archived one would be a duplicate of it.
fn archived(standing: &Standing<'_>) -> Undoing {
    if standing.record.is_some_and(Record::is_live) {
        return Undoing::default();
    }
    all(Why::Archived)
}

fn restore(entry: &LedgerEntry, standing: &Standing<'_>, mapping: &Mapping) -> Undoing {
    let Some(record) = standing.record.filter(|record| record.is_live()) else {
        return all(Why::Gone);
    };
    let mut undoing = Undoing::default();
    let mut restored = BTreeMap::new();
    for (name, field) in &entry.fields {
        if field.before.is_some() && form_there(record, name) == field.before.as_ref() {
            continue;
        }
        let pair = mapping.field(name.as_str()).filter(|pair| pair.direction.writes());
        let why = match (&field.before, touched(record, name, field)) {
            _ if pair.is_none() => Why::Unmapped,
            (None, _) => Why::BeforeUnknown,
            (Some(_), Some(why)) => why,
            (Some(_), None) if !standing.permitted => Why::NotPermitted,
            (Some(before), None) => {
                let sent = record.fields.get(name).map_or(Stamp(0), |state| state.sent);
                let stamp = if sent == Stamp(0) { field.stamp } else { sent };
                restored.insert(name.clone(), (before.clone(), stamp));
                continue;
            }
        };
        undoing.skipped.push(Skipped { field: Some(name.clone()), why });
    }
    undoing.action = (!restored.is_empty()).then_some(Compensation::Restore(restored));
    undoing
}

/// Why a field is not any more what a write left it with, if it is not.
fn touched(record: &Record, name: &FieldName, field: &LedgerField) -> Option<Why> {
    let shown = form_there(record, name).unwrap_or(&Value::Null);
    let after = field.after()?;
    // Until it was read again, nobody knew what the vendor would make of it.
    if shown == after || (field.shown.is_none() && resembles(shown, after)) {
        return None;
    }
    let state = record.fields.get(name)?;
    let own = state.asserted.as_ref().is_some_and(|asserted| asserted.stamp == state.sent);
    let is_ours = !own && state.sent != field.stamp && state.sent != Stamp(0);
    Some(if is_ours { Why::Written } else { Why::Edited })
}

fn create(entry: &LedgerEntry, standing: &Standing<'_>, mapping: &Mapping) -> Undoing {
    let Some((profile, members)) = standing.profile else { return all(Why::Gone) };
    let here = |record: &&&Record| record.is_live() && record.at.stream == mapping.stream;
    if members.iter().any(|record| here(&record)) {
        return Undoing::default();
    }
    if !standing.permitted {
        return all(Why::NotPermitted);
    }
    let (Some(for_record), Some(record)) = (created_for(members), standing.record) else {
        return all(Why::Gone);
    };
    let before = |name: &FieldName| {
        let before = entry.fields.get(name).and_then(|field| field.before.as_ref());
        before.filter(|before| !before.is_null())
    };
    let fields: BTreeMap<FieldName, (Value, Stamp)> = mapping
        .fields
        .iter()
        .filter_map(|pair| {
            let value = before(&pair.field)?.clone();
            let (_, stamp) = form_wanted(profile, members, record, pair);
            Some((pair.field.clone(), (value, stamp)))
        })
        .collect();
    if fields.is_empty() {
        return all(Why::BeforeUnknown);
    }
    let matching = mapping.matching.iter();
    let matching = matching.filter_map(|name| Some((name.clone(), before(name)?.clone())));
    let matching: Vec<(FieldName, Value)> = matching.filter(|(_, value)| tells(value)).collect();
    if matching.is_empty() {
        return all(Why::NotFindable);
    }
    let action = Some(Compensation::Create { fields, matching, for_record });
    Undoing { action, skipped: Vec::new() }
}

/// What is left of a record whose row was made by the hub and taken away by it: a
/// number, so that nothing else gets it. Nothing stands against another row.
pub fn unmade(record: &Record) -> Record {
    Record {
        version: None,
        raw: hub_model::Object::new(),
        fields: BTreeMap::new(),
        ..record.clone()
    }
}

/// Whether that is all that is left of a record.
pub fn is_unmade(record: &Record) -> bool {
    record.origin != Origin::Received
        && !record.is_live()
        && record.raw.is_empty()
        && record.fields.is_empty()
}
