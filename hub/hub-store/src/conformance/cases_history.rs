//! What profiles were before, against a list of snapshots.

#![allow(missing_docs, reason = "a case is documented by its name")]

use std::collections::BTreeMap;

use hub_model::{Claim, Claimed, CommitSeq, Profile, ProfileId, RecordNo, Timestamp, Value};

use super::{MemorySubject, Random, Subject, cases_dump, finish, fixtures as f};
use crate::history::{AsOf, Became, HistoryPage, Moment, PROFILE_VERSIONS_MAX, Version};
use crate::store::{Error, Store};
use crate::write_set::WriteSet;

const COMMITS: u64 = 90;
const PEOPLE_MAX: u64 = 14;

fn second(second: u64) -> Timestamp {
    Timestamp::from_seconds(second.cast_signed())
}

/// People who arrive, change, are joined and taken apart, and what they were.
struct World {
    random: Random,
    /// Who is one person: records, lowest first.
    groups: Vec<Vec<u64>>,
    people: u64,
    seq: CommitSeq,
    instant: Option<Timestamp>,
    /// After each commit: the profile that every number stands for.
    snapshots: Vec<(Option<Timestamp>, BTreeMap<u64, Profile>)>,
    /// Every version of every number, oldest first.
    chains: BTreeMap<u64, Vec<Version>>,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            groups: Vec::new(),
            people: 0,
            seq: CommitSeq(0),
            instant: None,
            snapshots: Vec::new(),
            chains: BTreeMap::new(),
        }
    }

    /// A profile with other contents than any before.
    fn profile(&mut self, group: &[u64]) -> Profile {
        let id = group.iter().copied().min().expect("somebody");
        let mut profile = f::profile(id);
        let letters = self.random.below(300);
        let name = Value::text(format!("{} {}", self.seq, self.random.text(letters)));
        profile.traits.get_mut("name").expect("a name").value = name;
        profile.records = group.iter().map(|number| RecordNo(*number)).collect();
        let claimed = |n: &u64| Claimed { identity: f::email(*n), stamp: hub_model::Stamp(*n) };
        profile.identities = group.iter().map(claimed).collect();
        profile
    }

    fn next_set(&mut self) -> WriteSet {
        let mut set = WriteSet::default();
        for _ in 0..=self.random.below(3) {
            self.step(&mut set);
        }
        // A clock that stands still, is turned back, or is not told.
        let now = self.instant.map_or(0, Timestamp::seconds);
        let told = [now, now + 1, now + 7, now - 30];
        set.at = self.random.pick(&told).copied().map(Timestamp::from_seconds);
        if self.seq.0 < 5 || self.random.percent(10) {
            set.at = None;
        }
        // Put something that is no person: every set is a commit.
        let name = format!("seq-{}", self.seq);
        set.positions.push(f::moves(&name, None, Some(b"1")));
        set
    }

    fn step(&mut self, set: &mut WriteSet) {
        let busy = |id: u64| {
            set.profiles.iter().any(|profile| profile.id.0 == id)
                || set.aliases.iter().any(|(absorbed, _)| absorbed.0 == id)
        };
        let free: Vec<usize> = (0..self.groups.len())
            .filter(|group| !self.groups.get(*group).into_iter().flatten().any(|id| busy(*id)))
            .collect();
        let one = self.random.pick(&free).copied();
        let other = self.random.pick(&free).copied();
        match (self.random.below(10), one, other) {
            (0..=2, ..) if self.people < PEOPLE_MAX => {
                self.people += 1;
                let mut person = f::person(self.people);
                person.profiles = vec![self.profile(&[self.people])];
                self.groups.push(vec![self.people]);
                set.append(person);
            }
            (3..=4, Some(one), Some(other)) if one != other => {
                let (low, high) = (one.min(other), one.max(other));
                let mut joined = self.groups.remove(high);
                let goes = [joined.first(), self.groups.get(low).and_then(|g| g.first())];
                let goes = goes.into_iter().flatten().max().copied().expect("two");
                if let Some(group) = self.groups.get_mut(low) {
                    joined.append(group);
                    joined.sort_unstable();
                    group.clone_from(&joined);
                }
                let stays = self.profile(&joined);
                set.aliases.push((ProfileId(goes), stays.id));
                set.profiles.push(stays);
            }
            (5, Some(one), _) => {
                for number in self.groups.remove(one) {
                    set.profiles.push(self.profile(&[number]));
                    self.groups.push(vec![number]);
                }
            }
            (_, Some(one), _) => {
                let group = self.groups.get(one).cloned().expect("a group");
                if self.random.percent(20) {
                    // Of two rows of one number the later one counts.
                    set.profiles.push(self.profile(&group));
                }
                set.profiles.push(self.profile(&group));
            }
            _ => {}
        }
    }

    /// Notes what the store must tell from now on.
    fn note(&mut self, set: &WriteSet) {
        self.seq = CommitSeq(self.seq.0 + 1);
        self.instant = self.instant.max(set.at);
        let since = Moment { seq: self.seq, at: self.instant };
        let last = self.snapshots.last();
        let mut now = last.map(|(_, snapshot)| snapshot.clone()).unwrap_or_default();
        let put: BTreeMap<u64, &Profile> = set.profiles.iter().map(|p| (p.id.0, p)).collect();
        for (absorbed, by) in &set.aliases {
            let version = Version { since, became: Became::Absorbed(*by) };
            self.chains.entry(absorbed.0).or_default().push(version);
        }
        for (id, profile) in put {
            let became = Became::Profile(Box::new(profile.clone()));
            self.chains.entry(id).or_default().push(Version { since, became });
            for record in &profile.records {
                now.insert(record.0, profile.clone());
            }
        }
        self.snapshots.push((self.instant, now));
    }

    async fn commit(&mut self, subject: &dyn Subject) {
        let set = self.next_set();
        self.note(&set);
        assert_eq!(subject.store().commit(set).await, Ok(self.seq));
    }

    /// Every number as of every instant, and every list of versions.
    async fn compare(&self, what: &str, store: &dyn Store) {
        let instants = self.snapshots.iter().filter_map(|(at, _)| *at);
        let mut instants: Vec<i64> = instants.flat_map(|at| [at.0 - 1, at.0]).collect();
        instants.extend([i64::MIN, i64::MAX]);
        instants.dedup();
        for at in instants.into_iter().map(Timestamp) {
            let then = self.snapshots.iter().rev().find(|(since, _)| *since <= Some(at));
            for id in 0..=self.people + 1 {
                let wanted = then.and_then(|(_, snapshot)| snapshot.get(&id));
                let found = match store.profile_as_of(ProfileId(id), at).await.expect("as of") {
                    AsOf::Nobody => None,
                    AsOf::Profile { profile, .. } => Some(*profile),
                    AsOf::Forgotten => panic!("{what}: profile {id} as of {at} is forgotten"),
                };
                assert_eq!(found.as_ref(), wanted, "{what}: profile {id} as of {at}");
            }
        }
        for id in 0..=self.people + 1 {
            let wanted: Vec<Version> =
                self.chains.get(&id).into_iter().flatten().rev().cloned().collect();
            assert_eq!(history(store, id, 2).await, wanted, "{what}: profile {id}");
        }
    }
}

