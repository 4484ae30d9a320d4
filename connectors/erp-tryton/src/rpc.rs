//! JSON-RPC as Tryton speaks it, and what its answers mean. The host logs in
//! and sends the session; a 401 that arrives here has survived its new login.

pub use liaison_sdk::Effect;
use liaison_sdk::http::{self, Response};
use liaison_sdk::{Call, Fault, FaultCode};
use serde::Deserialize;
use serde_json::{Value, json};

/// The credential slot of `connector.json`.
const CREDENTIAL: &str = "session";

/// What the database says when another transaction was in the way: everything
/// was rolled back, and a later attempt may work.
const BUSY: [&str; 4] =
    ["database is locked", "could not serialize", "deadlock detected", "could not obtain lock"];

/// The settings; the schema in `connector.json` says the same.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    url: String,
    database: String,
}

/// A Tryton server and its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    url: String,
}

/// Why a call gave no result.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// Nothing was done, whatever the content was.
    Fault(Fault),
    /// A write may or may not have been done.
    Unknown(Fault),
    /// Nothing was done: a row that the call touches has another timestamp.
    Concurrency,
    /// Nothing was done: the content was refused.
    Refused(Refusal),
}

/// What Tryton said against the content of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `UserError`, `UserWarning` or `exception`.
    pub kind: &'static str,
    /// Its message, in the language of the call.
    pub message: String,
}

impl Server {
    /// The server of a connection.
    ///
    /// # Errors
    /// `config` when the settings do not fit.
    pub fn of(call: &Call) -> Result<Self, Fault> {
        let settings: Settings = call.settings()?;
        Ok(Self { url: format!("{}/{}/rpc/", settings.url, settings.database) })
    }

    /// Calls a method. `context` is merged with what every call carries.
    ///
    /// # Errors
    /// [`Trouble`], by the answer and by what the call does.
    pub fn call(
        &self,
        effect: Effect,
        method: &str,
        params: &[Value],
        context: Value,
    ) -> Result<Value, Trouble> {
        let params: Vec<Value> = params.iter().cloned().chain([with_language(context)]).collect();
        let body = json!({"id": 0, "method": method, "params": params});
        let response = send(&self.url, &body).map_err(|fault| match fault.code {
            FaultCode::Timeout if effect == Effect::Writes => Trouble::Unknown(fault),
            _ => Trouble::Fault(fault),
        })?;
        let value = understand(&response, effect);
        value.map_err(|trouble| match trouble {
            Trouble::Fault(fault) if fault.place.is_empty() => Trouble::Fault(fault.at(method)),
            other => other,
        })
    }
}

#[cfg(not(test))]
fn send(url: &str, body: &Value) -> Result<Response, Fault> {
    http::post(url).credential(CREDENTIAL).json(body).send()
}

/// Tests may put a real server behind the connector, to record exchanges.
#[cfg(test)]
fn send(url: &str, body: &Value) -> Result<Response, Fault> {
    crate::recording::send(url, body)
        .unwrap_or_else(|| http::post(url).credential(CREDENTIAL).json(body).send())
}

/// Messages come in the language of the context: always the same one.
fn with_language(mut context: Value) -> Value {
    if let Some(context) = context.as_object_mut() {
        context.insert("language".to_owned(), json!("en"));
    }
    context
}

/// What a response means.
fn understand(response: &Response, effect: Effect) -> Result<Value, Trouble> {
    if response.status != 200 {
        return Err(by_status(response, effect));
    }
    let mut answer: Value = serde_json::from_slice(&response.body).map_err(|_| {
        let is_page = response.body.trim_ascii_start().starts_with(b"<");
        if effect == Effect::Writes && !is_page {
            // An answer that broke off: what it answers was done, or refused.
            return Trouble::Unknown(Fault::new(FaultCode::Timeout).with("expected", "json"));
        }
        let content_type = response.header("content-type").unwrap_or_default();
        // Proxies answer an expired sign-on with a page and the status 200.
        Trouble::Fault(Fault::drift("", "json").with("content-type", content_type))
    })?;
    if let Some(error) = answer.get("error") {
        return Err(by_error(error));
    }
    match answer.get_mut("result") {
        Some(result) => Ok(result.take()),
        None => Err(Trouble::Fault(Fault::drift("", "result"))),
    }
}

