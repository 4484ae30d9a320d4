//! What is due: the difference between the golden record and what each system
//! was told.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hub_model::{
    CreatePolicy, Fault, FieldMapping, FieldName, Made, Mapping, Origin, Profile, ProfileId,
    Record, RecordNo, Stamp, Value,
};

use super::echo::form_there;
use super::policy::{is_back, is_let_go};
use super::several::receiving;
use super::undo::is_unmade;
use crate::mapping::{form, form_of_own, golden, held};
use crate::planted::{self, Bug};

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
    /// Values of which one has no form there. None of them is written before that
    /// is mended: a row is written whole, or waits whole.
    Refused {
        /// The record; absent where a row would be created.
        record: Option<RecordNo>,
        /// What would be written. Of a value without a form, the golden value.
        fields: BTreeMap<FieldName, (Value, Stamp)>,
        /// The record that a new one belongs to.
        for_record: RecordNo,
        /// The first that has none, and why.
        fault: Fault,
    },
    /// A row to be deleted: one that the hub created ([`super::take_back`]), or one
    /// that the policies of the sync do not want there any more
    /// ([`super::leaving`]).
    Remove {
        /// The record.
        record: RecordNo,
        /// It goes into the archive of its system instead.
        archive: bool,
    },
}

/// What a sync owes a profile, given all records of the profile. Values are in the
/// form that they have there.
///
/// A field is due when its golden stamp *differs* from the one last delivered:
/// after a separation golden stamps go down. A trait that nobody asserts
/// stands for null with stamp 0, and is written as null where something was
/// delivered before. A trait that waits for a person is brought nowhere until he
/// has settled it. Nothing is due while no living record is there to speak
/// for the profile, nor to rows that the sync has let go, only ever creates, or
/// passes over ([`super::several`]).
pub fn due(profile: &Profile, members: &[&Record], mapping: &Mapping) -> Vec<Due> {
    let speaks = members.iter().any(|record| speaks(record));
    if profile.kind != mapping.kind || !mapping.writes() || !speaks || is_let_go(members, mapping) {
        return Vec::new();
    }
    let own = |record: &&Record| record.at.stream == mapping.stream && !is_unmade(record);
    let mut here: Vec<&Record> = members.iter().copied().filter(own).collect();
    let forgotten = planted::is(Bug::NoTombstones) && !here.iter().any(|record| record.is_live());
    if here.is_empty() || forgotten || is_back(members, mapping) {
        return create(profile, members, mapping).into_iter().collect();
    }
    here.retain(|record| record.is_live() && mapping.create != CreatePolicy::CreateOnly);
    receiving(here, mapping)
        .into_iter()
        .flat_map(|record| {
            told(record, mapping, |pair| {
                (!held(profile, pair)).then(|| wanted(profile, members, record, pair))
            })
        })
        .collect()
}

/// Whether a record is there on its own account: its system has it, and the
/// hub did not make it, or somebody has edited it since.
pub(super) fn speaks(record: &Record) -> bool {
    record.is_live() && (record.origin == Origin::Received || record.asserts_anything())
}

/// What a field of a row should show.
pub(super) struct Wanted {
    /// The value in the form that it has there, or why it has none.
    pub form: Result<Value, Fault>,
    /// The value in the trait's form, where it has none there.
    pub golden: Value,
    /// Its golden stamp.
    pub stamp: Stamp,
}

impl Wanted {
    /// A value in the form that it has there.
    pub(super) const fn plain(value: Value, stamp: Stamp) -> Self {
        Self { form: Ok(value), golden: Value::Null, stamp }
    }

    fn of(profile: &Profile, members: &[&Record], pair: &FieldMapping) -> Self {
        let (golden, stamp) = golden(profile, members, pair);
        let (form, golden) = match golden {
            // Nothing is copied where nothing is converted.
            Ok(golden) if pair.conversion.is_none() => (Ok(golden), Value::Null),
            Ok(golden) => (form(pair, golden.clone()), golden.into_owned()),
            Err(fault) => (Err(fault), Value::Null),
        };
        Self { form: form.map(Cow::into_owned), golden, stamp }
    }
}

fn wanted(profile: &Profile, members: &[&Record], record: &Record, pair: &FieldMapping) -> Wanted {
    let own = profile.traits.get(&pair.to);
    match (form_of_own(own, record, pair), own) {
        (Some(form), Some(own)) => Wanted::plain(form.clone(), own.stamp),
        _ => Wanted::of(profile, members, pair),
    }
}

