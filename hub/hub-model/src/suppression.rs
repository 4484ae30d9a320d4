//! Suppressions: to whom nothing may be sent on a channel, whatever else is granted.
//!
//! Who is suppressed is kept by a keyed hash of the identity, never by the identity
//! itself. So an erasure leaves the list as it is, and somebody who was erased stays
//! on it.

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventName};
use crate::id::FieldName;
use crate::time::Timestamp;
use crate::value::Value;

/// Which events suppress whom they name: hard bounces, complaints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppressing {
    /// What such an event is called.
    pub event: EventName,
    /// The field of which one value says it, where the name alone does not, and these
    /// values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<(FieldName, Vec<Value>)>,
    /// The channel on which nothing may be sent any more.
    pub channel: Box<str>,
}

impl Suppressing {
    /// Whether an event is one of those.
    pub fn is_met(&self, event: &Event) -> bool {
        let has = |(field, values): &(FieldName, Vec<Value>)| {
            let value = event.properties.get(field.as_str());
            value.is_some_and(|value| values.contains(value))
        };
        self.event == event.name && self.when.as_ref().is_none_or(has)
    }
}

/// Who did something by hand, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// Who.
    pub by: Box<str>,
    /// When.
    pub at: Timestamp,
}

/// Somebody to whom nothing may be sent on a channel. What is lifted stays on the list,
/// as a note of who did so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// The keyed hash of an identity, in hexadecimal digits.
    pub of: Box<str>,
    /// The namespace of that identity.
    pub namespace: Box<str>,
    /// The channel.
    pub channel: Box<str>,
    /// Why: the name of an event, or what somebody wrote.
    pub reason: Box<str>,
    /// Where the event came from that brought it: `connection/stream`. Never its key,
    /// which may be an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Box<str>>,
    /// Who entered it, where no event did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Box<str>>,
    /// Since when.
    pub at: Timestamp,
    /// Who lifted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Signed>,
}

impl Suppression {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.lifted.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::Suppressing;
    use crate::{Event, Object, RecordRef, RemoteKey, StreamRef, Timestamp, Value};

    #[test]
    fn an_event_suppresses_by_its_name_and_by_what_it_says() {
        let event = |name: &str, kind: Option<&str>| Event {
            at: RecordRef {
                stream: StreamRef::new("default", "mail", "reports"),
                key: RemoteKey::new("1"),
            },
            name: name.into(),
            time: Timestamp(0),
            received: Timestamp(0),
            properties: kind
                .map(|kind| ("kind".into(), Value::text(kind)))
                .into_iter()
                .collect::<Object>(),
            identities: Vec::new(),
        };
        let suppressing = |when: Option<&str>| Suppressing {
            event: "bounce".into(),
            when: when.map(|value| ("kind".into(), vec![Value::text(value)])),
            channel: "email".into(),
        };
        let cases = [
            (None, "bounce", Some("soft"), true),
            (None, "complaint", None, false),
            (Some("hard"), "bounce", Some("hard"), true),
            (Some("hard"), "bounce", Some("soft"), false),
            (Some("hard"), "bounce", None, false),
            (Some("hard"), "complaint", Some("hard"), false),
        ];
        for (when, name, kind, met) in cases {
            let found = suppressing(when).is_met(&event(name, kind));
            assert_eq!(found, met, "{when:?} {name} {kind:?}");
        }
    }
}
