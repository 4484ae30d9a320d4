//! All facts from the beginning: what a rebuild does, and the judge of the
//! incremental step.
//!
//! The replay shares no state-keeping with [`super::World`]: it stores no
//! claims and looks at what records said instead, so that a mistake in the
//! bookkeeping of one shows against the other.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{
    Decision, EntityKind, Identity, IdentityFact, Namespace, Origin, ProfileId, Record, RecordNo,
    Rules, Stamp,
};

use super::cardinality::crowded;
use super::separations::Separations;

/// The profiles that facts make.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Partition {
    /// Each profile's records.
    pub profiles: BTreeMap<ProfileId, BTreeSet<RecordNo>>,
    /// The assertions that were refused a claim, by record and stamp; compare
    /// [`IdentityFact::contested`].
    pub contested: BTreeSet<(RecordNo, Stamp)>,
}

/// Something that happened, in the order in which it is replayed if stamps are
/// equal (a separation confirms several pairs with one stamp).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Born(RecordNo),
    Gone(RecordNo),
    Back(RecordNo),
    /// The record's identity fact of that index.
    Said(RecordNo, usize),
    Match(RecordNo, RecordNo),
}

/// Replays everything that records said and people decided, in the order of
/// the stamps. The order of `records` does not matter, nor do the profiles and
/// contested marks that they carry: these are derived anew. Objects bear on
/// nobody.
pub fn fold(records: &[Record], decisions: &[Decision], rules: &Rules) -> Partition {
    let separations = Separations::new(decisions);
    let people = records.iter().filter(|record| !record.is_object());
    let records: BTreeMap<RecordNo, &Record> = people.map(|r| (r.number, r)).collect();
    let mut events = events(&records, &separations);
    events.sort_unstable();
    let mut replay = Replay::new(&records, &separations, rules);
    for (_, event) in events {
        replay.step(event);
    }
    for number in records.keys() {
        replay.born(*number);
    }
    Partition { profiles: replay.members, contested: replay.contested }
}

fn events(records: &BTreeMap<RecordNo, &Record>, separations: &Separations) -> Vec<(Stamp, Event)> {
    let mut events = Vec::new();
    for (number, record) in records {
        events.push((record.born, Event::Born(*number)));
        for absence in &record.absences {
            events.push((absence.from, Event::Gone(*number)));
            events.push((absence.to, Event::Back(*number)));
        }
        events.extend(record.deleted.map(|stamp| (stamp, Event::Gone(*number))));
        let said = record.identities.iter().enumerate();
        events.extend(said.map(|(index, fact)| (fact.stamp, Event::Said(*number, index))));
    }
    let matches = separations.matches();
    let known = matches.filter(|(a, b, _)| records.contains_key(a) && records.contains_key(b));
    events.extend(known.map(|(a, b, stamp)| (stamp, Event::Match(a, b))));
    events
}

struct Replay<'a> {
    records: &'a BTreeMap<RecordNo, &'a Record>,
    separations: &'a Separations,
    rules: &'a Rules,
    owners: BTreeMap<RecordNo, ProfileId>,
    members: BTreeMap<ProfileId, BTreeSet<RecordNo>>,
    gone: BTreeSet<RecordNo>,
    /// What each record has said so far.
    said: BTreeMap<RecordNo, Vec<&'a IdentityFact>>,
    /// Who ever said an identity: where to look for its claims.
    speakers: BTreeMap<&'a Identity, BTreeSet<RecordNo>>,
    contested: BTreeSet<(RecordNo, Stamp)>,
}

