//! Write sets as the engine makes them, decided by a seed: people come in, are
//! changed, joined and separated; deliveries wait and are settled; rows are
//! rejected and released. Every set keeps the rules, so a store must take it,
//! and leaves rows that belong together, so `verify` must find nothing.

use hub_model::{
    ChangeKind, Claim, Claimed, Decision, DecisionKind, LedgerPlace, Profile, ProfileId, Record,
    RecordNo, RemoteKey, Stamp, Standing, StreamRef, Timestamp, Value, limits,
};

use super::model::Model;
use super::{Random, WORKSPACE, fixtures as f};
use crate::store::Review;
use crate::write_set::{Counters, WriteSet};

/// How large the sets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// A few rows of everything: every rule is met often.
    Small,
    /// As the engine cuts pages: contacts with addresses and consents, up to the
    /// limits of one commit.
    Pages,
    /// Small sets, and every third one with so many records, whatever the limits
    /// say: what a store refuses, unless a test has told it not to.
    Oversized(u64),
}

/// Deliveries that wait for each record of an oversized set: many small rows, no
/// large one.
const OVERSIZED_PENDING: u64 = 8;
/// What the other rows of a page's set may weigh, besides the arrivals.
const PAGE_REST_BYTES: usize = 48 * 1024;

/// An endless row of write sets, and what a store must hold after each.
#[derive(Debug)]
pub struct Workload {
    random: Random,
    model: Model,
    size: Size,
}

impl Workload {
    /// Everything that follows is decided by the seed and what is there.
    pub fn new(seed: u64, model: Model) -> Self {
        Self { random: Random::new(seed), model, size: Size::Small }
    }

    /// The same with sets of another size.
    pub fn of(self, size: Size) -> Self {
        Self { size, ..self }
    }

    /// What a store must hold after the sets so far.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Ends the row.
    pub fn into_model(self) -> Model {
        self.model
    }

    /// The next set, already applied to the model. Never empty.
    pub fn next_set(&mut self) -> WriteSet {
        let mut set = WriteSet { counters: Some(self.model.counters), ..WriteSet::default() };
        match self.random.below(10) {
            _ if self.is_oversized() => self.arrivals(&mut set),
            0..=3 => self.arrivals(&mut set),
            4 => self.edits(&mut set),
            5 => self.join(&mut set),
            6 => self.separate(&mut set),
            _ => {}
        }
        if self.random.percent(50) {
            self.deliveries(&mut set);
        }
        if self.random.percent(40) {
            self.upkeep(&mut set);
        }
        // A profile may be as large as a commit takes.
        let has_room = set.weight_bytes() < limits::SLICE_BYTES_MAX / 2;
        if self.random.percent(40) && has_room {
            self.events(&mut set);
        }
        if self.random.percent(40) && has_room {
            self.standings(&mut set);
        }
        if self.random.percent(40) && has_room {
            self.written(&mut set);
        }
        self.cursor(&mut set);
        self.model.apply(&set);
        set
    }

    fn is_oversized(&self) -> bool {
        matches!(self.size, Size::Oversized(_)) && self.model.seq.0 % 3 == 2
    }

    fn number(counters: &mut Counters) -> u64 {
        counters.record += 1;
        counters.stamp = counters.stamp.max(counters.record) + 1;
        counters.record
    }

    fn arrivals(&mut self, set: &mut WriteSet) {
        let mut counters = self.model.counters;
        let count = match self.size {
            Size::Small => 1 + self.random.below(25),
            Size::Pages => 1 + self.random.below(limits::SLICE_RECORDS_MAX as u64),
            Size::Oversized(records) if self.is_oversized() => records,
            Size::Oversized(_) => 1 + self.random.below(25),
        };
        let mut weight_bytes = 0;
        for _ in 0..count {
            let number = Self::number(&mut counters);
            let mut one = f::person(number);
            if self.random.percent(15) {
                let buyer = 1 + self.random.below(number);
                let records = vec![f::order(number, buyer)];
                one = WriteSet { records, ..WriteSet::default() };
            }
            if let Some(record) = one.records.first_mut() {
                if !record.is_object() {
                    let stream = if self.random.percent(30) { "leads" } else { "contacts" };
                    record.at.stream = StreamRef::new(WORKSPACE, "crm", stream);
                }
                record.at.key = RemoteKey::new(format!("{}-{number}", self.random.text(3)));
                if self.size != Size::Small {
                    self.contact(record);
                }
                self.fill(record);
                if self.random.percent(60) {
                    set.marks.push((record.number, self.random.next_u64()));
                }
            }
            weight_bytes += one.weight_bytes();
            if self.size == Size::Pages && weight_bytes > limits::SLICE_BYTES_MAX - PAGE_REST_BYTES
            {
                // The rest of the page comes with the next set.
                counters.record = number - 1;
                break;
            }
            if self.is_oversized() {
                // Small rows all over the store's other tables.
                let mut waits = |record| set.pending.push(f::pending("out", number, record, 0));
                waits(None);
                (1..OVERSIZED_PENDING).for_each(|n| waits(Some(n)));
            }
            set.records.append(&mut one.records);
            set.profiles.append(&mut one.profiles);
            set.claims.append(&mut one.claims);
            set.changes.append(&mut one.changes);
        }
        set.counters = Some(counters);
    }

