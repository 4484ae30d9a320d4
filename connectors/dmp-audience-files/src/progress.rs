//! What was read of a folder, and what is to be done next: a decision without a file.
//!
//! A file counts from when it came. Its rows are brought once; when its time is over they
//! are brought once more, without their values. New files come first: what they say makes
//! an old file's row good for longer.

use std::collections::{BTreeMap, BTreeSet};

use liaison_sdk::files::Stat;
use liaison_sdk::{Fault, FaultCode, time};
use serde::{Deserialize, Serialize};

use crate::table::Position;

/// Most files of a stream: what is known of each must fit into a cursor.
pub const FILES_MAX: usize = 800;

/// Where reading goes on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The files that were read, by the digest of their name.
    #[serde(default)]
    known: BTreeMap<String, Known>,
    /// In the midst of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<Open>,
}

/// A file that was read: the digest of its version, the second that it counts from,
/// and whether its values are over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known(String, i64, bool);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    /// The digests of its name and its version.
    file: String,
    version: String,
    since: i64,
    at: Position,
    ending: bool,
}

/// A file of the folder.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its state.
    pub stat: Stat,
    name: String,
    version: String,
}

impl From<Stat> for Entry {
    fn from(stat: Stat) -> Self {
        Self { name: digest(&stat.name), version: digest(&stat.version), stat }
    }
}

/// What to do with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its place among the files.
    pub file: usize,
    /// The second that it counts from.
    since: i64,
    /// From where on; none = from its begin.
    pub from: Option<Position>,
    /// Its time is over.
    pub ending: bool,
}

impl Progress {
    /// What is next among these files, and what is known of none of them is forgotten.
    ///
    /// # Errors
    /// `limit` for too many files.
    pub fn next(
        &mut self,
        files: &[Entry],
        now: i64,
        time_to_live_seconds: Option<i64>,
    ) -> Result<Option<Task>, Fault> {
        if files.len() > FILES_MAX {
            let fault = Fault::new(FaultCode::Limit).with("files-max", FILES_MAX);
            return Err(fault.with("files", files.len()));
        }
        let names: BTreeSet<&String> = files.iter().map(|entry| &entry.name).collect();
        self.known.retain(|name, _| names.contains(name));
        let is_over = |since: i64| {
            time_to_live_seconds.is_some_and(|seconds| since.saturating_add(seconds) <= now)
        };
        if let Some(open) = self.open.take()
            && let Some(file) =
                files.iter().position(|it| (&it.name, &it.version) == (&open.file, &open.version))
        {
            let Open { since, at, ending, .. } = open;
            return Ok(Some(Task { file, since, from: Some(at), ending }));
        }
        for (file, entry) in files.iter().enumerate() {
            let known = self.known.get(&entry.name);
            if known.is_none_or(|known| known.0 != entry.version) {
                let modified = entry.stat.modified.map(|at| at.div_euclid(time::SECOND_MICROS));
                let since = modified.map_or(now, |modified| modified.min(now));
                return Ok(Some(Task { file, since, from: None, ending: is_over(since) }));
            }
        }
        let over = files.iter().enumerate().find_map(|(file, entry)| {
            let Known(_, since, ended) = self.known.get(&entry.name)?;
            let over = !ended && is_over(*since);
            over.then_some(Task { file, since: *since, from: None, ending: true })
        });
        Ok(over)
    }

    /// Notes how far a task came: to a position, or to the end of its file.
    pub fn note(&mut self, task: &Task, entry: &Entry, at: Option<Position>) {
        let (file, version) = (entry.name.clone(), entry.version.clone());
        match at {
            Some(at) => {
                let Task { since, ending, .. } = *task;
                self.open = Some(Open { file, version, since, at, ending });
            }
            None => {
                self.known.insert(file, Known(version, task.since, task.ending));
            }
        }
    }

    /// Whether the values of a file are good.
    pub fn is_good(&self, entry: &Entry) -> bool {
        let known = self.known.get(&entry.name);
        known.is_some_and(|Known(version, _, ended)| !ended && *version == entry.version)
    }
}

/// 64-bit FNV-1a: a cursor outlives this version of the connector, and so must its
/// digests.
fn digest(text: &str) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}
