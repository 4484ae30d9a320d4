//! What discovery says.

use std::collections::BTreeSet;

use hub_model::{EntityKind, Fault, FaultCode, FieldName, StreamName};
use plugin_api::stream::{FieldInfo, MEMBERSHIP_KIND, StreamInfo};

use super::{bug, cut};
use crate::limits::{FAULT_TEXT_BYTES_MAX, PURPOSES_MAX, SCHEMA_BYTES_MAX, STREAMS_MAX};
use crate::since_v0_1_0::exported::connection as wit;

/// The annotation of a stream's schema that says whether its rows can be archived.
const ARCHIVES: &str = "x-archives";
/// The annotation that names the channel on which its rows are messages.
const SENDS: &str = "x-sends";

/// The streams of a connection.
///
/// # Errors
/// `limit-exceeded` or `connector-bug`, naming the stream.
pub fn streams(streams: Vec<wit::StreamInfo>) -> Result<Vec<StreamInfo>, Fault> {
    if streams.len() > STREAMS_MAX {
        let fault = Fault::new(FaultCode::LimitExceeded).at("streams");
        return Err(fault.with("streams_max", STREAMS_MAX));
    }
    let mut names = BTreeSet::new();
    let mut decoded = Vec::with_capacity(streams.len());
    for info in streams {
        if !hub_model::id::valid(&info.name) || !names.insert(info.name.clone()) {
            return Err(bug("a stream's name is empty, too long or there twice"));
        }
        let place = info.name.clone();
        decoded.push(stream(info).map_err(|fault| fault.at(place))?);
    }
    Ok(decoded)
}

fn stream(info: wit::StreamInfo) -> Result<StreamInfo, Fault> {
    let kind = match info.kind {
        wit::EntityKind::Person => EntityKind::Person,
        wit::EntityKind::Account => EntityKind::Account,
        // Which objects they are, the organisation says.
        wit::EntityKind::Object => EntityKind::object("object"),
        wit::EntityKind::Event => EntityKind::object("event"),
        wit::EntityKind::Membership => EntityKind::object(MEMBERSHIP_KIND),
    };
    let schema = schema(&info.schema)?;
    Ok(StreamInfo {
        archives: schema.get(ARCHIVES).and_then(serde_json::Value::as_bool).unwrap_or(false),
        sends: sends(&schema)?,
        schema,
        fields: fields(info.fields)?,
        name: StreamName::new(info.name),
        kind,
        readable: info.readable,
        writable: info.writable,
        conditional_writes: info.conditional_writes,
        upsert_by_key: info.idempotency == wit::Idempotency::ExternalId,
        idempotency_keys: info.idempotency == wit::Idempotency::Key,
        atomic_batches: info.batches.atomic,
        // A batch of nothing would never finish.
        batch_items_max: info.batches.items_max.max(1),
        batch_bytes_max: info.batches.bytes_max.max(1),
        purposes: purposes(info.purposes)?,
    })
}

/// The channel on which its rows are messages, if they are. Another value than a name is
/// not passed over: messages would be taken for rows that may be written again.
fn sends(schema: &serde_json::Value) -> Result<Option<Box<str>>, Fault> {
    let Some(named) = schema.get(SENDS) else { return Ok(None) };
    let channel = named.as_str().filter(|channel| hub_model::id::valid(channel));
    let channel = channel.ok_or_else(|| bug("`x-sends` is not the name of a channel"))?;
    Ok(Some(channel.into()))
}

/// None of them is left out: what it needs would be asked of nobody.
fn purposes(purposes: Vec<String>) -> Result<Vec<Box<str>>, Fault> {
    if purposes.len() > PURPOSES_MAX || !purposes.iter().all(|word| hub_model::id::valid(word)) {
        return Err(bug("a purpose of a stream is empty or too long, or there are too many"));
    }
    Ok(purposes.into_iter().map(String::into_boxed_str).collect())
}

fn schema(text: &str) -> Result<serde_json::Value, Fault> {
    if text.len() > SCHEMA_BYTES_MAX {
        let fault = Fault::new(FaultCode::LimitExceeded);
        return Err(fault.with("schema_bytes_max", SCHEMA_BYTES_MAX));
    }
    match serde_json::from_str(text) {
        Ok(schema @ serde_json::Value::Object(_)) => Ok(schema),
        _ => Err(bug("the schema of a stream is not a JSON object")),
    }
}

fn fields(fields: Vec<wit::FieldInfo>) -> Result<Vec<FieldInfo>, Fault> {
    if fields.len() > hub_model::limits::RECORD_FIELDS_MAX {
        let fault = Fault::new(FaultCode::LimitExceeded);
        return Err(fault.with("fields_max", hub_model::limits::RECORD_FIELDS_MAX));
    }
    let mut names = BTreeSet::new();
    fields
        .into_iter()
        .map(|info| {
            if !hub_model::id::valid(&info.name) || !names.insert(info.name.clone()) {
                return Err(bug("a field's name is empty, too long or there twice"));
            }
            Ok(FieldInfo {
                name: FieldName::new(info.name),
                title: cut(&info.title, FAULT_TEXT_BYTES_MAX),
                read_only: info.read_only,
                create_only: info.create_only,
                required: info.required,
                matchable: info.matchable,
                pii: cut(&info.pii, FAULT_TEXT_BYTES_MAX),
                hash_profile: cut(&info.hash_profile, FAULT_TEXT_BYTES_MAX),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::sends;

    #[test]
    fn a_channel_that_is_no_name_is_not_passed_over() {
        assert_eq!(sends(&json!({})), Ok(None));
        assert_eq!(sends(&json!({ "x-sends": "email" })), Ok(Some("email".into())));
        for wrong in [json!(true), json!(null), json!(""), json!(["email"])] {
            assert!(sends(&json!({ "x-sends": wrong })).is_err(), "{wrong}");
        }
    }
}
