//! Finding parties by key or by fields. Tryton searches, and what it finds is
//! compared once more with the row that we would show: a party whose *second*
//! e-mail address fits is not the party of that row.

use liaison_sdk::{Fault, Found, LookupKey, LookupRequest};
use serde_json::{Map, Value, json};

use crate::fetch;
use crate::fields::{Field, Home};
use crate::party::Party;
use crate::read;
use crate::rpc::Server;

/// Most parties that one search may return; a value shared by more of them
/// (info@) must not hide the others.
const CANDIDATES_MAX: usize = 1_000;

/// Answers a lookup.
///
/// # Errors
/// What [`fetch::parties`] answers; `not-supported` for a field that cannot be
/// searched.
pub fn lookup(server: &Server, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
    let found = parties(server, &request.keys)?;
    let answer = |parties: Vec<Party>| {
        Found::from_rows(parties.iter().map(|party| read::row(party, &request.fields)).collect())
    };
    Ok(found.into_iter().map(answer).collect())
}

/// The parties that fit each key.
///
/// # Errors
/// As [`lookup`].
pub fn parties(server: &Server, keys: &[LookupKey]) -> Result<Vec<Vec<Party>>, Fault> {
    let ids: Vec<i64> = keys.iter().filter_map(id_of).collect();
    let by_id = fetch::by_ids(server, &ids)?;
    let domains = keys.iter().map(domain).collect::<Result<Vec<_>, _>>()?;
    let together = candidates(server, &domains)?;
    let mut found = Vec::with_capacity(keys.len());
    for (key, domain) in keys.iter().zip(domains) {
        let fitting = match (key, domain) {
            (LookupKey::Key(_), _) => {
                id_of(key).and_then(|id| by_id.get(&id)).cloned().into_iter().collect()
            }
            (LookupKey::Fields(_), None) => Vec::new(),
            (LookupKey::Fields(fields), Some(domain)) => {
                let fitting = |party: &&Party| fits(party, fields);
                match &together {
                    Some(all) => all.iter().filter(fitting).cloned().collect(),
                    None => {
                        let some = fetch::parties(server, domain, Some(CANDIDATES_MAX))?;
                        some.iter().filter(fitting).cloned().collect()
                    }
                }
            }
        };
        found.push(fitting);
    }
    Ok(found)
}

/// Every candidate of every domain by one search; `None` when there are too many.
fn candidates(server: &Server, domains: &[Option<Value>]) -> Result<Option<Vec<Party>>, Fault> {
    let domains: Vec<&Value> = domains.iter().flatten().collect();
    if domains.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let any: Vec<Value> = [json!("OR")].into_iter().chain(domains.into_iter().cloned()).collect();
    let found = fetch::parties(server, Value::Array(any), Some(CANDIDATES_MAX))?;
    Ok((found.len() < CANDIDATES_MAX).then_some(found))
}

fn id_of(key: &LookupKey) -> Option<i64> {
    match key {
        LookupKey::Key(key) => parse_id(key),
        LookupKey::Fields(_) => None,
    }
}

/// A row's key as Tryton's id. Only the canonical form is one: `07` is not `7`.
pub fn parse_id(key: &str) -> Option<i64> {
    key.parse().ok().filter(|id: &i64| *id > 0 && id.to_string() == key)
}

/// The search for a set of fields; `None` when nothing can fit: an empty value
/// names nobody.
fn domain(key: &LookupKey) -> Result<Option<Value>, Fault> {
    let LookupKey::Fields(fields) = key else { return Ok(None) };
    let mut clauses = Vec::new();
    for (name, value) in fields {
        let field = Field::named(name).filter(|field| field.matchable());
        let field = field.ok_or_else(|| Fault::not_supported("lookup").at(name.as_str()))?;
        let Some(value) = text(value) else { return Ok(None) };
        clauses.push(match field.home {
            Home::Mechanism("email") => mechanism("email", "ilike", &pattern(&value)),
            Home::Mechanism(kind) => mechanism(kind, "=", &value),
            _ => json!([field.name, "=", value]),
        });
    }
    Ok((!clauses.is_empty()).then_some(Value::Array(clauses)))
}

fn mechanism(kind: &str, operator: &str, value: &str) -> Value {
    json!(["contact_mechanisms", "where", [["type", "=", kind], ["value", operator, value]]])
}

/// Text for `ilike` that stands for itself.
fn pattern(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn fits(party: &Party, fields: &Map<String, Value>) -> bool {
    fields.iter().all(|(name, value)| {
        let Some(field) = Field::named(name) else { return false };
        match (party.value(field.home), text(value)) {
            (Value::String(shown), Some(wanted)) if field.pii == "email" => {
                shown.to_lowercase() == wanted.to_lowercase()
            }
            (Value::String(shown), Some(wanted)) => shown == wanted,
            _ => false,
        }
    })
}

fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}
