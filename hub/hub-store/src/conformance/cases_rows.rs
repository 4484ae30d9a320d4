//! Records, values, positions.

#![allow(missing_docs, reason = "a case is documented by its name")]

use hub_model::{
    Basis, CommitSeq, Dispute, FieldName, Object, Origin, ProfileId, RecordNo, Settled, Stamp,
    Timestamp, Value, limits,
};

use super::{Subject, fixtures as f, together};
use crate::store::{Error, EventPage, Stats};
use crate::write_set::{Counters, WriteSet};

pub async fn a_new_store_is_empty(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut stats = store.stats().await.expect("stats");
    stats.disk_bytes = 0;
    assert_eq!(stats, Stats::default());
    assert_eq!(store.counters().await, Ok(Counters::default()));
    assert_eq!(store.records(&[RecordNo(1)]).await, Ok(vec![None]));
    assert_eq!(store.records_by_ref(&[f::at("k1")]).await, Ok(vec![None]));
    assert_eq!(store.profiles(&[ProfileId(1)]).await, Ok(vec![None]));
    assert_eq!(store.claims(&[f::email(1)]).await, Ok(vec![f::claim(&[])]));
    assert_eq!(store.scan_profiles(None, 9).await, Ok(vec![]));
    assert_eq!(store.scan_records(&f::stream(), None, 9).await, Ok(vec![]));
    let log = store.log(CommitSeq(0), 9).await.expect("log");
    assert_eq!((log.changes.len(), log.next, log.head), (0, CommitSeq(0), CommitSeq(0)));
    assert_eq!(store.decisions().await, Ok(vec![]));
    assert_eq!(store.inbox(0, 9).await, Ok(vec![]));
    assert_eq!(store.runs(None, 9).await, Ok(vec![]));
    assert_eq!(store.scan_events(None, 9).await, Ok(vec![]));
    assert_eq!(store.events(&[f::email(1)], None, 9).await, Ok(EventPage::default()));
}

pub async fn an_empty_commit_is_no_commit(subject: &mut dyn Subject) {
    let store = subject.store();
    assert_eq!(store.commit(WriteSet::default()).await, Ok(CommitSeq(0)));
    assert_eq!(store.commit(f::person(1)).await, Ok(CommitSeq(1)));
    assert_eq!(store.commit(WriteSet::default()).await, Ok(CommitSeq(1)));
    assert_eq!(store.commit(f::person(2)).await, Ok(CommitSeq(2)));
}

pub async fn records_are_found_by_number_and_by_key(subject: &mut dyn Subject) {
    let store = subject.store();
    store.commit(f::people(3)).await.expect("commit");
    let asked = [RecordNo(3), RecordNo(9), RecordNo(1), RecordNo(3)];
    let wanted = vec![Some(f::record(3)), None, Some(f::record(1)), Some(f::record(3))];
    assert_eq!(store.records(&asked).await, Ok(wanted));
    let asked = [f::at("k2"), f::at("k"), f::at("k22"), f::at("k1")];
    let wanted = vec![Some(f::record(2)), None, None, Some(f::record(1))];
    assert_eq!(store.records_by_ref(&asked).await, Ok(wanted));
    let mut changed = f::record(2);
    changed.deleted = Some(Stamp(3));
    changed.version = None;
    let set = WriteSet { records: vec![changed.clone()], ..WriteSet::default() };
    store.commit(set).await.expect("commit");
    assert_eq!(store.records(&[RecordNo(2)]).await, Ok(vec![Some(changed.clone())]));
    subject.reopen().await;
    assert_eq!(subject.store().records_by_ref(&[f::at("k2")]).await, Ok(vec![Some(changed)]));
}

pub async fn values_survive_exactly(subject: &mut dyn Subject) {
    let texts = [
        "null",
        "true",
        "0.1000000000000000055511151231257827",
        "9007199254740993",
        "-123456789012345678901234567890",
        "1e300",
        "1e-300",
        "1.50",
        r#""""#,
        r#""e\u0301 \u0000 \ud83d\ude00 \\ \" \n""#,
        "[]",
        "{}",
        r#"{"":{"b":[null,1,{"c":"d"}]},"$serde_json::private::Number":"1"}"#,
    ];
    let mut raw = Object::new();
    for (place, text) in texts.iter().enumerate() {
        let value: Value = serde_json::from_str(text).expect(text);
        raw.insert(format!("f{place}").into(), value);
    }
    let mut record = f::record(1);
    for (name, value) in &raw {
        let mut state = record.fields.values().next().cloned().expect("a field");
        state.remote = Some(value.clone());
        record.fields.insert(FieldName::new(name.as_str()), state);
    }
    // What is kept for conflicts survives as exactly, with and without an assertion.
    let kept: Vec<Value> = raw.values().cloned().collect();
    for (place, (state, value)) in record.fields.values_mut().zip(kept).enumerate() {
        let basis = Basis { knew: Stamp(7), agreed: value.clone(), before: Value::Null };
        let settled = Settled { stamp: Stamp(9), value: value.clone() };
        let turns = vec![Timestamp(-1), Timestamp(i64::MAX)];
        state.dispute = Some(Box::new(match place % 4 {
            0 => Dispute { told: Some(value), ..Dispute::default() },
            1 => Dispute { basis: Some(basis), ..Dispute::default() },
            2 => {
                Dispute { settled: Some(settled), paused: Some(Timestamp(3)), ..Dispute::default() }
            }
            _ => Dispute { turns, ..Dispute::default() },
        }));
        if place % 2 == 0 {
            state.asserted = None;
        }
    }
    record.raw = raw;
    record.origin = Origin::Created { for_record: RecordNo(u64::MAX) };
    let mut set = f::person(1);
    set.records = vec![record.clone()];
    set.counters = Some(Counters { record: u64::MAX, stamp: u64::MAX });
    subject.store().commit(set).await.expect("commit");
    subject.reopen().await;
    let store = subject.store();
    assert_eq!(store.records(&[RecordNo(1)]).await, Ok(vec![Some(record)]));
    let wanted = Counters { record: u64::MAX, stamp: u64::MAX };
    assert_eq!(store.counters().await, Ok(wanted));
}

