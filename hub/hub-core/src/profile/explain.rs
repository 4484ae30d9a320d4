//! Why a trait has its value: which assertion, by which rule, and what became
//! of the others.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hub_model::{
    FieldName, Profile, Record, RecordNo, RecordRef, Rules, RunId, Stamp, Survivorship, Timestamp,
    TraitName, TraitRule, Value,
};

use super::ask::{self, Hearing};
use super::survivorship::{Candidate, Lost, ranks};
use crate::mapping::said;

/// What one record says about a trait, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The record.
    pub record: RecordNo,
    /// Which row of which stream.
    pub at: RecordRef,
    /// Whether its system still has it.
    pub live: bool,
    /// The field.
    pub field: FieldName,
    /// The value as asserted: cleaned, in the form that the trait has, and the one
    /// that competes. Of an echo, the form that the system shows.
    pub value: Value,
    /// The value as it was received last, before cleaning; absent if the row
    /// has none.
    pub raw: Option<Value>,
    /// The order of its receipt; 0 for an echo.
    pub stamp: Stamp,
    /// When its source says that it changed, where that is declared.
    pub source_time: Option<Timestamp>,
    /// The run that last changed the record.
    pub run: RunId,
    /// What became of it.
    pub standing: Standing,
}

/// What became of an assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The trait is its value.
    Won,
    /// The trait is a union, and its items are among it.
    Shared,
    /// It contradicts another one, and a person is asked.
    Open,
    /// Another one was taken.
    Lost(Lost),
}

/// Why a trait has its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The trait.
    pub name: TraitName,
    /// Its golden value; absent if the profile has none.
    pub value: Option<Value>,
    /// The rule of survivorship.
    pub rule: Survivorship,
    /// What every record says, the winner first, then by receipt, newest first.
    pub evidence: Vec<Evidence>,
}

/// Explains every trait about which some record of a profile says something,
/// in order of name. `members` are all records of the profile.
pub fn explain(profile: &Profile, members: &[&Record], rules: &Rules) -> Vec<Explanation> {
    let live = members.iter().any(|record| record.is_live());
    // What competes, and what has no voice.
    let mut traits: BTreeMap<&TraitName, (Vec<Candidate<'_>>, Vec<Evidence>)> = BTreeMap::new();
    for record in members {
        let stream = &record.at.stream;
        let Some(mapping) = rules.mapping(&stream.connection, &stream.stream) else { continue };
        for pair in &mapping.fields {
            let reads = pair.direction.reads();
            if let Some(said) = said(record, pair).filter(|_| reads) {
                let candidate = Candidate { record, mapping, pair, said };
                traits.entry(&pair.to).or_default().0.push(candidate);
                continue;
            }
            let Some(state) = record.fields.get(&pair.field) else { continue };
            let silent = match &state.asserted {
                Some(asserted) if reads => Evidence {
                    stamp: asserted.stamp,
                    source_time: asserted.source_time,
                    ..evidence(record, &pair.field, &asserted.value, Standing::Lost(Lost::Unfit))
                },
                _ => {
                    let shown = state.remote.as_ref().filter(|shown| !shown.is_null());
                    let Some(shown) = shown else { continue };
                    evidence(record, &pair.field, shown, Standing::Lost(Lost::Echo))
                }
            };
            traits.entry(&pair.to).or_default().1.push(silent);
        }
    }
    let usual = |name: &TraitName| TraitRule {
        name: name.clone(),
        rule: Survivorship::MostRecent,
        sources: Vec::new(),
    };
    let explained = traits.into_iter().map(|(name, (candidates, echoes))| {
        let rule = rules.trait_rule(name).cloned().unwrap_or_else(|| usual(name));
        let mut evidence = if rule.rule == Survivorship::Ask {
            heard(&candidates, live)
        } else {
            judged(&rule, &candidates, live)
        };
        evidence.extend(echoes);
        evidence.sort_by(|a, b| place(a).cmp(&place(b)));
        let value = profile.traits.get(name).map(|golden| golden.value.clone());
        Explanation { name: name.clone(), value, rule: rule.rule, evidence }
    });
    explained.collect()
}

/// Where a piece of evidence is listed.
fn place(evidence: &Evidence) -> (bool, Reverse<Stamp>, RecordNo, &FieldName) {
    let lost = matches!(evidence.standing, Standing::Lost(_));
    (lost, Reverse(evidence.stamp), evidence.record, &evidence.field)
}

fn judged(rule: &TraitRule, candidates: &[Candidate<'_>], live: bool) -> Vec<Evidence> {
    let ranks = ranks(rule, candidates);
    let best = ranks.iter().max();
    let standing = |index: usize, candidate: &Candidate<'_>| {
        let (Some(rank), Some(best)) = (ranks.get(index), best) else {
            return Standing::Lost(Lost::Gone);
        };
        let shares = rule.rule == Survivorship::Union && !candidate.said.value.is_null();
        if !live {
            Standing::Lost(Lost::Gone)
        } else if shares {
            Standing::Shared
        } else if rank == best {
            Standing::Won
        } else {
            Standing::Lost(rank.lost_to(best))
        }
    };
    let told = candidates.iter().enumerate();
    told.map(|(index, candidate)| asserted(candidate, standing(index, candidate))).collect()
}

/// The same under the rule `ask`.
fn heard(candidates: &[Candidate<'_>], live: bool) -> Vec<Evidence> {
    let is = |one: &Candidate<'_>, other: &Candidate<'_>| std::ptr::eq(one, other);
    let hearing = ask::hear(candidates);
    let standing = |candidate: &Candidate<'_>| match &hearing {
        _ if !live => Standing::Lost(Lost::Gone),
        Some(Hearing::Agreed(by)) if is(by, candidate) => Standing::Won,
        Some(Hearing::Settled(..)) => Standing::Lost(Lost::Decided),
        Some(Hearing::Open(sides, _)) if sides.iter().any(|side| is(side, candidate)) => {
            Standing::Open
        }
        _ => Standing::Lost(Lost::Older),
    };
    candidates.iter().map(|candidate| asserted(candidate, standing(candidate))).collect()
}

fn asserted(candidate: &Candidate<'_>, standing: Standing) -> Evidence {
    let said = &candidate.said;
    Evidence {
        stamp: said.stamp,
        source_time: said.source_time,
        ..evidence(candidate.record, &candidate.pair.field, &said.value, standing)
    }
}

fn evidence(record: &Record, field: &FieldName, value: &Value, standing: Standing) -> Evidence {
    Evidence {
        record: record.number,
        at: record.at.clone(),
        live: record.is_live(),
        field: field.clone(),
        value: value.clone(),
        raw: record.raw.get(field.as_str()).cloned(),
        stamp: Stamp(0),
        source_time: None,
        run: record.run.clone(),
        standing,
    }
}
