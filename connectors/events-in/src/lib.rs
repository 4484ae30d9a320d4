//! What web sites, apps and servers track, as Segment's libraries send it
//! (`/v1/identify`, `track`, `page`, `screen`, `group`, `alias`, `batch`, and the
//! short paths of browsers).
//!
//! Two streams come of it. `people` is what somebody is said to be (identify,
//! alias), `events` what happened (everything else). Choices that are easy to get
//! wrong:
//!
//! - **A call is one row, known by its `messageId`.** Libraries send again what
//!   they have no answer to; the hub keeps an event of a known key once.
//! - **Identify is a patch.** A library sends the traits that it knows just now.
//!   Those that it leaves out stay, and a call that is older than the last one
//!   changes nothing: the row's version is its time.
//! - **Clocks of browsers are wrong.** The hub's time of receipt, less the time
//!   between `timestamp` and `sentAt` by the sender's own clock, is when it
//!   happened.
//! - **The write key is checked by the host** and never reaches this code. It is
//!   no secret in a browser: whoever reads a page's source may send events, and
//!   nothing else.
//! - **A call that cannot be used is a row of quarantine**, and its batch goes on.

mod event;
mod message;
mod person;

#[cfg(test)]
mod tests;

use liaison_sdk::{
    Call, Connector, Delivery, EntityKind, Fault, Field, Inbound, Parsed, Row, Stream,
};
use serde::Deserialize;
use serde_json::json;

use crate::message::{Kind, Message};

/// The connector.
pub struct EventsIn;

/// Who somebody is said to be.
pub const PEOPLE: &str = "people";
/// What happened.
pub const EVENTS: &str = "events";

/// What `connector.json` describes. Which origins may send is checked by the host.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default, rename = "origins")]
    _origins: Vec<String>,
}

impl Connector for EventsIn {
    /// There is nobody to ask: only the settings can be wrong.
    fn check(call: &Call) -> Result<(), Fault> {
        call.settings::<Settings>().map(drop)
    }

    fn discover(_: &Call) -> Result<Vec<Stream>, Fault> {
        let object = |name: &str| Field::new(name, json!({ "type": ["object", "null"] }));
        let fields = [
            Field::text("type"),
            Field::text("event"),
            Field::text("user_id").pii("id"),
            Field::text("anonymous_id").pii("id"),
            Field::text("group_id"),
            Field::text("email").pii("email"),
            Field::text("name"),
            Field::text("category"),
            Field::text("timestamp"),
            object("properties"),
            object("traits"),
            object("context"),
        ];
        Ok(vec![
            // Its fields are the traits that the organisation gave, whatever these are.
            Stream::new(PEOPLE).title("People").kind(EntityKind::Person).readable().open(),
            Stream::new(EVENTS)
                .title("Events")
                .kind(EntityKind::Event)
                .readable()
                .with_fields(fields),
        ])
    }
}

impl Inbound for EventsIn {
    fn parse(_: &Call, delivery: &Delivery) -> Result<Vec<Parsed>, Fault> {
        let (mut people, mut events) = (Vec::new(), Vec::new());
        for (place, message) in message::all(delivery)? {
            match row(&message, delivery) {
                Ok((PEOPLE, row)) => people.push(row),
                Ok((_, row)) => events.push(row),
                Err(problem) => {
                    events.push(Row::invalid(message.key(), place, problem, message.text()));
                }
            }
        }
        let streams = [(PEOPLE, people), (EVENTS, events)];
        let told = streams.into_iter().filter(|(_, rows)| !rows.is_empty());
        Ok(told.map(|(stream, rows)| Parsed::rows(stream, rows)).collect())
    }
}

/// What a call says, or the word for why it says nothing.
fn row(message: &Message, delivery: &Delivery) -> Result<(&'static str, Row), &'static str> {
    match message.kind()? {
        Kind::Identify => Ok((PEOPLE, person::identified(message, delivery)?)),
        Kind::Alias => Ok((PEOPLE, person::aliased(message, delivery)?)),
        kind => Ok((EVENTS, event::happened(kind, message, delivery))),
    }
}

liaison_sdk::export_connector!(EventsIn: inbound);
