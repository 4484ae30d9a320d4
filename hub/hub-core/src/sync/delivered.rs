//! After a write: what the record shows now and what it has been told.

use std::collections::BTreeMap;

use hub_model::{
    Assertion, Attempt, FieldName, FieldState, Mapping, Object, Origin, ProfileId, Record,
    RecordNo, RecordRef, RunId, Stamp, Value,
};

use super::dispute;
use crate::planted::{self, Bug};

/// A record after a successful update. `remote` becomes the form that the
/// vendor returned, since vendors normalise; where it returned none the value
/// sent stays in `raw`, and the next read shows the form. `sent` becomes the
/// stamps of the attempt. Other mapped fields of the returned row are left to
/// the next read: they may be somebody's edit.
pub fn delivered(
    record: &Record,
    attempt: &Attempt,
    row: Option<&Object>,
    version: Option<&str>,
    mapping: &Mapping,
) -> Record {
    let mut next = record.clone();
    for (field, (value, stamp)) in &attempt.fields {
        let assumed = planted::is(Bug::FormAssumed).then_some(value);
        let returned = assumed.or_else(|| form(row, field));
        next.raw.insert(field.as_str().into(), returned.unwrap_or(value).clone());
        let state = next.fields.entry(field.clone()).or_default();
        if let Some(pair) = mapping.field(field.as_str()) {
            dispute::told(state, value, returned.unwrap_or(value), pair);
        }
        state.remote = returned.cloned();
        state.sent = *stamp;
    }
    for (name, value) in row.into_iter().flatten() {
        if mapping.field(name).is_none() {
            next.raw.insert(name.clone(), value.clone());
        }
    }
    next.version = version.map(str::to_owned);
    next
}

/// A record whose row already shows the golden values: only the stamps move.
pub fn mark_sent(record: &Record, fields: &BTreeMap<FieldName, Stamp>) -> Record {
    let mut next = record.clone();
    for (field, stamp) in fields {
        let state = next.fields.entry(field.clone()).or_default();
        state.sent = *stamp;
        if state.dispute.is_some() {
            // It shows the value as it is.
            state.revise_dispute(|kept| kept.told = None);
        }
    }
    next
}

/// What a created record is given by the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Birth {
    /// Its number.
    pub number: RecordNo,
    /// The stamp of its creation.
    pub stamp: Stamp,
    /// Which row of which stream.
    pub at: RecordRef,
    /// The record it was created for.
    pub for_record: RecordNo,
    /// The profile of that record.
    pub profile: ProfileId,
    /// The run that created it.
    pub run: RunId,
}

/// A record that the hub created. It asserts nothing: neither what we wrote nor
/// what its system returned with it is anybody's statement.
pub fn created(
    birth: Birth,
    attempt: &Attempt,
    row: Option<&Object>,
    version: Option<&str>,
    mapping: &Mapping,
) -> Record {
    let mut raw = row.cloned().unwrap_or_default();
    let mut fields = BTreeMap::new();
    for pair in &mapping.fields {
        let told = attempt.fields.get(&pair.field);
        let assumed = told.filter(|_| planted::is(Bug::FormAssumed)).map(|(value, _)| value);
        let returned = assumed.or_else(|| form(row, &pair.field));
        if let Some((value, _)) = told {
            raw.entry(pair.field.as_str().into()).or_insert_with(|| value.clone());
        }
        if told.is_some() || returned.is_some() {
            let sent = told.map_or(Stamp(0), |(_, stamp)| *stamp);
            let speaks = planted::is(Bug::CreatedSpeaks);
            let asserted = returned.filter(|_| speaks);
            let asserted = asserted.map(|value| Assertion::new(value.clone(), birth.stamp));
            let remote = returned.cloned();
            let mut state = FieldState { asserted, remote, sent, ..FieldState::default() };
            if let (Some((value, _)), Some(form)) = (told, returned) {
                dispute::told(&mut state, value, form, pair);
            }
            fields.insert(pair.field.clone(), state);
        }
    }
    Record {
        number: birth.number,
        at: birth.at,
        origin: Origin::Created { for_record: birth.for_record },
        born: birth.stamp,
        deleted: None,
        absences: Vec::new(),
        version: version.map(str::to_owned),
        raw,
        fields,
        identities: Vec::new(),
        relations: Vec::new(),
        profile: birth.profile,
        run: birth.run,
    }
}

fn form<'a>(row: Option<&'a Object>, field: &FieldName) -> Option<&'a Value> {
    row.and_then(|row| row.get(field.as_str()))
}
