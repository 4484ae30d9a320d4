//! What SendGrid says when it refuses something. Every member may be missing, and the
//! sentences quote what was sent.

use liaison_sdk::http::Response;
use liaison_sdk::{Fault, FaultCode};
use serde::Deserialize;
use serde_json::Value;

/// Pause after a limit whose length is not told.
const WINDOW_SECONDS: u32 = 60;
/// The longest pause that the header of a limit is believed: a clock may be off.
const WINDOW_SECONDS_MAX: i64 = 3_600;
/// Texts of fewer characters are not blotted out: they would take half of every
/// sentence with them.
const BLOTTED_CHARS_MIN: usize = 3;
/// What is said, as status 401, when nothing more may be sent.
const CREDITS_GONE: &str = "maximum credits exceeded";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    errors: Vec<Refusal>,
}

/// A refusal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Refusal {
    message: Option<String>,
    field: Option<String>,
    error_id: Option<String>,
}

/// The fault of an answer that is no success; `sent` is the body of the request, `now`
/// the hub's clock in seconds.
pub fn fault(response: &Response, path: &str, sent: &[u8], now: i64) -> Fault {
    let told: Option<Answer> = serde_json::from_slice(&response.body).ok();
    let refusal = told.and_then(|answer| answer.errors.into_iter().next());
    let is_told = refusal.is_some();
    let refusal = refusal.unwrap_or_default();
    let sentence = refusal.message.unwrap_or_default();
    let mut place = refusal.field.unwrap_or_default();
    let code = match response.status {
        401 if sentence.to_lowercase().contains(CREDITS_GONE) => FaultCode::QuotaExhausted(None),
        401 => FaultCode::Auth,
        403 => {
            access_of(path).clone_into(&mut place);
            FaultCode::Permission
        }
        404 | 410 | 300..=399 if !is_told => {
            return Fault::config("settings.url", "the address of SendGrid's API")
                .with("status", response.status);
        }
        404 | 410 => FaultCode::NotFound,
        429 => FaultCode::RateLimited(Some(wait(response, now))),
        408 | 425 | 500.. => FaultCode::Transient,
        _ => FaultCode::Rejected,
    };
    let fault = Fault::new(code).at(place).with("status", response.status);
    let fault = if response.status == 413 { fault.with("reason", "too-large") } else { fault };
    match is_told {
        true => fault.vendor(refusal.error_id.unwrap_or_default(), blotted(sentence, sent)),
        false => fault,
    }
}

/// Seconds until a limit renews: as SendGrid says it, or as others do.
fn wait(response: &Response, now: i64) -> u32 {
    let number = |name: &str| response.header(name)?.trim().parse::<i64>().ok();
    let reset = number("x-ratelimit-reset").map(|reset| reset - now);
    let told = number("retry-after").or(reset).filter(|it| (0..=WINDOW_SECONDS_MAX).contains(it));
    let told = told.and_then(|seconds| u32::try_from(seconds).ok());
    told.map_or(WINDOW_SECONDS, |seconds| seconds.max(1))
}

/// What the page of API keys calls the access that a path needs.
fn access_of(path: &str) -> &'static str {
    let part = path.trim_start_matches("/v3/").split('/').next().unwrap_or_default();
    match part {
        "marketing" => "Marketing",
        "asm" | "suppression" => "Suppressions, Unsubscribe Groups",
        "mail" => "Mail Send",
        _ => "",
    }
}

/// A sentence without the texts of the body that it is about: a fault never holds a
/// customer's value.
fn blotted(sentence: String, sent: &[u8]) -> String {
    let body: Value = serde_json::from_slice(sent).unwrap_or_default();
    let mut texts = Vec::new();
    texts_of(&body, &mut texts);
    texts.retain(|text| text.chars().count() >= BLOTTED_CHARS_MIN && sentence.contains(*text));
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let sentence = texts.into_iter().fold(sentence, |it, text| it.replace(text, "…"));
    let words = sentence.split(' ').map(|word| if word.contains('@') { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

fn texts_of<'v>(value: &'v Value, into: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts_of(item, into)),
        Value::Object(members) => members.values().for_each(|member| texts_of(member, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use liaison_sdk::FaultCode;
    use liaison_sdk::http::Response;
    use serde_json::{Value, json};

    use super::fault;

    const NOW: i64 = 1_700_000_000;

    fn response(status: u16, header: Option<(&str, i64)>, body: &Value) -> Response {
        let header = header.map(|(name, value)| (name.to_owned(), value.to_string()));
        let headers = header.into_iter().collect();
        Response { status, headers, body: body.to_string().into_bytes() }
    }

    #[test]
    fn a_status_means_what_it_means_at_sendgrid() {
        let said = |message: &str| json!({"errors": [{"field": null, "message": message}]});
        let reset = |seconds: i64| Some(("X-RateLimit-Reset", NOW + seconds));
        for (status, header, body, code) in [
            (401, None, said("authorization required"), FaultCode::Auth),
            (401, None, said("Maximum credits exceeded"), FaultCode::QuotaExhausted(None)),
            (403, None, said("access forbidden"), FaultCode::Permission),
            (404, None, said("not found"), FaultCode::NotFound),
            (404, None, Value::Null, FaultCode::Config),
            (302, None, Value::Null, FaultCode::Config),
            (413, None, Value::Null, FaultCode::Rejected),
            (429, reset(17), said("too many requests"), FaultCode::RateLimited(Some(17))),
            (429, reset(0), said("too many requests"), FaultCode::RateLimited(Some(1))),
            // A clock that is off says nothing.
            (429, reset(-50_000), Value::Null, FaultCode::RateLimited(Some(60))),
            (429, reset(50_000), Value::Null, FaultCode::RateLimited(Some(60))),
            (429, Some(("Retry-After", 7)), Value::Null, FaultCode::RateLimited(Some(7))),
            (503, None, Value::Null, FaultCode::Transient),
        ] {
            let told = fault(&response(status, header, &body), "/v3/mail/send", b"", NOW);
            assert_eq!(told.code, code, "{status} {header:?} {body}");
        }
    }

    #[test]
    fn a_missing_access_is_named_as_the_page_of_keys_does() {
        let said = json!({"errors": [{"message": "access forbidden"}]});
        for (path, access) in [
            ("/v3/marketing/contacts", "Marketing"),
            ("/v3/asm/groups", "Suppressions, Unsubscribe Groups"),
            ("/v3/mail/send", "Mail Send"),
        ] {
            assert_eq!(fault(&response(403, None, &said), path, b"", NOW).place, access);
        }
    }

    #[test]
    fn a_refusal_names_the_field_and_quotes_no_value() {
        let message = "email 'ana@x' of Ana Maria is not valid";
        let said = json!({"errors": [{"field": "contacts[0].email", "message": message}]});
        let sent = json!({"contacts": [{"email": "ana@x", "first_name": "Ana Maria"}]}).to_string();
        let told =
            fault(&response(400, None, &said), "/v3/marketing/contacts", sent.as_bytes(), NOW);
        assert_eq!((told.code, told.place.as_str()), (FaultCode::Rejected, "contacts[0].email"));
        assert_eq!(told.arg("vendor-message"), Some("email '…' of … is not valid"));
    }
}
