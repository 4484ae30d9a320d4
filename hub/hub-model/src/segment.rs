//! Segments: stored predicates over profiles, and who is in them.
//!
//! A segment is about one kind of profile and serves one purpose. Its condition is
//! a tree of typed comparisons; there is no scripting. What it means, and when its
//! answer changes by time alone, is decided elsewhere; these are the words.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::consent::ConsentKey;
use crate::event::EventName;
use crate::id::{CommitSeq, KindName, ProfileId, TraitName};
use crate::identity::NamespaceName;
use crate::number::Number;
use crate::period::Period;
use crate::profile::EntityKind;
use crate::relation::RoleName;
use crate::time::Timestamp;
use crate::value::{Text, Value};

/// What a segment is called.
pub type SegmentName = Arc<str>;

/// Most segments of a workspace.
pub const SEGMENTS_MAX: usize = 100;
/// Most conditions of one segment, groups included.
pub const SEGMENT_CONDITIONS_MAX: usize = 100;
/// Deepest nesting of groups in a segment.
pub const SEGMENT_LEVELS_MAX: usize = 8;
/// Highest number that events or relations are counted to.
pub const COUNT_MAX: u32 = 1_000;

/// A segment as configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its name.
    pub name: SegmentName,
    /// What its members are.
    pub kind: EntityKind,
    /// What it is for: nobody is in it without a grant of this.
    pub purpose: ConsentKey,
    /// Who is in it.
    pub when: Condition,
}

/// Whether somebody is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// All of these hold.
    All(Vec<Condition>),
    /// At least one of these holds.
    Any(Vec<Condition>),
    /// None of these holds.
    None(Vec<Condition>),
    /// The golden value of a trait passes every test.
    Trait {
        /// The trait.
        name: TraitName,
        /// What its value must pass.
        tests: Vec<ValueTest>,
    },
    /// An identity of a namespace is claimed.
    Identity(NamespaceName),
    /// So many living objects of a kind relate to the profile.
    Relation {
        /// Their kind.
        kind: KindName,
        /// What the profile is to them; any role if absent.
        role: Option<RoleName>,
        /// How many.
        count: CountTest,
    },
    /// So many events of a name happened.
    Event {
        /// Their name.
        name: EventName,
        /// Within this time before now; ever, if absent.
        within: Option<Period>,
        /// How many.
        count: CountTest,
    },
    /// A consent is granted now.
    Consent(ConsentKey),
}

/// A test of a value. A value of another kind passes none, and so does none at all,
/// unless that is what is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueTest {
    /// There is a value, or there is none.
    Known(bool),
    /// It is one of these.
    OneOf(Vec<Value>),
    /// It is a text that begins so.
    BeginsWith(Text),
    /// It is a list with this item.
    Contains(Value),
    /// It is a number above this one.
    Above(Number),
    /// It is a number, this one or above.
    AtLeast(Number),
    /// It is a number below this one.
    Below(Number),
    /// It is a number, this one or below.
    AtMost(Number),
    /// It is a date or time, this instant or later.
    From(Timestamp),
    /// It is a date or time before this instant.
    Before(Timestamp),
    /// It is a date or time that has come, at most this long ago.
    Within(Period),
    /// It is a date or time longer ago than this.
    Older(Period),
}

/// How many there must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountTest {
    /// At least so many.
    pub at_least: u32,
    /// At most so many; any number if absent.
    pub at_most: Option<u32>,
}

impl Default for CountTest {
    fn default() -> Self {
        Self { at_least: 1, at_most: None }
    }
}

impl CountTest {
    /// Whether a count passes.
    pub fn passes(&self, count: usize) -> bool {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        count >= self.at_least && self.at_most.is_none_or(|most| count <= most)
    }

    /// How many decide: more of them change nothing.
    pub fn deciding(&self) -> usize {
        let beyond = self.at_most.map_or(0, |most| most.saturating_add(1));
        usize::try_from(self.at_least.max(beyond)).unwrap_or(usize::MAX)
    }
}

impl Condition {
    /// The conditions that this one is made of; none of one that asks by itself.
    pub fn parts(&self) -> &[Condition] {
        match self {
            Self::All(parts) | Self::Any(parts) | Self::None(parts) => parts,
            _ => &[],
        }
    }

    /// Shows this condition and every one below it.
    pub fn each<'a>(&'a self, look: &mut impl FnMut(&'a Condition)) {
        look(self);
        self.parts().iter().for_each(|part| part.each(look));
    }
}

