//! The manifest inside the component: a custom section, so that it cannot part
//! from the code it describes.

use anyhow::{Context as _, Result, bail};
use wasmparser::{Parser, Validator};

/// The section that carries `connector.json`.
pub const SECTION: &str = "liaison:manifest";

/// Id of a custom section in the WebAssembly binary format.
const CUSTOM_SECTION_ID: u8 = 0;

/// Appends the manifest to a component and checks that the result still is
/// one.
///
/// # Errors
/// The manifest is not JSON, or the bytes are not a valid component.
pub fn append(component: &[u8], manifest: &[u8]) -> Result<Vec<u8>> {
    serde_json::from_slice::<serde_json::Value>(manifest).context("connector.json is not JSON")?;
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

fn check(bytes: &[u8]) -> Result<()> {
    if !Parser::is_component(bytes) {
        bail!("these bytes are no component");
    }
    Validator::new().validate_all(bytes).context("the component is not valid")?;
    Ok(())
}

/// Unsigned LEB128, at most 32 bits as the format demands.
fn push_length(bytes: &mut Vec<u8>, length: usize) -> Result<()> {
    let mut rest = u32::try_from(length).context("longer than a section can be")?;
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
        assert!(append(&module, b"{}").is_err());
        assert!(append(&EMPTY, b"{").is_err());
        assert!(append(b"junk", b"{}").is_err());
    }
}