/// The whole history of a number, read page by page.
async fn history(store: &dyn Store, id: u64, limit: usize) -> Vec<Version> {
    let mut all: Vec<Version> = Vec::new();
    loop {
        let before = all.last().map(|version| version.since.seq);
        let page = store.history(ProfileId(id), before, limit).await.expect("history");
        assert!(page.versions.len() <= limit && (page.versions.len() == limit || !page.more));
        all.extend(page.versions);
        if !page.more {
            return all;
        }
    }
}

async fn histories(store: &dyn Store, people: u64) -> Vec<Vec<Version>> {
    let mut all = Vec::new();
    for id in 0..=people + 1 {
        all.push(history(store, id, usize::MAX).await);
    }
    all
}

pub async fn profiles_are_told_as_of_every_instant(subject: &mut dyn Subject) {
    for seed in [1_u64, 2] {
        subject.renew().await;
        let mut world = World::new(seed);
        for commit in 1..=COMMITS {
            world.commit(subject).await;
            match commit {
                30 => subject.reopen().await,
                50 => subject.compact().await,
                _ => {}
            }
            if commit % 30 == 0 {
                world.compare(&format!("seed {seed}, commit {commit}"), subject.store()).await;
            }
        }
        subject.compact().await;
        world.compare(&format!("seed {seed}, compacted"), subject.store()).await;
        subject.compact().await;
        subject.reopen().await;
        world.compare(&format!("seed {seed}, compacted twice"), subject.store()).await;

        // Elsewhere and back, where it goes on.
        let mut memory = MemorySubject::fresh().await;
        let sets = cases_dump::dumped(subject.store()).await;
        cases_dump::rebuilt(&sets, memory.store()).await;
        world.compare(&format!("seed {seed}, in memory"), memory.store()).await;
        let sets = cases_dump::dumped(memory.store()).await;
        finish(&mut *memory).await;
        subject.renew().await;
        cases_dump::rebuilt(&sets, subject.store()).await;
        world.seq = CommitSeq(subject.store().stats().await.expect("stats").seq);
        for _ in 0..20 {
            world.commit(subject).await;
        }
        subject.compact().await;
        world.compare(&format!("seed {seed}, back"), subject.store()).await;
    }
}