fn by_status(response: &Response, effect: Effect) -> Trouble {
    let status = response.status;
    let fault = match status {
        300..=399 => Fault::config("settings.url", "the address that it redirects to"),
        401 => Fault::new(FaultCode::Auth),
        403 => Fault::new(FaultCode::Permission),
        404 => Fault::config("settings.database", "a database of this server"),
        405 => Fault::config("settings.url", "a Tryton server, without a path"),
        413 => Fault::new(FaultCode::Limit),
        // Not a business rule: Tryton could not make sense of the call itself.
        400 | 422 => Fault::bug("the call"),
        429 => {
            let seconds = response.header("retry-after").and_then(|text| text.trim().parse().ok());
            Fault::new(FaultCode::RateLimited(seconds))
        }
        503 => Fault::new(FaultCode::Transient),
        500.. if effect == Effect::Writes => {
            return Trouble::Unknown(Fault::new(FaultCode::Timeout).with("status", status));
        }
        500.. => Fault::new(FaultCode::Transient),
        _ => response.fault(),
    };
    Trouble::Fault(fault.with("status", status))
}

/// Errors come with the status 200: `["UserError", [message, description,
/// domain]]`, `["ConcurrencyException", message]`, or, for any other Python
/// exception, `[text, traceback]`.
fn by_error(error: &Value) -> Trouble {
    let part = |at: usize| error.get(1).and_then(|detail| detail.get(at)).and_then(Value::as_str);
    let refused = |kind, message: Option<&str>| {
        Trouble::Refused(Refusal { kind, message: message.unwrap_or_default().to_owned() })
    };
    match error.get(0).and_then(Value::as_str).unwrap_or_default() {
        "ConcurrencyException" => Trouble::Concurrency,
        "UserError" => refused("UserError", part(0)),
        "UserWarning" => refused("UserWarning", part(1)),
        "LoginException" => Trouble::Fault(Fault::new(FaultCode::Auth)),
        text if BUSY.iter().any(|busy| text.contains(busy)) => {
            Trouble::Fault(Fault::new(FaultCode::Transient).vendor("exception", text))
        }
        text if missing_name(text) => {
            Trouble::Fault(Fault::new(FaultCode::SchemaDrift).with("expected", text))
        }
        text => refused("exception", Some(text)),
    }
}

/// A `KeyError`: the server has no such model or field. Its whole text is the
/// name in quotes.
fn missing_name(text: &str) -> bool {
    let name = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    name.is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c))
    })
}

impl From<Trouble> for Fault {
    /// For calls that only read.
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Fault(fault) | Trouble::Unknown(fault) => fault,
            Trouble::Concurrency => Self::new(FaultCode::Conflict),
            // Reading is refused by access rules only.
            Trouble::Refused(refusal) if refusal.kind == "UserError" => {
                Self::new(FaultCode::Permission).vendor(refusal.kind, refusal.message)
            }
            Trouble::Refused(refusal) => {
                Self::new(FaultCode::Transient).vendor(refusal.kind, refusal.message)
            }
        }
    }
}

impl Refusal {
    /// The fault for the hub. Tryton quotes the content that it refuses; what
    /// we sent is blotted out.
    pub fn into_fault(self, sent: &Value) -> Fault {
        let mut texts = Vec::new();
        collect_texts(sent, &mut texts);
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let message = texts
            .into_iter()
            .filter(|text| text.chars().count() > 2)
            .fold(self.message, |message, text| message.replace(text, "…"));
        Fault::new(FaultCode::Rejected).vendor(self.kind, message)
    }
}

