//! Why a command did not do it: a code, the place, what is wrong, and how to
//! mend it. Everything the binary refuses goes through here, so that no
//! refusal lacks one of the four.

use std::fmt;

use hub_http::Lang;
use hub_http::sentences::sentence;
use hub_model::Fault;
use serde_json::{Value, json};

use crate::exit::Exit;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// A stable code.
    pub code: String,
    /// Where: a file and line, a path, an address.
    pub place: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

/// Why a command ends without having done it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What the process ends with.
    pub exit: Exit,
    /// What is wrong; at least one.
    pub items: Vec<Item>,
}

impl Trouble {
    /// One thing that is wrong.
    pub fn new(
        exit: Exit,
        code: &str,
        place: impl fmt::Display,
        what: impl fmt::Display,
        mend: impl fmt::Display,
    ) -> Self {
        let item = Item {
            code: code.to_owned(),
            place: place.to_string(),
            what: what.to_string(),
            mend: mend.to_string(),
        };
        Self { exit, items: vec![item] }
    }

    /// As JSON, for `--json`.
    pub fn json(&self) -> Value {
        let items: Vec<Value> = self
            .items
            .iter()
            .map(|i| json!({ "code": i.code, "place": i.place, "what": i.what, "mend": i.mend }))
            .collect();
        json!({ "errors": items, "exit": self.exit.code() })
    }
}

impl Item {
    /// A fault in the reader's language.
    pub fn of_fault(fault: &Fault, lang: Lang) -> Self {
        let s = sentence(fault, lang);
        let what = format!("{}. {}", s.title, s.detail);
        Self { code: s.code.to_owned(), place: s.place, what, mend: s.mend }
    }

    /// A fault of the configuration.
    pub fn of_config(fault: &hub_config::ConfigFault) -> Self {
        let place = if fault.place.is_empty() {
            fault.location.to_string()
        } else {
            format!("{} ({})", fault.location, fault.place)
        };
        let (what, mend) = (fault.problem(), fault.mend());
        Self { code: fault.code.to_owned(), place, what, mend }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.what)?;
        if !self.place.is_empty() {
            write!(f, "\n   at: {}", self.place)?;
        }
        if !self.mend.is_empty() {
            write!(f, "\n mend: {}", self.mend)?;
        }
        Ok(())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.items.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            item.fmt(f)?;
        }
        Ok(())
    }
}

impl From<Vec<hub_config::ConfigFault>> for Trouble {
    fn from(faults: Vec<hub_config::ConfigFault>) -> Self {
        Self { exit: Exit::Usage, items: faults.iter().map(Item::of_config).collect() }
    }
}

impl From<hub_store::Error> for Trouble {
    fn from(error: hub_store::Error) -> Self {
        let (code, mend) = match &error {
            hub_store::Error::Full(_) => ("store/full", "free some space, then start again"),
            hub_store::Error::Corrupt(_) => {
                ("store/damaged", "run `liaison store verify`, then restore a backup")
            }
            hub_store::Error::Locked { .. } => (
                "store/locked",
                "stop the other process first, or let this one work through it: it must be \
                 `liaison serve` of the same configuration",
            ),
            hub_store::Error::Unavailable(_) => {
                ("store/unavailable", "look at the reason above; nothing was changed")
            }
            hub_store::Error::Moved { .. } => (
                "store/moved",
                "try again while no hub writes, or take a backup and use that: \
                 `liaison store backup --to DIR`",
            ),
            hub_store::Error::Refused(_) | hub_store::Error::Conflict { .. } => {
                ("store/refused", "report this with the message above: it is a defect")
            }
        };
        Self::new(Exit::Store, code, "store", error, mend)
    }
}
