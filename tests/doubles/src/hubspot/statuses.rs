//! Subscriptions: types, and the status of an address in each. The account's
//! GDPR features may ask for a legal basis; then a status without one is
//! refused inside an answer 200.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::clock::rfc3339;
use super::{HubSpot, refusal};
use crate::http::Answer;

/// Most addresses of a batch.
const INPUTS_MAX: usize = 100;
/// Types of a new account.
const TYPES: [(u64, &str); 2] = [(7, "Newsletter"), (8, "Offers of partners")];

/// Statuses by address and type.
#[derive(Debug, Default)]
pub struct Statuses {
    of: BTreeMap<(String, u64), Value>,
    asks_for_basis: bool,
}

impl HubSpot {
    /// The GDPR features are switched on.
    pub fn ask_for_legal_basis(&mut self) {
        self.statuses.asks_for_basis = true;
    }

    /// Somebody subscribes or unsubscribes by the preference page.
    pub fn set_status(&mut self, email: &str, subscription: u64, status: &str) {
        let now = self.clock.now();
        let input = json!({
            "subscriberIdString": email, "subscriptionId": subscription, "statusState": status,
        });
        self.statuses.set(&input, "Preference page", now);
    }

    /// The status of an address.
    #[must_use]
    pub fn status(&self, email: &str, subscription: u64) -> Option<&str> {
        let key = (email.to_lowercase(), subscription);
        self.statuses.of.get(&key).and_then(|status| status["status"].as_str())
    }
}

impl Statuses {
    pub(super) fn definitions(&self, now: i64) -> Answer {
        let time = rfc3339(now);
        let shown = |(id, name): &(u64, &str)| {
            json!({
                "id": id.to_string(), "name": name, "description": "", "isActive": true,
                "isDefault": false, "isInternal": false, "createdAt": time, "updatedAt": time,
                "communicationMethod": "Email", "purpose": "Marketing",
            })
        };
        let results: Vec<Value> = TYPES.iter().map(shown).collect();
        batch_answer(200, results, Vec::new(), now)
    }

    pub(super) fn batch(&mut self, what: &str, body: &Value, now: i64) -> Answer {
        let inputs = body["inputs"].as_array().cloned().unwrap_or_default();
        if inputs.len() > INPUTS_MAX {
            return refusal::whole(400, "VALIDATION_ERROR", "The batch is too large", &[]);
        }
        match what {
            "read" => self.read(&inputs, now),
            "write" => self.write(&inputs, now),
            _ => refusal::whole(404, "OBJECT_NOT_FOUND", "resource not found", &[]),
        }
    }

    fn read(&self, inputs: &[Value], now: i64) -> Answer {
        let of_address = |input: &Value| {
            let email = input.as_str().unwrap_or_default();
            let status = |(id, name): &(u64, &str)| {
                self.of.get(&(email.to_lowercase(), *id)).cloned().unwrap_or_else(|| {
                    json!({
                        "subscriberIdString": email, "subscriptionId": id, "channel": "EMAIL",
                        "subscriptionName": name, "status": "NOT_SPECIFIED", "source": "",
                        "timestamp": rfc3339(0),
                    })
                })
            };
            let statuses: Vec<Value> = TYPES.iter().map(status).collect();
            json!({"subscriberIdString": email, "statuses": statuses})
        };
        batch_answer(200, inputs.iter().map(of_address).collect(), Vec::new(), now)
    }

    fn write(&mut self, inputs: &[Value], now: i64) -> Answer {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            let subscribes = input["statusState"] == "SUBSCRIBED";
            if self.asks_for_basis && subscribes && input["legalBasis"].is_null() {
                let email = &input["subscriberIdString"];
                let context = [("subscriberIdString".to_owned(), json!([email]))];
                let message = format!("A legal basis is required to subscribe {email}");
                let context = context.into_iter().collect();
                errors.push(refusal::item("VALIDATION_ERROR", &message, context, Vec::new()));
                continue;
            }
            results.push(self.set(input, "Public API", now));
        }
        one_status(results, errors, now)
    }

    fn set(&mut self, input: &Value, source: &str, now: i64) -> Value {
        let email = input["subscriberIdString"].as_str().unwrap_or_default().to_owned();
        let id = input["subscriptionId"].as_u64().unwrap_or_default();
        let mut status = json!({
            "subscriberIdString": email, "subscriptionId": id, "channel": "EMAIL",
            "status": input["statusState"], "source": source, "timestamp": rfc3339(now),
        });
        for name in ["legalBasis", "legalBasisExplanation"] {
            if let Some(value) = input.get(name) {
                status[name] = value.clone();
            }
        }
        self.of.insert((email.to_lowercase(), id), status.clone());
        status
    }
}

/// The answer to a batch: 207 when a part of it failed.
pub(super) fn batch_answer(
    status: u16,
    results: Vec<Value>,
    errors: Vec<Value>,
    now: i64,
) -> Answer {
    let status = if errors.is_empty() { status } else { 207 };
    Answer { status, ..one_status(results, errors, now) }
}

/// The answer to a batch that is 200 whatever there is inside.
pub(super) fn one_status(results: Vec<Value>, errors: Vec<Value>, now: i64) -> Answer {
    let mut body = envelope(results, now);
    if !errors.is_empty() {
        body["numErrors"] = json!(errors.len());
        body["errors"] = json!(errors);
    }
    Answer::json(200, &body)
}

fn envelope(results: Vec<Value>, now: i64) -> Value {
    let time = rfc3339(now);
    json!({"status": "COMPLETE", "results": results, "startedAt": time, "completedAt": time})
}
