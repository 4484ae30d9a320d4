//! What the same bytes cost without a hub: pulling and parsing pages, writing
//! them into the same engine raw, and grouping the same identities. Each runs
//! as a process of its own. Making rows is taken out of the account.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::client::client;
use crate::clock;
use crate::feed::PAGE_ROWS;
use crate::people::People;

/// The engine's settings in the hub's store: the same here.
const SEGMENT_BYTES: usize = 4 * 1024 * 1024;
const CACHE_BYTES: u64 = 128 * 1024 * 1024;

/// What a reference does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reference {
    /// Pull the pages from the API and parse them.
    Pull,
    /// Write them into sled, a value per page, durable after each page.
    PageValues,
    /// Write them into sled, a value per row, durable after each page.
    RowValues,
    /// Group rows that share an identity.
    UnionFind,
}

/// What a reference used.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Rows handled.
    pub rows: u64,
    /// Processor seconds of the process.
    pub cpu_seconds: f64,
    /// On the wall clock, making the rows included.
    pub wall_seconds: f64,
    /// Resident memory at most.
    pub peak_bytes: u64,
}

struct Account {
    begun: Instant,
    cpu: Duration,
    making: Duration,
}

impl Account {
    fn open() -> Self {
        Self { begun: Instant::now(), cpu: clock::process_cpu(), making: Duration::ZERO }
    }

    /// Does work that is not counted.
    fn making<T>(&mut self, make: impl FnOnce() -> T) -> T {
        let begun = clock::thread_cpu();
        let made = make();
        self.making += clock::thread_cpu().saturating_sub(begun);
        made
    }

    fn close(self, rows: u64) -> Cost {
        let cpu = clock::process_cpu().saturating_sub(self.cpu).saturating_sub(self.making);
        Cost {
            rows,
            cpu_seconds: cpu.as_secs_f64(),
            wall_seconds: self.begun.elapsed().as_secs_f64(),
            peak_bytes: clock::memory(std::process::id()).unwrap_or_default().peak_bytes,
        }
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    customers: Vec<Customer<'a>>,
    more: bool,
}

/// As a program would hold a row that wants all of it.
#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed to be paid for")]
struct Customer<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    first_name: Cow<'a, str>,
    #[serde(borrow)]
    last_name: Cow<'a, str>,
    #[serde(borrow)]
    email: Cow<'a, str>,
    #[serde(borrow)]
    phone: Cow<'a, str>,
    #[serde(borrow)]
    street: Cow<'a, str>,
    #[serde(borrow)]
    postcode: Cow<'a, str>,
    #[serde(borrow)]
    city: Cow<'a, str>,
    #[serde(borrow)]
    country: Cow<'a, str>,
    #[serde(borrow)]
    birth_date: Cow<'a, str>,
    #[serde(borrow)]
    company: Cow<'a, str>,
    #[serde(borrow)]
    stage: Cow<'a, str>,
    #[serde(borrow)]
    created_at: Cow<'a, str>,
    #[serde(borrow)]
    updated_at: Cow<'a, str>,
    consent_email: bool,
    consent_sms: bool,
}

/// Pulls the whole table.
///
/// # Errors
/// The API does not answer, or not with such pages.
pub async fn pull(url: &str) -> Result<Cost> {
    let account = Account::open();
    let client = client();
    let mut rows = 0;
    loop {
        let page = format!("{url}/customers?after={rows}&limit={PAGE_ROWS}");
        let body = client.get(page).send().await?.error_for_status()?.bytes().await?;
        let answer: Answer<'_> = serde_json::from_slice(&body)?;
        rows += answer.customers.len() as u64;
        if !answer.more {
            return Ok(account.close(rows));
        }
    }
}

