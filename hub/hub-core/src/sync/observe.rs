//! Echo or change: a read row against what we know of its record.

use std::collections::BTreeMap;

use hub_model::{
    Absence, Assertion, FieldMapping, FieldState, IdentityFact, Mapping, Object, Origin, ProfileId,
    Record, RecordNo, RecordRef, Rules, RunId, Stamp, Timestamp, Value,
};

use super::dispute;
use super::echo::{resembles, unconfirmed};
use crate::identity::composite;
use crate::mapping::identity_in;
use crate::relation;

/// Hands out receipt stamps in order. The caller keeps [`Stamps::last`] in its
/// counters, in the same commit as what was stamped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamps {
    last: u64,
}

impl Stamps {
    /// Goes on after the last stamp ever given; 0 before the first.
    pub const fn after(last: u64) -> Self {
        Self { last }
    }

    /// The next stamp. Named after what it does, this is no iterator: it never ends.
    #[allow(clippy::should_implement_trait, reason = "endless and infallible")]
    pub const fn next(&mut self) -> Stamp {
        self.last = self.last.saturating_add(1);
        Stamp(self.last)
    }

    /// The last stamp given.
    pub const fn last(&self) -> u64 {
        self.last
    }
}

/// A row as it was read.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Which row of which stream.
    pub at: &'a RecordRef,
    /// Its fields, cleaned; an absent field reads as null.
    pub object: &'a Object,
    /// The same as received: what the record keeps.
    pub raw: &'a Object,
    /// The vendor's version of it.
    pub version: Option<&'a str>,
}

/// What an observation needs besides the row.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The number that the record gets if it is new; unused otherwise.
    pub number: RecordNo,
    /// The run that reads.
    pub run: &'a RunId,
    /// The namespaces.
    pub rules: &'a Rules,
    /// When: kept with assertions of consents, which expire.
    pub now: Timestamp,
}

/// What a row told us.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// Nothing: there is nothing to write.
    Unchanged,
    /// Something, if only another version or an unmapped field.
    Seen(Box<Seen>),
}

/// A record after a row was read, and what is new about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The record as it is now, its new identity facts included.
    pub record: Record,
    /// It was not known before.
    pub is_new: bool,
    /// It was deleted and is there again.
    pub restored: bool,
    /// How many fields its system originated anew.
    pub assertions: usize,
    /// The identities that it asserts or gives up, oldest first: what
    /// resolution has to hear, after the record itself.
    pub facts: Vec<IdentityFact>,
}

impl Seen {
    /// Whether it counts as a changed record: known before, and something of
    /// it is new evidence.
    pub const fn is_changed(&self) -> bool {
        !self.is_new && (self.assertions > 0 || self.restored)
    }
}

/// Compares a row with its record, field by field. Equal to `remote` is an
/// echo; different is a new assertion where the mapping reads the field, and
/// otherwise only a new `remote`. The first sight of a null asserts nothing.
/// Nor does the first sight of what we wrote, in whatever form, where the
/// vendor returned none.
///
/// A record that the hub created is no exception: what its system filled in by
/// itself is silent if it came back with the create, and asserted if it is first
/// seen later, because it may be an edit, and losing an edit is worse than
/// believing a default.
///
/// A row of an object names nobody as its own: it tells no identity facts.
///
/// A row of a deleted record takes the deletion back; what it had said stays.
pub fn observe(
    record: Option<&Record>,
    seen: &Row<'_>,
    mapping: &Mapping,
    stamps: &mut Stamps,
    context: &Context<'_>,
) -> Observation {
    let is_new = record.is_none();
    let mut next = record.cloned().unwrap_or_else(|| newborn(seen, mapping, stamps, context));
    let restored = restore(&mut next, stamps);
    let mut assertions = 0;
    let mut facts = Vec::new();
    let source_time = mapping.source_time.as_ref().and_then(|time| time.read(seen.object));
    for pair in mapping.fields.iter().filter(|pair| pair.has_field()) {
        let value = seen.object.get(pair.field.as_str()).unwrap_or(&Value::Null);
        let told = unconfirmed(&next, &pair.field).cloned();
        let state = next.fields.entry(pair.field.clone()).or_default();
        let about = Sight { pair, told, context };
        let Some(edited) = sight(state, value, about, stamps) else { continue };
        assertions += 1;
        if let Some(asserted) = &mut state.asserted {
            asserted.source_time = source_time;
            asserted.seen = mapping.consent(pair.field.as_str()).map(|_| context.now);
        }
        let stamp = Stamp(stamps.last());
        if !next.is_object() {
            facts.extend(identity_fact(
                &next.identities,
                pair,
                value,
                stamp,
                edited,
                context.rules,
            ));
        }
    }
    next.identities.extend(facts.iter().cloned());
    if assertions > 0 && !mapping.composites.is_empty() && !next.is_object() {
        let news = composite::news(&next, mapping, context.rules, || stamps.next());
        next.identities.extend(news.iter().cloned());
        facts.extend(news);
    }
    if !mapping.relations.is_empty() || !next.relations.is_empty() {
        next.relations = relation::renewed(&next, mapping, context.rules);
    }
    next.raw.clone_from(seen.raw);
    next.version = seen.version.map(str::to_owned);
    if record == Some(&next) {
        return Observation::Unchanged;
    }
    next.run = context.run.clone();
    Observation::Seen(Box::new(Seen { record: next, is_new, restored, assertions, facts }))
}

