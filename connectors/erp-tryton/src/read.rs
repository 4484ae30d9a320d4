//! Reading: a snapshot of all parties in the order of their ids. Tryton does
//! not tell deletions, so only a complete snapshot shows them; its change date
//! says nothing of the children either, so that nothing shorter would do.

use liaison_sdk::{Fault, Page, ReadRequest, Row};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::fetch;
use crate::party::Party;
use crate::rpc::Server;
use crate::stamp;

/// Parties of one page: three calls of about 0.3 s each on a small server.
const PAGE_PARTIES_MAX: usize = 200;

/// Where a snapshot goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    /// The last id that was read.
    after: i64,
}

/// One page.
///
/// # Errors
/// What [`fetch::parties`] answers, or `cursor-expired`.
pub fn read(server: &Server, request: &ReadRequest) -> Result<Page, Fault> {
    let after = request.cursor::<Position>()?.map_or(0, |position| position.after);
    let wanted = usize::try_from(request.rows_wanted).unwrap_or(PAGE_PARTIES_MAX);
    let limit = if wanted == 0 { PAGE_PARTIES_MAX } else { wanted.min(PAGE_PARTIES_MAX) };
    let parties = fetch::parties(server, json!([["id", ">", after]]), Some(limit))?;
    let last = parties.last().map(|party| party.id);
    let page = Page::of(parties.iter().map(|party| row(party, &request.fields)).collect());
    match last {
        Some(after) if parties.len() >= limit => page.more_from(&Position { after }),
        // Next time a new snapshot begins.
        _ => Ok(page.complete()),
    }
}

/// A party as a row, with the fields that were asked for (none = all).
pub fn row(party: &Party, fields: &[String]) -> Row {
    let key = party.id.to_string();
    let mut data = party.row();
    if !fields.is_empty() {
        data.retain(|name, _| fields.contains(name));
    }
    let row = match party.replaced_by {
        Some(survivor) => return Row::merged_into(key, survivor.to_string()),
        None if party.active => Row::upsert(key, data),
        None => Row::archive(key, data),
    };
    let row = row.version(party.version());
    match stamp::rfc3339(party.changed_at()) {
        Some(time) => row.time(time),
        None => row,
    }
}
