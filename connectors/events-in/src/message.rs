//! Calls, out of the bodies that carry them.

use liaison_sdk::{Delivery, Fault, FaultCode, time};
use serde_json::{Map, Value};

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Who somebody is.
    Identify,
    /// Something that somebody did.
    Track,
    /// A page that was seen.
    Page,
    /// The screen of an app that was seen.
    Screen,
    /// Which organisation somebody belongs to.
    Group,
    /// Two ids are one person's.
    Alias,
}

/// The kinds by their names, with the short paths of browsers.
const KINDS: [(&str, &str, Kind); 6] = [
    ("identify", "i", Kind::Identify),
    ("track", "t", Kind::Track),
    ("page", "p", Kind::Page),
    ("screen", "s", Kind::Screen),
    ("group", "g", Kind::Group),
    ("alias", "a", Kind::Alias),
];
/// Paths that carry many calls.
const BATCHES: [&str; 3] = ["batch", "b", "import"];
/// Numbers about the library itself.
const METRICS: &str = "m";
/// Longest text that is taken for an id: a key has little more room.
const ID_BYTES_MAX: usize = 400;

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    body: Map<String, Value>,
    /// What the path says, if it says one.
    kind: Option<Kind>,
    /// When its sender sent it, by the sender's clock.
    sent: Option<i64>,
    /// Its place in the delivery.
    index: usize,
}

/// The calls of a delivery, each with its place for people.
pub fn all(delivery: &Delivery) -> Result<Vec<(String, Message)>, Fault> {
    let path = delivery.path().trim_matches('/');
    let name = path.strip_prefix("v1/").unwrap_or(path);
    if name == METRICS {
        return Ok(Vec::new());
    }
    let named = KINDS.iter().find(|(long, short, _)| name == *long || name == *short);
    let mut body: Map<String, Value> = delivery.json()?;
    let sent = instant(&body, "sentAt");
    if let Some((.., kind)) = named {
        let message = Message { body, kind: Some(*kind), sent, index: 0 };
        return Ok(vec![("body".to_owned(), message)]);
    }
    if !BATCHES.contains(&name) {
        return Err(Fault::new(FaultCode::Rejected).at("path").with("expected", "v1/batch"));
    }
    let Some(Value::Array(calls)) = body.remove("batch") else {
        return Err(Fault::new(FaultCode::Rejected).at("batch").with("expected", "a list"));
    };
    let shared = body.remove("context").unwrap_or(Value::Null);
    let call = |(index, call): (usize, Value)| {
        let body = match call {
            Value::Object(mut body) => {
                if !shared.is_null() && !body.contains_key("context") {
                    body.insert("context".to_owned(), shared.clone());
                }
                body
            }
            // Kept as it is, to be shown in quarantine.
            other => Map::from_iter([("call".to_owned(), other)]),
        };
        let own = instant(&body, "sentAt").or(sent);
        (format!("batch/{index}"), Message { body, kind: None, sent: own, index })
    };
    Ok(calls.into_iter().enumerate().map(call).collect())
}

fn instant(body: &Map<String, Value>, member: &str) -> Option<i64> {
    time::parse(body.get(member)?.as_str()?.trim())
}

impl Message {
    /// What is called.
    pub fn kind(&self) -> Result<Kind, &'static str> {
        let named = || {
            let name = self.body.get("type")?.as_str()?;
            KINDS.iter().find(|(long, ..)| *long == name).map(|(.., kind)| *kind)
        };
        self.kind.or_else(named).ok_or("type")
    }

    /// A member that is text, or a number taken as text; none if it is empty.
    pub fn text_of(&self, member: &str) -> Option<String> {
        text(self.body.get(member)?)
    }

    /// An id: as [`Self::text_of`], and not too long.
    pub fn id(&self, member: &str) -> Option<String> {
        self.text_of(member).filter(|id| id.len() <= ID_BYTES_MAX)
    }

    /// A member that is an object.
    pub fn object(&self, member: &str) -> Option<&Map<String, Value>> {
        self.body.get(member)?.as_object()
    }

    /// A member as it is.
    pub fn member(&self, member: &str) -> Option<&Value> {
        self.body.get(member).filter(|value| !value.is_null())
    }

    /// The key that its library gave.
    pub fn key(&self) -> Option<String> {
        self.id("messageId")
    }

    /// The key of its row: made of what it says where its library gave none, so
    /// that the same delivery parsed again makes the same row.
    pub fn row_key(&self, delivery: &Delivery) -> String {
        self.key().unwrap_or_else(|| {
            let hash = fnv(self.text().as_bytes());
            format!("{}-{}-{hash:016x}", delivery.received, self.index)
        })
    }

    /// When it happened, by the hub's clock, as text in the order of time.
    pub fn at(&self, delivery: &Delivery) -> String {
        let said =
            instant(&self.body, "timestamp").or_else(|| instant(&self.body, "originalTimestamp"));
        let at = match (said, self.sent) {
            (Some(said), Some(sent)) => {
                delivery.received.saturating_sub(sent.saturating_sub(said).max(0))
            }
            (Some(said), None) => said,
            (None, _) => delivery.received,
        };
        time::format_digits(at, 6).unwrap_or_else(|| time::format(at))
    }

    /// The whole call as text.
    pub fn text(&self) -> String {
        Value::Object(self.body.clone()).to_string()
    }
}

/// A value that is text, or a number taken as text; none if it is empty.
pub fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// FNV-1a: tells calls of one delivery apart, nothing more.
fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
