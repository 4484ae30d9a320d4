//! Which of several assertions a trait takes: the rules beside the usual one.
//!
//! Every rule is an order over the assertions of a trait, so that the winner is
//! the greatest and the order of work never shows. Union alone has no single
//! winner.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use hub_model::limits::VALUE_BYTES_MAX;
use hub_model::{
    ConsentState, FieldMapping, FieldName, Mapping, Provenance, Record, RecordNo, Stamp,
    Survivorship, Timestamp, Trait, TraitRule, Value,
};

use crate::mapping::Said;

/// Most items of a union; beyond it, and beyond the size of a value, the least
/// in canonical order stay.
const UNION_ITEMS_MAX: usize = 1_000;

/// An assertion that competes for a trait, in the form that the trait has.
#[derive(Debug, Clone)]
pub(super) struct Candidate<'a> {
    pub(super) record: &'a Record,
    pub(super) mapping: &'a Mapping,
    pub(super) pair: &'a FieldMapping,
    pub(super) said: Said<'a>,
}

/// How far a candidate satisfies the rule; the greater wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Score<'a> {
    Any,
    Time(Option<Timestamp>),
    Place(Reverse<(usize, u32)>),
    Count(usize),
    Least(Reverse<&'a Value>),
    Greatest(&'a Value),
    Strictness(ConsentState),
}

/// What decides between two candidates, first to last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank<'a> {
    filled: bool,
    score: Score<'a>,
    stamp: Stamp,
    priority: Reverse<u32>,
    record: Reverse<RecordNo>,
    field: Reverse<&'a FieldName>,
}

/// Why a candidate did not survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lost {
    /// It asserts that there is no value, and the rule prefers values.
    Empty,
    /// The rule itself prefers another.
    Rule,
    /// Equal by the rule, and another was received later.
    Older,
    /// Received at the same stamp, by a sync of lower priority.
    Priority,
    /// The same, and another record is older.
    Record,
    /// The same record, and another of its fields comes first by name.
    Field,
    /// A person settled the trait after it was said.
    Decided,
    /// The hub wrote it there itself: an echo is no evidence.
    Echo,
    /// No record of the profile is live; its values persist in the records only.
    Gone,
    /// It does not fit the transforms of today; the row is judged by them when it
    /// is read next.
    Unfit,
}

impl Lost {
    /// The reason as a stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Rule => "rule",
            Self::Older => "older",
            Self::Priority => "priority",
            Self::Record => "record",
            Self::Field => "field",
            Self::Decided => "decided",
            Self::Echo => "echo",
            Self::Gone => "gone",
            Self::Unfit => "unfit",
        }
    }
}

impl Rank<'_> {
    /// What first told this rank from the winner's.
    pub(super) fn lost_to(&self, winner: &Self) -> Lost {
        if self.filled != winner.filled {
            Lost::Empty
        } else if self.score != winner.score {
            Lost::Rule
        } else if self.stamp != winner.stamp {
            Lost::Older
        } else if self.priority != winner.priority {
            Lost::Priority
        } else if self.record != winner.record {
            Lost::Record
        } else {
            Lost::Field
        }
    }
}

/// The ranks of candidates, in their order.
pub(super) fn ranks<'a>(rule: &TraitRule, candidates: &'a [Candidate<'_>]) -> Vec<Rank<'a>> {
    let counts =
        if rule.rule == Survivorship::MostFrequent { counts(candidates) } else { BTreeMap::new() };
    let rank = |candidate: &'a Candidate<'_>| Rank {
        filled: rule.rule.null_counts() || !candidate.said.value.is_null(),
        score: score(rule, candidate, &counts),
        stamp: candidate.said.stamp,
        priority: Reverse(candidate.mapping.priority),
        record: Reverse(candidate.record.number),
        field: Reverse(&candidate.pair.field),
    };
    candidates.iter().map(rank).collect()
}

fn score<'a>(
    rule: &TraitRule,
    candidate: &'a Candidate<'_>,
    counts: &BTreeMap<&Value, usize>,
) -> Score<'a> {
    let value: &Value = &candidate.said.value;
    match rule.rule {
        Survivorship::MostRecent | Survivorship::Union | Survivorship::Ask => Score::Any,
        Survivorship::MostRecentAtSource => Score::Time(candidate.said.source_time),
        Survivorship::SourcePriority => {
            let listed = rule.sources.iter().position(|sync| *sync == candidate.mapping.sync);
            let after = (rule.sources.len(), candidate.mapping.priority);
            Score::Place(Reverse(listed.map_or(after, |place| (place, 0))))
        }
        Survivorship::Owner => {
            let listed = rule.sources.iter().position(|sync| *sync == candidate.mapping.sync);
            Score::Place(Reverse((listed.unwrap_or(rule.sources.len()), 0)))
        }
        Survivorship::MostFrequent => Score::Count(counts.get(value).copied().unwrap_or(0)),
        Survivorship::Longest => Score::Count(length(value)),
        Survivorship::Min => Score::Least(Reverse(value)),
        Survivorship::Max => Score::Greatest(value),
        Survivorship::Strictest => {
            // What a value states is configured in the system's own form.
            let field = &candidate.pair.field;
            let consent = candidate.mapping.consent(field.as_str());
            let asserted = candidate.record.fields.get(field).and_then(|s| s.asserted.as_ref());
            let state = consent.zip(asserted).map(|(consent, a)| consent.state_of(&a.value));
            Score::Strictness(state.unwrap_or_default())
        }
    }
}

