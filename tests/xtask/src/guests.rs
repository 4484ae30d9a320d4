//! Which crates are guests: those whose `Cargo.toml` says so,
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib", "rlib"]
//!
//! [package.metadata.liaison]
//! component = true
//! ```
//!
//! so that a new connector needs no list to be edited.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{CrateType, Metadata, MetadataCommand, Package};

/// A crate that becomes a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// The crate, and the name of its component.
    pub name: String,
    /// The library target: the file name that cargo gives the core module.
    pub module: String,
    /// The folder of its `Cargo.toml`.
    pub folder: PathBuf,
}

impl Guest {
    /// The manifest beside `Cargo.toml`, if this guest has one.
    #[must_use]
    pub fn manifest(&self) -> Option<PathBuf> {
        Some(self.folder.join("connector.json")).filter(|file| file.is_file())
    }
}

/// The guests of the workspace in `folder`, by name.
///
/// # Errors
/// Cargo cannot read the workspace, or a guest is not a `cdylib`.
pub fn find(folder: &Path) -> Result<Vec<Guest>> {
    let metadata = MetadataCommand::new()
        .current_dir(folder)
        .no_deps()
        .exec()
        .with_context(|| format!("cargo metadata in {}", folder.display()))?;
    guests(&metadata)
}

fn guests(metadata: &Metadata) -> Result<Vec<Guest>> {
    let mut guests = Vec::new();
    for package in metadata.workspace_packages() {
        if is_guest(package) {
            guests.push(guest(package)?);
        }
    }
    guests.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(guests)
}

fn is_guest(package: &Package) -> bool {
    let mark = package.metadata.pointer("/liaison/component");
    mark.and_then(serde_json::Value::as_bool) == Some(true)
}

fn guest(package: &Package) -> Result<Guest> {
    let library =
        package.targets.iter().find(|target| target.crate_types.contains(&CrateType::CDyLib));
    let Some(library) = library else {
        bail!(
            "{} says component = true but has no cdylib: add \
             [lib] crate-type = [\"cdylib\", \"rlib\"] to its Cargo.toml",
            package.name
        );
    };
    let folder = package.manifest_path.parent().context("a Cargo.toml lies in a folder")?;
    Ok(Guest {
        name: package.name.to_string(),
        module: library.name.replace('-', "_"),
        folder: folder.as_std_path().to_path_buf(),
    })
}
