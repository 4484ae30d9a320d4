//! The form of requests: the parameters of each edge, by Meta's own SDK generator, and
//! of people's rows, by the reference of the edge `users`.

use serde_json::Value;

use super::error;
use crate::http::{Answer, Request};

/// Rows of one request.
pub const ROWS_MAX: usize = 10_000;
/// What a schema may name, and whether its values are digests.
pub const COLUMNS: [(&str, bool); 15] = [
    ("EXTERN_ID", false),
    ("EMAIL", true),
    ("PHONE", true),
    ("GEN", true),
    ("DOBY", true),
    ("DOBM", true),
    ("DOBD", true),
    ("LN", true),
    ("FN", true),
    ("FI", true),
    ("CT", true),
    ("ST", true),
    ("ZIP", true),
    ("MADID", false),
    ("COUNTRY", true),
];
/// Parameters of creating an audience (`AdAccount.json`, edge `customaudiences`).
const CREATE: [&str; 28] = [
    "allowed_domains",
    "associated_audience_id",
    "claim_objective",
    "content_type",
    "creation_params",
    "customer_file_source",
    "dataset_id",
    "description",
    "enable_fetch_or_create",
    "event_source_group",
    "event_sources",
    "exclusions",
    "facebook_page_id",
    "inclusions",
    "is_value_based",
    "list_of_accounts",
    "lookalike_spec",
    "name",
    "opt_out_link",
    "origin_audience_id",
    "pixel_id",
    "prefill",
    "product_set_id",
    "retention_days",
    "rule",
    "rule_aggregation",
    "subscription_info",
    "subtype",
];
/// Parameters of the edges of people (`CustomAudience.json`).
const PEOPLE: [&str; 3] = ["namespace", "payload", "session"];
/// Parameters of sending events (`EventRequest` of the SDK).
const EVENTS: [&str; 7] = [
    "data",
    "namespace_id",
    "partner_agent",
    "test_event_code",
    "upload_id",
    "upload_source",
    "upload_tag",
];
/// Parameters of reading.
const READ: [&str; 4] = ["fields", "filtering", "limit", "after"];
/// A parameter of every request.
const PROOF: &str = "appsecret_proof";
/// Who told the organisation about the people.
const FILE_SOURCES: [&str; 3] =
    ["USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED"];

fn refuse(message: &str) -> Answer {
    error(400, 100, None, &format!("(#100) {message}"))
}

/// Whether a request has the form that its edge wants.
pub fn check(method: &str, path: &[&str], request: &Request) -> Result<(), Answer> {
    let known: &[&str] = match (method, path) {
        ("GET", _) => &READ,
        ("POST", [_, "customaudiences"]) => &CREATE,
        ("POST" | "DELETE", [_, "users"]) | ("POST", [_, "usersreplace"]) => &PEOPLE,
        ("POST", [_, "events"]) => &EVENTS,
        ("DELETE", [_]) => &[],
        _ => return Err(refuse("Unsupported request")),
    };
    let body = request.json();
    let in_body = body.as_object().into_iter().flat_map(|body| body.keys().cloned());
    let in_query = request.query().into_iter().map(|(name, _)| name);
    let in_query = in_query.filter(|name| name != PROOF);
    if let Some(unknown) = in_body.chain(in_query).find(|name| !known.contains(&name.as_str())) {
        return Err(refuse(&format!("Unknown parameter {unknown}")));
    }
    match path {
        [_, "customaudiences"] if method == "POST" => check_create(&body),
        [_, "users" | "usersreplace"] => {
            check_session(&body["session"])?;
            check_payload(&body["payload"])
        }
        _ => Ok(()),
    }
}

fn check_create(body: &Value) -> Result<(), Answer> {
    if body["name"].as_str().is_none_or(str::is_empty) {
        return Err(refuse("The parameter name is required"));
    }
    let source = body["customer_file_source"].as_str().unwrap_or_default();
    if body["subtype"] == "CUSTOM" && !FILE_SOURCES.contains(&source) {
        return Err(refuse("customer_file_source must be one of its values"));
    }
    Ok(())
}

fn check_session(session: &Value) -> Result<(), Answer> {
    let numbered = session["session_id"].as_u64().is_some_and(|id| i64::try_from(id).is_ok());
    let placed = session["batch_seq"].as_u64().is_some_and(|number| number > 0);
    if numbered && placed && session["last_batch_flag"].is_boolean() {
        Ok(())
    } else {
        Err(refuse("session needs session_id, batch_seq and last_batch_flag"))
    }
}

fn check_payload(payload: &Value) -> Result<(), Answer> {
    let columns = payload["schema"].as_array().ok_or_else(|| refuse("payload needs a schema"))?;
    let known = |column: &Value| COLUMNS.iter().any(|(name, _)| column == name);
    if columns.is_empty() || !columns.iter().all(known) {
        return Err(refuse("schema must be a list of its keys"));
    }
    let rows = payload["data"].as_array().ok_or_else(|| refuse("payload needs data"))?;
    if rows.len() > ROWS_MAX {
        return Err(refuse("data may have at most 10000 rows"));
    }
    let fits = |row: &Value| row.as_array().is_some_and(|row| row.len() == columns.len());
    if rows.iter().all(fits) { Ok(()) } else { Err(refuse("a row does not fit the schema")) }
}

/// Whether a value is what its column wants.
pub fn is_valid(column: &str, value: &str) -> bool {
    let digest = COLUMNS.iter().any(|(name, digest)| *name == column && *digest);
    !digest || value.is_empty() || is_digest(value)
}

/// Whether it is SHA-256, hexadecimal.
pub fn is_digest(value: &str) -> bool {
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    value.len() == 64 && value.bytes().all(hexadecimal)
}
