//! The distribution's own compiler, unpacked into the target folder: nothing
//! is installed, nothing leaves the target folder, no root is needed once the
//! package lists are there.
//!
//! Debian ships the Rust that builds its browsers as `rustc-web`, which is
//! newer than plain `rustc`; both families are tried. std for wasm is not
//! among the packages, its sources are: cargo builds it (`-Zbuild-std`).

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::{Toolchain, sysroot};
use crate::{
    apt::{self, Package},
    paths, process,
};

/// Compiler, its std, the sources of std: newest family first.
const FAMILIES: [[&str; 3]; 2] = [
    ["rustc-web", "libstd-rust-web-dev", "rust-web-src"],
    ["rustc", "libstd-rust-dev", "rust-src"],
];

/// What was unpacked; its presence says that the unpacking was completed.
#[derive(Debug, Serialize, Deserialize)]
struct Stamp {
    rustc: String,
    packages: Vec<String>,
}

/// Finds the unpacked compiler or unpacks it.
///
/// # Errors
/// Not a Debian kind of system, no recent enough compiler in the lists, a
/// download that fails, or no linker in the toolchain in use.
pub fn obtain() -> Result<Toolchain> {
    let folder = paths::toolchain().join("distro");
    let root = folder.join("root");
    let stamp = folder.join("stamp.json");
    let linker = linker()?;
    let toolchain = toolchain_in(&root, linker)?;
    if is_complete(&stamp, &toolchain) {
        return Ok(toolchain);
    }
    if !apt::exists() {
        bail!("this is no Debian kind of system (apt-get, apt-cache, dpkg are missing)");
    }
    eprintln!("      unpacking the distribution's Rust compiler (about 140 MB to download)");
    let packages = unpack_fresh(&folder, &root)?;
    let rustc = version(&toolchain).context("the unpacked compiler does not run")?;
    let text = serde_json::to_string_pretty(&Stamp { rustc, packages })?;
    fs::write(&stamp, text).with_context(|| format!("write {}", stamp.display()))?;
    Ok(toolchain)
}

fn is_complete(stamp: &Path, toolchain: &Toolchain) -> bool {
    let Toolchain::Distro { rustc, .. } = toolchain else {
        return false;
    };
    fs::read_to_string(stamp).is_ok_and(|text| serde_json::from_str::<Stamp>(&text).is_ok())
        && rustc.is_file()
}

/// Chooses and unpacks; refreshes stale or empty package lists once if allowed.
fn unpack_fresh(folder: &Path, root: &Path) -> Result<Vec<String>> {
    let attempt = || -> Result<Vec<String>> {
        let packages = choose()?;
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("clear {}", folder.display()))?;
        }
        let names = packages.iter().map(|package| package.name.clone());
        let cache = folder.join("packages");
        apt::unpack(&names.collect::<Vec<_>>(), &cache, root)?;
        fs::remove_dir_all(&cache)?;
        let versioned =
            packages.iter().map(|package| format!("{}={}", package.name, package.version));
        Ok(versioned.collect())
    };
    match attempt() {
        Ok(packages) => Ok(packages),
        Err(first) if process::is_root() => {
            eprintln!("      refreshing the package lists ({})", first.root_cause());
            apt::update().context("the package lists cannot be refreshed")?;
            attempt()
        }
        Err(first) => {
            Err(first.context("as root, apt-get update may be needed before this can work"))
        }
    }
}

/// The packages to unpack, from the first family that is recent enough.
fn choose() -> Result<Vec<Package>> {
    let mut found = Vec::new();
    for family in FAMILIES {
        let Some(packages) = look_up_all(&family) else {
            continue;
        };
        let Some(version) = packages.first().map(|compiler| compiler.version.clone()) else {
            continue;
        };
        if is_recent(&version) {
            return Ok(with_missing_libraries(packages));
        }
        found.push(version);
    }
    bail!(
        "the package lists hold no Rust {} or later (found: {})",
        env!("CARGO_PKG_RUST_VERSION"),
        if found.is_empty() { "none".to_owned() } else { found.join(", ") }
    )
}

fn look_up_all(names: &[&str]) -> Option<Vec<Package>> {
    names.iter().map(|name| apt::look_up(name)).collect()
}

/// Adds the compiler's shared library and what that needs, as far as the
/// system does not have it. The compiler package's own wishes (gcc, binutils)
/// are left out: a machine that builds the hub has a linker.
fn with_missing_libraries(mut packages: Vec<Package>) -> Vec<Package> {
    let mut known: BTreeSet<String> = packages.iter().map(|one| one.name.clone()).collect();
    let mut open: Vec<String> = packages
        .iter()
        .flat_map(|package| package.depends.clone())
        .filter(|name| name.starts_with("libstd-rust"))
        .collect();
    while let Some(name) = open.pop() {
        if !known.insert(name.clone()) || apt::is_installed(&name) {
            continue;
        }
        // A name that the lists do not hold is a virtual package.
        if let Some(package) = apt::look_up(&name) {
            open.extend(package.depends.clone());
            packages.push(package);
        }
    }
    packages
}

/// `1.96.0+dfsg1-1` against the version this workspace asks for.
fn is_recent(version: &str) -> bool {
    fn numbers(text: &str) -> Option<(u32, u32)> {
        let mut parts = text.split(['.', '+', '-', '~']);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
    numbers(version) >= numbers(env!("CARGO_PKG_RUST_VERSION"))
}

fn toolchain_in(root: &Path, linker: PathBuf) -> Result<Toolchain> {
    let architecture = host()?;
    let architecture = architecture.split('-').next().unwrap_or("x86_64");
    Ok(Toolchain::Distro {
        rustc: root.join("usr/bin/rustc"),
        libraries: root.join(format!("usr/lib/{architecture}-linux-gnu")),
        linker,
    })
}

/// The stock toolchain's linker: distributions package it apart.
fn linker() -> Result<PathBuf> {
    let linker = sysroot()?.join("lib/rustlib").join(host()?).join("bin/rust-lld");
    if !linker.is_file() {
        bail!("the toolchain in use has no rust-lld; rustup's stable toolchain brings it");
    }
    Ok(linker)
}

fn host() -> Result<String> {
    let text = process::read(Command::new("rustc").arg("-vV").env_remove("RUSTC_BOOTSTRAP"))?;
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc -vV names no host")
}

fn version(toolchain: &Toolchain) -> Result<String> {
    let Toolchain::Distro { rustc, libraries, .. } = toolchain else {
        bail!("not a compiler of the distribution");
    };
    let mut command = Command::new(rustc);
    command.arg("-V").env("LD_LIBRARY_PATH", libraries);
    Ok(process::read(&mut command)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_recent_compiler_will_do() {
        let cases = [
            ("1.96.0+dfsg1-1~deb12u2", true),
            ("1.95.0-1", true),
            ("2.0.0", true),
            ("1.85.0+dfsg3-1~deb12u3", false),
            ("1.9.0", false),
            ("", false),
        ];
        for (version, expected) in cases {
            assert_eq!(is_recent(version), expected, "{version}");
        }
    }
}
