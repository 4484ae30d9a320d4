//! Finding records by id or by properties. A property with unique values is
//! asked for directly, which knows no lag; others go through the search, which
//! may not know yet what was written a moment ago.

use std::collections::BTreeMap;

use liaison_sdk::{Fault, FaultCode, Found, LookupKey, LookupRequest, Row};
use serde_json::{Map, Value};

use crate::api::Api;
use crate::object::Object;
use crate::property::{Properties, Property};
use crate::read;
use crate::record::{self, Record};

/// Most records that a search by a value shows; more would not change the
/// answer, which is "several".
const CANDIDATES_MAX: usize = 10;

/// How one key is answered.
enum Way {
    /// No record can fit.
    Nothing,
    /// By this id.
    Id(String),
    /// By this value of a property with unique values; the rest is compared.
    Unique(String, String),
    /// By the search, with these values.
    Search(Vec<(String, String)>),
}

/// Answers a lookup.
///
/// # Errors
/// What HubSpot answers; `not-supported` for a property that cannot be searched.
pub fn lookup(api: &Api, object: &Object, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
    let properties = Properties::of(api, object)?;
    let shown = properties.asked(object, &request.fields)?;
    let found = records(api, object, &properties, &shown, &request.keys)?;
    let answer = |(key, records): (&LookupKey, Vec<Record>)| {
        let row = |record: &Record| match key {
            // Asked for a record that was merged away: that is the answer.
            LookupKey::Key(id) if *id != record.id => Row::merged_into(id, &record.id),
            _ => record.row(&shown),
        };
        Found::from_rows(records.iter().map(row).collect())
    };
    Ok(request.keys.iter().zip(found).map(answer).collect())
}

/// The records that fit each key.
///
/// # Errors
/// As [`lookup`].
pub fn records(
    api: &Api,
    object: &Object,
    properties: &Properties,
    shown: &[&Property],
    keys: &[LookupKey],
) -> Result<Vec<Vec<Record>>, Fault> {
    let ways = keys.iter().map(|key| way(object, properties, key));
    let ways: Vec<Way> = ways.collect::<Result<_, _>>()?;
    let compared = keys.iter().filter_map(|key| match key {
        LookupKey::Fields(fields) => Some(fields),
        LookupKey::Key(_) => None,
    });
    let compared = compared.flat_map(Map::keys).filter_map(|name| properties.get(name));
    let asked: Vec<&Property> = shown.iter().copied().chain(compared).collect();
    let mut names = record::names(object, &asked);
    names.sort_unstable();
    names.dedup();

    let by_id = by_ids(api, object, &ways, &names)?;
    let by_value = by_values(api, object, &ways, &names)?;
    let mut found = Vec::with_capacity(keys.len());
    for (key, way) in keys.iter().zip(&ways) {
        let mut fitting: Vec<Record> = match way {
            Way::Nothing => Vec::new(),
            Way::Id(id) => {
                let fits =
                    |record: &&Record| record.id == *id || record.merged().any(|it| it == id);
                by_id.iter().filter(fits).cloned().collect()
            }
            Way::Unique(name, value) => {
                let records = by_value.get(name.as_str()).into_iter().flatten();
                records.filter(|record| record.has(name, value)).cloned().collect()
            }
            Way::Search(values) => {
                let equal = values.iter();
                let equal = equal.map(|(name, value)| (name.as_str(), "EQ", value.clone()));
                let filters: Vec<(&str, &str, String)> = equal.collect();
                read::search(api, object, &filters, "hs_object_id", CANDIDATES_MAX, &names)?
            }
        };
        if let LookupKey::Fields(fields) = key {
            fitting.retain(|record| fits(record, properties, fields));
        }
        found.push(fitting);
    }
    Ok(found)
}

fn by_ids(api: &Api, object: &Object, ways: &[Way], names: &[&str]) -> Result<Vec<Record>, Fault> {
    let ids = ways.iter().filter_map(|way| match way {
        Way::Id(id) => Some(id.as_str()),
        _ => None,
    });
    Ok(record::read(api, object, None, &unique(ids), names)?)
}

fn by_values<'w>(
    api: &Api,
    object: &Object,
    ways: &'w [Way],
    names: &[&str],
) -> Result<BTreeMap<&'w str, Vec<Record>>, Fault> {
    let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for way in ways {
        if let Way::Unique(name, value) = way {
            values.entry(name).or_default().push(value);
        }
    }
    let mut found = BTreeMap::new();
    for (name, values) in values {
        let values = unique(values.into_iter());
        found.insert(name, record::read(api, object, Some(name), &values, names)?);
    }
    Ok(found)
}

/// HubSpot refuses a batch that names a record twice.
fn unique<'t>(values: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let mut values: Vec<&str> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

fn way(object: &Object, properties: &Properties, key: &LookupKey) -> Result<Way, Fault> {
    let fields = match key {
        LookupKey::Key(id) if record::is_id(id) => return Ok(Way::Id(id.clone())),
        LookupKey::Key(_) => return Ok(Way::Nothing),
        LookupKey::Fields(fields) => fields,
    };
    let mut values = Vec::new();
    let mut unique = None;
    for (name, value) in fields {
        let property = properties.get(name).filter(|property| property.is_matchable(object));
        let property = property.ok_or_else(|| Fault::not_supported("lookup").at(name.as_str()))?;
        let Some(text) = searched(name, value) else { return Ok(Way::Nothing) };
        if property.is_unique(object) && unique.is_none() {
            unique = Some((name.clone(), text.clone()));
        }
        values.push((name.clone(), text));
    }
    Ok(match unique {
        Some((name, value)) => Way::Unique(name, value),
        None if values.is_empty() => Way::Nothing,
        None => Way::Search(values),
    })
}

/// The text of a value to search for; `None` when nobody can have it.
fn searched(name: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => return None,
    };
    // One address of another form would have the whole batch refused.
    let text = if name == "email" { text.to_lowercase() } else { text };
    let usable = !text.is_empty() && (name != "email" || text.contains('@'));
    usable.then_some(text)
}

/// Whether a record has all values, compared as HubSpot shows them.
fn fits(record: &Record, properties: &Properties, fields: &Map<String, Value>) -> bool {
    fields.iter().all(|(name, value)| {
        searched(name, value)
            .is_some_and(|text| properties.get(name).is_some() && record.has(name, &text))
    })
}

/// The record that a set of properties with unique values belongs to: whoever
/// stands in the way of a create.
///
/// # Errors
/// As [`lookup`].
pub fn holder(
    api: &Api,
    object: &Object,
    properties: &Properties,
    patch: &Map<String, Value>,
) -> Result<Option<String>, Fault> {
    let is_unique = |name: &str| properties.get(name).is_some_and(|it| it.is_unique(object));
    for (name, value) in patch.iter().filter(|(name, _)| is_unique(name)) {
        let fields = [(name.clone(), value.clone())].into_iter().collect();
        let found = records(api, object, properties, &[], &[LookupKey::Fields(fields)]);
        match found {
            Ok(found) => {
                if let Some(record) = found.into_iter().flatten().next() {
                    return Ok(Some(record.id));
                }
            }
            // A value that cannot even be searched for is nobody's.
            Err(fault) if fault.code == FaultCode::Rejected => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(None)
}
