//! One batch of one kind: the request, and which answer belongs to which job.
//!
//! An answer is 200 when everything went well and 207 when something did not;
//! results come in any order. A job is known again by the trace id that was
//! sent along, and where an answer repeats none, by the record's id. What is
//! neither among the results nor among the errors is [`Told::Nothing`].

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::api::{Api, Effect, Trouble, VERSION};
use crate::object::Object;
use crate::record::Record;
use crate::refusal::Refusal;

/// The kinds of batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// New records.
    Create,
    /// New records, or changes of those that have a value already.
    Upsert,
    /// Changes of records.
    Update,
    /// Records into the recycle bin.
    Archive,
}

/// An item that needs a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The item's place in the write.
    pub item: usize,
    /// The kind of batch that it goes into.
    pub step: Step,
    /// The record's id, or for an upsert its unique value; empty for a create.
    pub id: String,
    /// For an upsert, the property with the unique value.
    pub by: Option<String>,
    /// What to write; empty text clears.
    pub properties: Map<String, Value>,
}

/// What an answer says about one job.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// It is written; the record as it is now.
    Done(Record),
    /// It is refused.
    Refused(Refusal),
    /// Not a word.
    Nothing,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Record>,
    #[serde(default)]
    errors: Vec<Refusal>,
}

impl Job {
    /// What it writes, as text.
    pub fn texts(&self) -> Vec<&str> {
        self.properties.values().filter_map(Value::as_str).chain([self.id.as_str()]).collect()
    }

    /// By what it is known again in an answer.
    fn trace(&self) -> String {
        self.item.to_string()
    }

    fn input(&self) -> Value {
        let properties = &self.properties;
        match self.step {
            Step::Create => json!({
                "properties": properties, "associations": [], "objectWriteTraceId": self.trace(),
            }),
            Step::Upsert => json!({
                "id": self.id, "idProperty": self.by, "properties": properties,
                "objectWriteTraceId": self.trace(),
            }),
            Step::Update => json!({
                "id": self.id, "properties": properties, "objectWriteTraceId": self.trace(),
            }),
            Step::Archive => json!({"id": self.id}),
        }
    }
}

/// Sends jobs of one step in one request: one word for each, in order.
///
/// # Errors
/// [`Trouble`] when the request as a whole had no success.
pub fn send(api: &Api, object: &Object, step: Step, jobs: &[Job]) -> Result<Vec<Told>, Trouble> {
    let name = match step {
        Step::Create => "create",
        Step::Upsert => "upsert",
        Step::Update => "update",
        Step::Archive => "archive",
    };
    let inputs: Vec<Value> = jobs.iter().map(Job::input).collect();
    let path = format!("/crm/objects/{VERSION}/{}/batch/{name}", object.path);
    let request = api.post(&path, &json!({"inputs": inputs}));
    let answer: Option<Answer> = api.call(Effect::Writes, request)?;
    Ok(match (step, answer) {
        // It is silent when all went well, and does not mind what was gone before.
        (Step::Archive, None) => {
            let gone = |job: &Job| Told::Done(Record::known(&job.id));
            jobs.iter().map(gone).collect()
        }
        (_, None) => vec![Told::Nothing; jobs.len()],
        (_, Some(answer)) => jobs.iter().map(|job| told(job, jobs, &answer)).collect(),
    })
}

fn told(job: &Job, jobs: &[Job], answer: &Answer) -> Told {
    let trace = job.trace();
    let error = answer.errors.iter().find(|error| concerns(error, job, &trace));
    if let Some(error) = error {
        return Told::Refused(error.clone());
    }
    let traced =
        answer.results.iter().find(|record| record.object_write_trace_id.as_ref() == Some(&trace));
    let by_id = || answer.results.iter().find(|record| !job.id.is_empty() && record.id == job.id);
    if let Some(record) = traced.or_else(by_id) {
        return Told::Done(record.clone());
    }
    // The only one: nothing else can be meant.
    match (jobs, answer.results.as_slice(), answer.errors.as_slice()) {
        ([_], [record], []) => Told::Done(record.clone()),
        ([_], [], [error]) => Told::Refused(error.clone()),
        _ => Told::Nothing,
    }
}

fn concerns(error: &Refusal, job: &Job, trace: &str) -> bool {
    let traced = error.listed("objectWriteTraceId");
    if !traced.is_empty() {
        return traced.iter().any(|it| it == trace);
    }
    let mut ids = error.listed("ids");
    ids.extend(error.listed("id"));
    !job.id.is_empty() && ids.contains(&job.id)
}
