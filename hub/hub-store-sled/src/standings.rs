//! Who is in which segment: one row for each profile that is in one, or is to be
//! judged again; what leads to it from a segment and from an instant; and the log of
//! who entered and left.
//!
//! Small rows of JSON, as plain as can be: a store without segments has none of them
//! and looks for none.

use hub_model::{CommitSeq, Move, Moved, ProfileId, Standing, Timestamp};
use hub_store::dump::Rows as Told;
use hub_store::{Error, MovesPage, WriteSet};

use crate::keys::{self, Key, table};
use crate::plan::{Plan, json};
use crate::read::Reader;
use crate::rows::decoded;

/// Plans what a set makes of standings.
///
/// # Errors
/// When a row cannot be read or written.
pub(crate) fn plan(plan: &mut Plan<'_>, set: &WriteSet) -> Result<(), Error> {
    let mut moves: Vec<Move> = Vec::new();
    for next in set.all_standings() {
        if next.is_none() && plan.meta.standings == 0 {
            continue; // nobody is in a segment
        }
        let id = next.profile;
        let key = keys::standing(id);
        let was = match plan.payload(&key)? {
            Some(payload) => decoded(&key, &payload)?,
            None => Standing::none(id),
        };
        let made = was.moves(&next).collect::<Vec<Move>>();
        for Move { segment, .. } in made.iter().filter(|made| !made.entered) {
            plan.remove(keys::member(segment, id), |meta| &mut meta.stats.memberships)?;
        }
        for (segment, since) in &next.segments {
            let since = since.0.to_be_bytes().to_vec();
            plan.put(keys::member(segment, id), since, |meta| &mut meta.stats.memberships)?;
        }
        let due = |at| keys::standing_due(at, id);
        plan.changed.extend(was.review.map(|at| (due(at), None)));
        plan.changed.extend(next.review.map(|at| (due(at), Some(Vec::new()))));
        if next.is_none() {
            plan.remove(key, |meta| &mut meta.standings)?;
        } else {
            plan.put(key, json(&next)?, |meta| &mut meta.standings)?;
        }
        moves.extend(made);
    }
    if !moves.is_empty() {
        let seq = plan.meta.seq();
        plan.changed.insert(keys::moves(seq), Some(json(&moves)?));
    }
    Ok(())
}

/// Since when a row of a segment says that somebody is its member.
pub(crate) fn since(payload: &[u8]) -> Option<Timestamp> {
    Some(Timestamp(i64::from_be_bytes(payload.try_into().ok()?)))
}

impl Reader<'_> {
    /// The standing of a profile.
    pub fn standing(&self, id: ProfileId) -> Result<Standing, Error> {
        let kept =
            if self.meta.standings == 0 { None } else { self.rows.row(&keys::standing(id))? };
        Ok(kept.unwrap_or_else(|| Standing::none(id)))
    }

    /// Standings after a profile.
    pub fn standings_after(&self, after: Option<ProfileId>) -> Told<'_, Standing> {
        let after = after.map(keys::standing);
        let rows = self.rows.scan(&keys::all(table::STANDING), after.as_deref());
        Box::new(rows.map(|row| {
            let (key, payload) = row?;
            decoded(&key, &payload)
        }))
    }

    /// Members of a segment, and since when.
    pub fn members(
        &self,
        segment: &str,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<(ProfileId, Timestamp)>, Error> {
        let after = after.map(|id| keys::member(segment, id));
        let rows = self.rows.scan(&keys::members_of(segment), after.as_deref()).take(limit);
        rows.map(|row| {
            let (key, payload) = row?;
            let id = keys::last_number(&key).map(ProfileId);
            id.zip(since(&payload)).ok_or_else(|| nowhere("a member"))
        })
        .collect()
    }

    /// How many members a segment has.
    pub fn member_count(&self, segment: &str) -> Result<u64, Error> {
        let rows = self.rows.stored(&keys::members_of(segment), None);
        rows.map(|row| row.map(|_| 1)).sum()
    }

    /// Profiles to be judged again at an instant.
    pub fn standings_due(&self, at: Timestamp, limit: usize) -> Result<Vec<ProfileId>, Error> {
        let until = at.0.checked_add(1).map(|next| keys::standing_due_from(Timestamp(next)));
        let is_due = |row: &Result<(sled::IVec, sled::IVec), Error>| match (row, &until) {
            (Ok((key, _)), Some(until)) => **key < **until,
            _ => true,
        };
        let rows = self.rows.stored(&keys::all(table::STANDING_DUE), None);
        let due = rows.take_while(is_due).take(limit);
        due.map(|row| {
            let (key, _) = row?;
            keys::last_number(&key).map(ProfileId).ok_or_else(|| nowhere("a review"))
        })
        .collect()
    }

    /// The log of moves after a commit.
    pub fn moves_page(&self, after: CommitSeq, limit: usize) -> Result<MovesPage, Error> {
        let mut page = MovesPage { moves: Vec::new(), next: after, at_end: true };
        let start: Key = keys::moves(after);
        for row in self.rows.scan(&keys::all(table::MOVES), Some(&start)) {
            let (key, payload) = row?;
            let moves: Vec<Move> = decoded(&key, &payload)?;
            let seq = keys::last_number(&key).map(CommitSeq).ok_or_else(|| nowhere("a move"))?;
            if !page.moves.is_empty() && page.moves.len() + moves.len() > limit {
                page.at_end = false;
                break;
            }
            page.moves.extend(moves.into_iter().map(|made| Moved { seq, made }));
            page.next = seq;
        }
        Ok(page)
    }
}

fn nowhere(what: &str) -> Error {
    Error::Corrupt(format!("{what} is not found by its key"))
}
