//! Members of an audience at a vendor: what it may hold of somebody.
//!
//! An audience takes people in and out and never shows them again. So the row that
//! the hub keeps of a member is all that is known of him there: the values that he
//! was brought in with, and those of attempts that nobody has answered, under
//! [`MAYBE`]. Two properties of audiences carry the rest: whoever is brought in twice
//! is in once, and taking out who is not in changes nothing. So an attempt without an
//! answer is not asked about. Everything that it may have left there is remembered,
//! nothing counts as delivered, and what is due is planned anew; whatever may be there
//! is taken out when the person leaves or has other values.

use hub_model::{Attempt, FieldName, Mapping, Object, Profile, Record, Value};

use super::delivered::{Birth, created, delivered};
use super::due::{Due, create, due, speaks};

/// Under which name a row keeps the values that may be there as well. No field of a
/// vendor begins so.
pub const MAYBE: &str = "=maybe";

/// What may be in the audience because of a row, each set of values once.
pub fn held(row: &Object) -> Vec<Object> {
    let mut held = vec![sure(row)];
    if let Some(Value::List(maybe)) = row.get(MAYBE) {
        let sets = maybe.iter().filter_map(|set| match set {
            Value::Object(set) => Some(set.clone()),
            _ => None,
        });
        held.extend(sets);
    }
    held.retain(|set| !set.is_empty());
    held.sort();
    held.dedup();
    held
}

/// The values that were brought in for certain.
pub fn sure(row: &Object) -> Object {
    let given = |(name, value): &(&hub_model::value::Text, &Value)| {
        name.as_str() != MAYBE && !value.is_null()
    };
    row.iter().filter(given).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The values that a row has after a patch.
pub fn patched(row: &Object, patch: &Object) -> Object {
    let mut after = row.clone();
    after.extend(patch.clone());
    sure(&after)
}

/// The values that a row has after an attempt.
pub fn tried(row: &Object, attempt: &Attempt) -> Object {
    let values = attempt.fields.iter();
    let patch = values.map(|(field, (value, _))| (field.as_str().into(), value.clone()));
    patched(row, &patch.collect())
}

/// A row with sets of values that may be there beside its own.
fn remembering(row: &mut Object, mut sets: Vec<Object>) {
    let own = sure(row);
    sets.retain(|set| *set != own && !set.is_empty());
    sets.sort();
    sets.dedup();
    row.remove(MAYBE);
    if !sets.is_empty() {
        row.insert(MAYBE.into(), Value::List(sets.into_iter().map(Value::Object).collect()));
    }
}

/// A member after an attempt that nobody answered. One to take him out may have done
/// so: were he to come back, he would have to be brought in anew.
pub fn unanswered(record: &Record, attempt: &Attempt) -> Record {
    let mut sets = held(&record.raw);
    if !attempt.fields.is_empty() {
        sets.push(tried(&record.raw, attempt));
    }
    let mut next = record.clone();
    next.raw = Object::new();
    remembering(&mut next.raw, sets);
    // Nothing of it counts as delivered: all is due once more.
    next.fields.clear();
    next
}

/// The same of somebody who was to be brought in.
pub fn unanswered_birth(birth: Birth, attempt: &Attempt, mapping: &Mapping) -> Record {
    let nothing = Attempt { fields: [].into(), ..attempt.clone() };
    unanswered(&created(birth, &nothing, None, None, mapping), attempt)
}

/// A member after a change that the vendor took in and did later. Whether it took the
/// old values out, it has not said.
pub fn taken_in(record: &Record, attempt: &Attempt, mapping: &Mapping) -> Record {
    let before = held(&record.raw);
    let mut next = delivered(record, attempt, None, None, mapping);
    remembering(&mut next.raw, before);
    next
}

/// What a sync owes an audience about somebody who may be in it: one member, however
/// many rows were joined with his, and none where nothing is left to find him by or
/// no system has him any more.
pub(super) fn owed(profile: &Profile, members: &[&Record], mapping: &Mapping) -> Vec<Due> {
    let mut owed = due(profile, members, mapping);
    let here = members.iter().filter(|r| r.at.stream == mapping.stream && r.is_live());
    let mut rows: Vec<_> = here.map(|record| record.number).collect();
    rows.sort_unstable();
    let speaks = members.iter().any(|record| speaks(record));
    let stays = speaks && create(profile, members, mapping).is_some();
    let going: Vec<_> = rows.into_iter().skip(usize::from(stays)).collect();
    owed.retain(|due| match due {
        Due::MarkSent { record, .. } | Due::Update { record, .. } | Due::Remove { record, .. } => {
            !going.contains(record)
        }
        Due::Refused { record, .. } => record.is_none_or(|record| !going.contains(&record)),
        Due::Create { .. } => true,
    });
    owed.extend(going.into_iter().map(|record| Due::Remove { record, archive: false }));
    owed
}

/// A change of one member, as an audience takes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// The values to take out, each set by itself.
    pub out: Vec<Object>,
    /// The values to bring in.
    pub into: Option<Object>,
}

impl Step {
    /// Somebody comes, or has other values: a row is patched.
    pub fn put(row: &Object, patch: &Object) -> Self {
        let after = patched(row, patch);
        let out = held(row).into_iter().filter(|set| *set != after).collect();
        Self { out, into: Some(after).filter(|after| !after.is_empty()) }
    }

    /// Somebody leaves.
    pub fn remove(row: &Object) -> Self {
        Self { out: held(row), into: None }
    }

    /// What the row shows once the step is done, where what is to be taken out may
    /// stay, or does not.
    pub fn shows(&self, row: &Object, patch: &Object, may_stay: bool) -> Object {
        let mut shows = patch.clone();
        if may_stay {
            let out = self.out.iter().cloned().map(Value::Object).collect();
            shows.insert(MAYBE.into(), Value::List(out));
        } else if row.contains_key(MAYBE) {
            shows.insert(MAYBE.into(), Value::Null);
        }
        shows
    }
}

/// The values of a row by field, for a destination that has to be told them.
pub fn values(row: &Object) -> impl Iterator<Item = (FieldName, Value)> + '_ {
    row.iter().map(|(name, value)| (FieldName::new(name.as_str()), value.clone()))
}
