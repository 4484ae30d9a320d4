//! A shadow: another version of a component on what a recording holds, and how it
//! differs from the version that runs.
//!
//! Both versions are asked the same and get the same answers; the world hears of
//! neither. A request that the other version makes in another way is answered by what
//! the recorded one got, so that one difference does not hide all that come after it.
//! Cursors are not compared: they are a version's own words, and each goes on from its
//! own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hub_model::Fault;
use serde::Serialize;
use serde_json::Value;

use super::form::Exchange;
use super::gave::{Gave, Said};
use super::read::Recording;
use super::replay::Answers;
use super::run::Cursors;
use crate::host::Host;
use crate::instance::Answer;
use crate::package::Package;
use crate::since_v0_1_0::exported::destination::{JobState, Report, Verdict};

/// A call as both versions answer it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shadowed {
    /// Its number in the recording.
    pub call: u32,
    /// What the version gives that runs.
    pub runs: Gave,
    /// What the other gives.
    pub other: Gave,
    /// Rows, outcomes or streams that are the same.
    pub same: usize,
    /// Those that are not.
    pub changes: Vec<Change>,
    /// Requests that are not the same.
    pub requests: Vec<RequestChange>,
}

/// A row, outcome or stream that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its key, number or name.
    pub name: String,
    /// Its fields that differ: what the version that runs says, and what the other; none
    /// = it does not say anything of it.
    pub fields: BTreeMap<String, (Option<Value>, Option<Value>)>,
}

/// A request that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestChange {
    /// Its number in the call, from 1.
    pub number: usize,
    /// The one of the version that runs; none = it makes none.
    pub runs: Option<String>,
    /// That of the other; none = it makes none.
    pub other: Option<String>,
    /// Where they part, where both make one.
    pub part: Option<&'static str>,
}

impl Shadowed {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_same(&self) -> bool {
        let fault = |gave: &Gave| gave.fault.as_ref().map(|fault| fault.code);
        self.changes.is_empty()
            && self.requests.is_empty()
            && fault(&self.runs) == fault(&self.other)
    }
}

impl Recording {
    /// What another version makes of it, beside the one that runs.
    ///
    /// # Errors
    /// The host cannot run them. What they do is no error.
    pub async fn shadow(
        &self,
        host: &Host,
        runs: Arc<Package>,
        other: Arc<Package>,
    ) -> Result<Vec<Shadowed>, Fault> {
        let (runs, other) = (self.bind(host, runs)?, self.bind(host, other)?);
        let mut cursors = Cursors::default();
        let mut shadowed = Vec::with_capacity(self.calls.len());
        for call in &self.calls {
            let (question, exchanges) = (call.question.clone(), call.exchanges.clone());
            let purpose = &self.header.run;
            let as_recorded =
                runs.again(call, purpose, (question, exchanges.clone(), Answers::Exact)).await?;
            let mut question = call.question.clone();
            cursors.put(&call.question, &mut question);
            let nearly = (question, exchanges, Answers::Nearly);
            let (now, said) = other.again(call, purpose, nearly).await?;
            cursors.last = now.next.clone().or(cursors.last);
            let (before, had_said) = as_recorded;
            let (same, changes) = compared(&things(&had_said), &things(&said));
            shadowed.push(Shadowed {
                call: call.number,
                requests: requests(&before.exchanges, &now.exchanges),
                runs: before.gave,
                other: now.gave,
                same,
                changes,
            });
        }
        Ok(shadowed)
    }
}

/// What an answer consists of, by name.
fn things(said: &Said) -> BTreeMap<String, Value> {
    let Ok(Ok(answer)) = said else { return BTreeMap::new() };
    match answer {
        Answer::Page(page) => {
            let mut rows = named(lines(&page.rows.data), |row| row.get("key")?.as_str());
            let rest = serde_json::json!({
                "more": page.more, "snapshot-complete": page.snapshot_complete.is_some(),
            });
            rows.insert("the page".to_owned(), rest);
            rows
        }
        Answer::Streams(streams) => {
            named(streams.iter().map(json), |stream| stream.get("name")?.as_str())
        }
        Answer::Found(found) => named(found.iter().map(json), |_| None),
        Answer::Report(report) | Answer::Job(JobState::Done(report)) => outcomes(report),
        other => named(std::iter::once(json(other)), |_| None),
    }
}

fn outcomes(report: &Report) -> BTreeMap<String, Value> {
    match &report.verdict {
        Verdict::Items(outcomes) => named(outcomes.iter().map(json), |_| None),
        Verdict::Aggregate(counts) => named(std::iter::once(json(counts)), |_| None),
    }
}

