//! Writing contacts: creates and updates in one job, deletions in another.

use std::collections::BTreeMap;

use liaison_sdk::write::settle;
use liaison_sdk::{Action, Fault, FaultCode, Outcome, Report, WriteItem, WriteRequest};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::api::{Api, Ask};
use crate::contact;
use crate::field::{Fields, IDENTIFIERS};

/// Most contacts of one write. SendGrid takes 30,000 at once; but what a job wrote is
/// looked for afterwards, a hundred at a time, in one call of the hub.
pub const BATCH_ITEMS_MAX: u32 = 5_000;
/// Most bytes of one write: of 6 MB some are left to identifiers that go along.
pub const BATCH_BYTES_MAX: u32 = 5 * 1024 * 1024;
/// Most contacts of one deletion: their numbers go into the address.
const DELETED_MAX: usize = 100;

/// What a request that writes was taken into.
#[derive(Deserialize)]
struct Taken {
    job_id: String,
}

/// A request that makes a job; its number.
///
/// # Errors
/// By the answer; `timeout` where nobody knows.
pub fn job(api: &Api, ask: Ask) -> Result<String, Fault> {
    let taken: Taken = api.writes(ask)?;
    match contact::is_id(&taken.job_id) {
        true => Ok(taken.job_id),
        false => Err(Fault::new(FaultCode::Timeout).at("job_id").with("expected", "a number")),
    }
}

/// Writes contacts.
///
/// # Errors
/// A fault as long as nothing is written; `timeout` when nobody knows.
pub fn write(api: &Api, request: &WriteRequest) -> Result<Report, Fault> {
    if request.dry_run {
        return Err(Fault::not_supported("dry-run"));
    }
    let fields = Fields::of(api)?;
    let known = request.items.iter().filter_map(|item| item.key.as_deref());
    let known: Vec<&str> = known.filter(|id| contact::is_id(id)).collect();
    let known = contact::by_ids(api, &known)?;
    let mut outcomes = vec![Outcome::Unknown; request.items.len()];
    let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
    for (place, (item, outcome)) in request.items.iter().zip(&mut outcomes).enumerate() {
        match decide(&fields, &known, item) {
            Ok(Wish::Upsert(contact)) => upserts.push((place, Value::Object(contact))),
            Ok(Wish::Delete(id)) => deletes.push((place, id)),
            Err(decided) => *outcome = decided,
        }
    }
    let mut begun = false;
    if !upserts.is_empty() {
        let (places, contacts): (Vec<usize>, Vec<Value>) = upserts.into_iter().unzip();
        let ask = api.ask("PUT", "/v3/marketing/contacts").json(&json!({ "contacts": contacts }));
        let taken = job(api, ask).map(Outcome::Accepted);
        settle(&mut outcomes, places, taken, Outcome::after, &mut begun)?;
    }
    for some in deletes.chunks(DELETED_MAX) {
        let (places, ids): (Vec<usize>, Vec<&str>) = some.iter().copied().unzip();
        let ask = api.ask("DELETE", "/v3/marketing/contacts").query("ids", ids.join(","));
        let taken = job(api, ask).map(Outcome::Accepted);
        settle(&mut outcomes, places, taken, Outcome::after, &mut begun)?;
    }
    Ok(outcomes.into())
}

/// What an item asks of SendGrid.
enum Wish<'i> {
    Upsert(Map<String, Value>),
    Delete(&'i str),
}

fn decide<'i>(
    fields: &Fields,
    known: &BTreeMap<String, Map<String, Value>>,
    item: &'i WriteItem,
) -> Result<Wish<'i>, Outcome> {
    let rejected = |place: &str, reason: &str| {
        Outcome::Rejected(Fault::new(FaultCode::Rejected).at(place).with("reason", reason))
    };
    let contact = item.key.as_ref().and_then(|key| known.get(key));
    match (item.action, &item.key, contact) {
        (Action::Delete | Action::Archive, Some(id), Some(_)) => return Ok(Wish::Delete(id)),
        (Action::Delete | Action::Archive, _, _) => return Err(Outcome::Deleted),
        (Action::Update, _, None) => return Err(Outcome::Conflict),
        _ => {}
    }
    let mut wished = fields.sent(&item.patch).map_err(|(at, reason)| rejected(&at, reason))?;
    // What is empty now and shall be stays out: it would be an identifier without a value.
    wished.retain(|name, value| *value != "" || !IDENTIFIERS.contains(&name.as_str()));
    match contact {
        Some(contact) => {
            if wished.is_empty() {
                return Err(Outcome::Unchanged);
            }
            for name in IDENTIFIERS {
                let own = contact.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
                match (own, wished.get(name).and_then(Value::as_str)) {
                    (Some(own), Some(other)) if own != other => {
                        return Err(rejected(name, "cannot-be-changed"));
                    }
                    (Some(own), _) => {
                        wished.insert(name.to_owned(), own.into());
                    }
                    (None, _) => {}
                }
            }
        }
        None => {
            if let Some(email) = item.matching.get("email").and_then(Value::as_str) {
                wished.entry("email").or_insert_with(|| email.trim().to_lowercase().into());
            }
        }
    }
    match IDENTIFIERS.iter().any(|name| wished.contains_key(*name)) {
        true => Ok(Wish::Upsert(wished)),
        false => Err(rejected("email", "required")),
    }
}
