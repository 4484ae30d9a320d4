//! Verify: reads every row there is, and checks what belongs together.

use hub_model::{
    Claim, CommitSeq, Decision, Pending, Profile, ProfileId, Quarantined, Record, RecordNo, Run,
};
use hub_store::audit::{self, Findings};
use hub_store::{Error, Stats, VerifyFinding, View};

use crate::frame::{self, Frame};
use crate::keys::{self, Key, table};
use crate::read::{Reader, read_log};
use crate::rows::decoded;

/// Everything that is wrong.
pub(crate) fn verify(reader: &Reader<'_>) -> Result<Vec<VerifyFinding>, Error> {
    let mut check = Check { reader, found: Findings::default(), counted: Stats::default() };
    check.people()?;
    check.work()?;
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
        self.each(table::RECORD, |check, key, payload| {
            check.counted.records += 1;
            let record: Record = decoded(key, payload)?;
            check.misplaced(key, *key == keys::record(record.number));
            audit::record(&record, reader, &mut check.found)
        })?;
        self.each(table::NUMBER, |check, key, payload| {
            let number = keys::last_number(payload).map_or(RecordNo(0), RecordNo);
            let record = reader.record(number)?;
            check.misplaced(key, record.is_some_and(|record| *key == keys::number_of(&record.at)));
            Ok(())
        })?;
        self.each(table::PROFILE, |check, key, payload| {
            check.counted.profiles += 1;
            let profile: Profile = decoded(key, payload)?;
            check.misplaced(key, *key == keys::profile(profile.id));
            audit::profile(&profile, reader, &mut check.found)
        })?;
        self.each(table::ALIAS, |check, key, payload| {
            check.counted.aliases += 1;
            let absorbed = keys::last_number(key).map_or(ProfileId(0), ProfileId);
            let surviving = keys::last_number(payload).map_or(ProfileId(0), ProfileId);
            let back = reader.rows.raw(&keys::absorbed(surviving, absorbed))?;
            check.misplaced(key, back.is_some());
            audit::alias(absorbed, reader, &mut check.found)
        })?;
        self.each(table::ABSORBED, |check, key, _| {
            let absorbed = keys::last_number(key).map_or(ProfileId(0), ProfileId);
            let alias = reader.alias(absorbed)?;
            let right = alias.is_some_and(|surviving| *key == keys::absorbed(surviving, absorbed));
            check.misplaced(key, right);
            Ok(())
        })?;
        self.each(table::CLAIM, |check, key, payload| {
            check.counted.claims += 1;
            let claim: Claim = decoded(key, payload)?;
            match keys::read_identity(key) {
                Some(identity) => audit::claim(&identity, &claim, reader, &mut check.found),
                None => {
                    check.misplaced(key, false);
                    Ok(())
                }
            }
        })
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
        // Bytes as they are: reading them checked them.
        for table in [table::POSITION, table::INBOX, table::TOKEN] {
            self.each(table, |_, _, _| Ok(()))?;
        }
        Ok(())
    }

    fn log(&mut self) -> Result<(), Error> {
        let mut before = CommitSeq(0);
        self.each(table::LOG, |check, key, payload| {
            let (seq, changes) = read_log(key, payload)?;
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
        const KNOWN: [u8; 19] = [
            table::META,
            table::RECORD,
            table::NUMBER,
            table::PROFILE,
            table::ALIAS,
            table::ABSORBED,
            table::CLAIM,
            table::POSITION,
            table::PENDING,
            table::DUE,
            table::DECISION,
            table::LOG,
            table::QUARANTINE,
            table::REVIEW,
            table::RUN,
            table::RUN_OF,
            table::INBOX,
            table::TOKEN,
            table::PIECE,
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
