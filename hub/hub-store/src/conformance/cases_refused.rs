//! What is refused, and that nothing of it is written.

#![allow(missing_docs, reason = "a case is documented by its name")]

use hub_model::{Decision, DecisionKind, ProfileId, RecordNo, RemoteKey, Stamp, Timestamp, limits};

use super::{Subject, fixtures as f};
use crate::rules::INBOX_COMMIT_BYTES_MAX;
use crate::store::Error;
use crate::write_set::{Counters, WriteSet};

fn decision(stamp: u64, author: &str) -> Decision {
    Decision {
        stamp: Stamp(stamp),
        kind: DecisionKind::Match { left: RecordNo(1), right: RecordNo(2) },
        author: author.to_owned(),
        at: Timestamp(0),
    }
}

/// Sets that must be refused by a store with people 1 to 4, 4 merged into 3 and
/// a decision at stamp 4.
fn bad_sets() -> Vec<(&'static str, WriteSet)> {
    let empty = WriteSet::default;
    let aliases = |pairs: &[(u64, u64)]| WriteSet {
        aliases: pairs.iter().map(|(a, s)| (ProfileId(*a), ProfileId(*s))).collect(),
        ..empty()
    };
    let mut many = f::people(limits::SLICE_RECORDS_MAX as u64 + 1);
    many.profiles.clear();
    let mut other_row = f::record(2);
    other_row.at.key = RemoteKey::new("moved");
    let mut other_number = f::record(5);
    other_number.at = f::record(2).at;
    let mut two_of_one_row = f::person(5);
    two_of_one_row.counters = f::counters(6);
    two_of_one_row.records.push(f::record(6));
    two_of_one_row.records[1].at = two_of_one_row.records[0].at.clone();
    let mut future_stamp = f::record(2);
    future_stamp.deleted = Some(Stamp(5));
    let mut put_and_absorbed = f::merge(2, 1);
    put_and_absorbed.profiles.push(f::profile(2));
    let mut long_key = f::person(5);
    long_key.records[0].at.key = RemoteKey::new("k".repeat(limits::KEY_BYTES_MAX + 1));
    let moves = |new: &[u8]| f::moves("twice", None, Some(new));
    vec![
        ("too many records", many),
        (
            "rows too heavy",
            WriteSet {
                positions: vec![f::moves("p", None, Some(&vec![0; limits::SLICE_BYTES_MAX]))],
                ..empty()
            },
        ),
        ("bodies too heavy", WriteSet { inbox: vec![vec![0; INBOX_COMMIT_BYTES_MAX]], ..empty() }),
        ("a key too long", long_key),
        (
            "record counter down",
            WriteSet { counters: Some(Counters { record: 3, stamp: 9 }), ..empty() },
        ),
        (
            "stamp counter down",
            WriteSet { counters: Some(Counters { record: 9, stamp: 3 }), ..empty() },
        ),
        ("a number not given out", WriteSet { records: vec![f::record(5)], ..empty() }),
        ("the number 0", WriteSet { records: vec![f::record(0)], ..empty() }),
        ("a stamp not given out", WriteSet { records: vec![future_stamp], ..empty() }),
        ("another row for a number", WriteSet { records: vec![other_row], ..empty() }),
        (
            "another number for a row",
            WriteSet { counters: f::counters(5), records: vec![other_number], ..empty() },
        ),
        ("two numbers for a new row", two_of_one_row),
        ("an alias of itself", aliases(&[(1, 1)])),
        ("a circle in the set", aliases(&[(1, 2), (2, 1)])),
        ("a circle with what is stored", aliases(&[(3, 4)])),
        ("a longer circle", aliases(&[(3, 2), (2, 1), (1, 4)])),
        ("absorbed by two", aliases(&[(1, 2), (1, 3)])),
        ("put and absorbed", put_and_absorbed),
        ("a position twice", WriteSet { positions: vec![moves(b"1"), moves(b"2")], ..empty() }),
        ("a decision over another", WriteSet { decisions: vec![decision(4, "bo")], ..empty() }),
        ("a decision not given out", WriteSet { decisions: vec![decision(5, "al")], ..empty() }),
    ]
}

pub async fn refused_commits_write_nothing(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut first = f::people(4);
    first.decisions = vec![decision(4, "al")];
    store.commit(first).await.expect("commit");
    store.commit(f::merge(4, 3)).await.expect("commit");
    let before = store.stats().await;
    for (what, mut set) in bad_sets() {
        // Something good beside the bad: it must not be written either.
        set.tokens.push(("crm".to_owned(), "t".to_owned(), Some(vec![1])));
        let answer = store.commit(set).await;
        assert!(matches!(answer, Err(Error::Refused(_))), "{what}: {answer:?}");
        assert_eq!(store.token("crm", "t").await, Ok(None), "{what}");
        let after = store.stats().await;
        assert_eq!(after.map(|s| s.seq), before.clone().map(|s| s.seq), "{what}");
    }
    assert_eq!(store.counters().await, Ok(Counters { record: 4, stamp: 4 }));
    // The same decision again is no other decision.
    let again = WriteSet { decisions: vec![decision(4, "al")], ..WriteSet::default() };
    store.commit(again).await.expect("commit");
    assert_eq!(store.decisions().await, Ok(vec![decision(4, "al")]));
}

pub async fn the_weight_limit_is_exact(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut heaviest =
        WriteSet { positions: vec![f::moves("p", None, Some(b""))], ..WriteSet::default() };
    let left = limits::SLICE_BYTES_MAX - heaviest.weight_bytes();
    heaviest.positions = vec![f::moves("p", None, Some(&vec![7; left]))];
    assert_eq!(heaviest.weight_bytes(), limits::SLICE_BYTES_MAX);
    store.commit(heaviest.clone()).await.expect("exactly the limit");
    heaviest.positions = vec![f::moves("q", None, Some(&vec![7; left + 1]))];
    let answer = store.commit(heaviest).await;
    assert!(matches!(answer, Err(Error::Refused(_))), "{answer:?}");
    assert_eq!(store.position(&"p".into()).await, Ok(Some(vec![7; left])));
}

pub async fn decisions_are_kept_in_order(subject: &mut dyn Subject) {
    let separation = Decision {
        kind: DecisionKind::Separation {
            left: [RecordNo(1), RecordNo(3)].into(),
            right: [RecordNo(2)].into(),
        },
        ..decision(300, "bo")
    };
    let mut first = f::people(3);
    first.counters = Some(Counters { record: 3, stamp: 70_000 });
    first.decisions = vec![decision(70_000, "al"), separation.clone()];
    subject.store().commit(first).await.expect("commit");
    let second = WriteSet { decisions: vec![decision(5, "cy")], ..WriteSet::default() };
    subject.store().commit(second).await.expect("commit");
    subject.reopen().await;
    let wanted = vec![decision(5, "cy"), separation, decision(70_000, "al")];
    assert_eq!(subject.store().decisions().await, Ok(wanted));
}
