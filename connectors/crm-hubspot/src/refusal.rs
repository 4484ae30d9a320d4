//! What HubSpot says when it refuses something: one form for whole requests
//! and for single items of a batch. Every member may be missing, and the
//! sentences quote what was sent.

use liaison_sdk::http::Response;
use liaison_sdk::{Fault, FaultCode};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Pause after "locked": the documented length of a lock.
const LOCK_SECONDS: u32 = 2;
/// Pause after a limit whose length is not told: the window of the limit.
const WINDOW_SECONDS: u32 = 10;
/// Texts of fewer characters are not blotted out: they would take half of
/// every sentence with them.
const BLOTTED_CHARS_MIN: usize = 3;

/// A refusal.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Refusal {
    /// The HTTP status; 0 for an item of a batch.
    #[serde(skip)]
    pub status: u16,
    /// `VALIDATION_ERROR`, `OBJECT_NOT_FOUND`, `CONFLICT`, ...
    pub category: Option<String>,
    /// A sentence.
    pub message: Option<String>,
    /// Which limit was reached: `DAILY`, `SECONDLY`, ...
    policy_name: Option<String>,
    /// Lists by name: `ids`, `objectWriteTraceId`, `propertyName`, ...
    context: Option<Map<String, Value>>,
    /// Details.
    errors: Option<Vec<Detail>>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Detail {
    message: Option<String>,
    code: Option<String>,
    #[serde(rename = "in")]
    place: Option<String>,
    context: Option<Map<String, Value>>,
}

impl Refusal {
    /// The refusal of a whole request. A body that is no JSON says nothing.
    pub fn of(response: &Response) -> Self {
        let refusal: Self = serde_json::from_slice(&response.body).unwrap_or_default();
        Self { status: response.status, ..refusal }
    }

    /// Whether the body was HubSpot's at all.
    pub fn is_told(&self) -> bool {
        self.category.is_some() || self.message.is_some()
    }

    /// Whether this is its category.
    pub fn is(&self, category: &str) -> bool {
        self.category.as_deref() == Some(category)
    }

    /// What the context lists under a name, its details' contexts included.
    pub fn listed(&self, name: &str) -> Vec<String> {
        let details = self.errors.iter().flatten().filter_map(|detail| detail.context.as_ref());
        let contexts = self.context.iter().chain(details);
        let values = contexts.filter_map(|context| context.get(name));
        let texts = values.flat_map(|value| match value {
            Value::Array(items) => items.iter().filter_map(text).collect::<Vec<_>>(),
            value => text(value).into_iter().collect(),
        });
        texts.collect()
    }

    /// The property that it is about, as far as it tells.
    pub fn property(&self) -> Option<String> {
        let named = self.listed("propertyName").into_iter().next();
        named.or_else(|| self.errors.iter().flatten().find_map(|detail| detail.place.clone()))
    }

    /// Code and sentence for people. Texts of `sent` are blotted out: a fault
    /// never holds a customer's value.
    fn said(&self, sent: &[&str]) -> (String, String) {
        let detail = self.errors.iter().flatten().next();
        let code = detail.and_then(|detail| detail.code.clone());
        let code = code.or_else(|| self.category.clone()).unwrap_or_default();
        let sentence = detail.and_then(|detail| detail.message.clone());
        let sentence = sentence.or_else(|| self.message.clone()).unwrap_or_default();
        let mut sent: Vec<&str> = sent.to_vec();
        sent.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let long = sent.into_iter().filter(|text| text.chars().count() >= BLOTTED_CHARS_MIN);
        (code, long.fold(sentence, |sentence, text| sentence.replace(text, "…")))
    }

    /// The refusal of an item for its content.
    pub fn rejected(&self, sent: &[&str]) -> Fault {
        let (code, sentence) = self.said(sent);
        let fault = Fault::new(FaultCode::Rejected).at(self.property().unwrap_or_default());
        let fault = if self.status == 413 { fault.with("reason", "too-large") } else { fault };
        fault.vendor(code, sentence)
    }

