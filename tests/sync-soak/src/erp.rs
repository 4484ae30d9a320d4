//! The ERP's own data: every party, field by field, as its users see it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use xtask::tryton::rpc::Session;

use crate::people::Person;

/// A party: its own fields, and those of its children by kind and place.
pub type Party = BTreeMap<String, String>;

/// Every party, archived ones too, by id.
///
/// # Errors
/// The ERP does not answer.
pub fn parties(session: &Session) -> Result<BTreeMap<i64, Party>> {
    let read = |model: &str, fields: &[&str]| -> Result<Vec<Value>> {
        // Parties have no rank, and archived ones are parties too.
        let is_party = model == "party";
        let rank: &[&str] = if is_party { &["id"] } else { &["sequence", "id"] };
        let order: Vec<[&str; 2]> = rank.iter().map(|name| [*name, "ASC"]).collect();
        let context = json!({"active_test": !is_party});
        let parameters = json!([[], 0, null, order, fields, context]);
        let rows = session.call(&format!("model.party.{model}.search_read"), parameters)?;
        Ok(rows.as_array().cloned().unwrap_or_default())
    };
    let mut parties: BTreeMap<i64, Party> = BTreeMap::new();
    let own = ["code", "name", "active"];
    for row in read("party", &own)? {
        let party = own.iter().map(|name| ((*name).to_owned(), text(&row[*name]))).collect();
        parties.insert(id(&row["id"])?, party);
    }
    let mechanisms = read("contact_mechanism", &["party", "type", "value"])?;
    let kinds = |row: &Value| vec![(text(&row["type"]), text(&row["value"]))];
    add(&mut parties, &mechanisms, kinds)?;
    let parts = ["street", "postal_code", "city"];
    let addresses = read("address", &["party", "street", "postal_code", "city"])?;
    let named =
        |row: &Value| parts.iter().map(|name| ((*name).to_owned(), text(&row[*name]))).collect();
    add(&mut parties, &addresses, named)?;
    Ok(parties)
}

/// Adds what children say, numbered where a party has several.
fn add(
    parties: &mut BTreeMap<i64, Party>,
    children: &[Value],
    fields: impl Fn(&Value) -> Vec<(String, String)>,
) -> Result<()> {
    for child in children {
        let Some(party) = parties.get_mut(&id(&child["party"])?) else { continue };
        for (name, value) in fields(child).into_iter().filter(|(_, value)| !value.is_empty()) {
            let place = (1..).map(|n| format!("{name} {n}")).find(|key| !party.contains_key(key));
            party.insert(place.unwrap_or(name), value);
        }
    }
    Ok(())
}

/// The values of a new party, with its e-mail address or without.
pub fn values(person: &Person, email: bool) -> Value {
    let mechanism = |kind: &str, value: &str| json!({"type": kind, "value": value});
    let mut mechanisms = vec![mechanism("phone", &person.phone)];
    if email {
        mechanisms.push(mechanism("email", &person.email));
    }
    json!({
        "code": person.code,
        "name": person.name(),
        "contact_mechanisms": [["create", mechanisms]],
        "addresses": [["create", [{"street": person.street, "city": person.city}]]],
    })
}

/// Somebody enters parties.
///
/// # Errors
/// The ERP refuses them.
pub fn enter(session: &Session, parties: &[Value]) -> Result<()> {
    session.call("model.party.party.create", json!([parties, {}]))?;
    Ok(())
}

fn id(value: &Value) -> Result<i64> {
    value.as_i64().context("a row without an id")
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        // SQLite says 1, PostgreSQL true.
        other => other.to_string(),
    }
}
