//! The index, in memory: where rows lie, and which keys and identities lead to
//! them.
//!
//! Keys and identities are kept as 96 bits of a keyed hash, of which no two
//! meet by chance in any store that fits a machine, and of which nobody can
//! choose two that meet without the store's own key. That is 25 to 30 bytes an
//! entry, twice that for a relation, and the customers' values are not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher as _;
use std::ops::Bound;

use hashbrown::{HashMap, HashTable};
use hub_model::{Claim, CommitSeq, Identity, ProfileId, RecordNo, RecordRef, Related, StreamRef};
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::block::Location;
use crate::delta::Op;
use crate::event_index::EventIndex;
use crate::pack::{Bytes, Damaged};

/// Tables are kept in so many parts: a part that grows copies itself, and a
/// sixty-fourth of them all does not show.
const PARTS: usize = 64;
/// The profile of a claim that is kept with others in [`Index::several`].
const SEVERAL: u32 = u32::MAX;

/// 96 bits of a keyed hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Hash(pub [u32; 3]);

impl Hash {
    /// Appends the 12 bytes.
    pub fn put(self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
    }

    /// Reads the 12 bytes.
    pub fn read(bytes: &mut Bytes<'_>) -> Result<Self, Damaged> {
        let mut words = [0; 3];
        for word in &mut words {
            *word = u32::from_le_bytes(bytes.take(4)?.try_into().map_err(|_| Damaged)?);
        }
        Ok(Self(words))
    }

    const fn low(self) -> u64 {
        self.0[0] as u64 | (self.0[1] as u64) << 32
    }

    const fn part(self) -> usize {
        self.0[2] as usize % PARTS
    }
}

/// What turns keys and identities into hashes: 16 bytes of the store's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HashKey(pub [u8; 16]);

impl HashKey {
    fn hash(self, parts: &[&str]) -> Hash {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        for part in parts {
            hasher.write(part.as_bytes());
            hasher.write_u8(0xff); // no UTF-8 text has it
        }
        let bits = hasher.finish128().as_u128();
        let word = |shift: u32| u32::try_from((bits >> shift) & 0xffff_ffff).unwrap_or_default();
        Hash([word(0), word(32), word(64)])
    }

    /// Of a row of a stream.
    pub fn row(self, at: &RecordRef) -> Hash {
        let stream = &at.stream;
        self.hash(&[stream.connection.as_str(), stream.stream.as_str(), at.key.as_str()])
    }

    /// Of an identity.
    pub fn identity(self, identity: &Identity) -> Hash {
        self.hash(&[&identity.namespace, &identity.value])
    }

