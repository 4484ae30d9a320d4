//! How a body is kept: a line that says whose it is and how it came, then the
//! body as it is. A hint is one line, its body within.

use hub_model::{ConnectionId, Timestamp};
use hub_store::Error;
use plugin_api::Delivery;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Line {
    connection: ConnectionId,
    at: Timestamp,
    /// Of a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Of a delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delivery: Option<Head>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
}

/// What is kept of what came in.
pub(super) struct Envelope {
    /// Whose it is.
    pub connection: ConnectionId,
    /// What a component is asked about; of a hint nothing.
    pub delivery: Option<Delivery>,
}

impl Envelope {
    /// What was kept; `None` for bytes that are no envelope.
    pub fn open(bytes: &[u8]) -> Option<Self> {
        let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
        let line: Line = serde_json::from_slice(parts.next()?).ok()?;
        let (received, body) = (line.at, parts.next().unwrap_or_default().to_vec());
        let delivery = line.delivery.map(|head| {
            let Head { method, target, headers } = head;
            Delivery { method, target, headers, body, received }
        });
        Some(Self { connection: line.connection, delivery })
    }
}

/// A hint as it is kept.
pub(super) fn of_hint(
    connection: &ConnectionId,
    at: Timestamp,
    body: &[u8],
) -> Result<Vec<u8>, Error> {
    let body = Some(String::from_utf8_lossy(body).into_owned());
    written(&Line { connection: connection.clone(), at, body, delivery: None })
}

/// A delivery as it is kept.
pub(super) fn of_delivery(connection: &ConnectionId, delivery: Delivery) -> Result<Vec<u8>, Error> {
    let Delivery { method, target, headers, body, received: at } = delivery;
    let delivery = Some(Head { method, target, headers });
    let line = Line { connection: connection.clone(), at, body: None, delivery };
    let mut bytes = written(&line)?;
    bytes.push(b'\n');
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

fn written(line: &Line) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(line).map_err(|error| Error::Refused(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_kept_is_opened_again() {
        let connection = ConnectionId::new("crm");
        let at = Timestamp::from_seconds(7);
        let delivery = Delivery {
            method: "POST".to_owned(),
            target: "/a\n?b".to_owned(),
            headers: vec![("x".to_owned(), "y\n".to_owned())],
            body: vec![0, b'\n', 0xff, b'\n'],
            received: at,
        };
        let kept = of_delivery(&connection, delivery.clone()).unwrap();
        let opened = Envelope::open(&kept).unwrap();
        assert_eq!((opened.connection, opened.delivery), (connection.clone(), Some(delivery)));
        let hint = of_hint(&connection, at, b"a\nb\xff").unwrap();
        let opened = Envelope::open(&hint).unwrap();
        assert_eq!((opened.connection, opened.delivery), (connection, None));
        // As the first release kept them.
        let old = br#"{"connection":"crm","at":7000000,"body":"x"}"#;
        assert!(Envelope::open(old).unwrap().delivery.is_none());
        assert!(Envelope::open(b"nonsense").is_none());
    }
}