/// As it reads in configuration, groups by their word alone.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(_) => f.write_str("all"),
            Self::Any(_) => f.write_str("any"),
            Self::None(_) => f.write_str("none"),
            Self::Trait { name, tests } => {
                write!(f, "trait = {name}")?;
                tests.iter().try_for_each(|test| write!(f, ", {test}"))
            }
            Self::Identity(namespace) => write!(f, "identity = {namespace}"),
            Self::Relation { kind, role, count } => {
                write!(f, "relation = {kind}")?;
                role.iter().try_for_each(|role| write!(f, ", role = {role}"))?;
                write!(f, ", {count}")
            }
            Self::Event { name, within, count } => {
                write!(f, "event = {name}")?;
                within.iter().try_for_each(|within| write!(f, ", within = {within}"))?;
                write!(f, ", {count}")
            }
            Self::Consent(key) => write!(f, "consent = {key}"),
        }
    }
}

impl fmt::Display for ValueTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(known) => write!(f, "known = {known}"),
            Self::OneOf(values) => match values.as_slice() {
                [one] => write!(f, "is = {}", one.to_json()),
                several => {
                    write!(
                        f,
                        "in = {}",
                        several.iter().map(Value::to_json).collect::<serde_json::Value>()
                    )
                }
            },
            Self::BeginsWith(text) => write!(f, "begins_with = {text}"),
            Self::Contains(value) => write!(f, "contains = {}", value.to_json()),
            Self::Above(number) => write!(f, "above = {number}"),
            Self::AtLeast(number) => write!(f, "at_least = {number}"),
            Self::Below(number) => write!(f, "below = {number}"),
            Self::AtMost(number) => write!(f, "at_most = {number}"),
            Self::From(time) => write!(f, "from = {time}"),
            Self::Before(time) => write!(f, "before = {time}"),
            Self::Within(period) => write!(f, "within = {period}"),
            Self::Older(period) => write!(f, "older = {period}"),
        }
    }
}

impl fmt::Display for CountTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at_least = {}", self.at_least)?;
        self.at_most.iter().try_for_each(|most| write!(f, ", at_most = {most}"))
    }
}

/// Of which segments a profile is a member, as it was last judged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// The profile.
    pub profile: ProfileId,
    /// The segments, and since when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub segments: BTreeMap<SegmentName, Timestamp>,
    /// When it must be judged again although nothing of it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Timestamp>,
}

impl Standing {
    /// Of a profile that is in nothing and waits for nothing: such a standing is not
    /// kept.
    pub fn none(profile: ProfileId) -> Self {
        Self { profile, ..Self::default() }
    }

    /// Whether it says nothing.
    pub fn is_none(&self) -> bool {
        self.segments.is_empty() && self.review.is_none()
    }

    /// What changes when another standing takes this one's place: the segments that
    /// the profile leaves, then those that it enters.
    pub fn moves<'a>(&'a self, next: &'a Self) -> impl Iterator<Item = Move> + 'a {
        let step = |entered| {
            move |segment: &SegmentName| Move {
                segment: segment.clone(),
                profile: self.profile,
                entered,
            }
        };
        let left = self.segments.keys().filter(|name| !next.segments.contains_key(*name));
        let came = next.segments.keys().filter(|name| !self.segments.contains_key(*name));
        left.map(step(false)).chain(came.map(step(true)))
    }
}

/// Somebody has entered a segment, or left it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Move {
    /// The segment.
    pub segment: SegmentName,
    /// Who.
    pub profile: ProfileId,
    /// Whether it was entered.
    pub entered: bool,
}

/// A move in the order of all: the commit that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The commit.
    pub seq: CommitSeq,
    /// The move.
    #[serde(flatten)]
    pub made: Move,
}

#[cfg(test)]
mod tests {
    use super::{CountTest, Move, Standing};
    use crate::id::ProfileId;
    use crate::time::Timestamp;

    #[test]
    fn counts_pass_between_their_limits() {
        // (at least, at most, counts that pass of 0 to 4, how many decide)
        let table: [(u32, Option<u32>, &[usize], usize); 4] = [
            (1, None, &[1, 2, 3, 4], 1),
            (0, Some(0), &[0], 1),
            (2, Some(3), &[2, 3], 4),
            (0, None, &[0, 1, 2, 3, 4], 0),
        ];
        for (at_least, at_most, passing, deciding) in table {
            let test = CountTest { at_least, at_most };
            let found: Vec<usize> = (0..=4).filter(|count| test.passes(*count)).collect();
            assert_eq!((found.as_slice(), test.deciding()), (passing, deciding), "{test}");
        }
    }

    #[test]
    fn moves_are_what_differs() {
        let standing = |names: &[&str]| Standing {
            segments: names.iter().map(|name| ((*name).into(), Timestamp(1))).collect(),
            ..Standing::none(ProfileId(7))
        };
        let (was, now) = (standing(&["a", "b"]), standing(&["b", "c"]));
        let step = |segment: &str, entered| Move {
            segment: segment.into(),
            profile: ProfileId(7),
            entered,
        };
        let moves: Vec<Move> = was.moves(&now).collect();
        assert_eq!(moves, [step("a", false), step("c", true)]);
        assert_eq!(was.moves(&was).count(), 0);
    }
}
