//! Conversions that changed: what was delivered in a form of the old ones is due
//! again.
//!
//! A field is due when the stamp of its golden value differs from the one last
//! delivered, and a changed mapping gives no new stamps. So where the same stamp
//! stands for another form now, it counts as delivered no more.

use std::collections::BTreeMap;

use hub_model::{
    Conversion, FieldMapping, FieldName, Mapping, Profile, Record, RecordNo, Rules, Stamp, Value,
};

use crate::identity::rebuild::Rebuilt;
use crate::profile::derive;
use crate::sync::form_wanted;

/// Whether two pairs make the same of what a system says.
pub fn same_reading(before: &FieldMapping, after: &FieldMapping) -> bool {
    let way = |pair: &FieldMapping| {
        pair.conversion.as_ref().map(|c| (c.made.clone(), c.read.clone())).unwrap_or_default()
    };
    before.conversion == after.conversion || way(before) == way(after)
}

/// Whether all values take the same ways under both rules.
fn same_conversions(before: &Rules, after: &Rules) -> bool {
    fn all(rules: &Rules) -> BTreeMap<(&str, &str, &str), &Conversion> {
        let pairs = rules.mappings.iter().flat_map(|m| m.fields.iter().map(move |p| (m, p)));
        let converted = pairs.filter_map(|(mapping, pair)| {
            let stream = &mapping.stream;
            let place = (stream.connection.as_str(), stream.stream.as_str(), pair.field.as_str());
            Some((place, &**pair.conversion.as_ref()?))
        });
        converted.collect()
    }
    all(before) == all(after)
}

/// Under changed rules, a golden value that a record was told in another form than
/// it has now counts as told no more. What the system itself said last is nobody's
/// to write.
///
/// Doing it twice is doing it once: what was forgotten has a stamp that no golden
/// value of the field has.
pub fn forget_forms((old, before): (&Rebuilt, &Rules), (new, after): (&mut Rebuilt, &Rules)) {
    if same_conversions(before, after) {
        return;
    }
    let was = Then::new(old, before);
    let mut outdated: Vec<(RecordNo, FieldName, Stamp)> = Vec::new();
    for profile in new.profiles.values() {
        let members = members(profile, new);
        for record in &members {
            let Some(mapping) = mapping_of(record, after) else { continue };
            for pair in mapping.fields.iter().filter(|pair| pair.direction.writes()) {
                let Some(sent) = told(record, pair) else { continue };
                let (form, stamp) = form_wanted(profile, &members, record, pair);
                if stamp == sent && was.form(record.number, &pair.field, sent) != form {
                    let never = never_golden(record, pair, mapping);
                    outdated.push((record.number, pair.field.clone(), never));
                }
            }
        }
    }
    for (number, field, never) in outdated {
        let record = new.records.get_mut(&number);
        if let Some(state) = record.and_then(|record| record.fields.get_mut(&field)) {
            state.sent = never;
        }
    }
}

fn members<'a>(profile: &Profile, among: &'a Rebuilt) -> Vec<&'a Record> {
    profile.records.iter().filter_map(|number| among.records.get(number)).collect()
}

fn mapping_of<'a>(record: &Record, rules: &'a Rules) -> Option<&'a Mapping> {
    rules.mapping(&record.at.stream.connection, &record.at.stream.stream)
}

/// The golden stamp that a field was told, if it was told any of others.
fn told(record: &Record, pair: &FieldMapping) -> Option<Stamp> {
    let state = record.fields.get(&pair.field)?;
    let own = state.asserted.as_ref().map(|asserted| asserted.stamp);
    (state.sent != Stamp(0) && Some(state.sent) != own).then_some(state.sent)
}

/// What destinations were told before. It is derived from what the records say,
/// not taken from the profiles as stored: a change that was cut off may have
/// written some of those already.
struct Then<'a> {
    old: &'a Rebuilt,
    rules: &'a Rules,
    profiles: BTreeMap<RecordNo, Profile>,
}

impl<'a> Then<'a> {
    fn new(old: &'a Rebuilt, rules: &'a Rules) -> Self {
        let mut profiles = BTreeMap::new();
        for stored in old.profiles.values() {
            let mut profile = derive(stored.id, stored.kind.clone(), &members(stored, old), rules);
            profile.records.clone_from(&stored.records);
            profiles.extend(stored.records.iter().map(|number| (*number, profile.clone())));
        }
        Self { old, rules, profiles }
    }

    /// The form in which a field was told the golden value of a stamp.
    fn form(&self, number: RecordNo, field: &FieldName, sent: Stamp) -> Option<Value> {
        let (profile, record) = (self.profiles.get(&number)?, self.old.records.get(&number)?);
        let pair = mapping_of(record, self.rules)?.field(field.as_str())?;
        let (form, stamp) = form_wanted(profile, &members(profile, self.old), record, pair);
        form.filter(|_| stamp == sent)
    }
}

/// A stamp that was given out, and that no golden value of the pair has: that of
/// an assertion about another trait, else that of the record's birth.
fn never_golden(record: &Record, pair: &FieldMapping, mapping: &Mapping) -> Stamp {
    let others = mapping.fields.iter().filter(|other| other.to != pair.to);
    let stamps = others.filter_map(|other| {
        record.fields.get(&other.field)?.asserted.as_ref().map(|asserted| asserted.stamp)
    });
    stamps.max().unwrap_or(record.born)
}
