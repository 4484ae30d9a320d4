//! `[purposes.*]`: what consents are asked for.

use hub_model::Purpose;

use crate::fault::code;
use crate::table::{TableReader, shown};
use crate::word;

/// The keys of a purpose.
pub(crate) const KEYS: &[&str] = &["channels", "expires"];

/// Reads one purpose.
pub(crate) fn read(name: &str, mut table: TableReader<'_>) -> Purpose {
    let example = "channels = [\"email\"]";
    if !table.has("channels") {
        table.missing("channels", example);
    }
    let location = table.key_location("channels");
    let empty = table.has("channels") && table.peek_is_empty("channels");
    let channels = table.texts("channels", example);
    if empty {
        let fault = table.fault(code::EMPTY, &location, "channels");
        fault.with("expected", "at least one channel").record();
    }
    let place = table.place_of("channels");
    let usable =
        |channel: &&_| word::check_id(table.document(), channel, "the name of a channel", &place);
    let channels = channels.iter().filter(usable).map(|channel| channel.as_str().into()).collect();
    let expires = period(&mut table, "expires", "expires = \"13 months\"");
    table.finish(KEYS);
    Purpose { name: name.into(), channels, expires }
}

/// A period such as `13 months`.
pub(crate) fn period(
    table: &mut TableReader<'_>,
    key: &'static str,
    example: &str,
) -> Option<hub_model::Period> {
    let text = table.filled(key, "a period", example)?;
    let period = hub_model::Period::parse(&text);
    if period.is_none() {
        table.fault(code::PERIOD, &text.location, key).with("found", shown(&text)).record();
    }
    period
}
