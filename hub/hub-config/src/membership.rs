//! `segment` and `audience`: whom a sync is for, and where members are brought who
//! are no rows.
//!
//! An audience whose segment goes is not forgotten with it: `closes` says that its members
//! are to be taken out, and stands where `segment` did.

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

/// Whom a sync is for.
pub(crate) struct Membership {
    pub(crate) segment: Option<SegmentUse>,
    /// Whether its stream is an audience; without a segment one that closes.
    pub(crate) audience: bool,
    /// When the audience is filled anew.
    pub(crate) reconcile: Option<Located<String>>,
}

/// Reads for whom a sync is, and whether its stream is an audience.
pub(crate) fn read(table: &mut TableReader<'_>, kind: &EntityKind, pairs: &[Pair]) -> Membership {
    let audience = table.flag("audience").unwrap_or(false);
    let closes = table.flag("closes").unwrap_or(false);
    let example = "segment = \"lapsed\"";
    if audience && !closes && !table.has("segment") {
        table.missing("segment", example);
    }
    let fills = table.filled("reconcile", "a schedule", "reconcile = \"@daily\"");
    check_ends(table, audience, closes);
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
    let segment = segment.map(|name| SegmentUse { name, kind: kind.clone() });
    Membership { segment, audience, reconcile: fills }
}

/// What is said of an audience as a whole fits together.
fn check_ends(table: &TableReader<'_>, audience: bool, closes: bool) {
    for key in ["closes", "reconcile"].into_iter().filter(|key| !audience && table.has(key)) {
        let fault = table.fault(code::NO_EFFECT, &table.key_location(key), key);
        let fault = fault.with("why", "the stream is no audience");
        fault.with("mend", "remove it, or write `audience = true`").record();
    }
    for key in ["segment", "reconcile"].into_iter().filter(|key| closes && table.has(key)) {
        let fault = table.fault(code::CONTRADICTION, &table.key_location(key), key);
        let fault = fault.with("there", table.key_location("closes"));
        let fault = fault.with("why", "nobody is to be in an audience that closes");
        fault.with("mend", "remove one of the two").record();
    }
}
