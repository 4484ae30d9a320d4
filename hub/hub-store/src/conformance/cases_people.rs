//! Profiles, aliases, claims, the log, scans.

#![allow(missing_docs, reason = "a case is documented by its name")]

use hub_model::{
    Change, ChangeKind, Claim, CommitSeq, Profile, ProfileId, Record, RecordNo, RemoteKey,
    StreamRef,
};

use super::{Subject, WORKSPACE, fixtures as f};
use crate::store::{Error, Known, Review};
use crate::write_set::WriteSet;

pub async fn aliases_are_followed(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut first = f::people(4);
    first.claims.push((hub_model::Identity::new("phone", "1"), f::claim(&[4, 3, 2])));
    store.commit(first).await.expect("commit");
    store.commit(f::merge(4, 3)).await.expect("commit");
    let mut second = f::merge(3, 1);
    let joined = second.profiles.first_mut().expect("the survivor");
    joined.records = vec![RecordNo(1), RecordNo(3), RecordNo(4)];
    let joined = joined.clone();
    store.commit(second).await.expect("commit");
    subject.reopen().await;
    let store = subject.store();
    let asked = [4, 2, 3, 1, 9].map(ProfileId);
    let survivor = Some(joined.clone());
    let wanted =
        vec![survivor.clone(), Some(f::profile(2)), survivor.clone(), survivor.clone(), None];
    assert_eq!(store.profiles(&asked).await, Ok(wanted));
    let phone = hub_model::Identity::new("phone", "1");
    let wanted = Claim { profiles: vec![ProfileId(1), ProfileId(2)], carriers: 3 };
    assert_eq!(store.claims(&[phone, f::email(4)]).await, Ok(vec![wanted, f::claim(&[1])]));
    assert_eq!(store.scan_profiles(None, 9).await, Ok(vec![joined, f::profile(2)]));
    let stats = store.stats().await.expect("stats");
    assert_eq!((stats.profiles, stats.aliases), (2, 2));
}

pub async fn a_separation_lifts_an_alias(subject: &mut dyn Subject) {
    let store = subject.store();
    store.commit(f::people(2)).await.expect("commit");
    store.commit(f::merge(2, 1)).await.expect("commit");
    let apart = WriteSet {
        profiles: vec![f::profile(1), f::profile(2)],
        changes: vec![f::change(2, ChangeKind::Separated)],
        ..WriteSet::default()
    };
    store.commit(apart).await.expect("commit");
    let wanted = vec![Some(f::profile(2)), Some(f::profile(1))];
    assert_eq!(store.profiles(&[ProfileId(2), ProfileId(1)]).await, Ok(wanted));
    let stats = store.stats().await.expect("stats");
    assert_eq!((stats.profiles, stats.aliases), (2, 0));
    store.commit(f::merge(2, 1)).await.expect("and joined once more");
    let stats = store.stats().await.expect("stats");
    assert_eq!((stats.profiles, stats.aliases), (1, 1));
}

pub async fn claims_come_and_go(subject: &mut dyn Subject) {
    let store = subject.store();
    store.commit(f::people(2)).await.expect("commit");
    let other = hub_model::Identity::new("emai", "lp1@example.org");
    let shared = Claim { profiles: vec![], carriers: 900 };
    // (what is put, how many rows there are then, what is read)
    let steps = [
        (f::claim(&[2, 1]), 3, f::claim(&[1, 2])),
        (shared.clone(), 3, shared),
        (
            Claim { profiles: vec![ProfileId(2)], carriers: 0 },
            3,
            Claim { profiles: vec![ProfileId(2)], carriers: 0 },
        ),
        (Claim::default(), 2, Claim::default()),
        (Claim::default(), 2, Claim::default()),
        (f::claim(&[1]), 3, f::claim(&[1])),
    ];
    for (step, (put, rows, read)) in steps.into_iter().enumerate() {
        let set = WriteSet { claims: vec![(other.clone(), put)], ..WriteSet::default() };
        store.commit(set).await.expect("commit");
        let found = store.claims(&[other.clone(), f::email(1)]).await;
        assert_eq!(found, Ok(vec![read, f::claim(&[1])]), "step {step}");
        assert_eq!(store.stats().await.expect("stats").claims, rows, "step {step}");
    }
}

