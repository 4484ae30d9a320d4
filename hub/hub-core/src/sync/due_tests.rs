//! What is due, what is not, and what a delivery leaves behind.

use std::collections::BTreeMap;

use hub_model::{
    Assertion, Attempt, Cleaner, Conversion, CreatePolicy, EntityKind, FaultCode, FieldName,
    FieldState, Made, Mapping, Object, Origin, Profile, ProfileId, Provenance, Record, RecordNo,
    RunId, Stamp, Template, Trait, TraitName, Transform, Value,
};

use super::{Birth, Due, created, created_for_asked, delivered, due, mark_sent};
use crate::fixture::{at, mapping, row, rules};
use crate::identity::rebuild::Rebuilt;
use crate::mapping::forget_forms;

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
        Due::MarkSent { .. } | Due::Remove { .. } | Due::Refused { .. } => None,
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
            Due::Create { .. } | Due::Remove { .. } | Due::Refused { .. } => panic!("it is there"),
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

#[test]
fn whom_a_row_was_asked_for_does_not_change_with_a_merge() {
    let crm = crm();
    let (one, other) = (record(&crm, 1, &[]), record(&crm, 5, &[]));
    let mut gone = one.clone();
    gone.deleted = Some(Stamp(20));
    let mut made = record(&crm, 7, &[]);
    made.origin = Origin::Created { for_record: RecordNo(5) };
    let asked = |profile: u64, members: &[&Record]| {
        created_for_asked(ProfileId(profile), members).map(|number| number.0)
    };
    assert_eq!(asked(1, &[&one, &other]), Some(1));
    // It was absorbed since.
    assert_eq!(asked(5, &[&one, &other]), Some(5));
    // It absorbed another, and lost its founder.
    assert_eq!(asked(1, &[&gone, &other]), Some(1));
    // The founder went another way.
    assert_eq!(asked(9, &[&gone, &other]), Some(5));
    // A row is never made for one that was made itself.
    assert_eq!(asked(7, &[&other, &made]), Some(5));
    assert_eq!(asked(1, &[]), None);
}

/// `country` of this mapping has two forms, and `label` is made of traits.
fn converting() -> Mapping {
    let mut crm = mapping("crm", &["mail <-> mail email", "land <-> country", "label <- =label"]);
    let table = [("FR", "France"), ("DE", "Germany")];
    let table = table.map(|(key, name)| (key.to_owned(), Value::text(name))).into();
    let way = vec![
        Transform::Clean(Cleaner::Upper).into(),
        Transform::Clean(Cleaner::Map { table }).into(),
    ];
    crm.fields[1].conversion = Some(Box::new(Conversion::reading(way)));
    let template = Template::parse("{mail} ({country})").unwrap();
    crm.fields[2].conversion = Some(Box::new(Conversion {
        made: Some(Made::Template(template)),
        read: Vec::new(),
        write: Some(vec![Transform::Title.into()]),
    }));
    crm
}

#[test]
fn golden_values_are_written_in_the_form_that_they_have_there() {
    let (crm, shop) = (converting(), shop_record());
    let golden = profile(&[("mail", "a@x.fr", 9), ("country", "France", 8)]);
    let made = due(&golden, &[&shop], &crm);
    let [Due::Create { fields, .. }] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!(fields["land"], (Value::text("FR"), Stamp(8)));
    assert_eq!(fields["label"].0, Value::text("A@x.fr (France)"));

    // The form is there already, in whatever form it was told.
    let shows = record(&crm, 2, &[("mail", "a@x.fr", 9), ("land", "FR", 3), ("label", "x", 9)]);
    let owed = due(&golden, &[&shop, &shows], &crm);
    let silent = BTreeMap::from([(FieldName::new("land"), Stamp(8))]);
    assert_eq!(owed[0], Due::MarkSent { record: RecordNo(2), fields: silent });
    let told = &writes(&owed)["label"];
    assert_eq!(told.0, Value::text("A@x.fr (France)"));
    // The stamp of a template moves with each of its parts.
    let moved = profile(&[("mail", "a@x.fr", 9), ("country", "France", 7)]);
    assert_ne!(writes(&due(&moved, &[&shop, &shows], &crm))["label"].1, told.1);
}

