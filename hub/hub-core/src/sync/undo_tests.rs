//! What undoes a write, by how its row stands.

use hub_model::{
    Attempt, EntityKind, FieldName, LedgerEntry, LedgerField, Mapping, Profile, ProfileId, Record,
    RecordNo, Rules, RunId, Stamp, SyncId, Timestamp, Value, WriteEnd, WriteKind,
};

use super::undo::{Compensation, Standing, Undoing, Why, is_unmade, joined, undo, unmade};
use super::{
    Birth, Context, Due, Observation, Row, Stamps, Witness, created, delivered, due, ledgered,
    observe, observe_deleted,
};
use crate::fixture::{at, mapping, row, rules};

/// A shop that says it, and a CRM that had something else.
struct World {
    crm: Mapping,
    rules: Rules,
    shop: Record,
    row: Record,
    stamps: Stamps,
}

impl World {
    fn new() -> Self {
        let shop = mapping("shop", &["mail -> mail email", "city -> city"]);
        let crm = mapping("crm", &["mail <-> mail email", "city <-> city"]);
        let rules = rules(vec![], vec![shop.clone(), crm.clone()]);
        let mut stamps = Stamps::after(0);
        let row = seen(None, &crm, 1, &[("mail", "ana@x"), ("city", "Metz")], &mut stamps, &rules);
        let shop =
            seen(None, &shop, 2, &[("mail", "ana@x"), ("city", "Lyon")], &mut stamps, &rules);
        Self { crm, rules, shop, row, stamps }
    }

    fn profile(&self, members: &[&Record]) -> Profile {
        crate::profile::derive(ProfileId(1), EntityKind::Person, members, &self.rules)
    }

    /// The row after the golden value was written, as the vendor returned it, and the
    /// entry of that.
    fn written(&self, returned: Option<&str>) -> (Record, LedgerEntry) {
        let stamp = self.profile(&[&self.row, &self.shop]).traits["city"].stamp;
        let tried = attempt("Lyon", stamp);
        let shows = returned.map(|city| row(&[("mail", "ana@x"), ("city", city)]));
        let after = delivered(&self.row, &tried, shows.as_ref(), None, &self.crm);
        let entry = self.entry(WriteKind::Update, &tried, Some(&self.row), Some(&after));
        (after, entry)
    }

    fn entry(
        &self,
        kind: WriteKind,
        attempt: &Attempt,
        before: Option<&Record>,
        after: Option<&Record>,
    ) -> LedgerEntry {
        let (run, sync) = (RunId::new("run"), SyncId::new("crm"));
        let witness = Witness { of: (&run, &sync), attempt, before, after };
        ledgered(kind, WriteEnd::Made, &witness, &self.crm)
    }

    fn undo(&self, entry: &LedgerEntry, record: &Record, permitted: bool) -> Undoing {
        let members = [record, &self.shop];
        let profile = self.profile(&members);
        let standing =
            Standing { record: Some(record), profile: Some((&profile, &members[..])), permitted };
        undo(entry, &standing, &self.crm)
    }
}

fn seen(
    record: Option<&Record>,
    mapping: &Mapping,
    number: u64,
    fields: &[(&str, &str)],
    stamps: &mut Stamps,
    rules: &Rules,
) -> Record {
    let run = RunId::new("run");
    let context = Context { number: RecordNo(number), run: &run, rules, now: Timestamp(0) };
    let (at, object) = (at(mapping, &number.to_string()), row(fields));
    let row = Row { at: &at, object: &object, raw: &object, version: None };
    match observe(record, &row, mapping, stamps, &context) {
        Observation::Seen(seen) => seen.record,
        Observation::Unchanged => record.cloned().unwrap(),
    }
}

fn attempt(city: &str, stamp: Stamp) -> Attempt {
    let fields = [(FieldName::new("city"), (Value::text(city), stamp))].into();
    Attempt { fields, idempotency_key: String::new() }
}

fn why(undoing: &Undoing) -> Vec<Why> {
    assert_eq!(undoing.action, None);
    undoing.skipped.iter().map(|skipped| skipped.why).collect()
}

#[test]
fn a_field_gets_back_what_it_showed_and_is_not_due_again() {
    for returned in [None, Some("Lyon"), Some("LYON")] {
        let world = World::new();
        let (after, entry) = world.written(returned);
        let undoing = world.undo(&entry, &after, true);
        assert_eq!(undoing.skipped, []);
        let Some(Compensation::Restore(fields)) = undoing.action else { panic!("{returned:?}") };
        let sent = entry.fields["city"].stamp;
        assert_eq!(fields["city"], (Value::text("Metz"), sent));
        let tried = Attempt { fields, idempotency_key: String::new() };
        let shows = row(&[("mail", "ana@x"), ("city", "Metz")]);
        let undone = delivered(&after, &tried, Some(&shows), None, &world.crm);
        let members = [&undone, &world.shop];
        let updates = |members: &[&Record]| {
            let profile = world.profile(members);
            let owed = due(&profile, members, &world.crm);
            owed.into_iter().any(|due| matches!(due, Due::Update { .. }))
        };
        assert!(!updates(&members), "{returned:?}");
        // Undone, it is not undone again.
        assert_eq!(world.undo(&entry, &undone, true), Undoing::default());
        // Until the golden value changes.
        let mut stamps = world.stamps.clone();
        let shop = &world.rules.mappings[0];
        let news = [("mail", "ana@x"), ("city", "Nice")];
        let moved = seen(Some(&world.shop), shop, 2, &news, &mut stamps, &world.rules);
        assert!(updates(&[&undone, &moved]), "{returned:?}");
    }
}

