//! What a mapping makes of one record, both ways, without doing it.

use std::borrow::Cow;

use hub_model::{
    Fault, FaultCode, FieldMapping, FieldName, Object, Profile, Record, TraitName, Value,
};

use super::form::{form, golden};
use super::said::reading;

/// One pair of a mapping, tried on a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// The field; absent where the trait's value is made.
    pub field: Option<FieldName>,
    /// What the row has in it, cleaned.
    pub has: Option<Value>,
    /// The trait; absent where what is written is made.
    pub to: Option<TraitName>,
    /// What the row says of the trait, or why it says nothing; absent where the
    /// field is not read.
    pub says: Option<Result<Value, Fault>>,
    /// What would be written into the field if it were due, or why nothing can be;
    /// absent where the field is not written.
    pub writes: Option<Result<Value, Fault>>,
}

/// Tries a pair on a row and on the golden values of its profile.
pub fn tried(pair: &FieldMapping, row: &Object, profile: &Profile, members: &[&Record]) -> Tried {
    let (reads, writes) = (pair.direction.reads(), pair.direction.writes());
    let made = pair.made().is_some();
    let says = || {
        let said = reading(pair, row).map(Cow::into_owned);
        said.map_err(|misfit| misfit.fault(FaultCode::RowInvalid, &pair.field))
    };
    let written = || {
        let (golden, _) = golden(profile, members, pair);
        golden.and_then(|golden| form(pair, golden)).map(Cow::into_owned)
    };
    Tried {
        field: pair.has_field().then(|| pair.field.clone()),
        has: pair.has_field().then(|| row.get(pair.field.as_str()).cloned().unwrap_or_default()),
        to: (!made || reads).then(|| pair.to.clone()),
        says: reads.then(says),
        writes: writes.then(written),
    }
}
