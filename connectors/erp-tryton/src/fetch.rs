//! Parties with their children: three calls for any number of parties.

use std::collections::{BTreeMap, HashMap};

use liaison_sdk::Fault;
use serde_json::{Value, json};

use crate::party::{Address, Mechanism, Party, Unexpected};
use crate::rpc::{Effect, Server, Trouble};

/// Fields of `party.party`; `lang.code` brings a nested `lang.`.
const PARTY_FIELDS: [&str; 7] =
    ["code", "name", "active", "lang.code", "tax_identifier.code", "replaced_by", "_timestamp"];
/// Fields of `party.contact_mechanism`.
const MECHANISM_FIELDS: [&str; 5] = ["party", "type", "value", "sequence", "_timestamp"];
/// Fields of `party.address`.
const ADDRESS_FIELDS: [&str; 7] =
    ["party", "street", "postal_code", "city", "country.code", "sequence", "_timestamp"];

/// The parties that fit a domain, archived ones too, in the order of their
/// ids; at most `limit`.
///
/// # Errors
/// [`Trouble`] of a call; `schema-drift` for an answer of another shape.
pub fn parties(
    server: &Server,
    domain: Value,
    limit: Option<usize>,
) -> Result<Vec<Party>, Trouble> {
    let rows = search(server, "party.party", domain, limit, &PARTY_FIELDS, false)?;
    let mut parties = rows.iter().map(Party::from_tryton).collect::<Result<Vec<_>, _>>()?;
    if parties.is_empty() {
        return Ok(parties);
    }
    let of_parties = json!([["party", "in", ids(&parties)]]);
    let places: HashMap<i64, usize> =
        parties.iter().enumerate().map(|(at, party)| (party.id, at)).collect();
    for row in children(server, "party.contact_mechanism", &of_parties, &MECHANISM_FIELDS)? {
        let (party, mechanism) = Mechanism::from_tryton(&row)?;
        if let Some(party) = places.get(&party).and_then(|at| parties.get_mut(*at)) {
            party.mechanisms.push(mechanism);
        }
    }
    for row in children(server, "party.address", &of_parties, &ADDRESS_FIELDS)? {
        let (party, address) = Address::from_tryton(&row)?;
        if let Some(party) = places.get(&party).and_then(|at| parties.get_mut(*at)) {
            party.addresses.push(address);
        }
    }
    parties.iter_mut().for_each(Party::order_children);
    Ok(parties)
}

/// The parties of these ids that exist.
///
/// # Errors
/// As [`parties`].
pub fn by_ids(server: &Server, ids: &[i64]) -> Result<HashMap<i64, Party>, Trouble> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = parties(server, json!([["id", "in", ids]]), None)?;
    Ok(found.into_iter().map(|party| (party.id, party)).collect())
}

/// Ids of a model's rows by their `code`.
///
/// # Errors
/// As [`parties`].
pub fn ids_by_code(
    server: &Server,
    model: &str,
    codes: &[String],
) -> Result<BTreeMap<String, i64>, Trouble> {
    if codes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = search(server, model, json!([["code", "in", codes]]), None, &["code"], true)?;
    let pair = |row: &Value| {
        let code = row.get("code").and_then(Value::as_str)?.to_owned();
        Some((code, row.get("id").and_then(Value::as_i64)?))
    };
    Ok(rows.iter().filter_map(pair).collect())
}

fn ids(parties: &[Party]) -> Vec<i64> {
    parties.iter().map(|party| party.id).collect()
}

fn children(
    server: &Server,
    model: &str,
    domain: &Value,
    fields: &[&str],
) -> Result<Vec<Value>, Trouble> {
    search(server, model, domain.clone(), None, fields, true)
}

fn search(
    server: &Server,
    model: &str,
    domain: Value,
    limit: Option<usize>,
    fields: &[&str],
    active_only: bool,
) -> Result<Vec<Value>, Trouble> {
    let params = [domain, json!(0), json!(limit), json!([["id", "ASC"]]), json!(fields)];
    let context = json!({"active_test": active_only});
    let method = format!("model.{model}.search_read");
    match server.call(Effect::Reads, &method, &params, context)? {
        Value::Array(rows) => Ok(rows),
        _ => Err(Trouble::Fault(Fault::drift(method, "a list"))),
    }
}

impl From<Unexpected> for Trouble {
    fn from(Unexpected(member): Unexpected) -> Self {
        Self::Fault(Fault::drift("search_read", member))
    }
}