impl<'a> Replay<'a> {
    fn new(
        records: &'a BTreeMap<RecordNo, &'a Record>,
        separations: &'a Separations,
        rules: &'a Rules,
    ) -> Self {
        Self {
            records,
            separations,
            rules,
            owners: BTreeMap::new(),
            members: BTreeMap::new(),
            gone: BTreeSet::new(),
            said: BTreeMap::new(),
            speakers: BTreeMap::new(),
            contested: BTreeSet::new(),
        }
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Born(number) => self.born(number),
            Event::Gone(number) => {
                self.gone.insert(number);
            }
            Event::Back(number) => {
                self.gone.remove(&number);
            }
            Event::Said(number, index) => {
                let record = self.records.get(&number);
                if let Some(fact) = record.and_then(|record| record.identities.get(index)) {
                    self.hear(number, fact);
                }
            }
            Event::Match(left, right) => {
                self.born(left);
                self.born(right);
                self.join(left, right);
            }
        }
    }

    fn born(&mut self, number: RecordNo) {
        let Some(record) = self.records.get(&number) else { return };
        if self.owners.contains_key(&number) {
            return;
        }
        self.owners.insert(number, number.into());
        self.members.insert(number.into(), BTreeSet::from([number]));
        if let Origin::Created { for_record } = record.origin {
            self.born(for_record);
            self.join(for_record, number);
        }
    }

    fn hear(&mut self, number: RecordNo, fact: &'a IdentityFact) {
        self.born(number);
        let Some(own) = self.owner(number) else { return };
        let (Some(identity), Some(namespace)) =
            (&fact.identity, self.rules.namespace(&fact.namespace))
        else {
            self.said.entry(number).or_default().push(fact);
            return;
        };
        let two_way = self.rules.is_two_way(&namespace.name);
        let claimed_before = two_way && self.claims(own, identity);
        self.said.entry(number).or_default().push(fact);
        self.speakers.entry(identity).or_default().insert(number);
        // First, since rivals of a value that thousands carry are thousands.
        if self.is_shared(identity, namespace.records_per_value_max) {
            self.contested.insert((number, fact.stamp));
            return;
        }
        if !namespace.trusted {
            return;
        }
        let rivals = self.rivals(own, identity);
        if two_way && fact.edited && !claimed_before && !rivals.is_empty() {
            self.contested.insert((number, fact.stamp));
            return;
        }
        for rival in rivals {
            let Some(founder) = self.members.get(&rival).and_then(|m| m.first()).copied() else {
                continue;
            };
            if !self.too_many(number, founder) {
                self.join(number, founder);
            }
        }
    }

    fn owner(&self, record: RecordNo) -> Option<ProfileId> {
        self.owners.get(&record).copied()
    }

    fn kind(&self, id: ProfileId) -> &EntityKind {
        let stream = self.records.get(&RecordNo(id.0)).map(|record| &record.at.stream);
        stream
            .and_then(|stream| self.rules.mapping(&stream.connection, &stream.stream))
            .map_or(&EntityKind::Person, |mapping| &mapping.kind)
    }

    /// The profiles, other than one's own and of the same kind, that claim an
    /// identity, lowest first.
    fn rivals(&self, own: ProfileId, identity: &Identity) -> BTreeSet<ProfileId> {
        let speakers = self.speakers.get(identity).into_iter().flatten();
        speakers
            .filter_map(|record| self.owner(*record))
            .filter(|id| *id != own && self.kind(*id) == self.kind(own))
            .filter(|id| self.claims(*id, identity))
            .collect()
    }

    /// Every fact that the records of some profiles have told in a namespace.
    fn told(&self, ids: &[ProfileId], namespace: &str) -> Vec<(RecordNo, &'a IdentityFact)> {
        let records = ids.iter().filter_map(|id| self.members.get(id)).flatten();
        records
            .flat_map(|n| self.said.get(n).into_iter().flatten().map(|fact| (*n, *fact)))
            .filter(|(_, fact)| &*fact.namespace == namespace)
            .collect()
    }

    fn claims(&self, id: ProfileId, identity: &Identity) -> bool {
        self.claimed(&[id], &identity.namespace).contains(identity)
    }

    /// What profiles claim in a namespace, taken as one.
    fn claimed(&self, ids: &[ProfileId], namespace: &str) -> BTreeSet<&'a Identity> {
        let told = self.told(ids, namespace);
        let valid = told.iter().filter(|(n, fact)| !self.contested.contains(&(*n, fact.stamp)));
        let mut claimed: BTreeSet<&Identity> =
            valid.filter_map(|(_, fact)| fact.identity.as_ref()).collect();
        if self.rules.is_two_way(namespace) {
            let mut records = ids.iter().filter_map(|id| self.members.get(id)).flatten();
            let live = records.any(|record| !self.gone.contains(record));
            let newest = told.iter().max_by_key(|(_, fact)| fact.stamp);
            let newest = newest.and_then(|(_, fact)| fact.identity.as_ref());
            claimed.retain(|identity| live && Some(*identity) == newest);
        }
        claimed
    }

    /// Whether more live records than may carry an identity now, in any of their
    /// fields.
    fn is_shared(&self, identity: &Identity, records_per_value_max: u32) -> bool {
        let max = records_per_value_max as usize;
        let speakers = self.speakers.get(identity).into_iter().flatten();
        let live = speakers.filter(|record| !self.gone.contains(record));
        live.filter(|record| {
            let said = self.said.get(record).map_or(&[][..], Vec::as_slice);
            let here = said.iter().enumerate().filter(|(_, f)| f.namespace == identity.namespace);
            here.clone().any(|(index, fact)| {
                let last = !here.clone().any(|(later, f)| later > index && f.field == fact.field);
                last && fact.identity.as_ref() == Some(identity)
            })
        })
        .nth(max)
        .is_some()
    }

    fn too_many(&self, left: RecordNo, right: RecordNo) -> bool {
        let (Some(a), Some(b)) = (self.owner(left), self.owner(right)) else { return false };
        let beyond = |namespace: &Namespace| {
            let values = self.claimed(&[a, b], &namespace.name).len();
            values > namespace.values_per_profile_max as usize
        };
        let live = |id| {
            let numbers = self.members.get(&id).into_iter().flatten();
            let living = numbers.filter(|number| !self.gone.contains(number));
            living.filter_map(|number| self.records.get(number).copied())
        };
        a != b
            && (self.rules.namespaces.iter().any(beyond) || crowded(live(a), live(b), self.rules))
    }

    fn join(&mut self, left: RecordNo, right: RecordNo) {
        let (Some(a), Some(b)) = (self.owner(left), self.owner(right)) else { return };
        let (low, high) = (a.min(b), a.max(b));
        let (Some(staying), Some(leaving)) = (self.members.get(&low), self.members.get(&high))
        else {
            return;
        };
        if low == high || self.separations.forbid(staying, leaving) {
            return;
        }
        let Some(leaving) = self.members.remove(&high) else { return };
        self.owners.extend(leaving.iter().map(|record| (*record, low)));
        self.members.entry(low).or_default().extend(leaving);
    }
}