    /// Of the other end of a relation.
    pub fn related(self, to: &Related) -> Hash {
        match to {
            Related::Identity(identity) => self.identity(identity),
            Related::Row(at) => self.row(at),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Numbered {
    at: Hash,
    number: u32,
}

#[derive(Debug, Clone, Copy)]
struct Claimed {
    identity: Hash,
    profile: u32,
    carriers: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    location: Location,
    stream: u16,
}

/// The index.
#[derive(Debug, Default)]
pub(crate) struct Index {
    streams: Vec<StreamRef>,
    /// By record number.
    places: Vec<Place>,
    marks: Vec<u64>,
    numbers: Vec<HashTable<Numbered>>,
    records: u64,
    /// By profile id.
    profiles: Vec<Location>,
    profile_count: u64,
    aliases: BTreeMap<u32, u32>,
    absorbed: BTreeSet<(u32, u32)>,
    claims: Vec<HashTable<Claimed>>,
    claim_count: u64,
    several: HashMap<Hash, Vec<u32>>,
    /// Where the newest versions lie of numbers that are no profile.
    pasts: BTreeMap<u32, Location>,
    /// The commits before which nothing is told of records.
    forgotten: BTreeMap<u32, u64>,
    /// Records by what they relate to.
    related: BTreeSet<(Hash, u32)>,
    /// What each of them relates to.
    relates: BTreeSet<(u32, Hash)>,
    events: EventIndex,
}

fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn put<T: Copy>(all: &mut Vec<T>, at: u32, value: T, none: T) {
    let at = place(u64::from(at));
    if all.len() <= at {
        all.resize(at + 1, none);
    }
    if let Some(entry) = all.get_mut(at) {
        *entry = value;
    }
}

impl Index {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            numbers: (0..PARTS).map(|_| HashTable::new()).collect(),
            claims: (0..PARTS).map(|_| HashTable::new()).collect(),
            ..Self::default()
        }
    }

    /// Takes a change in.
    pub fn apply(&mut self, op: Op) {
        match op {
            Op::Stream(stream) => self.streams.push(stream),
            Op::Record { number, location, mark } => {
                let stream = self.place(number).stream;
                put(&mut self.places, number, Place { location, stream }, Place::default());
                put(&mut self.marks, number, mark, 0);
            }
            Op::Born { number, location, mark, at, stream } => {
                self.records += 1;
                put(&mut self.places, number, Place { location, stream }, Place::default());
                put(&mut self.marks, number, mark, 0);
                if let Some(part) = self.numbers.get_mut(at.part()) {
                    part.insert_unique(at.low(), Numbered { at, number }, |row| row.at.low());
                }
            }
            Op::Profile { id, location } => {
                let was = self.profile(ProfileId(u64::from(id))).is_some();
                put(&mut self.profiles, id, location, Location::NONE);
                let is = location != Location::NONE;
                if is && !self.pasts.is_empty() {
                    self.pasts.remove(&id);
                }
                self.profile_count = self.profile_count + u64::from(is) - u64::from(was);
            }
            Op::Alias { absorbed, surviving } => {
                if let Some(before) = self.aliases.remove(&absorbed) {
                    self.absorbed.remove(&(before, absorbed));
                }
                if surviving != 0 {
                    self.aliases.insert(absorbed, surviving);
                    self.absorbed.insert((surviving, absorbed));
                }
            }
            Op::Claim { identity, profiles, carriers } => {
                self.apply_claim(identity, profiles, carriers);
            }
            Op::Erased { number, at } => self.apply_erased(number, at),
            Op::Past { id, location } if location == Location::NONE => {
                self.pasts.remove(&id);
            }
            Op::Past { id, location } => {
                self.pasts.insert(id, location);
            }
            Op::Forgotten { number, before } => {
                self.forgotten.insert(number, before);
            }
            Op::Related { number, to } => self.apply_related(number, &to),
            Op::Event { key, location } => self.events.insert(key, location),
            Op::EventGone { key, location } => self.events.remove(key, location),
        }
    }

    fn apply_erased(&mut self, number: u32, at: Hash) {
        let Some(part) = self.numbers.get_mut(at.part()) else { return };
        let is_it = |row: &Numbered| row.at == at && row.number == number;
        let Ok(entry) = part.find_entry(at.low(), is_it) else { return };
        entry.remove();
        self.apply_related(number, &[]);
        self.records -= 1;
        self.forgotten.remove(&number);
        put(&mut self.places, number, Place::default(), Place::default());
        put(&mut self.marks, number, 0, 0);
    }

    fn apply_related(&mut self, number: u32, to: &[Hash]) {
        let before: Vec<Hash> = self.relates(number).collect();
        for hash in before {
            self.relates.remove(&(number, hash));
            self.related.remove(&(hash, number));
        }
        self.relates.extend(to.iter().map(|hash| (number, *hash)));
        self.related.extend(to.iter().map(|hash| (*hash, number)));
    }

    fn apply_claim(&mut self, identity: Hash, mut profiles: Vec<u32>, carriers: u32) {
        let Some(part) = self.claims.get_mut(identity.part()) else { return };
        let found = part.find_entry(identity.low(), |row| row.identity == identity);
        if profiles.is_empty() && carriers == 0 {
            if let Ok(entry) = found {
                entry.remove();
                self.claim_count -= 1;
                self.several.remove(&identity);
            }
            return;
        }
        let profile = match profiles.as_slice() {
            [one] if *one != SEVERAL => *one,
            _ => SEVERAL,
        };
        let row = Claimed { identity, profile, carriers };
        match found {
            Ok(mut entry) => *entry.get_mut() = row,
            Err(_) => {
                part.insert_unique(identity.low(), row, |row| row.identity.low());
                self.claim_count += 1;
            }
        }
        if profile == SEVERAL {
            profiles.shrink_to_fit();
            self.several.insert(identity, profiles);
        } else if !self.several.is_empty() {
            self.several.remove(&identity);
        }
    }

    /// Streams that have records, each at its place.
    pub fn streams(&self) -> &[StreamRef] {
        &self.streams
    }

    fn place(&self, number: u32) -> Place {
        self.places.get(place(u64::from(number))).copied().unwrap_or_default()
    }

    /// Where a record lies.
    pub fn record(&self, number: RecordNo) -> Option<Location> {
        let found = self.places.get(place(number.0)).map(|place| place.location);
        found.filter(|location| *location != Location::NONE)
    }

    /// The mark of what a record shows; 0 = none.
    pub fn mark(&self, number: RecordNo) -> u64 {
        self.marks.get(place(number.0)).copied().unwrap_or_default()
    }

    /// The number of a row.
    pub fn number(&self, at: Hash) -> Option<RecordNo> {
        let found = self.numbers.get(at.part())?.find(at.low(), |row| row.at == at)?;
        Some(RecordNo(u64::from(found.number)))
    }

    /// The numbers of records after one, lowest first.
    pub fn records_after(
        &self,
        after: Option<RecordNo>,
    ) -> impl Iterator<Item = RecordNo> + use<'_> {
        self.placed_after(after).map(|(number, _)| number)
    }

