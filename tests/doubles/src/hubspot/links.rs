//! Associations between records.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{HubSpot, refusal, statuses};
use crate::http::Answer;

/// Most inputs of a batch that makes associations.
const INPUTS_MAX: usize = 2_000;
/// Most inputs of a batch that reads them.
const READ_INPUTS_MAX: usize = 1_000;

type End = (String, u64);

/// Associations with their labels, known from both ends.
#[derive(Debug, Default)]
pub struct Links(BTreeMap<(End, End), BTreeSet<String>>);

impl HubSpot {
    /// Somebody associates two records, with or without a label.
    ///
    /// # Panics
    /// An id is none.
    pub fn associate(&mut self, from: (&str, &str), to: (&str, &str), label: Option<&str>) {
        let end = |(kind, id): (&str, &str)| {
            (kind.to_owned(), id.parse().unwrap_or_else(|_| panic!("{id}")))
        };
        let (from, to) = (end(from), end(to));
        for pair in [(from.clone(), to.clone()), (to, from)] {
            self.links.0.entry(pair).or_default().extend(label.map(str::to_owned));
        }
    }

    /// Whether two records are associated.
    #[must_use]
    pub fn are_associated(&self, from: (&str, &str), to: (&str, &str)) -> bool {
        let end = |(kind, id): (&str, &str)| Some((kind.to_owned(), id.parse().ok()?));
        let (Some(from), Some(to)) = (end(from), end(to)) else { return false };
        self.links.0.contains_key(&(from, to))
    }
}

impl Links {
    pub(super) fn batch(
        &mut self,
        (from, to): (&str, &str),
        what: &str,
        body: &Value,
        page: usize,
        exists: &dyn Fn(&str, &str) -> bool,
        now: i64,
    ) -> Answer {
        let inputs = body["inputs"].as_array().cloned().unwrap_or_default();
        let most = if what == "batch/read" { READ_INPUTS_MAX } else { INPUTS_MAX };
        if inputs.len() > most {
            return refusal::whole(400, "VALIDATION_ERROR", "The batch is too large", &[]);
        }
        match what {
            "batch/read" => self.read((from, to), &inputs, page, exists, now),
            "batch/associate/default" => self.make((from, to), &inputs, exists, now),
            "batch/archive" => {
                for input in &inputs {
                    for end in input["to"].as_array().into_iter().flatten() {
                        if let (Some(one), Some(other)) = (id(&input["from"]), id(end)) {
                            let pair = ((from.to_owned(), one), (to.to_owned(), other));
                            self.0.remove(&(pair.1.clone(), pair.0.clone()));
                            self.0.remove(&pair);
                        }
                    }
                }
                statuses::batch_answer(200, Vec::new(), Vec::new(), now)
            }
            _ => refusal::whole(404, "OBJECT_NOT_FOUND", "resource not found", &[]),
        }
    }

    fn read(
        &self,
        (from, to): (&str, &str),
        inputs: &[Value],
        page: usize,
        exists: &dyn Fn(&str, &str) -> bool,
        now: i64,
    ) -> Answer {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            let text = input["id"].as_str().unwrap_or_default();
            let behind = input["after"].as_str().and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
            let of = |((one, other), labels)| -> Option<(u64, &BTreeSet<String>)> {
                let ((kind, id), (other_kind, other_id)): (&End, &End) = (one, other);
                let fits = kind == from && id.to_string() == text && other_kind == to;
                let live = exists(from, text) && exists(to, &other_id.to_string());
                (fits && live && *other_id > behind).then_some((*other_id, labels))
            };
            let ends: Vec<(u64, &BTreeSet<String>)> = self
                .0
                .iter()
                .map(|((one, other), labels)| ((one, other), labels))
                .filter_map(of)
                .collect();
            if ends.is_empty() {
                let context =
                    json!({"fromObjectId": [text], "fromObjectType": [from], "toObjectType": [to]});
                let message = format!("No {to} is associated with {from} {text}.");
                let context: Map<String, Value> = context.as_object().cloned().unwrap_or_default();
                errors.push(refusal::item("OBJECT_NOT_FOUND", &message, context, Vec::new()));
                continue;
            }
            let shown = |(id, labels): &(u64, &BTreeSet<String>)| {
                let unlabelled = json!({"category": "HUBSPOT_DEFINED", "typeId": 279});
                let labelled = |label: &String| json!({"category": "USER_DEFINED", "typeId": 37, "label": label});
                let types: Vec<Value> =
                    [unlabelled].into_iter().chain(labels.iter().map(labelled)).collect();
                json!({"toObjectId": id.to_string(), "associationTypes": types})
            };
            let ends_shown: Vec<Value> = ends.iter().take(page).map(shown).collect();
            let mut result = json!({"from": {"id": text}, "to": ends_shown});
            if let (true, Some((last, _))) = (ends.len() > page, ends.get(page.saturating_sub(1))) {
                result["paging"] = json!({"next": {"after": last.to_string()}});
            }
            results.push(result);
        }
        statuses::batch_answer(200, results, errors, now)
    }

    fn make(
        &mut self,
        (from, to): (&str, &str),
        inputs: &[Value],
        exists: &dyn Fn(&str, &str) -> bool,
        now: i64,
    ) -> Answer {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            let ends = (id(&input["from"]), id(&input["to"]));
            let (Some(one), Some(other)) = ends else { continue };
            if !exists(from, &one.to_string()) || !exists(to, &other.to_string()) {
                let context =
                    json!({"fromObjectId": [one.to_string()], "toObjectId": [other.to_string()]});
                let context = context.as_object().cloned().unwrap_or_default();
                errors.push(refusal::item(
                    "OBJECT_NOT_FOUND",
                    "No such record",
                    context,
                    Vec::new(),
                ));
                continue;
            }
            let (a, b) = ((from.to_owned(), one), (to.to_owned(), other));
            for pair in [(a.clone(), b.clone()), (b, a)] {
                let spec =
                    json!({"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279});
                let (from, to) = (pair.0.1.to_string(), pair.1.1.to_string());
                results
                    .push(json!({"from": {"id": from}, "to": {"id": to}, "associationSpec": spec}));
                self.0.entry(pair).or_default();
            }
        }
        statuses::one_status(results, errors, now)
    }
}

fn id(end: &Value) -> Option<u64> {
    end["id"].as_str()?.parse().ok()
}