    /// The refusal of a request, by its status.
    pub fn into_fault(self, retry_after: Option<u32>) -> Fault {
        let place = match self.status {
            403 => self.missing_scopes(),
            _ => String::new(),
        };
        let code = match self.status {
            401 => FaultCode::Auth,
            402 => FaultCode::Blocked,
            403 => FaultCode::Permission,
            423 => FaultCode::RateLimited(retry_after.or(Some(LOCK_SECONDS))),
            429 if self.policy_name.as_deref() == Some("DAILY") => {
                FaultCode::QuotaExhausted(retry_after)
            }
            429 => FaultCode::RateLimited(retry_after.or(Some(WINDOW_SECONDS))),
            // The account moves to another data centre.
            477 => FaultCode::RateLimited(retry_after),
            408 | 425 | 500.. => FaultCode::Transient,
            404 | 410 if !self.is_told() => {
                return Fault::config("settings.url", "the address of HubSpot's API")
                    .with("status", self.status);
            }
            404 | 410 => FaultCode::NotFound,
            _ => FaultCode::Rejected,
        };
        let (vendor_code, sentence) = self.said(&[]);
        let fault = Fault::new(code).at(place).with("status", self.status);
        match self.is_told() {
            true => fault.vendor(vendor_code, sentence),
            false => fault,
        }
    }

    /// The scopes that the token lacks, as the refusal names them.
    fn missing_scopes(&self) -> String {
        let names = ["requiredGranularScopes", "requiredScopes", "missingScopes"];
        let scopes = names.iter().map(|name| self.listed(name)).find(|scopes| !scopes.is_empty());
        scopes.unwrap_or_default().join(", ")
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use liaison_sdk::FaultCode;
    use liaison_sdk::http::Response;
    use serde_json::{Value, json};

    use super::Refusal;

    fn refusal(status: u16, body: &Value) -> Refusal {
        let body = body.to_string().into_bytes();
        Refusal::of(&Response { status, headers: Vec::new(), body })
    }

    #[test]
    fn a_status_means_what_it_means_at_hubspot() {
        let none = json!({});
        let told = json!({"category": "OBJECT_NOT_FOUND", "message": "no"});
        let daily = json!({"errorType": "RATE_LIMIT", "policyName": "DAILY"});
        let secondly = json!({"errorType": "RATE_LIMIT", "policyName": "SECONDLY"});
        for (status, body, after, code) in [
            (401, &none, None, FaultCode::Auth),
            (403, &none, None, FaultCode::Permission),
            (404, &told, None, FaultCode::NotFound),
            (404, &none, None, FaultCode::Config),
            (423, &none, None, FaultCode::RateLimited(Some(2))),
            (429, &daily, Some(7), FaultCode::QuotaExhausted(Some(7))),
            (429, &daily, None, FaultCode::QuotaExhausted(None)),
            (429, &secondly, None, FaultCode::RateLimited(Some(10))),
            (429, &secondly, Some(3), FaultCode::RateLimited(Some(3))),
            (477, &none, Some(86_400), FaultCode::RateLimited(Some(86_400))),
            (502, &none, None, FaultCode::Transient),
            (400, &told, None, FaultCode::Rejected),
        ] {
            assert_eq!(refusal(status, body).into_fault(after).code, code, "{status} {body}");
        }
    }

    #[test]
    fn a_missing_scope_is_named() {
        let body = json!({"category": "MISSING_SCOPES", "message": "This app hasn't been granted all required scopes", "errors": [
            {"message": "One or more of the following scopes are required.", "context": {"requiredGranularScopes": ["crm.objects.deals.read"]}},
        ]});
        let fault = refusal(403, &body).into_fault(None);
        assert_eq!(
            (fault.code, fault.place.as_str()),
            (FaultCode::Permission, "crm.objects.deals.read")
        );
    }

    #[test]
    fn a_rejection_names_the_property_and_quotes_no_value() {
        let body = json!({"category": "VALIDATION_ERROR", "message": "Property values were not valid", "errors": [
            {"message": "Email address ana@x is invalid", "code": "INVALID_EMAIL", "context": {"propertyName": ["email"]}},
        ]});
        let fault = refusal(400, &body).rejected(&["ana@x", "it"]);
        assert_eq!(fault.place, "email");
        assert_eq!(fault.arg("vendor-code"), Some("INVALID_EMAIL"));
        assert_eq!(fault.arg("vendor-message"), Some("Email address … is invalid"));
    }
}
