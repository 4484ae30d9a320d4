//! What events cost on the disk, and that nothing of those that left stays there.

use hub_model::{Event, Identity, Value};
use hub_store::conformance::{Random, fixtures as f};
use hub_store::upkeep::Upkeep;
use hub_store::{Store, WriteSet};

use crate::open;

/// Events of a commit, as intake cuts pages.
const SLICE_EVENTS: u64 = 1_000;
/// Commits in the ordinary tests; `LIAISON_EVENT_COMMITS` says another number.
const COMMITS: u64 = 10;
/// Most bytes of rows for one event: the event, its places, its entry in the log
/// of the index.
const LIVE_BYTES_PER_EVENT_MAX: u64 = 200;

/// A page view of one of many visitors, as an analytics tool tells it.
fn page_view(number: u64, random: &mut Random) -> Event {
    let visitor = random.below(1 + number / 5);
    let mut event = f::event(number, &[]);
    event.identities = vec![Identity::new("visitor", &format!("{:032x}", visitor * 7_919))];
    let texts = [
        ("url", format!("https://shop.example/products/{}?ref=mail", random.below(2_000))),
        ("referrer", "https://www.example.org/search".to_owned()),
        ("title", format!("Product {} - Shop", random.below(2_000))),
        ("session", format!("{:016x}", random.next_u64())),
        ("device", ["phone", "desktop", "tablet"][(number % 3) as usize].to_owned()),
    ];
    event.properties = texts.map(|(name, text)| (name.into(), Value::text(text))).into();
    event
}

/// CPU seconds of this process so far.
fn cpu_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_takes_few_bytes_and_leaves_none() {
    let commits = std::env::var("LIAISON_EVENT_COMMITS").ok().and_then(|text| text.parse().ok());
    let commits: u64 = commits.unwrap_or(COMMITS);
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let mut random = Random::new(5);
    let before = store.sizes().await.unwrap();
    let (mut spent, mut number) = (0.0, 0);
    for _ in 0..commits {
        let events: Vec<Event> = (0..SLICE_EVENTS)
            .map(|_| {
                number += 1;
                page_view(number, &mut random)
            })
            .collect();
        let start = cpu_seconds();
        store.commit(WriteSet { events, ..WriteSet::default() }).await.unwrap();
        spent += cpu_seconds() - start;
    }
    let count = commits * SLICE_EVENTS;
    let full = store.sizes().await.unwrap();
    let each = (full.live_bytes - before.live_bytes) / count;
    let on_disk = full.disk_bytes / count;
    eprintln!(
        "{count} events: {:.1} CPU us, {each} bytes of rows, {on_disk} bytes on disk each",
        spent * 1e6 / count as f64
    );
    assert!(each < LIVE_BYTES_PER_EVENT_MAX, "{each} bytes an event");

    // All of them leave, and the files give everything back.
    let mut after = None;
    loop {
        let rows = store.scan_events(after, 200).await.unwrap();
        let Some((last, _)) = rows.last() else { break };
        after = Some(*last);
        let events_gone = rows.into_iter().map(|(_, event)| event.at).collect();
        store.commit(WriteSet { events_gone, ..WriteSet::default() }).await.unwrap();
    }
    store
        .commit(WriteSet { events: vec![f::event(1, &[1])], ..WriteSet::default() })
        .await
        .unwrap();
    store.compact(Box::new(|_| Ok(()))).await.unwrap();
    let empty = store.sizes().await.unwrap();
    let commits = store.stats().await.unwrap().seq;
    // A row of the change log for each commit is all that is left.
    assert!(empty.live_bytes < before.live_bytes + commits * 40 + 1_000, "{empty:?} {before:?}");
    assert_eq!(store.verify().await, Ok(vec![]));
    store.close();
    let store = open(dir.path()).unwrap();
    assert_eq!(store.stats().await.unwrap().events, 1);
    assert_eq!(store.events(&[f::email(1)], None, 9).await.unwrap().events, [f::event(1, &[1])]);
}
