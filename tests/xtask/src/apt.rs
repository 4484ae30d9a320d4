//! Debian's package tools, used two ways: unpack privately (no root, nothing
//! installed) or install (root).

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::process;

/// What the package lists know about one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// The version that would be downloaded.
    pub version: String,
    /// What it needs; of alternatives the first.
    pub depends: Vec<String>,
}

/// Whether this machine has Debian's tools at all.
#[must_use]
pub fn exists() -> bool {
    ["apt-get", "apt-cache", "dpkg", "dpkg-query"].iter().all(|tool| process::exists(tool))
}

/// Looks a package up in the lists that are on this machine.
#[must_use]
pub fn look_up(name: &str) -> Option<Package> {
    let mut command = Command::new("apt-cache");
    command.args(["show", "--no-all-versions", name]);
    parse(&process::read(&mut command).ok()?)
}

fn parse(stanza: &str) -> Option<Package> {
    let field =
        |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    Some(Package {
        name: field("Package")?.to_owned(),
        version: field("Version")?.to_owned(),
        depends: field("Depends").map(depends).unwrap_or_default(),
    })
}

/// `a (>= 1), b:any | c` is a, b.
fn depends(line: &str) -> Vec<String> {
    line.split(',')
        .filter_map(|entry| {
            let name = entry.split(['|', '(', ':', '[']).next()?.trim();
            (!name.is_empty()).then(|| name.to_owned())
        })
        .collect()
}

/// Whether a package is installed on the system.
#[must_use]
pub fn is_installed(name: &str) -> bool {
    let mut command = Command::new("dpkg-query");
    command.args(["-W", "-f", "${db:Status-Status}", name]);
    process::read(&mut command).is_ok_and(|status| status.trim() == "installed")
}

/// Refreshes the package lists; needs root.
///
/// # Errors
/// apt-get's own.
pub fn update() -> Result<()> {
    process::read(Command::new("apt-get").args(["-q", "update"])).map(drop)
}

/// Installs packages on the system, refreshing the lists if they do not know
/// them; needs root.
///
/// # Errors
/// Not root, or apt-get's own.
pub fn install(packages: &[&str]) -> Result<()> {
    if !exists() || !process::is_root() {
        bail!("installing {} needs apt and root", packages.join(" "));
    }
    if packages.iter().any(|package| look_up(package).is_none()) {
        update()?;
    }
    let mut command = Command::new("apt-get");
    command
        .args(["-q", "-y", "--no-install-recommends", "install"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive");
    process::read(&mut command).map(drop)
}

/// Downloads packages into `cache` and unpacks them under `root`. Nothing is
/// installed and no root is needed.
///
/// # Errors
/// A package cannot be downloaded or unpacked.
pub fn unpack(packages: &[String], cache: &Path, root: &Path) -> Result<()> {
    for folder in [cache, root] {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    let mut command = Command::new("apt-get");
    command.current_dir(cache).args(["-q", "download"]);
    process::read(command.args(packages))?;
    for entry in fs::read_dir(cache)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            process::read(Command::new("dpkg").arg("-x").arg(&file).arg(root))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stanza_is_read() {
        let stanza = "Package: libstd-rust-web-1.96\nSource: rustc-web\n\
            Version: 1.96.0+dfsg1-1~deb12u2\n\
            Depends: libc6 (>= 2.34), libllvm22, gcc:any | cc [amd64], libstdc++6 (>= 11)\n\
            Description: Rust standard libraries\n";
        let expected = Package {
            name: "libstd-rust-web-1.96".into(),
            version: "1.96.0+dfsg1-1~deb12u2".into(),
            depends: ["libc6", "libllvm22", "gcc", "libstdc++6"].map(String::from).into(),
        };
        assert_eq!(parse(stanza), Some(expected));
        assert_eq!(parse("N: no such package"), None);
    }
}
