//! What is owed to objects that are made of others.
//!
//! A source stands where a profile stands for people: what it says are the golden
//! values, and its members are itself and what was made of it. So everything else is
//! as for people: stamps say what is due, a row is found before one is made, and what
//! is there already is not told again.
//!
//! Two things are added. A source may have to fulfil something first: a deal that is
//! open again is no reason to write, and none to take back. And a value may be the key
//! of another row of the destination ([`referred`]). As long as that row is not there
//! the whole write waits: what would be written instead leads nowhere, or to somebody
//! else.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{
    Fault, FieldMapping, FieldName, MadeOf, Mapping, Profile, ProfileId, Provenance, Record,
    RecordRef, Reference, Relation, Stamp, Survivorship, Trait, Value,
};

use super::due::{Due, due};
use super::echo::form_there;
use crate::mapping::{holds, nowhere};
use crate::profile::stamp_of_all;

/// What a source says in a role, followed to the stream that is referred to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ends {
    /// The stamps of the values that say it.
    pub said: BTreeSet<Stamp>,
    /// For each that it names: whoever, or whatever, that is, with the living rows
    /// there. Several where it is not certain who is meant, none where nobody is known.
    pub named: Vec<Vec<Vec<Record>>>,
}

/// Whether anything is to be made of a source, and brought up to what it says.
pub fn is_met(source: &Record, says: &Profile, made_of: &MadeOf) -> bool {
    let fulfils = made_of.when.iter().all(|condition| {
        let value = says.traits.get(&condition.name).map_or(&Value::Null, |says| &says.value);
        holds(&condition.test, value) != condition.not
    });
    source.is_live() && fulfils
}

/// The key that a reference has in the destination, as a golden value. `row` is what
/// was made of the source before, if it is there.
///
/// Of several rows of one person the oldest is meant. The stamp is another one when
/// the key is: also where nobody has touched the source, as when two people are found
/// to be one. What a source names no more stays in the row as it is.
///
/// # Errors
/// [`hub_model::FaultCode::Reference`] at the field, with the `role` and `stream`, how
/// many are `named`, how many of them are `known`, and how many `rows` there are.
pub fn referred(
    (pair, reference): (&FieldMapping, &Reference),
    ends: &Ends,
    (source, row): (&Record, Option<&Record>),
) -> Result<Trait, Fault> {
    let rule = Survivorship::MostRecent;
    let provenance = Provenance { record: source.number, field: pair.field.clone(), rule };
    if ends.named.is_empty() {
        let sent = row.and_then(|row| Some(row.fields.get(&pair.field)?.sent));
        let sent = sent.filter(|sent| *sent != Stamp(0));
        match (sent, row) {
            _ if reference.optional => {
                let stamp = stamp_of_all(&ends.said);
                return Ok(Trait { value: Value::Null, stamp, provenance });
            }
            (Some(stamp), Some(row)) => {
                let value = form_there(row, &pair.field).cloned().unwrap_or_default();
                return Ok(Trait { value, stamp, provenance });
            }
            _ => {}
        }
    }
    let found: Option<Vec<&Record>> = ends.named.iter().map(|owners| oldest(owners)).collect();
    if let Some([first, others @ ..]) = found.as_deref()
        && others.iter().all(|other| other.number == first.number)
    {
        let mut stamps = ends.said.clone();
        stamps.insert(first.born);
        let value = Value::text(first.at.key.as_str());
        return Ok(Trait { value, stamp: stamp_of_all(&stamps), provenance });
    }
    let known: usize = ends.named.iter().map(Vec::len).sum();
    let rows: usize = ends.named.iter().flatten().map(Vec::len).sum();
    let fault = nowhere(pair, reference).with("named", ends.named.len());
    Err(fault.with("known", known).with("rows", rows))
}

/// The row that is meant, where it is certain whose it is.
fn oldest(owners: &[Vec<Record>]) -> Option<&Record> {
    match owners {
        [rows] => rows.iter().min_by_key(|row| row.number),
        _ => None,
    }
}

/// What a sync owes to a source that is met: `says` are its golden values with the
/// keys of its references, `members` itself and what was made of it, and `missing`
/// why references have none.
pub fn owed_of_object(
    says: &Profile,
    members: &[&Record],
    mapping: &Mapping,
    missing: &BTreeMap<FieldName, Fault>,
) -> Vec<Due> {
    let mut owed = due(says, members, mapping);
    for due in &mut owed {
        if let Due::Refused { fault, .. } = due
            && let Some(why) = missing.get(fault.place.as_str())
        {
            *fault = why.clone();
        }
    }
    owed
}

