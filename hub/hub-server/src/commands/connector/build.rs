//! `liaison connector build` and `pack`: from a crate to a component, or from what
//! another compiler made.
//!
//! The compiler is the author's own cargo. Nothing is installed here: when the
//! target is missing, it is said how to get it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::exit::Exit;
use crate::out::Out;
use crate::package::{Found, Unfit, read_capped, unwritable, write};
use crate::trouble::Trouble;

/// What connectors are compiled for: it has no system interface at all.
const TARGET: &str = "wasm32-unknown-unknown";
/// The profile of the crate's `Cargo.toml`.
const PROFILE: &str = "guest";

/// Compiles the crate in a folder and makes its component.
///
/// # Errors
/// No compiler for the target, a crate that does not compile, or a module that does
/// not become a connector.
pub fn build(folder: &Path, out: Out) -> Result<Exit, Trouble> {
    let manifest = folder.join("connector.json");
    let id = id_of(&manifest, &read(&manifest)?)?;
    has_target(folder)?;
    let module = compile(folder)?;
    let to = folder.join("target/connectors").join(format!("{id}.wasm"));
    pack(&module, &manifest, Some(&to), out)
}

/// Makes a component of a module, with its manifest in it.
///
/// # Errors
/// Files that cannot be read or written, and what does not become a connector.
pub fn pack(module: &Path, manifest: &Path, to: Option<&Path>, out: Out) -> Result<Exit, Trouble> {
    let text = read(manifest)?;
    let id = id_of(manifest, &text)?;
    let bytes = read_capped(module).map_err(|error| Unfit::of(module.display(), &error))?;
    let component = component(&bytes, &text).map_err(|error| {
        let mend = "compile it for wasm32-unknown-unknown with the SDK, as a cdylib that calls \
                    `export_connector!`: only what the contract offers can be imported";
        Trouble::new(Exit::Usage, "connector/pack", module.display(), error, mend)
    })?;
    let Found { manifest, digest, bytes, .. } = Found::of(module, component)?;
    let to = to.map_or_else(|| PathBuf::from(format!("{id}.wasm")), Path::to_path_buf);
    write(&to, &bytes).map_err(|error| unwritable(&to, &error))?;
    let (version, bytes) = (&manifest.version, bytes.len());
    let view = json!({
        "id": manifest.id, "version": version, "file": to, "bytes": bytes, "digest": digest,
    });
    out.data(&view, || {
        format!("{}  {id} {version}, {} KiB, sha256:{digest}\n", to.display(), bytes.div_ceil(1024))
    })?;
    Ok(Exit::Ok)
}

fn component(bytes: &[u8], manifest: &[u8]) -> Result<Vec<u8>, plugin_pack::PackError> {
    if plugin_pack::is_component(bytes) {
        return plugin_pack::append(bytes, manifest);
    }
    plugin_pack::append(&plugin_pack::encode(bytes)?, manifest)
}

/// Refuses early what cargo would refuse in words that few understand.
fn has_target(folder: &Path) -> Result<(), Trouble> {
    let asked = Command::new(program("RUSTC", "rustc"))
        .current_dir(folder)
        .args(["--print", "target-libdir", "--target", TARGET])
        .stdin(Stdio::null())
        .output();
    let found = asked.map_err(|error| missing("rustc", folder, &error))?;
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
fn compile(folder: &Path) -> Result<PathBuf, Trouble> {
    let output = Command::new(program("CARGO", "cargo"))
        .current_dir(folder)
        .args(["build", "--lib", "--profile", PROFILE, "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| missing("cargo", folder, &error))?;
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

fn missing(program: &str, folder: &Path, error: &std::io::Error) -> Trouble {
    let what = format!("{program} cannot be started: {error}");
    let mend = "install a Rust toolchain: https://rustup.rs";
    Trouble::new(Exit::Usage, "connector/toolchain", folder.display(), what, mend)
}

fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    fs::read(path).map_err(|error| {
        let what = format!("it cannot be read: {error}");
        let mend = "stand in the connector's folder, or name the file";
        Trouble::new(Exit::Usage, "connector/unreadable", path.display(), what, mend)
    })
}

fn id_of(path: &Path, manifest: &[u8]) -> Result<String, Trouble> {
    let manifest: Result<plugin_api::Manifest, _> = serde_json::from_slice(manifest);
    manifest.map(|manifest| manifest.id).map_err(|error| {
        let what = format!("the manifest is wrong: {error}");
        let mend = "sdk/README.md says what belongs into it";
        Trouble::new(Exit::Usage, "connector/manifest", path.display(), what, mend)
    })
}
