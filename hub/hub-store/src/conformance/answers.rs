//! Whether a store's every answer is the model's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use hub_model::{
    Claim, CommitSeq, Event, Identity, LedgerEntry, LedgerPlace, Pending, PositionName, Profile,
    ProfileId, Record, RecordNo, RecordRef, Related, Standing, StreamRef, SyncId, Timestamp,
};

use super::model::Model;
use crate::store::{Error, Known, Store, VerifyFinding};

/// Rows per call when everything is read.
const CALL_ROWS: usize = 200;

struct Differences(Vec<String>);

impl Differences {
    fn compare<T: PartialEq + Debug>(&mut self, what: &str, found: Result<T, Error>, wanted: &T) {
        match found {
            Ok(found) if found == *wanted => {}
            Ok(found) => self.0.push(format!("{what}: found {found:?}, wanted {wanted:?}")),
            Err(error) => self.0.push(format!("{what}: {error}")),
        }
    }
}

/// Every answer of the store that is not the model's, in words. Reads
/// everything; the model's customer values appear in the words.
pub async fn differences(store: &dyn Store, model: &Model) -> Vec<String> {
    let mut found = Differences(Vec::new());
    records(store, model, &mut found).await;
    related(store, model, &mut found).await;
    profiles(store, model, &mut found).await;
    scans(store, model, &mut found).await;
    log(store, model, &mut found).await;
    pending(store, model, &mut found).await;
    work(store, model, &mut found).await;
    events(store, model, &mut found).await;
    standings(store, model, &mut found).await;
    written(store, model, &mut found).await;
    match store.verify().await {
        Ok(findings) => {
            let told =
                |finding: VerifyFinding| format!("verify: {}: {}", finding.check, finding.detail);
            found.0.extend(findings.into_iter().map(told));
        }
        Err(error) => found.0.push(format!("verify: {error}")),
    }
    found.0
}

async fn records(store: &dyn Store, model: &Model, found: &mut Differences) {
    found.compare("counters", store.counters().await, &model.counters);
    let numbers: Vec<RecordNo> = (0..=model.counters.record + 1).map(RecordNo).collect();
    for numbers in numbers.chunks(CALL_ROWS) {
        let wanted: Vec<Option<Record>> =
            numbers.iter().map(|number| model.record(*number).cloned()).collect();
        found.compare("records", store.records(numbers).await, &wanted);
    }
    let refs: Vec<RecordRef> = model.records.iter().map(|record| record.at.clone()).collect();
    for (refs, rows) in refs.chunks(CALL_ROWS).zip(model.records.chunks(CALL_ROWS)) {
        let wanted: Vec<Option<Record>> = rows.iter().cloned().map(Some).collect();
        found.compare("records by key", store.records_by_ref(refs).await, &wanted);
        let mark = |number: RecordNo| model.marks.get(&number).copied().unwrap_or(0);
        let known = |row: &Record| Some(Known { number: row.number, mark: mark(row.number) });
        let wanted: Vec<Option<Known>> = rows.iter().map(known).collect();
        found.compare("known", store.known(refs).await, &wanted);
    }
}

async fn related(store: &dyn Store, model: &Model, found: &mut Differences) {
    let mut all: BTreeMap<&Related, BTreeMap<RecordNo, &Record>> = BTreeMap::new();
    for record in &model.records {
        for relation in &record.relations {
            all.entry(&relation.to).or_default().insert(record.number, record);
        }
    }
    let ends: Vec<Related> = all.keys().copied().cloned().collect();
    for ends in ends.iter().map(std::slice::from_ref).chain(ends.chunks(CALL_ROWS)) {
        let rows: BTreeMap<_, _> = ends.iter().filter_map(|end| all.get(end)).flatten().collect();
        let wanted: Vec<Record> = rows.into_values().rev().map(|row| (*row).clone()).collect();
        found.compare("related", store.related(ends, None, usize::MAX).await, &wanted);
    }
}

async fn profiles(store: &dyn Store, model: &Model, found: &mut Differences) {
    let ids: Vec<ProfileId> = (0..=model.counters.record + 1).map(ProfileId).collect();
    for ids in ids.chunks(CALL_ROWS) {
        let wanted: Vec<Option<Profile>> =
            ids.iter().map(|id| model.profile(model.resolve(*id)).cloned()).collect();
        found.compare("profiles", store.profiles(ids).await, &wanted);
    }
    let identities: Vec<Identity> = model.claims.keys().cloned().collect();
    let claims: Vec<&Claim> = model.claims.values().collect();
    for (identities, rows) in identities.chunks(CALL_ROWS).zip(claims.chunks(CALL_ROWS)) {
        let resolved = |claim: &Claim| {
            let ids: BTreeSet<_> = claim.profiles.iter().map(|id| model.resolve(*id)).collect();
            Claim { profiles: ids.into_iter().collect(), carriers: claim.carriers }
        };
        let wanted: Vec<Claim> = rows.iter().map(|claim| resolved(claim)).collect();
        found.compare("claims", store.claims(identities).await, &wanted);
    }
}

