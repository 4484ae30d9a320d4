//! Reading a Maildir: one file for each message, named by when it was delivered.
//!
//! The mail server delivers into `new` by renaming, so a file is whole or not there.
//! A mail program may move it to `cur` and give it flags; what is left of the colon
//! stays, and is its name here. Names begin with the second of delivery, by the
//! clock of the mail server: reading goes by that, and looks back an hour, because
//! several machines may deliver and their clocks differ. The hub knows what it has
//! seen. Nothing is moved, marked or deleted.

use liaison_sdk::{Fault, Page, ReadRequest, clock, files, log, time};
use serde::{Deserialize, Serialize};

use crate::report;

/// Messages of one page.
const PAGE_MESSAGES_MAX: usize = 200;
/// So much of a message is read: what is reported comes before what is quoted.
const MESSAGE_BYTES_MAX: u32 = 256 * 1024;
/// Deliveries of so long ago are looked at again.
const OVERLAP_SECONDS: i64 = 3_600;

/// Where reading goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Cursor {
    /// The newest second of delivery that was seen.
    newest: i64,
    /// In the midst of a round: the message after which to go on, and the second from
    /// which the round looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    round: Option<(i64, i64, String)>,
}

/// A message of the folder. They are in order of delivery.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The second of delivery.
    pub second: i64,
    /// What its name begins with, which stays.
    pub unique: String,
    /// The file.
    pub file: String,
}

impl Entry {
    /// A file of the folder, if it is a message.
    pub fn of(file: &str) -> Option<Self> {
        let (folder, name) = file.rsplit_once('/')?;
        if folder != "new" && folder != "cur" {
            return None;
        }
        let unique = name.split(':').next().unwrap_or(name);
        let digits: String = unique.chars().take_while(char::is_ascii_digit).collect();
        let second = digits.parse().ok()?;
        Some(Self { second, unique: unique.to_owned(), file: file.to_owned() })
    }
}

/// One page of reports.
///
/// # Errors
/// Those of the host, and `cursor-expired`.
pub fn read(folder: &str, request: &ReadRequest) -> Result<Page, Fault> {
    let cursor = request.cursor::<Cursor>()?;
    let mut newest = cursor.as_ref().map_or(i64::MIN, |cursor| cursor.newest);
    let (from, after) = match cursor.and_then(|cursor| cursor.round) {
        Some((from, second, unique)) => (from, Some((second, unique))),
        None => (newest.saturating_sub(OVERLAP_SECONDS), None),
    };
    let mut entries: Vec<Entry> =
        files::list(folder)?.iter().filter_map(|file| Entry::of(&file.name)).collect();
    entries.sort();
    entries.dedup_by(|one, other| one.unique == other.unique);
    let behind = |entry: &Entry| match &after {
        Some((second, unique)) => (entry.second, &entry.unique) > (*second, unique),
        None => true,
    };
    entries.retain(|entry| entry.second >= from && behind(entry));
    let wanted = usize::try_from(request.rows_wanted).unwrap_or(PAGE_MESSAGES_MAX);
    let limit = if wanted == 0 { PAGE_MESSAGES_MAX } else { wanted.min(PAGE_MESSAGES_MAX) };
    let mut rows = Vec::new();
    for entry in entries.iter().take(limit) {
        match files::read(folder, &entry.file, 0, MESSAGE_BYTES_MAX) {
            Ok(part) => rows.extend(report::rows(&entry.unique, &at(entry), &part.data)),
            // A mail program moved or deleted it just now; moved, it is met again.
            Err(fault) if fault.code == liaison_sdk::FaultCode::NotFound => {
                log::debug(format!("gone meanwhile: {}", entry.file));
            }
            Err(fault) => return Err(fault),
        }
        newest = newest.max(entry.second.min(today()));
    }
    match entries.get(limit.saturating_sub(1)).filter(|_| entries.len() > limit) {
        Some(last) => {
            let round = Some((from, last.second, last.unique.clone()));
            Page::of(rows).more_from(&Cursor { newest, round })
        }
        None => Page::of(rows).next_from(&Cursor { newest, round: None }),
    }
}

/// The second that it is. A delivery that claims to be of the future must not make
/// reading skip what comes until then.
fn today() -> i64 {
    clock::now() / time::SECOND_MICROS
}

/// When it was delivered, and never later than now.
fn at(entry: &Entry) -> String {
    time::format(time::from_seconds(entry.second.min(today())))
}
