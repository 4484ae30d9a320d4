//! From what a record asserts to what it says about a trait.

use std::borrow::Cow;

use hub_model::{
    Assertion, FieldMapping, FieldState, Identity, Made, Namespace, Object, Origin, Record, Stamp,
    Timestamp, Value,
};

use super::steps::{Misfit, convert, fill};
use crate::identity::{Normalised, normalise};
use crate::sync::is_emptied;

/// What a record says about a trait.
#[derive(Debug, Clone, PartialEq)]
pub struct Said<'a> {
    /// The value, in the form that the trait has.
    pub value: Cow<'a, Value>,
    /// When we first saw what it is made of, in the hub's order.
    pub stamp: Stamp,
    /// When its source says that it changed, where that is declared.
    pub source_time: Option<Timestamp>,
}

/// What a record says by a pair that is read. `None` while it asserts nothing
/// there, and where what it asserts does not fit the conversion of today: that
/// is no evidence until the row is read again and judged.
///
/// A constant is said from the birth of a record on, by those that their systems
/// had by themselves. A template is as new as the newest of its parts.
pub fn said<'a>(record: &'a Record, pair: &'a FieldMapping) -> Option<Said<'a>> {
    let asserted = |field: &str| asserted(record, field);
    let Some(conversion) = pair.conversion.as_deref() else {
        let assertion = record.fields.get(&pair.field)?.asserted.as_ref()?;
        let value = Cow::Borrowed(&assertion.value);
        return Some(Said { value, stamp: assertion.stamp, source_time: assertion.source_time });
    };
    let (value, stamp, source_time) = match &conversion.made {
        None => match asserted(pair.field.as_str()) {
            Some(assertion) => {
                (Cow::Borrowed(&assertion.value), assertion.stamp, assertion.source_time)
            }
            // A field that was always empty asserts nothing; but there are steps
            // that make something of nothing.
            None => {
                let heard = conversion.read.iter().any(|step| step.transform.takes_null());
                let value = convert(&conversion.read, Cow::Owned(Value::Null)).ok()?;
                let made = heard && is_own(record) && !value.is_null();
                return made.then_some(Said { value, stamp: record.born, source_time: None });
            }
        },
        Some(Made::Constant(value)) => {
            (is_own(record).then_some(Cow::Borrowed(value))?, record.born, None)
        }
        Some(Made::Template(template)) => {
            let newest = template.names().filter_map(asserted).max_by_key(|a| a.stamp)?;
            let text = fill(template, |name| asserted(name).map(|a| &a.value)).ok()?;
            (Cow::Owned(text), newest.stamp, newest.source_time)
        }
        // It is made of what others say.
        Some(Made::Reference(_)) => return None,
    };
    let value = convert(&conversion.read, value).ok()?;
    Some(Said { value, stamp, source_time })
}

/// A value of a pair's field, as it was told or shown earlier, in the form that the
/// trait has; one that does not fit stays as it is.
pub(crate) fn as_said<'a>(pair: &FieldMapping, value: &'a Value) -> Cow<'a, Value> {
    let conversion = pair.conversion.as_deref();
    let said = conversion.and_then(|way| convert(&way.read, Cow::Borrowed(value)).ok());
    said.unwrap_or(Cow::Borrowed(value))
}

/// What a row would say by a pair that is read.
pub(crate) fn reading<'a>(
    pair: &'a FieldMapping,
    row: &'a Object,
) -> Result<Cow<'a, Value>, Misfit> {
    let value = match pair.made() {
        Some(Made::Constant(value)) => Cow::Borrowed(value),
        Some(Made::Template(template)) => Cow::Owned(fill(template, |name| row.get(name))?),
        Some(Made::Reference(_)) => Cow::Owned(Value::Null),
        None => row.get(pair.field.as_str()).map_or(Cow::Owned(Value::Null), Cow::Borrowed),
    };
    let Some(conversion) = pair.conversion.as_deref() else { return Ok(value) };
    convert(&conversion.read, value)
}

/// Whom a value of a pair names in its namespace: the value is converted first.
pub fn identity_in(pair: &FieldMapping, namespace: &Namespace, value: &Value) -> Option<Identity> {
    let value = match pair.conversion.as_deref() {
        Some(conversion) => convert(&conversion.read, Cow::Borrowed(value)).ok()?,
        None => Cow::Borrowed(value),
    };
    match normalise(namespace, &value) {
        Normalised::Identity(identity) => Some(identity),
        Normalised::Empty | Normalised::Invalid(_) | Normalised::Never => None,
    }
}

/// Whether its system had a record by itself, and something is left of it.
fn is_own(record: &Record) -> bool {
    record.origin == Origin::Received && !is_emptied(record)
}

fn asserted<'a>(record: &'a Record, field: &str) -> Option<&'a Assertion> {
    record.fields.get(field).and_then(|state: &FieldState| state.asserted.as_ref())
}
