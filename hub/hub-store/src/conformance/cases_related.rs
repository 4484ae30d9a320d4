//! Objects, and records found by what they relate to.

#![allow(missing_docs, reason = "a case is documented by its name")]

use hub_model::{RecordNo, Related};

use super::{Subject, fixtures as f};
use crate::store::Store;
use crate::write_set::WriteSet;

async fn numbers(store: &dyn Store, to: &[Related], below: Option<u64>, limit: usize) -> Vec<u64> {
    let found = store.related(to, below.map(RecordNo), limit).await.expect("related");
    found.iter().map(|record| record.number.0).collect()
}

fn orders(orders: &[(u64, u64)]) -> WriteSet {
    let last = orders.iter().map(|(number, _)| *number).max().unwrap_or_default();
    WriteSet {
        counters: f::counters(last),
        records: orders.iter().map(|(number, buyer)| f::order(*number, *buyer)).collect(),
        ..WriteSet::default()
    }
}

pub async fn objects_are_found_by_whom_they_relate_to(subject: &mut dyn Subject) {
    // An order may come before its person.
    subject.store().commit(orders(&[(1, 2), (3, 9)])).await.expect("commit");
    let mut people = f::person(4);
    let person = people.records.first_mut().expect("a record");
    f::relate(person, "employer", f::related(9));
    f::relate(person, "household", f::related(9));
    let order = Related::Row(f::order(3, 9).at);
    let mut invoice = f::order(5, 2);
    f::relate(&mut invoice, "order", order.clone());
    people.counters = f::counters(5);
    people.records.push(invoice);
    subject.store().commit(people).await.expect("commit");
    subject.store().commit(orders(&[(7, 2)])).await.expect("commit");
    for reopened in [false, true] {
        if reopened {
            subject.reopen().await;
        }
        let store = subject.store();
        let (two, nine) = (f::related(2), f::related(9));
        let table: [(_, _, _, &[u64]); 9] = [
            (vec![two.clone()], None, 9, &[7, 5, 1]),
            (vec![two.clone()], None, 2, &[7, 5]),
            (vec![two.clone()], Some(5), 9, &[1]),
            (vec![two.clone()], Some(1), 9, &[]),
            (vec![two.clone()], None, 0, &[]),
            (vec![nine.clone()], None, 9, &[4, 3]),
            (vec![two, nine, order.clone()], None, 4, &[7, 5, 4, 3]),
            (vec![order.clone()], None, 9, &[5]),
            (vec![f::related(4)], None, 9, &[]),
        ];
        for (to, below, limit, wanted) in table {
            let found = numbers(store, &to, below, limit).await;
            assert_eq!(found, wanted, "{to:?} below {below:?}, {limit}");
        }
        assert_eq!(numbers(store, &[], None, 9).await, [] as [u64; 0]);
        let record = store.records(&[RecordNo(1)]).await.expect("records").pop().flatten();
        assert_eq!(record, Some(f::order(1, 2)));
        let stats = store.stats().await.expect("stats");
        assert_eq!((stats.records, stats.profiles, stats.relations), (5, 1, 6));
    }
}

pub async fn a_relation_goes_with_the_next_change_of_its_record(subject: &mut dyn Subject) {
    subject.store().commit(orders(&[(1, 1), (2, 1), (3, 1)])).await.expect("commit");
    let mut plain = f::order(3, 1);
    plain.relations.clear();
    let set = WriteSet {
        records: vec![f::order(2, 7), f::order(2, 8), plain],
        erased: vec![(RecordNo(1), f::order(1, 1).at)],
        ..WriteSet::default()
    };
    subject.store().commit(set.clone()).await.expect("commit");
    subject.store().commit(set).await.expect("a second time changes nothing");
    // The mark alone changes nothing else.
    let set = WriteSet { marks: vec![(RecordNo(2), 5)], ..WriteSet::default() };
    subject.store().commit(set).await.expect("commit");
    for reopened in [false, true] {
        if reopened {
            subject.reopen().await;
        }
        let store = subject.store();
        for (buyer, wanted) in [(1, vec![]), (7, vec![]), (8, vec![2])] {
            assert_eq!(numbers(store, &[f::related(buyer)], None, 9).await, wanted, "{buyer}");
        }
        let stats = store.stats().await.expect("stats");
        assert_eq!((stats.records, stats.relations), (2, 1));
    }
}
