//! The checks that need no running: format, lints, licences, spelling.
//!
//! rustfmt and clippy come with the toolchain and must pass. `cargo deny` and
//! `typos` are built from source in minutes, which a test run must not pay for:
//! where they are missing they are skipped by name.

use std::{path::PathBuf, process::Command};

use anyhow::{Result, bail};

use crate::{Unavailable, paths, process, steps::Steps};

/// Name, crate to install, version.
const TOOLS: [(&str, &str); 2] = [("cargo-deny", "cargo-deny"), ("typos", "typos-cli")];

/// Runs every check and fails at the end, so that one run shows all faults.
///
/// # Errors
/// At least one check failed; each was reported as it did.
pub fn run() -> Result<()> {
    let mut steps = Steps::new(4);
    let failed = [
        steps.step("format", "cargo fmt --all mends it.", format).is_err(),
        steps.step("clippy", "Mend the warnings above.", clippy).is_err(),
        deny(&mut steps, "licences", &["bans", "licenses", "sources"]).is_err(),
        spelling(&mut steps).is_err(),
    ];
    match failed.iter().filter(|failed| **failed).count() {
        0 => Ok(()),
        count => bail!("{count} of {} checks failed", failed.len()),
    }
}

/// Known vulnerabilities of the dependencies; needs the network, so it is no
/// part of the other checks.
///
/// # Errors
/// There is one, or cargo-deny is missing.
pub fn advisories() -> Result<()> {
    let Some(tool) = tool("cargo-deny") else {
        bail!(missing("cargo-deny"));
    };
    process::run(&mut deny_command(&tool, &["advisories"]))
}

/// Builds the tools that the toolchain does not bring into the target folder.
///
/// # Errors
/// cargo install's own.
pub fn install_tools() -> Result<()> {
    for (program, package) in TOOLS {
        if tool(program).is_some() {
            continue;
        }
        let mut command = process::cargo(&paths::root());
        command.args(["install", "--locked", "--root"]).arg(tools_folder()).arg(package);
        process::run(&mut command)?;
    }
    Ok(())
}

/// `cargo fmt --check` on the whole workspace.
///
/// # Errors
/// A file is not formatted.
pub fn format() -> Result<()> {
    let mut command = process::cargo(&paths::root());
    process::run(command.args(["fmt", "--all", "--check"]))
}

/// clippy on everything, warnings denied.
///
/// # Errors
/// There is a warning.
pub fn clippy() -> Result<()> {
    let mut command = process::cargo(&paths::root());
    command.args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]);
    process::run(&mut command)
}

fn deny(steps: &mut Steps, name: &str, checks: &[&str]) -> Result<()> {
    steps.step(name, "The rules are in .config/deny.toml.", || match tool("cargo-deny") {
        Some(tool) => process::run(&mut deny_command(&tool, checks)),
        None => skip("cargo deny check", "cargo-deny"),
    })
}

fn spelling(steps: &mut Steps) -> Result<()> {
    let remedy = "A word that is right goes to [workspace.metadata.typos] in Cargo.toml.";
    steps.step("spelling", remedy, || match tool("typos") {
        Some(tool) => process::run(Command::new(tool).current_dir(paths::root())),
        None => skip("spelling", "typos"),
    })
}

fn deny_command(tool: &PathBuf, checks: &[&str]) -> Command {
    let mut command = Command::new(tool);
    command.current_dir(paths::root());
    command.args(["--all-features", "check", "--config", ".config/deny.toml"]);
    command.args(checks);
    command
}

fn skip(check: &str, program: &str) -> Result<()> {
    missing(program).skip(check);
    Ok(())
}

fn missing(program: &str) -> Unavailable {
    Unavailable::new(program, "cargo xtask setup --only lint-tools builds it")
}

fn tool(program: &str) -> Option<PathBuf> {
    let own = tools_folder().join("bin").join(program);
    if own.is_file() { Some(own) } else { process::find(program) }
}

fn tools_folder() -> PathBuf {
    paths::target().join("tools")
}
