//! Rows that fit together, for the suite and for whoever tests over a store.

use std::collections::BTreeMap;

use hub_model::{
    Assertion, Attempt, Change, ChangeKind, Claim, Claimed, CommitSeq, Conflict, ConflictReason,
    EntityKind, Event, Fault, FaultCode, FieldName, FieldState, Identity, IdentityFact,
    LedgerEntry, LedgerField, Object, Origin, Pending, PendingKey, PendingState, PositionName,
    Profile, ProfileId, Provenance, Quarantined, Receipt, Record, RecordNo, RecordRef, Related,
    Relation, RemoteKey, Run, RunCounts, RunId, RunStatus, Side, Stamp, StreamRef, SyncId,
    Timestamp, Trait, TraitName, Trigger, Value, WriteKind,
};

use super::WORKSPACE;
use crate::write_set::{Counters, PositionChange, WriteSet};

/// The stream `contacts` of the connection `crm`.
pub fn stream() -> StreamRef {
    StreamRef::new(WORKSPACE, "crm", "contacts")
}

/// A row of [`stream`].
pub fn at(key: &str) -> RecordRef {
    RecordRef { stream: stream(), key: RemoteKey::new(key) }
}

/// The identity of person `number`.
pub fn email(number: u64) -> Identity {
    Identity::new("email", &format!("p{number}@example.org"))
}

/// Record `number`, key `k<number>`, stamp `number`, of the profile of that id.
pub fn record(number: u64) -> Record {
    let name = Value::text(format!("Person {number}"));
    let state = FieldState {
        asserted: Some(Assertion::new(name.clone(), Stamp(number))),
        remote: Some(name.clone()),
        sent: Stamp(0),
        dispute: None,
    };
    let fact = IdentityFact {
        identity: Some(email(number)),
        namespace: "email".into(),
        field: FieldName::new("email"),
        stamp: Stamp(number),
        edited: false,
        contested: false,
    };
    Record {
        number: RecordNo(number),
        at: at(&format!("k{number}")),
        origin: Origin::Received,
        born: Stamp(number),
        deleted: None,
        absences: Vec::new(),
        version: Some(format!("v{number}")),
        raw: Object::from([("name".into(), name)]),
        fields: BTreeMap::from([(FieldName::new("name"), state)]),
        identities: vec![fact],
        relations: Vec::new(),
        profile: ProfileId(number),
        run: RunId::new("run-1"),
    }
}

/// The end of a relation to person `number`.
pub fn related(number: u64) -> Related {
    Related::Identity(email(number))
}

/// Record `number` as an object of the stream `orders`: it relates to a person,
/// and names nobody.
pub fn order(number: u64, buyer: u64) -> Record {
    let mut order = record(number);
    order.at.stream = StreamRef::new(WORKSPACE, "crm", "orders");
    order.identities.clear();
    order.profile = ProfileId::NOBODY;
    relate(&mut order, "buyer", related(buyer));
    order
}

/// A record relates to something more.
pub fn relate(record: &mut Record, role: &str, to: Related) {
    record.relations.push(Relation { role: role.into(), to, field: FieldName::new(role) });
    record.relations.sort_unstable();
}

/// The profile of record `number` alone.
pub fn profile(number: u64) -> Profile {
    let name = Trait {
        value: Value::text(format!("Person {number}")),
        stamp: Stamp(number),
        provenance: Provenance {
            record: RecordNo(number),
            field: FieldName::new("name"),
            rule: hub_model::Survivorship::MostRecent,
        },
    };
    Profile {
        id: ProfileId(number),
        kind: EntityKind::Person,
        traits: BTreeMap::from([(TraitName::new("name"), name)]),
        identities: vec![Claimed { identity: email(number), stamp: Stamp(number) }],
        records: vec![RecordNo(number)],
        consents: Vec::new(),
        conflicts: Vec::new(),
    }
}

/// A conflict about the name, with a record on one side.
pub fn conflict(record: u64) -> Conflict {
    let side = Side { record: RecordNo(record), field: FieldName::new("name") };
    Conflict { name: TraitName::new("name"), reason: ConflictReason::Ask, sides: vec![side] }
}

/// A claim of one record by each of these profiles.
pub fn claim(profiles: &[u64]) -> Claim {
    Claim {
        profiles: profiles.iter().map(|id| ProfileId(*id)).collect(),
        carriers: u32::try_from(profiles.len()).unwrap_or(u32::MAX),
    }
}

/// An entry for the log; the store sets its commit.
pub fn change(profile: u64, kind: ChangeKind) -> Change {
    Change { seq: CommitSeq(0), profile: ProfileId(profile), kind }
}

/// The counters after person `number`.
pub fn counters(number: u64) -> Option<Counters> {
    Some(Counters { record: number, stamp: number })
}

/// Person `number` comes in: a record, a profile, a claim, an entry in the log.
pub fn person(number: u64) -> WriteSet {
    WriteSet {
        counters: counters(number),
        records: vec![record(number)],
        profiles: vec![profile(number)],
        claims: vec![(email(number), claim(&[number]))],
        changes: vec![change(number, ChangeKind::Created)],
        ..WriteSet::default()
    }
}

