//! From the hub's requests to what crosses into a guest.

pub mod audience;

use std::collections::BTreeMap;

use hub_model::{Fault, FaultCode, FieldName, Object, Value};
use plugin_api::{
    Action, CallContext, Consent, Delivery, LookupKey, LookupRequest, ReadRequest, WriteItem,
    WriteRequest,
};
use serde::Serialize;

use crate::binding::{Binding, Environment};
use crate::decode::bug;
use crate::since_v0_1_0::exported::{destination, inbound, lookup, source};
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

/// A delivery.
pub fn delivery(delivery: &Delivery) -> inbound::Delivery {
    inbound::Delivery {
        method: delivery.method.clone(),
        target: delivery.target.clone(),
        headers: delivery.headers.clone(),
        body: delivery.body.clone(),
        received: delivery.received.0,
    }
}

/// A request for rows.
///
/// # Errors
/// `connector-bug` for a key that is no JSON, which none is known to be.
pub fn lookup(request: &LookupRequest) -> Result<lookup::LookupRequest, Fault> {
    let key = |key: &LookupKey| match key {
        LookupKey::Key(key) => Ok(lookup::LookupKey::Key(key.as_str().to_owned())),
        LookupKey::Fields(fields) => {
            let text = serde_json::to_string(fields).map_err(|_| bug("a key that is no JSON"))?;
            Ok(lookup::LookupKey::Fields(text))
        }
    };
    Ok(lookup::LookupRequest {
        stream: request.stream.as_str().to_owned(),
        keys: request.keys.iter().map(key).collect::<Result<_, _>>()?,
        fields: request.fields.clone(),
    })
}

/// A batch to write.
///
/// # Errors
/// `limit-exceeded` for more items than can be counted, `connector-bug` for one
/// that is no JSON, which none is known to be.
pub fn write(request: &WriteRequest) -> Result<destination::WriteRequest, Fault> {
    let count = u32::try_from(request.items.len())
        .map_err(|_| Fault::new(FaultCode::LimitExceeded).at("batch"))?;
    let mut data = Vec::new();
    for item in &request.items {
        let written = serde_json::to_writer(&mut data, &Line::of(item));
        written.map_err(|_| bug("an item that is no JSON"))?;
        data.push(b'\n');
    }
    Ok(destination::WriteRequest {
        stream: request.stream.as_str().to_owned(),
        items: wit::Batch { format: wit::BatchFormat::Ndjson, count, data },
        dry_run: request.dry_run,
    })
}

/// An item as its line has it, members in order of name.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Line<'a> {
    action: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consents: Vec<Given<'a>>,
    idempotency_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    if_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(rename = "match", skip_serializing_if = "BTreeMap::is_empty")]
    matching: &'a BTreeMap<FieldName, Value>,
    patch: &'a Object,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_seconds: Option<u32>,
}

#[derive(Serialize)]
struct Given<'a> {
    granted: bool,
    purpose: &'a str,
    since: &'a str,
    source: &'a str,
}

impl<'a> Line<'a> {
    fn of(item: &'a WriteItem) -> Self {
        Self {
            action: action(item.action),
            consents: item.consents.iter().map(consent).collect(),
            idempotency_key: &item.idempotency_key,
            if_version: item.if_version.as_deref(),
            key: item.key.as_ref().map(|key| key.as_str()),
            matching: &item.matching,
            patch: &item.patch,
            ttl_seconds: item.ttl_seconds,
        }
    }
}

const fn action(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Archive => "archive",
        Action::Delete => "delete",
    }
}

fn consent(consent: &Consent) -> Given<'_> {
    let Consent { purpose, granted, since, source } = consent;
    Given { granted: *granted, purpose, since, source }
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
