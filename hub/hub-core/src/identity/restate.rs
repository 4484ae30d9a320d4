//! What records say under other rules: the identity facts that they would have
//! told, had these rules been in force.

use std::collections::BTreeSet;

use hub_model::{
    FieldMapping, Identity, IdentityFact, Mapping, Namespace, Normaliser, Record, Rules, Stamp,
    Value,
};

use super::composite;
use super::normalise::{Normalised, normalise};
use crate::mapping::{identity_in, said, same_reading};

/// The identity facts of a record under changed rules, oldest first.
///
/// Facts of a namespace whose forms did not change, told by a field that still
/// carries it and is converted as it was, stay as they are. For others, the newest is made anew from what
/// the record asserts now; older ones from the normal form that was kept, since
/// no other is. What a composite was before is not known: only what it is.
///
/// Contested marks are not carried over; resolution makes them.
pub fn restate(record: &Record, before: &Rules, after: &Rules) -> Vec<IdentityFact> {
    let stream = &record.at.stream;
    let Some(mapping) = after.mapping(&stream.connection, &stream.stream) else {
        return Vec::new();
    };
    let old = before.mapping(&stream.connection, &stream.stream);
    let mut facts = Vec::new();
    for pair in mapping.fields.iter().filter(|pair| pair.direction.reads()) {
        let Some(namespace) = pair.identity.as_deref().and_then(|name| after.namespace(name))
        else {
            continue;
        };
        let was = old.and_then(|old| old.field(pair.field.as_str()));
        let carried = was.is_some_and(|was| {
            was.identity == pair.identity && was.direction.reads() && same_reading(was, pair)
        });
        if carried && same_forms(before.namespace(&namespace.name), namespace) {
            let told = record.identities.iter();
            let own = told.filter(|f| f.field == pair.field && f.namespace == namespace.name);
            facts.extend(own.cloned().map(unmarked));
        } else {
            facts.extend(again(record, pair, namespace));
        }
    }
    for namespace in after.composites(mapping) {
        let known = old.is_some_and(|old| old.composites.contains(&namespace.name));
        let alike = known && {
            namespace.parts.iter().all(|part| {
                let was = old.and_then(|old| old.field_of(part.of.as_str()));
                match (was, mapping.field_of(part.of.as_str())) {
                    (Some(was), Some(is)) => was.field == is.field && same_reading(was, is),
                    (was, is) => was.is_none() && is.is_none(),
                }
            })
        };
        if alike && same_forms(before.namespace(&namespace.name), namespace) {
            let told = record.identities.iter().filter(|fact| fact.namespace == namespace.name);
            facts.extend(told.cloned().map(unmarked));
        } else {
            facts.extend(composed(record, namespace, mapping));
        }
    }
    facts.sort_by_key(|fact| fact.stamp);
    facts
}

/// Whether two sets of rules make the same profiles of the same records: then
/// only what profiles show may differ.
pub fn resolves_alike(before: &Rules, after: &Rules) -> bool {
    let mappings = |rules: &Rules| -> Vec<Mapping> {
        let mut mappings: Vec<Mapping> = rules.mappings.iter().map(bare).collect();
        mappings.sort_by(|a, b| a.stream.cmp(&b.stream));
        mappings
    };
    before.namespaces == after.namespaces && mappings(before) == mappings(after)
}

/// What of a mapping bears on who is who.
fn bare(mapping: &Mapping) -> Mapping {
    let names = |pair: &&FieldMapping| {
        // A part of a composite names somebody together with others.
        pair.identity.is_some() || (pair.direction.reads() && !mapping.composites.is_empty())
    };
    Mapping {
        kind: mapping.kind.clone(),
        fields: mapping.fields.iter().filter(names).cloned().collect(),
        composites: mapping.composites.clone(),
        records_per_profile_max: mapping.records_per_profile_max,
        ..Mapping::new(mapping.sync.clone(), mapping.stream.clone())
    }
}

fn unmarked(fact: IdentityFact) -> IdentityFact {
    IdentityFact { contested: false, ..fact }
}

/// Whether values have the same normal forms in both.
fn same_forms(before: Option<&Namespace>, after: &Namespace) -> bool {
    before.is_some_and(|before| {
        before.normaliser == after.normaliser
            && before.parts == after.parts
            && before.country == after.country
            && before.never.iter().collect::<BTreeSet<_>>()
                == after.never.iter().collect::<BTreeSet<_>>()
    })
}

fn named(normalised: Normalised) -> Option<Identity> {
    match normalised {
        Normalised::Identity(identity) => Some(identity),
        Normalised::Empty | Normalised::Invalid(_) | Normalised::Never => None,
    }
}

/// The facts of a field, made anew.
fn again(record: &Record, pair: &FieldMapping, namespace: &Namespace) -> Vec<IdentityFact> {
    let asserted = record.fields.get(&pair.field).and_then(|state| state.asserted.as_ref());
    let now = asserted.map_or(Stamp(u64::MAX), |asserted| asserted.stamp);
    let mut told: Vec<(Stamp, bool, Option<Identity>)> = Vec::new();
    // A field may have carried another namespace; its values are still values.
    let earlier = record.identities.iter();
    for fact in earlier.filter(|fact| fact.field == pair.field && fact.stamp < now) {
        if namespace.normaliser != Normaliser::Composite && !told.iter().any(|t| t.0 == fact.stamp)
        {
            let value = fact.identity.as_ref().map(|identity| Value::text(&*identity.value));
            let identity = value.and_then(|value| named(normalise(namespace, &value)));
            told.push((fact.stamp, fact.edited, identity));
        }
    }
    if let Some(asserted) = asserted {
        let edited = record.identities.iter().any(|f| f.stamp == asserted.stamp && f.edited);
        told.push((asserted.stamp, edited, identity_in(pair, namespace, &asserted.value)));
    }
    let mut has_named = false;
    told.retain(|(_, _, identity)| {
        has_named |= identity.is_some();
        has_named
    });
    let fact = |(stamp, edited, identity)| IdentityFact {
        identity,
        namespace: namespace.name.clone(),
        field: pair.field.clone(),
        stamp,
        edited,
        contested: false,
    };
    told.into_iter().map(fact).collect()
}

/// The fact of a composite as it is now, told when its last part was.
fn composed(record: &Record, namespace: &Namespace, mapping: &Mapping) -> Option<IdentityFact> {
    let identity = named(composite::identity(namespace, record, mapping))?;
    let stamps = namespace.parts.iter().filter_map(|part| {
        said(record, mapping.field_of(part.of.as_str())?).map(|said| said.stamp)
    });
    Some(IdentityFact {
        identity: Some(identity),
        namespace: namespace.name.clone(),
        field: composite::carrier(namespace, mapping)?.clone(),
        stamp: stamps.max()?,
        edited: false,
        contested: false,
    })
}
