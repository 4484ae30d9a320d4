//! `kind = "event"` and `[event]`: rows that are things which happened.

use hub_model::{Direction, EventMapping, FieldName};

use crate::consents;
use crate::fault::code;
use crate::located::Located;
use crate::purposes;
use crate::table::TableReader;
use crate::word;

/// The word of `kind`.
pub(crate) const KIND: &str = "event";
/// The keys of `[event]`.
pub(crate) const KEYS: &[&str] = &["name", "time", "identifies", "keep"];
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
pub(crate) fn read(table: &mut TableReader<'_>, is_event: bool) -> Option<EventMapping> {
    let written = table.has("event").then(|| table.key_location("event"));
    let read = table.table("event", "event = { name = \"type\" }").map(mapping);
    if !is_event {
        if let Some(at) = written {
            let fault = table.fault(code::NO_EFFECT, &at, "event");
            let fault = fault.with("why", "the rows are not events");
            fault.with("mend", "write `kind = \"event\"`, or remove the table").record();
        }
        return None;
    }
    for key in OF_RECORDS.iter().filter(|key| table.has(key)) {
        let fault = table.fault(code::NO_EFFECT, &table.key_location(key), key);
        let why = "the rows are events, which are neither compared nor written";
        fault.with("why", why).with("mend", "remove it").record();
    }
    Some(read.unwrap_or_default())
}

fn mapping(mut table: TableReader<'_>) -> EventMapping {
    let name = table.filled("name", "the name of a field", "name = \"type\"");
    let place = table.place_of("name");
    let name = name.filter(|name| word::check_name(table.document(), name, &place));
    let time = consents::time(&mut table, "time");
    let identifies = table.flag("identifies").unwrap_or(false);
    let keep = purposes::period(&mut table, "keep", "keep = \"25 months\"");
    table.finish(KEYS);
    let name = name.map(|name| FieldName::new(name.as_str()));
    EventMapping { name, time, identifies, keep }
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
