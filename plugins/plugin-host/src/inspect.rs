//! Looking at a file before anything is compiled: is it a component, what does
//! it import and export, what does its manifest say.

use std::collections::BTreeSet;

use plugin_api::{Capability, Manifest};
use wasmparser::{Parser, Payload};

use crate::limits::{COMPONENT_BYTES_MAX, MANIFEST_BYTES_MAX};
use crate::package::LoadError;

/// The custom section that carries the manifest.
pub const MANIFEST_SECTION: &str = "liaison:manifest";
/// The package of the contract.
pub const CONTRACT_PACKAGE: &str = "liaison:connector";
/// The contract versions that this host speaks.
pub const CONTRACT_VERSIONS: [&str; 1] = ["0.1.0"];
/// What a component may import from the contract.
pub const IMPORTS: [&str; 11] = [
    "types",
    "log",
    "clock",
    "random",
    "http",
    "http-streams",
    "files",
    "crypto",
    "state",
    "mail",
    "sql",
];

/// What a component says about itself, unverified beyond its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Its manifest.
    pub manifest: Manifest,
    /// The interfaces of the contract that it imports, without package and version.
    pub imports: BTreeSet<String>,
    /// Those that it exports.
    pub exports: BTreeSet<String>,
}

/// Looks at the bytes of a component.
///
/// # Errors
/// See [`LoadError`]: every refusal has a variant of its own.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, LoadError> {
    check_magic(bytes)?;
    let surface = surface(bytes)?;
    for name in &surface.imports {
        check_import(name)?;
    }
    let manifest = manifest(surface.manifest.as_deref())?;
    let interfaces = |names: &[String]| -> BTreeSet<String> {
        names.iter().filter_map(|name| contract_interface(name)).collect()
    };
    let (imports, exports) = (interfaces(&surface.imports), interfaces(&surface.exports));
    check_capabilities(&manifest, &exports)?;
    Ok(Inspection { manifest, imports, exports })
}

fn check_magic(bytes: &[u8]) -> Result<(), LoadError> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > COMPONENT_BYTES_MAX {
        return Err(LoadError::TooLarge);
    }
    let looks_like = match bytes {
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => return Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => return Err(LoadError::CoreModule),
        [0, b'a', b's', b'm', ..] => "WebAssembly of an unknown version",
        [0x7f, b'E', b'L', b'F', ..] => "compiled code, which is never loaded",
        [b'<', ..] => "an HTML page, perhaps of a download that failed",
        [b'P', b'K', ..] => "a ZIP archive",
        [0x1f, 0x8b, ..] => "a gzip archive",
        [] => "an empty file",
        _ => "something else",
    };
    Err(LoadError::NotWebAssembly { looks_like })
}

/// The outermost layer of a component.
#[derive(Default)]
struct Surface {
    imports: Vec<String>,
    exports: Vec<String>,
    manifest: Option<Vec<u8>>,
}

