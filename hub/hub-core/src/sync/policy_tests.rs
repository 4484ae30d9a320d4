//! Who goes, who stays, and who comes back, as tables.

use hub_model::{
    Absence, Attempt, CreatePolicy, DeletePolicy, EntityKind, FieldName, Mapping, Origin,
    ProfileId, Record, RecordNo, RunId, Several, Stamp, Timestamp, Value,
};

use super::{Birth, Due, Moment, created, leaving, may_have, owed};
use crate::fixture::{at, mapping, row, rules};
use crate::profile::derive;
use crate::retention::emptied;
use crate::sync::several::receiving;
use crate::sync::{Context, Observation, Row, Stamps, observe};

fn crm(create: CreatePolicy, deletes: DeletePolicy) -> Mapping {
    Mapping { create, deletes, ..mapping("crm", &["mail <-> mail email", "name <-> name"]) }
}

fn shop() -> Mapping {
    mapping("shop", &["mail -> mail", "name -> name"])
}

/// A row that its system had by itself, first read with a stamp.
fn own(mapping: &Mapping, number: u64, born: u64) -> Record {
    let (at, object) =
        (at(mapping, &number.to_string()), row(&[("mail", "a@x.fr"), ("name", "Ana")]));
    let rules = rules(vec![], vec![mapping.clone()]);
    let run = RunId::new("run");
    let context = Context { number: RecordNo(number), run: &run, rules: &rules, now: Timestamp(0) };
    let read = Row { at: &at, object: &object, raw: &object, version: None };
    match observe(None, &read, mapping, &mut Stamps::after(born - 1), &context) {
        Observation::Seen(seen) => seen.record,
        Observation::Unchanged => panic!("a first row is news"),
    }
}

/// A row that the hub made.
fn made(mapping: &Mapping, number: u64, for_record: u64, born: u64) -> Record {
    let birth = Birth {
        number: RecordNo(number),
        stamp: Stamp(born),
        at: at(mapping, &number.to_string()),
        for_record: RecordNo(for_record),
        profile: ProfileId(1),
        run: RunId::new("run"),
    };
    let attempt = Attempt { fields: Default::default(), idempotency_key: String::new() };
    created(birth, &attempt, None, None, mapping)
}

fn gone(record: &Record, at: u64) -> Record {
    Record { deleted: Some(Stamp(at)), ..record.clone() }
}

fn back(record: &Record, from: u64, to: u64) -> Record {
    let absences = vec![Absence { from: Stamp(from), to: Stamp(to) }];
    Record { absences, deleted: None, ..record.clone() }
}

/// What is owed to the rows of the CRM, in a word.
fn word(members: &[&Record], mapping: &Mapping, all_read: bool) -> &'static str {
    let all = rules(vec![], vec![shop(), mapping.clone()]);
    let profile = derive(ProfileId(1), EntityKind::Person, members, &all);
    let permitted = may_have(&profile, members, &mapping.requires, Timestamp(0));
    let moment = Moment { permitted, all_read };
    let owed = owed(&profile, members, mapping, &moment);
    let mut owed = owed.iter().filter(|due| !matches!(due, Due::MarkSent { .. }));
    let word = match owed.next() {
        None => "nothing",
        Some(Due::Update { .. }) => "update",
        Some(Due::Create { .. }) => "create",
        Some(Due::Remove { archive: false, .. }) => "delete",
        Some(Due::Remove { archive: true, .. }) => "archive",
        Some(other) => panic!("{other:?}"),
    };
    assert_eq!(owed.next(), None);
    word
}

