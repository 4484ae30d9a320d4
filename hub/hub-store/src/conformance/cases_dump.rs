//! A dump rebuilds the store, on the same body and across bodies.

#![allow(missing_docs, reason = "a case is documented by its name")]

use hub_model::{
    Change, ChangeKind, CommitSeq, FieldName, ProfileId, Record, Trait, Value, limits,
};

use super::model::Model;
use super::workload::Workload;
use super::{MemorySubject, Subject, differences, finish, fixtures as f};
use crate::dump::DumpPage;
use crate::rules::{self, QUARANTINED_KEYLESS_ROWS_MAX};
use crate::store::{Error, Review, Store};
use crate::write_set::{Continued, WriteSet};

const COMMITS: u64 = 120;

/// Every page.
pub(super) async fn dumped(store: &dyn Store) -> Vec<WriteSet> {
    let mut sets = Vec::new();
    let mut next = None;
    loop {
        let page = store.dump(next).await.expect("dump");
        assert!(page.set.weight_bytes() <= limits::SLICE_BYTES_MAX);
        assert!(page.set.inbox_bytes() <= rules::INBOX_COMMIT_BYTES_MAX);
        assert!(page.set.records.len() <= limits::SLICE_RECORDS_MAX);
        sets.push(page.set);
        match page.next {
            Some(cursor) => {
                // As a program keeps it that goes on later.
                let text = serde_json::to_string(&cursor).expect("JSON");
                next = Some(serde_json::from_str(&text).expect("a cursor"));
            }
            None => return sets,
        }
    }
}

pub(super) async fn rebuilt(sets: &[WriteSet], store: &dyn Store) {
    for (place, set) in sets.iter().enumerate() {
        store.commit(set.clone()).await.unwrap_or_else(|error| panic!("page {place}: {error}"));
    }
}

/// What a store must hold that was rebuilt from a dump of another: the same,
/// but for the log.
fn wanted(of: &Model, sets: &[WriteSet]) -> Model {
    let mut log = Model::default();
    sets.iter().filter(|set| !set.is_empty()).for_each(|set| log.apply(set));
    assert!(log.log.iter().all(|change| change.seq > of.seq), "the log begins in the past");
    let mut all: Vec<_> = of.profiles.iter().map(|profile| profile.id).collect();
    all.sort_unstable();
    assert_eq!(log.log.iter().map(|change| change.profile).collect::<Vec<_>>(), all);
    // Entries are numbered anew, in the same order.
    let in_order = |model: &Model| {
        let mut rows = model.written.clone();
        rows.sort_by(|one, other| (&one.1.run, one.0).cmp(&(&other.1.run, other.0)));
        rows.into_iter().map(|(_, entry)| entry).collect::<Vec<_>>()
    };
    assert_eq!(in_order(&log), in_order(of));
    let Model { seq, log, written, written_last, .. } = log;
    Model { seq, log, written, written_last, ..of.clone() }
}

async fn same(what: &str, subject: &mut dyn Subject, model: &Model) {
    let found = differences(subject.store(), model).await;
    assert!(found.is_empty(), "{what}: {found:#?}");
}

/// Here, in memory, and back; the subject ends with what it had at first.
async fn there_and_back(subject: &mut dyn Subject, mut model: Model) {
    let mut memory = MemorySubject::fresh().await;
    let sets = dumped(subject.store()).await;
    model = wanted(&model, &sets);
    rebuilt(&sets, memory.store()).await;
    same("in memory", &mut *memory, &model).await;
    finish(&mut *memory).await;

    let sets = dumped(memory.store()).await;
    model = wanted(&model, &sets);
    subject.renew().await;
    rebuilt(&sets, subject.store()).await;
    same("back", subject, &model).await;

    // The same rows on both bodies give the same bytes.
    let third = MemorySubject::fresh().await;
    rebuilt(&sets, third.store()).await;
    let (here, there) = (dumped(subject.store()).await, dumped(third.store()).await);
    assert_eq!(merged(here), merged(there));
    // It goes on like any other.
    let mut workload = Workload::new(11, model);
    for commit in 1..=20 {
        let answer = subject.store().commit(workload.next_set()).await;
        assert_eq!(answer, Ok(workload.model().seq), "commit {commit} after the rebuilding");
    }
    same("later", subject, workload.model()).await;
}