    /// What a contact of a customer system looks like, about 350 bytes.
    fn contact(&mut self, record: &mut Record) {
        let number = record.number.0;
        let digits = self.random.below(100_000_000);
        let consent = self.random.percent(60);
        let fields = [
            ("email", Value::text(format!("p{number}@example.org"))),
            ("phone", Value::text(format!("+336{digits:08}"))),
            ("first_name", Value::text(self.random.text(8))),
            ("last_name", Value::text(self.random.text(12))),
            ("street", Value::text(format!("{} {}", digits % 200, self.random.text(20)))),
            ("city", Value::text(self.random.text(10))),
            ("postcode", Value::text(format!("{:05}", digits % 100_000))),
            ("newsletter", Value::Bool(consent)),
        ];
        record.raw.extend(fields.map(|(name, value)| (name.into(), value)));
    }

    /// New contents, now and then as long as a value may be.
    fn fill(&mut self, record: &mut Record) {
        let note = match self.size {
            Size::Small if self.random.percent(1) => self.random.text(15_000),
            _ => {
                let letters = self.random.below(120);
                self.random.text(letters)
            }
        };
        let note = Value::text(note);
        record.raw.insert("note".into(), note);
        let number = i64::from_be_bytes(self.random.next_u64().to_be_bytes());
        record.raw.insert("number".into(), Value::from(number));
    }

    fn some_profile(&mut self) -> Option<Profile> {
        self.random.pick(&self.model.profiles).cloned()
    }

    fn edits(&mut self, set: &mut WriteSet) {
        for _ in 0..=self.random.below(10) {
            let Some(mut record) = self.random.pick(&self.model.records).cloned() else { return };
            self.fill(&mut record);
            record.deleted = self.random.percent(10).then_some(Stamp(self.model.counters.stamp));
            record.relations.clear();
            for role in ["buyer", "payer"] {
                let other = 1 + self.random.below(self.model.counters.record);
                if self.random.percent(40) {
                    f::relate(&mut record, role, f::related(other));
                }
            }
            if !record.is_object() {
                let profile = self.model.resolve(record.profile);
                set.changes.push(f::change(profile.0, ChangeKind::Updated));
            }
            // Two edits of one record: the later one wins.
            set.records.push(record);
        }
    }

    fn join(&mut self, set: &mut WriteSet) {
        let (Some(one), Some(other)) = (self.some_profile(), self.some_profile()) else { return };
        let is_large = |profile: &Profile| {
            let alone = WriteSet { profiles: vec![profile.clone()], ..WriteSet::default() };
            alone.weight_bytes() > limits::SLICE_BYTES_MAX / 2
        };
        let too_many = one.records.len() + other.records.len() > 40;
        if one.id == other.id || too_many || is_large(&one) || is_large(&other) {
            return;
        }
        let (mut stays, goes) = if one.id < other.id { (one, other) } else { (other, one) };
        stays.records.extend(&goes.records);
        stays.records.sort_unstable();
        stays.identities.extend(goes.identities);
        // Every third now waits for a person, the others no more.
        stays.conflicts =
            (stays.id.0 % 3 == 0).then(|| f::conflict(goes.id.0)).into_iter().collect();
        // A claim may keep the absorbed id: readers follow it.
        if self.random.percent(50) {
            set.claims.push((f::email(goes.id.0), f::claim(&[stays.id.0])));
        }
        set.aliases.push((goes.id, stays.id));
        set.changes.push(f::change(goes.id.0, ChangeKind::Merged));
        set.reviews.push(Review {
            identity: f::email(goes.id.0),
            left: goes.id,
            right: stays.id,
            reason: "cardinality".to_owned(),
        });
        set.profiles.push(stays);
    }

    /// Takes a joined profile apart into one per record.
    fn separate(&mut self, set: &mut WriteSet) {
        let joined: Vec<&Profile> =
            self.model.profiles.iter().filter(|p| p.records.len() > 1).collect();
        let Some(joined) = self.random.pick(&joined).map(|joined| (*joined).clone()) else {
            return;
        };
        let mut counters = self.model.counters;
        counters.stamp += 1;
        set.counters = Some(counters);
        let (left, right) = joined.records.split_at(1);
        set.decisions.push(Decision {
            stamp: Stamp(counters.stamp),
            kind: DecisionKind::Separation {
                left: left.iter().copied().collect(),
                right: right.iter().copied().collect(),
            },
            author: "tester".to_owned(),
            at: Timestamp(0),
        });
        for number in &joined.records {
            self.alone(*number, set);
        }
    }

