//! Starting other programs, cleanly and with errors that say what was run.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// What a failing program's own words are cut to, in bytes.
const MAX_QUOTED_OUTPUT_BYTES: usize = 4_000;

/// Cargo for a nested build in `folder`.
///
/// `cargo run` tells the program it starts about itself (`CARGO_PKG_NAME`,
/// `CARGO_MANIFEST_DIR`, ...). Build scripts that watch those would see a
/// change and rebuild half the tree, so they are removed, and so is everything
/// that would choose another compiler: the guests' compiler must never leak
/// into a build for the host.
#[must_use]
pub fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    for (name, _) in env::vars_os() {
        if tells_about_the_caller(&name) {
            command.env_remove(name);
        }
    }
    for name in ["RUSTC", "RUSTC_BOOTSTRAP"] {
        command.env_remove(name);
    }
    command
}

fn tells_about_the_caller(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || ["CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&name)
}

/// Runs a program whose output the user should see.
///
/// # Errors
/// The program cannot be started or does not end with 0; the message is the
/// command line.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {}", line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// Runs a program quietly and returns what it wrote to standard output.
///
/// # Errors
/// The program cannot be started or does not end with 0; the message is the
/// command line and the end of what the program said.
pub fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", line(command)))?;
    if !output.status.success() {
        let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
        said.push_str(&String::from_utf8_lossy(&output.stdout));
        let said = tail(said.trim());
        bail!("{} ended with {}\n{said}", line(command), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A server that runs until this is dropped; the end of its input tells it that this
/// process is gone.
#[derive(Debug)]
pub struct Running {
    child: Child,
}

impl Running {
    /// Starts a server and waits until it says `ready`; what it complains of is in `log`.
    ///
    /// # Errors
    /// It cannot be started, or says another thing; the message is its log.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log)?)
            .spawn()
            .context("it cannot be started")?;
        let mut running = Self { child };
        let mut said = String::new();
        let output = running.child.stdout.take().context("it has no output")?;
        BufReader::new(output).read_line(&mut said)?;
        if said.trim() != "ready" {
            bail!("it did not start: {}", fs::read_to_string(log)?);
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program of that name on the search path.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Whether a program of that name is on the search path.
#[must_use]
pub fn exists(program: &str) -> bool {
    find(program).is_some()
}

/// Whether this process may install system packages.
#[must_use]
pub fn is_root() -> bool {
    read(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line =
        program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(MAX_QUOTED_OUTPUT_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or(text)
}

/// Builds the workspace as its tests need it. The demo uses the same build:
/// naming one package would resolve other features and compile everything anew.
///
/// # Errors
/// Something does not compile.
pub fn build_workspace() -> Result<()> {
    run(cargo(&crate::paths::root()).args(["build", "--workspace", "--lib", "--bins", "--tests"]))
}

/// Builds the programs of the workspace, all of them for the same reason, under
/// one of cargo's profiles.
///
/// # Errors
/// Something does not compile.
pub fn build_binaries(profile: &str) -> Result<()> {
    let mut command = cargo(&crate::paths::root());
    run(command.args(["build", "--workspace", "--lib", "--bins", "--profile", profile]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_failing_program_is_quoted_with_its_words() {
        let error = read(Command::new("sh").args(["-c", "echo no such luck >&2; exit 3"]));
        let text = format!("{:#}", error.unwrap_err());
        assert!(text.contains("no such luck"), "{text}");
        assert!(text.starts_with("sh -c"), "{text}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("surely-not-a-program")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start surely-not-a-program");
    }

    #[test]
    fn only_the_callers_own_variables_are_removed() {
        let cases = [
            ("CARGO_PKG_NAME", true),
            ("CARGO_MANIFEST_DIR", true),
            ("CARGO_BIN_NAME", true),
            ("OUT_DIR", true),
            ("CARGO_HOME", false),
            ("CARGO_TARGET_DIR", false),
            ("PATH", false),
        ];
        for (name, expected) in cases {
            assert_eq!(tells_about_the_caller(OsStr::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn a_long_text_keeps_its_end() {
        let text = format!("{}é-the end", "x".repeat(MAX_QUOTED_OUTPUT_BYTES));
        assert!(tail(&text).ends_with("é-the end"));
        assert!(tail(&text).len() <= MAX_QUOTED_OUTPUT_BYTES);
    }
}