/// Writes a table into a fresh engine in `dir`, a value per page or per row.
///
/// # Errors
/// The engine fails.
pub fn write(dir: &Path, people: People, rows: u64, per_row: bool) -> Result<Cost> {
    let mut account = Account::open();
    let db = sled::Config::new()
        .path(dir)
        .mode(sled::Mode::HighThroughput)
        .segment_size(SEGMENT_BYTES)
        .cache_capacity(CACHE_BYTES)
        .open()?;
    let file = File::open(dir.join("db")).context("the engine's file")?;
    for first in (0..rows).step_by(usize::try_from(PAGE_ROWS)?) {
        let last = rows.min(first + PAGE_ROWS);
        let texts: Vec<String> = account.making(|| texts(people, first, last));
        let mut batch = sled::Batch::default();
        if per_row {
            for (row, text) in (first..last).zip(&texts) {
                batch.insert(&row.to_be_bytes(), text.as_bytes());
            }
        } else {
            batch.insert(&first.to_be_bytes(), texts.concat().into_bytes());
        }
        db.apply_batch(batch)?;
        db.flush()?;
        // As the hub's store does: the engine's own flush does not reach the disk.
        file.sync_data()?;
        account.making(|| drop(texts));
    }
    drop(db);
    Ok(account.close(rows))
}

/// The bytes of all values of a store whose engine is in `dir`. The engine
/// writes when it is opened: give it a copy.
///
/// # Errors
/// The engine cannot be opened or read.
pub fn values_bytes(dir: &Path) -> Result<u64> {
    let db = sled::Config::new().path(dir).segment_size(SEGMENT_BYTES).open()?;
    let mut bytes = 0;
    for name in db.tree_names() {
        for row in &db.open_tree(name)? {
            bytes += row?.1.len() as u64;
        }
    }
    Ok(bytes)
}

fn texts(people: People, first: u64, last: u64) -> Vec<String> {
    let text = |row| {
        let mut text = String::with_capacity(512);
        people.write(row, 0, &mut text);
        text
    };
    (first..last).map(text).collect()
}

/// Groups rows by identity: a hash table from value to row, and a forest.
///
/// # Errors
/// The groups are not the persons that the rows are about.
pub fn union_find(people: People, rows: u64) -> Result<Cost> {
    let mut account = Account::open();
    let mut groups = Groups::default();
    for first in (0..rows).step_by(usize::try_from(PAGE_ROWS)?) {
        let last = rows.min(first + PAGE_ROWS);
        let names =
            account.making(|| (first..last).map(|row| people.names(row)).collect::<Vec<_>>());
        for names in names {
            groups.row([names.id, names.email, names.phone]);
        }
    }
    let groups = groups.count();
    let cost = account.close(rows);
    if groups != people.persons(rows) {
        bail!("{groups} groups for {} persons", people.persons(rows));
    }
    Ok(cost)
}

/// Rows that share a value, told apart by nothing else.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    forest: Vec<usize>,
    first_of: HashMap<String, usize>,
}

impl Groups {
    /// The next row, and the values that name somebody in it.
    pub fn row(&mut self, values: impl IntoIterator<Item = String>) {
        let row = self.forest.len();
        self.forest.push(row);
        for value in values {
            let first = *self.first_of.entry(value).or_insert(row);
            let (one, other) = (self.root(first), self.root(row));
            if let Some(parent) = self.forest.get_mut(one.max(other)) {
                *parent = one.min(other);
            }
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.forest.iter().enumerate().filter(|(row, parent)| row == *parent).count() as u64
    }

    fn root(&self, mut row: usize) -> usize {
        while let Some(parent) = self.forest.get(row).filter(|parent| **parent != row) {
            row = *parent;
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::{union_find, write};
    use crate::people::People;

    #[test]
    fn groups_are_the_persons() {
        assert_eq!(union_find(People::new(3), 3_000).unwrap().rows, 3_000);
    }

    #[test]
    fn every_row_is_in_the_engine() {
        for (per_row, values) in [(false, 3), (true, 2_500)] {
            let folder = tempfile::tempdir().unwrap();
            let people = People::new(3);
            assert_eq!(write(folder.path(), people, 2_500, per_row).unwrap().rows, 2_500);
            let db = sled::Config::new()
                .path(folder.path())
                .segment_size(super::SEGMENT_BYTES)
                .open()
                .unwrap();
            assert_eq!(db.len(), values);
        }
    }
}
