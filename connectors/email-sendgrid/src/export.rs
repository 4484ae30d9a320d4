//! Reading contacts: an export is started, waited for, and its files are read.
//!
//! An export is a snapshot of everything, so reading it to its end says who is gone.
//! Between two exports there is nothing to read; the cursor then says when the last one
//! began, by the hub's clock. A file may have more contacts than a page: it is fetched
//! again for each page, since nothing outlives a call.

use liaison_sdk::{Fault, FaultCode, Page, ReadRequest, Row, clock, time};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::api::Api;
use crate::contact;
use crate::field::Fields;

/// Most rows of a page.
const PAGE_ROWS: usize = 5_000;
/// Largest file that is asked for, in megabytes.
const FILE_MEGABYTES: u32 = 10;
/// Questions after which they are asked less often.
const QUICK_POLLS: u32 = 10;
/// Seconds between two questions: at first, and then.
const POLL_SECONDS: (u32, u32) = (2, 15);
/// Longest text of a line that is kept in quarantine, in bytes.
const RAW_BYTES_MAX: usize = 4_096;

/// Where reading goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Position {
    /// An export is being made.
    Making { export: String, began: i64, polls: u32 },
    /// A file of an export, after so many of its lines.
    Reading { export: String, began: i64, file: usize, skip: usize },
    /// Everything was read.
    Rest { began: i64 },
}

#[derive(Deserialize)]
struct Started {
    id: String,
}

#[derive(Deserialize)]
struct Status {
    status: String,
    #[serde(default)]
    urls: Vec<String>,
    message: Option<String>,
}

/// One page.
///
/// # Errors
/// What SendGrid answers, `cursor-expired`, or `schema-drift`.
pub fn read(api: &Api, request: &ReadRequest) -> Result<Page, Fault> {
    match request.cursor::<Position>()? {
        None => start(api, request),
        Some(Position::Making { export, began, polls }) => {
            let status = status(api, &export)?;
            match status.status.as_str() {
                "ready" => Reader { api, request, export, began }.file(&status.urls, 0, 0),
                "failure" => {
                    let said = status.message.unwrap_or_default();
                    Err(Fault::new(FaultCode::Transient).vendor("failure", said))
                }
                _ => wait(Position::Making { export, began, polls: polls.saturating_add(1) }),
            }
        }
        Some(Position::Reading { export, began, file, skip }) => {
            let status = status(api, &export)?;
            Reader { api, request, export, began }.file(&status.urls, file, skip)
        }
        Some(Position::Rest { began }) => {
            let pause = i64::from(api.settings.export_minutes) * 60 * time::SECOND_MICROS;
            let passed = clock::now() - began;
            // A clock that was set back says nothing.
            if (0..pause).contains(&passed) {
                return Page::default().next_from(&Position::Rest { began });
            }
            Err(Fault::new(FaultCode::CursorExpired))
        }
    }
}

fn start(api: &Api, request: &ReadRequest) -> Result<Page, Fault> {
    // What would be missing in every row is told before the export is made.
    Fields::of(api)?.expect(&request.fields)?;
    let body = json!({
        "file_type": "json", "max_file_size": FILE_MEGABYTES, "notifications": {"email": false},
    });
    let ask = api.ask("POST", "/v3/marketing/contacts/exports").json(&body);
    let started: Started = api.reads(ask)?;
    wait(Position::Making { export: started.id, began: clock::now(), polls: 0 })
}

fn wait(position: Position) -> Result<Page, Fault> {
    let seconds = match position {
        Position::Making { polls, .. } if polls >= QUICK_POLLS => POLL_SECONDS.1,
        _ => POLL_SECONDS.0,
    };
    Ok(Page::default().more_from(&position)?.poll_after(seconds))
}

/// How an export stands; one that SendGrid has forgotten is made anew.
fn status(api: &Api, export: &str) -> Result<Status, Fault> {
    if !contact::is_id(export) {
        return Err(Fault::new(FaultCode::CursorExpired));
    }
    let ask = api.get(&format!("/v3/marketing/contacts/exports/{export}"));
    api.reads(ask).map_err(gone)
}

fn gone(fault: Fault) -> Fault {
    match fault.code {
        FaultCode::NotFound => Fault { code: FaultCode::CursorExpired, ..fault },
        _ => fault,
    }
}

struct Reader<'a> {
    api: &'a Api,
    request: &'a ReadRequest,
    export: String,
    began: i64,
}

impl Reader<'_> {
    /// A page of a file.
    fn file(self, urls: &[String], file: usize, skip: usize) -> Result<Page, Fault> {
        let Some(url) = urls.get(file) else { return self.end(Page::default()) };
        let fields = Fields::of(self.api)?;
        fields.expect(&self.request.fields)?;
        let text = self.api.file(url).map_err(gone)?;
        let text = String::from_utf8(text).map_err(|error| Fault::drift("file", error))?;
        let lines: Vec<&str> = text.lines().collect();
        let shown = lines.iter().enumerate().skip(skip).take(PAGE_ROWS);
        let mut rows = Vec::new();
        for (number, line) in shown.filter(|(_, line)| !line.trim().is_empty()) {
            rows.push(self.row(&fields, file, number, line)?);
        }
        let page = Page::of(rows);
        let (file, skip) = match lines.len() - skip.min(lines.len()) > PAGE_ROWS {
            true => (file, skip + PAGE_ROWS),
            false => (file + 1, 0),
        };
        if file >= urls.len() {
            return self.end(page);
        }
        let (export, began) = (self.export, self.began);
        page.more_from(&Position::Reading { export, began, file, skip })
    }

    /// A line; one that is no contact goes to quarantine, and a file that is no file of
    /// contacts at all is told.
    fn row(&self, fields: &Fields, file: usize, number: usize, line: &str) -> Result<Row, Fault> {
        let contact: Option<Map<String, Value>> = serde_json::from_str(line).ok();
        if contact.is_none() && number == 0 {
            return Err(Fault::drift(format!("file {}", file + 1), "a contact on each line"));
        }
        let row = contact.and_then(|it| contact::row(fields, &self.request.fields, &it));
        Ok(row.unwrap_or_else(|| {
            let raw = line.get(..line.floor_char_boundary(RAW_BYTES_MAX)).unwrap_or_default();
            Row::invalid(None, format!("file {} line {}", file + 1, number + 1), "contact", raw)
        }))
    }

    fn end(self, page: Page) -> Result<Page, Fault> {
        page.complete().next_from(&Position::Rest { began: self.began })
    }
}