pub async fn the_log_gives_whole_commits(subject: &mut dyn Subject) {
    // Commits with 2, 0, 3, 1, 0 and 0 changes.
    subject.store().commit(f::people(9)).await.expect("commit");
    for sizes in [2_u64, 0, 3, 1, 0, 0] {
        let kinds = [ChangeKind::Updated, ChangeKind::Merged, ChangeKind::Separated];
        let changes: Vec<Change> = kinds
            .into_iter()
            .zip(1..=sizes)
            .map(|(kind, profile)| f::change(profile, kind))
            .collect();
        let tokens = vec![("crm".to_owned(), "t".to_owned(), Some(vec![1]))];
        let set = WriteSet { changes, tokens, ..WriteSet::default() };
        subject.store().commit(set).await.expect("commit");
    }
    subject.reopen().await;
    let store = subject.store();
    // (after, limit, commits of the entries, next): seq 1 has 9 entries.
    let table: [(u64, usize, &[u64], u64); 12] = [
        (1, 100, &[2, 2, 4, 4, 4, 5], 7),
        (1, 0, &[2, 2], 3),
        (1, 1, &[2, 2], 3),
        (1, 2, &[2, 2], 3),
        (1, 4, &[2, 2], 3),
        (1, 5, &[2, 2, 4, 4, 4], 4),
        (1, 6, &[2, 2, 4, 4, 4, 5], 7),
        (2, 1, &[4, 4, 4], 4),
        (4, 1, &[5], 7),
        (5, 1, &[], 7),
        (7, 1, &[], 7),
        (u64::MAX, 1, &[], 7),
    ];
    for (after, limit, seqs, next) in table {
        let page = store.log(CommitSeq(after), limit).await.expect("log");
        let found: Vec<u64> = page.changes.iter().map(|change| change.seq.0).collect();
        assert_eq!(found, seqs, "after {after}, limit {limit}");
        assert_eq!((page.next.0, page.head.0), (next, 7), "after {after}, limit {limit}");
    }
    let page = store.log(CommitSeq(2), 9).await.expect("log");
    let kinds: Vec<_> = page.changes.iter().map(|change| change.kind).collect();
    let wanted =
        [ChangeKind::Updated, ChangeKind::Merged, ChangeKind::Separated, ChangeKind::Updated];
    assert_eq!(kinds, wanted);
}

pub async fn conflicts_are_listed(subject: &mut dyn Subject) {
    subject.store().commit(f::people(5)).await.expect("commit");
    let with = |number: u64, open: bool| {
        let conflicts = open.then(|| f::conflict(number)).into_iter().collect();
        Profile { conflicts, ..f::profile(number) }
    };
    let put = |profiles: Vec<Profile>| WriteSet { profiles, ..WriteSet::default() };
    let mut merged = f::merge(4, 2);
    merged.profiles[0].conflicts = vec![f::conflict(4), f::conflict(2)];
    let erased = WriteSet {
        erased: vec![(RecordNo(5), f::at("k5"))],
        erased_profiles: vec![ProfileId(5)],
        claims: vec![(f::email(5), Claim::default())],
        ..WriteSet::default()
    };
    // (what is committed, who has a conflict then)
    let steps: [(WriteSet, &[u64]); 7] = [
        (put(vec![]), &[]),
        (put(vec![with(5, true), with(4, true), with(1, true)]), &[1, 4, 5]),
        (put(vec![with(1, true), with(3, false)]), &[1, 4, 5]),
        (put(vec![with(1, false), with(1, true), with(1, false)]), &[4, 5]),
        (merged, &[2, 5]),
        (erased, &[2]),
        (put(vec![with(2, false), with(4, true)]), &[4]),
    ];
    for (step, (set, wanted)) in steps.into_iter().enumerate() {
        subject.store().commit(set).await.expect("commit");
        subject.reopen().await;
        let store = subject.store();
        let ids = |found: Vec<Profile>| found.iter().map(|p| p.id.0).collect::<Vec<_>>();
        let found = store.conflicted(None, 9).await.map(ids);
        assert_eq!(found, Ok(wanted.to_vec()), "step {step}");
        for (place, id) in wanted.iter().enumerate() {
            let rest = store.conflicted(Some(ProfileId(*id)), 1).await.map(ids);
            let next = wanted.get(place + 1).copied().into_iter().collect();
            assert_eq!(rest, Ok(next), "step {step}, after {id}");
        }
        assert_eq!(store.verify().await, Ok(vec![]), "step {step}");
    }
}

