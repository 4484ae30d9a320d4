//! What Meta says when it refuses something: an `error` in the body, whatever the
//! status.

use liaison_sdk::http::Response;
use liaison_sdk::{Fault, FaultCode};
use serde::Deserialize;

use crate::usage;

/// Pause after a limit whose length is not told: how long Meta blocks an account
/// that is not one of a test app.
const PAUSE_SECONDS: u32 = 60;
/// Of code 100: there is no such object, or the token may not see it.
const NO_SUCH_OBJECT: u32 = 33;
/// Of code 100: the audience is blocked, for its people or its name.
const BLOCKED: [u32; 2] = [1_713_230, 1_713_231];
/// Meta's terms for custom audiences, its own and those of the business, wait for
/// somebody to accept them.
const TERMS: [u32; 2] = [2_663, 2_664];

/// What code 100 is about where the proof of the app's secret is missing or wrong.
const PROOF: &str = "appsecret_proof";

/// A refusal.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Refusal {
    code: u32,
    error_subcode: Option<u32>,
    message: Option<String>,
    error_user_msg: Option<String>,
    is_transient: bool,
}

#[derive(Deserialize)]
struct Body {
    error: Refusal,
}

impl Refusal {
    /// The refusal that an answer holds, if it does.
    pub fn of(response: &Response) -> Option<Self> {
        serde_json::from_slice(&response.body).ok().map(|body: Body| body.error)
    }

    /// The fault.
    pub fn into_fault(self, response: &Response) -> Fault {
        let place = self.place();
        let code = match (self.code, self.error_subcode) {
            (4 | 17 | 32 | 341 | 613 | 80_000..=80_014, _) => {
                let after = usage::regained_after_seconds(response).unwrap_or(PAUSE_SECONDS);
                FaultCode::RateLimited(Some(after))
            }
            (102 | 190, _) => FaultCode::Auth,
            (100, _) if self.is_about_proof() => FaultCode::Auth,
            (3 | 10 | 200..=299, _) => FaultCode::Permission,
            (code, _) if TERMS.contains(&code) => FaultCode::Permission,
            (368, _) => FaultCode::Blocked,
            (_, Some(subcode)) if BLOCKED.contains(&subcode) => FaultCode::Blocked,
            (100, Some(NO_SUCH_OBJECT)) | (803, _) => FaultCode::NotFound,
            (12 | 2_635, _) => FaultCode::Config,
            (1 | 2, _) => FaultCode::Transient,
            _ if self.is_transient => FaultCode::Transient,
            _ => FaultCode::Rejected,
        };
        let said = self.error_user_msg.or(self.message).unwrap_or_default();
        let fault = Fault::new(code).at(place).with("status", response.status);
        match self.error_subcode {
            Some(subcode) => fault.vendor(format!("{}/{subcode}", self.code), said),
            None => fault.vendor(self.code, said),
        }
    }

    /// What a person has to see to, where that is no setting of the connection.
    fn place(&self) -> &'static str {
        match self.code {
            // Only a newer version of this connector speaks another version.
            12 | 2_635 => "api-version",
            code if TERMS.contains(&code) => "terms-of-service",
            100 if self.is_about_proof() => "credentials.token.app_secret",
            _ => "",
        }
    }

    /// Meta tells it by no code of its own.
    fn is_about_proof(&self) -> bool {
        self.message.as_ref().is_some_and(|message| message.contains(PROOF))
    }
}

/// The fault of an answer that is not Meta's: of a proxy, or of another server.
pub fn by_status(response: &Response) -> Fault {
    match response.status {
        300..=399 | 404 | 410 => Fault::config("settings.url", "the address of Meta's Graph API")
            .with("status", response.status),
        _ => response.fault(),
    }
}

#[cfg(test)]
mod tests {
    use liaison_sdk::FaultCode;
    use liaison_sdk::http::Response;
    use serde_json::json;

    use super::Refusal;

    #[test]
    fn a_code_means_what_it_means_at_meta() {
        for (code, subcode, expected) in [
            (190, Some(463), FaultCode::Auth),
            (102, None, FaultCode::Auth),
            (10, None, FaultCode::Permission),
            (200, None, FaultCode::Permission),
            (278, None, FaultCode::Permission),
            (2_663, None, FaultCode::Permission),
            (4, None, FaultCode::RateLimited(Some(60))),
            (17, Some(2_446_079), FaultCode::RateLimited(Some(60))),
            (32, None, FaultCode::RateLimited(Some(60))),
            (613, Some(1_487_742), FaultCode::RateLimited(Some(60))),
            (80_003, None, FaultCode::RateLimited(Some(60))),
            (368, None, FaultCode::Blocked),
            (100, Some(1_713_230), FaultCode::Blocked),
            (100, Some(33), FaultCode::NotFound),
            (100, None, FaultCode::Rejected),
            (2_654, None, FaultCode::Rejected),
            (2_635, None, FaultCode::Config),
            (2, None, FaultCode::Transient),
        ] {
            let body = json!({"error": {"code": code, "error_subcode": subcode, "message": "m"}});
            let body = body.to_string().into_bytes();
            let response = Response { status: 400, headers: Vec::new(), body };
            let fault = Refusal::of(&response).unwrap().into_fault(&response);
            assert_eq!(fault.code, expected, "{code} {subcode:?}");
            assert_eq!(fault.arg("vendor-message"), Some("m"));
        }
    }

    #[test]
    fn a_body_without_an_error_is_no_refusal() {
        for body in ["<html>", "{\"id\": \"1\"}", "", "{\"error\": \"no\"}"] {
            let body = body.as_bytes().to_vec();
            assert_eq!(Refusal::of(&Response { status: 200, headers: Vec::new(), body }), None);
        }
    }
}
