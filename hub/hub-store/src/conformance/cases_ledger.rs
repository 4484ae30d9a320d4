//! The ledger of writes.

#![allow(missing_docs, reason = "a case is documented by its name")]

use hub_model::{LedgerEntry, LedgerField, LedgerPlace, RecordNo, RunId, Value, WriteEnd, limits};

use super::{Subject, fixtures as f};
use crate::store::Store;
use crate::write_set::WriteSet;

fn appends(written: &[LedgerEntry]) -> WriteSet {
    WriteSet { written: written.to_vec(), ..WriteSet::default() }
}

/// Everything, page by page.
async fn all(store: &dyn Store, run: Option<&RunId>, size: usize) -> Vec<LedgerEntry> {
    let (mut entries, mut after): (Vec<LedgerEntry>, Option<LedgerPlace>) = (Vec::new(), None);
    loop {
        let page = store.scan_written(run, after.as_ref(), size).await.expect("a page");
        let places: Vec<&LedgerPlace> = page.iter().map(|(place, _)| place).collect();
        assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
        let Some((last, _)) = page.last().cloned() else { return entries };
        assert!(after.is_none_or(|after| after < last));
        after = Some(last);
        entries.extend(page.into_iter().map(|(place, entry)| {
            assert_eq!(place.run, entry.run);
            entry
        }));
    }
}

async fn about(store: &dyn Store, record: u64) -> Vec<LedgerEntry> {
    let found = store.written_about(RecordNo(record)).await.expect("entries");
    found.into_iter().map(|(_, entry)| entry).collect()
}

pub async fn writes_are_found_by_run_and_by_record(subject: &mut dyn Subject) {
    // Two runs at once, one of which has the other's id as its beginning.
    let early: Vec<_> = (1..=70).map(|number| f::written("crm", 1, number)).collect();
    let other: Vec<_> = (1..=3).map(|number| f::written("crm-2", 1, number)).collect();
    let later: Vec<_> = (1..=3).map(|number| f::written("crm", 2, number)).collect();
    let sets = [&early[..40], &other, &later, &early[40..]];
    for set in sets {
        subject.store().commit(appends(set)).await.expect("commit");
    }
    subject.reopen().await;
    let store = subject.store();
    assert_eq!(store.stats().await.expect("stats").written, 76);
    let whole = [early.clone(), other.clone(), later.clone()].concat();
    for size in [1, 7, 33, 76, 500] {
        assert_eq!(all(store, None, size).await, whole, "pages of {size}");
        assert_eq!(all(store, Some(&early[0].run), size).await, early, "pages of {size}");
        assert_eq!(all(store, Some(&other[0].run), size).await, other, "pages of {size}");
    }
    assert_eq!(all(store, Some(&RunId::new("0000000001-cr")), 9).await, []);
    // By the record, by the profile, and by whom it was about.
    let both = |number: usize| [&early, &other, &later].map(|run| run[number - 1].clone()).to_vec();
    let mut wanted = [both(1), both(2)].concat();
    wanted.sort_by_key(|entry| (entry.run.clone(), entry.record));
    assert_eq!(about(store, 2).await, wanted);
    assert_eq!(about(store, 1).await, both(1));
    assert_eq!(about(store, 71).await, [early[69].clone()]);
    assert_eq!(about(store, 99).await, []);
}

pub async fn writes_that_leave_are_found_by_nobody(subject: &mut dyn Subject) {
    let entries: Vec<_> = (1..=50).map(|number| f::written("crm", 1, number)).collect();
    subject.store().commit(appends(&entries)).await.expect("commit");
    let places = subject.store().scan_written(None, None, 99).await.expect("entries");
    let places: Vec<LedgerPlace> = places.into_iter().map(|(place, _)| place).collect();
    let (gone, stay) = (&places[10..45], [&entries[..10], &entries[45..]].concat());
    let leaves =
        |places: &[LedgerPlace]| WriteSet { unwritten: places.to_vec(), ..WriteSet::default() };
    for _ in 0..2 {
        subject.store().commit(leaves(gone)).await.expect("commit");
        subject.reopen().await;
        let store = subject.store();
        assert_eq!(all(store, None, 9).await, stay);
        assert_eq!(about(store, 30).await, []);
        assert_eq!(about(store, 11).await, [entries[9].clone()]);
        assert_eq!(store.stats().await.expect("stats").written, 15);
    }
    // What leaves goes before what is put.
    let mut set = leaves(&places);
    set.written = vec![entries[0].clone()];
    subject.store().commit(set).await.expect("commit");
    subject.compact().await;
    subject.reopen().await;
    assert_eq!(all(subject.store(), None, 9).await, entries[..1]);
    assert_eq!(about(subject.store(), 2).await, entries[..1]);
    let unknown = LedgerPlace { run: RunId::new("no-such-run"), number: 1 };
    subject.store().commit(leaves(&[unknown])).await.expect("commit");
    assert_eq!(all(subject.store(), None, 9).await.len(), 1);
}

pub async fn writes_survive_exactly(subject: &mut dyn Subject) {
    let mut large = f::written("crm", 1, 1);
    for place in 0..20 {
        let value = Some(Value::text("v".repeat(limits::VALUE_BYTES_MAX - 1_000)));
        let field = LedgerField { before: None, sent: value, ..LedgerField::default() };
        large.fields.insert(format!("f{place}").as_str().into(), field);
    }
    let mut awkward = f::written(&"s".repeat(limits::KEY_BYTES_MAX - 11), 2, 2);
    awkward.record = None;
    awkward.key = None;
    awkward.end = WriteEnd::Unknown;
    awkward.about.clear();
    let nothing = LedgerField { before: Some(Value::Null), ..LedgerField::default() };
    awkward.fields = [("".into(), nothing)].into();
    let entries = [large, awkward];
    subject.store().commit(appends(&entries)).await.expect("commit");
    subject.reopen().await;
    assert_eq!(all(subject.store(), None, 1).await, entries);
    // One without a row is found by its profile.
    let profile = entries[1].profile.0;
    assert_eq!(about(subject.store(), profile).await, [&entries[0], &entries[1]].map(Clone::clone));
}