pub async fn profiles_are_scanned_in_order(subject: &mut dyn Subject) {
    let store = subject.store();
    for number in [300_u64, 2, 256, 70_000] {
        let mut set = f::person(number);
        set.counters = f::counters(70_000);
        store.commit(set).await.expect("commit");
    }
    let ids = |found: Vec<Profile>| found.iter().map(|p| p.id.0).collect::<Vec<_>>();
    let table: [(Option<u64>, usize, &[u64]); 6] = [
        (None, 9, &[2, 256, 300, 70_000]),
        (None, 2, &[2, 256]),
        (Some(2), 1, &[256]),
        (Some(255), 9, &[256, 300, 70_000]),
        (Some(70_000), 9, &[]),
        (None, 0, &[]),
    ];
    for (after, limit, wanted) in table {
        let found = store.scan_profiles(after.map(ProfileId), limit).await.expect("scan");
        assert_eq!(ids(found), wanted, "after {after:?}, limit {limit}");
        let found = store.profile_ids(after.map(ProfileId), limit).await.expect("ids");
        assert_eq!(found.iter().map(|id| id.0).collect::<Vec<_>>(), wanted, "ids after {after:?}");
    }
}

pub async fn records_are_scanned_per_stream_in_order_of_number(subject: &mut dyn Subject) {
    let streams = [("crm", "contacts"), ("crm", "contact"), ("crmc", "ontacts"), ("a", "z")];
    let keys = ["b", "a", "", "a\u{0}", "aa", "é", "Z", "10", "9"];
    let mut number = 0;
    for (connection, stream) in streams {
        let mut set = WriteSet::default();
        for key in keys {
            number += 1;
            let mut one = f::person(number);
            one.records[0].at.stream = StreamRef::new(WORKSPACE, connection, stream);
            one.records[0].at.key = RemoteKey::new(key);
            set.counters = one.counters;
            set.records.append(&mut one.records);
            set.profiles.append(&mut one.profiles);
            set.claims.append(&mut one.claims);
        }
        subject.store().commit(set).await.expect("commit");
    }
    subject.reopen().await;
    let store = subject.store();
    let names = |found: &[Record]| {
        found.iter().map(|record| record.at.key.as_str().to_owned()).collect::<Vec<_>>()
    };
    for (connection, stream) in streams {
        let stream = StreamRef::new(WORKSPACE, connection, stream);
        let found = store.scan_records(&stream, None, 99).await.expect("scan");
        assert_eq!(names(&found), keys, "{stream}");
        assert!(found.iter().all(|record| record.at.stream == stream), "{stream}");
        let mut after: Option<RecordNo> = None;
        let mut paged = Vec::new();
        loop {
            let page = store.scan_records(&stream, after, 2).await.expect("scan");
            let Some(last) = page.last() else { break };
            assert!(page.len() <= 2);
            after = Some(last.number);
            paged.extend(page);
        }
        assert_eq!(names(&paged), keys, "{stream} in pages");
    }
    let none = StreamRef::new(WORKSPACE, "crm", "nothing");
    assert_eq!(store.scan_records(&none, None, 9).await, Ok(vec![]));
}

