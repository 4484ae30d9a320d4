//! The search: it knows what was so a while ago, and no more than 10,000 hits.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::clock;
use super::records::Table;
use super::refusal;
use crate::http::Answer;

/// Most hits of a page.
const PAGE_MAX: usize = 200;
/// The hits that can be reached by turning pages.
const HITS_MAX: usize = 10_000;

type Values = BTreeMap<String, String>;

/// The answer to a search.
pub(super) fn answer(table: &mut Table, body: &Value, now: i64, lag: i64) -> Answer {
    let refuse = |message: &str| refusal::whole(400, "VALIDATION_ERROR", message, &[]);
    for record in table.records.values_mut() {
        let known = record.indexed.as_ref().map_or(0, |(version, _)| *version);
        if record.modified + lag <= now {
            if known != record.version {
                record.indexed = Some((record.version, record.values.clone()));
            }
        } else if let Some((modified, version, values)) = &record.before
            && modified + lag <= now
            && known != *version
        {
            record.indexed = Some((*version, values.clone()));
        }
    }
    let limit = body["limit"].as_u64().and_then(|it| usize::try_from(it).ok()).unwrap_or(10);
    let after = body["after"].as_str().unwrap_or("0").parse::<usize>();
    let Ok(after) = after else { return refuse("after is not an offset") };
    if limit > PAGE_MAX {
        return refuse("limit exceeds 200");
    }
    if after + limit > HITS_MAX {
        return refuse("The search cannot go beyond 10,000 results");
    }
    let sorts = body["sorts"].as_array().cloned().unwrap_or_default();
    let sort = match sorts.as_slice() {
        [] => "createdate".to_owned(),
        [one] => one.as_str().unwrap_or_default().to_owned(),
        _ => return refuse("Only one sort is supported"),
    };
    let groups = body["filterGroups"].as_array().cloned().unwrap_or_default();
    let filters = groups.iter().filter_map(|group| group["filters"].as_array()).flatten();
    let named = filters.filter_map(|filter| filter["propertyName"].as_str());
    if let Some(name) = named.into_iter().find(|name| !table.properties.knows(name)) {
        return refuse(&format!("There was a problem with the request: {name} does not exist"));
    }
    let passes = |values: &Values| {
        groups.is_empty() || groups.iter().any(|group| all(&group["filters"], values))
    };
    let live = table.records.iter().filter(|(_, record)| record.is_live());
    let known = live.filter_map(|(id, record)| Some((*id, &record.indexed.as_ref()?.1)));
    let mut hits: Vec<(u64, &Values)> = known.filter(|(_, values)| passes(values)).collect();
    // Ties come in an order that nobody should rely on.
    hits.sort_by_cached_key(|(id, values)| {
        let value = values.get(&sort).map(String::as_str).unwrap_or_default();
        (clock::parse(value), value.to_lowercase(), Reverse(*id))
    });
    let asked = body["properties"].as_array().into_iter().flatten();
    let asked: Vec<String> = asked.filter_map(Value::as_str).map(str::to_owned).collect();
    let total = hits.len();
    let page: Vec<(u64, Values)> =
        hits.into_iter().skip(after).take(limit).map(|(id, values)| (id, values.clone())).collect();
    let shown = |(id, values): &(u64, Values)| {
        let mut shown = table.shown(*id, &asked, None);
        // As it was when the search learned of it.
        if let Some(properties) = shown["properties"].as_object_mut() {
            for (name, value) in properties {
                *value = json!(values.get(name));
            }
        }
        shown
    };
    let results: Vec<Value> = page.iter().map(shown).collect();
    let mut answer = json!({"total": total, "results": results});
    if after + results.len() < total {
        answer["paging"] = json!({"next": {"after": (after + results.len()).to_string()}});
    }
    Answer::json(200, &answer)
}

fn all(filters: &Value, values: &Values) -> bool {
    filters.as_array().into_iter().flatten().all(|filter| passes(filter, values))
}

fn passes(filter: &Value, values: &Values) -> bool {
    let name = filter["propertyName"].as_str().unwrap_or_default();
    let wanted = filter["value"].as_str().unwrap_or_default();
    let Some(value) = values.get(name) else {
        return filter["operator"] == "NOT_HAS_PROPERTY";
    };
    let order = compare(value, wanted);
    match filter["operator"].as_str().unwrap_or_default() {
        "EQ" => order == Ordering::Equal,
        "NEQ" => order != Ordering::Equal,
        "GT" => order == Ordering::Greater,
        "GTE" => order != Ordering::Less,
        "LT" => order == Ordering::Less,
        "LTE" => order != Ordering::Greater,
        "HAS_PROPERTY" => true,
        _ => false,
    }
}

/// Points in time and numbers by their size, texts without regard to case.
fn compare(one: &str, other: &str) -> Ordering {
    match (clock::parse(one), clock::parse(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.to_lowercase().cmp(&other.to_lowercase()),
    }
}
