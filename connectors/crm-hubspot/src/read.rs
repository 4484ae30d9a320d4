//! Reading records: once everything from the list, then what changed from the
//! search, and what was deleted from the list of archived records.
//!
//! | what HubSpot does | what follows |
//! |---|---|
//! | The list is always up to date, but tells no changes | snapshots are taken from it |
//! | The search finds a change only after a while | changes of the last [`lag`](crate::settings) before a read are read once more by the next one; nothing is taken for deleted because the search does not show it |
//! | The search ends after 10,000 hits, and a record that changes while pages are turned moves behind them | no page is ever turned: each request asks for the first page of what changed since the last row |
//! | Many records may have changed in one millisecond (imports) | when a whole page has one time, that time is read by ascending id |
//! | Archived records are in a list of their own, without order by time | it is read now and then |
//! | What is deleted for good leaves no trace, a restored record keeps its old time | after some hours everything is read anew |
//! | The hub's clock and HubSpot's may differ | positions are points of HubSpot's clock, from the `Date` of its answers |

use liaison_sdk::{Fault, Page, ReadRequest, Row};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::{Api, Effect, VERSION};
use crate::object::Object;
use crate::property::{Properties, Property};
use crate::record::{self, BATCH_RECORDS_MAX, Listed, Record};
use crate::time;

/// Rows of a page of the search.
const SEARCH_ROWS_MAX: usize = 200;
/// Longest list of names in a URL; longer ones are asked for in a body.
const NAMES_BYTES_MAX: usize = 3_000;

/// Where reading goes on. Times are milliseconds since 1970 by HubSpot's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    /// When the last snapshot began.
    snapshot: i64,
    /// When the last look for deleted records began.
    deleted: i64,
    /// Changes from here on are still to be read.
    since: i64,
    /// When this round of reading began.
    round: i64,
    /// What comes next.
    step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Step {
    /// The list goes on here.
    List { after: String },
    /// A new round begins.
    Rest,
    /// Changes from here on.
    Changes { from: i64 },
    /// Changes of exactly this time, of records behind this one.
    Ties { at: i64, behind: String },
    /// The list of archived records goes on here.
    Archived { after: Option<String> },
}

#[derive(Deserialize)]
struct Hits {
    results: Vec<Record>,
}

/// One page.
///
/// # Errors
/// What HubSpot answers, `cursor-expired`, or `schema-drift`.
pub fn read(api: &Api, object: &Object, request: &ReadRequest) -> Result<Page, Fault> {
    let properties = Properties::of(api, object)?;
    let shown = properties.asked(object, &request.fields)?;
    let reader = Reader { api, object, shown: &shown };
    let page = match request.cursor::<Position>()? {
        None => reader.list(None)?,
        Some(position) => match position.step.clone() {
            Step::List { after } => reader.list(Some((position, after)))?,
            Step::Rest => reader.begin(position)?,
            Step::Changes { from } => reader.changes(position, from)?,
            Step::Ties { at, behind } => reader.ties(position, at, &behind)?,
            Step::Archived { after } => reader.archived(position, after.as_deref())?,
        },
    };
    Ok(page.hints(api.hints()))
}

struct Reader<'a> {
    api: &'a Api,
    object: &'a Object,
    shown: &'a [&'a Property],
}

