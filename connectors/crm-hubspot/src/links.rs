//! Associations: a stream for each pair of kinds. A row is one association; its
//! key is made of both ids, so that writing it twice makes one.
//!
//! HubSpot tells no changes of associations. A snapshot walks over the records
//! of one side and asks what each is associated with.

mod write;

use liaison_sdk::{
    EntityKind, Fault, FaultCode, Field, Found, Idempotency, LookupKey, LookupRequest, Page,
    ReadRequest, Row, Stream,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::api::{Api, Effect, VERSION};
use crate::object::{COMPANIES, CONTACTS, DEALS, Object};
use crate::record::{self, Paging, is_id};
use crate::refusal::Refusal;

/// Records whose associations are asked for at once: each may answer with 500,
/// and a page of the hub holds 10,000 rows.
const RECORDS_MAX: usize = 20;
/// Most pages of one record's associations that a lookup turns.
const LOOKUP_PAGES_MAX: usize = 20;
/// Most associations of one write.
pub const BATCH_ITEMS_MAX: u32 = 100;

/// A pair of kinds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// The stream.
    pub stream: &'static str,
    /// For people.
    pub title: &'static str,
    from: &'static Object,
    to: &'static Object,
    from_field: &'static str,
    to_field: &'static str,
}

/// Every pair.
pub const LINKS: [Link; 3] = [
    Link {
        stream: "contact_companies",
        title: "Companies of contacts",
        from: &CONTACTS,
        to: &COMPANIES,
        from_field: "contact_id",
        to_field: "company_id",
    },
    Link {
        stream: "deal_contacts",
        title: "Contacts of deals",
        from: &DEALS,
        to: &CONTACTS,
        from_field: "deal_id",
        to_field: "contact_id",
    },
    Link {
        stream: "deal_companies",
        title: "Companies of deals",
        from: &DEALS,
        to: &COMPANIES,
        from_field: "deal_id",
        to_field: "company_id",
    },
];

/// The ids of both ends.
type Pair = (String, String);
/// Rows with the pairs that they are about.
type Rows = Vec<(Pair, Row)>;

/// Where a snapshot goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    /// The list of records goes on here; none = it is at its end.
    after: Option<String>,
    /// Records whose associations go on, each with its place.
    rest: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Associated>,
    #[serde(default)]
    errors: Vec<Refusal>,
}

#[derive(Deserialize)]
struct Associated {
    from: Id,
    to: Vec<End>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct End {
    to_object_id: Value,
    #[serde(default)]
    association_types: Vec<Label>,
}

#[derive(Deserialize)]
struct Label {
    label: Option<String>,
}

impl Link {
    /// The pair of a stream.
    pub fn of(stream: &str) -> Option<&'static Self> {
        LINKS.iter().find(|link| link.stream == stream)
    }

    /// The stream as discovery describes it.
    pub fn stream(&self) -> Stream {
        let id = |name| Field::text(name).pii("id").create_only().required().matchable();
        let labels = Field::new("labels", json!({"type": ["array", "null"]}));
        Stream::new(self.stream)
            .title(self.title)
            .kind(EntityKind::Object)
            .readable()
            .writable(BATCH_ITEMS_MAX)
            .complete_snapshots()
            .idempotency(Idempotency::ExternalId)
            .primary_key([self.from_field, self.to_field])
            .field(id(self.from_field))
            .field(id(self.to_field))
            .field(labels.title("Labels").read_only())
    }

    /// One page.
    ///
    /// # Errors
    /// What HubSpot answers, `cursor-expired`, or `schema-drift`.
    pub fn read(&self, api: &Api, request: &ReadRequest) -> Result<Page, Fault> {
        let position = request.cursor::<Position>()?;
        let (inputs, after) = match position {
            Some(Position { after, rest }) if !rest.is_empty() => (rest, after),
            place => {
                let after = place.and_then(|place| place.after);
                let listed =
                    record::list(api, self.from, after.as_deref(), false, RECORDS_MAX, &[])?;
                let next = listed.next(after.as_deref())?;
                let ids = listed.results.into_iter().map(|record| (record.id, String::new()));
                (ids.collect(), next)
            }
        };
        let (rows, rest) = self.associated(api, &inputs)?;
        let page = Page::of(rows.into_iter().map(|(_, row)| row).collect()).hints(api.hints());
        if after.is_none() && rest.is_empty() {
            return Ok(page.complete());
        }
        page.more_from(&Position { after, rest })
    }

