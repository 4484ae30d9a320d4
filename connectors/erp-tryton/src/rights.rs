//! What the user may do. Tryton refuses a missing right with the same
//! `UserError` as a business rule, in the user's language, so the access table
//! is asked in place of reading sentences.

use liaison_sdk::{Fault, FaultCode};
use serde_json::{Value, json};

use crate::rpc::{Effect, Server, Trouble};

/// The models that a row is made of.
pub const MODELS: [&str; 3] = ["party.party", "party.contact_mechanism", "party.address"];

/// The first right that is missing: `party.address/write`.
///
/// # Errors
/// [`Trouble`] of the call.
pub fn missing(server: &Server, rights: &[&str]) -> Result<Option<String>, Trouble> {
    let method = "model.ir.model.access.get_access";
    let access = server.call(Effect::Reads, method, &[json!(MODELS)], json!({}))?;
    let granted = |model: &str, right: &str| {
        access.get(model).and_then(|rights| rights.get(right)).is_some_and(|flag| {
            flag.as_bool().unwrap_or_else(|| flag.as_i64().is_some_and(|number| number != 0))
        })
    };
    let mut needed = MODELS.iter().flat_map(|model| rights.iter().map(move |right| (model, right)));
    Ok(needed
        .find(|(model, right)| !granted(model, right))
        .map(|(model, right)| format!("{model}/{right}")))
}

/// Turns a refusal into `permission` if a right is missing.
pub fn explain(server: &Server, trouble: Trouble) -> Trouble {
    if !matches!(trouble, Trouble::Refused(_)) {
        return trouble;
    }
    match missing(server, &["read", "write", "create"]) {
        Ok(Some(right)) => Trouble::Fault(permission(&right)),
        _ => trouble,
    }
}

/// The fault of a missing right.
pub fn permission(right: &str) -> Fault {
    Fault::new(FaultCode::Permission).at(right).with("expected", "this right for the user")
}

/// Whether the server has the fields that a row is made of.
///
/// # Errors
/// `schema-drift` naming the field, and whatever else a call answers.
pub fn fields_exist(server: &Server) -> Result<(), Fault> {
    let needed: [(&str, &[&str]); 3] = [
        ("party.party", &["code", "name", "active", "lang", "tax_identifier", "replaced_by"]),
        ("party.contact_mechanism", &["party", "type", "value", "sequence", "active"]),
        ("party.address", &["party", "street", "postal_code", "city", "country", "sequence"]),
    ];
    for (model, fields) in needed {
        let method = format!("model.{model}.fields_get");
        let answer = server.call(Effect::Reads, &method, &[json!(fields), json!(0)], json!({}))?;
        let has = |field: &&&str| answer.get(**field).is_some_and(Value::is_object);
        if let Some(field) = fields.iter().find(|field| !has(field)) {
            return Err(Fault::drift(format!("{model}.{field}"), "this field"));
        }
    }
    Ok(())
}