/// The form in which a row should show a golden value, if it has one there, and
/// the golden stamp.
pub(crate) fn form_wanted(
    profile: &Profile,
    members: &[&Record],
    record: &Record,
    pair: &FieldMapping,
) -> (Option<Value>, Stamp) {
    let Wanted { form, stamp, .. } = wanted(profile, members, record, pair);
    (form.ok(), stamp)
}

/// What a row has to be told so that it shows the wanted values: those that it
/// shows already are only marked, and where nothing is wanted nothing is told.
pub(super) fn told(
    record: &Record,
    mapping: &Mapping,
    wanted: impl Fn(&FieldMapping) -> Option<Wanted>,
) -> Vec<Due> {
    let mut silent = BTreeMap::new();
    let mut fields = BTreeMap::new();
    let mut refused = None;
    for pair in mapping.fields.iter().filter(|pair| pair.direction.writes()) {
        let Some(Wanted { form, golden, stamp }) = wanted(pair) else { continue };
        let sent = record.fields.get(&pair.field).map_or(Stamp(0), |state| state.sent);
        if stamp == sent || (planted::is(Bug::DueIfHigher) && stamp < sent) {
            continue;
        }
        match form {
            Ok(value) if *form_there(record, &pair.field).unwrap_or(&Value::Null) == value => {
                silent.insert(pair.field.clone(), stamp);
            }
            Ok(value) => {
                fields.insert(pair.field.clone(), (value, stamp));
            }
            Err(fault) => {
                fields.insert(pair.field.clone(), (golden, stamp));
                refused.get_or_insert(fault);
            }
        }
    }
    let mut due = Vec::new();
    let number = record.number;
    if !silent.is_empty() {
        due.push(Due::MarkSent { record: number, fields: silent });
    }
    if let Some(fault) = refused {
        due.push(Due::Refused { record: Some(number), fields, for_record: number, fault });
    } else if !fields.is_empty() {
        due.push(Due::Update { record: number, fields });
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

/// The record that a row belongs to which was asked for a profile some time ago:
/// its founder, who brought the person here. The profile may have been joined to
/// another since, or another to it; whom the row was made for does not change
/// with that.
pub fn created_for_asked(asked: ProfileId, members: &[&Record]) -> Option<RecordNo> {
    let founder = members.iter().find(|record| ProfileId::from(record.number) == asked);
    let founder = founder.filter(|record| record.origin == Origin::Received);
    founder.map(|record| record.number).or_else(|| created_for(members))
}

/// A create, unless the policy, a record that is or was there, or the lack of
/// something to find it by forbids it.
pub(super) fn create(profile: &Profile, members: &[&Record], mapping: &Mapping) -> Option<Due> {
    if mapping.create == CreatePolicy::UpdateOnly {
        return None;
    }
    let for_record = created_for(members)?;
    let matching: Vec<(FieldName, Value)> = mapping
        .matching
        .iter()
        .filter_map(|name| mapping.field(name.as_str()))
        .filter_map(|pair| {
            let (golden, _) = golden(profile, members, pair);
            Some((pair.field.clone(), form(pair, golden.ok()?).ok()?.into_owned()))
        })
        .filter(|(_, value)| tells(value))
        .collect();
    let mut fields = BTreeMap::new();
    let mut refused = None;
    let mut worth_it = false;
    let writing = mapping.fields.iter().filter(|pair| pair.direction.writes());
    for pair in writing.filter(|pair| !held(profile, pair)) {
        let Wanted { form, golden, stamp } = Wanted::of(profile, members, pair);
        let value = form.unwrap_or_else(|fault| {
            refused.get_or_insert(fault);
            golden
        });
        // A constant alone is no reason for a row.
        worth_it |= !value.is_null() && !matches!(pair.made(), Some(Made::Constant(_)));
        if !value.is_null() {
            fields.insert(pair.field.clone(), (value, stamp));
        }
    }
    match refused {
        _ if !worth_it => None,
        Some(fault) => Some(Due::Refused { record: None, fields, for_record, fault }),
        None if matching.is_empty() => None,
        None => Some(Due::Create { fields, matching, for_record }),
    }
}

/// Whether a value can find a row: blank text and the like fit too many.
pub(super) fn tells(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Text(text) => !text.trim().is_empty(),
        _ => true,
    }
}
