//! What is due: the difference between the golden record and what each system
//! was told.

use std::collections::BTreeMap;

use hub_model::{
    CreatePolicy, FieldMapping, FieldName, Mapping, Origin, Profile, Record, RecordNo, Stamp, Value,
};

use super::echo::form_there;

/// One thing that a sync owes a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// The row already shows the golden value: only the stamps are to be kept
    /// ([`super::mark_sent`]), nothing leaves the hub. Comes before the
    /// [`Due::Update`] of the same record.
    MarkSent {
        /// The record.
        record: RecordNo,
        /// The golden stamps that count as delivered.
        fields: BTreeMap<FieldName, Stamp>,
    },
    /// Fields of a known row to write.
    Update {
        /// The record.
        record: RecordNo,
        /// The golden values and their stamps. Null clears.
        fields: BTreeMap<FieldName, (Value, Stamp)>,
    },
    /// A row to find, else to create.
    Create {
        /// The golden values and their stamps.
        fields: BTreeMap<FieldName, (Value, Stamp)>,
        /// What finds an existing row, most telling first; never empty. A field
        /// that is only read appears here and not in `fields`.
        matching: Vec<(FieldName, Value)>,
        /// The record that the new one belongs to, also after a separation.
        for_record: RecordNo,
    },
    /// A row that the hub created, to be deleted: see [`super::take_back`].
    Remove {
        /// The record.
        record: RecordNo,
    },
}

/// What a sync owes a profile, given all records of the profile.
///
/// A field is due when its golden stamp *differs* from the one last delivered:
/// after a separation golden stamps go down. A trait that nobody asserts
/// stands for null with stamp 0, and is written as null where something was
/// delivered before. A trait that waits for a person is brought nowhere until he
/// has settled it. Nothing is due while no living record is there to speak
/// for the profile.
pub fn due(profile: &Profile, members: &[&Record], mapping: &Mapping) -> Vec<Due> {
    let speaks = members.iter().any(|record| speaks(record));
    if profile.kind != mapping.kind || !mapping.writes() || !speaks {
        return Vec::new();
    }
    let mut here: Vec<&Record> =
        members.iter().copied().filter(|record| record.at.stream == mapping.stream).collect();
    if here.is_empty() {
        return create(profile, members, mapping).into_iter().collect();
    }
    here.sort_by_key(|record| record.number);
    here.into_iter()
        .filter(|record| record.is_live())
        .flat_map(|record| update(profile, record, mapping))
        .collect()
}

/// Whether a record is there on its own account: its system has it, and the
/// hub did not make it, or somebody has edited it since.
pub(super) fn speaks(record: &Record) -> bool {
    record.is_live() && (record.origin == Origin::Received || record.asserts_anything())
}

fn golden(profile: &Profile, pair: &FieldMapping) -> (Value, Stamp) {
    profile
        .traits
        .get(&pair.to)
        .map_or((Value::Null, Stamp(0)), |golden| (golden.value.clone(), golden.stamp))
}

fn update(profile: &Profile, record: &Record, mapping: &Mapping) -> Vec<Due> {
    let may_go = |pair: &FieldMapping| profile.conflict(&pair.to).is_none();
    told(record, mapping, |pair| may_go(pair).then(|| golden(profile, pair)))
}

/// What a row has to be told so that it shows the wanted values: those that it
/// shows already are only marked, and where nothing is wanted nothing is told.
pub(super) fn told(
    record: &Record,
    mapping: &Mapping,
    wanted: impl Fn(&FieldMapping) -> Option<(Value, Stamp)>,
) -> Vec<Due> {
    let mut silent = BTreeMap::new();
    let mut fields = BTreeMap::new();
    for pair in mapping.fields.iter().filter(|pair| pair.direction.writes()) {
        let Some((value, stamp)) = wanted(pair) else { continue };
        if stamp == record.fields.get(&pair.field).map_or(Stamp(0), |state| state.sent) {
            continue;
        }
        if *form_there(record, &pair.field).unwrap_or(&Value::Null) == value {
            silent.insert(pair.field.clone(), stamp);
        } else {
            fields.insert(pair.field.clone(), (value, stamp));
        }
    }
    let mut due = Vec::new();
    if !silent.is_empty() {
        due.push(Due::MarkSent { record: record.number, fields: silent });
    }
    if !fields.is_empty() {
        due.push(Due::Update { record: record.number, fields });
    }
    due
}

/// The record that a new one belongs to: the lowest living one that the hub did
/// not create itself, else the lowest that somebody has edited since. Where none
/// is left that speaks for the profile, a row that was on its way still belongs
/// to the one that brought the person here, gone or not.
pub fn created_for(members: &[&Record]) -> Option<RecordNo> {
    let rank = |record: &Record| {
        let received = record.origin == Origin::Received;
        (!speaks(record), !received, record.number)
    };
    members.iter().copied().min_by_key(|record| rank(record)).map(|record| record.number)
}

/// A create, unless the policy, a record that is or was there, or the lack of
/// something to find it by forbids it.
fn create(profile: &Profile, members: &[&Record], mapping: &Mapping) -> Option<Due> {
    if mapping.create != CreatePolicy::Upsert {
        return None;
    }
    let for_record = created_for(members)?;
    let matching: Vec<(FieldName, Value)> = mapping
        .matching
        .iter()
        .filter_map(|name| mapping.field(name.as_str()))
        .map(|pair| (pair.field.clone(), golden(profile, pair).0))
        .filter(|(_, value)| tells(value))
        .collect();
    let fields: BTreeMap<FieldName, (Value, Stamp)> = mapping
        .fields
        .iter()
        .filter(|pair| pair.direction.writes() && profile.conflict(&pair.to).is_none())
        .map(|pair| (pair.field.clone(), golden(profile, pair)))
        .filter(|(_, (value, _))| !value.is_null())
        .collect();
    let worth_it = !matching.is_empty() && !fields.is_empty();
    worth_it.then_some(Due::Create { fields, matching, for_record })
}

/// Whether a value can find a row: blank text and the like fit too many.
fn tells(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Text(text) => !text.trim().is_empty(),
        _ => true,
    }
}