/// A value of the contract as JSON.
fn json(value: &impl Serialize) -> Value {
    // No type of the contract has a map whose keys are no text.
    serde_json::to_value(value).unwrap_or_default()
}

/// The rows of a page; what is no JSON stands as text.
fn lines(data: &[u8]) -> impl Iterator<Item = Value> {
    let lines = data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| {
        let text = || Value::String(String::from_utf8_lossy(line).into_owned());
        serde_json::from_slice(line).unwrap_or_else(|_| text())
    })
}

/// Values by their names; what has none, or one that is taken, gets a number.
fn named(
    values: impl Iterator<Item = Value>,
    name: impl Fn(&Value) -> Option<&str>,
) -> BTreeMap<String, Value> {
    let mut named = BTreeMap::new();
    for (number, value) in (1..).zip(values) {
        let own = name(&value).map(str::to_owned);
        let name = match own {
            Some(own) if !named.contains_key(&own) => own,
            Some(own) => format!("{own} #{number}"),
            None => format!("#{number}"),
        };
        named.insert(name, value);
    }
    named
}

fn compared(
    runs: &BTreeMap<String, Value>,
    other: &BTreeMap<String, Value>,
) -> (usize, Vec<Change>) {
    let names: BTreeSet<&String> = runs.keys().chain(other.keys()).collect();
    let (mut same, mut changes) = (0, Vec::new());
    for name in names {
        let (one, two) = (runs.get(name), other.get(name));
        if one == two {
            same += 1;
            continue;
        }
        let (one, two) = (fields(one), fields(two));
        let all: BTreeSet<&String> = one.keys().chain(two.keys()).collect();
        let differ = all.into_iter().filter(|field| one.get(*field) != two.get(*field));
        let pair = |field: &String| {
            let said = |fields: &BTreeMap<String, &Value>| fields.get(field).copied().cloned();
            (field.clone(), (said(&one), said(&two)))
        };
        changes.push(Change { name: name.clone(), fields: differ.map(pair).collect() });
    }
    (same, changes)
}

/// The fields of a row, and what it says of itself besides.
fn fields(value: Option<&Value>) -> BTreeMap<String, &Value> {
    let mut fields = BTreeMap::new();
    match value {
        None => {}
        Some(Value::Object(members)) => {
            for (name, value) in members {
                match value {
                    Value::Object(data) if name == "data" => {
                        fields.extend(data.iter().map(|(name, value)| (name.clone(), value)));
                    }
                    other => {
                        fields.insert(format!("({name})"), other);
                    }
                }
            }
        }
        Some(other) => {
            fields.insert("(whole)".to_owned(), other);
        }
    }
    fields
}

/// Requests that differ, one by one.
fn requests(runs: &[Exchange], other: &[Exchange]) -> Vec<RequestChange> {
    let mut differing = Vec::new();
    for index in 0..runs.len().max(other.len()) {
        let [one, two] = [runs, other].map(|made| made.get(index).map(|it| &it.errand));
        if one == two {
            continue;
        }
        let part = one.zip(two).and_then(|(one, two)| one.differs(two));
        differing.push(RequestChange {
            number: index + 1,
            runs: one.map(ToString::to_string),
            other: two.map(ToString::to_string),
            part,
        });
    }
    differing
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{compared, lines, named};

    #[test]
    fn rows_are_compared_field_by_field() {
        let rows = |text: &str| named(lines(text.as_bytes()), |row| row.get("key")?.as_str());
        let runs = rows(
            "{\"key\":\"1\",\"change\":\"upsert\",\"data\":{\"a\":1,\"b\":2}}\n\
             {\"key\":\"2\",\"change\":\"delete\"}\n{\"key\":\"2\",\"change\":\"upsert\"}\n{\"key\":\"3\"}\n",
        );
        let other = rows(
            "{\"key\":\"1\",\"change\":\"archive\",\"data\":{\"a\":1,\"b\":3,\"c\":null}}\n\
             {\"key\":\"2\",\"change\":\"delete\"}\n{\"key\":\"2\",\"change\":\"upsert\"}\nnothing\n",
        );
        let (same, changes) = compared(&runs, &other);
        assert_eq!(same, 2);
        let told: Vec<_> = changes
            .iter()
            .map(|it| (it.name.as_str(), it.fields.keys().map(String::as_str).collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            told,
            [("#4", vec!["(whole)"]), ("1", vec!["(change)", "b", "c"]), ("3", vec!["(key)"]),]
        );
        let field = &changes[1].fields["c"];
        assert_eq!(field, &(None, Some(json!(null))));
        assert!(!changes[0].fields.contains_key("a"));
    }
}