async fn scans(store: &dyn Store, model: &Model, found: &mut Differences) {
    let mut after = None;
    for page in model.profiles.chunks(CALL_ROWS) {
        let answer = store.scan_profiles(after, CALL_ROWS).await;
        found.compare("scan of profiles", answer, &page.to_vec());
        let ids: Vec<_> = page.iter().map(|profile| profile.id).collect();
        found.compare("ids of profiles", store.profile_ids(after, CALL_ROWS).await, &ids);
        after = page.last().map(|profile| profile.id);
    }
    let waits = |profile: &&Profile| !profile.conflicts.is_empty();
    let waiting: Vec<Profile> = model.profiles.iter().filter(waits).cloned().collect();
    let mut waited = None;
    for page in waiting.chunks(CALL_ROWS) {
        let answer = store.conflicted(waited, CALL_ROWS).await;
        found.compare("conflicts", answer, &page.to_vec());
        waited = page.last().map(|profile| profile.id);
    }
    found.compare("end of conflicts", store.conflicted(waited, 1).await, &Vec::new());
    found.compare("end of profiles", store.scan_profiles(after, 1).await, &Vec::new());
    let streams: BTreeSet<&StreamRef> = model.records.iter().map(|r| &r.at.stream).collect();
    for stream in streams {
        let mut records: Vec<Record> =
            model.records.iter().filter(|r| r.at.stream == *stream).cloned().collect();
        records.sort_by_key(|record| record.number);
        let mut after = None;
        for page in records.chunks(CALL_ROWS) {
            let answer = store.scan_records(stream, after, CALL_ROWS).await;
            found.compare("scan of records", answer, &page.to_vec());
            after = page.last().map(|record| record.number);
        }
        let answer = store.scan_records(stream, after, 1).await;
        found.compare("end of records", answer, &Vec::new());
    }
}

async fn log(store: &dyn Store, model: &Model, found: &mut Differences) {
    let mut read = Vec::new();
    let mut at = CommitSeq(0);
    loop {
        match store.log(at, CALL_ROWS).await {
            Ok(page) => {
                if page.head != model.seq || (page.next <= at && at < page.head) {
                    found.0.push(format!("log after {at}: next {}, head {}", page.next, page.head));
                    return;
                }
                read.extend(page.changes);
                at = page.next;
                if at >= page.head {
                    break;
                }
            }
            Err(error) => {
                found.0.push(format!("log after {at}: {error}"));
                return;
            }
        }
    }
    found.compare("log", Ok(read), &model.log);
}

async fn pending(store: &dyn Store, model: &Model, found: &mut Differences) {
    let syncs: BTreeSet<&SyncId> = model.pending.iter().map(|p| &p.key.sync).collect();
    let dues: BTreeSet<Timestamp> = model.pending.iter().map(|p| p.due).take(3).collect();
    let ids: BTreeSet<ProfileId> = model.pending.iter().map(|p| p.key.profile).collect();
    for sync in syncs {
        let mut all: Vec<Pending> =
            model.pending.iter().filter(|p| p.key.sync == *sync).cloned().collect();
        all.sort_by(|left, right| left.key.cmp(&right.key));
        for due in dues.iter().chain([&Timestamp(i64::MIN), &Timestamp(i64::MAX)]) {
            let wanted: Vec<Pending> = all.iter().filter(|p| p.due <= *due).cloned().collect();
            found.compare("pending", store.pending(sync, *due, usize::MAX).await, &wanted);
        }
        for id in &ids {
            let of = |p: &&Pending| model.resolve(p.key.profile) == model.resolve(*id);
            let wanted: Vec<Pending> = all.iter().filter(of).cloned().collect();
            found.compare("pending of", store.pending_of(sync, &[*id]).await, &wanted);
        }
        found.compare(
            "pending of all",
            store.pending_of(sync, &ids.iter().copied().collect::<Vec<_>>()).await,
            &all,
        );
    }
}

