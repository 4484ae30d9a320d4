//! `segment` and `audience`: whom a sync is for, and where members are brought who
//! are no rows.

use hub_model::EntityKind;

use crate::fault::{ConfigFault, code};
use crate::located::Located;
use crate::sync_file::Pair;
use crate::table::TableReader;

/// The segment of a sync, with what `liaison.toml` must confirm.
pub(crate) struct SegmentUse {
    pub(crate) name: Located<String>,
    /// What the rows describe.
    pub(crate) kind: EntityKind,
}

/// Reads for whom a sync is, and whether its stream is an audience.
pub(crate) fn read(
    table: &mut TableReader<'_>,
    kind: &EntityKind,
    pairs: &[Pair],
) -> (Option<SegmentUse>, bool) {
    let audience = table.flag("audience").unwrap_or(false);
    let example = "segment = \"lapsed\"";
    if audience && !table.has("segment") {
        table.missing("segment", example);
    }
    let segment = table.filled("segment", "the name of a segment", example);
    let writes = pairs.iter().any(|pair| pair.mapping.direction.writes());
    if let (Some(segment), false) = (&segment, writes || pairs.is_empty()) {
        let fault = table.fault(code::NO_EFFECT, &segment.location, "segment");
        let fault = fault.with("why", "nothing is written there");
        fault.with("mend", "write `direction = \"<-\"` at the fields to bring there").record();
    }
    for pair in pairs.iter().filter(|pair| audience && pair.mapping.direction.reads()) {
        let place = format!("{}.direction", pair.place);
        let fault = ConfigFault::new(code::NO_EFFECT, pair.field.location.clone(), place);
        let fault = fault.with("why", "an audience never shows who is in it");
        table.document().fault(fault.with("mend", "write `direction = \"<-\"`"));
    }
    (segment.map(|name| SegmentUse { name, kind: kind.clone() }), audience)
}
