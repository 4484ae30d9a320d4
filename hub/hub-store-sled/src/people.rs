//! From the people of a write set to blocks and changes of the index.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{
    Claim, CommitSeq, Identity, Profile, ProfileId, Record, RecordNo, RecordRef, StreamRef,
};
use hub_store::{Error, Moment, Version, WriteSet};

use crate::block::{Location, Packed, Packing};
use crate::delta::Op;
use crate::index::{Hash, HashKey, Index};
use crate::keys::{Key, table};
use crate::meta::Meta;
use crate::pack::record;
use crate::pack::version::{self, Head};
use crate::store::State;

/// What the people of a commit come to.
pub(crate) struct Planned {
    /// Changes of the index, in order.
    pub ops: Vec<Op>,
    /// New blocks.
    pub blocks: Vec<(Key, Vec<u8>)>,
}

/// Plans records, profiles, aliases and claims.
pub(crate) struct People<'a> {
    index: &'a Index,
    meta: &'a mut Meta,
    hash_key: HashKey,
    ops: Vec<Op>,
    blocks: Vec<(Key, Vec<u8>)>,
}

/// What a profile id becomes.
enum Becomes<'a> {
    Profile(&'a Profile),
    Alias(ProfileId),
}

fn short(number: u64) -> Result<u32, Error> {
    // One less than there are, so that the index has a number for "none".
    u32::try_from(number)
        .ok()
        .filter(|number| *number < u32::MAX)
        .ok_or_else(|| Error::Refused(format!("number {number}: this store has room for 2^32")))
}

impl<'a> People<'a> {
    /// Over the state before the commit.
    pub fn new(state: &'a State, meta: &'a mut Meta) -> Self {
        let hash_key = HashKey(meta.hash_key);
        Self { index: &state.index, meta, hash_key, ops: Vec::new(), blocks: Vec::new() }
    }

    /// # Errors
    /// [`Error::Refused`] when the store has no numbers left.
    pub fn plan(mut self, set: &mut WriteSet) -> Result<Planned, Error> {
        self.erased(&set.erased, &set.erased_profiles)?;
        self.records(&set.records, &set.marks)?;
        self.forgotten(&set.forgotten)?;
        self.profiles(set)?;
        self.claims(std::mem::take(&mut set.claims))?;
        Ok(Planned { ops: self.ops, blocks: self.blocks })
    }

    /// What leaves for ever: before anything is put.
    fn erased(
        &mut self,
        records: &[(RecordNo, RecordRef)],
        profiles: &[ProfileId],
    ) -> Result<(), Error> {
        let records: BTreeMap<RecordNo, &RecordRef> =
            records.iter().map(|(n, at)| (*n, at)).collect();
        for (number, at) in records {
            let at = self.hash_key.row(at);
            if self.index.number(at) == Some(number) {
                let number = short(number.0)?;
                self.meta.stats.records -= 1;
                self.meta.stats.relations -= self.index.relates(number).count() as u64;
                self.ops.push(Op::Erased { number, at });
            }
        }
        let profiles: BTreeSet<ProfileId> = profiles.iter().copied().collect();
        // An alias of an alias that both leave is met twice.
        let mut lifted: BTreeSet<ProfileId> = BTreeSet::new();
        for id in profiles {
            if self.index.profile(id).is_some() {
                let gone = Op::Profile { id: short(id.0)?, location: Location::NONE };
                self.ops.push(gone);
                self.meta.stats.profiles -= 1;
            }
            self.forget_past(id)?;
            let mut look = vec![id];
            while let Some(surviving) = look.pop() {
                for absorbed in self.index.absorbed_by(surviving) {
                    if lifted.insert(absorbed) {
                        self.ops.push(Op::Alias { absorbed: short(absorbed.0)?, surviving: 0 });
                        self.meta.stats.aliases -= 1;
                        self.forget_past(absorbed)?;
                        look.push(absorbed);
                    }
                }
            }
        }
        Ok(())
    }

    /// Nothing leads any more to what a number that is no profile was before.
    fn forget_past(&mut self, id: ProfileId) -> Result<(), Error> {
        if self.index.past(id).is_some() {
            self.ops.push(Op::Past { id: short(id.0)?, location: Location::NONE });
        }
        Ok(())
    }

    fn forgotten(&mut self, records: &[(RecordNo, Option<CommitSeq>)]) -> Result<(), Error> {
        for (number, before) in records {
            let before = before.unwrap_or(self.meta.seq()).0;
            self.ops.push(Op::Forgotten { number: short(number.0)?, before });
        }
        Ok(())
    }

    fn records(&mut self, records: &[Record], marks: &[(RecordNo, u64)]) -> Result<(), Error> {
        let mut marks: BTreeMap<RecordNo, u64> = marks.iter().copied().collect();
        // Of two rows of one record the later one wins.
        let rows: BTreeMap<RecordNo, &Record> =
            records.iter().map(|record| (record.number, record)).collect();
        let mut streams = Streams::of(self.index);
        let mut packing = Packing::after(table::RECORD, self.meta.record_block);
        for row in rows.into_values() {
            let number = short(row.number.0)?;
            let location = packing.add(|names, out| record::put(row, names, out))?;
            let mark = marks.remove(&row.number).unwrap_or(0);
            if self.index.record(row.number).is_some() {
                self.ops.push(Op::Record { number, location, mark });
            } else {
                let stream = streams.place(&row.at.stream, &mut self.ops)?;
                let at = self.hash_key.row(&row.at);
                self.ops.push(Op::Born { number, location, mark, at, stream });
                self.meta.stats.records += 1;
            }
            self.related(number, row);
        }
        for (number, mark) in marks {
            if let Some(location) = self.index.record(number) {
                self.ops.push(Op::Record { number: short(number.0)?, location, mark });
            }
        }
        let Packed { blocks, last } = packing.finish()?;
        self.blocks.extend(blocks);
        self.meta.record_block = last;
        Ok(())
    }

