//! `[guards]` of a sync: how much one run may write before a person is asked.

use hub_model::Guards;

use crate::table::TableReader;

/// The keys of the table.
pub(crate) const KEYS: &[&str] = &["records_percent_max", "deletes_max", "creates_max"];

/// Largest limit: beyond what a store holds.
const WRITES_MAX: u32 = 1_000_000_000;

/// Reads the table; what is not written has its usual limit.
pub(crate) fn read(table: &mut TableReader<'_>) -> Guards {
    let usual = Guards::default();
    let Some(mut table) = table.table("guards", "[guards]") else { return usual };
    let percent =
        table.integer("records_percent_max", (0, 100), u32::from(usual.records_percent_max));
    let deletes = table.integer("deletes_max", (0, WRITES_MAX), usual.deletes_max);
    let creates = table.integer("creates_max", (0, WRITES_MAX), usual.creates_max);
    table.finish(KEYS);
    Guards {
        records_percent_max: percent
            .and_then(|n| u8::try_from(n.value).ok())
            .unwrap_or(usual.records_percent_max),
        deletes_max: deletes.map_or(usual.deletes_max, |n| n.value),
        creates_max: creates.map_or(usual.creates_max, |n| n.value),
    }
}