/// Whatever is not told any more, a store that was compacted, opened again or
/// rebuilt from a dump tells the same.
pub async fn what_is_not_told_is_told_nowhere(subject: &mut dyn Subject) {
    for seed in [3_u64, 4] {
        subject.renew().await;
        let mut world = World::new(seed);
        for _ in 0..COMMITS {
            world.commit(subject).await;
        }
        // Somebody leaves, wherever he was counted in.
        let group = world.groups.remove(0);
        let mut leaves = WriteSet::default();
        for number in &group {
            leaves.erased.push((RecordNo(*number), f::at(&format!("k{number}"))));
            leaves.erased_profiles.push(ProfileId(*number));
            leaves.claims.push((f::email(*number), Claim::default()));
        }
        leaves.positions.push(f::moves("left", None, Some(b"1")));
        subject.store().commit(leaves).await.expect("commit");
        // Of somebody else nothing may be told before now.
        let silent = world.groups.first().and_then(|group| group.last()).copied().expect("one");
        let forgets = WriteSet { forgotten: vec![(RecordNo(silent), None)], ..WriteSet::default() };
        let since = subject.store().commit(forgets).await.expect("commit");
        world.seq = since;
        for _ in 0..10 {
            world.commit(subject).await;
        }
        let from = world.instant.map(|at| at.plus_seconds(-60));
        let moved = WriteSet { history_from: from, ..WriteSet::default() };
        subject.store().commit(moved).await.expect("commit");

        let told = histories(subject.store(), world.people).await;
        let mut hollow = 0;
        for version in told.iter().flat_map(|versions| versions.iter().skip(1)) {
            match &version.became {
                Became::Profile(profile) => {
                    let named = |number: &u64| profile.records.contains(&RecordNo(*number));
                    assert!(!group.iter().any(named), "seed {seed}: {version:?}");
                    let too_old = named(&silent) && version.since.seq < since;
                    assert!(!too_old, "seed {seed}: {version:?}");
                }
                Became::Absorbed(_) => {}
                Became::Forgotten => hollow += 1,
            }
        }
        assert!(hollow > 2, "seed {seed}: {hollow}");
        for number in &group {
            assert!(told.get(usize::try_from(*number).expect("few")).is_some_and(Vec::is_empty));
        }
        let same = async |what: &str, store: &dyn Store| {
            let found = histories(store, world.people).await;
            assert_eq!(found, told, "seed {seed}, {what}");
        };
        subject.reopen().await;
        same("opened again", subject.store()).await;
        subject.compact().await;
        same("compacted", subject.store()).await;
        subject.compact().await;
        subject.reopen().await;
        same("compacted twice", subject.store()).await;
        let mut memory = MemorySubject::fresh().await;
        cases_dump::rebuilt(&cases_dump::dumped(subject.store()).await, memory.store()).await;
        same("in memory", memory.store()).await;
        let sets = cases_dump::dumped(memory.store()).await;
        finish(&mut *memory).await;
        subject.renew().await;
        cases_dump::rebuilt(&sets, subject.store()).await;
        same("back", subject.store()).await;
        subject.compact().await;
        same("back and compacted", subject.store()).await;
    }
}

