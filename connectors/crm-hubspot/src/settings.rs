//! The connection's settings.

use std::collections::BTreeMap;

use liaison_sdk::{Call, Fault, http};
use serde::Deserialize;

/// What `connector.json` describes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address of the API, without a path.
    pub url: String,
    /// By stream, the property by which a create is an upsert.
    #[serde(default)]
    pub upsert_by: BTreeMap<String, String>,
    /// How long the search may need until it finds a change.
    #[serde(default = "lag_seconds")]
    pub lag_seconds: u32,
    /// Time between two looks for deleted records.
    #[serde(default = "deleted_minutes")]
    pub deleted_minutes: u32,
    /// Time between two complete reads.
    #[serde(default = "snapshot_hours")]
    pub snapshot_hours: u32,
}

const fn lag_seconds() -> u32 {
    300
}

const fn deleted_minutes() -> u32 {
    60
}

const fn snapshot_hours() -> u32 {
    24
}

impl Settings {
    /// The settings of a call.
    ///
    /// # Errors
    /// `config`, with what was expected.
    pub fn of(call: &Call) -> Result<Self, Fault> {
        let settings: Self = call.settings()?;
        if http::is_origin(&settings.url) {
            Ok(settings)
        } else {
            Err(Fault::config("settings.url", "an address without a path: https://api.hubapi.com"))
        }
    }

    /// The lag of the search in milliseconds.
    pub fn lag_millis(&self) -> i64 {
        i64::from(self.lag_seconds) * 1_000
    }

    /// The time between two looks for deleted records in milliseconds.
    pub fn deleted_millis(&self) -> i64 {
        i64::from(self.deleted_minutes) * 60_000
    }

    /// The time between two complete reads in milliseconds.
    pub fn snapshot_millis(&self) -> i64 {
        i64::from(self.snapshot_hours) * 3_600_000
    }
}
