//! The writer: commits until it is stopped, and says what is durable.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hub_model::WorkspaceId;
use hub_store::conformance::WORKSPACE;
use hub_store::{Store, WriteSet};
use hub_store_sled::SledStore;

use crate::Plan;

/// Opens the store, goes on where it is, and prints
///
/// ```text
/// open <commit>                  once, when commits are taken
/// ack <commit> <cursor>=<place>  after each durable commit
/// ```
///
/// `until` is the last commit; without it only a signal ends the writing.
///
/// # Errors
/// Whatever the store or the output answers, and a commit out of order.
pub async fn write(dir: &Path, plan: &Plan, until: Option<u64>) -> Result<()> {
    let store = SledStore::open(dir, &WorkspaceId::new(WORKSPACE)).context("the store opens")?;
    let begun = store.stats().await?.seq;
    say(&format!("open {begun}"))?;
    let mut workload = plan.workload_at(begun);
    while until.is_none_or(|until| workload.model().seq.0 < until) {
        let set = workload.next_set();
        let cursor = cursor(&set);
        let seq = store.commit(set).await.context("the store commits")?;
        let wanted = workload.model().seq;
        ensure!(seq == wanted, "commit {wanted} was numbered {seq}");
        say(&format!("ack {seq} {cursor}"))?;
    }
    Ok(())
}

/// One line, out at once: whoever reads it may kill us right after.
fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout();
    out.write_all(format!("{line}\n").as_bytes())?;
    Ok(out.flush()?)
}

/// The cursor that a set moves, and its place.
fn cursor(set: &WriteSet) -> String {
    let moved = set.positions.last();
    moved.map_or_else(String::new, |moved| {
        let place = moved.new.as_deref().and_then(place).unwrap_or(0);
        format!("{}={place}", moved.name.as_str())
    })
}

/// What a cursor of the workload says: the commit before the one that moved it.
pub(crate) fn place(cursor: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(cursor.try_into().ok()?))
}

/// The last commit that a writer's lines acknowledge.
#[must_use]
pub fn last_acked(lines: &str) -> Option<u64> {
    // A line without its end was not said.
    let whole = lines.rsplit_once('\n')?.0;
    whole.lines().rev().find_map(|line| line.strip_prefix("ack ")?.split(' ').next()?.parse().ok())
}

/// The commit that a writer found when it opened the store.
#[must_use]
pub fn opened_at(lines: &str) -> Option<u64> {
    let whole = lines.rsplit_once('\n')?.0;
    whole.lines().find_map(|line| line.strip_prefix("open ")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{last_acked, opened_at};

    #[test]
    fn only_whole_lines_count() {
        let lines = "open 3\nack 4 cursor-1=3\nack 5 cursor-0=4\nack 61";
        assert_eq!((opened_at(lines), last_acked(lines)), (Some(3), Some(5)));
        assert_eq!((opened_at("open 3"), last_acked("open 3\n")), (None, None));
    }
}
