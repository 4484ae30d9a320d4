//! Contacts as SendGrid shows them, and finding them by number or address.

use std::collections::BTreeMap;

use liaison_sdk::{
    EntityKind, Fault, FaultCode, Found, Idempotency, LookupKey, LookupRequest, Row, Stream, time,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::CONTACTS;
use crate::api::Api;
use crate::field::Fields;
use crate::settings::is_address;
use crate::upsert;

/// Most numbers or addresses of one question.
const ASKED_MAX: usize = 100;

#[derive(Deserialize)]
struct Batch {
    result: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Search {
    result: BTreeMap<String, Hit>,
}

#[derive(Deserialize)]
struct Hit {
    contact: Option<Map<String, Value>>,
}

/// The stream as discovery describes it. Without its fields it is open: what keeps
/// them from us is told by reading it.
pub fn stream(fields: Option<&Fields>) -> Stream {
    let stream = Stream::new(CONTACTS)
        .title("Contacts")
        .kind(EntityKind::Person)
        .readable()
        .complete_snapshots()
        .writable(upsert::BATCH_ITEMS_MAX)
        .batch_bytes_max(upsert::BATCH_BYTES_MAX)
        .atomic_batches()
        .idempotency(Idempotency::ExternalId);
    match fields {
        Some(fields) => stream.with_fields(fields.listed()),
        None => stream.open(),
    }
}

/// The number of a contact: `contact_id` in an export, `id` elsewhere.
pub fn id(contact: &Map<String, Value>) -> Option<&str> {
    let id = contact.get("id").or_else(|| contact.get("contact_id"));
    id.and_then(Value::as_str).filter(|id| is_id(id))
}

/// Whether a text can be the number of something at SendGrid: a UUID.
pub fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// A contact as a row.
pub fn row(fields: &Fields, asked: &[String], contact: &Map<String, Value>) -> Option<Row> {
    let row = Row::upsert(id(contact)?, fields.shown(contact, asked));
    let updated = contact.get("updated_at").and_then(Value::as_str).and_then(time::parse);
    Some(match updated {
        Some(updated) => row.time(time::format(updated)),
        None => row,
    })
}

/// The contacts of these numbers, by number.
///
/// # Errors
/// The request's.
pub fn by_ids(api: &Api, ids: &[&str]) -> Result<BTreeMap<String, Map<String, Value>>, Fault> {
    let mut found = BTreeMap::new();
    for ids in ids.chunks(ASKED_MAX) {
        let ask = api.ask("POST", "/v3/marketing/contacts/batch").json(&json!({ "ids": ids }));
        let batch: Batch = api.reads(ask)?;
        let known = batch.result.into_iter();
        found.extend(known.filter_map(|contact| Some((id(&contact)?.to_owned(), contact))));
    }
    Ok(found)
}

/// The contacts that have these addresses, by address. They must be in lower case.
///
/// # Errors
/// The request's.
pub fn by_emails(
    api: &Api,
    emails: &[String],
) -> Result<BTreeMap<String, Map<String, Value>>, Fault> {
    let mut found = BTreeMap::new();
    for emails in emails.chunks(ASKED_MAX) {
        let ask = api.ask("POST", "/v3/marketing/contacts/search/emails");
        let search: Search = match api.reads(ask.json(&json!({ "emails": emails }))) {
            // Nobody has any of them.
            Err(fault) if fault.code == FaultCode::NotFound => continue,
            other => other?,
        };
        let known = search.result.into_iter();
        found.extend(known.filter_map(|(email, hit)| Some((email.to_lowercase(), hit.contact?))));
    }
    Ok(found)
}

/// Answers a lookup, by number or by address.
///
/// # Errors
/// What SendGrid answers; `not-supported` for another field.
pub fn lookup(api: &Api, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
    let fields = Fields::of(api)?;
    fields.expect(&request.fields)?;
    let (mut ids, mut emails) = (Vec::new(), Vec::new());
    for key in &request.keys {
        match key {
            LookupKey::Key(id) if is_id(id) => ids.push(id.as_str()),
            LookupKey::Key(_) => {}
            LookupKey::Fields(wanted) => emails.extend(address(wanted)?),
        }
    }
    let (ids, emails) = (by_ids(api, &ids)?, by_emails(api, &emails)?);
    let found = |key: &LookupKey| {
        let contact = match key {
            LookupKey::Key(id) => ids.get(id),
            LookupKey::Fields(wanted) => address(wanted)?.and_then(|email| emails.get(&email)),
        };
        let row = contact.and_then(|contact| row(&fields, &request.fields, contact));
        Ok(row.map_or(Found::None, Found::One))
    };
    request.keys.iter().map(found).collect()
}

/// The address of a set of fields that holds nothing else, if it can be one.
///
/// # Errors
/// `not-supported` for another field.
pub fn address(fields: &Map<String, Value>) -> Result<Option<String>, Fault> {
    if let Some(other) = fields.keys().find(|name| *name != "email") {
        return Err(Fault::not_supported("lookup").at(other.as_str()));
    }
    let email = fields.get("email").and_then(Value::as_str).unwrap_or_default().trim();
    Ok(is_address(email).then(|| email.to_lowercase()))
}
