//! What is due, what is not, and what a delivery leaves behind.

use std::collections::BTreeMap;

use hub_model::{
    Assertion, Attempt, CreatePolicy, EntityKind, FieldName, FieldState, Mapping, Object, Origin,
    Profile, ProfileId, Provenance, Record, RecordNo, RunId, Stamp, Trait, TraitName, Value,
};

use super::{Birth, Due, created, delivered, due, mark_sent};
use crate::fixture::{at, mapping, row};

fn crm() -> Mapping {
    mapping("crm", &["mail <-> mail email", "name <- name", "seen -> seen"])
}

fn profile(traits: &[(&str, &str, u64)]) -> Profile {
    let golden = |(name, value, stamp): &(&str, &str, u64)| {
        let value = row(&[("v", value)]).remove("v").unwrap();
        let provenance = Provenance {
            record: RecordNo(1),
            field: FieldName::new("f"),
            rule: hub_model::Survivorship::MostRecent,
        };
        (TraitName::new(*name), Trait { value, stamp: Stamp(*stamp), provenance })
    };
    Profile {
        id: ProfileId(1),
        kind: EntityKind::Person,
        traits: traits.iter().map(golden).collect(),
        identities: Vec::new(),
        records: Vec::new(),
        consents: Vec::new(),
        conflicts: Vec::new(),
    }
}

/// A live received record with `(field, remote, sent)` states.
fn record(mapping: &Mapping, number: u64, states: &[(&str, &str, u64)]) -> Record {
    let birth = Birth {
        number: RecordNo(number),
        stamp: Stamp(number),
        at: at(mapping, &number.to_string()),
        for_record: RecordNo(number),
        profile: ProfileId(1),
        run: RunId::new("run"),
    };
    let attempt = Attempt { fields: BTreeMap::new(), idempotency_key: String::new() };
    let mut record = created(birth, &attempt, None, Some("v1"), mapping);
    record.origin = Origin::Received;
    for (field, remote, sent) in states {
        let remote = row(&[("v", remote)]).remove("v");
        let state = FieldState { remote, sent: Stamp(*sent), ..FieldState::default() };
        record.fields.insert(FieldName::new(*field), state);
    }
    record
}

fn shop_record() -> Record {
    record(&mapping("shop", &["mail -> mail"]), 1, &[])
}

fn writes(due: &[Due]) -> BTreeMap<&str, (Value, u64)> {
    let updates = due.iter().filter_map(|due| match due {
        Due::Update { fields, .. } | Due::Create { fields, .. } => Some(fields),
        Due::MarkSent { .. } | Due::Remove { .. } => None,
    });
    updates
        .flatten()
        .map(|(field, (value, stamp))| (field.as_str(), (value.clone(), stamp.0)))
        .collect()
}

