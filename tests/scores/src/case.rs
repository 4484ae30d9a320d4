//! How each connector is judged: its counterpart, the connection to it, and what is
//! tried there.

mod ads;
mod partners;
mod senders;
mod systems;

use std::any::Any;
use std::path::Path;

use anyhow::Result;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// What stands on the other side while a connector is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// A fake account that keeps state, written by us (`tests/doubles`).
    OwnDouble,
    /// Deliveries in the vendor's form, written by us.
    OwnSamples,
    /// The system itself.
    RealServer,
    /// A folder of this machine.
    RealFolder,
}

impl Against {
    /// In words, as the table has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::OwnDouble => "own double",
            Self::OwnSamples => "own samples",
            Self::RealServer => "real server",
            Self::RealFolder => "real folder",
        }
    }
}

impl Serialize for Against {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}

/// A connector and how it is judged.
#[derive(Clone, Copy)]
pub struct Case {
    /// The connector's id, and the name of its component.
    pub connector: &'static str,
    /// The class of tools that it belongs to.
    pub class: &'static str,
    /// What it is held against here.
    pub against: Against,
    /// What the ordinary tests hold it or its double against besides; empty = nothing.
    pub also: &'static str,
    /// Starts the counterpart, with a folder to work in.
    pub begin: fn(&Path) -> Result<Stage>,
}

/// A counterpart that runs, and the connection to it.
pub struct Stage {
    /// The rest of `[connections.account]`.
    pub connection: String,
    /// Environment variables that the configuration names.
    pub secrets: Vec<(&'static str, String)>,
    /// What may be tried, by stream, as `connector test --samples` takes it.
    pub samples: Value,
    /// What ends when it is dropped.
    pub counterpart: Box<dyn Any>,
}

/// Every case.
pub const ALL: [Case; 9] = [
    ads::META,
    ads::GOOGLE,
    partners::AUDIENCE_FILES,
    senders::SENDGRID,
    systems::FILES,
    systems::HUBSPOT,
    systems::MAIL,
    systems::TRACKED,
    systems::TRYTON,
];

impl Case {
    /// The case of a connector.
    #[must_use]
    pub fn of(connector: &str) -> Option<&'static Self> {
        ALL.iter().find(|case| case.connector == connector)
    }
}

/// What lets a connection reach a port of this machine.
#[must_use]
pub fn reaching(port: u16) -> String {
    format!(
        "hosts = [\"127.0.0.1:{port}\"]\nprivate = [\"127.0.0.1/32:{port}\"]\n\
         insecure_http = true\n"
    )
}
