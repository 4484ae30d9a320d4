//! How HubSpot refuses: whole requests, and items of a batch.

use serde_json::{Map, Value, json};

use crate::http::Answer;

/// A refusal on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The status of a request that is refused as a whole for it.
    pub status: u16,
    /// `VALIDATION_ERROR`, `CONFLICT`, `OBJECT_NOT_FOUND`.
    pub category: &'static str,
    /// A sentence; it quotes the value.
    pub message: String,
    /// The code of the detail.
    pub code: &'static str,
    /// The property that it is about.
    pub property: Option<String>,
}

impl Refusal {
    /// A value that cannot be.
    #[must_use]
    pub fn value(property: &str, code: &'static str, message: String) -> Self {
        let property = Some(property.to_owned());
        Self { status: 400, category: "VALIDATION_ERROR", message, code, property }
    }

    /// A value that somebody else has.
    #[must_use]
    pub fn taken(property: &str, message: String) -> Self {
        let property = Some(property.to_owned());
        Self { status: 409, category: "CONFLICT", message, code: "CONFLICTING_VALUE", property }
    }

    fn details(&self) -> Vec<Value> {
        let context = match &self.property {
            Some(property) => json!({"propertyName": [property]}),
            None => json!({}),
        };
        vec![json!({"message": self.message, "code": self.code, "context": context})]
    }

    /// The whole request is refused for it.
    #[must_use]
    pub fn whole(&self) -> Answer {
        whole(self.status, self.category, &self.message, &self.details())
    }

    /// An item of a batch is refused for it; `context` says which.
    #[must_use]
    pub fn item(&self, mut context: Map<String, Value>) -> Value {
        if let Some(property) = &self.property {
            context.insert("propertyName".to_owned(), json!([property]));
        }
        item(self.category, &self.message, context, self.details())
    }
}

/// A whole request is refused.
#[must_use]
pub fn whole(status: u16, category: &str, message: &str, details: &[Value]) -> Answer {
    Answer::json(
        status,
        &json!({
            "status": "error",
            "message": message,
            "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf",
            "category": category,
            "errors": details,
        }),
    )
}

/// Part of a batch is refused.
#[must_use]
pub fn item(
    category: &str,
    message: &str,
    context: Map<String, Value>,
    details: Vec<Value>,
) -> Value {
    json!({
        "status": "error", "category": category, "message": message, "context": context,
        "errors": details, "links": {},
    })
}

/// The token lacks a scope.
#[must_use]
pub fn missing_scope(scope: &str) -> Answer {
    let detail = json!({
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": [scope]},
    });
    let message = "This app hasn't been granted all required scopes to make this call.";
    whole(403, "MISSING_SCOPES", message, &[detail])
}

/// A limit is reached.
#[must_use]
pub fn too_fast(policy: &str, retry_after: Option<u32>) -> Answer {
    let body = json!({
        "status": "error",
        "message": format!("You have reached your {policy} limit."),
        "errorType": "RATE_LIMIT",
        "category": "RATE_LIMITS",
        "correlationId": "c033cdaa-2c40-4a64-ae48-b4cec88dad24",
        "policyName": policy,
    });
    let answer = Answer::json(429, &body);
    match retry_after {
        Some(seconds) => answer.header("retry-after", seconds.to_string()),
        None => answer,
    }
}