/// A record whose row is gone: a node that stays, marked with the stamp of the
/// news. Deleting a deleted record changes nothing.
pub fn observe_deleted(record: &Record, stamp: Stamp, run: &RunId) -> Record {
    let mut next = record.clone();
    if next.deleted.is_none() {
        next.deleted = Some(stamp);
        next.run = run.clone();
    }
    next
}

fn newborn(
    seen: &Row<'_>,
    mapping: &Mapping,
    stamps: &mut Stamps,
    context: &Context<'_>,
) -> Record {
    let object = mapping.kind.is_object();
    Record {
        number: context.number,
        at: seen.at.clone(),
        origin: Origin::Received,
        born: stamps.next(),
        deleted: None,
        absences: Vec::new(),
        version: None,
        raw: Object::new(),
        fields: BTreeMap::new(),
        identities: Vec::new(),
        relations: Vec::new(),
        profile: if object { ProfileId::NOBODY } else { context.number.into() },
        run: context.run.clone(),
    }
}

fn restore(record: &mut Record, stamps: &mut Stamps) -> bool {
    let Some(from) = record.deleted.take() else { return false };
    record.absences.push(Absence { from, to: stamps.next() });
    true
}

/// What a field's value is looked at with.
struct Sight<'a> {
    pair: &'a FieldMapping,
    /// What we wrote there and have not seen there yet.
    told: Option<Value>,
    context: &'a Context<'a>,
}

/// Takes a value into a field's state. `Some(edited)` when it is a new
/// assertion (and `stamps` gave its stamp); `edited` when the system showed
/// another value before.
fn sight(
    state: &mut FieldState,
    value: &Value,
    Sight { pair, told, context }: Sight<'_>,
    stamps: &mut Stamps,
) -> Option<bool> {
    if state.remote.as_ref() == Some(value) {
        return None;
    }
    let shown = state.remote.replace(value.clone());
    if let Some(told) = told.as_ref().filter(|told| resembles(value, told)) {
        dispute::told(state, told, value, pair);
        return None;
    }
    let before = shown.or(told);
    let nothing_yet = before.is_none() && value.is_null();
    if !pair.direction.reads() || nothing_yet {
        return None;
    }
    let asks = context.rules.asks(&pair.to);
    dispute::typed(state, before.as_ref(), (pair, asks), context.now);
    let stamp = stamps.next();
    state.asserted = Some(Assertion::new(value.clone(), stamp));
    if pair.direction.writes() {
        state.sent = stamp;
    }
    Some(before.is_some_and(|value| !value.is_null()))
}

/// What a new value of an identity field means for resolution. A value that
/// names nobody is only news if the field named somebody before.
fn identity_fact(
    earlier: &[IdentityFact],
    pair: &FieldMapping,
    value: &Value,
    stamp: Stamp,
    edited: bool,
    rules: &Rules,
) -> Option<IdentityFact> {
    let namespace = rules.namespace(pair.identity.as_deref()?)?;
    let identity = identity_in(pair, namespace, value);
    let named = earlier
        .iter()
        .rev()
        .find(|fact| fact.field == pair.field && fact.namespace == namespace.name)
        .is_some_and(|fact| fact.identity.is_some());
    (identity.is_some() || named).then(|| IdentityFact {
        identity,
        namespace: namespace.name.clone(),
        field: pair.field.clone(),
        stamp,
        edited,
        contested: false,
    })
}
