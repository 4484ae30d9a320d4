//! From the hub's requests to what crosses into a guest.

use hub_model::{Fault, FaultCode, FieldName, Object, Value};
use plugin_api::{
    Action, CallContext, Consent, LookupKey, LookupRequest, ReadRequest, WriteItem, WriteRequest,
};
use serde_json::{Map, json};

use crate::binding::{Binding, Environment};
use crate::since_v0_1_0::exported::{destination, lookup, source};
use crate::since_v0_1_0::imported::types as wit;

/// Rows that the hub likes in one page.
const ROWS_WANTED: u32 = 1_000;

/// What comes with every call.
pub fn call(binding: &Binding, context: &CallContext) -> wit::Call {
    wit::Call {
        settings: binding.settings.to_string(),
        environment: match binding.environment {
            Environment::Production => wit::Environment::Production,
            Environment::Sandbox => wit::Environment::Sandbox,
        },
        purpose: context.purpose.clone(),
    }
}

/// A request for a page.
pub fn read(request: &ReadRequest) -> source::ReadRequest {
    source::ReadRequest {
        stream: request.stream.as_str().to_owned(),
        cursor: request.cursor.as_ref().map(|cursor| cursor.0.clone()),
        fields: request.fields.clone(),
        rows_wanted: ROWS_WANTED,
    }
}

/// A request for rows.
pub fn lookup(request: &LookupRequest) -> lookup::LookupRequest {
    let key = |key: &LookupKey| match key {
        LookupKey::Key(key) => lookup::LookupKey::Key(key.as_str().to_owned()),
        LookupKey::Fields(fields) => {
            lookup::LookupKey::Fields(serde_json::Value::Object(named(fields.iter())).to_string())
        }
    };
    lookup::LookupRequest {
        stream: request.stream.as_str().to_owned(),
        keys: request.keys.iter().map(key).collect(),
        fields: request.fields.clone(),
    }
}

/// A batch to write.
///
/// # Errors
/// `limit-exceeded` for more items than can be counted.
pub fn write(request: &WriteRequest) -> Result<destination::WriteRequest, Fault> {
    let count = u32::try_from(request.items.len())
        .map_err(|_| Fault::new(FaultCode::LimitExceeded).at("batch"))?;
    let mut data = Vec::new();
    for item in &request.items {
        data.extend_from_slice(serde_json::Value::Object(line(item)).to_string().as_bytes());
        data.push(b'\n');
    }
    Ok(destination::WriteRequest {
        stream: request.stream.as_str().to_owned(),
        items: wit::Batch { format: wit::BatchFormat::Ndjson, count, data },
        dry_run: request.dry_run,
    })
}

fn line(item: &WriteItem) -> Map<String, serde_json::Value> {
    let mut line = Map::new();
    let mut put = |name: &str, value: serde_json::Value| line.insert(name.to_owned(), value);
    put("action", json!(action(item.action)));
    if let Some(key) = &item.key {
        put("key", json!(key.as_str()));
    }
    if !item.matching.is_empty() {
        put("match", named(item.matching.iter()).into());
    }
    put("patch", patch(&item.patch));
    if let Some(version) = &item.if_version {
        put("if-version", json!(version));
    }
    put("idempotency-key", json!(item.idempotency_key));
    if !item.consents.is_empty() {
        put("consents", item.consents.iter().map(consent).collect());
    }
    if let Some(seconds) = item.ttl_seconds {
        put("ttl-seconds", json!(seconds));
    }
    line
}

const fn action(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Archive => "archive",
        Action::Delete => "delete",
    }
}

fn named<'a>(
    fields: impl Iterator<Item = (&'a FieldName, &'a Value)>,
) -> Map<String, serde_json::Value> {
    fields.map(|(name, value)| (name.as_str().to_owned(), value.to_json())).collect()
}

fn patch(object: &Object) -> serde_json::Value {
    object.iter().map(|(name, value)| (name.clone(), value.to_json())).collect()
}

fn consent(consent: &Consent) -> serde_json::Value {
    json!({
        "purpose": consent.purpose,
        "granted": consent.granted,
        "since": consent.since,
        "source": consent.source,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeMap;

    use hub_model::Value;
    use plugin_api::{Action, WriteItem, WriteRequest};

    use super::write;

    #[test]
    fn items_are_lines_with_exact_numbers_and_nulls() {
        let exact: Value = serde_json::from_str("12345678901234567890.5").unwrap();
        let patch = [("n".into(), exact), ("gone".into(), Value::Null)];
        let item = WriteItem {
            action: Action::Update,
            key: Some("7".into()),
            matching: BTreeMap::new(),
            patch: patch.into(),
            if_version: Some("3".to_owned()),
            idempotency_key: "i".to_owned(),
            consents: Vec::new(),
            ttl_seconds: None,
        };
        let request = WriteRequest {
            stream: "people".into(),
            items: vec![item.clone(), item],
            dry_run: true,
        };
        let encoded = write(&request).unwrap();
        let text = String::from_utf8(encoded.items.data).unwrap();
        let line = r#"{"action":"update","idempotency-key":"i","if-version":"3","key":"7","patch":{"gone":null,"n":12345678901234567890.5}}"#;
        assert_eq!(text.lines().collect::<Vec<_>>(), [line, line]);
        assert!(encoded.dry_run);
    }
}