#[test]
fn a_field_is_due_when_the_stamps_differ() {
    // (golden, states of the record, fields to write, fields only to mark)
    type Case<'a> = (
        &'a [(&'a str, &'a str, u64)],
        &'a [(&'a str, &'a str, u64)],
        &'a [(&'a str, &'a str, u64)],
        &'a [(&'a str, u64)],
    );
    let cases: &[Case<'_>] = &[
        // Nobody asserts anything and nothing was ever delivered.
        (&[], &[], &[], &[]),
        (&[], &[("mail", "x", 0)], &[], &[]),
        // Newer, and older after a separation.
        (&[("mail", "a", 9)], &[("mail", "b", 4)], &[("mail", "a", 9)], &[]),
        (&[("mail", "a", 3)], &[("mail", "b", 4)], &[("mail", "a", 3)], &[]),
        (&[("mail", "a", 4)], &[("mail", "b", 4)], &[], &[]),
        // Nobody asserts it any more.
        (&[], &[("mail", "b", 4)], &[("mail", "", 0)], &[]),
        (&[], &[("mail", "", 4)], &[], &[("mail", 0)]),
        (&[("mail", "", 6)], &[("mail", "b", 4)], &[("mail", "", 6)], &[]),
        // It is there already.
        (&[("mail", "a", 9)], &[("mail", "a", 4)], &[], &[("mail", 9)]),
        // Never seen there counts as null.
        (&[("name", "Ana", 9)], &[], &[("name", "Ana", 9)], &[]),
        (&[("name", "", 9)], &[], &[], &[("name", 9)]),
        // Only read.
        (&[("seen", "now", 9)], &[("seen", "then", 4)], &[], &[]),
        // Both at once.
        (
            &[("mail", "a", 9), ("name", "Ana", 8)],
            &[("mail", "a", 4), ("name", "Ann", 2)],
            &[("name", "Ana", 8)],
            &[("mail", 9)],
        ),
    ];
    for (golden, states, wanted, marked) in cases {
        let record = record(&crm(), 2, states);
        let due = due(&profile(golden), &[&shop_record(), &record], &crm());
        let wanted: BTreeMap<&str, (Value, u64)> = wanted
            .iter()
            .map(|(f, v, s)| (*f, (row(&[("v", v)]).remove("v").unwrap(), *s)))
            .collect();
        assert_eq!(writes(&due), wanted, "{golden:?} {states:?}");
        let silent: Vec<(&str, u64)> = due
            .iter()
            .filter_map(|due| match due {
                Due::MarkSent { fields, .. } => Some(fields),
                _ => None,
            })
            .flatten()
            .map(|(field, stamp)| (field.as_str(), stamp.0))
            .collect();
        assert_eq!(silent, *marked, "{golden:?} {states:?}");
        let order = due.iter().map(|due| matches!(due, Due::Update { .. }));
        assert!(order.is_sorted());
    }
}

#[test]
fn what_was_done_is_not_due_again() {
    let golden = profile(&[("mail", "Ana@X.fr", 9), ("name", "", 8)]);
    let shop = shop_record();
    let record = record(&crm(), 2, &[("mail", "b", 4), ("name", "", 0)]);
    let returned = row(&[("mail", "ana@x.fr"), ("seen", "today"), ("etag", "7")]);
    let mut next = record;
    for due in due(&golden, &[&shop, &next.clone()], &crm()) {
        next = match due {
            Due::MarkSent { fields, .. } => mark_sent(&next, &fields),
            Due::Update { fields, .. } => {
                let attempt = Attempt { fields, idempotency_key: String::new() };
                delivered(&next, &attempt, Some(&returned), Some("v2"), &crm())
            }
            Due::Create { .. } | Due::Remove { .. } => panic!("it is there"),
        };
    }
    assert_eq!(due(&golden, &[&shop, &next], &crm()), []);
    // The vendor's form is kept; what it says of a field that we did not write is left to the next read.
    assert_eq!(next.fields["mail"].remote, Some(Value::text("ana@x.fr")));
    assert!(!next.fields.contains_key("seen"));
    assert_eq!(next.raw.get("etag"), Some(&Value::text("7")));
    assert_eq!(next.version.as_deref(), Some("v2"));
    assert!(!next.asserts_anything());
}

