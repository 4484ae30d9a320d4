//! Identities of several traits together: name and birth date, birth date and
//! postcode.

use std::borrow::Cow;

use hub_model::limits::KEY_BYTES_MAX;
use hub_model::{
    FieldName, Identity, IdentityFact, Mapping, Namespace, Record, Rules, Stamp, Value,
};

use super::normalise::{Form, Normalised, Reason, form};
use crate::mapping::said;

/// What stands between parts; inside of one it is escaped.
const BETWEEN: char = '|';
const ESCAPE: char = '\\';

/// What a record says in a composite namespace: every part is a trait that the
/// record asserts itself, in the form that the trait has. One part that is missing, malformed
/// or names nobody, and the whole names nobody.
pub fn identity(namespace: &Namespace, record: &Record, mapping: &Mapping) -> Normalised {
    let parts = namespace.parts.iter().map(|part| {
        let pair = mapping.field_of(part.of.as_str());
        let said = pair.and_then(|pair| said(record, pair));
        let value = said.map_or(Cow::Owned(Value::Null), |said| said.value);
        form(namespace, part.normaliser, &value)
    });
    named(namespace, joined(parts))
}

/// The normal form of a composite that is in normal form already.
pub(super) fn again(namespace: &Namespace, text: &str) -> Form {
    let texts = split(text);
    if texts.len() != namespace.parts.len() {
        return Form::Invalid(Reason::Parts);
    }
    let parts = namespace.parts.iter().zip(texts);
    joined(parts.map(|(part, text)| form(namespace, part.normaliser, &Value::text(text))))
}

fn named(namespace: &Namespace, form: Form) -> Normalised {
    match form {
        Form::Empty => Normalised::Empty,
        Form::Invalid(reason) => Normalised::Invalid(reason),
        Form::Is(form) if !namespace.never.contains(&form) => {
            Normalised::Identity(Identity::new(&namespace.name, &form))
        }
        Form::Is(_) | Form::Never => Normalised::Never,
    }
}

fn joined(parts: impl Iterator<Item = Form>) -> Form {
    let mut whole = String::new();
    for (index, part) in parts.enumerate() {
        let Form::Is(text) = part else { return part };
        if index > 0 {
            whole.push(BETWEEN);
        }
        for c in text.chars() {
            if c == BETWEEN || c == ESCAPE {
                whole.push(ESCAPE);
            }
            whole.push(c);
        }
    }
    match whole.len() {
        0 => Form::Empty,
        bytes if bytes > KEY_BYTES_MAX => Form::Invalid(Reason::Length),
        _ => Form::Is(whole),
    }
}

fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            BETWEEN => {
                parts.push(String::new());
                continue;
            }
            ESCAPE => chars.next().unwrap_or(ESCAPE),
            c => c,
        };
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

/// The field by which a composite fact is known: that of its first part.
pub(crate) fn carrier<'a>(namespace: &Namespace, mapping: &'a Mapping) -> Option<&'a FieldName> {
    let first = namespace.parts.first()?;
    mapping.field_of(first.of.as_str()).map(|pair| &pair.field)
}