    fn alone(&self, number: RecordNo, set: &mut WriteSet) {
        let id = ProfileId::from(number);
        let Some(mut record) = self.model.record(number).cloned() else { return };
        record.profile = id;
        let mut profile = f::profile(number.0);
        profile.identities = vec![Claimed { identity: f::email(number.0), stamp: record.born }];
        set.records.push(record);
        set.profiles.push(profile);
        set.claims.push((f::email(number.0), Claim { profiles: vec![id], carriers: 1 }));
        set.changes.push(f::change(number.0, ChangeKind::Separated));
    }

    fn deliveries(&mut self, set: &mut WriteSet) {
        for _ in 0..self.random.below(6) {
            if let Some(pending) = self.random.pick(&self.model.pending) {
                set.settled.push(pending.key.clone());
            }
        }
        for _ in 0..self.random.below(8) {
            let sync = if self.random.percent(20) { "out-2" } else { "out" };
            let profile = 1 + self.random.below(self.model.counters.record);
            let record = self.random.percent(70).then_some(profile);
            let due = i64::try_from(self.random.below(100)).unwrap_or(0) - 20;
            set.pending.push(f::pending(sync, profile, record, due));
        }
    }

    fn upkeep(&mut self, set: &mut WriteSet) {
        let some_key = |random: &mut Random| random.percent(80).then(|| random.below(30));
        for _ in 0..self.random.below(4) {
            let key = some_key(&mut self.random).map(|key| format!("bad-{key}"));
            let note = self.random.text(30);
            set.quarantined.push(f::rejected(key.as_deref(), &note));
            let released = RemoteKey::new(format!("bad-{}", self.random.below(30)));
            set.released.push((f::stream(), released));
        }
        set.runs.push(f::run("crm", self.random.below(50)));
        for _ in 0..self.random.below(3) {
            let letters = if self.random.percent(2) { 300_000 } else { 200 };
            set.inbox.push(self.random.text(letters).into_bytes());
        }
        let sealed = self.random.percent(80).then(|| self.random.text(20).into_bytes());
        set.tokens.push(("crm".to_owned(), format!("t{}", self.random.below(4)), sealed));
        if self.random.percent(30) {
            let done = self.model.inbox_last.saturating_sub(self.random.below(5));
            self.moves("inbox", Some(done.to_string().into_bytes()), set);
        }
    }

    /// New events, some that were told before, and some that leave.
    fn events(&mut self, set: &mut WriteSet) {
        let known = self.model.events.len() as u64;
        for _ in 0..self.random.below(30) {
            let number = 1 + self.random.below(known * 3 + 20);
            let people: Vec<u64> =
                (0..self.random.below(3)).map(|_| 1 + self.random.below(12)).collect();
            let mut event = f::event(number, &people);
            event.identities.dedup();
            event.time = event.time.plus_seconds(self.random.below(9).cast_signed());
            let letters = self.random.below(200);
            event.properties.insert("note".into(), Value::text(self.random.text(letters)));
            set.events.push(event);
        }
        for _ in 0..self.random.below(4) {
            if let Some(event) = self.random.pick(&self.model.events) {
                set.events_gone.push(event.at.clone());
            }
        }
    }

    /// People enter segments and leave them; of some nothing more is said.
    fn standings(&mut self, set: &mut WriteSet) {
        for _ in 0..self.random.below(12) {
            let Some(profile) = self.some_profile() else { return };
            if set.aliases.iter().any(|(absorbed, _)| *absorbed == profile.id) {
                continue;
            }
            let mut standing = Standing::none(profile.id);
            for name in ["loyal", "lapsed", "new"] {
                if self.random.percent(30) {
                    let since = Timestamp(self.random.below(1_000).cast_signed());
                    standing.segments.insert(name.into(), since);
                }
            }
            let review = self.random.below(50).cast_signed() - 10;
            standing.review = self.random.percent(40).then_some(Timestamp(review));
            set.standings.push(standing);
        }
    }

    /// Writes of two runs, and some that leave.
    fn written(&mut self, set: &mut WriteSet) {
        for _ in 0..self.random.below(90) {
            let (run, number) = (self.random.below(2), 1 + self.random.below(20));
            let mut entry = f::written("crm", run, number);
            entry.about.truncate(usize::try_from(self.random.below(3)).unwrap_or(0));
            set.written.push(entry);
        }
        for _ in 0..self.random.below(60) {
            if let Some((number, entry)) = self.random.pick(&self.model.written) {
                set.unwritten.push(LedgerPlace { run: entry.run.clone(), number: *number });
            }
        }
    }

    fn cursor(&mut self, set: &mut WriteSet) {
        let name = format!("cursor-{}", self.random.below(3));
        let new = self.model.seq.0.to_be_bytes().to_vec();
        self.moves(&name, Some(new), set);
    }

    fn moves(&self, name: &str, new: Option<Vec<u8>>, set: &mut WriteSet) {
        let stored = self.model.positions.iter().find(|(stored, _)| stored.as_str() == name);
        let expected = stored.map(|(_, value)| value.as_slice());
        set.positions.push(f::moves(name, expected, new.as_deref()));
    }
}
