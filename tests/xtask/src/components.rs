//! From guest crates to components: one cargo call for all of them (std and
//! shared dependencies are built once), then the component encoder, then the
//! manifest as a custom section.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{
    Unavailable,
    guests::{self, Guest},
    paths, process,
    wasm::{self, Choice, Toolchain},
};

/// The profile of guests, in the root `Cargo.toml`.
const PROFILE: &str = "guest";

/// A component that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The crate's name.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: usize,
}

/// Builds every guest of this workspace that changed.
///
/// # Errors
/// No compiler for the target, a crate that does not build, or a module that
/// cannot become a component (it imports what the contract does not offer).
pub fn build() -> Result<Vec<Component>> {
    build_workspace(&paths::root())
}

/// Builds every guest of the workspace in `folder`, into this workspace's
/// target folder.
///
/// # Errors
/// As [`build`].
pub fn build_workspace(folder: &Path) -> Result<Vec<Component>> {
    let guests = guests::find(folder)?;
    if guests.is_empty() {
        return Ok(Vec::new());
    }
    let toolchain = Toolchain::obtain(Choice::from_environment()?)?;
    compile(folder, &guests, &toolchain)?;
    let output = paths::target().join("components");
    fs::create_dir_all(&output).with_context(|| format!("create {}", output.display()))?;
    guests
        .iter()
        .map(|guest| {
            finish(guest, &output).with_context(|| format!("making a component of {}", guest.name))
        })
        .collect()
}

/// Where the component of a crate is.
///
/// # Errors
/// It has not been built.
pub fn built(name: &str) -> Result<PathBuf, Unavailable> {
    let path = paths::components().join(format!("{name}.wasm"));
    if path.is_file() {
        return Ok(path);
    }
    Err(Unavailable::new(format!("the component {name}"), "cargo xtask components builds it"))
}

fn compile(folder: &Path, guests: &[Guest], toolchain: &Toolchain) -> Result<()> {
    let mut command = process::cargo(folder);
    command.args(["build", "--lib", "--profile", PROFILE]);
    command.args(["--target", wasm::TARGET]);
    command.arg("--target-dir").arg(paths::guests_target());
    for guest in guests {
        command.args(["--package", &guest.name]);
    }
    toolchain.apply(&mut command);
    process::run(&mut command)
}

/// Encodes always (milliseconds) and writes only what changed: no stamp that
/// could be stale, and what watches the file sees no false change.
fn finish(guest: &Guest, output: &Path) -> Result<Component> {
    let module = paths::guests_target()
        .join(wasm::TARGET)
        .join(PROFILE)
        .join(format!("{}.wasm", guest.module));
    let module = fs::read(&module).with_context(|| format!("read {}", module.display()))?;
    let mut component = plugin_pack::encode(&module)?;
    if let Some(manifest) = guest.manifest() {
        let manifest =
            fs::read(&manifest).with_context(|| format!("read {}", manifest.display()))?;
        component = plugin_pack::append(&component, &manifest)?;
    }
    let path = output.join(format!("{}.wasm", guest.name));
    write_if_changed(&path, &component)?;
    Ok(Component { name: guest.name.clone(), path, bytes: component.len() })
}

/// Writes a component, unless it is what is there already.
pub(crate) fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    // Renamed into place: a test that runs meanwhile never sees half a file.
    let fresh = path.with_extension("wasm.new");
    fs::write(&fresh, bytes).with_context(|| format!("write {}", fresh.display()))?;
    fs::rename(&fresh, path).with_context(|| format!("write {}", path.display()))
}
