//! Python environments: the machine's Python, a private folder for packages.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{Unavailable, apt, counterparts, process};

/// Obtains a virtual environment that holds these pinned packages.
///
/// # Errors
/// [`Unavailable`] where there is no Python and no way to get one; pip's own
/// words where a package cannot be fetched.
pub fn environment(folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    if let Some(python) = ready(folder, packages) {
        return Ok(python);
    }
    counterparts::begin(folder)?;
    create(folder)?;
    let python = interpreter(folder);
    let mut command = Command::new(&python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    process::read(&mut command).context("pip cannot fetch the packages")?;
    counterparts::complete(folder, &packages.join("\n"))?;
    Ok(python)
}

/// The Python of an environment that holds these packages, if it was made.
#[must_use]
pub fn ready(folder: &Path, packages: &[&str]) -> Option<PathBuf> {
    let python = interpreter(folder);
    let complete = counterparts::is_complete(folder, &packages.join("\n"));
    (complete && python.is_file()).then_some(python)
}

/// The Python of an environment, there or not.
#[must_use]
pub fn interpreter(folder: &Path) -> PathBuf {
    folder.join("bin").join("python")
}

/// Three ways to an environment with pip: as is, with the system package
/// installed (root), with pip's wheel unpacked privately (no root).
fn create(folder: &Path) -> Result<()> {
    if !process::exists("python3") && apt::install(&["python3", "python3-venv"]).is_err() {
        return Err(no_python());
    }
    if venv(folder, &[]).is_ok() {
        return Ok(());
    }
    if apt::install(&["python3-venv"]).is_ok() && venv(folder, &[]).is_ok() {
        return Ok(());
    }
    with_private_pip(folder).map_err(|error| {
        eprintln!("      pip cannot be unpacked privately: {error:#}");
        no_python()
    })
}

fn no_python() -> anyhow::Error {
    Unavailable::new("a Python environment", "as root: apt-get install python3 python3-venv").into()
}

fn venv(folder: &Path, options: &[&str]) -> Result<()> {
    let mut command = Command::new("python3");
    command.args(["-m", "venv", "--clear"]).args(options);
    process::read(command.arg(folder)).map(drop)
}

/// Debian keeps pip out of its Python; its wheel is a package of its own and
/// can install itself.
fn with_private_pip(folder: &Path) -> Result<()> {
    venv(folder, &["--without-pip"])?;
    let unpacked = folder.join("pip-wheel");
    let packages = ["python3-pip-whl".to_owned()];
    apt::unpack(&packages, &unpacked.join("packages"), &unpacked)?;
    let wheels = unpacked.join("usr/share/python-wheels");
    let wheel = fs::read_dir(&wheels)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("pip-")
        })
        .context("the package holds no wheel of pip")?;
    let mut command = Command::new(interpreter(folder));
    command.arg(wheel.join("pip"));
    command.args(["install", "--quiet", "--no-index"]).arg(&wheel);
    process::read(&mut command).map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn without_root_pip_comes_from_its_unpacked_wheel() {
        if !apt::exists() || apt::look_up("python3-pip-whl").is_none() || venv_is_missing() {
            Unavailable::new("python3-pip-whl", "Debian with package lists (apt-get update)")
                .skip("python::without_root_pip_comes_from_its_unpacked_wheel");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        with_private_pip(folder.path()).unwrap();
        let mut command = Command::new(interpreter(folder.path()));
        let said = process::read(command.args(["-m", "pip", "--version"])).unwrap();
        assert!(said.starts_with("pip "), "{said}");
    }

    fn venv_is_missing() -> bool {
        process::read(Command::new("python3").args(["-m", "venv", "--help"])).is_err()
    }
}
