//! From golden values to what is written.

use std::borrow::Cow;
use std::collections::BTreeSet;

use hub_model::{
    Fault, FaultCode, FieldMapping, Made, Profile, Record, Reference, Stamp, Survivorship, Trait,
    TraitName, Value,
};

use super::steps::{Misfit, convert, fill};
use crate::profile::stamp_of_all;
use crate::sync::created_for;

/// The golden value that a pair carries to its system, in the trait's form, and
/// its stamp. A trait that nobody asserts stands for null with stamp 0.
///
/// A template changes its stamp with each of its parts; it has no value where one
/// of them is a list or the like. A constant has the stamp of the birth of the
/// record that speaks for the profile: it is due once. A reference that leads nowhere
/// yet is a fault.
pub fn golden<'a>(
    profile: &'a Profile,
    members: &[&Record],
    pair: &'a FieldMapping,
) -> (Result<Cow<'a, Value>, Fault>, Stamp) {
    let of = |name: &str| profile.traits.get(name);
    match pair.made().filter(|_| !pair.direction.reads()) {
        None => match of(pair.to.as_str()) {
            Some(golden) => (Ok(Cow::Borrowed(&golden.value)), golden.stamp),
            None => (Ok(Cow::Owned(Value::Null)), Stamp(0)),
        },
        Some(Made::Constant(value)) => {
            let speaker = created_for(members);
            let speaker = members.iter().find(|record| Some(record.number) == speaker);
            (Ok(Cow::Borrowed(value)), speaker.map_or(Stamp(0), |record| record.born))
        }
        Some(Made::Template(template)) => {
            let parts: BTreeSet<Stamp> =
                template.names().filter_map(of).map(|golden| golden.stamp).collect();
            let filled = fill(template, |name| of(name).map(|golden| &golden.value));
            let filled = filled.map_err(|misfit| misfit.fault(FaultCode::NoForm, &pair.field));
            (filled.map(Cow::Owned), stamp_of_all(&parts))
        }
        // Where it leads is settled before ([`crate::sync::referred`]).
        Some(Made::Reference(reference)) => match of(pair.to.as_str()) {
            Some(key) => (Ok(Cow::Borrowed(&key.value)), key.stamp),
            None => (Err(nowhere(pair, reference)), Stamp(0)),
        },
    }
}

/// A reference without a row that it could lead to.
pub(crate) fn nowhere(pair: &FieldMapping, reference: &Reference) -> Fault {
    let fault = Fault::new(FaultCode::Reference).at(pair.field.as_str());
    fault.with("role", &reference.role).with("stream", &reference.stream.stream)
}

/// The traits that a pair carries to its system: those of a template all
/// together, and none by a constant or a reference.
pub fn carried(pair: &FieldMapping) -> BTreeSet<TraitName> {
    match pair.made().filter(|_| !pair.direction.reads()) {
        None => [pair.to.clone()].into(),
        Some(Made::Constant(_) | Made::Reference(_)) => BTreeSet::new(),
        Some(Made::Template(template)) => template.names().map(TraitName::new).collect(),
    }
}

/// Whether something that a pair carries waits for a person.
pub(crate) fn held(profile: &Profile, pair: &FieldMapping) -> bool {
    // As good as always nothing does.
    !profile.conflicts.is_empty()
        && carried(pair).iter().any(|name| profile.conflict(name).is_some())
}

/// The form that a value of a trait has in the field of a pair.
///
/// # Errors
/// [`FaultCode::NoForm`] at the field, with the `rule` that cannot take the
/// value, what it `expected` and the `class` of the value.
pub fn form<'a>(pair: &FieldMapping, value: Cow<'a, Value>) -> Result<Cow<'a, Value>, Fault> {
    let Some(conversion) = pair.conversion.as_deref() else { return Ok(value) };
    let Some(steps) = &conversion.write else {
        // Such a pair is only read; nobody is looked for by it either.
        return Err(Fault::new(FaultCode::NoForm).at(pair.field.as_str()));
    };
    let no_form = |misfit: Misfit| misfit.fault(FaultCode::NoForm, &pair.field);
    let form = convert(steps, value).map_err(no_form)?;
    // What its row would be rejected for when it is read again is not written.
    if pair.direction.reads() {
        convert(&conversion.read, Cow::Borrowed(&form)).map_err(no_form)?;
    }
    Ok(form)
}

/// The form that a golden value came from, where a record's own field is its
/// source: what its system said is given back to the letter, also where several
/// forms there mean the same.
pub(crate) fn form_of_own<'a>(
    golden: Option<&Trait>,
    record: &'a Record,
    pair: &FieldMapping,
) -> Option<&'a Value> {
    pair.conversion.as_ref().filter(|conversion| conversion.made.is_none())?;
    let golden = golden?;
    let from = &golden.provenance;
    let own = from.record == record.number && from.field == pair.field;
    let asserted = record.fields.get(&pair.field).and_then(|state| state.asserted.as_ref());
    // What was made of nothing is nothing there.
    let nothing = (&Value::Null, record.born);
    let (value, stamp) = asserted.map_or(nothing, |asserted| (&asserted.value, asserted.stamp));
    let whole = from.rule != Survivorship::Union && golden.stamp == stamp;
    (own && whole).then_some(value)
}
