//! Deliveries, quarantine, reviews, runs, the inbox, tokens, counts; and all of
//! it at random.

#![allow(missing_docs, reason = "a case is documented by its name")]

use hub_model::{Pending, ProfileId, Quarantined, RunStatus, SyncId, Timestamp};

use super::model::Model;
use super::workload::Workload;
use super::{Subject, differences, fixtures as f};
use crate::rules::{QUARANTINED_KEYLESS_ROWS_MAX, RUNS_KEPT_MAX};
use crate::store::Review;
use crate::write_set::WriteSet;

/// Seeds and commits of the random case; the crash tests run longer ones.
const RANDOM_SEEDS: u64 = 4;
const RANDOM_COMMITS: u64 = 60;

pub async fn pending_waits_until_due(subject: &mut dyn Subject) {
    let store = subject.store();
    let all = [
        f::pending("out", 300, Some(7), 10),
        f::pending("out", 2, None, 20),
        f::pending("out", 2, Some(5), -5),
        f::pending("ou", 1, None, 0),
        f::pending("out2", 1, None, 0),
    ];
    let set = WriteSet { pending: all.to_vec(), ..WriteSet::default() };
    store.commit(set).await.expect("commit");
    let [a, b, c, ..] = all;
    let table: [(i64, usize, Vec<&Pending>); 6] = [
        (-6, 9, vec![]),
        (-5, 9, vec![&c]),
        (10, 9, vec![&c, &a]),
        (99, 9, vec![&b, &c, &a]),
        (99, 2, vec![&b, &c]),
        (99, 0, vec![]),
    ];
    let out = SyncId::new("out");
    for (due, limit, wanted) in table {
        let found = store.pending(&out, Timestamp::from_seconds(due), limit).await.expect("read");
        assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "due {due}, limit {limit}");
    }
    // Put again: later, and no longer due before.
    let mut later = c.clone();
    later.due = Timestamp::from_seconds(50);
    later.tries = 2;
    let set = WriteSet {
        settled: vec![a.key.clone(), a.key.clone(), c.key.clone()],
        pending: vec![later.clone()],
        ..WriteSet::default()
    };
    store.commit(set).await.expect("commit");
    let found = store.pending(&out, Timestamp::from_seconds(40), 9).await;
    assert_eq!(found, Ok(vec![b.clone()]));
    let found = store.pending(&out, Timestamp(i64::MAX), 9).await;
    assert_eq!(found, Ok(vec![b, later]));
    assert_eq!(store.stats().await.expect("stats").pending, 4);
}

pub async fn pending_follows_merged_profiles(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut set = f::people(4);
    set.pending = vec![
        f::pending("out", 2, None, 1),
        f::pending("out", 1, Some(9), i64::MAX / 2_000_000),
        f::pending("out", 3, None, 1),
        f::pending("in", 2, None, 1),
    ];
    let [absorbed, own, other, _] = [0, 1, 2, 3].map(|place: usize| set.pending[place].clone());
    store.commit(set).await.expect("commit");
    let out = SyncId::new("out");
    assert_eq!(store.pending_of(&out, &[ProfileId(1)]).await, Ok(vec![own.clone()]));
    store.commit(f::merge(2, 1)).await.expect("commit");
    let both = vec![own, absorbed];
    assert_eq!(store.pending_of(&out, &[ProfileId(1)]).await, Ok(both.clone()));
    assert_eq!(store.pending_of(&out, &[ProfileId(2)]).await, Ok(both));
    assert_eq!(store.pending_of(&out, &[ProfileId(3)]).await, Ok(vec![other]));
    assert_eq!(store.pending_of(&out, &[ProfileId(4)]).await, Ok(vec![]));
    let several = [ProfileId(3), ProfileId(1), ProfileId(2)];
    let found = store.pending_of(&out, &several).await.expect("pending");
    assert_eq!(found.iter().map(|p| p.key.profile.0).collect::<Vec<_>>(), [1, 2, 3]);
}