async fn work(store: &dyn Store, model: &Model, found: &mut Differences) {
    for (name, value) in &model.positions {
        found.compare("position", store.position(name).await, &Some(value.clone()));
    }
    let unknown = PositionName::new("no such position");
    found.compare("position", store.position(&unknown).await, &None);
    let mut decisions = model.decisions.clone();
    decisions.sort_by_key(|decision| decision.stamp);
    found.compare("decisions", store.decisions().await, &decisions);

    let text = |row: &_| serde_json::to_string(row).unwrap_or_default();
    let mut wanted: Vec<String> = model.quarantined.iter().map(text).collect();
    wanted.sort();
    let answer = store.quarantined(0, usize::MAX).await;
    let answer = answer.map(|rows| {
        let mut rows: Vec<String> = rows.iter().map(text).collect();
        rows.sort();
        rows
    });
    found.compare("quarantine", answer, &wanted);

    let wanted: BTreeSet<_> = model.reviews.iter().cloned().collect();
    let answer = store.reviews(usize::MAX).await.map(|rows| rows.into_iter().collect());
    found.compare("reviews", answer, &wanted);
    let mut runs = model.runs.clone();
    runs.sort_by(|left, right| right.id.cmp(&left.id));
    found.compare("runs", store.runs(None, usize::MAX).await, &runs);
    for run in &model.runs {
        found.compare("run", store.run(&run.id).await, &Some(run.clone()));
    }
    let inbox = store.inbox(0, usize::MAX).await;
    let inbox = inbox.map(|rows| rows.into_iter().map(|e| (e.seq, e.body)).collect());
    found.compare("inbox", inbox, &model.inbox);
    for (connection, name, sealed) in &model.tokens {
        let answer = store.token(connection, name).await;
        found.compare("token", answer, &Some(sealed.clone()));
    }
}

async fn events(store: &dyn Store, model: &Model, found: &mut Differences) {
    let scanned = store.scan_events(None, usize::MAX).await;
    let scanned = scanned.map(|rows| rows.into_iter().map(|(_, event)| event).collect());
    found.compare("events", scanned, &model.events);
    for events in model.events.chunks(CALL_ROWS) {
        let refs: Vec<RecordRef> = events.iter().map(|event| event.at.clone()).collect();
        let wanted: Vec<Option<Event>> = events.iter().cloned().map(Some).collect();
        found.compare("events by key", store.events_by_ref(&refs).await, &wanted);
    }
    let identities: BTreeSet<&Identity> =
        model.events.iter().flat_map(|event| &event.identities).collect();
    for identity in identities {
        let mut wanted: Vec<Event> =
            model.events.iter().filter(|e| e.identities.contains(identity)).cloned().collect();
        wanted.reverse();
        // Stable: of one instant the last received comes first.
        wanted.sort_by_key(|event| std::cmp::Reverse(event.time));
        let answer = store.events(std::slice::from_ref(identity), None, usize::MAX).await;
        found.compare("events of one", answer.map(|page| page.events), &wanted);
    }
}

async fn standings(store: &dyn Store, model: &Model, found: &mut Differences) {
    let ids: Vec<ProfileId> = (0..=model.counters.record + 1).map(ProfileId).collect();
    for ids in ids.chunks(CALL_ROWS) {
        let of = |id: &ProfileId| {
            model.standings.get(id).cloned().unwrap_or_else(|| Standing::none(*id))
        };
        let wanted: Vec<Standing> = ids.iter().map(of).collect();
        found.compare("standings", store.standings(ids).await, &wanted);
    }
    let all = || model.standings.values();
    let names: BTreeSet<&str> = all().flat_map(|s| s.segments.keys()).map(|name| &**name).collect();
    for name in names.into_iter().chain(["no such segment"]) {
        let since = |s: &Standing| Some((s.profile, *s.segments.get(name)?));
        let wanted: Vec<(ProfileId, Timestamp)> = all().filter_map(since).collect();
        found.compare("members", store.members(name, None, usize::MAX).await, &wanted);
        found.compare("count", store.member_count(name).await, &(wanted.len() as u64));
    }
    let reviews: BTreeSet<(Timestamp, ProfileId)> =
        all().filter_map(|s| Some((s.review?, s.profile))).collect();
    for (at, _) in reviews.iter().chain([&(Timestamp(i64::MIN), ProfileId(0))]) {
        let due = reviews.iter().filter(|(review, _)| review <= at);
        let wanted: Vec<ProfileId> = due.map(|(_, id)| *id).collect();
        found.compare("due standings", store.standings_due(*at, usize::MAX).await, &wanted);
    }
}

/// Numbers are a store's own: entries are compared in the order of their places.
async fn written(store: &dyn Store, model: &Model, found: &mut Differences) {
    let plain = |rows: Vec<(LedgerPlace, LedgerEntry)>| {
        rows.into_iter().map(|(_, entry)| entry).collect::<Vec<LedgerEntry>>()
    };
    let mut wanted: Vec<&(u64, LedgerEntry)> = model.written.iter().collect();
    wanted.sort_by(|one, other| (&one.1.run, one.0).cmp(&(&other.1.run, other.0)));
    let wanted: Vec<LedgerEntry> = wanted.into_iter().map(|(_, entry)| entry.clone()).collect();
    let answer = store.scan_written(None, None, usize::MAX).await;
    found.compare("ledger", answer.map(plain), &wanted);
    let records: BTreeSet<RecordNo> = wanted.iter().flat_map(LedgerEntry::found_by).collect();
    for record in records {
        let about = |entry: &&LedgerEntry| entry.found_by().any(|by| by == record);
        let wanted: Vec<LedgerEntry> = wanted.iter().filter(about).cloned().collect();
        found.compare("ledger of one", store.written_about(record).await.map(plain), &wanted);
    }
}
