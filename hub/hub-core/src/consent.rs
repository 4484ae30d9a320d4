//! Consent: what records state, what holds for a profile, and what may be done
//! at an instant.
//!
//! Each record has one word per purpose and channel, its current one. Among the
//! records of a profile the stricter word wins, so that a merge never permits
//! what one of its people refused, and an unmerge gives each back what was his.
//! Nothing is permitted that is not known to be granted.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hub_model::consent::{EVERY_CHANNEL, PROOF_BYTES_MAX};
use hub_model::{
    Consent, ConsentKey, ConsentMapping, ConsentProof, ConsentState, FieldName, Mapping, Profile,
    Record, RecordNo, Rules, Segment, Stamp, Timestamp, TraitName, Value,
};

use crate::audience::closes;

/// What decides between two statements under one key: the stricter state, then
/// the grant that counts longer, then the newer, then the older record, then
/// the field.
type Strictness = (ConsentState, Timestamp, Stamp, Reverse<RecordNo>, Reverse<FieldName>);

/// What the records of a profile state, one consent per purpose and channel, in
/// order. Deleted records keep their word: a refusal does not end with the row
/// that held it.
///
/// The clock plays no part: a grant that has expired still stands here, and
/// [`effective`] tells.
pub fn stated(members: &[&Record], rules: &Rules) -> Vec<Consent> {
    if rules.mappings.iter().all(|mapping| mapping.consents.is_empty()) {
        return Vec::new();
    }
    let mut strictest: BTreeMap<&ConsentKey, (Strictness, Consent)> = BTreeMap::new();
    for record in members {
        let stream = &record.at.stream;
        let Some(mapping) = rules.mapping(&stream.connection, &stream.stream) else { continue };
        for stating in &mapping.consents {
            let Some(consent) = statement(record, stating, rules) else { continue };
            let strictness = (
                consent.state,
                consent.expires.unwrap_or(Timestamp(i64::MAX)),
                consent.stamp,
                Reverse(record.number),
                Reverse(stating.field.clone()),
            );
            if strictest.get(&stating.key).is_none_or(|(other, _)| *other < strictness) {
                strictest.insert(&stating.key, (strictness, consent));
            }
        }
    }
    strictest.into_values().map(|(_, consent)| consent).collect()
}

/// What a record states by a field; `None` while its system has said nothing.
fn statement(record: &Record, stating: &ConsentMapping, rules: &Rules) -> Option<Consent> {
    let asserted = record.fields.get(&stating.field)?.asserted.as_ref()?;
    let state = stating.state_of(&asserted.value);
    let declared = stating.time.as_ref().and_then(|time| time.read(&record.raw));
    let given = declared.or(asserted.seen);
    let text = |field: &Option<FieldName>| match record.raw.get(field.as_ref()?.as_str())? {
        Value::Text(text) if text.len() <= PROOF_BYTES_MAX => Some(text.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let period = rules.purpose(&stating.key.purpose).and_then(|purpose| purpose.expires);
    // A grant that nobody dated, under a rule that counts from its date, has
    // expired.
    let end = |period: hub_model::Period| given.map_or(Timestamp(i64::MIN), |t| period.after(t));
    Some(Consent {
        key: stating.key.clone(),
        state,
        stamp: asserted.stamp,
        expires: period.filter(|_| state == ConsentState::Granted).map(end),
        proof: ConsentProof {
            record: record.number,
            field: stating.field.clone(),
            given,
            text_version: text(&stating.text_version),
            raw: text(&stating.proof),
        },
    })
}

/// What holds at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effective<'a> {
    /// The state; a grant that has expired, or is dated in the future, is
    /// unknown.
    pub state: ConsentState,
    /// The consent that decides, or the grant that expired.
    pub because: Option<&'a Consent>,
    /// It was granted once, and is unknown now only because time has passed:
    /// the person may be asked again.
    pub expired: bool,
}

/// What holds for a purpose on a channel at an instant. (Of two grants under one
/// key the profile keeps the longer; if that one is dated in the future, it hides
/// the other until then: nothing is permitted by it that nobody granted.)
/// Statements about every
/// channel count for each; of all the stricter holds. Asked for
/// [`EVERY_CHANNEL`], a grant must speak of every channel, and a refusal on any
/// one of them counts.
pub fn effective<'a>(
    consents: &'a [Consent],
    purpose: &str,
    channel: &str,
    now: Timestamp,
) -> Effective<'a> {
    let mut found = Effective { state: ConsentState::Unknown, because: None, expired: false };
    for consent in consents.iter().filter(|consent| *consent.key.purpose == *purpose) {
        let refuses = consent.state > ConsentState::Granted;
        let speaks = consent.key.covers(purpose, channel);
        if !(speaks || (channel == EVERY_CHANNEL && refuses)) {
            continue;
        }
        let granted = consent.state == ConsentState::Granted;
        let over = granted && consent.expires.is_some_and(|expires| expires <= now);
        let early = granted && consent.proof.given.is_some_and(|given| given > now);
        let state = if over || early { ConsentState::Unknown } else { consent.state };
        if state > found.state || found.because.is_none() {
            found = Effective { state, because: Some(consent), expired: over };
        }
    }
    found
}

