//! Set-up, part by part. Every part is quick when there is nothing to do.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::{
    Unavailable, apt, bucket, components, febrl,
    languages::Language,
    lint, mail, oauth,
    oracles::Oracle,
    prism, process, segment, sftp,
    steps::Steps,
    tryton,
    wasm::{Choice, Toolchain},
};

/// One thing that can be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// A compiler for the guests.
    Wasm,
    /// Every connector and guest, built into a component.
    Components,
    /// The same connector in Python and in TypeScript, built into components with packages
    /// of the Python and npm indexes.
    Languages,
    /// A real ERP (Tryton) and the FEBRL data, both from the Python index.
    Tryton,
    /// The tracking client of Segment, from the Python index.
    Segment,
    /// A server for mail (aiosmtpd), from the Python index.
    Mail,
    /// A server of buckets (moto), from the Python index.
    Bucket,
    /// A server of files (OpenSSH), from the distribution's packages.
    Sftp,
    /// An authorisation server (Authlib), from the Python index.
    Oauth,
    /// The vendors' own normalisers, messages and clients, from the Python index.
    Oracles,
    /// A proxy that holds requests against a specification (prism), from the npm index.
    Prism,
    /// A browser for the console's tests (Chromium; not part of the ordinary set-up).
    Browser,
    /// cargo-deny and typos, built from source: minutes (not part of the ordinary set-up).
    LintTools,
}

/// What the two README commands need.
pub const ORDINARY: [Part; 11] = [
    Part::Wasm,
    Part::Components,
    Part::Languages,
    Part::Tryton,
    Part::Segment,
    Part::Mail,
    Part::Bucket,
    Part::Sftp,
    Part::Oauth,
    Part::Oracles,
    Part::Prism,
];

/// Browsers that will do.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Sets up one part, or the ordinary ones.
///
/// # Errors
/// A part fails, after what to do was printed. A part that cannot be had on
/// this machine is no error: it is named, and its tests will be skipped.
pub fn run(only: Option<Part>) -> Result<()> {
    let parts = only.map_or_else(|| ORDINARY.to_vec(), |part| vec![part]);
    let mut steps = Steps::new(parts.len());
    for part in parts {
        part.set_up(&mut steps)?;
    }
    Ok(())
}

impl Part {
    /// Sets this part up as the next step.
    ///
    /// # Errors
    /// As [`run`].
    pub fn set_up(self, steps: &mut Steps) -> Result<()> {
        let (name, remedy) = self.explain();
        steps.step(name, remedy, || or_name_what_is_missing(self.work()))
    }

    fn explain(self) -> (&'static str, &'static str) {
        match self {
            Self::Wasm => (
                "a compiler for connectors",
                "LIAISON_WASM_TOOLCHAIN=auto|rustup|distro chooses another way.",
            ),
            Self::Components => (
                "connectors into components",
                "Mend the crate named above; cargo xtask components repeats this step alone.",
            ),
            Self::Languages => (
                "connectors in Python and TypeScript",
                "Mend what is named above; cargo xtask setup --only languages repeats it.",
            ),
            Self::Tryton => (
                "a real ERP (Tryton) and test data",
                "Is the Python package index reachable? cargo xtask setup --only tryton repeats it.",
            ),
            Self::Segment => (
                "the tracking client of Segment",
                "Is the Python package index reachable? cargo xtask setup --only segment repeats it.",
            ),
            Self::Mail => (
                "a server for mail (aiosmtpd)",
                "Is the Python package index reachable? cargo xtask setup --only mail repeats it.",
            ),
            Self::Bucket => (
                "a server of buckets (moto)",
                "Is the Python package index reachable? cargo xtask setup --only bucket repeats it.",
            ),
            Self::Sftp => (
                "a server of files (OpenSSH)",
                "Are the package lists reachable? cargo xtask setup --only sftp repeats it.",
            ),
            Self::Oauth => (
                "an authorisation server (Authlib)",
                "Is the Python package index reachable? cargo xtask setup --only oauth repeats it.",
            ),
            Self::Oracles => {
                ("code of the vendors", "cargo xtask setup --only oracles repeats it.")
            }
            Self::Prism => (
                "a proxy that knows specifications (prism)",
                "Is the npm index reachable? cargo xtask setup --only prism repeats it.",
            ),
            Self::Browser => ("a browser", "As root: apt-get install chromium."),
            Self::LintTools => (
                "cargo-deny and typos",
                "cargo install --locked cargo-deny typos-cli does the same by hand.",
            ),
        }
    }

    fn work(self) -> Result<()> {
        match self {
            Self::Wasm => {
                let toolchain = Toolchain::obtain(Choice::from_environment()?)?;
                eprintln!("      {}", toolchain.describe());
            }
            Self::Components => {
                for component in components::build()? {
                    eprintln!("      {}.wasm, {} KiB", component.name, component.bytes / 1024);
                }
            }
            Self::Languages => {
                for language in Language::ALL {
                    or_name_what_is_missing(language.build().map(drop))?;
                }
            }
            Self::Tryton => {
                let template = tryton::prepare()?;
                febrl::fetch(&template.python)?;
            }
            Self::Segment => drop(segment::prepare()?),
            Self::Mail => drop(mail::prepare()?),
            Self::Bucket => drop(bucket::prepare()?),
            Self::Sftp => drop(sftp::prepare()?),
            Self::Oauth => drop(oauth::prepare()?),
            Self::Oracles => {
                for oracle in Oracle::ALL {
                    or_name_what_is_missing(oracle.fetch())?;
                }
            }
            Self::Prism => drop(prism::prepare()?),
            Self::Browser => eprintln!("      {}", browser()?.display()),
            Self::LintTools => lint::install_tools()?,
        }
        Ok(())
    }
}

/// Turns "not on this machine" into a line, and leaves every other error.
fn or_name_what_is_missing(result: Result<()>) -> Result<()> {
    match result {
        Err(error) => match error.downcast_ref::<Unavailable>() {
            Some(missing) => {
                eprintln!("      the tests that need it will be skipped: {missing}");
                Ok(())
            }
            None => Err(error),
        },
        Ok(()) => Ok(()),
    }
}

/// A browser on the search path, installed as root if there is none.
///
/// # Errors
/// [`Unavailable`] where it cannot be installed.
pub fn browser() -> Result<PathBuf> {
    if let Some(found) = BROWSERS.iter().find_map(|name| process::find(name)) {
        return Ok(found);
    }
    if let Err(error) = apt::install(&["chromium"]) {
        bail!(Unavailable::new("Chromium", format!("as root: apt-get install chromium ({error})")));
    }
    match process::find("chromium") {
        Some(found) => Ok(found),
        None => bail!(Unavailable::new("Chromium", "the package chromium brought no program")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_unavailable_is_no_failure_and_the_rest_is() {
        let missing = Unavailable::new("a thing", "buy one");
        assert!(or_name_what_is_missing(Err(missing.clone().into())).is_ok());
        let wrapped = anyhow::Error::from(missing).context("while setting up");
        assert!(or_name_what_is_missing(Err(wrapped)).is_ok());
        assert!(or_name_what_is_missing(Err(anyhow::anyhow!("broken"))).is_err());
    }
}