/// All pages as one text; tables whose order is a body's own in one order.
fn merged(sets: Vec<WriteSet>) -> String {
    let mut all = WriteSet::default();
    for mut set in sets {
        all.counters = all.counters.or(set.counters);
        all.records.append(&mut set.records);
        all.marks.append(&mut set.marks);
        all.profiles.append(&mut set.profiles);
        all.aliases.append(&mut set.aliases);
        all.claims.append(&mut set.claims);
        all.decisions.append(&mut set.decisions);
        all.changes.append(&mut set.changes);
        all.positions.append(&mut set.positions);
        all.pending.append(&mut set.pending);
        all.quarantined.append(&mut set.quarantined);
        all.reviews.append(&mut set.reviews);
        all.runs.append(&mut set.runs);
        all.inbox.append(&mut set.inbox);
        all.tokens.append(&mut set.tokens);
        all.versions.append(&mut set.versions);
        all.since.append(&mut set.since);
        all.forgotten.append(&mut set.forgotten);
        all.at = all.at.max(set.at);
        all.history_from = all.history_from.max(set.history_from);
        all.events.append(&mut set.events);
        all.standings.append(&mut set.standings);
        all.written.append(&mut set.written);
    }
    // A claim goes with every record that names it.
    all.claims.sort_by(|one, other| one.0.cmp(&other.0));
    all.claims.dedup();
    all.positions.sort_by(|one, other| one.name.cmp(&other.name));
    all.pending.sort_by(|one, other| one.key.cmp(&other.key));
    all.quarantined.sort_by_key(|row| (row.stream.clone(), row.key.clone()));
    all.reviews.sort();
    all.tokens.sort();
    serde_json::to_string(&all).expect("JSON")
}

pub async fn a_dump_of_a_random_store_rebuilds_it(subject: &mut dyn Subject) {
    let mut workload = Workload::new(23, Model::default());
    for _ in 0..COMMITS {
        subject.store().commit(workload.next_set()).await.expect("commit");
    }
    there_and_back(subject, workload.into_model()).await;
}

pub async fn a_dump_of_awkward_rows_rebuilds_them(subject: &mut dyn Subject) {
    let mut model = Model::default();
    for set in awkward() {
        subject.store().commit(set.clone()).await.expect("commit");
        model.apply(&set);
    }
    let sets = dumped(subject.store()).await;
    let alone = |set: &WriteSet| set.profiles.len() == 1 && set.changes.is_empty();
    assert!(sets.iter().any(alone), "no profile is as large as a commit takes");
    there_and_back(subject, model).await;
}

/// A record and a profile as large as a commit takes, more rows than a page
/// takes, bodies that were forgotten, names of every length.
fn awkward() -> Vec<WriteSet> {
    let mut sets = vec![f::people(2), filled_profile(), filled_record()];
    let cursor = vec![0xfe_u8; limits::CURSOR_BYTES_MAX];
    for number in 0..6_u8 {
        let mut set = WriteSet::default();
        let name = format!("{}{number}", "n".repeat(usize::from(number) * 80));
        set.positions = vec![f::moves(&name, None, Some(&cursor))];
        set.tokens = vec![("c".repeat(1 + usize::from(number)), name, Some(cursor.clone()))];
        set.inbox = vec![vec![number; 1024 * 1024]];
        sets.push(set);
    }
    let done = |from: Option<&[u8]>, to: &[u8]| f::moves("inbox", from, Some(to));
    sets.push(WriteSet { positions: vec![done(None, b"2")], ..WriteSet::default() });
    // Beyond what was received: what comes later is kept.
    sets.push(WriteSet { positions: vec![done(Some(b"2"), b"7")], ..WriteSet::default() });
    for body in 0..4_u8 {
        sets.push(WriteSet { inbox: vec![vec![body]], ..WriteSet::default() });
    }
    let keyless = QUARANTINED_KEYLESS_ROWS_MAX + 50;
    for start in (0..keyless).step_by(150) {
        let rows = (start..keyless.min(start + 150)).map(|row| f::rejected(None, &row.to_string()));
        sets.push(WriteSet { quarantined: rows.collect(), ..WriteSet::default() });
    }
    let reviews = (0..300).map(|number| Review {
        identity: f::email(number),
        left: ProfileId(1),
        right: ProfileId(2),
        reason: "cardinality".to_owned(),
    });
    sets.push(WriteSet { reviews: reviews.collect(), ..WriteSet::default() });
    sets.push(WriteSet {
        pending: (1..=300_u32)
            .map(|n| f::pending("out", 1, Some(n.into()), 5 - i64::from(n)))
            .collect(),
        runs: (0..20).map(|number| f::run("crm", number)).collect(),
        written: (0..900).map(|number| f::written("crm", number % 3, 1)).collect(),
        ..WriteSet::default()
    });
    sets
}

