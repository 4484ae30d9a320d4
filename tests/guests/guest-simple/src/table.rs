//! The rows, from the settings or from the file that keeps them.

use std::collections::BTreeMap;

use liaison_sdk::{Fault, FaultCode, Row, files};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Settings;

const FILE: &str = "people.json";
/// More than a test ever keeps.
const FILE_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// One row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    pub data: Map<String, Value>,
    writes: u64,
}

impl Entry {
    pub fn version(&self) -> String {
        self.writes.to_string()
    }

    pub fn row(&self, key: &str) -> Row {
        Row::upsert(key, self.data.clone()).version(self.version())
    }

    /// Whether the patch would change nothing.
    pub fn holds(&self, patch: &Map<String, Value>) -> bool {
        patch.iter().all(|(name, value)| self.data.get(name).unwrap_or(&Value::Null) == value)
    }
}

/// All rows by key.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Table {
    pub rows: BTreeMap<String, Entry>,
}

impl Table {
    /// The rows, and the version of the file that they are from.
    pub fn open(settings: &Settings) -> Result<(Self, Option<String>), Fault> {
        let Some(folder) = &settings.folder else { return Ok((Self::seed(settings), None)) };
        match files::read(folder, FILE, 0, FILE_BYTES_MAX) {
            Ok(part) => {
                let table = serde_json::from_slice(&part.data)
                    .map_err(|error| Fault::drift(FILE, error))?;
                Ok((table, Some(part.version)))
            }
            Err(fault) if fault.code == FaultCode::NotFound => Ok((Self::seed(settings), None)),
            Err(fault) => Err(fault),
        }
    }

    fn seed(settings: &Settings) -> Self {
        let mut table = Self::default();
        for row in &settings.rows {
            let key = table.next_key();
            table.put(key, row);
        }
        table
    }

    /// Keys of equal length, so that they sort as they were given.
    pub fn next_key(&self) -> String {
        let last = self.rows.keys().next_back().and_then(|key| key.parse::<u64>().ok());
        format!("{:06}", last.unwrap_or(0) + 1)
    }

    /// Applies a patch: null clears, a value sets.
    pub fn put(&mut self, key: String, patch: &Map<String, Value>) -> &Entry {
        let fresh = || Entry { data: Map::new(), writes: 0 };
        let entry = self.rows.entry(key.clone()).or_insert_with(fresh);
        entry.data.insert("id".to_owned(), Value::String(key));
        entry.data.extend(patch.iter().map(|(name, value)| (name.clone(), value.clone())));
        entry.writes += 1;
        entry
    }

    pub fn save(&self, settings: &Settings, version: Option<&str>) -> Result<(), Fault> {
        let Some(folder) = &settings.folder else {
            return Err(Fault::config("folder", "a granted folder, to write anything"));
        };
        let data = serde_json::to_vec(self).map_err(Fault::bug)?;
        files::write(folder, FILE, &data, version).map(|_| ())
    }
}