pub async fn large_rows_come_and_go(subject: &mut dyn Subject) {
    let text = "\u{1}\"x".repeat(limits::VALUE_BYTES_MAX / 12);
    let mut large = f::record(1);
    for place in 0..3 {
        large.raw.insert(format!("f{place}").into(), Value::text(text.clone()));
    }
    let cursor = vec![0xff_u8; limits::CURSOR_BYTES_MAX];
    let mut set = f::person(1);
    set.records = vec![large.clone()];
    set.positions = vec![f::moves("cursor", None, Some(&cursor))];
    set.tokens = vec![("crm".to_owned(), "session".to_owned(), Some(cursor.clone()))];
    subject.store().commit(set).await.expect("commit");
    subject.reopen().await;
    for next in [f::record(1), large.clone(), f::record(1)] {
        let set = WriteSet { records: vec![next.clone()], ..WriteSet::default() };
        subject.store().commit(set).await.expect("commit");
        let found = subject.store().records(&[RecordNo(1)]).await;
        assert_eq!(found, Ok(vec![Some(next)]));
    }
    let store = subject.store();
    assert_eq!(store.position(&"cursor".into()).await, Ok(Some(cursor.clone())));
    assert_eq!(store.token("crm", "session").await, Ok(Some(cursor.clone())));
    let set = WriteSet {
        positions: vec![f::moves("cursor", Some(&cursor), None)],
        tokens: vec![("crm".to_owned(), "session".to_owned(), None)],
        ..WriteSet::default()
    };
    store.commit(set).await.expect("commit");
    assert_eq!(store.position(&"cursor".into()).await, Ok(None));
    assert_eq!(store.token("crm", "session").await, Ok(None));
}

pub async fn positions_compare_before_they_move(subject: &mut dyn Subject) {
    let store = subject.store();
    let (a, b, empty) = (Some(&b"a"[..]), Some(&b"b"[..]), Some(&b""[..]));
    // (expected, new, whether it may move)
    let steps = [
        (a, b, false),
        (None, a, true),
        (None, b, false),
        (b, None, false),
        (a, a, true),
        (a, empty, true),
        (None, a, false),
        (empty, b, true),
        (b, None, true),
        (b, None, false),
        (None, None, true),
        (None, b, true),
    ];
    let mut now = None;
    for (step, (expected, new, may)) in steps.into_iter().enumerate() {
        let set = WriteSet { positions: vec![f::moves("p", expected, new)], ..WriteSet::default() };
        let answer = store.commit(set).await;
        if may {
            assert!(answer.is_ok(), "step {step}: {answer:?}");
            now = new;
        } else {
            assert_eq!(answer, Err(Error::Conflict { name: "p".into() }), "step {step}");
        }
        let found = store.position(&"p".into()).await.expect("position");
        assert_eq!(found.as_deref(), now, "step {step}");
    }
    assert_eq!(store.position(&"q".into()).await, Ok(None));
}

pub async fn callers_at_one_position_cannot_both_win(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut expected: Option<Vec<u8>> = None;
    for round in 0..20_u8 {
        let sets = (0..8_u8).map(|caller| WriteSet {
            positions: vec![f::moves("p", expected.as_deref(), Some(&[round, caller]))],
            ..WriteSet::default()
        });
        let answers = together(sets.map(|set| store.commit(set)).collect()).await;
        let won: Vec<u8> = (0..8).filter(|c| answers[usize::from(*c)].is_ok()).collect();
        assert_eq!(won.len(), 1, "round {round}: {answers:?}");
        expected = Some(vec![round, won[0]]);
        assert_eq!(store.position(&"p".into()).await, Ok(expected.clone()), "round {round}");
    }
}

pub async fn a_lost_race_is_a_conflict_before_anything_else(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut winner = f::people(2);
    winner.positions = vec![f::moves("p", None, Some(b"2"))];
    store.commit(winner).await.expect("commit");
    let mut loser = f::person(1);
    loser.positions = vec![f::moves("p", None, Some(b"1"))];
    assert_eq!(store.commit(loser).await, Err(Error::Conflict { name: "p".into() }));
}
