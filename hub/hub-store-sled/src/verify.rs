//! Verify: reads every row there is, and checks what belongs together.

use std::collections::BTreeSet;

use hub_model::{
    CommitSeq, Decision, Identity, Move, Pending, ProfileId, Quarantined, Related, Run, Standing,
};
use hub_store::audit::{self, Findings};
use hub_store::{Error, Stats, VerifyFinding, View};

use crate::block::{Block, damaged};
use crate::delta;
use crate::events;
use crate::frame::{self, Frame};
use crate::keys::{self, Key, table};
use crate::ledger;
use crate::log;
use crate::pack::names::Item;
use crate::pack::{Damaged, event, record, version};
use crate::read::Reader;
use crate::rows::decoded;
use crate::standings;

/// Identities looked up in one go.
const CLAIMS_AT_ONCE: usize = 10_000;

/// Everything that is wrong.
pub(crate) fn verify(reader: &Reader<'_>) -> Result<Vec<VerifyFinding>, Error> {
    let (found, counted) = (Findings::default(), Stats::default());
    let mut check = Check { reader, found, counted, conflicted: 0 };
    check.people()?;
    check.events()?;
    check.ledger()?;
    check.work()?;
    check.standings()?;
    check.log()?;
    check.pieces()?;
    check.unknown_tables()?;
    check.counts();
    Ok(check.found.into_vec())
}

struct Check<'a> {
    reader: &'a Reader<'a>,
    found: Findings,
    counted: Stats,
    /// Profiles that have a conflict.
    conflicted: u64,
}

