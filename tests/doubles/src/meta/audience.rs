//! An audience and the people in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{ACCOUNT, form};
use crate::http::Answer;

/// Columns by which somebody is known again.
const IDENTIFIERS: [&str; 4] = ["EXTERN_ID", "EMAIL", "PHONE", "MADID"];
/// Fewer people than this are not counted in public.
const COUNTED_MIN: usize = 1_000;

/// Somebody: columns and values, blanks left out.
type Person = BTreeMap<String, String>;

/// An audience.
#[derive(Debug, Clone, Default)]
pub struct Audience {
    /// Its name.
    pub name: String,
    subtype: String,
    people: BTreeSet<Person>,
    sessions: BTreeMap<u64, Session>,
}

/// A session of several requests.
#[derive(Debug, Clone, Default)]
struct Session {
    received: usize,
    invalid: usize,
    /// Who is to remain.
    people: BTreeSet<Person>,
}

impl Audience {
    /// An empty audience.
    #[must_use]
    pub fn new(name: &str, subtype: &str) -> Self {
        let (name, subtype) = (name.to_owned(), subtype.to_owned());
        Self { name, subtype, ..Self::default() }
    }

    /// Whether it is filled with people.
    #[must_use]
    pub fn takes_people(&self) -> bool {
        self.subtype == "CUSTOM"
    }

    /// As it is read.
    #[must_use]
    pub fn shown(&self, number: &str) -> Value {
        let count = self.people.len();
        let count = if count < COUNTED_MIN { json!(-1) } else { json!(count) };
        json!({
            "id": number, "name": self.name, "subtype": self.subtype, "account_id": ACCOUNT,
            "approximate_count_lower_bound": count,
        })
    }

    /// The people, each on a line.
    #[must_use]
    pub fn people(&self) -> Vec<String> {
        let line = |person: &Person| {
            let values = person.iter().map(|(column, value)| format!("{column}={value}"));
            values.collect::<Vec<_>>().join(" ")
        };
        self.people.iter().map(line).collect()
    }

    /// Rows that join, leave, or are a part of everybody who is to remain.
    pub fn change(&mut self, number: &str, body: &Value, leave: bool, replaces: bool) -> Answer {
        let rows = body["payload"]["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let (mut valid, mut invalid) = (Vec::new(), 0);
        for row in rows {
            match person(&body["payload"]["schema"], row) {
                Some(person) => valid.push(person),
                None => invalid += 1,
            }
        }
        let id = body["session"]["session_id"].as_u64().unwrap_or_default();
        let session = self.sessions.entry(id).or_default();
        session.received += rows.len();
        session.invalid += invalid;
        let answer = json!({
            "audience_id": number, "session_id": id.to_string(),
            "num_received": session.received, "num_invalid_entries": session.invalid,
            "invalid_entry_samples": {},
        });
        if replaces {
            session.people.extend(valid);
            if body["session"]["last_batch_flag"] == true {
                self.people = std::mem::take(&mut session.people);
            }
        } else if leave {
            self.people.retain(|known| !valid.iter().any(|person| same(known, person)));
        } else {
            self.people.extend(valid);
        }
        Answer::json(200, &answer)
    }
}

/// The person of a row, or nothing where a value is not what its column wants.
fn person(schema: &Value, row: &Value) -> Option<Person> {
    let columns = schema.as_array()?.iter().filter_map(Value::as_str);
    let values = row.as_array()?.iter().map(|value| value.as_str().unwrap_or_default());
    let mut person = Person::new();
    for (column, value) in columns.zip(values) {
        if !form::is_valid(column, value) {
            return None;
        }
        if !value.is_empty() {
            person.insert(column.to_owned(), value.to_owned());
        }
    }
    Some(person).filter(|person| !person.is_empty())
}

/// Whether two rows share an identifier.
fn same(known: &Person, person: &Person) -> bool {
    IDENTIFIERS
        .iter()
        .any(|column| known.contains_key(*column) && known.get(*column) == person.get(*column))
}
