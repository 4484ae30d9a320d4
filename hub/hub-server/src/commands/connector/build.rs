//! `liaison connector build` and `pack`: from a connector's folder to a component, or
//! from what another compiler made.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::compiler;

use crate::exit::Exit;
use crate::out::Out;
use crate::package::{Found, Unfit, read_capped, unwritable, write};
use crate::trouble::Trouble;

/// Compiles what is in a folder, in whichever language, and makes its component.
///
/// # Errors
/// No compiler, what does not compile, or does not become a connector.
pub fn build(folder: &Path, out: Out) -> Result<Exit, Trouble> {
    let manifest = folder.join("connector.json");
    let id = id_of(&manifest, &read(&manifest)?)?;
    let module = compiler::compile(folder, &id)?;
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
