//! One conversion as an event of Google's: what happened, to whom, for how much.
//!
//! Google refuses all events of a request for one that it cannot read, so each is judged
//! here first. A conversion is never changed: only a new one can be sent.

use liaison_sdk::hash::Unfit;
use liaison_sdk::{Action, Fault, FaultCode, Field, WriteItem, time};
use serde_json::{Map, Value, json};

use crate::member::{self, Identifiers};
use crate::settings::{Settings, is_number};

/// Most characters of a text.
const TEXT_CHARACTERS_MAX: usize = 2_048;
/// Where a conversion may have happened: our word, Google's.
const SOURCES: [(&str, &str); 6] = [
    ("web", "WEB"),
    ("app", "APP"),
    ("in-store", "IN_STORE"),
    ("phone", "PHONE"),
    ("message", "MESSAGE"),
    ("other", "OTHER"),
];
/// Numbers of clicks.
const CLICKS: [&str; 3] = ["gclid", "gbraid", "wbraid"];

/// What conversions are made of, as discovery says it. None of it can be changed.
pub fn fields() -> impl Iterator<Item = Field> {
    let time = Field::new("event_time", json!({"type": "string", "format": "date-time"}));
    let words: Vec<&str> = SOURCES.iter().map(|(word, _)| *word).collect();
    let source = Field::new("event_source", json!({"type": ["string", "null"], "enum": words}));
    let own = [
        time.title("When it happened").required(),
        Field::text("transaction_id").title("Number of the order: counts once"),
        Field::text("conversion_action").title("Number of the conversion action"),
        source.title("Where it happened"),
        Field::number("value").title("Value"),
        Field::text("currency").title("Currency, ISO 4217"),
    ];
    let clicks = CLICKS.iter().map(|name| Field::text(*name).title(*name).pii("id"));
    own.into_iter().chain(clicks).chain(member::fields()).map(Field::create_only)
}

/// An event and where it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The number of the conversion action.
    pub action: String,
    /// As it is sent.
    pub data: Value,
}

/// The event of an item.
///
/// # Errors
/// `rejected` or `not-supported`, with the field.
pub fn event(settings: &Settings, item: &WriteItem) -> Result<Event, Fault> {
    if item.action != Action::Create {
        let expected = "a new conversion: what was sent cannot be changed";
        return Err(Fault::new(FaultCode::NotSupported).at("action").with("expected", expected));
    }
    let (mut event, mut clicks) = (Map::new(), Map::new());
    let mut identifiers = Identifiers::default();
    let mut action = settings.conversion_action.clone();
    for (field, value) in item.patch.iter().filter(|(_, value)| !value.is_null()) {
        let text = || as_text(field, value);
        match field.as_str() {
            // A number goes as it is, digit by digit.
            "value" if value.is_number() => {
                drop(event.insert("conversionValue".into(), value.clone()))
            }
            "value" => return Err(Fault::rejected(field, "a number")),
            "event_time" => drop(event.insert("eventTimestamp".into(), instant(text()?)?.into())),
            "transaction_id" => drop(event.insert("transactionId".into(), text()?.into())),
            "conversion_action" => action = Some(text()?.to_owned()),
            "event_source" => drop(event.insert("eventSource".into(), source(text()?)?.into())),
            "currency" => drop(event.insert("currency".into(), currency(text()?)?.into())),
            name if CLICKS.contains(&name) => drop(clicks.insert(name.into(), text()?.into())),
            name => {
                if !identifiers.add(name, text()?) {
                    return Err(Fault::no_field(name, "conversions"));
                }
            }
        }
    }
    if !event.contains_key("eventTimestamp") {
        return Err(Fault::rejected("event_time", "when it happened"));
    }
    if event.contains_key("conversionValue") && !event.contains_key("currency") {
        return Err(Fault::rejected("currency", "the currency of the value"));
    }
    let action = action
        .filter(|action| is_number(action))
        .ok_or_else(|| Fault::rejected("conversion_action", "the number of a conversion action"))?;
    // By it Google knows again what is sent once more.
    event.entry("transactionId").or_insert_with(|| item.idempotency_key.as_str().into());
    let (identifiers, unfit) = identifiers.finish();
    if identifiers.is_empty() && clicks.is_empty() {
        return Err(unfit.unwrap_or_else(|| {
            Fault::from(Unfit::Empty).at("email, phone, a whole address, gclid, gbraid or wbraid")
        }));
    }
    if !identifiers.is_empty() {
        event.insert("userData".into(), json!({ "userIdentifiers": identifiers }));
    }
    if !clicks.is_empty() {
        event.insert("adIdentifiers".into(), clicks.into());
    }
    let consent = member::consent(settings, &item.consents)?;
    if !consent.is_empty() {
        event.insert("consent".into(), consent.into());
    }
    Ok(Event { action, data: event.into() })
}

fn as_text<'v>(field: &str, value: &'v Value) -> Result<&'v str, Fault> {
    let text = value.as_str().filter(|text| text.chars().count() <= TEXT_CHARACTERS_MAX);
    text.ok_or_else(|| Fault::rejected(field, "text"))
}

fn instant(text: &str) -> Result<String, Fault> {
    let wrong = || Fault::rejected("event_time", "an instant as of RFC 3339");
    time::parse(text).map(time::format).ok_or_else(wrong)
}

fn source(text: &str) -> Result<&'static str, Fault> {
    let word = SOURCES.iter().find(|(own, _)| *own == text).map(|(_, word)| *word);
    let words = || SOURCES.map(|(own, _)| own).join(", ");
    word.ok_or_else(|| Fault::rejected("event_source", words()))
}

fn currency(text: &str) -> Result<String, Fault> {
    let good = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    good.then(|| text.to_uppercase())
        .ok_or_else(|| Fault::rejected("currency", "a code of three letters, ISO 4217"))
}
