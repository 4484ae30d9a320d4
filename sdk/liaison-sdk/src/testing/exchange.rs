//! One expected request and its response.

use serde_json::Value;

use crate::bindings::host::liaison::connector::http as wit;

/// What the body of a request must be.
#[derive(Debug, Clone, PartialEq)]
enum Body {
    /// Anything.
    Any,
    /// Exactly these bytes.
    Bytes(Vec<u8>),
    /// This JSON document, however it is written.
    Json(Value),
}

/// One expected request and its response: `200` with an empty body unless told
/// otherwise. Headers that are not named may be there.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    credential: Option<String>,
    body: Body,
    answer: Result<wit::Response, wit::Error>,
}

impl Exchange {
    /// Expects a request to this URL, query included.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            credential: None,
            body: Body::Any,
            answer: Ok(wit::Response { status: 200, headers: Vec::new(), body: Vec::new() }),
        }
    }

    /// Expects the credential of that slot; without this call, none.
    #[must_use]
    pub fn credential(mut self, slot: impl Into<String>) -> Self {
        self.credential = Some(slot.into());
        self
    }

    /// Expects a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Expects exactly these bytes as the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Bytes(body.into());
        self
    }

    /// Expects this JSON document as the body, however it is written.
    #[must_use]
    pub fn json(mut self, body: impl Into<Value>) -> Self {
        self.body = Body::Json(body.into());
        self
    }

    /// Answers with a status and a body.
    #[must_use]
    pub fn reply(mut self, status: u16, body: impl Into<Vec<u8>>) -> Self {
        self.answer = Ok(wit::Response { status, headers: Vec::new(), body: body.into() });
        self
    }

    /// Answers with a status and a JSON body.
    #[must_use]
    pub fn reply_json(self, status: u16, body: impl Into<Value>) -> Self {
        self.reply(status, body.into().to_string()).reply_header("content-type", "application/json")
    }

    /// With a header of the response.
    #[must_use]
    pub fn reply_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Ok(response) = &mut self.answer {
            response.headers.push(wit::Header { name: name.into(), value: value.into() });
        }
        self
    }

    /// There is no answer in time.
    #[must_use]
    pub fn times_out(mut self) -> Self {
        self.answer = Err(wit::Error::Timeout);
        self
    }

    /// There is no connection.
    #[must_use]
    pub fn fails_to_connect(mut self) -> Self {
        self.answer = Err(wit::Error::Connect("refused".to_owned()));
        self
    }

    /// The host refuses.
    #[must_use]
    pub fn is_denied(mut self) -> Self {
        self.answer = Err(wit::Error::Denied("not granted".to_owned()));
        self
    }

    pub(super) fn title(&self) -> String {
        format!("{} {}", self.method, self.url)
    }

    /// The answer.
    ///
    /// # Panics
    /// When the request differs, naming where.
    pub(super) fn answer(self, request: &wit::Request) -> Result<wit::Response, wit::Error> {
        let made = format!("{} {}", request.method, request.url);
        assert_eq!(made, self.title(), "another request than expected (left: made)");
        assert_eq!(request.credential, self.credential, "credential of {made} (left: made)");
        for (name, value) in &self.headers {
            let found = request.headers.iter().find(|it| it.name.eq_ignore_ascii_case(name));
            let found = found.map(|it| it.value.as_str());
            assert_eq!(found, Some(value.as_str()), "header {name} of {made} (left: made)");
        }
        self.check_body(request, &made);
        self.answer
    }

    fn check_body(&self, request: &wit::Request, made: &str) {
        match &self.body {
            Body::Any => {}
            Body::Bytes(expected) => {
                let sent = String::from_utf8_lossy(&request.body);
                assert_eq!(sent, String::from_utf8_lossy(expected), "body of {made} (left: made)");
            }
            Body::Json(expected) => {
                let sent: Value = match serde_json::from_slice(&request.body) {
                    Ok(sent) => sent,
                    Err(error) => panic!("body of {made} is not JSON: {error}"),
                };
                if let Some(difference) = difference(&sent, expected, String::new()) {
                    panic!("body of {made}: {difference}");
                }
            }
        }
    }
}

/// The first place where two documents differ.
fn difference(made: &Value, expected: &Value, place: String) -> Option<String> {
    match (made, expected) {
        (Value::Object(made), Value::Object(expected)) => {
            let names = made.keys().chain(expected.keys());
            names.into_iter().find_map(|name| {
                let made = made.get(name).unwrap_or(&Value::Null);
                let expected = expected.get(name).unwrap_or(&Value::Null);
                difference(made, expected, format!("{place}/{name}"))
            })
        }
        (Value::Array(made), Value::Array(expected)) if made.len() == expected.len() => {
            let pairs = made.iter().zip(expected).enumerate();
            pairs.into_iter().find_map(|(index, (made, expected))| {
                difference(made, expected, format!("{place}/{index}"))
            })
        }
        _ if made == expected => None,
        _ => Some(format!("at {place:?} made {made}, expected {expected}")),
    }
}
