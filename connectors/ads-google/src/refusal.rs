//! What Google says when it refuses something: one form for all of its APIs.

use liaison_sdk::http::Response;
use liaison_sdk::{Fault, FaultCode};
use serde::Deserialize;
use serde_json::Value;

/// Pause after a limit whose length is not told: the window of the limit.
const WINDOW_SECONDS: u32 = 60;
/// Reasons for which there is no such list.
const NO_SUCH_LIST: [&str; 3] = ["INVALID_USER_LIST_ID", "INVALID_DESTINATION", "NOT_FOUND"];
/// Reasons that wait for somebody to accept terms.
const TERMS: &str = "TERMS_AND_CONDITIONS_NOT_SIGNED";

/// A refusal.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Refusal {
    status: String,
    message: String,
    details: Vec<Value>,
}

#[derive(Deserialize)]
struct Body {
    error: Refusal,
}

impl Refusal {
    /// The refusal that an answer holds, if it does.
    pub fn of(response: &Response) -> Option<Self> {
        let refusal = serde_json::from_slice(&response.body).ok().map(|body: Body| body.error)?;
        Some(refusal).filter(|refusal| !refusal.status.is_empty())
    }

    /// The details of a type: `ErrorInfo`, `BadRequest`, `RetryInfo`.
    fn detail(&self, kind: &str) -> Option<&Value> {
        let own = |detail: &&Value| {
            detail["@type"].as_str().is_some_and(|named| named.rsplit('.').next() == Some(kind))
        };
        self.details.iter().find(own)
    }

    fn reason(&self) -> &str {
        let info = self.detail("ErrorInfo").and_then(|info| info["reason"].as_str());
        info.unwrap_or_default()
    }

    /// The field that it is about, as far as it tells.
    fn field(&self) -> &str {
        let violation = self.detail("BadRequest").map(|detail| &detail["fieldViolations"][0]);
        violation.and_then(|violation| violation["field"].as_str()).unwrap_or_default()
    }

    /// Seconds to wait, where they are told: `"retryDelay": "30.5s"`.
    fn wait(&self) -> Option<u32> {
        let delay = self.detail("RetryInfo")?["retryDelay"].as_str()?.strip_suffix('s')?;
        let (seconds, fraction) = delay.split_once('.').unwrap_or((delay, ""));
        seconds.parse::<u32>().ok()?.checked_add(u32::from(!fraction.is_empty()))
    }

    /// Whether it is the allowance of a day that is used up.
    fn is_daily(&self) -> bool {
        let info = self.detail("ErrorInfo").map(|info| &info["metadata"]);
        info.is_some_and(|metadata| metadata.to_string().to_lowercase().contains("perday"))
    }

    /// The fault.
    pub fn into_fault(self, response: &Response) -> Fault {
        let retry_after = response.header("retry-after").and_then(|text| text.trim().parse().ok());
        let wait = self.wait().or(retry_after);
        let mut place = self.field().to_owned();
        let code = match (self.status.as_str(), self.reason()) {
            ("UNAUTHENTICATED", _) => FaultCode::Auth,
            (_, TERMS) => {
                "terms-of-service".clone_into(&mut place);
                FaultCode::Permission
            }
            (_, reason) if NO_SUCH_LIST.contains(&reason) => FaultCode::NotFound,
            ("PERMISSION_DENIED", _) => FaultCode::Permission,
            ("NOT_FOUND", _) => FaultCode::NotFound,
            ("RESOURCE_EXHAUSTED", _) if self.is_daily() => FaultCode::QuotaExhausted(wait),
            ("RESOURCE_EXHAUSTED", _) => FaultCode::RateLimited(wait.or(Some(WINDOW_SECONDS))),
            ("UNAVAILABLE" | "INTERNAL" | "UNKNOWN" | "DEADLINE_EXCEEDED" | "ABORTED", _) => {
                FaultCode::Transient
            }
            _ => FaultCode::Rejected,
        };
        let said = match self.reason() {
            "" => self.status.clone(),
            reason => reason.to_owned(),
        };
        Fault::new(code).at(place).with("status", response.status).vendor(said, self.message)
    }
}

/// The fault of an answer that is not Google's: of a proxy, or of another server.
pub fn by_status(response: &Response) -> Fault {
    match response.status {
        300..=399 | 404 | 410 => {
            Fault::config("settings.url", "the address of the Data Manager API")
                .with("status", response.status)
        }
        _ => response.fault(),
    }
}

#[cfg(test)]
mod tests {
    use liaison_sdk::FaultCode;
    use liaison_sdk::http::Response;
    use serde_json::{Value, json};

    use super::Refusal;

    fn info(reason: &str, metadata: Value) -> Value {
        json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason,
            "domain": "datamanager.googleapis.com", "metadata": metadata})
    }

    #[test]
    fn a_status_and_its_reason_mean_what_they_mean_at_google() {
        let retry =
            json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "29.5s"});
        let none = || json!({});
        for (status, details, code) in [
            ("UNAUTHENTICATED", vec![], FaultCode::Auth),
            ("PERMISSION_DENIED", vec![info("PERMISSION_DENIED", none())], FaultCode::Permission),
            ("FAILED_PRECONDITION", vec![info(super::TERMS, none())], FaultCode::Permission),
            ("INVALID_ARGUMENT", vec![info("INVALID_USER_LIST_ID", none())], FaultCode::NotFound),
            ("NOT_FOUND", vec![], FaultCode::NotFound),
            ("INVALID_ARGUMENT", vec![info("INVALID_HEX_ENCODING", none())], FaultCode::Rejected),
            ("RESOURCE_EXHAUSTED", vec![], FaultCode::RateLimited(Some(60))),
            ("RESOURCE_EXHAUSTED", vec![retry], FaultCode::RateLimited(Some(30))),
            (
                "RESOURCE_EXHAUSTED",
                vec![info(
                    "RATE_LIMIT_EXCEEDED",
                    json!({"quota_limit": "RequestsPerDayPerProject"}),
                )],
                FaultCode::QuotaExhausted(None),
            ),
            ("UNAVAILABLE", vec![], FaultCode::Transient),
            ("SOMETHING_NEW", vec![], FaultCode::Rejected),
        ] {
            let body = json!({"error": {"code": 400, "status": status, "message": "m", "details": details}});
            let body = body.to_string().into_bytes();
            let response = Response { status: 400, headers: Vec::new(), body };
            let fault = Refusal::of(&response).unwrap().into_fault(&response);
            assert_eq!(fault.code, code, "{status} {details:?}");
        }
    }

    #[test]
    fn the_field_is_named() {
        let details = json!([{"@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": "audience_members[3].user_data", "description": "d"}]}]);
        let body =
            json!({"error": {"status": "INVALID_ARGUMENT", "message": "m", "details": details}});
        let response =
            Response { status: 400, headers: Vec::new(), body: body.to_string().into_bytes() };
        let fault = Refusal::of(&response).unwrap().into_fault(&response);
        assert_eq!(fault.place, "audience_members[3].user_data");
    }
}