#[test]
fn what_was_touched_since_is_left_with_the_reason() {
    let mut world = World::new();
    let (after, entry) = world.written(Some("Lyon"));
    // Read again in the vendor's form it is the same.
    let (unread, told) = world.written(None);
    let mut stamps = world.stamps.clone();
    let fields = [("mail", "ana@x"), ("city", "LYON")];
    let read = seen(Some(&unread), &world.crm, 1, &fields, &mut stamps, &world.rules);
    assert!(world.undo(&told, &read, true).action.is_some());
    // Somebody typed something else.
    let fields = [("mail", "ana@x"), ("city", "Nice")];
    let edited = seen(Some(&after), &world.crm, 1, &fields, &mut stamps, &world.rules);
    assert_eq!(why(&world.undo(&entry, &edited, true)), [Why::Edited]);
    // A later run wrote something else.
    let stamp = Stamp(entry.fields["city"].stamp.0 + 50);
    let shows = row(&[("city", "Brest")]);
    let later = delivered(&after, &attempt("Brest", stamp), Some(&shows), None, &world.crm);
    assert_eq!(why(&world.undo(&entry, &later, true)), [Why::Written]);
    assert_eq!(why(&world.undo(&entry, &after, false)), [Why::NotPermitted]);
    let gone = observe_deleted(&after, Stamp(99), &RunId::new("r"));
    assert_eq!(why(&world.undo(&entry, &gone, true)), [Why::Gone]);
    let unknown = entry.clone().without_values();
    assert_eq!(why(&world.undo(&unknown, &after, true)), [Why::BeforeUnknown]);
    world.crm = mapping("crm", &["mail <-> mail email", "city -> city"]);
    assert_eq!(why(&world.undo(&entry, &after, true)), [Why::Unmapped]);
}

#[test]
fn a_row_that_was_made_goes_and_one_that_went_is_made_again() {
    let mut world = World::new();
    let stamp = world.shop.fields["city"].asserted.as_ref().unwrap().stamp;
    let mut tried = attempt("Lyon", stamp);
    tried.fields.insert(FieldName::new("mail"), (Value::text("ana@x"), stamp));
    let shows = row(&[("mail", "ana@x"), ("city", "Lyon")]);
    let birth = Birth {
        number: RecordNo(3),
        stamp: Stamp(40),
        at: at(&world.crm, "3"),
        for_record: RecordNo(2),
        profile: ProfileId(1),
        run: RunId::new("run"),
    };
    let made = created(birth, &tried, Some(&shows), None, &world.crm);
    let entry = world.entry(WriteKind::Create, &tried, None, Some(&made));
    let undoing = world.undo(&entry, &made, true);
    assert_eq!(undoing.action, Some(Compensation::Remove));
    let mut stamps = Stamps::after(60);
    let fields = [("mail", "ana@x"), ("city", "Nice")];
    let edited = seen(Some(&made), &world.crm, 3, &fields, &mut stamps, &world.rules);
    assert_eq!(why(&world.undo(&entry, &edited, true)), [Why::Edited]);

    // What is left of it stands against nothing.
    let gone = observe_deleted(&made, Stamp(99), &RunId::new("r"));
    assert_eq!(world.undo(&entry, &gone, true), Undoing::default());
    let creates = |record: &Record| {
        let members = [&world.shop, record];
        let owed = due(&world.profile(&members), &members, &world.crm);
        owed.into_iter().any(|due| matches!(due, Due::Create { .. }))
    };
    assert!(!creates(&gone) && !is_unmade(&gone));
    assert!(creates(&unmade(&gone)) && is_unmade(&unmade(&gone)));

    // The deletion is undone by another create.
    let none = Attempt { fields: [].into(), idempotency_key: String::new() };
    let deletion = world.entry(WriteKind::Delete, &none, Some(&made), Some(&gone));
    let again = world.undo(&deletion, &unmade(&gone), true);
    let Some(Compensation::Create { fields, matching, for_record }) = again.action else {
        panic!("{:?}", again.skipped)
    };
    assert_eq!(fields["city"].0, Value::text("Lyon"));
    assert_eq!(matching, [(FieldName::new("mail"), Value::text("ana@x"))]);
    assert_eq!(for_record, RecordNo(2));
    assert_eq!(why(&world.undo(&deletion, &gone, false)), [Why::NotPermitted]);
    assert_eq!(world.undo(&deletion, &made, true), Undoing::default(), "it is there");
    world.crm.matching.clear();
    assert_eq!(why(&world.undo(&deletion, &gone, true)), [Why::NotFindable]);
}

#[test]
fn several_writes_of_one_run_come_to_one() {
    let field = |before: &str, sent: &str| LedgerField {
        before: Some(Value::text(before)),
        sent: (!sent.is_empty()).then(|| Value::text(sent)),
        ..LedgerField::default()
    };
    let entry = |kind, before: &str, sent: &str| {
        let none = Attempt { fields: [].into(), idempotency_key: String::new() };
        let mut entry = LedgerEntry::of(kind, &none, (&RunId::new("r"), &SyncId::new("crm")));
        entry.fields.insert(FieldName::new("city"), field(before, sent));
        entry
    };
    use WriteKind::{Create, Delete, Update};
    let cases = [
        (vec![entry(Update, "a", "b"), entry(Update, "b", "c")], Some((Update, field("a", "c")))),
        (vec![entry(Create, "", "b"), entry(Update, "b", "c")], Some((Create, field("", "c")))),
        (vec![entry(Update, "a", "b"), entry(Delete, "b", "")], Some((Delete, field("a", "")))),
        (vec![entry(Create, "", "b"), entry(Delete, "b", "")], None),
        (vec![], None),
    ];
    for (entries, wanted) in cases {
        let whole = joined(entries.clone());
        let told = whole.map(|entry| (entry.kind, entry.fields["city"].clone()));
        assert_eq!(told, wanted, "{entries:?}");
    }
}