    /// The associations of records, and where those with more of them go on.
    fn associated(
        &self,
        api: &Api,
        inputs: &[(String, String)],
    ) -> Result<(Rows, Vec<Pair>), Fault> {
        if inputs.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let input = |(id, after): &(String, String)| match after.as_str() {
            "" => json!({"id": id}),
            after => json!({"id": id, "after": after}),
        };
        let body = json!({"inputs": inputs.iter().map(input).collect::<Vec<_>>()});
        let request = api.post(&self.path("batch/read"), &body);
        let answer: Answer = api.call(Effect::Reads, request)?;
        // A record without associations is an error to HubSpot, and none to us.
        if let Some(other) = answer.errors.into_iter().find(|it| !it.is("OBJECT_NOT_FOUND")) {
            return Err(other.rejected(&[]));
        }
        let (mut rows, mut rest) = (Vec::new(), Vec::new());
        for Associated { from, to, paging } in answer.results {
            for end in to {
                let to = match end.to_object_id {
                    Value::String(id) => id,
                    Value::Number(id) => id.to_string(),
                    _ => return Err(Fault::drift("toObjectId", "an id")),
                };
                let labels = end.association_types.into_iter().filter_map(|it| it.label);
                let mut labels: Vec<String> = labels.collect();
                labels.sort_unstable();
                labels.dedup();
                let mut data = self.ends(&from.id, &to);
                let labels = if labels.is_empty() { Value::Null } else { json!(labels) };
                data.insert("labels".to_owned(), labels);
                let row = Row::upsert(key(&from.id, &to), data);
                rows.push(((from.id.clone(), to), row));
            }
            if let Some(next) = paging.as_ref().and_then(Paging::after) {
                if inputs.iter().any(|(id, after)| *id == from.id && after == next) {
                    return Err(Fault::drift("paging.next.after", "another"));
                }
                rest.push((from.id, next.to_owned()));
            }
        }
        Ok((rows, rest))
    }

    fn ends(&self, from: &str, to: &str) -> Map<String, Value> {
        let ends = [(self.from_field, from), (self.to_field, to)];
        ends.into_iter().map(|(name, id)| (name.to_owned(), Value::from(id))).collect()
    }

    fn path(&self, what: &str) -> String {
        format!("/crm/associations/{VERSION}/{}/{}/{what}", self.from.path, self.to.path)
    }

    /// Both ids of a set of fields; `None` if it does not name both.
    fn pair(&self, fields: &Map<String, Value>) -> Option<Pair> {
        let id = |name: &str| {
            let text = match fields.get(name)? {
                Value::String(text) => text.trim().to_owned(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            is_id(&text).then_some(text)
        };
        Some((id(self.from_field)?, id(self.to_field)?))
    }

    /// Answers a lookup, by key or by both ids.
    ///
    /// # Errors
    /// What HubSpot answers; `not-supported` for one id alone.
    pub fn lookup(&self, api: &Api, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        let pair = |asked: &LookupKey| match asked {
            LookupKey::Key(text) => Ok(pair_of(text)),
            LookupKey::Fields(fields) => {
                let both = [self.from_field, self.to_field];
                let named = both.iter().all(|name| fields.contains_key(*name));
                named.then(|| self.pair(fields)).ok_or_else(|| Fault::not_supported("lookup"))
            }
        };
        let pairs: Vec<Option<Pair>> = request.keys.iter().map(pair).collect::<Result<_, _>>()?;
        let mut asked: Vec<(String, String)> =
            pairs.iter().flatten().map(|(from, _)| (from.clone(), String::new())).collect();
        asked.sort_unstable();
        asked.dedup();
        let mut known = Vec::new();
        for chunk in asked.chunks(RECORDS_MAX) {
            let mut inputs = chunk.to_vec();
            for _ in 0..LOOKUP_PAGES_MAX {
                let (rows, rest) = self.associated(api, &inputs)?;
                known.extend(rows);
                inputs = rest;
                if inputs.is_empty() {
                    break;
                }
            }
            if !inputs.is_empty() {
                return Err(Fault::new(FaultCode::Limit).with("pages-max", LOOKUP_PAGES_MAX));
            }
        }
        let found = |pair: &Option<Pair>| {
            let row = pair.as_ref().and_then(|pair| known.iter().find(|(it, _)| it == pair));
            row.map_or(Found::None, |(_, row)| Found::One(row.clone()))
        };
        Ok(pairs.iter().map(found).collect())
    }
}

fn key(from: &str, to: &str) -> String {
    format!("{from}-{to}")
}

fn pair_of(key: &str) -> Option<Pair> {
    let (from, to) = key.split_once('-')?;
    (is_id(from) && is_id(to)).then(|| (from.to_owned(), to.to_owned()))
}
