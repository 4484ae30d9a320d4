//! Conversions sent: one request for each conversion action, taken in and worked on
//! later.

use std::collections::BTreeMap;

use liaison_sdk::{Fault, Outcome, Report, Stored, WriteRequest};
use serde_json::{Value, json};

use crate::CONVERSIONS_MAX;
use crate::api::{Api, Effect};
use crate::conversion::{self, Event};
use crate::members::{Taken, destination};

/// Sends conversions. What Google would refuse is refused here, each by itself.
///
/// # Errors
/// `rejected` for too many; otherwise the first request's.
pub fn write(api: &Api, request: &WriteRequest) -> Result<Report, Fault> {
    request.expect_at_most(CONVERSIONS_MAX)?;
    let validate_only = api.validate_only || request.dry_run;
    let mut outcomes = vec![Outcome::Unknown; request.items.len()];
    let mut by_action: BTreeMap<String, Vec<(usize, Value)>> = BTreeMap::new();
    for (place, (item, outcome)) in request.items.iter().zip(&mut outcomes).enumerate() {
        match conversion::event(&api.settings, item) {
            Ok(Event { action, data }) => by_action.entry(action).or_default().push((place, data)),
            Err(fault) => *outcome = Outcome::Rejected(fault),
        }
    }
    let mut sent = false;
    for (action, events) in by_action {
        let (places, events): (Vec<usize>, Vec<Value>) = events.into_iter().unzip();
        let numbers: Vec<Value> = events.iter().map(|it| it["transactionId"].clone()).collect();
        let job = send(api, &action, &events, validate_only);
        if !sent {
            job.clone()?;
        }
        sent = true;
        for (place, number) in places.into_iter().zip(numbers) {
            if let Some(known) = outcomes.get_mut(place) {
                *known = match &job {
                    Ok(Some(job)) => Outcome::Accepted(job.clone()),
                    Ok(None) => Outcome::Created(Stored::key(number.as_str().unwrap_or_default())),
                    Err(fault) => Outcome::after(fault.clone()),
                };
            }
        }
    }
    Ok(outcomes.into())
}

/// Sends events to a conversion action; the number of the request, or none where Google
/// only validates.
fn send(
    api: &Api,
    action: &str,
    events: &[Value],
    validate_only: bool,
) -> Result<Option<String>, Fault> {
    let body = json!({
        "destinations": [destination(api, action)],
        "events": events,
        "encoding": "HEX",
        "validateOnly": validate_only,
    });
    let ask = api.request("POST", "events:ingest").json(&body);
    let taken: Taken = api.call(Effect::Writes, ask)?;
    taken.job(validate_only)
}
