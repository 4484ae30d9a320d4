//! Events.

#![allow(missing_docs, reason = "a case is documented by its name")]

use hub_model::{Event, Identity, RecordRef, Timestamp, Value, limits};

use super::{Subject, fixtures as f};
use crate::store::{EventPlace, Store};
use crate::write_set::WriteSet;

fn appends(events: &[Event]) -> WriteSet {
    WriteSet { events: events.to_vec(), ..WriteSet::default() }
}

async fn of(store: &dyn Store, identities: &[Identity]) -> Vec<Event> {
    store.events(identities, None, usize::MAX).await.expect("events").events
}

pub async fn events_are_kept_once_and_found_by_whom_they_name(subject: &mut dyn Subject) {
    let store = subject.store();
    let (one, two, both) = (f::event(1, &[1]), f::event(2, &[2]), f::event(3, &[1, 2]));
    // The position moves with them.
    let mut set = appends(&[one.clone(), two.clone()]);
    set.positions = vec![f::moves("cursor", None, Some(b"1"))];
    store.commit(set.clone()).await.expect("commit");
    assert!(store.commit(set).await.is_err(), "the position has moved");
    // A page that is read again says the same, or something else: neither counts.
    let changed = Event { name: "other".into(), ..two.clone() };
    store.commit(appends(&[one.clone(), changed, both.clone(), both.clone()])).await.expect("ok");
    // Keys of another stream are others.
    let mut elsewhere = f::event(1, &[3]);
    elsewhere.at.stream.stream = "opens".into();
    store.commit(appends(std::slice::from_ref(&elsewhere))).await.expect("commit");
    subject.reopen().await;
    let store = subject.store();
    let browser = Identity::new("visitor", "browser-1");
    assert_eq!(of(store, &[f::email(1)]).await, [both.clone(), one.clone()]);
    assert_eq!(of(store, &[browser]).await, [both.clone(), one.clone()]);
    let all = [f::email(2), f::email(1), f::email(9), f::email(2)];
    assert_eq!(of(store, &all).await, [both.clone(), two.clone(), one.clone()]);
    assert_eq!(of(store, &[]).await, []);
    let refs = [two.at.clone(), f::at("e1"), elsewhere.at.clone()];
    let wanted = vec![Some(two.clone()), None, Some(elsewhere.clone())];
    assert_eq!(store.events_by_ref(&refs).await, Ok(wanted));
    let scanned = store.scan_events(None, 9).await.expect("scan");
    let numbers: Vec<u64> = scanned.iter().map(|(number, _)| *number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let events: Vec<Event> = scanned.into_iter().map(|(_, event)| event).collect();
    assert_eq!(events, [one, two, both, elsewhere]);
    let rest = store.scan_events(Some(numbers[1]), 1).await.expect("scan");
    assert_eq!(rest, [(numbers[2], events[2].clone())]);
}

pub async fn events_come_newest_first_page_by_page(subject: &mut dyn Subject) {
    // Received in another order than they happened, over several commits; some at
    // one instant.
    let mut all: Vec<Event> = Vec::new();
    for number in 0..90_u64 {
        let mut event = f::event(number * 37 % 90, &[number % 2]);
        event.time = Timestamp::from_seconds((number * 37 % 90 / 3).cast_signed());
        all.push(event);
    }
    for events in all.chunks(40) {
        subject.store().commit(appends(events)).await.expect("commit");
    }
    let store = subject.store();
    let mut wanted: Vec<Event> = all.iter().rev().cloned().collect();
    wanted.sort_by_key(|event| std::cmp::Reverse(event.time));
    let everybody = [f::email(0), f::email(1), Identity::new("visitor", "browser-0")];
    for size in [1, 7, 30, 89, 90, 91] {
        let (mut found, mut before): (Vec<Event>, Option<EventPlace>) = (Vec::new(), None);
        loop {
            let page = store.events(&everybody, before, size).await.expect("events");
            assert!(page.events.len() == size || page.next.is_none(), "pages of {size}");
            found.extend(page.events);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(found, wanted, "pages of {size}");
    }
}

pub async fn events_that_leave_are_found_by_nobody(subject: &mut dyn Subject) {
    let all: Vec<Event> = (1..=60).map(|number| f::event(number, &[number % 4, 9])).collect();
    subject.store().commit(appends(&all)).await.expect("commit");
    let (gone, left): (Vec<Event>, Vec<Event>) =
        all.into_iter().partition(|event| event.time.seconds() % 4 == 1);
    let refs: Vec<RecordRef> = gone.iter().map(|event| event.at.clone()).collect();
    let set = WriteSet { events_gone: refs.clone(), ..WriteSet::default() };
    for _ in 0..2 {
        subject.store().commit(set.clone()).await.expect("commit");
        let store = subject.store();
        assert_eq!(of(store, &[f::email(1)]).await, []);
        assert_eq!(of(store, &[f::email(9)]).await.len(), left.len());
        let found = store.events_by_ref(&refs).await.expect("events");
        assert!(found.iter().all(Option::is_none));
        assert_eq!(store.stats().await.expect("stats").events, left.len() as u64);
        subject.reopen().await;
    }
    // What leaves goes before what is put: it is told anew.
    let again = Event { name: "again".into(), ..left[0].clone() };
    let mut set = appends(&[again.clone(), gone[0].clone()]);
    set.events_gone = vec![again.at.clone()];
    subject.store().commit(set).await.expect("commit");
    let refs = [again.at.clone(), gone[0].at.clone()];
    let wanted = vec![Some(again), Some(gone[0].clone())];
    assert_eq!(subject.store().events_by_ref(&refs).await, Ok(wanted));
}

pub async fn events_survive_exactly(subject: &mut dyn Subject) {
    let mut large = f::event(1, &[1]);
    for place in 0..20 {
        let value = Value::text("v".repeat(limits::VALUE_BYTES_MAX - 1_000));
        large.properties.insert(format!("f{place}").into(), value);
    }
    let mut awkward = f::event(2, &[]);
    awkward.time = Timestamp(i64::MIN);
    awkward.received = Timestamp(i64::MAX);
    awkward.name = "n".repeat(limits::KEY_BYTES_MAX).into();
    awkward.at.key = hub_model::RemoteKey::new("k".repeat(limits::KEY_BYTES_MAX));
    let deep: Value = serde_json::from_str(r#"[{"a":[null,1e300,"\u0000",{}]}]"#).expect("JSON");
    awkward.properties.insert("deep".into(), deep);
    awkward.identities = (0..300).map(|n| Identity::new("device", &format!("{n:0>512}"))).collect();
    let all = [large, awkward];
    subject.store().commit(appends(&all)).await.expect("commit");
    subject.reopen().await;
    let refs = all.clone().map(|event| event.at);
    let wanted: Vec<Option<Event>> = all.iter().cloned().map(Some).collect();
    assert_eq!(subject.store().events_by_ref(&refs).await, Ok(wanted));
    assert_eq!(of(subject.store(), &all[1].identities).await, all[1..]);
}
