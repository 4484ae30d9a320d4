//! One conversion as an event of Meta's: what happened, to whom, for how much.
//!
//! Meta refuses all events of a request for one that it cannot take, so each is judged
//! here first. A conversion is never changed: Meta knows no such thing.

use liaison_sdk::hash::Unfit;
use liaison_sdk::{Action, Fault, FaultCode, Field, WriteItem, time};
use serde_json::{Map, Value, json};

use crate::member::{self, Row};

/// Oldest event that is taken, in days.
const AGE_DAYS_MAX: i64 = 7;
/// Oldest sale of a shop that is taken, in days.
const AGE_DAYS_IN_STORE_MAX: i64 = 62;
/// How far clocks may be apart.
const AHEAD_SECONDS_MAX: i64 = 60;
const DAY_SECONDS: i64 = 86_400;
/// Most characters of a text.
const TEXT_CHARACTERS_MAX: usize = 2_048;
/// Where a conversion may have happened.
const ACTION_SOURCES: [&str; 9] = [
    "app",
    "business_messaging",
    "chat",
    "email",
    "other",
    "phone_call",
    "physical_store",
    "system_generated",
    "website",
];

/// Where a field of text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Event,
    /// In clear, beside what is hashed.
    User,
    Custom,
}

/// Fields of text: ours, Meta's, where it goes, its title, its class of personal data.
const TEXTS: [(&str, &str, Part, &str, &str); 15] = [
    ("event_name", "event_name", Part::Event, "Name of the event: Purchase, Lead, or your own", ""),
    (
        "event_id",
        "event_id",
        Part::Event,
        "Number of the event, the pixel's where it sends it too",
        "",
    ),
    ("action_source", "action_source", Part::Event, "Where it happened", ""),
    ("event_source_url", "event_source_url", Part::Event, "Address of the page", ""),
    ("referrer_url", "referrer_url", Part::Event, "Address of the page before", ""),
    ("client_ip_address", "client_ip_address", Part::User, "IP address", "id"),
    ("client_user_agent", "client_user_agent", Part::User, "Browser", ""),
    ("click_id", "fbc", Part::User, "Click (fbc)", "id"),
    ("browser_id", "fbp", Part::User, "Browser's number (fbp)", "id"),
    ("lead_id", "lead_id", Part::User, "Number of the lead", "id"),
    ("currency", "currency", Part::Custom, "Currency, ISO 4217", ""),
    ("order_id", "order_id", Part::Custom, "Number of the order", ""),
    ("content_type", "content_type", Part::Custom, "product or product_group", ""),
    ("content_name", "content_name", Part::Custom, "Name of the product or page", ""),
    ("content_category", "content_category", Part::Custom, "Category", ""),
];

/// What conversions are made of, as discovery says it. None of it can be changed.
pub fn fields() -> impl Iterator<Item = Field> {
    let required = ["event_name", "action_source"];
    let texts = TEXTS.iter().map(move |(field, _, _, title, pii)| {
        let text = Field::text(*field).title(*title).pii(*pii);
        if required.contains(field) { text.required() } else { text }
    });
    let time = Field::new("event_time", json!({"type": "string", "format": "date-time"}));
    let others = [
        time.title("When it happened").required(),
        Field::number("value").title("Value"),
        Field::number("num_items").title("Number of products"),
        Field::new("content_ids", json!({"type": ["array", "null"], "items": {"type": "string"}}))
            .title("Numbers of the products"),
    ];
    others.into_iter().chain(texts).chain(member::fields()).map(Field::create_only)
}

/// An event and its number.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// By which Meta knows it again.
    pub id: String,
    /// As it is sent.
    pub data: Value,
}

