//! Events: what a visitor did.

use liaison_sdk::{Delivery, Row};
use serde_json::{Map, Value};

use crate::message::{Kind, Message, text};

/// Members that are passed on as they are.
const WHOLE: [&str; 3] = ["properties", "traits", "context"];
/// Where libraries put an e-mail address, the most telling first.
const ADDRESSES: [&str; 2] = ["properties", "traits"];

/// A track, page, screen or group.
pub fn happened(kind: Kind, message: &Message, delivery: &Delivery) -> Row {
    let (word, event) = match kind {
        Kind::Page => ("page", Some("page_view".to_owned())),
        Kind::Screen => ("screen", Some("screen_view".to_owned())),
        Kind::Group => ("group", Some("group".to_owned())),
        Kind::Track | Kind::Identify | Kind::Alias => ("track", message.text_of("event")),
    };
    let at = message.at(delivery);
    let texts = [
        ("type", Some(word.to_owned())),
        ("event", event),
        ("user_id", message.id("userId")),
        ("anonymous_id", message.id("anonymousId")),
        ("group_id", message.id("groupId")),
        ("email", address(message)),
        ("name", message.text_of("name")),
        ("category", message.text_of("category")),
        ("timestamp", Some(at.clone())),
    ];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name, Value::String(text?))));
    let whole = WHOLE.into_iter().filter_map(|name| Some((name, message.member(name)?.clone())));
    let row: Map<String, Value> =
        texts.chain(whole).map(|(name, value)| (name.to_owned(), value)).collect();
    Row::event(message.row_key(delivery), row).time(at)
}

fn address(message: &Message) -> Option<String> {
    let own = ADDRESSES.into_iter().filter_map(|member| message.object(member));
    let of_context = message.object("context").and_then(|it| it.get("traits")?.as_object());
    own.chain(of_context).find_map(|object| text(object.get("email")?))
}