impl Reader<'_> {
    /// A page of the snapshot.
    fn list(&self, place: Option<(Position, String)>) -> Result<Page, Fault> {
        let after = place.as_ref().map(|(_, after)| after.as_str());
        let listed = self.listed(after)?;
        let next = listed.next(after)?;
        let position = place.map_or_else(|| self.first(), |(position, _)| position);
        let page = Page::of(self.rows(&listed.results));
        match next {
            Some(after) => page.more_from(&Position { step: Step::List { after }, ..position }),
            None => Ok(page.complete().next_from(&Position { step: Step::Rest, ..position })?),
        }
    }

    /// The records of a page of the list with their properties, in one request
    /// or, where the names are too long for a URL, in two.
    fn listed(&self, after: Option<&str>) -> Result<Listed, Fault> {
        let names = record::names(self.object, self.shown);
        let (api, object) = (self.api, self.object);
        if names.iter().map(|name| name.len() + 3).sum::<usize>() <= NAMES_BYTES_MAX {
            return Ok(record::list(api, object, after, false, BATCH_RECORDS_MAX, &names)?);
        }
        let listed = record::list(api, object, after, false, BATCH_RECORDS_MAX, &[])?;
        let ids: Vec<&str> = listed.results.iter().map(|record| record.id.as_str()).collect();
        let mut results = record::read(api, object, None, &ids, &names)?;
        let place = |record: &Record| ids.iter().position(|id| *id == record.id);
        results.sort_by_key(place);
        Ok(listed.with(results))
    }

    /// The position that a snapshot begins with.
    fn first(&self) -> Position {
        let now = self.api.began();
        let since = now - self.api.settings.lag_millis();
        Position { snapshot: now, deleted: now, since, round: now, step: Step::Rest }
    }

    /// The first page of a round.
    fn begin(&self, position: Position) -> Result<Page, Fault> {
        let round = self.api.began();
        let from = position.since;
        self.changes(Position { round, ..position }, from)
    }

    fn changes(&self, position: Position, from: i64) -> Result<Page, Fault> {
        let modified = self.object.modified;
        let found = self.search(&[(modified, "GTE", from.to_string())], modified)?;
        let page = Page::of(self.rows(&found));
        if found.len() < SEARCH_ROWS_MAX {
            return self.changes_end(page, position);
        }
        let last = found.last().map_or(Ok(from), |record| record.modified(self.object))?;
        let step = match last > from {
            true => Step::Changes { from: last },
            false => Step::Ties { at: from, behind: "0".to_owned() },
        };
        page.more_from(&Position { step, ..position })
    }

    fn ties(&self, position: Position, at: i64, behind: &str) -> Result<Page, Fault> {
        let same = (self.object.modified, "EQ", at.to_string());
        let found =
            self.search(&[same, ("hs_object_id", "GT", behind.to_owned())], "hs_object_id")?;
        let page = Page::of(self.rows(&found));
        let step = match found.last() {
            Some(last) if found.len() >= SEARCH_ROWS_MAX => {
                Step::Ties { at, behind: last.id.clone() }
            }
            _ => Step::Changes { from: at + 1 },
        };
        page.more_from(&Position { step, ..position })
    }

    /// The changes of this round are read: look for deleted records, or rest.
    fn changes_end(&self, page: Page, position: Position) -> Result<Page, Fault> {
        let settings = &self.api.settings;
        if position.round - position.deleted >= settings.deleted_millis() {
            return page.more_from(&Position { step: Step::Archived { after: None }, ..position });
        }
        self.round_end(page, position)
    }

    /// Records that were archived since the last look. Their rows are not
    /// shown: what the API calls archived is what people in HubSpot deleted.
    fn archived(&self, position: Position, after: Option<&str>) -> Result<Page, Fault> {
        let (api, object) = (self.api, self.object);
        let listed = record::list(api, object, after, true, BATCH_RECORDS_MAX, &[])?;
        let from = position.deleted - api.settings.lag_millis();
        let is_new = |record: &&Record| {
            let time = record.archived_at.as_deref().and_then(time::parse_instant);
            time.is_none_or(|time| time >= from)
        };
        let gone = listed.results.iter().filter(is_new).map(|record| Row::delete(&record.id));
        let page = Page::of(gone.collect());
        match listed.next(after)? {
            Some(after) => {
                let step = Step::Archived { after: Some(after) };
                page.more_from(&Position { step, ..position })
            }
            None => self.round_end(page, Position { deleted: position.round, ..position }),
        }
    }

    /// Whatever the search could know is read. Later changes, and earlier ones
    /// that it did not know yet, are left to the next round.
    fn round_end(&self, page: Page, position: Position) -> Result<Page, Fault> {
        let settings = &self.api.settings;
        if position.round - position.snapshot >= settings.snapshot_millis() {
            // No cursor: the next round is a snapshot.
            return Ok(page);
        }
        let since = position.since.max(position.round - settings.lag_millis());
        page.next_from(&Position { since, step: Step::Rest, ..position })
    }

    fn search(&self, filters: &[(&str, &str, String)], sort: &str) -> Result<Vec<Record>, Fault> {
        let names = record::names(self.object, self.shown);
        search(self.api, self.object, filters, sort, SEARCH_ROWS_MAX, &names)
    }

    fn rows(&self, records: &[Record]) -> Vec<Row> {
        records.iter().flat_map(|record| record.rows(self.shown)).collect()
    }
}

/// The first records that pass all filters, in ascending order of a property.
///
/// # Errors
/// What HubSpot answers.
pub fn search(
    api: &Api,
    object: &Object,
    filters: &[(&str, &str, String)],
    sort: &str,
    limit: usize,
    names: &[&str],
) -> Result<Vec<Record>, Fault> {
    let filter = |(property, operator, value): &(&str, &str, String)| json!({"propertyName": property, "operator": operator, "value": value});
    let filters: Vec<Value> = filters.iter().map(filter).collect();
    let body = json!({
        "filterGroups": [{"filters": filters}],
        "sorts": [sort],
        "properties": names,
        "limit": limit,
        "after": "0",
    });
    let path = format!("/crm/objects/{VERSION}/{}/search", object.path);
    let hits: Hits = api.call(Effect::Reads, api.post(&path, &body))?;
    Ok(hits.results)
}
