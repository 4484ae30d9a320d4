//! From what a compiler makes to what a hub installs: a core module becomes a
//! component, and its manifest travels inside it.
//!
//! A connector is one file, so that the code cannot part from the manifest that
//! describes it: `connector.json` is the custom section [`SECTION`] of the
//! component. No adapter is used: a module that asks for a system interface does
//! not become a component, since a connector gets nothing but the contract.

use wasmparser::{Parser, Validator};
use wit_component::ComponentEncoder;

/// The section that carries `connector.json`.
pub const SECTION: &str = "liaison:manifest";

/// Id of a custom section in the WebAssembly binary format.
const CUSTOM_SECTION_ID: u8 = 0;

/// Why nothing can be made of it.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// It does not become a component.
    #[error("the module does not become a component: {0}")]
    Encode(String),
    /// The manifest is no JSON.
    #[error("connector.json is not JSON: {0}")]
    Manifest(serde_json::Error),
    /// The bytes are no component.
    #[error("these bytes are no component")]
    NoComponent,
    /// What would be written is not valid.
    #[error("the component is not valid: {0}")]
    Invalid(String),
    /// It is longer than the format can say.
    #[error("longer than a section can be")]
    TooLong,
}

/// Whether these bytes are a component already.
pub fn is_component(bytes: &[u8]) -> bool {
    Parser::is_component(bytes)
}

/// The component of a core module, without a manifest.
///
/// # Errors
/// When it is no module of the contract, or asks for more than the contract offers.
pub fn encode(module: &[u8]) -> Result<Vec<u8>, PackError> {
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.encode());
    encoded.map_err(|error| PackError::Encode(format!("{error:#}")))
}

/// Appends the manifest to a component and checks that the result still is one.
///
/// # Errors
/// The manifest is not JSON, or the bytes are not a valid component.
pub fn append(component: &[u8], manifest: &[u8]) -> Result<Vec<u8>, PackError> {
    serde_json::from_slice::<serde_json::Value>(manifest).map_err(PackError::Manifest)?;
    let mut contents = Vec::new();
    push_length(&mut contents, SECTION.len())?;
    contents.extend_from_slice(SECTION.as_bytes());
    contents.extend_from_slice(manifest);

    let mut bytes = component.to_vec();
    bytes.push(CUSTOM_SECTION_ID);
    push_length(&mut bytes, contents.len())?;
    bytes.extend_from_slice(&contents);
    check(&bytes)?;
    Ok(bytes)
}

fn check(bytes: &[u8]) -> Result<(), PackError> {
    if !Parser::is_component(bytes) {
        return Err(PackError::NoComponent);
    }
    let valid = Validator::new().validate_all(bytes);
    valid.map(drop).map_err(|error| PackError::Invalid(error.to_string()))
}

/// Unsigned LEB128, at most 32 bits as the format demands.
fn push_length(bytes: &mut Vec<u8>, length: usize) -> Result<(), PackError> {
    let mut rest = u32::try_from(length).map_err(|_| PackError::TooLong)?;
    loop {
        let low = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            bytes.push(low);
            return Ok(());
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use wasmparser::Payload;

    /// An empty component: magic and the component layer's version.
    const EMPTY: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    #[test]
    fn the_manifest_can_be_read_back() {
        // Longer than one byte of LEB128 can say.
        let manifest = format!(r#"{{"id":"{}"}}"#, "x".repeat(300));
        let bytes = append(&EMPTY, manifest.as_bytes()).unwrap();
        let found = Parser::new(0).parse_all(&bytes).find_map(|payload| match payload.unwrap() {
            Payload::CustomSection(section) if section.name() == SECTION => {
                Some(section.data().to_vec())
            }
            _ => None,
        });
        assert_eq!(found.unwrap(), manifest.as_bytes());
    }

    #[test]
    fn what_is_no_component_or_no_json_is_refused() {
        let module = [0, b'a', b's', b'm', 1, 0, 0, 0];
        assert!(matches!(append(&module, b"{}"), Err(PackError::NoComponent)));
        assert!(matches!(append(&EMPTY, b"{"), Err(PackError::Manifest(_))));
        assert!(append(b"junk", b"{}").is_err());
        assert!(matches!(encode(b"junk"), Err(PackError::Encode(_))));
        assert!(is_component(&EMPTY) && !is_component(&module));
    }
}
