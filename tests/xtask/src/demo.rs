//! The demo: a hub, a real ERP, a CRM, mail, a web site and real people; edits travel
//! every way, and one of them buys and unsubscribes.
//!
//! [`prepare`] obtains everything it stands on. [`world::World`] is the same
//! for the demo and for the harness that kills the hub ([`crate::crash`]): data
//! files, configuration, a running Tryton, a running hub. [`scene`] adds the tools that
//! people meet; [`story`] tells it.

pub mod data;
pub mod hub;
pub mod scene;
pub mod story;
pub mod world;

use std::path::PathBuf;

use anyhow::Result;

use crate::{Unavailable, components, febrl, mail, paths, process, steps::Steps, tryton};

/// How the demo is told.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// How many tools are linked.
    #[arg(long, value_enum, default_value_t = Tools::Few)]
    pub stack: Tools,
    /// End by itself instead of leaving hub and ERP running.
    #[arg(long)]
    pub once: bool,
    /// Print what was seen as one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
    /// Customers in the seeded file, besides the 1,000 rows of FEBRL; with the full
    /// stack, everybody.
    #[arg(long, default_value_t = 300, value_name = "N")]
    pub customers: usize,
}

/// How large the organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Tools {
    /// An ERP, a CRM, mail, a web site and files.
    Few,
    /// Fifteen, from CRM to mail, all on schedule. It ends by itself and prints what the
    /// hub used.
    Full,
}

/// Everything the demo needs, ready to be started.
#[derive(Debug)]
pub struct Stage {
    /// The binary `liaison`.
    pub binary: PathBuf,
    /// The folder that holds the connectors as components.
    pub components: PathBuf,
    /// The folder of the FEBRL CSV files.
    pub people: PathBuf,
    /// An empty folder of the demo's own, for data, logs and configuration.
    pub work: PathBuf,
}

/// Obtains everything the demo needs, with an empty folder `name` to work in.
/// Quick the second time.
///
/// # Errors
/// Something cannot be built or fetched; unlike a test, the demo cannot do
/// without any of it.
pub fn prepare(name: &str) -> Result<Stage> {
    let mut steps = Steps::new(5);
    let remedy = "cargo xtask components repeats this step alone.";
    steps.step("connectors into components", remedy, components::build)?;
    let remedy = "cargo xtask setup --only tryton repeats this step alone.";
    let erp = steps.step("a real ERP (Tryton)", remedy, tryton::prepare)?;
    let remedy = "cargo xtask setup --only mail repeats this step alone.";
    steps.step("a real mail server (aiosmtpd)", remedy, mail::prepare)?;
    let remedy = "Is the Python package index reachable?";
    let people = steps.step("test data (FEBRL)", remedy, || febrl::fetch(&erp.python))?;
    let binary = steps.step("the hub", "Mend the errors above.", || {
        process::build_workspace()?;
        Ok(paths::binary())
    })?;
    let work = paths::target().join(name);
    crate::counterparts::begin(&work)?;
    Ok(Stage { binary, components: paths::components(), people, work })
}

/// The same for a test: nothing is built or fetched, `work` is the folder.
///
/// # Errors
/// What was not set up, and how to get it.
pub fn ready(work: PathBuf) -> Result<Stage, Unavailable> {
    tryton::ready()?;
    mail::ready()?;
    let people = febrl::ready()?;
    Ok(Stage { binary: paths::binary(), components: paths::components(), people, work })
}