/// What changed in the composite namespaces of a record, each with a stamp of
/// its own. A composite that stays as it was is no news.
pub(crate) fn news(
    record: &Record,
    mapping: &Mapping,
    rules: &Rules,
    mut stamp: impl FnMut() -> Stamp,
) -> Vec<IdentityFact> {
    let mut facts = Vec::new();
    for namespace in rules.composites(mapping) {
        let Some(field) = carrier(namespace, mapping) else { continue };
        let said = match identity(namespace, record, mapping) {
            Normalised::Identity(identity) => Some(identity),
            Normalised::Empty | Normalised::Invalid(_) | Normalised::Never => None,
        };
        let earlier = record.identities.iter().rev();
        let before = earlier
            .clone()
            .find(|fact| fact.namespace == namespace.name)
            .and_then(|fact| fact.identity.as_ref());
        if before != said.as_ref() {
            facts.push(IdentityFact {
                edited: before.is_some(),
                identity: said,
                namespace: namespace.name.clone(),
                field: field.clone(),
                stamp: stamp(),
                contested: false,
            });
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use hub_model::{
        Namespace, Normaliser, Part, RecordNo, Rules, RunId, Timestamp, TraitName, Value,
    };

    use crate::fixture::{Rng, at, mapping, namespace, row, rules};
    use crate::identity::{Normalised, normalise};
    use crate::sync::{Context, Observation, Row, Stamps, observe};

    fn name_birth() -> Namespace {
        let part = |of: &str, normaliser| Part { of: TraitName::new(of), normaliser };
        let parts = vec![
            part("surname", Normaliser::Name),
            part("given", Normaliser::Name),
            part("born", Normaliser::Date),
        ];
        Namespace { parts, ..namespace("name-birth", Normaliser::Composite) }
    }

    fn configuration() -> Rules {
        let mut crm = mapping("crm", &["last -> surname", "first -> given", "birth -> born"]);
        crm.composites = vec!["name-birth".into()];
        rules(vec![name_birth()], vec![crm])
    }

    #[test]
    fn a_record_names_somebody_while_it_asserts_every_part() {
        let rules = configuration();
        let mapping = &rules.mappings[0];
        let (at, run) = (at(mapping, "k"), RunId::new("run"));
        let mut stamps = Stamps::after(0);
        let mut record = None;
        // (row, what is told: `-` for a value given up, nothing for no news)
        let steps = [
            (["Le Goff", "\u{c9}lodie", ""], None),
            (["Le Goff", "\u{c9}lodie", "1957-01-10"], Some("le goff|elodie|1957-01-10")),
            (["LE-GOFF", "Elodie", "1957-01-10"], None),
            (["Le Goff", "Anne", "1957-01-10"], Some("le goff|anne|1957-01-10")),
            (["Le Goff", "Anne", "10/01/1957"], Some("-")),
            (["Le Goff", "unknown", "1957-01-10"], None),
            (["Le Goff", "Anne", "1957-01-10"], Some("le goff|anne|1957-01-10")),
        ];
        for ([last, first, birth], told) in steps {
            let object = row(&[("last", last), ("first", first), ("birth", birth)]);
            let seen = Row { at: &at, object: &object, raw: &object, version: None };
            let context =
                Context { number: RecordNo(1), run: &run, rules: &rules, now: Timestamp(0) };
            let observed = observe(record.as_ref(), &seen, mapping, &mut stamps, &context);
            let Observation::Seen(seen) = observed else { panic!("{object:?}") };
            let facts: Vec<String> = seen
                .facts
                .iter()
                .map(|f| f.identity.as_ref().map_or("-".to_owned(), |i| i.value.to_string()))
                .collect();
            assert_eq!(facts.first().map(String::as_str), told, "{object:?}");
            assert!(facts.len() <= 1);
            let stamps: Vec<_> = seen.record.identities.iter().map(|fact| fact.stamp).collect();
            assert!(stamps.is_sorted(), "{stamps:?}");
            record = Some(seen.record);
        }
    }

    #[test]
    fn normal_forms_are_stable_whatever_parts_hold() {
        let mut codes = name_birth();
        for part in &mut codes.parts {
            part.normaliser = Normaliser::Exact;
        }
        let alphabet: Vec<char> = "a|\\ b\u{e9}".chars().collect();
        let mut named = 0;
        for seed in 0..1_000 {
            let mut rng = Rng(seed);
            let mut part = || (0..rng.below(4) + 1).map(|_| *rng.pick(&alphabet)).collect();
            let text = [part(), part(), part()].map(|part: String| part).join("|");
            if let Normalised::Identity(identity) = normalise(&codes, &Value::text(&*text)) {
                named += 1;
                let again = normalise(&codes, &Value::text(&*identity.value));
                assert_eq!(again, Normalised::Identity(identity), "seed {seed} {text:?}");
            }
        }
        assert!(named > 100, "{named}");
    }
}
