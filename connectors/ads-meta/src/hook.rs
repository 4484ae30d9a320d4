//! What Meta pushes: that there is a lead, never what is in it. And the challenge by
//! which it makes sure whose address it calls.

use liaison_sdk::{Delivery, Fault, Parsed, Reply};
use serde::Deserialize;

use crate::LEADS;
use crate::graph::Graph;
use crate::settings::is_number;

/// The change that is a lead.
const LEADGEN: &str = "leadgen";
/// Most characters of a challenge.
const CHALLENGE_CHARACTERS_MAX: usize = 200;

#[derive(Deserialize)]
struct Hook {
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    field: String,
    #[serde(default)]
    value: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Value {
    leadgen_id: Option<serde_json::Value>,
    form_id: Option<serde_json::Value>,
}

/// A number, which Meta writes as text or as a number.
fn number(value: Option<serde_json::Value>) -> Option<String> {
    let text = match value? {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Some(text).filter(|text| is_number(text))
}

/// The leads that a delivery tells of, to be looked up.
///
/// # Errors
/// `rejected` for what is none of Meta's.
pub fn parse(graph: &Graph, delivery: &Delivery) -> Result<Vec<Parsed>, Fault> {
    let hook: Hook = delivery.json()?;
    let changes = hook.entry.into_iter().flat_map(|entry| entry.changes);
    let leads = changes.filter(|change| change.field == LEADGEN).filter_map(|change| {
        let form = number(change.value.form_id)?;
        graph.settings.forms.contains(&form).then(|| number(change.value.leadgen_id))?
    });
    let leads: Vec<String> = leads.collect();
    Ok(vec![if leads.is_empty() { Parsed::Ignored } else { Parsed::refetch(LEADS, leads) }])
}

/// The answer to the challenge, which the host has verified by its token.
pub fn handshake(delivery: &Delivery) -> Option<Reply> {
    if delivery.method != "GET" {
        return None;
    }
    let (_, query) = delivery.target.split_once('?')?;
    let challenge = query.split('&').find_map(|pair| pair.strip_prefix("hub.challenge="))?;
    let good = challenge.len() <= CHALLENGE_CHARACTERS_MAX
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    good.then(|| Reply::text(challenge))
}