/// People `1..=last`, in one set.
pub fn people(last: u64) -> WriteSet {
    let mut all = WriteSet { counters: counters(last), ..WriteSet::default() };
    for number in 1..=last {
        let mut one = person(number);
        all.records.append(&mut one.records);
        all.profiles.append(&mut one.profiles);
        all.claims.append(&mut one.claims);
        all.changes.append(&mut one.changes);
    }
    all
}

/// Profile `absorbed` merges into `surviving`, each of one record.
pub fn merge(absorbed: u64, surviving: u64) -> WriteSet {
    let mut joined = profile(surviving);
    joined.records = vec![RecordNo(surviving), RecordNo(absorbed)];
    joined.records.sort_unstable();
    joined.identities.push(Claimed { identity: email(absorbed), stamp: Stamp(absorbed) });
    WriteSet {
        profiles: vec![joined],
        aliases: vec![(ProfileId(absorbed), ProfileId(surviving))],
        changes: vec![change(absorbed, ChangeKind::Merged)],
        ..WriteSet::default()
    }
}

/// A position that moves.
pub fn moves(name: &str, expected: Option<&[u8]>, new: Option<&[u8]>) -> PositionChange {
    PositionChange {
        name: PositionName::new(name),
        expected: expected.map(<[u8]>::to_vec),
        new: new.map(<[u8]>::to_vec),
    }
}

/// A delivery of `sync` about a profile, due at a second.
pub fn pending(sync: &str, profile: u64, record: Option<u64>, due_seconds: i64) -> Pending {
    Pending {
        key: PendingKey {
            sync: SyncId::new(sync),
            profile: ProfileId(profile),
            record: record.map(RecordNo),
        },
        state: PendingState::Retry,
        attempt: Attempt {
            fields: BTreeMap::from([(
                FieldName::new("name"),
                (Value::text(format!("Person {profile}")), Stamp(profile)),
            )]),
            idempotency_key: format!("{sync}-{profile}"),
        },
        run: None,
        tries: 1,
        due: Timestamp::from_seconds(due_seconds),
        fault: Some(Fault::new(FaultCode::Transient).at(sync).with("status", 503)),
        word: None,
    }
}

/// A write of the name of person `number` by run `run` of a sync.
pub fn written(sync: &str, run_number: u64, number: u64) -> LedgerEntry {
    let pending = pending(sync, number, Some(number), 1);
    let id = run(sync, run_number).id;
    let field = LedgerField {
        before: Some(Value::Null),
        sent: Some(Value::text(format!("Person {number}"))),
        shown: None,
        stamp: Stamp(number),
    };
    LedgerEntry {
        profile: ProfileId(number),
        record: Some(RecordNo(number)),
        key: Some(RemoteKey::new(format!("k{number}"))),
        about: vec![RecordNo(number), RecordNo(number + 1)],
        fields: BTreeMap::from([(FieldName::new("name"), field)]),
        at: Timestamp::from_seconds(5),
        ..LedgerEntry::of(WriteKind::Update, &pending.attempt, (&id, &SyncId::new(sync)))
    }
}

/// A row in quarantine.
pub fn rejected(key: Option<&str>, note: &str) -> Quarantined {
    Quarantined {
        stream: stream(),
        key: key.map(RemoteKey::new),
        fault: Fault::new(FaultCode::RowInvalid).at("email").with("rule", note),
        raw: format!("{{\"note\":\"{note}\"}}"),
        run: RunId::new("run-1"),
        at: Timestamp::from_seconds(1),
    }
}

/// Run `number` of a sync.
pub fn run(sync: &str, number: u64) -> Run {
    Run {
        id: RunId::new(format!("{number:010}-{sync}")),
        sync: SyncId::new(sync),
        trigger: Trigger::Schedule(Timestamp::from_seconds(60)),
        started: Timestamp::from_seconds(61),
        ended: None,
        status: RunStatus::Running,
        counts: RunCounts { pages: number, ..RunCounts::default() },
        fault: None,
        connector: None,
        receipt: Receipt::default(),
        plan: None,
        undoes: None,
        delivery: None,
        answer: None,
        until: None,
        forecast: None,
    }
}

/// Event `number` of the stream `visits`, at that second, about these people and
/// their browsers.
pub fn event(number: u64, people: &[u64]) -> Event {
    let time = Timestamp::from_seconds(number.cast_signed());
    let mut identities: Vec<Identity> = people
        .iter()
        .flat_map(|n| [email(*n), Identity::new("visitor", &format!("browser-{n}"))])
        .collect();
    identities.sort();
    Event {
        at: RecordRef {
            stream: StreamRef::new(WORKSPACE, "site", "visits"),
            key: RemoteKey::new(format!("e{number}")),
        },
        name: if number.is_multiple_of(3) { "click".into() } else { "page_view".into() },
        time,
        received: time.plus_seconds(5),
        properties: Object::from([("url".into(), Value::text(format!("/page/{number}")))]),
        identities,
    }
}
