//! Bytes in JSON: as text where they are text, so that a person can read and compare
//! them, else as `{"base64": ...}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The member of the object that stands for bytes that are no text.
pub const BASE64: &str = "base64";

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form<'a> {
    Text(std::borrow::Cow<'a, str>),
    Other { base64: String },
}

/// For `#[serde(with = "plugin_api::bytes")]`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let form = match std::str::from_utf8(bytes) {
        Ok(text) => Form::Text(text.into()),
        Err(_) => Form::Other { base64: STANDARD.encode(bytes) },
    };
    form.serialize(serializer)
}

/// For `#[serde(with = "plugin_api::bytes")]`.
///
/// # Errors
/// Neither text nor Base64.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    match Form::deserialize(deserializer)? {
        Form::Text(text) => Ok(text.into_owned().into_bytes()),
        Form::Other { base64 } => STANDARD.decode(base64).map_err(de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use crate::Cursor;

    #[test]
    fn text_is_read_as_text_and_everything_comes_back() {
        for (bytes, json) in [
            (&b"{\"after\":7}"[..], r#""{\"after\":7}""#),
            (b"", r#""""#),
            (b"\xff\x00", r#"{"base64":"/wA="}"#),
        ] {
            let cursor = Cursor(bytes.to_vec());
            assert_eq!(serde_json::to_string(&cursor).unwrap(), json);
            assert_eq!(serde_json::from_str::<Cursor>(json).unwrap(), cursor);
        }
    }
}