/// One person, changed once a second.
async fn changed(store: &dyn Store, seconds: std::ops::Range<u64>) {
    for now in seconds {
        let mut set = f::person(1);
        set.profiles[0].traits.get_mut("name").expect("a name").value =
            Value::from(now.cast_signed());
        set.at = Some(second(now));
        store.commit(set).await.expect("commit");
    }
}

pub async fn the_horizon_of_history_moves_and_never_goes_back(subject: &mut dyn Subject) {
    changed(subject.store(), 0..10).await;
    let horizon = |at| WriteSet { history_from: Some(at), ..WriteSet::default() };
    // (the horizon, the second of the oldest version that is told)
    for (from, oldest) in [(0, 0), (5, 4), (3, 4), (6, 5), (1_000, 9)] {
        subject.store().commit(horizon(second(from))).await.expect("commit");
        for moment in ["before compaction", "after"] {
            let told = history(subject.store(), 1, 3).await;
            let whole = told.iter().filter(|version| version.became != Became::Forgotten).count();
            assert_eq!(whole as u64, 10 - oldest, "{from} {moment}");
            assert_eq!(told.len() as u64, 10 - oldest + u64::from(oldest > 0), "{from} {moment}");
            for at in 0..10 {
                let found = subject.store().profile_as_of(ProfileId(1), second(at)).await;
                let is_there = matches!(found, Ok(AsOf::Profile { .. }));
                assert_eq!(is_there, at >= oldest, "{from} {moment}: as of {at}");
                assert_eq!(found == Ok(AsOf::Forgotten), at < oldest, "{from} {moment}: {at}");
            }
            subject.compact().await;
        }
    }
}

pub async fn versions_of_one_profile_are_limited(subject: &mut dyn Subject) {
    let most = PROFILE_VERSIONS_MAX as u64;
    changed(subject.store(), 0..most + 5).await;
    for _ in 0..2 {
        let told = history(subject.store(), 1, 300).await;
        assert_eq!(told.len() as u64, most + 1);
        assert_eq!(told.last().map(|version| &version.became), Some(&Became::Forgotten));
        let of = async |at| subject.store().profile_as_of(ProfileId(1), second(at)).await;
        assert_eq!(of(4).await, Ok(AsOf::Forgotten));
        assert!(matches!(of(5).await, Ok(AsOf::Profile { .. })));
        subject.compact().await;
    }
}

