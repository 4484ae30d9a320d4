//! People: what a visitor is said to be, and which ids are one person's.

use liaison_sdk::{Delivery, Row};
use serde_json::{Map, Value};

use crate::message::Message;

/// An identify: the traits, with the ids that they belong to.
pub fn identified(message: &Message, delivery: &Delivery) -> Result<Row, &'static str> {
    let mut row = message.object("traits").cloned().unwrap_or_default();
    let (user, anonymous) = (message.id("userId"), message.id("anonymousId"));
    let key = match (&user, &anonymous) {
        (Some(user), _) => format!("user:{user}"),
        (None, Some(anonymous)) => format!("anonymous:{anonymous}"),
        (None, None) => return Err("identity"),
    };
    put(&mut row, "user_id", user);
    put(&mut row, "anonymous_id", anonymous);
    Ok(told(key, row, message, delivery))
}

/// An alias: the id that somebody had before, and the one that he has now.
pub fn aliased(message: &Message, delivery: &Delivery) -> Result<Row, &'static str> {
    let previous = message.id("previousId").ok_or("previousId")?;
    let user = message.id("userId").ok_or("userId")?;
    let key = format!("alias:{previous}");
    let mut row = Map::new();
    put(&mut row, "previous_id", Some(previous));
    put(&mut row, "user_id", Some(user));
    Ok(told(key, row, message, delivery))
}

/// An id is the call's own, whatever trait bears its name.
fn put(row: &mut Map<String, Value>, name: &str, id: Option<String>) {
    match id {
        Some(id) => row.insert(name.to_owned(), Value::String(id)),
        None => row.remove(name),
    };
}

fn told(key: String, row: Map<String, Value>, message: &Message, delivery: &Delivery) -> Row {
    let at = message.at(delivery);
    Row::upsert(key, row).version(&at).time(at)
}