#[test]
fn a_value_without_a_form_holds_its_row_and_says_why() {
    let (crm, shop) = (converting(), shop_record());
    let golden = profile(&[("mail", "a@x.fr", 9), ("country", "Atlantis", 8)]);
    let shows = record(&crm, 2, &[("mail", "b@x.fr", 4), ("land", "FR", 3)]);
    for (record, members) in [(None, vec![&shop]), (Some(RecordNo(2)), vec![&shop, &shows])] {
        let owed = due(&golden, &members, &crm);
        let [Due::Refused { record: at, fields, fault, .. }] = owed.as_slice() else {
            panic!("{owed:?}")
        };
        assert_eq!(*at, record);
        assert_eq!(fields["land"], (Value::text("Atlantis"), Stamp(8)));
        assert_eq!(fields["mail"], (Value::text("a@x.fr"), Stamp(9)));
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::NoForm, "land"));
        assert_eq!((&*fault.args["rule"], &*fault.args["class"]), ("map", "text"));
        assert!(!fault.to_string().contains("Atlantis"), "{fault}");
    }
}

#[test]
fn a_system_is_given_back_its_own_form_to_the_letter() {
    let (crm, shop) = (converting(), shop_record());
    let mut golden = profile(&[("mail", "a@x.fr", 9), ("country", "France", 5)]);
    let mut own = record(&crm, 2, &[("mail", "a@x.fr", 9), ("land", "DE", 8), ("label", "x", 1)]);
    let asserted = Assertion::new(Value::text("fr"), Stamp(5));
    own.fields.get_mut("land").unwrap().asserted = Some(asserted);
    let from = &mut golden.traits.get_mut("country").unwrap().provenance;
    (from.record, from.field) = (RecordNo(2), FieldName::new("land"));
    let owed = due(&golden, &[&shop, &own], &crm);
    assert_eq!(writes(&owed)["land"], (Value::text("fr"), 5));
}

#[test]
fn a_constant_is_due_once_and_is_no_reason_for_a_row() {
    let mut crm = mapping("crm", &["mail -> mail email", "source <- =source"]);
    let constant = |text: &str| {
        let made = Some(Made::Constant(Value::text(text)));
        Some(Box::new(Conversion { made, read: Vec::new(), write: Some(Vec::new()) }))
    };
    crm.fields[1].conversion = constant("liaison");
    let (golden, shop) = (profile(&[("mail", "a@x.fr", 9)]), shop_record());
    assert_eq!(due(&golden, &[&shop], &crm), []);
    let shows = record(&crm, 2, &[("mail", "a@x.fr", 0)]);
    let owed = due(&golden, &[&shop, &shows], &crm);
    let [Due::Update { fields, .. }] = owed.as_slice() else { panic!("{owed:?}") };
    assert_eq!(fields["source"], (Value::text("liaison"), shop.born));
    let attempt = Attempt { fields: fields.clone(), idempotency_key: String::new() };
    let told = delivered(&shows, &attempt, None, None, &crm);
    assert_eq!(due(&golden, &[&shop, &told], &crm), []);

    // Told by an older constant, it is due again, and forgotten only once.
    let (old, mut new) = (rules(vec![], vec![crm.clone()]), rules(vec![], vec![crm]));
    new.mappings[0].fields[1].conversion = constant("hub");
    let told = Record { profile: ProfileId(1), ..told };
    let owner = Profile { records: vec![shop.number, told.number], ..golden.clone() };
    let group = || Rebuilt {
        records: [shop.clone(), told.clone()].map(|record| (record.number, record)).into(),
        profiles: [(owner.id, owner.clone())].into(),
        claims: BTreeMap::new(),
    };
    let (before, mut after) = (group(), group());
    forget_forms((&before, &old), (&mut after, &new));
    let moved = after.records[&told.number].clone();
    let owed = due(&golden, &[&shop, &moved], &new.mappings[0]);
    assert_eq!(writes(&owed)["source"].0, Value::text("hub"));
    forget_forms((&before, &old), (&mut after, &new));
    assert_eq!(after.records[&told.number], moved);
}

#[test]
fn what_would_not_be_admitted_when_it_is_read_again_is_not_written() {
    let mut crm = mapping("crm", &["mail -> mail email", "vip <-> vip"]);
    let words = Transform::Boolean { yes: vec!["oui".to_owned()], no: vec!["non".to_owned()] };
    let way = vec![Transform::Title.into(), words.into()];
    crm.fields[1].conversion = Some(Box::new(Conversion::reading(way)));
    let (mut golden, shop) = (profile(&[("mail", "a@x.fr", 9), ("vip", "x", 8)]), shop_record());
    golden.traits.get_mut("vip").unwrap().value = Value::Bool(true);
    let owed = due(&golden, &[&shop], &crm);
    let [Due::Refused { fault, .. }] = owed.as_slice() else { panic!("{owed:?}") };
    assert_eq!((&*fault.args["rule"], &*fault.args["class"]), ("boolean", "text"));
}