    /// The same, of one stream.
    pub fn records_of(
        &self,
        stream: &StreamRef,
        after: Option<RecordNo>,
    ) -> impl Iterator<Item = RecordNo> + use<'_> {
        let wanted = self.streams.iter().position(|known| known == stream);
        let placed = self.placed_after(after);
        let here = placed.filter(move |(_, place)| wanted == Some(usize::from(place.stream)));
        here.map(|(number, _)| number)
    }

    fn placed_after(
        &self,
        after: Option<RecordNo>,
    ) -> impl Iterator<Item = (RecordNo, Place)> + use<'_> {
        let first = after.map_or(0, |number| number.0.saturating_add(1));
        let places = self.places.iter().enumerate().skip(place(first));
        let placed = places.filter(|(_, place)| place.location != Location::NONE);
        placed.map(|(number, place)| (RecordNo(number as u64), *place))
    }

    /// Where a profile lies.
    pub fn profile(&self, id: ProfileId) -> Option<Location> {
        self.profiles.get(place(id.0)).copied().filter(|at| *at != Location::NONE)
    }

    /// The ids of profiles after one, lowest first.
    pub fn profiles_after(&self, after: Option<ProfileId>) -> impl Iterator<Item = ProfileId> {
        let first = after.map_or(0, |id| id.0.saturating_add(1));
        let profiles = self.profiles.iter().enumerate().skip(place(first));
        profiles.filter(|(_, at)| **at != Location::NONE).map(|(id, _)| ProfileId(id as u64))
    }

    /// Where the newest version lies of a number that is no profile.
    pub fn past(&self, id: ProfileId) -> Option<Location> {
        self.pasts.get(&u32::try_from(id.0).ok()?).copied()
    }

    /// Where the newest version of a number lies.
    pub fn newest(&self, id: ProfileId) -> Option<Location> {
        self.profile(id).or_else(|| self.past(id))
    }

    /// The numbers that are no profile and of which a version is kept.
    pub fn pasts(&self) -> impl Iterator<Item = (ProfileId, Location)> {
        self.pasts.iter().map(|(id, location)| (ProfileId(u64::from(*id)), *location))
    }

    /// The commit before which nothing of a record is told.
    pub fn forgotten(&self, number: RecordNo) -> Option<CommitSeq> {
        self.forgotten.get(&u32::try_from(number.0).ok()?).copied().map(CommitSeq)
    }

    /// All of those, after a record.
    pub fn forgotten_after(
        &self,
        after: Option<RecordNo>,
    ) -> impl Iterator<Item = (RecordNo, CommitSeq)> + use<'_> {
        let after = after.map(|number| u32::try_from(number.0).unwrap_or(u32::MAX));
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let all = self.forgotten.range((start, Bound::Unbounded));
        all.map(|(number, before)| (RecordNo(u64::from(*number)), CommitSeq(*before)))
    }

    /// What absorbed a profile.
    pub fn alias(&self, absorbed: ProfileId) -> Option<ProfileId> {
        let absorbed = u32::try_from(absorbed.0).ok()?;
        self.aliases.get(&absorbed).map(|surviving| ProfileId(u64::from(*surviving)))
    }

    /// All aliases: (absorbed, surviving).
    pub fn aliases(&self) -> impl Iterator<Item = (ProfileId, ProfileId)> {
        self.aliases_after(None)
    }

    /// Those after a profile that was absorbed, lowest first.
    pub fn aliases_after(
        &self,
        after: Option<ProfileId>,
    ) -> impl Iterator<Item = (ProfileId, ProfileId)> + use<'_> {
        let ids = |(absorbed, surviving): (&u32, &u32)| {
            (ProfileId(u64::from(*absorbed)), ProfileId(u64::from(*surviving)))
        };
        let after = after.map(|id| u32::try_from(id.0).unwrap_or(u32::MAX));
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.aliases.range((start, Bound::Unbounded)).map(ids)
    }

    /// What a profile absorbed, directly.
    pub fn absorbed_by(&self, surviving: ProfileId) -> impl Iterator<Item = ProfileId> {
        let id = u32::try_from(surviving.0).unwrap_or(0);
        self.absorbed.range((id, 0)..=(id, u32::MAX)).map(|(_, id)| ProfileId(u64::from(*id)))
    }

    /// Whether anybody claims an identity, or carries it.
    pub fn is_claimed(&self, identity: Hash) -> bool {
        let part = self.claims.get(identity.part());
        part.is_some_and(|part| part.find(identity.low(), |row| row.identity == identity).is_some())
    }

    /// Who claims an identity.
    pub fn claim(&self, identity: Hash) -> Option<Claim> {
        let row = self.claims.get(identity.part())?;
        let row = row.find(identity.low(), |row| row.identity == identity)?;
        let several = || self.several.get(&identity).map_or(&[][..], Vec::as_slice);
        let profiles = if row.profile == SEVERAL { several() } else { &[row.profile][..] };
        let profiles = profiles.iter().map(|id| ProfileId(u64::from(*id))).collect();
        Some(Claim { profiles, carriers: row.carriers })
    }

    /// What a record relates to, in order.
    pub fn relates(&self, number: u32) -> impl Iterator<Item = Hash> + use<'_> {
        let first = (number, Hash([0; 3]));
        self.relates.range(first..=(number, Hash([u32::MAX; 3]))).map(|(_, hash)| *hash)
    }

    /// The numbers below one of records that relate to this, highest first.
    pub fn related(
        &self,
        to: Hash,
        below: Option<RecordNo>,
    ) -> impl Iterator<Item = RecordNo> + use<'_> {
        let below = below.and_then(|number| u32::try_from(number.0).ok()).unwrap_or(u32::MAX);
        let found = self.related.range((to, 0)..(to, below)).rev();
        found.map(|(_, number)| RecordNo(u64::from(*number)))
    }

    /// Whether a record is found by what it relates to.
    pub fn is_related(&self, to: Hash, number: RecordNo) -> bool {
        u32::try_from(number.0).is_ok_and(|number| self.related.contains(&(to, number)))
    }

    /// The numbers of records that relate to anything, lowest first.
    fn relating(&self) -> impl Iterator<Item = u32> + use<'_> {
        let after = |number: u32| {
            let next = (number.checked_add(1)?, Hash([0; 3]));
            self.relates.range(next..).next().map(|(number, _)| *number)
        };
        let first = self.relates.first().map(|(number, _)| *number);
        std::iter::successors(first, move |number| after(*number))
    }

    /// Everything as changes that make it anew, without the dead.
    pub fn ops(&self) -> impl Iterator<Item = Op> + use<'_> {
        let hashes = self.numbers.iter().flatten().map(|row| (row.number, row.at));
        let born = hashes.map(|(number, at)| {
            let Place { location, stream } = self.place(number);
            let mark = self.mark(RecordNo(u64::from(number)));
            Op::Born { number, location, mark, at, stream }
        });
        let profiles = self.profiles_after(None).filter_map(|id| {
            Some(Op::Profile { id: u32::try_from(id.0).ok()?, location: self.profile(id)? })
        });
        let aliases = self.aliases.iter();
        let aliases =
            aliases.map(|(absorbed, by)| Op::Alias { absorbed: *absorbed, surviving: *by });
        let claims = self.claims.iter().flatten().map(|row| {
            let several = || self.several.get(&row.identity).cloned().unwrap_or_default();
            let profiles = if row.profile == SEVERAL { several() } else { vec![row.profile] };
            Op::Claim { identity: row.identity, profiles, carriers: row.carriers }
        });
        let related = self.relating();
        let related =
            related.map(|number| Op::Related { number, to: self.relates(number).collect() });
        let streams = self.streams.iter().cloned().map(Op::Stream);
        let pasts = self.pasts.iter().map(|(id, at)| Op::Past { id: *id, location: *at });
        let forgotten = self.forgotten.iter();
        let forgotten =
            forgotten.map(|(no, before)| Op::Forgotten { number: *no, before: *before });
        let events = self.events.all().map(|(key, location)| Op::Event { key, location });
        let people = streams.chain(born).chain(profiles).chain(aliases).chain(claims);
        people.chain(related).chain(pasts).chain(forgotten).chain(events)
    }

    /// The keys of events.
    pub const fn events(&self) -> &EventIndex {
        &self.events
    }

    /// Records, profiles, aliases, claims, events, relations.
    pub fn counts(&self) -> [u64; 6] {
        let (aliases, relations) = (self.aliases.len() as u64, self.related.len() as u64);
        let (claims, events) = (self.claim_count, self.events.count());
        [self.records, self.profile_count, aliases, claims, events, relations]
    }
}