/// The event of an item, now.
///
/// # Errors
/// `rejected` or `not-supported`, with the field.
pub fn event(item: &WriteItem, now: i64) -> Result<Event, Fault> {
    if item.action != Action::Create {
        let expected = "a new conversion: what was sent cannot be changed";
        return Err(Fault::new(FaultCode::NotSupported).at("action").with("expected", expected));
    }
    let (mut event, mut user, mut custom) = (Map::new(), Map::new(), Map::new());
    let (mut row, mut unfit) = (Row::new(), None);
    for (field, value) in item.patch.iter().filter(|(_, value)| !value.is_null()) {
        let text = TEXTS.iter().find(|(own, ..)| own == field);
        match (field.as_str(), text) {
            (_, Some((_, name, part, ..))) => {
                let target = match part {
                    Part::Event => &mut event,
                    Part::User => &mut user,
                    Part::Custom => &mut custom,
                };
                target.insert((*name).to_owned(), as_text(field, value)?.into());
            }
            ("event_time", _) => drop(event.insert(field.clone(), seconds(value)?.into())),
            // A number goes as it is, digit by digit.
            ("value" | "num_items", _) if value.is_number() => {
                custom.insert(field.clone(), value.clone());
            }
            ("value" | "num_items", _) => return Err(Fault::rejected(field, "a number")),
            ("content_ids", _) if value.is_array() => {
                custom.insert(field.clone(), value.clone());
            }
            _ => match member::add(&mut row, field, as_text(field, value)?) {
                Some(added) => unfit = unfit.or(added.err()),
                None => return Err(Fault::no_field(field, "conversions")),
            },
        }
    }
    judge(&event, &user, &custom, now)?;
    let by_browser =
        ["client_ip_address", "client_user_agent"].iter().all(|it| user.contains_key(*it));
    let by_number = ["fbc", "fbp", "lead_id"].iter().any(|it| user.contains_key(*it));
    if !(by_browser || by_number || row.keys().any(|column| column.finds())) {
        return Err(unfit.unwrap_or_else(|| {
            Fault::from(Unfit::Empty).at("email, phone, external_id, click_id or browser_id")
        }));
    }
    user.extend(
        row.into_iter().map(|(column, value)| (column.in_conversion().to_owned(), value.into())),
    );
    let id = event.entry("event_id").or_insert_with(|| item.idempotency_key.as_str().into());
    let id = id.as_str().unwrap_or_default().to_owned();
    event.insert("user_data".to_owned(), user.into());
    if !custom.is_empty() {
        event.insert("custom_data".to_owned(), custom.into());
    }
    Ok(Event { id, data: event.into() })
}

fn as_text<'v>(field: &str, value: &'v Value) -> Result<&'v str, Fault> {
    let text = value.as_str().filter(|text| text.chars().count() <= TEXT_CHARACTERS_MAX);
    text.ok_or_else(|| Fault::rejected(field, "text"))
}

fn seconds(value: &Value) -> Result<i64, Fault> {
    let wrong = || Fault::rejected("event_time", "an instant as of RFC 3339");
    let instant = value.as_str().and_then(time::parse).ok_or_else(wrong)?;
    Ok(instant.div_euclid(time::SECOND_MICROS))
}

/// What Meta would refuse the whole request for.
fn judge(
    event: &Map<String, Value>,
    user: &Map<String, Value>,
    custom: &Map<String, Value>,
    now: i64,
) -> Result<(), Fault> {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let source = text("action_source");
    if text("event_name").is_empty() {
        return Err(Fault::rejected("event_name", "the name of an event"));
    }
    if !ACTION_SOURCES.contains(&source) {
        return Err(Fault::rejected("action_source", ACTION_SOURCES.join(", ")));
    }
    let time = event.get("event_time").and_then(Value::as_i64);
    let time = time.ok_or_else(|| Fault::rejected("event_time", "when it happened"))?;
    let days = if source == "physical_store" { AGE_DAYS_IN_STORE_MAX } else { AGE_DAYS_MAX };
    let age = now.div_euclid(time::SECOND_MICROS) - time;
    if age > days * DAY_SECONDS || age < -AHEAD_SECONDS_MAX {
        return Err(Fault::rejected("event_time", format!("a time of the last {days} days")));
    }
    if source == "website" && text("event_source_url").is_empty() {
        return Err(Fault::rejected("event_source_url", "the address of the page, for a website"));
    }
    if source == "website" && !user.contains_key("client_user_agent") {
        return Err(Fault::rejected("client_user_agent", "the browser, for a website"));
    }
    let currency = custom.get("currency").and_then(Value::as_str);
    let is_code = |code: &str| code.len() == 3 && code.bytes().all(|it| it.is_ascii_alphabetic());
    if currency.is_some_and(|code| !is_code(code)) {
        return Err(Fault::rejected("currency", "a code of three letters, ISO 4217"));
    }
    let (value, purchase) = (custom.contains_key("value"), text("event_name") == "Purchase");
    if purchase && !value {
        return Err(Fault::rejected("value", "the value of a purchase"));
    }
    if (value || purchase) && currency.is_none() {
        return Err(Fault::rejected("currency", "the currency of the value"));
    }
    Ok(())
}
