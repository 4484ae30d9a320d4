//! Conversions sent: at most a thousand in a request, all of them or none.

use liaison_sdk::{
    Call, Environment, Fault, Outcome, Report, Stored, Verdict, WriteRequest, clock,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::CONVERSIONS_MAX;
use crate::conversion::{self, Event};
use crate::graph::{Effect, Graph};

#[derive(Debug, Deserialize)]
struct Taken {
    events_received: usize,
}

/// Sends conversions. What Meta would refuse is refused here, each by itself.
///
/// # Errors
/// `config` where no dataset is set, or none that is a test for a sandbox; `rejected`
/// for too many; otherwise the request's.
pub fn write(graph: &Graph, call: &Call, request: &WriteRequest) -> Result<Report, Fault> {
    let settings = &graph.settings;
    let Some(dataset) = &settings.dataset else {
        return Err(Fault::config("settings.dataset", "the number of a dataset (pixel)"));
    };
    if call.environment == Environment::Sandbox && settings.test_event_code.is_none() {
        let expected = "a code of the tab \"Test events\", for a connection to a sandbox";
        return Err(Fault::config("settings.test_event_code", expected));
    }
    if request.dry_run {
        return Err(Fault::not_supported("a dry run"));
    }
    request.expect_at_most(CONVERSIONS_MAX)?;
    let now = clock::now();
    let judged: Vec<Result<Event, Fault>> =
        request.items.iter().map(|item| conversion::event(item, now)).collect();
    let data: Vec<&Value> = judged.iter().flatten().map(|event| &event.data).collect();
    let sent = data.len();
    let received = if data.is_empty() { 0 } else { send(graph, dataset, &data)? };
    let verdict = if received >= sent {
        let outcome = |event| match event {
            Ok(Event { id, .. }) => Outcome::Created(Stored::key(id)),
            Err(fault) => Outcome::Rejected(fault),
        };
        Verdict::Items(judged.into_iter().map(outcome).collect())
    } else {
        // It does not say which; who was not sent is counted with those.
        let count = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
        Verdict::Aggregate(count(judged.len()), count(judged.len() - received))
    };
    Ok(Report { verdict, hints: graph.hints() })
}

fn send(graph: &Graph, dataset: &str, data: &[&Value]) -> Result<usize, Fault> {
    let mut body = json!({ "data": data });
    if let Some(code) = &graph.settings.test_event_code {
        body["test_event_code"] = code.as_str().into();
    }
    let ask = graph.request("POST", &format!("{dataset}/events")).json(&body);
    Ok(graph.call::<Taken>(Effect::Writes, ask)?.events_received)
}
