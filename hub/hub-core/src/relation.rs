//! Relations: whom and what a record names by what it asserts.
//!
//! A function of asserted values and rules alone, so it is the same whenever,
//! wherever and however often a row is read. A relation is evidence of nothing:
//! it claims no identity and joins nobody. Who it leads to is looked up by
//! whoever asks, in what people claim at that moment.

use std::collections::BTreeMap;

use hub_model::{
    FieldName, FieldState, Mapping, Record, RecordRef, Related, RelatesTo, Relation, RemoteKey,
    Rules, Value, id, limits,
};

use crate::identity::{Normalised, normalise};

/// The relations of a record under these rules, in order, each once. A list
/// relates to each of its items; of more than
/// [`limits::RECORD_RELATIONS_MAX`] the first in that order are kept. What an object
/// was made of no row states: that stays.
pub fn relations(record: &Record, rules: &Rules) -> Vec<Relation> {
    let stream = &record.at.stream;
    let mapping = rules.mapping(&stream.connection, &stream.stream);
    let stated = mapping.map(|mapping| stated(&record.fields, mapping, rules));
    with_kept(record, stated.unwrap_or_default())
}

/// The same under a mapping.
pub(crate) fn renewed(record: &Record, mapping: &Mapping, rules: &Rules) -> Vec<Relation> {
    with_kept(record, stated(&record.fields, mapping, rules))
}

fn with_kept(record: &Record, mut stated: Vec<Relation>) -> Vec<Relation> {
    if let Some(kept) = record.relations.iter().find(|relation| relation.is_kept()) {
        stated.truncate(limits::RECORD_RELATIONS_MAX - 1);
        stated.push(kept.clone());
        stated.sort_unstable();
    }
    stated
}

/// What the fields of a record state.
fn stated(
    fields: &BTreeMap<FieldName, FieldState>,
    mapping: &Mapping,
    rules: &Rules,
) -> Vec<Relation> {
    let mut found = Vec::new();
    for relation in &mapping.relations {
        let state = fields.get(&relation.field);
        let Some(asserted) = state.and_then(|state| state.asserted.as_ref()) else { continue };
        found.extend(named(&asserted.value, &relation.to, rules).map(|to| Relation {
            role: relation.role.clone(),
            to,
            field: relation.field.clone(),
        }));
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(limits::RECORD_RELATIONS_MAX);
    found
}

/// Whom or what a value of a relating field names: several, if it is a list.
pub(crate) fn named<'a>(
    value: &'a Value,
    to: &'a RelatesTo,
    rules: &'a Rules,
) -> impl Iterator<Item = Related> + use<'a> {
    let items = match value {
        Value::List(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items.iter().filter_map(|item| match to {
        RelatesTo::Namespace(name) => match normalise(rules.namespace(name)?, item) {
            Normalised::Identity(identity) => Some(Related::Identity(identity)),
            Normalised::Empty | Normalised::Invalid(_) | Normalised::Never => None,
        },
        RelatesTo::Stream(stream) => {
            Some(Related::Row(RecordRef { stream: stream.clone(), key: key(item)? }))
        }
    })
}

/// The key that a value is, as its system would write it.
fn key(value: &Value) -> Option<RemoteKey> {
    let text = match value {
        Value::Text(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    id::valid(&text).then(|| RemoteKey::new(text))
}

#[cfg(test)]
mod tests {
    use hub_model::{
        EntityKind, FieldName, Mapping, Normaliser, ProfileId, Record, RecordNo, RelatesTo,
        RelationMapping, Rules, RunId, StreamRef, Timestamp, Value, limits,
    };

    use super::relations;
    use crate::fixture::{at, mapping, namespace, row, rules};
    use crate::sync::{Context, Observation, Row, Seen, Stamps, observe};

    fn relates(field: &str, role: &str, to: RelatesTo) -> RelationMapping {
        RelationMapping { field: FieldName::new(field), role: role.into(), to }
    }

    fn setup() -> (Mapping, Rules) {
        let mut orders = mapping("shop", &["mail -> mail", "ref -> ref", "total -> total"]);
        orders.kind = EntityKind::object("order");
        let quote = RelatesTo::Stream(StreamRef::new("default", "crm", "quotes"));
        orders.relations = vec![
            relates("ref", "quote", quote),
            relates("mail", "buyer", RelatesTo::Namespace("email".into())),
        ];
        let rules = rules(vec![namespace("email", Normaliser::Email)], vec![orders.clone()]);
        (orders, rules)
    }

    fn see(record: Option<&Record>, value: Value, stamps: &mut Stamps) -> Option<Seen> {
        let (orders, rules) = setup();
        let run = RunId::new("run");
        let about = Context { number: RecordNo(7), run: &run, rules: &rules, now: Timestamp(0) };
        let mut object = row(&[("ref", "q-1"), ("total", "12")]);
        object.insert("mail".into(), value);
        let seen = Row { at: &at(&orders, "k"), object: &object, raw: &object, version: None };
        match observe(record, &seen, &orders, stamps, &about) {
            Observation::Seen(seen) => Some(*seen),
            Observation::Unchanged => None,
        }
    }

    fn told(record: &Record) -> Vec<String> {
        record.relations.iter().map(|r| format!("{} {}", r.role, r.to)).collect()
    }

    #[test]
    fn an_object_relates_and_is_nobody() {
        let mut stamps = Stamps::after(0);
        let seen = see(None, "Ana@X.fr".into(), &mut stamps).unwrap();
        assert_eq!((seen.record.profile, seen.record.is_object()), (ProfileId::NOBODY, true));
        assert_eq!(told(&seen.record), ["buyer email:ana@x.fr", "quote crm/quotes/q-1"]);
        assert_eq!((seen.facts.len(), seen.record.identities.len()), (0, 0));
        assert_eq!(see(Some(&seen.record), "Ana@X.fr".into(), &mut stamps), None);
        assert_eq!(seen.record.relations, relations(&seen.record, &setup().1));
    }

    #[test]
    fn a_relation_is_what_the_field_says_now() {
        let mut stamps = Stamps::after(0);
        let first = see(None, "ana@x.fr".into(), &mut stamps).unwrap().record;
        let list =
            Value::List(vec!["bob@x.fr".into(), Value::Null, "BOB@x.fr".into(), "n/a".into()]);
        let table = [
            (Value::from("bob@x.fr"), vec!["buyer email:bob@x.fr"]),
            (Value::Null, vec![]),
            (Value::from("n/a"), vec![]),
            (list, vec!["buyer email:bob@x.fr"]),
        ];
        for (value, buyer) in table {
            let now = see(Some(&first), value, &mut stamps).unwrap().record;
            let wanted: Vec<_> = buyer.into_iter().chain(["quote crm/quotes/q-1"]).collect();
            assert_eq!(told(&now), wanted);
        }
    }

    #[test]
    fn a_list_names_no_more_than_a_record_may_relate_to() {
        let many = (0..=limits::RECORD_RELATIONS_MAX).map(|n| Value::text(format!("p{n}@x.fr")));
        let seen = see(None, Value::List(many.collect()), &mut Stamps::after(0)).unwrap();
        assert_eq!(seen.record.relations.len(), limits::RECORD_RELATIONS_MAX);
    }
}