/// As large as a commit takes: its entry for the log no longer fits in.
fn filled_profile() -> WriteSet {
    let mut profile = f::profile(1);
    let one = profile.traits.values().next().cloned().expect("a trait");
    let mut grow = |name: &str, bytes: usize| {
        let value = Value::text("v".repeat(bytes));
        profile.traits.insert(name.into(), Trait { value, ..one.clone() });
        WriteSet { profiles: vec![profile.clone()], ..WriteSet::default() }
    };
    let rest = |set: WriteSet| limits::SLICE_BYTES_MAX - set.weight_bytes();
    let mut traits = 0;
    while rest(grow("last", 0)) > limits::VALUE_BYTES_MAX {
        traits += 1;
        grow(&format!("t{traits}"), limits::VALUE_BYTES_MAX - 1_000);
    }
    let half = rest(grow("last", 0)) / 2;
    grow("half", half);
    let rest = rest(grow("last", 0));
    grow("last", rest)
}

fn filled_record() -> WriteSet {
    let mut record: Record = f::record(2);
    let text = Value::text("v".repeat(limits::VALUE_BYTES_MAX - 1_000));
    for place in 0..8 {
        record.raw.insert(format!("f{place}").into(), text.clone());
    }
    record.fields.remove(&FieldName::new("name"));
    WriteSet { records: vec![record], ..WriteSet::default() }
}

pub async fn a_dump_of_a_store_that_is_written_is_refused(subject: &mut dyn Subject) {
    let store = subject.store();
    assert_eq!(store.dump(None).await, Ok(DumpPage { set: WriteSet::default(), next: None }));
    store.commit(f::people(3)).await.expect("commit");
    let first = store.dump(None).await.expect("dump");
    let cursor = first.next.expect("more than one page");
    assert_eq!(cursor.seq(), CommitSeq(1));
    let second = store.dump(Some(cursor.clone())).await.expect("dump");
    assert_eq!(second.set.records, [f::record(1), f::record(2), f::record(3)]);
    store.commit(f::person(4)).await.expect("commit");
    let wanted = Err(Error::Moved { from: CommitSeq(1), to: CommitSeq(2) });
    assert_eq!(store.dump(Some(cursor)).await, wanted);
}

pub async fn only_the_first_commit_continues_another_store(subject: &mut dyn Subject) {
    let continued = |seq, inbox| WriteSet {
        continued: Some(Continued { seq: CommitSeq(seq), inbox }),
        ..WriteSet::default()
    };
    let store = subject.store();
    for set in [continued(rules::CONTINUED_MAX + 1, 0), continued(0, rules::CONTINUED_MAX + 1)] {
        assert!(matches!(store.commit(set).await, Err(Error::Refused(_))));
    }
    let mut set = continued(700, 40);
    set.inbox = vec![b"forty-first".to_vec()];
    set.changes = vec![f::change(9, ChangeKind::Updated)];
    assert_eq!(store.commit(set).await, Ok(CommitSeq(701)));
    assert!(matches!(store.commit(continued(800, 0)).await, Err(Error::Refused(_))));
    subject.reopen().await;
    let store = subject.store();
    let found = store.inbox(0, 9).await.expect("inbox");
    assert_eq!(found.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [41]);
    let page = store.log(CommitSeq(5), 9).await.expect("log");
    let entry = Change { seq: CommitSeq(701), ..f::change(9, ChangeKind::Updated) };
    assert_eq!((page.changes, page.next, page.head), (vec![entry], CommitSeq(701), CommitSeq(701)));
    let set = WriteSet { positions: vec![f::moves("p", None, Some(b"1"))], ..WriteSet::default() };
    assert_eq!(store.commit(set).await, Ok(CommitSeq(702)));
}
