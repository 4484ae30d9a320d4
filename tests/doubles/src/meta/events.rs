//! Conversions: what an event may hold, by Meta's own SDK, and what it must.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{error, form};
use crate::http::Answer;

/// The number of the dataset.
pub const DATASET: &str = "777000111";
/// Events of one request.
const EVENTS_MAX: usize = 1_000;
const DAY_SECONDS: i64 = 86_400;

/// Members of an event (`Event` of the SDK).
const EVENT: [&str; 17] = [
    "action_source",
    "advanced_measurement_table",
    "app_data",
    "attribution_data",
    "custom_data",
    "data_processing_options",
    "data_processing_options_country",
    "data_processing_options_state",
    "event_id",
    "event_name",
    "event_source_url",
    "event_time",
    "messaging_channel",
    "opt_out",
    "original_event_data",
    "referrer_url",
    "user_data",
];
/// Members of `user_data` that are digests, as the SDK names them.
const DIGESTS: [&str; 13] =
    ["em", "ph", "ge", "db", "ln", "fn", "ct", "st", "zp", "country", "doby", "dobm", "dobd"];
/// Members of `user_data` in clear.
const CLEAR: [&str; 8] = [
    "external_id",
    "client_ip_address",
    "client_user_agent",
    "fbc",
    "fbp",
    "lead_id",
    "madid",
    "subscription_id",
];
/// Members of `custom_data` (`CustomData` of the SDK).
const CUSTOM: [&str; 15] = [
    "content_category",
    "content_ids",
    "content_name",
    "content_type",
    "contents",
    "currency",
    "delivery_category",
    "item_number",
    "net_revenue",
    "num_items",
    "order_id",
    "predicted_ltv",
    "search_string",
    "status",
    "value",
];

/// The events that were taken.
#[derive(Debug, Default)]
pub struct Events {
    /// Now, seconds since 1970.
    pub now: i64,
    /// So many events of the next request are taken without effect.
    pub drops: usize,
    kept: BTreeMap<(String, String), Value>,
}

impl Events {
    /// Each event that counts, by its name and number.
    #[must_use]
    pub fn kept(&self) -> Vec<&Value> {
        self.kept.values().collect()
    }

    /// Takes all events of a request, or none.
    pub fn take(&mut self, body: &Value) -> Answer {
        let events = body["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let refuse = |message: &str| error(400, 100, Some(2_804_050), message);
        if events.is_empty() || events.len() > EVENTS_MAX {
            return refuse("data must hold 1 to 1000 events");
        }
        if let Some(problem) = events.iter().find_map(|event| self.problem(event)) {
            return refuse(&problem);
        }
        let counted = events.len().saturating_sub(std::mem::take(&mut self.drops));
        if body.get("test_event_code").is_none() {
            for event in events.iter().take(counted) {
                let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
                let id = (text("event_name"), text("event_id"));
                self.kept.entry(id).or_insert_with(|| event.clone());
            }
        }
        let answer = serde_json::json!({
            "events_received": counted, "messages": [], "fbtrace_id": "AdoubleTrace",
        });
        Answer::json(200, &answer)
    }

    /// What is wrong with an event.
    fn problem(&self, event: &Value) -> Option<String> {
        let (user, custom) = (&event["user_data"], &event["custom_data"]);
        let of_user = [&DIGESTS[..], &CLEAR[..]].concat();
        let known: [(&Value, &[&str]); 3] = [(event, &EVENT), (user, &of_user), (custom, &CUSTOM)];
        let unknown = known.into_iter().find_map(|(value, known)| {
            value.as_object()?.keys().find(|name| !known.contains(&name.as_str()))
        });
        if let Some(name) = unknown {
            return Some(format!("Unknown member {name}"));
        }
        if let Some(name) =
            ["event_name", "action_source"].iter().find(|it| !event[**it].is_string())
        {
            return Some(format!("{name} is required"));
        }
        if user.as_object().is_none_or(serde_json::Map::is_empty) {
            return Some("user_data is required".to_owned());
        }
        let clear = |name: &&&str| user[**name].as_str().is_some_and(|it| !form::is_digest(it));
        if let Some(name) = DIGESTS.iter().find(clear) {
            return Some(format!("{name} must be hashed"));
        }
        let (value, currency) = (&custom["value"], &custom["currency"]);
        if !value.is_null() && (!value.is_number() || !currency.is_string()) {
            return Some("value must be a number with a currency".to_owned());
        }
        let days = if event["action_source"] == "physical_store" { 62 } else { 7 };
        let age = self.now - event["event_time"].as_i64()?;
        (age > days * DAY_SECONDS).then(|| format!("event_time is older than {days} days"))
    }
}
