//! Leads read: those since the last read, a little of what came before once more, and
//! from time to time everything that Meta still has (90 days), which proves that nothing
//! was missed.
//!
//! Nothing is taken for deleted: Meta forgets leads, people do not.

use liaison_sdk::{
    Fault, FaultCode, Found, LookupKey, LookupRequest, Page, ReadRequest, Row, clock, time,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::audiences::Paging;
use crate::graph::{Effect, Graph};
use crate::lead::{FIELDS, Lead};
use crate::settings::is_number;

/// Leads of one page.
const PAGE_ITEMS: u32 = 500;
const HOUR_MICROS: i64 = 3_600 * time::SECOND_MICROS;

/// Where reading goes on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Cursor {
    /// When the last read began that was finished; microseconds since 1970.
    since: Option<i64>,
    /// When the last read of everything began.
    swept: i64,
    /// The read that is under way.
    read: Option<Under>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Under {
    begun: i64,
    /// Leads that are newer, seconds since 1970; none = all.
    newer: Option<i64>,
    form: String,
    after: Option<String>,
}

#[derive(Debug, Deserialize)]
struct List {
    data: Vec<Value>,
    #[serde(default)]
    paging: Paging,
}

/// A page of leads.
///
/// # Errors
/// `cursor-expired` for a cursor of another form, `config` without forms or for one that
/// is not there; otherwise the request's.
pub fn read(graph: &Graph, request: &ReadRequest) -> Result<Page, Fault> {
    let mut cursor = request.cursor::<Cursor>()?.unwrap_or_default();
    let forms = &graph.settings.forms;
    // A form that is no longer set ends its read.
    let under = cursor.read.take().filter(|under| forms.contains(&under.form));
    let mut under = match under {
        Some(under) => under,
        None => begin(graph, &cursor)?,
    };
    let list = list(graph, &under)?;
    let next = list.paging.next();
    let rows: Vec<Row> = list.data.into_iter().enumerate().map(row).collect();
    let following = forms.iter().skip_while(|form| **form != under.form).nth(1);
    let page = Page::of(rows).hints(graph.hints());
    match (next, following) {
        (Some(next), _) if under.after.as_ref() == Some(&next) => {
            Err(Fault::drift("paging", "a list of leads that ends"))
        }
        (Some(next), _) => {
            under.after = Some(next);
            page.more_from(&Cursor { read: Some(under), ..cursor })
        }
        (None, Some(form)) => {
            under = Under { form: form.clone(), after: None, ..under };
            page.more_from(&Cursor { read: Some(under), ..cursor })
        }
        (None, None) => {
            let swept = if under.newer.is_none() { under.begun } else { cursor.swept };
            page.next_from(&Cursor { since: Some(under.begun), swept, read: None })
        }
    }
}

fn begin(graph: &Graph, cursor: &Cursor) -> Result<Under, Fault> {
    let form = graph.settings.forms.first().cloned();
    let form = form.ok_or_else(|| Fault::config("settings.forms", "the number of a form"))?;
    let begun = clock::now();
    let sweep = i64::from(graph.settings.sweep_hours) * HOUR_MICROS;
    let recent = cursor.since.filter(|_| begun < cursor.swept.saturating_add(sweep));
    let overlap = i64::from(graph.settings.overlap_seconds);
    let newer = recent.map(|since| since.div_euclid(time::SECOND_MICROS) - overlap);
    Ok(Under { begun, newer, form, after: None })
}

fn list(graph: &Graph, under: &Under) -> Result<List, Fault> {
    let mut ask = graph.request("GET", &format!("{}/leads", under.form));
    ask = ask.query("fields", FIELDS).query("limit", PAGE_ITEMS);
    if let Some(newer) = under.newer {
        let filter = json!([{"field": "time_created", "operator": "GREATER_THAN", "value": newer}]);
        ask = ask.query("filtering", filter);
    }
    if let Some(after) = &under.after {
        ask = ask.query("after", after);
    }
    graph.call(Effect::Reads, ask).map_err(|fault| match fault.code {
        FaultCode::NotFound => Fault { code: FaultCode::Config, ..fault }.at("settings.forms"),
        _ => fault,
    })
}

/// The row of a lead; one that cannot be read stands alone.
fn row((number, lead): (usize, Value)) -> Row {
    let raw = lead.to_string();
    let row = serde_json::from_value::<Lead>(lead).ok().map(Lead::row);
    row.and_then(Result::ok)
        .unwrap_or_else(|| Row::invalid(None, format!("data[{number}]"), "shape", raw))
}

/// Leads by their numbers, of the forms that are read.
///
/// # Errors
/// `not-supported` for anything but numbers; otherwise a request's.
pub fn lookup(graph: &Graph, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
    request.keys.iter().map(|key| find(graph, key)).collect()
}

fn find(graph: &Graph, key: &LookupKey) -> Result<Found, Fault> {
    let LookupKey::Key(key) = key else {
        return Err(Fault::not_supported("finding leads by what they hold"));
    };
    if !is_number(key) {
        return Ok(Found::None);
    }
    match graph.call::<Lead>(Effect::Reads, graph.request("GET", key).query("fields", FIELDS)) {
        Ok(lead) if graph.settings.forms.iter().any(|form| form == lead.form()) => {
            Ok(Found::One(lead.row()?))
        }
        Ok(_) => Ok(Found::None),
        Err(fault) if fault.code == FaultCode::NotFound => Ok(Found::None),
        Err(fault) => Err(fault),
    }
}
