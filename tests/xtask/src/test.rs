//! `cargo xtask test`: set-up, checks, build, and then plain `cargo test`,
//! whose own closing lines end the output.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{
    lint, paths, process, setup::ORDINARY, steps::Steps, unavailable::SKIPPED_FILE_VARIABLE,
};

/// Runs everything. A failed check does not keep the tests from running: one
/// run shows all there is to mend.
///
/// # Errors
/// Set-up or build fails, or a check or a test does.
pub fn run() -> Result<()> {
    let skipped = paths::target().join("skipped-tests.txt");
    fs::create_dir_all(paths::target()).context("create the target folder")?;
    fs::write(&skipped, "").context("begin the list of skipped tests")?;

    let mut steps = Steps::new(ORDINARY.len() + 4);
    for part in ORDINARY {
        part.set_up(&mut steps)?;
    }
    let format = steps.step("format", "cargo fmt --all mends it.", lint::format);
    let clippy = steps.step("clippy", "cargo xtask lint repeats it.", lint::clippy);
    steps.step("build", "Mend the errors above.", process::build_workspace)?;
    let remedy = "cargo test -p <crate> <name> repeats one test.";
    let tests = steps.step("tests", remedy, || {
        let mut command = cargo();
        command.args(["test", "--workspace", "--no-fail-fast"]);
        command.env(SKIPPED_FILE_VARIABLE, &skipped);
        process::run(tell_where_things_are(&mut command))
    });

    let list = fs::read_to_string(&skipped).unwrap_or_default();
    eprint!("{list}");
    let failed: Vec<&str> = [("format", format), ("clippy", clippy), ("tests", tests)]
        .iter()
        .filter(|(_, result)| result.is_err())
        .map(|(name, _)| *name)
        .collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    eprintln!("all green in {:.0} s, {} tests skipped", steps.seconds(), list.lines().count());
    Ok(())
}

fn cargo() -> Command {
    process::cargo(&paths::root())
}

/// Lets tests find what was set up, whatever folder they run in.
fn tell_where_things_are(command: &mut Command) -> &mut Command {
    command
        .env("CARGO_TARGET_DIR", paths::target())
        .env(paths::COMPONENTS_DIR_VARIABLE, paths::components())
        .env(paths::COUNTERPARTS_DIR_VARIABLE, paths::counterparts())
        .env(paths::BINARY_VARIABLE, paths::binary())
}