pub async fn who_was_merged_is_told_as_he_was(subject: &mut dyn Subject) {
    let store = subject.store();
    let at = |seconds, set: WriteSet| WriteSet { at: Some(second(seconds)), ..set };
    store.commit(at(10, f::people(2))).await.expect("commit");
    store.commit(at(20, f::merge(2, 1))).await.expect("commit");
    let apart = WriteSet { profiles: vec![f::profile(1), f::profile(2)], ..WriteSet::default() };
    store.commit(at(30, apart)).await.expect("commit");
    subject.compact().await;
    subject.reopen().await;
    let store = subject.store();
    let joined = f::merge(2, 1).profiles.remove(0);
    let (one, two) = (f::profile(1), f::profile(2));
    // (whom, when, how he stood, since when)
    let table = [
        (1, 9, None),
        (2, 9, None),
        (1, 10, Some((&one, 1))),
        (2, 19, Some((&two, 1))),
        (1, 20, Some((&joined, 2))),
        (2, 29, Some((&joined, 2))),
        (1, 30, Some((&one, 3))),
        (2, 99, Some((&two, 3))),
        (3, 99, None),
    ];
    for (id, when, wanted) in table {
        let found = store.profile_as_of(ProfileId(id), second(when)).await.expect("as of");
        let wanted = wanted.map_or(AsOf::Nobody, |(profile, seq)| AsOf::Profile {
            since: Moment { seq: CommitSeq(seq), at: Some(second(seq * 10)) },
            profile: Box::new(profile.clone()),
        });
        assert_eq!(found, wanted, "profile {id} at second {when}");
    }
    let told = |page: HistoryPage| {
        let short = |version: Version| match version.became {
            Became::Profile(profile) => (version.since.seq.0, profile.records.len()),
            Became::Absorbed(by) => (version.since.seq.0, 100 + usize::try_from(by.0).unwrap_or(0)),
            Became::Forgotten => (version.since.seq.0, 0),
        };
        page.versions.into_iter().map(short).collect::<Vec<_>>()
    };
    let one = store.history(ProfileId(1), None, 9).await.expect("history");
    assert_eq!(told(one), [(3, 1), (2, 2), (1, 1)]);
    let two = store.history(ProfileId(2), None, 9).await.expect("history");
    assert_eq!(told(two), [(3, 1), (2, 101), (1, 1)]);
}

pub async fn history_comes_in_order_or_is_refused(subject: &mut dyn Subject) {
    let store = subject.store();
    store.commit(f::people(2)).await.expect("commit");
    store.commit(f::merge(2, 1)).await.expect("commit");
    let version = |seq| Version {
        since: Moment { seq: CommitSeq(seq), at: None },
        became: Became::Forgotten,
    };
    let past = |id, seqs: &[u64]| WriteSet {
        versions: seqs.iter().map(|seq| (ProfileId(id), version(*seq))).collect(),
        ..WriteSet::default()
    };
    let since = |id, seq| WriteSet {
        counters: f::counters(3),
        since: vec![(ProfileId(id), Moment { seq: CommitSeq(seq), at: None })],
        ..f::person(3)
    };
    let refused = [
        past(1, &[1]),
        past(2, &[1]),
        past(3, &[3]),
        past(3, &[2, 1]),
        past(3, &[1, 1]),
        since(2, 1),
        since(3, 3),
        WriteSet { forgotten: vec![(RecordNo(1), Some(CommitSeq(3)))], ..WriteSet::default() },
    ];
    for (place, set) in refused.into_iter().enumerate() {
        let answer = store.commit(set).await;
        assert!(matches!(answer, Err(Error::Refused(_))), "{place}: {answer:?}");
    }
    assert_eq!(store.commit(past(3, &[0, 1])).await, Ok(CommitSeq(3)));
    assert!(matches!(store.commit(since(3, 1)).await, Err(Error::Refused(_))));
    assert_eq!(store.commit(since(3, 2)).await, Ok(CommitSeq(4)));
    let told = history(store, 3, 9).await;
    assert_eq!(told.iter().map(|version| version.since.seq.0).collect::<Vec<_>>(), [2, 1, 0]);
    // By itself the instant is nothing to write.
    let only = WriteSet { at: Some(second(9)), ..WriteSet::default() };
    assert_eq!(store.commit(only).await, Ok(CommitSeq(4)));
}