pub async fn a_mark_goes_with_the_next_change_of_its_record(subject: &mut dyn Subject) {
    let mut set = f::people(3);
    set.marks = vec![(RecordNo(1), 7), (RecordNo(2), u64::MAX)];
    subject.store().commit(set).await.expect("commit");
    let refs = [f::at("k1"), f::at("k2"), f::at("k3"), f::at("nobody")];
    let known = |number, mark| Some(Known { number: RecordNo(number), mark });
    subject.reopen().await;
    let found = subject.store().known(&refs).await;
    assert_eq!(found, Ok(vec![known(1, 7), known(2, u64::MAX), known(3, 0), None]));
    let mut set = WriteSet { records: vec![f::record(1)], ..WriteSet::default() };
    set.marks = vec![(RecordNo(3), 9)];
    subject.store().commit(set).await.expect("commit");
    subject.reopen().await;
    let found = subject.store().known(&refs).await;
    assert_eq!(found, Ok(vec![known(1, 0), known(2, u64::MAX), known(3, 9), None]));
    let records = subject.store().records(&[RecordNo(3)]).await;
    assert_eq!(records, Ok(vec![Some(f::record(3))]), "a mark changes nothing else");
    let set = WriteSet { marks: vec![(RecordNo(4), 1)], ..WriteSet::default() };
    assert!(matches!(subject.store().commit(set).await, Err(Error::Refused(_))));
}

pub async fn what_is_erased_is_gone_and_its_number_with_it(subject: &mut dyn Subject) {
    let store = subject.store();
    let review = Review {
        identity: f::email(2),
        left: ProfileId(2),
        right: ProfileId(3),
        reason: "shared-value".to_owned(),
    };
    let mut first = f::people(4);
    first.reviews.push(review.clone());
    store.commit(first).await.expect("commit");
    let mut joined = f::merge(4, 3);
    joined.profiles.first_mut().expect("the survivor").records = vec![RecordNo(3), RecordNo(4)];
    store.commit(joined).await.expect("commit");
    let rejects = [f::rejected(Some("k9"), "rule"), f::rejected(None, "rule")];
    let set = WriteSet { quarantined: rejects.to_vec(), ..WriteSet::default() };
    store.commit(set).await.expect("commit");

    let wrong = WriteSet { erased: vec![(RecordNo(3), f::at("k1"))], ..WriteSet::default() };
    assert!(matches!(store.commit(wrong).await, Err(Error::Refused(_))));
    let both = WriteSet { erased_profiles: vec![ProfileId(1)], ..f::people(1) };
    assert!(matches!(store.commit(both).await, Err(Error::Refused(_))));

    let gone = WriteSet {
        erased: vec![(RecordNo(3), f::at("k3")), (RecordNo(4), f::at("k4"))],
        erased_profiles: vec![ProfileId(3)],
        claims: vec![(f::email(3), Claim::default()), (f::email(4), Claim::default())],
        closed: vec![review],
        discarded: rejects.to_vec(),
        ..WriteSet::default()
    };
    store.commit(gone.clone()).await.expect("commit");
    store.commit(gone).await.expect("a second time changes nothing");
    for reopened in [false, true] {
        if reopened {
            subject.reopen().await;
        }
        let store = subject.store();
        let asked = [RecordNo(3), RecordNo(4), RecordNo(2)];
        let wanted = vec![None, None, Some(f::record(2))];
        assert_eq!(store.records(&asked).await, Ok(wanted));
        assert_eq!(store.known(&[f::at("k3")]).await, Ok(vec![None]));
        assert_eq!(store.records_by_ref(&[f::at("k4")]).await, Ok(vec![None]));
        assert_eq!(store.profiles(&[ProfileId(3), ProfileId(4)]).await, Ok(vec![None, None]));
        assert_eq!(store.scan_records(&f::stream(), None, 9).await.map(|r| r.len()), Ok(2));
        assert_eq!(store.quarantined(0, 9).await, Ok(vec![]));
        assert_eq!(store.reviews(9).await, Ok(vec![]));
        let stats = store.stats().await.expect("stats");
        let counts =
            (stats.records, stats.profiles, stats.aliases, stats.claims, stats.quarantined);
        assert_eq!(counts, (2, 2, 0, 2, 0));
        assert_eq!(store.counters().await.map(Some), Ok(f::counters(4)));
    }
    // The row is another record now.
    let mut back = f::person(5);
    for record in &mut back.records {
        record.at = f::at("k3");
    }
    let store = subject.store();
    store.commit(back).await.expect("commit");
    let known = store.known(&[f::at("k3")]).await.expect("known");
    assert_eq!(known.first().copied().flatten().map(|known| known.number), Some(RecordNo(5)));
}
