//! What stays of a row that names somebody who is erased.
//!
//! An order is the shop's, not the buyer's: it stays, without any value that
//! names him. A row of another person stays that person's: of it only the
//! relation goes. Who is erased is asked by a function, since he is known by
//! keyed hashes alone once he is gone.

use hub_model::{FieldState, Mapping, Normaliser, Object, Record, Related, Rules, RunId, Value};

use crate::identity::{Normalised, normalise};
use crate::relation::{self, named};

/// Takes out of rows of one stream what names somebody who is erased.
pub struct Unlink<'a> {
    /// The stream's mapping.
    pub mapping: &'a Mapping,
    /// The namespaces.
    pub rules: &'a Rules,
    /// Whether it is he whom a relation would lead to.
    pub is_erased: &'a (dyn Fn(&Related) -> bool + Sync),
    /// His values as lower-case texts, while they are known: a text of an object
    /// that holds one of them names him too.
    pub texts: &'a [String],
}

impl Unlink<'_> {
    /// Whether a row says by a relation that it belongs to him.
    pub fn concerns(&self, row: &Object) -> bool {
        self.mapping.relations.iter().any(|relates| {
            let value = row.get(relates.field.as_str());
            value.is_some_and(|value| {
                named(value, &relates.to, self.rules).any(|to| (self.is_erased)(&to))
            })
        })
    }

    /// Whether an object's own key names him, so that nothing of it may stay.
    pub fn is_named_by(&self, key: &str) -> bool {
        self.mapping.kind.is_object() && self.names(&Value::text(key))
    }

    /// A row without the values that name him.
    pub fn row(&self, row: &Object) -> Object {
        let kept = row.iter().map(|(name, value)| (name, self.field(name, value)));
        kept.filter_map(|(name, value)| Some((name.clone(), value?))).collect()
    }

    /// A record as if its row had never named him.
    pub fn record(&self, record: &Record, run: &RunId) -> Record {
        let mut next = record.clone();
        next.raw = self.row(&record.raw);
        for (name, state) in &mut next.fields {
            let FieldState { asserted, remote, .. } = state;
            if let Some(told) = asserted.take() {
                let value = self.field(name.as_str(), &told.value);
                *asserted = value.map(|value| hub_model::Assertion { value, ..told });
            }
            if let Some(shown) = remote {
                *shown = self.field(name.as_str(), shown).unwrap_or(Value::Null);
            }
        }
        next.relations = relation::renewed(&next, self.mapping, self.rules);
        if next != *record {
            next.run = run.clone();
        }
        next
    }

    /// What stays of a field; of people's rows only what relates may go.
    fn field(&self, name: &str, value: &Value) -> Option<Value> {
        if self.mapping.kind.is_object() {
            return self.rest(value, &|item| self.names(item) || self.relates(name, item));
        }
        self.rest(value, &|item| self.relates(name, item))
    }

    /// What stays of a value.
    fn rest(&self, value: &Value, goes: &dyn Fn(&Value) -> bool) -> Option<Value> {
        match value {
            Value::List(items) => {
                Some(Value::List(items.iter().filter_map(|item| self.rest(item, goes)).collect()))
            }
            Value::Object(entries) => {
                let kept = entries.iter().map(|(name, item)| (name, self.rest(item, goes)));
                let kept = kept.filter_map(|(name, item)| Some((name.clone(), item?)));
                Some(Value::Object(kept.collect()))
            }
            one => (!goes(one)).then(|| one.clone()),
        }
    }

    /// Whether a value of a field relates to him.
    fn relates(&self, field: &str, value: &Value) -> bool {
        let own = self.mapping.relations.iter().filter(|r| r.field.as_str() == field);
        own.flat_map(|relates| named(value, &relates.to, self.rules))
            .any(|to| (self.is_erased)(&to))
    }

    /// Whether a value names him in any namespace, or holds a text of his.
    fn names(&self, value: &Value) -> bool {
        let text = match value {
            Value::Text(text) => str::to_lowercase(text),
            Value::Number(number) => number.to_string(),
            _ => return false,
        };
        if self.texts.iter().any(|his| text.contains(his)) {
            return true;
        }
        let single = |n: &&hub_model::Namespace| n.normaliser != Normaliser::Composite;
        self.rules.namespaces.iter().filter(single).any(|namespace| {
            match normalise(namespace, value) {
                Normalised::Identity(identity) => (self.is_erased)(&Related::Identity(identity)),
                Normalised::Empty | Normalised::Invalid(_) | Normalised::Never => false,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use hub_model::{
        EntityKind, FieldName, Mapping, Normaliser, Object, Record, RecordNo, Related, RelatesTo,
        RelationMapping, Rules, RunId, Timestamp, Value,
    };

    use super::Unlink;
    use crate::fixture::{at, mapping, namespace, rules};
    use crate::sync::{Context, Observation, Row, Stamps, observe};

    fn stream(kind: EntityKind) -> (Mapping, Rules) {
        let pairs = ["mail -> mail", "phone -> phone phone", "to -> to", "note -> note"];
        let pairs = if kind.is_object() {
            ["mail -> mail", "phone -> phone", "to -> to", "note -> note"]
        } else {
            pairs
        };
        let mut mapping = mapping("shop", &pairs);
        mapping.kind = kind;
        let buyer = |field| RelationMapping {
            field: FieldName::new(field),
            role: "buyer".into(),
            to: RelatesTo::Namespace("email".into()),
        };
        mapping.relations = vec![buyer("mail"), buyer("to")];
        let namespaces =
            vec![namespace("email", Normaliser::Email), namespace("phone", Normaliser::Phone)];
        let rules = rules(namespaces, vec![mapping.clone()]);
        (mapping, rules)
    }

    fn object(text: &str) -> Object {
        serde_json::from_str(text).unwrap()
    }

    fn seen(mapping: &Mapping, rules: &Rules, row: &Object) -> Record {
        let run = RunId::new("run");
        let about = Context { number: RecordNo(1), run: &run, rules, now: Timestamp(0) };
        let row = Row { at: &at(mapping, "1"), object: row, raw: row, version: None };
        match observe(None, &row, mapping, &mut Stamps::after(0), &about) {
            Observation::Seen(seen) => seen.record,
            Observation::Unchanged => panic!("a new row"),
        }
    }

    fn ana(to: &Related) -> bool {
        ["email:ana@x.fr", "phone:+33140205050"].contains(&to.to_string().as_str())
    }

    #[test]
    fn an_object_keeps_what_names_nobody() {
        let (mapping, rules) = stream(EntityKind::object("order"));
        let texts = ["ana@x.fr".to_owned()];
        let unlink = Unlink { mapping: &mapping, rules: &rules, is_erased: &ana, texts: &texts };
        let row = object(
            r#"{"mail":"Ana@X.fr","to":["bob@x.fr","ANA@x.fr"],"phone":"01 40 20 50 50",
                "note":"for ANA@X.FR","total":12,"ship":{"name":"?","mail":"ana@x.fr"}}"#,
        );
        assert!(unlink.concerns(&row) && unlink.is_named_by("ana@x.fr"));
        let kept = object(r#"{"to":["bob@x.fr"],"total":12,"ship":{"name":"?"}}"#);
        assert_eq!(unlink.row(&row), kept);
        // As if it had been read like that, but for the numbers of order.
        let mut left = unlink.record(&seen(&mapping, &rules, &row), &RunId::new("run"));
        let mut wanted = seen(&mapping, &rules, &kept);
        for record in [&mut left, &mut wanted] {
            for state in record.fields.values_mut() {
                if let Some(asserted) = &mut state.asserted {
                    asserted.stamp.0 = 0;
                }
            }
        }
        assert_eq!(left, wanted);
        let other = object(r#"{"mail":"bob@x.fr","phone":"0140205051","note":"ana"}"#);
        assert!(!unlink.concerns(&other) && !unlink.is_named_by("o-1"));
        assert_eq!(unlink.row(&other), other);
    }

    #[test]
    fn another_person_loses_the_relation_alone() {
        let (mapping, rules) = stream(EntityKind::Person);
        let unlink = Unlink { mapping: &mapping, rules: &rules, is_erased: &ana, texts: &[] };
        let row = object(r#"{"to":"ana@x.fr","phone":"0140205050","note":"ana@x.fr"}"#);
        let record = seen(&mapping, &rules, &row);
        let left = unlink.record(&record, &RunId::new("erasure"));
        assert_eq!(left.raw, object(r#"{"phone":"0140205050","note":"ana@x.fr"}"#));
        assert_eq!((left.identities, left.relations.len()), (record.identities, 0));
        assert_eq!(left.fields["to"].remote, Some(Value::Null));
        assert_eq!(left.fields["to"].asserted, None);
    }
}