/// How many records assert each value, in whichever of their fields.
fn counts<'a>(candidates: &'a [Candidate<'_>]) -> BTreeMap<&'a Value, usize> {
    let mut records: BTreeMap<&Value, BTreeSet<RecordNo>> = BTreeMap::new();
    for candidate in candidates {
        records.entry(&candidate.said.value).or_default().insert(candidate.record.number);
    }
    records.into_iter().map(|(value, records)| (value, records.len())).collect()
}

fn length(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 0,
        Value::Number(number) => number.to_string().len(),
        Value::Text(text) => text.chars().count(),
        Value::List(items) => items.len(),
        Value::Object(entries) => entries.len(),
    }
}

/// The trait that candidates make; `None` without a candidate.
pub(super) fn settle(rule: &TraitRule, candidates: &[Candidate<'_>]) -> Option<Trait> {
    let ranked = ranks(rule, candidates).into_iter().zip(candidates);
    let (rank, winner) = ranked.max_by(|(a, _), (b, _)| a.cmp(b))?;
    let provenance = Provenance {
        record: winner.record.number,
        field: winner.pair.field.clone(),
        rule: rule.rule,
    };
    if rule.rule == Survivorship::Union && rank.filled {
        let (value, stamp) = union(candidates);
        return Some(Trait { value, stamp, provenance });
    }
    let Said { value, stamp, .. } = &winner.said;
    Some(Trait { value: Value::clone(value), stamp: *stamp, provenance })
}

/// All items of all values, each once, in canonical order.
fn union(candidates: &[Candidate<'_>]) -> (Value, Stamp) {
    let mut items: BTreeSet<&Value> = BTreeSet::new();
    let mut stamps: BTreeSet<Stamp> = BTreeSet::new();
    for said in candidates.iter().map(|candidate| &candidate.said) {
        match &*said.value {
            Value::Null => continue,
            Value::List(list) => items.extend(list.iter().filter(|item| !item.is_null())),
            single => {
                items.insert(single);
            }
        }
        stamps.insert(said.stamp);
    }
    let mut bytes_left = VALUE_BYTES_MAX.saturating_sub(2);
    let mut kept = Vec::with_capacity(items.len().min(UNION_ITEMS_MAX));
    for item in items.into_iter().take(UNION_ITEMS_MAX) {
        let Some(rest) = bytes_left.checked_sub(item.size_bytes() + 1) else { break };
        bytes_left = rest;
        kept.push(item.clone());
    }
    (Value::List(kept), of_all(&stamps))
}

/// A stamp for a value that several assertions make together. It must differ
/// when another set of them makes it, also when only an old one has left (a
/// separation): a destination is due when the stamp differs from the one that
/// it was sent. And it must be a stamp that was given out. So it is drawn from
/// those up to the newest by a hash of the set, and is none of the set: every
/// record was born with a stamp that no assertion has. Two sets of `n` stamps
/// share one by chance once in `n`.
pub(crate) fn of_all(stamps: &BTreeSet<Stamp>) -> Stamp {
    let Some(newest) = stamps.last().filter(|_| stamps.len() > 1) else {
        return stamps.last().copied().unwrap_or_default();
    };
    let mixed = stamps.iter().fold(0_u64, |mixed, stamp| mix(mixed ^ stamp.0));
    let first = mixed % newest.0.max(1);
    let drawn = (0..=stamps.len() as u64).map(|step| Stamp(1 + (first + step) % newest.0.max(1)));
    drawn.into_iter().find(|stamp| !stamps.contains(stamp)).unwrap_or(*newest)
}

/// The finaliser of SplitMix64: stable, and every bit counts.
const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
