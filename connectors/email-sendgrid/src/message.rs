//! Templated mail: a template is a stream, and a row that is created in it is a message.
//!
//! Sending cannot be taken back, and SendGrid does not recognise a repetition. So a row
//! is only ever created, the class against writing twice is *none*, and every message
//! carries the hub's key, under which the events of it come back.

use liaison_sdk::{
    Action, Effect, EntityKind, Fault, FaultCode, Field, Outcome, Report, Stored, Stream,
    WriteItem, WriteRequest,
};
use serde_json::{Map, Value, json};

use crate::api::Api;
use crate::settings::{Template, is_address};

/// Most messages of one request.
pub const BATCH_ITEMS_MAX: u32 = 1_000;
/// The argument of a message that carries the hub's key.
pub const MESSAGE_ID: &str = "liaison_message";
/// The field that says whom a message is for.
const TO: &str = "to";
/// A key of the hub has 32 digits; what is not one of these may be anything.
const KEY_BYTES_MAX: usize = 128;

/// The stream as discovery describes it.
pub fn stream(name: &str, template: &Template) -> Stream {
    let names = template.fields.iter().filter(|name| *name != TO);
    Stream::new(name)
        .title(format!("Mail: {name}"))
        .kind(EntityKind::Person)
        .writable(BATCH_ITEMS_MAX)
        .atomic_batches()
        .primary_key(["message_id"])
        .dry_run()
        .sends("email")
        .purposes(template.purpose.as_deref())
        .field(Field::text("message_id").title("Message").read_only())
        .field(Field::text(TO).title("To").pii("email").create_only().required().matchable())
        .with_fields(names.map(|name| Field::new(name, json!({})).create_only()))
}

/// Sends a message for each item, in one request.
///
/// # Errors
/// What SendGrid says of the request; `timeout` when nobody knows.
pub fn write(api: &Api, template: &Template, request: &WriteRequest) -> Result<Report, Fault> {
    let people: Vec<Result<Value, Fault>> =
        request.items.iter().map(|item| person(template, item)).collect();
    let good: Vec<&Value> = people.iter().filter_map(|person| person.as_ref().ok()).collect();
    if !good.is_empty() {
        let mut body = json!({
            "personalizations": good,
            "from": {"email": api.settings.from},
            "template_id": template.template_id,
        });
        if let Some(name) = &api.settings.from_name {
            body["from"]["name"] = name.as_str().into();
        }
        if let Some(group) = template.group {
            body["asm"] = json!({ "group_id": group });
        }
        if request.dry_run || api.is_sandbox {
            body["mail_settings"] = json!({"sandbox_mode": {"enable": true}});
        }
        let answer = api.send(Effect::Writes, api.ask("POST", "/v3/mail/send").json(&body))?;
        // A page of a proxy says nothing about the mail.
        if !answer.body.is_empty() {
            let fault = Fault::new(FaultCode::Timeout).at("response");
            return Err(fault.with("status", answer.status));
        }
    }
    let outcome = |(item, person): (&WriteItem, Result<Value, Fault>)| match person {
        Ok(person) => {
            let key = item.idempotency_key.as_str();
            let mut row = item.patch.clone();
            row.insert("message_id".to_owned(), key.into());
            row.insert(TO.to_owned(), person["to"][0]["email"].clone());
            Outcome::Created(Stored::key(key).row(row))
        }
        Err(fault) => Outcome::Rejected(fault),
    };
    Ok(request.items.iter().zip(people).map(outcome).collect::<Vec<_>>().into())
}

/// To whom, and what the template is filled with.
fn person(template: &Template, item: &WriteItem) -> Result<Value, Fault> {
    if item.action != Action::Create {
        let what = "what was sent can neither be changed nor taken back";
        return Err(Fault::not_supported(what));
    }
    let key = item.idempotency_key.as_str();
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(Fault::bug("a message without a key"));
    }
    let rejected = |place: &str, reason: &str| {
        Fault::new(FaultCode::Rejected).at(place).with("reason", reason)
    };
    let to = item.patch.get(TO).and_then(Value::as_str).unwrap_or_default().trim();
    if !is_address(to) {
        return Err(rejected(TO, if to.is_empty() { "required" } else { "address" }));
    }
    let unknown = item.patch.keys().find(|name| *name != TO && !template.fields.contains(name));
    if let Some(name) = unknown {
        return Err(rejected(name, "unknown-field"));
    }
    // A hole in the data is a hole in the text: the template says what then.
    let filled = item.patch.iter().filter(|(name, value)| *name != TO && !value.is_null());
    let data: Map<String, Value> =
        filled.map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok(json!({
        "to": [{"email": to}],
        "dynamic_template_data": data,
        "custom_args": {MESSAGE_ID: key},
    }))
}
