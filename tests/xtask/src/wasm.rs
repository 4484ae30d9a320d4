//! A compiler for the guests, by the first way that works.
//!
//! `LIAISON_WASM_TOOLCHAIN` chooses: `auto` (default) tries the stock target,
//! then rustup, then the distribution's packages; `rustup` and `distro` allow
//! only that way. A refusal by rustup is an ordinary answer: many machines
//! cannot or may not add a target.

pub mod distro;
pub mod stock;

use std::{env, path::PathBuf, process::Command};

use anyhow::{Result, bail};

use crate::process;

/// The target every guest is built for: it has no system interface at all, so
/// a component can import nothing but what the contract names.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Environment variable that chooses the way.
pub const CHOICE_VARIABLE: &str = "LIAISON_WASM_TOOLCHAIN";

/// Which ways are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Stock target, then rustup, then the distribution.
    Auto,
    /// Stock target or rustup.
    Rustup,
    /// The distribution's own compiler.
    Distro,
}

/// A compiler that can build guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    /// The compiler in use has the target.
    Stock,
    /// A compiler of the distribution, unpacked privately; std is built from
    /// its sources.
    Distro {
        /// The compiler.
        rustc: PathBuf,
        /// Its shared libraries.
        libraries: PathBuf,
        /// The linker, from the stock toolchain.
        linker: PathBuf,
    },
}

impl Choice {
    /// Reads the choice from the environment.
    ///
    /// # Errors
    /// The variable holds another word.
    pub fn from_environment() -> Result<Self> {
        Self::parse(&env::var(CHOICE_VARIABLE).unwrap_or_default())
    }

    fn parse(word: &str) -> Result<Self> {
        Ok(match word {
            "" | "auto" => Self::Auto,
            "rustup" => Self::Rustup,
            "distro" => Self::Distro,
            other => bail!("{CHOICE_VARIABLE}={other}: expected auto, rustup or distro"),
        })
    }
}

impl Toolchain {
    /// Finds or obtains a compiler for the guests.
    ///
    /// # Errors
    /// No allowed way works; the message names all three and why each failed.
    pub fn obtain(choice: Choice) -> Result<Self> {
        let mut refusals = Vec::new();
        if choice != Choice::Distro {
            match stock::obtain() {
                Ok(()) => return Ok(Self::Stock),
                Err(error) => refusals.push(format!("{error:#}")),
            }
        }
        if choice != Choice::Rustup {
            match distro::obtain() {
                Ok(toolchain) => return Ok(toolchain),
                Err(error) => refusals.push(format!("{error:#}")),
            }
        }
        bail!("{}", three_ways(&refusals))
    }

    /// Adds to a cargo build command what this compiler needs. The command must
    /// be one for guests: these settings would break a build for the host.
    pub fn apply(&self, command: &mut Command) {
        let Self::Distro { rustc, libraries, linker } = self else {
            return;
        };
        command
            .arg("-Zbuild-std=std,panic_abort")
            .env("RUSTC", rustc)
            // The distribution's stable compiler, allowed to build std itself.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("LD_LIBRARY_PATH", libraries)
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    }

    /// One line for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Stock => format!("the toolchain in use, which has {TARGET}"),
            Self::Distro { .. } => "the distribution's compiler, unpacked privately".to_owned(),
        }
    }
}

/// The sysroot of the toolchain in use.
fn sysroot() -> Result<PathBuf> {
    let mut command = Command::new("rustc");
    command.args(["--print", "sysroot"]).env_remove("RUSTC_BOOTSTRAP");
    Ok(PathBuf::from(process::read(&mut command)?.trim()))
}

fn three_ways(refusals: &[String]) -> String {
    format!(
        "no compiler for {TARGET}. Any one of these gives one:\n  \
         1. a Rust toolchain that already has the target in its sysroot;\n  \
         2. rustup target add {TARGET}\n  \
         3. Debian or Ubuntu with a recent Rust in their package lists \
         (as root: apt-get update), which are then unpacked privately.\n\
         {CHOICE_VARIABLE}=auto|rustup|distro chooses among them. What happened:\n  - {}",
        refusals.join("\n  - ")
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_choice_is_one_of_three_words() {
        let cases = [
            ("", Some(Choice::Auto)),
            ("auto", Some(Choice::Auto)),
            ("rustup", Some(Choice::Rustup)),
            ("distro", Some(Choice::Distro)),
            ("Distro", None),
            ("nightly", None),
        ];
        for (word, expected) in cases {
            assert_eq!(Choice::parse(word).ok(), expected, "{word}");
        }
    }

    #[test]
    fn a_refusal_names_the_three_ways_and_each_reason() {
        let text = three_ways(&["rustup said no".into(), "apt said no".into()]);
        for part in [
            "already has the target",
            "rustup target add",
            "apt-get update",
            "rustup said no",
            "apt said no",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn the_stock_toolchain_changes_nothing() {
        let mut command = Command::new("cargo");
        Toolchain::Stock.apply(&mut command);
        assert_eq!(command.get_envs().count(), 0);
        assert_eq!(command.get_args().count(), 0);
    }
}
