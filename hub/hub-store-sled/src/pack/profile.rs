//! Profiles.

use std::collections::BTreeMap;

use hub_model::{
    Claimed, EntityKind, FieldName, Identity, Profile, ProfileId, Provenance, RecordNo, Stamp,
    Survivorship, Trait, TraitName,
};

use super::bytes::{Damaged, put_len, put_step, put_text, put_uint};
use super::consent;
use super::names::{Item, Names};
use super::value;

/// Set in the byte of the kind: consents come last.
const CONSENTS: u8 = 2;
/// Conflicts come after them, as JSON: rare.
const CONFLICTS: u8 = 4;
/// In the byte of the kind: its name follows.
const NAMED: u8 = 8;

/// Packs a profile.
pub fn put(profile: &Profile, names: &mut Names, out: &mut Vec<u8>) {
    let kind = match profile.kind {
        EntityKind::Person => 0,
        EntityKind::Account => 1,
        EntityKind::Object(_) => NAMED,
    };
    let consents = if profile.consents.is_empty() { 0 } else { CONSENTS };
    let conflicts = if profile.conflicts.is_empty() { 0 } else { CONFLICTS };
    out.push(kind | consents | conflicts);
    if let EntityKind::Object(name) = &profile.kind {
        names.put(out, name.as_str());
    }
    put_uint(out, profile.id.0);
    let mut stamp = 0;
    put_len(out, profile.traits.len());
    for (name, golden) in &profile.traits {
        names.put(out, name.as_str());
        value::put(out, &golden.value);
        put_step(out, stamp, golden.stamp.0);
        stamp = golden.stamp.0;
        put_step(out, profile.id.0, golden.provenance.record.0);
        names.put(out, golden.provenance.field.as_str());
        names.put(out, golden.provenance.rule.as_str());
    }
    put_len(out, profile.identities.len());
    for claimed in &profile.identities {
        names.put(out, &claimed.identity.namespace);
        put_text(out, &claimed.identity.value);
        put_step(out, stamp, claimed.stamp.0);
        stamp = claimed.stamp.0;
    }
    let mut number = profile.id.0;
    put_len(out, profile.records.len());
    for record in &profile.records {
        put_step(out, number, record.0);
        number = record.0;
    }
    if !profile.consents.is_empty() {
        consent::put(&profile.consents, profile.id, names, out);
    }
    if !profile.conflicts.is_empty() {
        // They hold nothing that cannot be written as JSON.
        put_text(out, &serde_json::to_string(&profile.conflicts).unwrap_or_default());
    }
}

/// Unpacks a profile.
pub fn read(mut item: Item<'_>) -> Result<Profile, Damaged> {
    let flags = item.bytes.byte()?;
    let kind = match flags & !(CONSENTS | CONFLICTS) {
        0 => EntityKind::Person,
        1 => EntityKind::Account,
        NAMED => EntityKind::object(&item.name()?),
        _ => return Err(Damaged),
    };
    let id = ProfileId(item.bytes.uint()?);
    let mut stamp = 0;
    // Collected, not put in one by one: they come in order.
    let traits = (0..item.bytes.count()?).map(|_| {
        let name = TraitName::new(item.name()?);
        let value = value::read(&mut item.bytes)?;
        stamp = item.bytes.step(stamp)?;
        let provenance = Provenance {
            record: RecordNo(item.bytes.step(id.0)?),
            field: FieldName::new(item.name()?),
            rule: Survivorship::of(&item.name()?).ok_or(Damaged)?,
        };
        Ok((name, Trait { value, stamp: Stamp(stamp), provenance }))
    });
    let traits: BTreeMap<_, _> = traits.collect::<Result<_, _>>()?;
    let mut identities = Vec::new();
    for _ in 0..item.bytes.count()? {
        let namespace = item.name()?;
        let identity = Identity { namespace, value: item.bytes.text()?.into() };
        stamp = item.bytes.step(stamp)?;
        identities.push(Claimed { identity, stamp: Stamp(stamp) });
    }
    let mut number = id.0;
    let mut records = Vec::new();
    for _ in 0..item.bytes.count()? {
        number = item.bytes.step(number)?;
        records.push(RecordNo(number));
    }
    let mut consents = Vec::new();
    if flags & CONSENTS != 0 {
        consents = consent::read(&mut item, id)?;
    }
    let mut conflicts = Vec::new();
    if flags & CONFLICTS != 0 {
        conflicts = serde_json::from_str(item.bytes.text()?).map_err(|_| Damaged)?;
    }
    Ok(Profile { id, kind, traits, identities, records, consents, conflicts })
}
