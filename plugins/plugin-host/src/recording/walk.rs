//! Every text of a value, bytes that are no text included.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plugin_api::bytes::BASE64;
use serde_json::Value;

/// Changes the texts of a value that `change` has another form of; whether there was one.
/// Names of members stay.
pub(super) fn change(
    value: &mut Value,
    change_one: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
) -> bool {
    match value {
        Value::String(text) => match change_one(text.as_bytes()) {
            Some(changed) => {
                *text = String::from_utf8_lossy(&changed).into_owned();
                true
            }
            None => false,
        },
        Value::Array(values) => {
            values.iter_mut().fold(false, |any, value| change(value, change_one) | any)
        }
        Value::Object(members) => {
            if let Some(changed) = other_bytes(members).and_then(|bytes| change_one(&bytes)) {
                *value = serde_json::json!({ BASE64: STANDARD.encode(changed) });
                return true;
            }
            members.values_mut().fold(false, |any, value| change(value, change_one) | any)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The bytes that an object stands for, if it does.
fn other_bytes(members: &serde_json::Map<String, Value>) -> Option<Vec<u8>> {
    let text = members.get(BASE64).filter(|_| members.len() == 1)?.as_str()?;
    STANDARD.decode(text).ok()
}
