//! The event webhook: what became of a message.
//!
//! Each event is a row under its own number, so that one that comes again is known. One
//! that puts somebody on a list or takes him off it is a hint besides: the hub looks at
//! the list itself, which also knows when the event came late.

use std::collections::{BTreeMap, BTreeSet};

use liaison_sdk::{Delivery, EntityKind, Fault, Field, Parsed, Row, Stream, time};
use serde_json::{Map, Value, json};

use crate::message::MESSAGE_ID;
use crate::settings::is_address;
use crate::suppression::Suppression;

/// The stream of events.
pub const EVENTS: &str = "events";
/// Longest key of a row in bytes.
const KEY_BYTES_MAX: usize = 512;
/// Longest text of an event that is kept in quarantine, in bytes.
const RAW_BYTES_MAX: usize = 4_096;
/// Members of an event that are passed on as they are.
const WHOLE: [&str; 13] = [
    "sg_message_id",
    "reason",
    "status",
    "type",
    "bounce_classification",
    "response",
    "attempt",
    "url",
    "useragent",
    "ip",
    "category",
    "asm_group_id",
    "sg_machine_open",
];

/// The stream as discovery describes it.
pub fn stream() -> Stream {
    let whole = WHOLE.iter().map(|name| {
        let field = Field::new(*name, json!({}));
        if ["ip", "url"].contains(name) { field.pii("id") } else { field }
    });
    Stream::new(EVENTS)
        .title("Events")
        .kind(EntityKind::Event)
        .readable()
        .field(Field::text("event").title("Event"))
        .field(Field::text("email").title("E-mail").pii("email"))
        .field(Field::text("timestamp"))
        .field(Field::text("message_id").title("Message"))
        .with_fields(whole)
}

/// What a delivery means.
///
/// # Errors
/// `rejected` for what is no list of events.
pub fn parse(delivery: &Delivery) -> Result<Vec<Parsed>, Fault> {
    let events: Vec<Value> = delivery.json()?;
    let mut rows = Vec::new();
    let mut changed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (place, event) in events.iter().enumerate() {
        match row(event) {
            Ok(row) => rows.push(row),
            Err(problem) => {
                let raw = event.to_string();
                let raw = raw.get(..raw.floor_char_boundary(RAW_BYTES_MAX)).unwrap_or_default();
                rows.push(Row::invalid(None, format!("event {}", place + 1), problem, raw));
                continue;
            }
        }
        let email = event["email"].as_str().filter(|email| is_address(email));
        if let (Some(list), Some(email)) = (list(event), email) {
            changed.entry(list.name()).or_default().insert(email.to_lowercase());
        }
    }
    let mut parsed = Vec::new();
    if !rows.is_empty() {
        parsed.push(Parsed::rows(EVENTS, rows));
    }
    parsed.extend(changed.into_iter().map(|(stream, emails)| Parsed::refetch(stream, emails)));
    Ok(parsed)
}

/// The list that an event tells of a change of.
fn list(event: &Value) -> Option<Suppression> {
    match event["event"].as_str()? {
        "unsubscribe" => Some(Suppression::Global),
        "group_unsubscribe" | "group_resubscribe" => {
            let group = &event["asm_group_id"];
            let number = group.as_u64().or_else(|| group.as_str()?.parse().ok());
            number.map(Suppression::Group)
        }
        "bounce" if event["type"] == "blocked" => Some(Suppression::Blocks),
        "bounce" => Some(Suppression::Bounces),
        "spamreport" => Some(Suppression::SpamReports),
        _ => None,
    }
}

/// An event as a row, or the word for why it is none.
fn row(event: &Value) -> Result<Row, &'static str> {
    let text = |name: &str| event[name].as_str().map(str::trim).filter(|text| !text.is_empty());
    let key = text("sg_event_id").filter(|key| key.len() <= KEY_BYTES_MAX).ok_or("sg_event_id")?;
    let name = text("event").ok_or("event")?;
    let seconds = event["timestamp"].as_i64().filter(|it| (0..=253_402_300_799).contains(it));
    let at = time::format(time::from_seconds(seconds.ok_or("timestamp")?));
    let mut data = Map::from_iter([
        ("event".to_owned(), json!(name)),
        ("email".to_owned(), json!(text("email").map(str::to_lowercase))),
        ("timestamp".to_owned(), json!(at)),
        ("message_id".to_owned(), json!(text(MESSAGE_ID))),
    ]);
    let whole = WHOLE.iter().filter_map(|name| Some((*name, event.get(*name)?)));
    data.extend(whole.map(|(name, value)| (name.to_owned(), value.clone())));
    Ok(Row::event(key, data).time(at))
}
