//! Finding rows: one pass over the file for any number of keys.

use std::collections::{BTreeMap, HashMap};

use liaison_sdk::{Fault, FaultCode, Found, LookupKey, LookupRequest, Row as Item};

use crate::file::{READ_BYTES_MAX, Rows};
use crate::read;
use crate::row::{Row, cell_text};
use crate::settings::Stream;

/// What is wanted: for a set of fields, the places of the questions by the
/// fields' values.
#[derive(Default)]
struct Wanted {
    by_fields: BTreeMap<Vec<String>, HashMap<Vec<String>, Vec<usize>>>,
}

/// Answers a lookup.
///
/// # Errors
/// Those of reading the file; `transient` when it changes meanwhile.
pub fn lookup(stream: &Stream, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
    search(stream, request).map_err(|fault| match fault.code {
        FaultCode::Conflict => stream.fault(FaultCode::Transient).with("reason", "file-changed"),
        _ => fault,
    })
}

fn search(stream: &Stream, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
    let wanted = Wanted::of(&request.keys, &stream.key);
    // By question, then by key: of a key that the file has twice the last row counts.
    let mut found: Vec<BTreeMap<String, Item>> = vec![BTreeMap::new(); request.keys.len()];
    if let Some(stat) = stream.stat_or_declared(READ_BYTES_MAX)? {
        let mut rows = Rows::open(stream, &stat, None)?;
        while let Some((_, row)) = rows.next_row()? {
            let Ok((key, row)) = row else { continue };
            for question in wanted.answered_by(&row) {
                if let Some(found) = found.get_mut(question) {
                    found
                        .insert(key.clone(), read::item(key.clone(), row.clone(), &request.fields));
                }
            }
        }
    }
    Ok(found.into_iter().map(|rows| Found::from_rows(rows.into_values().collect())).collect())
}

impl Wanted {
    fn of(keys: &[LookupKey], key_column: &str) -> Self {
        let mut wanted = Self::default();
        for (question, key) in keys.iter().enumerate() {
            let (names, values): (Vec<String>, Vec<String>) = match key {
                LookupKey::Key(key) => (vec![key_column.to_owned()], vec![key.clone()]),
                LookupKey::Fields(fields) => fields
                    .iter()
                    .map(|(name, value)| (name.clone(), cell_text(Some(value))))
                    .unzip(),
            };
            // An empty value names nobody.
            if !values.is_empty() && values.iter().all(|value| !value.is_empty()) {
                let questions = wanted.by_fields.entry(names).or_default();
                questions.entry(values).or_default().push(question);
            }
        }
        wanted
    }

    fn answered_by(&self, row: &Row) -> Vec<usize> {
        let questions = self.by_fields.iter().filter_map(|(names, questions)| {
            let values: Vec<String> = names.iter().map(|name| cell_text(row.get(name))).collect();
            questions.get(&values)
        });
        questions.flatten().copied().collect()
    }
}
