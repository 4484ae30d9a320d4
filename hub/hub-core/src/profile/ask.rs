//! The rule `ask`: edits that knew nothing of each other are put to a person.
//!
//! Each edit was kept with the golden value that its author had before him. One
//! edit supersedes another if it was received later and its author knew the other:
//! he had been told it, or something later, or his own row had said the same. What
//! nobody superseded stands. If all that stands is one value, that is the golden
//! value; otherwise the field is in conflict, and keeps the value last agreed: the
//! newest golden value over which one of the edits was made. As a field in conflict
//! is brought nowhere, that was agreed before any of them.
//!
//! What a person settles is as if everybody had known it: only what is typed later
//! counts beside it.

use std::borrow::Cow;
use std::cmp::Reverse;

use hub_model::{
    Basis, Conflict, ConflictReason, FieldState, Provenance, Record, Rules, Settled, Side, Stamp,
    Survivorship, Trait, TraitName, Value,
};

use super::survivorship::Candidate;
use crate::mapping::{Said, as_said};

/// What the assertions of a trait come to.
#[derive(Debug)]
pub(super) enum Hearing<'c, 'a> {
    /// One of them stands, or several that say the same; the newest.
    Agreed(&'c Candidate<'a>),
    /// Nobody said anything since a person settled it.
    Settled(&'c Candidate<'a>, &'a Settled),
    /// These contradict each other, the newest first; with what was agreed before.
    Open(Vec<&'c Candidate<'a>>, Option<Agreed<'c, 'a>>),
}

/// A golden value of before, who knows of it, and its stamp.
type Agreed<'c, 'a> = (&'c Candidate<'a>, Cow<'a, Value>, Stamp);

/// Hears all assertions of a trait; `None` if there are none.
pub(super) fn hear<'c, 'a>(candidates: &'c [Candidate<'a>]) -> Option<Hearing<'c, 'a>> {
    let settled = settled(candidates);
    let since = settled.map_or(Stamp(0), |(_, settled)| settled.stamp);
    let later: Vec<_> = candidates.iter().filter(|c| c.said.stamp > since).collect();
    if let (Some((by, settled)), true) = (settled, later.is_empty()) {
        return Some(Hearing::Settled(by, settled));
    }
    let superseded = |one: &Candidate<'_>| later.iter().any(|other| supersedes(other, one));
    let mut standing: Vec<_> = later.iter().copied().filter(|one| !superseded(one)).collect();
    standing.sort_by_key(|c| (Reverse(c.said.stamp), c.record.number, &c.pair.field));
    let agreed = agreed(&standing, settled);
    // Whoever typed back what had been agreed contradicts nobody.
    let is_news = |one: &&Candidate<'_>| {
        agreed.as_ref().is_none_or(|(_, value, _)| **value != *one.said.value)
    };
    let news: Vec<_> = standing.iter().copied().filter(is_news).collect();
    let standing = if news.is_empty() { standing } else { news };
    let first = *standing.first()?;
    let same = standing.iter().all(|one| one.said.value == first.said.value);
    Some(if same { Hearing::Agreed(first) } else { Hearing::Open(standing, agreed) })
}

/// The newest golden value over which something that stands was typed.
fn agreed<'c, 'a>(
    standing: &[&'c Candidate<'a>],
    settled: Option<(&'c Candidate<'a>, &'a Settled)>,
) -> Option<Agreed<'c, 'a>> {
    let told = standing.iter().filter_map(|one| {
        let basis = basis(one).filter(|basis| basis.knew > Stamp(0))?;
        Some((*one, as_said(one.pair, &basis.agreed), basis.knew))
    });
    let settled = settled.map(|(by, told)| (by, Cow::Borrowed(&told.value), told.stamp));
    told.chain(settled)
        .max_by_key(|(by, _, stamp)| (*stamp, Reverse(by.record.number), Reverse(&by.pair.field)))
}

/// The newest that a person settled.
fn settled<'c, 'a>(candidates: &'c [Candidate<'a>]) -> Option<(&'c Candidate<'a>, &'a Settled)> {
    let of = |candidate: &'c Candidate<'a>| {
        let dispute = candidate.record.fields.get(&candidate.pair.field)?.dispute.as_ref()?;
        Some((candidate, dispute.settled.as_ref()?))
    };
    candidates.iter().filter_map(of).max_by_key(|(_, settled)| settled.stamp)
}

fn basis<'a>(candidate: &Candidate<'a>) -> Option<&'a Basis> {
    candidate.record.fields.get(&candidate.pair.field)?.dispute.as_ref()?.basis.as_ref()
}

/// Whether the author of one assertion knew the other. What was said before the
/// rule was to ask was said by the rule of then, by which the newest counts.
fn supersedes(one: &Candidate<'_>, other: &Candidate<'_>) -> bool {
    let Said { value, stamp, .. } = &other.said;
    let knew = |basis: &Basis| basis.knew >= *stamp || *as_said(one.pair, &basis.before) == **value;
    one.said.stamp > *stamp && basis(one).is_none_or(knew)
}

/// The golden value and the conflict that assertions of a trait come to.
pub(super) fn settle(
    name: &TraitName,
    candidates: &[Candidate<'_>],
) -> (Option<Trait>, Option<Conflict>) {
    let golden = |by: &Candidate<'_>, value: &Value, stamp: Stamp| Trait {
        value: value.clone(),
        stamp,
        provenance: Provenance {
            record: by.record.number,
            field: by.pair.field.clone(),
            rule: Survivorship::Ask,
        },
    };
    match hear(candidates) {
        None => (None, None),
        Some(Hearing::Agreed(by)) => (Some(golden(by, &by.said.value, by.said.stamp)), None),
        Some(Hearing::Settled(by, settled)) => {
            (Some(golden(by, &settled.value, settled.stamp)), None)
        }
        Some(Hearing::Open(sides, agreed)) => {
            let golden = agreed.map(|(by, value, stamp)| golden(by, &value, stamp));
            let side = |side: &&Candidate<'_>| Side {
                record: side.record.number,
                field: side.pair.field.clone(),
            };
            let sides = sides.iter().map(side).collect();
            let conflict = Conflict { name: name.clone(), reason: ConflictReason::Ask, sides };
            (golden, Some(conflict))
        }
    }
}

/// The traits that are paused because systems kept answering each other.
pub(super) fn paused(members: &[&Record], rules: &Rules) -> Vec<Conflict> {
    let mut found = Vec::new();
    for record in members {
        if !record.fields.values().any(FieldState::is_paused) {
            continue; // as good as always
        }
        let stream = &record.at.stream;
        let mapping = rules.mapping(&stream.connection, &stream.stream);
        for pair in mapping.into_iter().flat_map(|mapping| &mapping.fields) {
            if record.fields.get(&pair.field).is_some_and(FieldState::is_paused) {
                let side = Side { record: record.number, field: pair.field.clone() };
                found.push(Conflict {
                    name: pair.to.clone(),
                    reason: ConflictReason::PingPong,
                    sides: vec![side],
                });
            }
        }
    }
    found
}