#[test]
fn a_policy_says_what_becomes_of_a_row() {
    use CreatePolicy::{CreateOnly, Mirror, UpdateOnly, Upsert};
    use DeletePolicy::{Archive, Ignore, Propagate, Unlink};
    let any = crm(Upsert, Ignore);
    let shop_row = own(&shop(), 1, 30);
    let shop_gone = gone(&own(&shop(), 1, 10), 20);
    let over = emptied(&own(&shop(), 1, 10), Stamp(20), &RunId::new("sweep"));
    let other_shop = own(&mapping("till", &["mail -> mail"]), 9, 11);
    let made_elsewhere = made(&mapping("till", &["mail <-> mail"]), 9, 1, 11);
    // An older row, of which the golden name differs from what it shows.
    let mut crm_row = own(&any, 2, 5);
    crm_row.fields.get_mut("name").unwrap().remote = Some(hub_model::Value::text("Anna"));
    let made_row = made(&any, 2, 1, 12);
    let typed_later = own(&any, 2, 25);
    let typed_later_back = back(&own(&any, 2, 5), 7, 25);
    let cases: &[(&[&Record], CreatePolicy, DeletePolicy, &str)] = &[
        // Whoever is somewhere else stays.
        (&[&shop_row, &crm_row], Upsert, Propagate, "update"),
        (&[&shop_gone, &other_shop, &crm_row], Upsert, Propagate, "update"),
        (&[&shop_row, &crm_row], Mirror, Propagate, "update"),
        // Deleted elsewhere.
        (&[&shop_gone, &crm_row], Upsert, Ignore, "update"),
        (&[&shop_gone, &crm_row], Upsert, Propagate, "delete"),
        (&[&shop_gone, &crm_row], Upsert, Archive, "archive"),
        (&[&shop_gone, &crm_row], Upsert, Unlink, "nothing"),
        (&[&shop_gone, &crm_row], UpdateOnly, Propagate, "delete"),
        (&[&shop_gone, &crm_row], CreateOnly, Propagate, "delete"),
        (&[&shop_gone, &made_row], Upsert, Ignore, "nothing"),
        (&[&shop_gone, &made_row], Upsert, Propagate, "delete"),
        // What the hub made elsewhere speaks for nobody.
        (&[&shop_gone, &made_elsewhere, &crm_row], Upsert, Propagate, "delete"),
        // It came after the delete, or came back.
        (&[&shop_gone, &typed_later], Upsert, Propagate, "nothing"),
        (&[&shop_gone, &typed_later_back], Upsert, Archive, "nothing"),
        (&[&shop_gone, &typed_later], Mirror, Ignore, "delete"),
        // Nobody was deleted.
        (&[&over, &crm_row], Upsert, Propagate, "nothing"),
        (&[&crm_row], Upsert, Propagate, "nothing"),
        (&[&crm_row], Mirror, Ignore, "delete"),
        (&[&crm_row], Mirror, Archive, "archive"),
        (&[&gone(&crm_row, 20)], Mirror, Ignore, "nothing"),
        // Rows that are not there.
        (&[&shop_row], Upsert, Propagate, "create"),
        (&[&shop_row], CreateOnly, Ignore, "create"),
        (&[&shop_row], Mirror, Ignore, "create"),
        (&[&shop_row], UpdateOnly, Ignore, "nothing"),
        // Rows that are there.
        (&[&shop_row, &crm_row], CreateOnly, Ignore, "nothing"),
        (&[&shop_row, &crm_row], UpdateOnly, Ignore, "update"),
        // A row that a user deleted stays so; one that the hub deleted, since its
        // person was gone everywhere, is made anew for who comes anew.
        (&[&shop_row, &gone(&crm_row, 40)], Upsert, Propagate, "nothing"),
        (&[&shop_row, &gone(&crm_row, 25)], Upsert, Propagate, "create"),
        (&[&shop_row, &gone(&crm_row, 25)], Mirror, Ignore, "create"),
        (&[&shop_row, &gone(&crm_row, 25)], Upsert, Ignore, "nothing"),
        (&[&back(&own(&shop(), 1, 10), 20, 30), &gone(&crm_row, 25)], Mirror, Ignore, "create"),
        (&[&back(&own(&shop(), 1, 10), 20, 24), &gone(&crm_row, 25)], Mirror, Ignore, "nothing"),
        (&[&shop_row, &made_elsewhere, &gone(&crm_row, 25)], Mirror, Ignore, "create"),
    ];
    for (members, create, deletes, wanted) in cases {
        let found = word(members, &crm(*create, *deletes), true);
        assert_eq!(found, *wanted, "{create:?} {deletes:?} {members:#?}");
    }
}

#[test]
fn a_mirror_deletes_nothing_before_everything_was_read() {
    let mirror = crm(CreatePolicy::Mirror, DeletePolicy::Ignore);
    let (one, two) = (own(&mirror, 2, 5), own(&mirror, 3, 6));
    assert_eq!(leaving(&[&two, &one], &mirror, false), []);
    let removals = [2, 3].map(|n| Due::Remove { record: RecordNo(n), archive: false });
    assert_eq!(leaving(&[&two, &one], &mirror, true), removals);
    // A delete elsewhere needs no such knowledge: it was seen.
    let propagate = crm(CreatePolicy::Upsert, DeletePolicy::Propagate);
    let deleted = gone(&own(&shop(), 1, 4), 9);
    assert_eq!(leaving(&[&deleted, &two, &one], &propagate, false), removals);
    assert_eq!(deleted.origin, Origin::Received);
}

#[test]
fn of_several_rows_those_are_written_that_the_sync_means() {
    let crm = mapping("crm", &["mail <-> mail", "main -> main"]);
    let row = |number, born, main: &str| {
        let mut row = own(&crm, number, born);
        row.fields.entry(FieldName::new("main")).or_default().remote = Some(Value::text(main));
        row
    };
    // A low number may come late: a row that the hub met first elsewhere.
    let rows = [row(1, 30, "no"), row(2, 10, "yes"), row(3, 20, "no"), row(4, 40, "yes")];
    let primary = |is: &str| {
        let (field, is) = (FieldName::new("main"), vec![Value::text(is)]);
        Several::Primary { field, is }
    };
    let cases: [(Several, &[u64]); 5] = [
        (Several::All, &[1, 2, 3, 4]),
        (Several::Newest, &[4]),
        (Several::Oldest, &[2]),
        (primary("yes"), &[2, 4]),
        (primary("maybe"), &[2]),
    ];
    for (several, expected) in cases {
        let crm = Mapping { several: several.clone(), ..crm.clone() };
        let chosen = receiving(rows.iter().rev().collect(), &crm);
        let chosen: Vec<u64> = chosen.iter().map(|row| row.number.0).collect();
        assert_eq!(chosen, expected, "{several:?}");
        assert!(receiving(Vec::new(), &crm).is_empty());
    }
}
