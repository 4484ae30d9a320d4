//! From the files of a connector's folder to what becomes its component: by cargo, or by
//! the tools of the SDK of another language.
//!
//! The compiler is the author's own, as his folder has it. Nothing is installed here:
//! when something is missing, it is said how to get it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::exit::Exit;
use crate::trouble::Trouble;

/// What connectors in Rust are compiled for: it has no system interface at all.
const TARGET: &str = "wasm32-unknown-unknown";
/// The profile of the crate's `Cargo.toml`.
const PROFILE: &str = "guest";
/// How to get a compiler of Rust.
const RUST: &str = "install a Rust toolchain: https://rustup.rs";
/// How to get what a connector in Python is built with.
const PYTHON: &str =
    "in this folder: python3 -m venv .venv && .venv/bin/pip install -r requirements.txt";
/// How to get what a connector in TypeScript is built with.
const TYPESCRIPT: &str = "install Node 20 or later; then, in this folder: npm install";

/// What a folder's own compiler makes of it: a core module, or a component that has no
/// manifest yet.
///
/// # Errors
/// No compiler, or what it refuses.
pub fn compile(folder: &Path, id: &str) -> Result<PathBuf, Trouble> {
    let has = |name: &str| folder.join(name).is_file();
    if has("Cargo.toml") {
        return rust(folder);
    }
    let (mut command, mend) = if has("connector.py") {
        let mut command = Command::new(python(folder));
        command.args(["-m", "liaison_sdk"]);
        (command, PYTHON)
    } else if has("connector.ts") {
        let mut command = Command::new("node");
        command.arg(Path::new("node_modules").join("liaison-sdk/tools/liaison-ts.mjs"));
        (command, TYPESCRIPT)
    } else {
        let what = "there is no Cargo.toml, connector.py or connector.ts in it";
        let mend = "name the connector's folder; `liaison connector new` begins one";
        return Err(Trouble::new(Exit::Usage, "connector/no-source", folder.display(), what, mend));
    };
    let made = Path::new("target").join(format!("{id}.component.wasm"));
    command.current_dir(folder).arg("build").arg("--to").arg(&made);
    // What it says is talk: only the component's place is data.
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let program = command.get_program().to_string_lossy().into_owned();
    let output = output.map_err(|error| missing(&program, mend, folder, &error))?;
    if output.status.success() {
        return Ok(folder.join(made));
    }
    let what = format!("{program} ended with {}; its words are above", output.status);
    let mend = format!("mend the connector; where a package is missing: {mend}");
    Err(Trouble::new(Exit::Finding, "connector/compile", folder.display(), what, mend))
}

/// The Python that has the SDK: of the environment in the folder, of the one that is
/// active, or the machine's.
fn python(folder: &Path) -> PathBuf {
    let active = std::env::var_os("VIRTUAL_ENV").filter(|value| !value.is_empty());
    let environments = [Some(folder.join(".venv")), active.map(PathBuf::from)];
    // It is started in that folder, and a relative path would count from there.
    let mut programs = environments
        .into_iter()
        .flatten()
        .filter_map(|environment| std::path::absolute(environment.join("bin").join("python")).ok());
    programs.find(|program| program.is_file()).unwrap_or_else(|| "python3".into())
}

/// Refuses early what cargo would refuse in words that few understand.
fn has_target(folder: &Path) -> Result<(), Trouble> {
    let asked = Command::new(program("RUSTC", "rustc"))
        .current_dir(folder)
        .args(["--print", "target-libdir", "--target", TARGET])
        .stdin(Stdio::null())
        .output();
    let found = asked.map_err(|error| missing("rustc", RUST, folder, &error))?;
    let library = String::from_utf8_lossy(&found.stdout);
    if found.status.success() && Path::new(library.trim()).is_dir() {
        return Ok(());
    }
    let what = format!("the compiler has no {TARGET}");
    let mend = format!(
        "any one of these:\n       1. rustup target add {TARGET}\n       \
         2. a toolchain that brings it, such as your distribution's package (Debian: \
         libstd-rust-dev-wasm32)\n       \
         3. in a clone of Liaison, `cargo xtask components --workspace {}` compiles with a \
         compiler that it unpacks privately",
        folder.display()
    );
    Err(Trouble::new(Exit::Usage, "connector/target", folder.display(), what, mend))
}

/// The core module that cargo makes of the crate.
fn rust(folder: &Path) -> Result<PathBuf, Trouble> {
    has_target(folder)?;
    let output = Command::new(program("CARGO", "cargo"))
        .current_dir(folder)
        .args(["build", "--lib", "--profile", PROFILE, "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| missing("cargo", RUST, folder, &error))?;
    if !output.status.success() {
        let what = format!("cargo ended with {}; its words are above", output.status);
        let mend = "mend the crate; `cargo test` compiles it for this machine";
        return Err(Trouble::new(Exit::Finding, "connector/compile", folder.display(), what, mend));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    module_of(folder, &said).ok_or_else(|| {
        let what = "cargo made no WebAssembly module of it";
        let mend = "add to its Cargo.toml: [lib] crate-type = [\"cdylib\", \"rlib\"]";
        Trouble::new(Exit::Usage, "connector/no-module", folder.display(), what, mend)
    })
}

/// The file that cargo named for the crate in this folder.
fn module_of(folder: &Path, messages: &str) -> Option<PathBuf> {
    let own = folder.join("Cargo.toml").canonicalize().ok()?;
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_crate = artifacts.filter(|it| {
        let manifest = it["manifest_path"].as_str().map(Path::new);
        it["reason"] == "compiler-artifact"
            && manifest.is_some_and(|path| path.canonicalize().is_ok_and(|path| path == own))
    });
    let files = of_crate.filter_map(|it| it["filenames"].as_array().cloned()).flatten();
    let mut files = files.filter_map(|it| it.as_str().map(PathBuf::from));
    files.find(|path| path.extension().is_some_and(|extension| extension == "wasm"))
}

fn program(variable: &str, usual: &str) -> OsString {
    std::env::var_os(variable).filter(|value| !value.is_empty()).unwrap_or_else(|| usual.into())
}

fn missing(program: &str, mend: &str, folder: &Path, error: &std::io::Error) -> Trouble {
    let what = format!("{program} cannot be started: {error}");
    Trouble::new(Exit::Usage, "connector/toolchain", folder.display(), what, mend)
}
