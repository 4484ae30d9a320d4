//! Where things lie. Every path is absolute and under the workspace or its
//! target folder.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Environment variable that tells tests where the built components are.
pub const COMPONENTS_DIR_VARIABLE: &str = "LIAISON_COMPONENTS_DIR";
/// Environment variable that tells tests where Tryton and the data sets are.
pub const COUNTERPARTS_DIR_VARIABLE: &str = "LIAISON_COUNTERPARTS_DIR";
/// Environment variable that tells tests which `liaison` binary to start.
pub const BINARY_VARIABLE: &str = "LIAISON_BIN";

/// The root of the workspace.
#[must_use]
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_path_buf()
}

/// Cargo's target folder: `CARGO_TARGET_DIR` where set (a relative one counts
/// from the root), else `target`.
#[must_use]
pub fn target() -> PathBuf {
    let folder = env::var_os("CARGO_TARGET_DIR").filter(|value| !value.is_empty());
    root().join(folder.map_or_else(|| PathBuf::from("target"), PathBuf::from))
}

/// The one target folder that all guests share, so that std is built once.
#[must_use]
pub fn guests_target() -> PathBuf {
    target().join("guests")
}

/// Unpacked compilers.
#[must_use]
pub fn toolchain() -> PathBuf {
    target().join("toolchain")
}

/// The tools of connectors in other languages than Rust.
#[must_use]
pub fn languages() -> PathBuf {
    target().join("languages")
}

/// Finished components, one `<crate>.wasm` each.
#[must_use]
pub fn components() -> PathBuf {
    from_variable(COMPONENTS_DIR_VARIABLE).unwrap_or_else(|| target().join("components"))
}

/// Real systems and data sets to test against.
#[must_use]
pub fn counterparts() -> PathBuf {
    from_variable(COUNTERPARTS_DIR_VARIABLE).unwrap_or_else(|| target().join("counterparts"))
}

/// The binary `liaison` of the development profile, built or not.
#[must_use]
pub fn binary() -> PathBuf {
    from_variable(BINARY_VARIABLE).unwrap_or_else(|| target().join("debug").join("liaison"))
}

fn from_variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(|value| root().join(value))
}