impl Check<'_> {
    /// Looks at every row of a table; damaged ones become findings.
    fn each(
        &mut self,
        table: u8,
        mut look: impl FnMut(&mut Self, &Key, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let reader = self.reader;
        for row in reader.rows.scan(&keys::all(table), None) {
            let Some((key, payload)) = self.found.sound(row)? else { continue };
            let looked = look(self, &key, &payload);
            self.found.sound(looked)?;
        }
        Ok(())
    }

    fn misplaced(&mut self, key: &[u8], right: bool) {
        if !right {
            let table = key.first().copied().map_or('?', char::from);
            self.found.add("index", format!("a row of table {table} leads nowhere"));
        }
    }

    fn people(&mut self) -> Result<(), Error> {
        let reader = self.reader;
        self.blocks(table::RECORD, |item| record::read(item).map(|_| ()))?;
        self.blocks(table::PROFILE, |item| version::read(item).map(|_| ()))?;
        self.each(table::DELTA, |_, _, payload| delta::read(payload, |_| ()))?;
        let [records, profiles, aliases, claims, events, relations] = reader.index.counts();
        self.counted = Stats { records, profiles, aliases, claims, events, ..self.counted };
        let mut claimed = Vec::new();
        for number in reader.index.records_after(None) {
            let Some(Some(record)) = self.found.sound(reader.record(number))? else { continue };
            let looked = audit::record(&record, reader, &mut self.found);
            self.found.sound(looked)?;
            let ends: BTreeSet<&Related> = record.relations.iter().map(|r| &r.to).collect();
            self.counted.relations += ends.len() as u64;
            claimed.extend(record.identities.into_iter().filter_map(|fact| fact.identity));
            if claimed.len() > CLAIMS_AT_ONCE {
                self.claims(&mut claimed)?;
            }
        }
        self.claims(&mut claimed)?;
        if self.counted.relations != relations {
            let counted = self.counted.relations;
            let detail = format!("records have {counted} relations, {relations} lead to them");
            self.found.add("relation", detail);
        }
        for id in reader.index.profiles_after(None) {
            if let Some(Some(profile)) = self.found.sound(reader.profile(id))? {
                self.conflicted += u64::from(!profile.conflicts.is_empty());
                let looked = audit::profile(&profile, reader, &mut self.found);
                self.found.sound(looked)?;
                audit::history(id, reader, &mut self.found)?;
            }
        }
        for (absorbed, _) in reader.index.aliases() {
            let looked = audit::alias(absorbed, reader, &mut self.found);
            self.found.sound(looked)?;
        }
        for (id, _) in reader.index.pasts() {
            audit::history(id, reader, &mut self.found)?;
        }
        Ok(())
    }

    /// Events are found by key and by whom they name, and nothing else is.
    fn events(&mut self) -> Result<(), Error> {
        let reader = self.reader;
        self.blocks(table::EVENT, |item| event::read(item).map(|_| ()))?;
        let (mut events, mut named, mut places) = (0, 0, 0);
        for row in reader.events_after(None) {
            let Some((number, event)) = self.found.sound(row)? else { continue };
            events += 1;
            named += event.identities.len() as u64;
            let looked = audit::event(number, &event, reader, &mut self.found);
            self.found.sound(looked)?;
            let placed = reader.is_placed(number, &event.at);
            if self.found.sound(placed)? == Some(false) {
                self.found.add("event", format!("event {number} is not found by whom it names"));
            }
        }
        self.each(table::EVENT_OF, |_, _, payload| {
            places += events::count_places(payload)?;
            Ok(())
        })?;
        if places != named || events != self.counted.events {
            let indexed = self.counted.events;
            let counts = format!("{events} events of {indexed}, {places} places of {named}");
            self.found.add("event", counts);
        }
        Ok(())
    }

    /// Every entry of the ledger is found by its records, and nothing else is.
    fn ledger(&mut self) -> Result<(), Error> {
        let rows = self.reader.rows;
        let (mut places, mut found) = (0, 0);
        self.each(table::LEDGER, |check, key, payload| {
            let chunk = ledger::read(key, payload)?;
            check.counted.written += chunk.len() as u64;
            let keys = ledger::index(key, &chunk);
            places += keys.len();
            for place in keys {
                check.misplaced(&place, rows.raw(&place)?.is_some());
            }
            Ok(())
        })?;
        self.each(table::LEDGER_OF, |_, _, _| {
            found += 1;
            Ok(())
        })?;
        if places != found {
            self.found.add("ledger", format!("{found} places of {places}"));
        }
        Ok(())
    }

    /// Every row of every block, those included that are not current any more.
    fn blocks(
        &mut self,
        table: u8,
        read: impl Fn(Item<'_>) -> Result<(), Damaged>,
    ) -> Result<(), Error> {
        self.each(table, |_, key, payload| {
            let rows = Block::read(payload).and_then(|block| {
                let mut there = (0..block.rows()).filter(|row| !block.is_empty(*row));
                there.try_for_each(|row| read(block.item(row)?))
            });
            rows.map_err(|Damaged| damaged(table, keys::block_number(key).unwrap_or(0)))
        })
    }

    /// The claims of identities that records asserted; several name one.
    fn claims(&mut self, claimed: &mut Vec<Identity>) -> Result<(), Error> {
        claimed.sort_unstable();
        claimed.dedup();
        for identity in claimed.drain(..) {
            if let Some(claim) = self.reader.claim(&identity)? {
                let looked = audit::claim(&identity, &claim, self.reader, &mut self.found);
                self.found.sound(looked)?;
            }
        }
        Ok(())
    }

    fn work(&mut self) -> Result<(), Error> {
        let rows = self.reader.rows;
        self.each(table::PENDING, |check, key, payload| {
            check.counted.pending += 1;
            let pending: Pending = decoded(key, payload)?;
            let due = rows.raw(&keys::due(&pending.key, pending.due))?;
            check.misplaced(key, *key == keys::pending(&pending.key) && due.is_some());
            Ok(())
        })?;
        let mut due_rows = 0;
        self.each(table::DUE, |_, _, _| {
            due_rows += 1;
            Ok(())
        })?;
        let pending = self.counted.pending;
        self.misplaced(&[table::DUE], due_rows == pending);
        self.each(table::QUARANTINE, |check, key, payload| {
            check.counted.quarantined += 1;
            decoded::<Quarantined>(key, payload).map(|_| ())
        })?;
        self.each(table::RUN, |check, key, payload| {
            check.counted.runs += 1;
            let run: Run = decoded(key, payload)?;
            let of_sync = rows.raw(&keys::run_of(&run.sync, &run.id))?;
            check.misplaced(key, *key == keys::run(&run.id) && of_sync.is_some());
            Ok(())
        })?;
        let mut run_rows = 0;
        self.each(table::RUN_OF, |_, _, _| {
            run_rows += 1;
            Ok(())
        })?;
        let runs = self.counted.runs;
        self.misplaced(&[table::RUN_OF], run_rows == runs);
        self.each(table::DECISION, |_, key, payload| {
            decoded::<Decision>(key, payload).map(|_| ())
        })?;
        self.each(table::REVIEW, |check, key, _| {
            check.misplaced(key, keys::read_review(key).is_some());
            Ok(())
        })?;
        let mut conflicted = 0;
        let reader = self.reader;
        self.each(table::CONFLICT, |check, key, _| {
            conflicted += 1;
            let id = keys::last_number(key).map(ProfileId);
            let profile = id.map(|id| reader.profile(id)).transpose()?.flatten();
            check.misplaced(key, profile.is_some_and(|profile| !profile.conflicts.is_empty()));
            Ok(())
        })?;
        let kept = self.reader.meta.conflicted;
        self.misplaced(&[table::CONFLICT], conflicted == kept && conflicted == self.conflicted);
        // Bytes as they are: reading them checked them.
        for table in [table::POSITION, table::INBOX, table::TOKEN] {
            self.each(table, |_, _, _| Ok(()))?;
        }
        Ok(())
    }

    /// Every standing is found by its segments and by its review, and nothing else is.
    fn standings(&mut self) -> Result<(), Error> {
        let reader = self.reader;
        let (mut standings, mut reviews) = (0, 0);
        let mut members = 0;
        self.each(table::STANDING, |check, key, payload| {
            standings += 1;
            let standing: Standing = decoded(key, payload)?;
            let id = standing.profile;
            audit::standing(&standing, reader, &mut check.found)?;
            for (segment, at) in &standing.segments {
                members += 1;
                let kept = reader.rows.payload(&keys::member(segment, id))?;
                let is_right = kept.and_then(|payload| standings::since(&payload)) == Some(*at);
                check.misplaced(key, is_right);
            }
            if let Some(at) = standing.review {
                reviews += 1;
                let kept = reader.rows.raw(&keys::standing_due(at, id))?;
                check.misplaced(key, kept.is_some());
            }
            check.misplaced(key, *key == keys::standing(id));
            Ok(())
        })?;
        let mut due_rows = 0;
        self.each(table::STANDING_DUE, |_, _, _| {
            due_rows += 1;
            Ok(())
        })?;
        self.misplaced(&[table::STANDING_DUE], due_rows == reviews);
        self.each(table::MEMBER, |check, _, _| {
            check.counted.memberships += 1;
            Ok(())
        })?;
        let memberships = self.counted.memberships;
        self.misplaced(&[table::MEMBER], memberships == members);
        self.misplaced(&[table::STANDING], standings == reader.meta.standings);
        self.each(table::MOVES, |_, key, payload| decoded::<Vec<Move>>(key, payload).map(|_| ()))
    }

    fn log(&mut self) -> Result<(), Error> {
        let mut before = CommitSeq(self.reader.meta.log_start);
        self.each(table::LOG, |check, key, payload| {
            let (seq, changes) = log::read(key, payload)?;
            audit::log(before, seq, &changes, &mut check.found);
            before = seq;
            Ok(())
        })?;
        let head = self.reader.meta.seq();
        if before != head {
            self.found.add("log-gap", format!("the log ends at {before}, the store at {head}"));
        }
        Ok(())
    }

    /// Every piece belongs to a row that counts it.
    fn pieces(&mut self) -> Result<(), Error> {
        let reader = self.reader;
        self.each(table::PIECE, |check, key, _| {
            let counted = match keys::row_of_piece(key) {
                None => false,
                Some((row, place)) => match reader.rows.raw(row)? {
                    None => false,
                    Some(bytes) => match frame::read(row, &bytes)? {
                        Frame::Whole(_) => false,
                        Frame::Pieces { count, .. } => place < count,
                    },
                },
            };
            check.misplaced(key, counted);
            Ok(())
        })
    }

    fn unknown_tables(&mut self) -> Result<(), Error> {
        const KNOWN: [u8; 25] = [
            table::META,
            table::RECORD,
            table::PROFILE,
            table::DELTA,
            table::POSITION,
            table::PENDING,
            table::DUE,
            table::DECISION,
            table::LOG,
            table::QUARANTINE,
            table::REVIEW,
            table::CONFLICT,
            table::RUN,
            table::RUN_OF,
            table::INBOX,
            table::TOKEN,
            table::PIECE,
            table::EVENT,
            table::EVENT_OF,
            table::STANDING,
            table::MEMBER,
            table::STANDING_DUE,
            table::MOVES,
            table::LEDGER,
            table::LEDGER_OF,
        ];
        for byte in (0..=u8::MAX).filter(|byte| !KNOWN.contains(byte)) {
            let first = self.reader.rows.stored(&[byte], None).next();
            if first.is_some_and(|stored| stored.is_ok()) {
                self.found.add("index", format!("rows of the unknown table {byte}"));
            }
        }
        Ok(())
    }

    fn counts(&mut self) {
        let kept = Stats { seq: 0, disk_bytes: 0, ..self.reader.meta.stats };
        if kept != self.counted {
            let counted = self.counted;
            self.found.add("counts", format!("counted {counted:?}, kept {kept:?}"));
        }
    }
}