/// Everything in quarantine, in a fixed order, read in pages.
async fn quarantine_of(subject: &dyn Subject) -> Vec<Quarantined> {
    let mut all = Vec::new();
    loop {
        let page = subject.store().quarantined(all.len(), 400).await.expect("quarantine");
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    all.sort_by_key(|row| (row.key.clone(), row.fault.args.clone()));
    all
}

pub async fn quarantine_replaces_and_releases(subject: &mut dyn Subject) {
    let store = subject.store();
    let rows = [Some("a"), Some("b"), None, None, Some("")];
    let set = WriteSet {
        quarantined: rows.iter().map(|key| f::rejected(*key, "1")).collect(),
        ..WriteSet::default()
    };
    store.commit(set).await.expect("commit");
    let set = WriteSet {
        released: ["b", "x", "a"].map(|key| (f::stream(), key.into())).to_vec(),
        quarantined: vec![f::rejected(Some("a"), "2"), f::rejected(Some("c"), "1")],
        ..WriteSet::default()
    };
    store.commit(set).await.expect("commit");
    subject.reopen().await;
    let wanted = [(None, "1"), (None, "1"), (Some(""), "1"), (Some("a"), "2"), (Some("c"), "1")];
    let wanted: Vec<_> = wanted.iter().map(|(key, note)| f::rejected(*key, note)).collect();
    assert_eq!(quarantine_of(subject).await, wanted);
    assert_eq!(subject.store().stats().await.expect("stats").quarantined, 5);
}

pub async fn quarantine_without_keys_is_bounded(subject: &mut dyn Subject) {
    let total = QUARANTINED_KEYLESS_ROWS_MAX + 150;
    for start in (0..total).step_by(200) {
        let rows = (start..total.min(start + 200)).map(|n| f::rejected(None, &format!("{n:05}")));
        let set = WriteSet { quarantined: rows.collect(), ..WriteSet::default() };
        subject.store().commit(set).await.expect("commit");
    }
    subject.reopen().await;
    let mut other = f::rejected(None, "other");
    other.stream.stream = "others".into();
    let set = WriteSet { quarantined: vec![other.clone()], ..WriteSet::default() };
    subject.store().commit(set).await.expect("commit");
    let mut found = quarantine_of(subject).await;
    assert_eq!(found.pop(), Some(other));
    let wanted: Vec<_> = (150..total).map(|n| f::rejected(None, &format!("{n:05}"))).collect();
    assert_eq!(found, wanted);
}

pub async fn reviews_are_unique(subject: &mut dyn Subject) {
    let store = subject.store();
    let review = |left, reason: &str| Review {
        identity: f::email(1),
        left: ProfileId(left),
        right: ProfileId(9),
        reason: reason.to_owned(),
    };
    let rows = [review(1, "cardinality"), review(2, "cardinality"), review(1, "shared-value")];
    for _ in 0..2 {
        let mut twice = rows.to_vec();
        twice.extend(rows.clone());
        store.commit(WriteSet { reviews: twice, ..WriteSet::default() }).await.expect("commit");
    }
    let mut found = store.reviews(99).await.expect("reviews");
    let mut wanted = rows.to_vec();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(store.reviews(2).await.map(|found| found.len()), Ok(2));
}

pub async fn runs_are_newest_first_and_bounded(subject: &mut dyn Subject) {
    let total = RUNS_KEPT_MAX as u64 + 30;
    for start in (0..total).step_by(200) {
        let mut runs: Vec<_> =
            (start..total.min(start + 200)).map(|number| f::run("a", number)).collect();
        runs.push(f::run("b", start));
        runs.push(f::run("ab", start));
        subject.store().commit(WriteSet { runs, ..WriteSet::default() }).await.expect("commit");
    }
    let mut ended = f::run("a", total - 1);
    ended.status = RunStatus::WithRejects;
    let set = WriteSet { runs: vec![ended.clone(), f::run("a", 3)], ..WriteSet::default() };
    subject.store().commit(set).await.expect("commit");
    subject.reopen().await;
    let store = subject.store();
    let found = store.runs(Some(&"a".into()), usize::MAX).await.expect("runs");
    assert_eq!(found.len(), RUNS_KEPT_MAX);
    assert_eq!(found.first(), Some(&ended));
    assert_eq!(found.last(), Some(&f::run("a", 30)));
    assert!(found.is_sorted_by(|newer, older| newer.id > older.id));
    let found = store.runs(Some(&"b".into()), 2).await;
    assert_eq!(found, Ok(vec![f::run("b", 1_000), f::run("b", 800)]));
    let found = store.runs(None, 3).await.expect("runs");
    assert_eq!(found, vec![ended.clone(), f::run("a", total - 2), f::run("a", total - 3)]);
    assert_eq!(store.run(&ended.id).await, Ok(Some(ended)));
    assert_eq!(store.run(&f::run("a", 29).id).await, Ok(None));
    assert_eq!(store.runs(Some(&"c".into()), 9).await, Ok(vec![]));
}

pub async fn the_inbox_keeps_order_and_forgets_what_is_done(subject: &mut dyn Subject) {
    let body = |number: u64| format!("body {number}").into_bytes();
    let large = vec![b'\n'; 1024 * 1024];
    for bodies in [vec![body(1), body(2)], vec![large.clone()], vec![body(4), vec![]]] {
        let set = WriteSet { inbox: bodies, ..WriteSet::default() };
        subject.store().commit(set).await.expect("commit");
    }
    subject.reopen().await;
    let wanted = [body(1), body(2), large, body(4), vec![]];
    for (after, limit) in [(0, 9), (0, 2), (1, 3), (2, 1), (5, 9), (9, 9), (0, 0)] {
        let found = subject.store().inbox(after, limit).await.expect("inbox");
        let found: Vec<_> = found.into_iter().map(|entry| (entry.seq, entry.body)).collect();
        let all = (1_u64..).zip(wanted.iter().cloned());
        let expected: Vec<_> = all.filter(|(seq, _)| *seq > after).take(limit).collect();
        assert!(found == expected, "after {after}, limit {limit}: {} bodies", found.len());
    }
    let done = |from: Option<&[u8]>, to: &[u8]| WriteSet {
        positions: vec![f::moves("inbox", from, Some(to))],
        ..WriteSet::default()
    };
    let store = subject.store();
    store.commit(done(None, b"3")).await.expect("commit");
    let found = store.inbox(0, 9).await.expect("inbox");
    assert_eq!(found.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [4, 5]);
    store.commit(done(Some(b"3"), b"not a number")).await.expect("commit");
    store.commit(done(Some(b"not a number"), b"5")).await.expect("commit");
    assert_eq!(store.inbox(0, 9).await, Ok(vec![]));
    subject.reopen().await;
    let store = subject.store();
    let set = WriteSet { inbox: vec![body(6)], ..WriteSet::default() };
    store.commit(set).await.expect("commit");
    let found = store.inbox(0, 9).await.expect("inbox");
    assert_eq!(found.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [6]);
}

pub async fn tokens_are_kept_and_forgotten(subject: &mut dyn Subject) {
    let put = |connection: &str, name: &str, sealed: Option<&[u8]>| WriteSet {
        tokens: vec![(connection.to_owned(), name.to_owned(), sealed.map(<[u8]>::to_vec))],
        ..WriteSet::default()
    };
    let store = subject.store();
    for set in [put("a", "bc", Some(b"1")), put("ab", "c", Some(b"2")), put("a", "bc", Some(b""))] {
        store.commit(set).await.expect("commit");
    }
    assert_eq!(store.token("a", "bc").await, Ok(Some(vec![])));
    assert_eq!(store.token("ab", "c").await, Ok(Some(b"2".to_vec())));
    store.commit(put("a", "bc", None)).await.expect("commit");
    store.commit(put("a", "x", None)).await.expect("commit");
    assert_eq!(store.token("a", "bc").await, Ok(None));
    assert_eq!(store.token("a", "c").await, Ok(None));
    assert_eq!(store.token("ab", "c").await, Ok(Some(b"2".to_vec())));
}

pub async fn counts_are_right(subject: &mut dyn Subject) {
    let mut first = f::people(5);
    first.pending = vec![f::pending("out", 1, None, 1), f::pending("out", 2, None, 1)];
    first.quarantined = vec![f::rejected(None, "1"), f::rejected(Some("q"), "1")];
    first.runs = vec![f::run("a", 1), f::run("a", 2)];
    first.events = vec![f::event(1, &[1]), f::event(2, &[1, 2]), f::event(3, &[])];
    first.written = vec![f::written("a", 1, 1), f::written("a", 1, 2)];
    subject.store().commit(first.clone()).await.expect("commit");
    // Once more the same rows: counted once.
    first.changes.clear();
    first.quarantined.remove(0);
    first.written.clear();
    subject.store().commit(first).await.expect("commit");
    let mut second = f::merge(5, 4);
    second.settled = vec![f::pending("out", 1, None, 1).key];
    second.released = vec![(f::stream(), "q".into())];
    second.events_gone = vec![f::event(2, &[]).at, f::event(9, &[]).at];
    subject.store().commit(second).await.expect("commit");
    let found = subject.store().stats().await.expect("stats");
    let wanted = crate::store::Stats {
        seq: 3,
        records: 5,
        profiles: 4,
        aliases: 1,
        claims: 5,
        relations: 0,
        pending: 1,
        quarantined: 1,
        runs: 2,
        events: 2,
        memberships: 0,
        written: 2,
        disk_bytes: found.disk_bytes,
    };
    assert_eq!(found, wanted);
}

pub async fn random_sets_match_the_model(subject: &mut dyn Subject) {
    // A store that was written to stands in for a fresh one: the workload is
    // told what is there, so that one subject serves every seed.
    let mut model = Model::default();
    for seed in 1..=RANDOM_SEEDS {
        let mut workload = Workload::new(seed, model);
        for commit in 1..=RANDOM_COMMITS {
            let set = workload.next_set();
            let answer = subject.store().commit(set).await;
            assert_eq!(answer, Ok(workload.model().seq), "seed {seed}, commit {commit}");
            if commit % 20 == 0 {
                let found = differences(subject.store(), workload.model()).await;
                assert!(found.is_empty(), "seed {seed}, commit {commit}: {found:#?}");
            }
        }
        subject.reopen().await;
        let found = differences(subject.store(), workload.model()).await;
        assert!(found.is_empty(), "seed {seed}, reopened: {found:#?}");
        model = workload.into_model();
    }
}