fn collect_texts<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(members) => members.values().for_each(|item| collect_texts(item, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use liaison_sdk::http::Response;
    use liaison_sdk::{Fault, FaultCode};
    use serde_json::json;

    use super::{Effect, Refusal, Trouble, understand};

    fn response(status: u16, body: &str) -> Response {
        let headers = vec![("Content-Type".to_owned(), "text/html".to_owned())];
        Response { status, headers, body: body.as_bytes().to_vec() }
    }

    fn code(status: u16, body: &str, effect: Effect) -> (&'static str, FaultCode) {
        match understand(&response(status, body), effect) {
            Ok(_) => ("ok", FaultCode::Bug),
            Err(Trouble::Fault(fault)) => ("fault", fault.code),
            Err(Trouble::Unknown(fault)) => ("unknown", fault.code),
            Err(Trouble::Concurrency) => ("concurrency", FaultCode::Conflict),
            Err(Trouble::Refused(_)) => ("refused", FaultCode::Rejected),
        }
    }

    #[test]
    fn answers_are_understood() {
        use Effect::{Reads, Writes};
        for (status, body, effect, expected) in [
            (200, r#"{"id":0,"result":null}"#, Reads, ("ok", FaultCode::Bug)),
            (200, r#"{"id":0}"#, Reads, ("fault", FaultCode::SchemaDrift)),
            (200, "<html>Sign in</html>", Writes, ("fault", FaultCode::SchemaDrift)),
            (200, r#"{"id":0,"resu"#, Reads, ("fault", FaultCode::SchemaDrift)),
            (200, r#"{"id":0,"resu"#, Writes, ("unknown", FaultCode::Timeout)),
            (200, "", Writes, ("unknown", FaultCode::Timeout)),
            (
                200,
                r#"{"error":["'nonexistent_field'",""]}"#,
                Writes,
                ("fault", FaultCode::SchemaDrift),
            ),
            (
                200,
                r#"{"error":["UserError",["no","",null]]}"#,
                Writes,
                ("refused", FaultCode::Rejected),
            ),
            (
                200,
                r#"{"error":["UserWarning",["n","sure?",""]]}"#,
                Writes,
                ("refused", FaultCode::Rejected),
            ),
            (
                200,
                r#"{"error":["'dict' object has no attribute 'strip'",""]}"#,
                Writes,
                ("refused", FaultCode::Rejected),
            ),
            (
                200,
                r#"{"error":["ConcurrencyException","x"]}"#,
                Writes,
                ("concurrency", FaultCode::Conflict),
            ),
            (
                200,
                r#"{"error":["database is locked",""]}"#,
                Writes,
                ("fault", FaultCode::Transient),
            ),
            (401, "", Reads, ("fault", FaultCode::Auth)),
            (403, "<html>", Writes, ("fault", FaultCode::Permission)),
            (404, "", Reads, ("fault", FaultCode::Config)),
            (405, "", Reads, ("fault", FaultCode::Config)),
            (302, "", Reads, ("fault", FaultCode::Config)),
            (413, "", Writes, ("fault", FaultCode::Limit)),
            (422, "", Writes, ("fault", FaultCode::Bug)),
            (429, "", Writes, ("fault", FaultCode::RateLimited(None))),
            (500, "", Reads, ("fault", FaultCode::Transient)),
            (502, "", Writes, ("unknown", FaultCode::Timeout)),
            (503, "", Writes, ("fault", FaultCode::Transient)),
        ] {
            assert_eq!(code(status, body, effect), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_refusal_does_not_repeat_what_was_sent() {
        let message = "The value \"ana@x.example\" in record \"Ana Álvarez\" is wrong.".to_owned();
        let sent = json!({"name": "Ana Álvarez", "contact_mechanisms": [["create", [{"value": "ana@x.example"}]]]});
        let fault: Fault = Refusal { kind: "UserError", message }.into_fault(&sent);
        assert_eq!(fault.arg("vendor-message"), Some("The value \"…\" in record \"…\" is wrong."));
    }
}
