//! `kind = "event"` and `[event]`: rows that are things which happened.

use hub_model::{Direction, EventMapping, FieldName, Suppressing};

use crate::consents;
use crate::fault::code;
use crate::located::Located;
use crate::purposes;
use crate::table::TableReader;
use crate::word;

/// The word of `kind`.
pub(crate) const KIND: &str = "event";
/// The keys of `[event]`.
pub(crate) const KEYS: &[&str] = &["name", "time", "identifies", "keep", "suppress"];
/// The keys of `[[event.suppress]]`.
pub(crate) const SUPPRESS_KEYS: &[&str] = &["event", "field", "is", "channel"];

/// A channel that a purpose must have, and its place.
pub(crate) type ChannelDraft = (Located<String>, String);
/// Keys of a sync that say how rows are compared or written.
const OF_RECORDS: &[&str] = &[
    "create",
    "deletes",
    "matching",
    "deletes_percent_max",
    "source_time",
    "consents",
    "requires",
    "purposes",
    "relations",
];

/// Whether the rows are events. The kind is then read.
pub(crate) fn is_meant(table: &mut TableReader<'_>) -> bool {
    let meant = table.peek_text("kind").is_some_and(|(kind, _)| kind == KIND);
    if meant {
        table.ask("kind");
    }
    meant
}

/// Reads how rows are events, and says of every key that events have no use for it.
pub(crate) fn read(
    table: &mut TableReader<'_>,
    is_event: bool,
) -> (Option<EventMapping>, Vec<ChannelDraft>) {
    let written = table.has("event").then(|| table.key_location("event"));
    let mut channels = Vec::new();
    let read = table.table("event", "event = { name = \"type\" }");
    let read = read.map(|table| mapping(table, &mut channels));
    if !is_event {
        if let Some(at) = written {
            let fault = table.fault(code::NO_EFFECT, &at, "event");
            let fault = fault.with("why", "the rows are not events");
            fault.with("mend", "write `kind = \"event\"`, or remove the table").record();
        }
        return (None, Vec::new());
    }
    for key in OF_RECORDS.iter().filter(|key| table.has(key)) {
        let fault = table.fault(code::NO_EFFECT, &table.key_location(key), key);
        let why = "the rows are events, which are neither compared nor written";
        fault.with("why", why).with("mend", "remove it").record();
    }
    (Some(read.unwrap_or_default()), channels)
}

fn mapping(mut table: TableReader<'_>, channels: &mut Vec<ChannelDraft>) -> EventMapping {
    let name = table.filled("name", "the name of a field", "name = \"type\"");
    let place = table.place_of("name");
    let name = name.filter(|name| word::check_name(table.document(), name, &place));
    let time = consents::time(&mut table, "time");
    let identifies = table.flag("identifies").unwrap_or(false);
    let keep = purposes::period(&mut table, "keep", "keep = \"25 months\"");
    let suppress = table.list("suppress", "[[event.suppress]]");
    let suppress = suppress.into_iter().filter_map(|it| suppressing(it, channels)).collect();
    table.finish(KEYS);
    let name = name.map(|name| FieldName::new(name.as_str()));
    EventMapping { name, time, identifies, keep, suppress }
}

/// Which events suppress whom they name: by their name, and by a value if there is one.
fn suppressing(
    mut table: TableReader<'_>,
    channels: &mut Vec<ChannelDraft>,
) -> Option<Suppressing> {
    let event = table.required("event", "the name of an event", "event = \"bounce\"");
    let field = table.filled("field", "the name of a field", "field = \"kind\"");
    let example = "is = [\"hard\"]";
    let is = consents::values(&mut table, "is", example);
    match (&field, is.is_empty()) {
        (Some(_), true) if !table.has("is") => table.missing("is", example),
        (None, false) => table.missing("field", "field = \"kind\""),
        _ => {}
    }
    let channel = table.required("channel", "the name of a channel", "channel = \"email\"");
    let place = table.place_of("channel");
    table.finish(SUPPRESS_KEYS);
    let (event, channel) = (event?, channel?);
    let when = field.map(|field| (FieldName::new(field.as_str()), is));
    channels.push((channel.clone(), place));
    Some(Suppressing { event: event.as_str().into(), when, channel: channel.as_str().into() })
}

/// Of an event, fields are mapped by which it names somebody; they are read.
pub(crate) fn field(table: &mut TableReader<'_>, direction: Option<&Located<Direction>>) {
    if let Some(direction) = direction.filter(|direction| direction.value.writes()) {
        let fault = table.fault(code::NO_EFFECT, &direction.location, "direction");
        let why = "events are read and never written";
        fault.with("why", why).with("mend", "write `direction = \"->\"`").record();
    }
    if !table.has("identity") {
        table.missing("identity", "identity = \"cookie\"");
    }
}