#[test]
fn creates_have_conditions() {
    let golden = profile(&[("mail", "a@x.fr", 9), ("name", "Ana", 8), ("seen", "now", 7)]);
    let shop = shop_record();
    let create = |golden: &Profile, members: &[&Record], mapping: &Mapping| {
        due(golden, members, mapping).into_iter().next()
    };
    let Some(Due::Create { fields, matching, for_record }) = create(&golden, &[&shop], &crm())
    else {
        panic!("a create is due");
    };
    assert_eq!(fields.keys().map(FieldName::as_str).collect::<Vec<_>>(), ["mail", "name"]);
    assert_eq!(matching, [(FieldName::new("mail"), Value::text("a@x.fr"))]);
    assert_eq!(for_record, RecordNo(1));

    let gone = |record: &Record| Record { deleted: Some(Stamp(20)), ..record.clone() };
    let ours = Record { origin: Origin::Created { for_record: RecordNo(1) }, ..shop.clone() };
    let later = Record { number: RecordNo(5), ..shop.clone() };
    let mut update_only = crm();
    update_only.create = CreatePolicy::UpdateOnly;
    let mut accounts = crm();
    accounts.kind = EntityKind::Account;
    let reads = mapping("crm", &["mail -> mail email"]);
    let nameless = profile(&[("mail", " ", 9), ("name", "Ana", 8)]);
    let there = record(&crm(), 2, &[("mail", "a@x.fr", 9), ("name", "Ana", 8)]);
    let refused: &[(&str, Option<Due>)] = &[
        ("policy", create(&golden, &[&shop], &update_only)),
        ("another kind", create(&golden, &[&shop], &accounts)),
        ("nothing is written", create(&golden, &[&shop], &reads)),
        ("nothing to find it by", create(&nameless, &[&shop], &crm())),
        ("it is there", create(&golden, &[&shop, &there], &crm())),
        ("it was there", create(&golden, &[&shop, &gone(&there)], &crm())),
        ("nobody lives", create(&golden, &[&gone(&shop)], &crm())),
        ("only ours lives", create(&golden, &[&ours, &gone(&later)], &crm())),
    ];
    for (why, due) in refused {
        assert_eq!(*due, None, "{why}");
    }
    let Some(Due::Create { for_record, .. }) =
        create(&golden, &[&ours, &later, &gone(&shop)], &crm())
    else {
        panic!("a create is due");
    };
    assert_eq!(for_record, RecordNo(5));
}

#[test]
fn nothing_is_written_for_those_who_cannot_speak() {
    let golden = profile(&[("mail", "a@x.fr", 9)]);
    let mut orphan = record(&crm(), 2, &[("mail", "b@x.fr", 4)]);
    orphan.origin = Origin::Created { for_record: RecordNo(1) };
    assert_eq!(due(&golden, &[&orphan], &crm()), []);
    let asserted = Some(Assertion::new(Value::text("b@x.fr"), Stamp(4)));
    orphan.fields.get_mut("mail").unwrap().asserted = asserted;
    assert_eq!(due(&golden, &[&orphan], &crm()).len(), 1);
    orphan.deleted = Some(Stamp(5));
    assert_eq!(due(&golden, &[&orphan, &shop_record()], &crm()), []);
}

#[test]
fn a_created_record_remembers_and_asserts_nothing() {
    let fields = [("mail", "Ana@X.fr"), ("name", "Ana")];
    let attempt = Attempt {
        fields: fields
            .iter()
            .map(|(f, v)| (FieldName::new(*f), (Value::text(*v), Stamp(9))))
            .collect(),
        idempotency_key: String::new(),
    };
    let birth = |mapping: &Mapping| Birth {
        number: RecordNo(3),
        stamp: Stamp(12),
        at: at(mapping, "k3"),
        for_record: RecordNo(1),
        profile: ProfileId(1),
        run: RunId::new("run"),
    };
    let returned: Object = row(&[("mail", "ana@x.fr"), ("seen", "today"), ("id", "k3")]);
    let record = created(birth(&crm()), &attempt, Some(&returned), Some("v1"), &crm());
    assert!(!record.asserts_anything() && record.identities.is_empty());
    assert_eq!(record.origin, Origin::Created { for_record: RecordNo(1) });
    assert_eq!((record.born, record.profile), (Stamp(12), ProfileId(1)));
    let state = |field: &str| (record.fields[field].remote.clone(), record.fields[field].sent.0);
    assert_eq!(state("mail"), (Some(Value::text("ana@x.fr")), 9));
    // Not returned: the form there is for the next read to show.
    assert_eq!(state("name"), (None, 9));
    assert_eq!(record.raw.get("name"), Some(&Value::text("Ana")));
    assert_eq!(state("seen"), (Some(Value::text("today")), 0));
    assert_eq!(record.raw.get("id"), Some(&Value::text("k3")));
}
