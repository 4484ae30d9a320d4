//! Conversions: what an action takes, and what counts of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::people::check_identifiers;
use super::{ACCOUNT, invalid};
use crate::http::Answer;

/// The number of the conversion action.
pub const ACTION: &str = "6001";
/// Another one.
pub const OTHER_ACTION: &str = "6002";
/// Events of one request.
const EVENTS_MAX: usize = 2_000;

/// What counts, by transaction id.
#[derive(Debug, Clone, Default)]
pub struct Conversions(BTreeMap<String, Value>);

impl Conversions {
    /// Every one.
    #[must_use]
    pub fn all(&self) -> Vec<&Value> {
        self.0.values().collect()
    }

    /// Adds events; how many were not there before.
    pub fn add<'e>(&mut self, events: impl Iterator<Item = &'e Value>) -> usize {
        let before = self.0.len();
        for event in events {
            let id = event["transactionId"].as_str().unwrap_or_default().to_owned();
            self.0.entry(id).or_insert_with(|| event.clone());
        }
        self.0.len() - before
    }
}

/// The events of a request whose form is right.
///
/// # Errors
/// The refusal of the whole request, for one event that is wrong.
pub fn records(body: &Value) -> Result<Vec<Value>, Answer> {
    let destination = &body["destinations"][0];
    let own = destination["operatingAccount"]["accountId"] == ACCOUNT;
    let action = &destination["productDestinationId"];
    if !own || !(action == ACTION || action == OTHER_ACTION) {
        return Err(invalid(
            "destinations[0].product_destination_id",
            "INVALID_CONVERSION_ACTION_ID",
        ));
    }
    let events = body["events"].as_array().cloned().unwrap_or_default();
    if events.len() > EVENTS_MAX {
        return Err(invalid("events", "TOO_MANY_EVENTS"));
    }
    for (number, event) in events.iter().enumerate() {
        let place = format!("events[{number}]");
        let time = event["eventTimestamp"].as_str().unwrap_or_default();
        if chrono::DateTime::parse_from_rfc3339(time).is_err() {
            return Err(invalid(&format!("{place}.event_timestamp"), "EVENT_TIME_INVALID"));
        }
        let currency = event["currency"].as_str().unwrap_or_default();
        if !event["conversionValue"].is_null() && currency.len() != 3 {
            return Err(invalid(&format!("{place}.currency"), "INVALID_CURRENCY_CODE"));
        }
        check_identifiers(&format!("{place}.user_data"), &event["userData"])?;
    }
    Ok(events)
}