    /// What a record relates to, if that is not as it was.
    fn related(&mut self, number: u32, row: &Record) {
        let ends = row.relations.iter().map(|relation| self.hash_key.related(&relation.to));
        let ends: BTreeSet<Hash> = ends.collect();
        if self.index.relates(number).eq(ends.iter().copied()) {
            return;
        }
        let stats = &mut self.meta.stats;
        let (was, is) = (self.index.relates(number).count() as u64, ends.len() as u64);
        stats.relations = stats.relations + is - was;
        self.ops.push(Op::Related { number, to: ends.into_iter().collect() });
    }

    fn profiles(&mut self, set: &WriteSet) -> Result<(), Error> {
        let absorbed = set.aliases.iter().map(|(absorbed, by)| (*absorbed, Becomes::Alias(*by)));
        let put = set.profiles.iter().map(|profile| (profile.id, Becomes::Profile(profile)));
        let become_: BTreeMap<ProfileId, Becomes<'_>> = absorbed.chain(put).collect();
        let since: BTreeMap<ProfileId, Moment> = set.since.iter().copied().collect();
        let mut packing = Packing::after(table::PROFILE, self.meta.profile_block);
        packing = packing.written(self.meta.moment());
        let pasts = self.versions(&set.versions, &mut packing)?;
        for (id, what) in become_ {
            let was = (self.index.profile(id).is_some(), self.index.alias(id).is_some());
            let short_id = short(id.0)?;
            let before = pasts.get(&id).copied().or_else(|| self.index.newest(id));
            let since = since.get(&id).copied();
            let head = Head { before: before.unwrap_or(Location::NONE), since };
            let stats = &mut self.meta.stats;
            match what {
                Becomes::Profile(row) => {
                    let location =
                        packing.add(|names, out| version::put_profile(head, row, names, out))?;
                    self.ops.push(Op::Profile { id: short_id, location });
                    stats.profiles += u64::from(!was.0);
                    if was.1 {
                        self.ops.push(Op::Alias { absorbed: short_id, surviving: 0 });
                        stats.aliases -= 1;
                    }
                }
                Becomes::Alias(by) => {
                    if was.0 {
                        self.ops.push(Op::Profile { id: short_id, location: Location::NONE });
                        stats.profiles -= 1;
                    }
                    let location =
                        packing.add(|_, out| version::put_absorbed(head, id, by, out))?;
                    self.ops.push(Op::Past { id: short_id, location });
                    self.ops.push(Op::Alias { absorbed: short_id, surviving: short(by.0)? });
                    stats.aliases += u64::from(!was.1);
                }
            }
        }
        let Packed { blocks, last } = packing.finish()?;
        self.blocks.extend(blocks);
        self.meta.profile_block = last;
        Ok(())
    }

    /// What numbers were before, as a dump tells it; where the newest of each lies.
    fn versions(
        &mut self,
        versions: &[(ProfileId, Version)],
        packing: &mut Packing,
    ) -> Result<BTreeMap<ProfileId, Location>, Error> {
        let mut pasts: BTreeMap<ProfileId, Location> = BTreeMap::new();
        for (id, told) in versions {
            let before = pasts.get(id).copied().or_else(|| self.index.newest(*id));
            let before = before.unwrap_or(Location::NONE);
            let head = Head { before, since: Some(told.since) };
            let row = version::Row { id: *id, head, became: told.became.clone() };
            pasts.insert(*id, packing.add(|names, out| version::put(&row, names, out))?);
        }
        for (id, location) in &pasts {
            self.ops.push(Op::Past { id: short(id.0)?, location: *location });
        }
        Ok(pasts)
    }

    fn claims(&mut self, claims: Vec<(Identity, Claim)>) -> Result<(), Error> {
        // Of two claims of one identity the later one wins.
        let hash =
            |(identity, claim): (Identity, Claim)| (self.hash_key.identity(&identity), claim);
        let claims: BTreeMap<Hash, Claim> = claims.into_iter().map(hash).collect();
        for (identity, claim) in claims {
            let was = self.index.is_claimed(identity);
            let is = claim != Claim::default();
            let stats = &mut self.meta.stats;
            stats.claims = stats.claims + u64::from(is) - u64::from(was);
            if is || was {
                let profiles = claim.profiles.iter().map(|id| short(id.0));
                let profiles = profiles.collect::<Result<_, _>>()?;
                self.ops.push(Op::Claim { identity, profiles, carriers: claim.carriers });
            }
        }
        Ok(())
    }
}

/// Streams by their place, those that this commit brings included.
struct Streams<'a> {
    known: &'a [StreamRef],
    new: Vec<StreamRef>,
}

impl<'a> Streams<'a> {
    fn of(index: &'a Index) -> Self {
        Self { known: index.streams(), new: Vec::new() }
    }

    fn place(&mut self, stream: &StreamRef, ops: &mut Vec<Op>) -> Result<u16, Error> {
        let known = self.known.iter().chain(&self.new).position(|known| known == stream);
        let place = known.unwrap_or(self.known.len() + self.new.len());
        if known.is_none() {
            self.new.push(stream.clone());
            ops.push(Op::Stream(stream.clone()));
        }
        u16::try_from(place)
            .map_err(|_| Error::Refused("more streams than this store has room for".to_owned()))
    }
}