/// An object that was made of another: nobody's, and related to it for good.
pub fn linked(record: Record, source: RecordRef) -> Record {
    let mut relations = record.relations;
    relations.retain(|relation| !relation.is_kept());
    relations.push(Relation::made_of(source));
    relations.sort_unstable();
    Record { profile: ProfileId::NOBODY, relations, ..record }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hub_model::{
        Condition, Conversion, Direction, EntityKind, FaultCode, FieldMapping, FieldName, Made,
        MadeOf, Mapping, Profile, Record, RecordNo, Reference, Rules, RunId, Stamp, StreamRef,
        Test, Timestamp, Value,
    };

    use super::{Ends, is_met, linked, owed_of_object, referred};
    use crate::fixture::{at, mapping, row, rules};
    use crate::profile::of_object;
    use crate::relation::relations;
    use crate::sync::{Birth, Context, Due, Observation, Row, Stamps, created, observe};

    fn setup() -> (Mapping, Mapping, Rules) {
        let mut deals = mapping("crm", &["name -> name", "stage -> stage"]);
        deals.kind = EntityKind::object("deal");
        let mut orders = mapping("erp", &["title <- name"]);
        orders.kind = EntityKind::object("order");
        orders.matching = vec![FieldName::new("title")];
        let won = Test::OneOf(vec![Value::text("won")]);
        let when = vec![Condition { name: "stage".into(), test: won, not: false }];
        orders.made_of = Some(MadeOf { stream: deals.stream.clone(), when, whose: None });
        let rules = rules(vec![], vec![deals.clone(), orders.clone()]);
        (deals, orders, rules)
    }

    fn party(optional: bool) -> FieldMapping {
        let stream = StreamRef::new("default", "erp", "parties");
        let made =
            Made::Reference(Reference { role: "buyer".into(), stream, through: None, optional });
        FieldMapping {
            field: "party".into(),
            to: "=party".into(),
            direction: Direction::ToSystem,
            identity: None,
            conversion: Some(Box::new(Conversion {
                made: Some(made),
                write: Some(Vec::new()),
                ..Conversion::default()
            })),
        }
    }

    fn read(record: Option<&Record>, fields: &[(&str, &str)], stamps: &mut Stamps) -> Record {
        let (deals, _, rules) = setup();
        let run = RunId::new("run");
        let about = Context { number: RecordNo(1), run: &run, rules: &rules, now: Timestamp(0) };
        let object = row(fields);
        let row = Row { at: &at(&deals, "d1"), object: &object, raw: &object, version: None };
        match observe(record, &row, &deals, stamps, &about) {
            Observation::Seen(seen) => seen.record,
            Observation::Unchanged => record.cloned().unwrap(),
        }
    }

    fn says(deal: &Record) -> Profile {
        let (_, orders, rules) = setup();
        Profile { kind: orders.kind, ..of_object(deal, &rules) }
    }

    fn birth(mapping: &Mapping, number: u64, stamp: u64) -> Birth {
        Birth {
            number: RecordNo(number),
            stamp: Stamp(stamp),
            at: at(mapping, &number.to_string()),
            for_record: RecordNo(1),
            profile: RecordNo(1).into(),
            run: RunId::new("run"),
        }
    }

    fn attempt(fields: BTreeMap<FieldName, (Value, Stamp)>) -> hub_model::Attempt {
        hub_model::Attempt { fields, idempotency_key: String::new() }
    }

    fn living(orders: &Mapping, number: u64, born: u64) -> Record {
        created(birth(orders, number, born), &attempt(BTreeMap::new()), None, None, orders)
    }

    #[test]
    fn a_source_is_followed_while_it_fulfils_what_is_asked() {
        let (_, orders, _) = setup();
        let made_of = orders.made_of.clone().unwrap();
        let mut stamps = Stamps::after(0);
        let open = read(None, &[("name", "Big"), ("stage", "open")], &mut stamps);
        assert!(!is_met(&open, &says(&open), &made_of));
        let mut other = made_of.clone();
        other.when[0].not = true;
        assert!(is_met(&open, &says(&open), &other));
        let won = read(Some(&open), &[("name", "Big"), ("stage", "won")], &mut stamps);
        assert!(is_met(&won, &says(&won), &made_of));
        let gone = crate::sync::observe_deleted(&won, stamps.next(), &RunId::new("run"));
        assert!(!is_met(&gone, &says(&gone), &made_of));
    }

    #[test]
    fn an_object_is_made_once_and_then_kept_up_to_its_source() {
        let (_, orders, rules) = setup();
        let mut stamps = Stamps::after(0);
        let deal = read(None, &[("name", "Big"), ("stage", "won")], &mut stamps);
        let owed = |deal: &Record, made: &[&Record]| {
            let mut members = vec![deal];
            members.extend(made);
            owed_of_object(&says(deal), &members, &orders, &BTreeMap::new())
        };
        let [Due::Create { fields, matching, for_record }] = &owed(&deal, &[])[..] else {
            panic!("a create");
        };
        assert_eq!((matching.len(), *for_record), (1, deal.number));
        let order = created(birth(&orders, 2, 9), &attempt(fields.clone()), None, None, &orders);
        let order = linked(order, deal.at.clone());
        assert_eq!((order.made_of(), order.is_object()), (Some(&deal.at), true));
        assert_eq!(relations(&order, &rules), order.relations, "no reading takes that away");
        assert_eq!(owed(&deal, &[&order]), []);
        let renamed = read(Some(&deal), &[("name", "Bigger"), ("stage", "won")], &mut stamps);
        let [Due::Update { record, .. }] = &owed(&renamed, &[&order])[..] else {
            panic!("an update");
        };
        assert_eq!(*record, order.number);
    }

    #[test]
    fn a_reference_leads_to_one_row_or_waits() {
        let (_, mut orders, _) = setup();
        let (must, may) = (party(false), party(true));
        let parts = |pair: &FieldMapping| match pair.made() {
            Some(Made::Reference(reference)) => reference.clone(),
            _ => unreachable!("it is one"),
        };
        let deal = read(None, &[("name", "Big"), ("stage", "won")], &mut Stamps::after(0));
        let ends = |named| Ends { said: [Stamp(20)].into(), named };
        let (a, b) = (living(&orders, 7, 30), living(&orders, 8, 40));
        let one = |rows: &[&Record]| vec![rows.iter().map(|row| (*row).clone()).collect()];
        let table = [
            (vec![one(&[&a])], Ok("7")),
            // Of several rows of one person the oldest.
            (vec![one(&[&b, &a])], Ok("7")),
            // The same one, named twice.
            (vec![one(&[&a]), one(&[&a])], Ok("7")),
            (vec![], Err([0, 0, 0])),
            (vec![vec![]], Err([1, 0, 0])),
            (vec![one(&[])], Err([1, 1, 0])),
            (vec![one(&[&a]), one(&[])], Err([2, 2, 1])),
            (vec![one(&[&a]), one(&[&b])], Err([2, 2, 2])),
            // Nobody knows which of two people it is.
            (vec![[one(&[&a]), one(&[&b])].concat()], Err([1, 2, 2])),
        ];
        for (named, expected) in table {
            let found = referred((&must, &parts(&must)), &ends(named.clone()), (&deal, None));
            match (found, expected) {
                (Ok(found), Ok(key)) => assert_eq!(found.value, Value::text(key)),
                (Err(fault), Err(numbers)) => {
                    assert_eq!((fault.code, &*fault.place), (FaultCode::Reference, "party"));
                    let told = ["named", "known", "rows"].map(|name| fault.args[name].clone());
                    assert_eq!(told, numbers.map(|n| n.to_string()), "{named:?}");
                }
                (found, expected) => panic!("{found:?}, not {expected:?}"),
            }
        }
        // Another row, another stamp: it is due though the deal stays as it is.
        let stamp = |row: &Record| {
            let ends = ends(vec![one(&[row])]);
            referred((&must, &parts(&must)), &ends, (&deal, None)).unwrap().stamp
        };
        assert_ne!(stamp(&a), stamp(&b));
        // Named by nobody it may be empty, where that is said.
        let none = referred((&may, &parts(&may)), &ends(vec![]), (&deal, None)).unwrap();
        assert_eq!((none.value, none.stamp), (Value::Null, Stamp(20)));
        // A row that has one keeps it.
        let told = [("party".into(), (Value::text("7"), Stamp(31)))].into();
        orders.fields.push(must.clone());
        let order = created(birth(&orders, 2, 50), &attempt(told), None, None, &orders);
        let kept = referred((&must, &parts(&must)), &ends(vec![]), (&deal, Some(&order))).unwrap();
        assert_eq!((kept.value, kept.stamp), (Value::text("7"), Stamp(31)));
        // Unresolved, it holds back all of the row, and says why.
        let says = says(&deal);
        let fault = referred((&must, &parts(&must)), &ends(vec![]), (&deal, None)).unwrap_err();
        let missing = [(FieldName::new("party"), fault.clone())].into();
        let owed = owed_of_object(&says, &[&deal], &orders, &missing);
        assert!(
            matches!(&owed[..], [Due::Refused { fault: told, record: None, .. }] if *told == fault),
            "{owed:?}"
        );
    }
}