fn surface(bytes: &[u8]) -> Result<Surface, LoadError> {
    let invalid = |error: wasmparser::BinaryReaderError| LoadError::Invalid(error.to_string());
    let mut surface = Surface::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(invalid)? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ if depth != 1 => {}
            Payload::ComponentImportSection(imports) => {
                for import in imports {
                    surface.imports.push(import.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports {
                    surface.exports.push(export.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => {
                let earlier = surface.manifest.replace(section.data().to_vec());
                if earlier.is_some() {
                    return Err(LoadError::Manifest("it is there twice".to_owned()));
                }
            }
            _ => {}
        }
    }
    Ok(surface)
}

/// `liaison:connector/source@0.1.0` -> `source`, if it is of our package.
fn contract_interface(name: &str) -> Option<String> {
    let rest = name.strip_prefix(CONTRACT_PACKAGE)?.strip_prefix('/')?;
    Some(rest.split('@').next().unwrap_or(rest).to_owned())
}

fn check_import(name: &str) -> Result<(), LoadError> {
    let known = contract_interface(name).is_some_and(|it| IMPORTS.contains(&it.as_str()));
    if known { Ok(()) } else { Err(LoadError::ForbiddenImport(name.to_owned())) }
}

fn manifest(section: Option<&[u8]>) -> Result<Manifest, LoadError> {
    let section = section.ok_or(LoadError::ManifestMissing)?;
    if section.len() > MANIFEST_BYTES_MAX {
        return Err(LoadError::Manifest(format!("larger than {MANIFEST_BYTES_MAX} bytes")));
    }
    let manifest: Manifest =
        serde_json::from_slice(section).map_err(|error| LoadError::Manifest(error.to_string()))?;
    if !CONTRACT_VERSIONS.contains(&manifest.contract.as_str()) {
        return Err(LoadError::Contract {
            wanted: manifest.contract,
            known: CONTRACT_VERSIONS.join(", "),
        });
    }
    for (name, text) in [("id", &manifest.id), ("version", &manifest.version)] {
        if !hub_model::id::valid(text) {
            return Err(LoadError::Manifest(format!("`{name}` is empty, too long or not text")));
        }
    }
    if !manifest.settings.is_object() {
        return Err(LoadError::Manifest("`settings` is not a JSON Schema object".to_owned()));
    }
    Ok(manifest)
}

/// The interface that a capability needs.
const fn interface_of(capability: Capability) -> Option<&'static str> {
    match capability {
        Capability::Source => Some("source"),
        Capability::Destination => Some("destination"),
        Capability::Audience => Some("audience"),
        Capability::Sender => Some("sender"),
        Capability::Inbound => Some("inbound"),
        Capability::Files => None,
    }
}

fn check_capabilities(manifest: &Manifest, exports: &BTreeSet<String>) -> Result<(), LoadError> {
    let inbound = manifest.capabilities.contains(&Capability::Inbound);
    if inbound != manifest.inbound.is_some() {
        let reason = "the capability `inbound` and the member `inbound` belong together";
        return Err(LoadError::Manifest(reason.to_owned()));
    }
    let has_slot =
        |slot: &str| manifest.credentials.iter().any(|it| it.name == slot && it.kind == "webhook");
    let mut recipes = manifest.inbound.iter().flat_map(|inbound| &inbound.recipes);
    if let Some(recipe) = recipes.find(|recipe| !has_slot(&recipe.slot)) {
        let reason = format!("no credential `{}` of kind `webhook` for a recipe", recipe.slot);
        return Err(LoadError::Manifest(reason));
    }
    let needed = manifest.capabilities.iter().filter_map(|it| interface_of(*it));
    for interface in std::iter::once("connection").chain(needed) {
        if !exports.contains(interface) {
            return Err(LoadError::ExportMissing(interface.to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{check_capabilities, check_import, contract_interface, inspect, manifest};
    use crate::package::LoadError;

    #[test]
    fn what_is_no_component_is_named() {
        let module = [0, b'a', b's', b'm', 1, 0, 0, 0];
        assert!(matches!(inspect(&module), Err(LoadError::CoreModule)));
        let cases: [(&[u8], &str); 6] = [
            (b"\x7fELF....", "compiled"),
            (b"<!doctype html>", "HTML"),
            (b"PK\x03\x04", "ZIP"),
            (b"", "empty"),
            (b"hello", "something else"),
            (&[0, b'a', b's', b'm', 9, 9, 9, 9], "unknown version"),
        ];
        for (bytes, named) in cases {
            let error = inspect(bytes).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
        let truncated = [0, b'a', b's', b'm', 0x0d, 0, 1, 0, 7, 200];
        assert!(matches!(inspect(&truncated), Err(LoadError::Invalid(_))));
        let empty_component = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];
        assert!(matches!(inspect(&empty_component), Err(LoadError::ManifestMissing)));
    }

    #[test]
    fn only_our_interfaces_may_be_imported() {
        assert!(check_import("liaison:connector/http@0.1.0").is_ok());
        for name in [
            "wasi:cli/environment@0.2.0",
            "evil:host/shell",
            "liaison:connector/shell@0.1.0",
            "liaison:connectors/http@0.1.0",
            "run",
        ] {
            let error = check_import(name).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        assert_eq!(contract_interface("liaison:connector/source@0.1.0").unwrap(), "source");
    }

    #[test]
    fn a_way_in_is_declared_whole() {
        let exports = ["connection", "inbound"].map(str::to_owned).into();
        let try_it = |abilities: &str, rest: &str| {
            let text = format!(
                r#"{{"id":"a","version":"1","contract":"0.1.0","capabilities":[{abilities}],"settings":{{}}{rest}}}"#
            );
            check_capabilities(&manifest(Some(text.as_bytes())).unwrap(), &exports)
        };
        let recipe = r#","inbound":{"recipes":[{"algorithm":"token","at":"header:X","slot":"s"}]}"#;
        let slot = r#","credentials":[{"name":"s","kind":"webhook"}]"#;
        let other = r#","credentials":[{"name":"s","kind":"bearer"}]"#;
        assert!(try_it("\"inbound\"", &format!("{recipe}{slot}")).is_ok());
        for (abilities, rest) in [
            ("\"inbound\"", String::new()),
            ("\"inbound\"", recipe.to_owned()),
            ("\"inbound\"", format!("{recipe}{other}")),
            ("", format!("{recipe}{slot}")),
        ] {
            let error = try_it(abilities, &rest).unwrap_err();
            assert!(matches!(error, LoadError::Manifest(_)), "{rest}: {error}");
        }
    }

    #[test]
    fn a_manifest_is_checked() {
        let good = r#"{"id":"a","version":"1","contract":"0.1.0","capabilities":[],"settings":{}}"#;
        assert!(manifest(Some(good.as_bytes())).is_ok());
        let cases = [
            (good.replace("0.1.0", "9.0.0"), "9.0.0"),
            (good.replace("\"id\"", "\"ident\""), "ident"),
            (good.replace("\"a\"", "\"\""), "id"),
            (good.replace("{}", "true"), "settings"),
            ("{".to_owned(), "EOF"),
        ];
        for (text, named) in cases {
            let error = manifest(Some(text.as_bytes())).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