/// Why nothing of a profile may be written to a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The consent that is required.
    pub key: ConsentKey,
    /// What holds instead of a grant.
    pub state: ConsentState,
    /// It was granted and has expired.
    pub expired: bool,
}

/// Whether everything that a destination requires is granted at an instant.
/// Ask when a write is queued and again when it is sent.
///
/// # Errors
/// The first requirement that is not granted.
pub fn permits(
    consents: &[Consent],
    requires: &[ConsentKey],
    now: Timestamp,
) -> Result<(), Refusal> {
    for key in requires {
        let held = effective(consents, &key.purpose, &key.channel, now);
        if held.state != ConsentState::Granted {
            let Effective { state, expired, .. } = held;
            return Err(Refusal { key: key.clone(), state, expired });
        }
    }
    Ok(())
}

/// The first purpose that a stream declares and nothing that is asked of its rows is
/// about: neither what the sync requires nor that for which its segment is. A purpose
/// goes by the connector's word, unless the sync says what that is called here. An
/// audience that ends takes nobody in.
pub fn not_asked<'a>(
    declared: &'a [Box<str>],
    mapping: &Mapping,
    segment: Option<&Segment>,
) -> Option<&'a str> {
    let asked = mapping.requires.iter().chain(segment.map(|segment| &segment.purpose));
    let asked: Vec<&str> = asked.map(|key| &*key.purpose).collect();
    let is_asked = |word: &str| {
        closes(mapping) || mapping.purposes.contains_key(word) || asked.contains(&word)
    };
    declared.iter().map(|word| &**word).find(|word| !is_asked(word))
}

/// Whether a sync tells of consents, or asks for them: then a refusal is urgent there.
pub fn concerns(mapping: &Mapping, rules: &Rules) -> bool {
    let tells = || {
        mapping
            .fields
            .iter()
            .any(|pair| pair.direction.writes() && states(&pair.to, rules).is_some())
    };
    !mapping.requires.is_empty() || mapping.segment.is_some() || tells()
}

/// The consent that a trait states in some system, if it does.
fn states<'a>(name: &TraitName, rules: &'a Rules) -> Option<&'a ConsentKey> {
    rules.mappings.iter().find_map(|mapping| {
        let is_of = |stating: &&ConsentMapping| {
            mapping.field(stating.field.as_str()).is_some_and(|pair| pair.to == *name)
        };
        mapping.consents.iter().find(is_of).map(|stating| &stating.key)
    })
}

/// Whether a profile refuses anything.
pub fn refuses(profile: &Profile) -> bool {
    profile.consents.iter().any(|consent| consent.state > ConsentState::Granted)
}

/// Whether a write of some fields tells its destination of a refusal.
pub fn tells_refusal<'a>(
    profile: &Profile,
    mut fields: impl Iterator<Item = &'a FieldName>,
    mapping: &Mapping,
    rules: &Rules,
) -> bool {
    refuses(profile)
        && fields.any(|field| {
            let stated = mapping.field(field.as_str()).and_then(|pair| states(&pair.to, rules));
            let is_refused = |key: &ConsentKey| {
                let mut own = profile.consents.iter().filter(|consent| consent.key == *key);
                own.any(|consent| consent.state > ConsentState::Granted)
            };
            stated.is_some_and(is_refused)
        })
}

/// Whether a record has refused something since a stamp.
pub fn refused_since(record: &Record, mapping: &Mapping, since: Stamp) -> bool {
    mapping.consents.iter().any(|stating| {
        let asserted = record.fields.get(&stating.field).and_then(|it| it.asserted.as_ref());
        let refuses = |value| stating.state_of(value) > ConsentState::Granted;
        asserted.is_some_and(|said| said.stamp > since && refuses(&said.value))
    })
}

/// The next instant after `now` at which a grant of these expires: when the
/// profile must be looked at again. `None` if none will.
pub fn next_expiry(consents: &[Consent], now: Timestamp) -> Option<Timestamp> {
    consents.iter().filter_map(|consent| consent.expires).filter(|expires| *expires > now).min()
}

/// The grants that expired after one instant and until another, that included:
/// what a sweep that last ran at `after` has to act on.
pub fn expired_between(
    consents: &[Consent],
    after: Timestamp,
    until: Timestamp,
) -> impl Iterator<Item = &Consent> {
    let expired = move |consent: &&Consent| {
        consent.expires.is_some_and(|expires| after < expires && expires <= until)
    };
    consents.iter().filter(expired)
}

#[cfg(test)]
mod tests;
