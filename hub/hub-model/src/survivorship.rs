//! Survivorship: the rule that picks a trait's value among what systems assert.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{SyncId, TraitName};

/// How the value of a trait is chosen.
///
/// Under the rules that go by time, and under `owner` and `ask`, null is a value:
/// a system that cleared its field said something. Under all others a null only survives if everybody asserts
/// null. What a rule leaves open is decided by the newer receipt stamp, then by
/// the sync's priority, then by the older record, then by the field's name, so
/// that the result never depends on an order of work.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Survivorship {
    /// The newest by the hub's order of receipt.
    #[default]
    MostRecent,
    /// The newest by the time that its source declares; one without a time
    /// comes after all that have one.
    MostRecentAtSource,
    /// The first that has a value, in the declared order of sources; a source
    /// that is not listed comes after those that are, by its priority.
    SourcePriority,
    /// The value that most records assert.
    MostFrequent,
    /// The longest: characters of a text, items of a list, digits of a number.
    Longest,
    /// The least: numbers by value, texts (and so ISO dates) by character.
    Min,
    /// The greatest.
    Max,
    /// All items of all lists, each once, in canonical order. A value that is
    /// no list counts as an item.
    Union,
    /// The newest that an owner asserts, null included: the first of the declared
    /// sources that asserts anything owns the trait, and what others say does not
    /// count. It is written back over their edits.
    Owner,
    /// The newest, as long as whoever typed it had what it replaces before him;
    /// edits that knew nothing of each other are put to a person, and until he
    /// has settled them the trait keeps the value last agreed.
    Ask,
    /// The strictest consent. Not configured: it is the rule of every trait
    /// that states a consent.
    Strictest,
}

impl Survivorship {
    /// The rules that can be configured, by their word.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("most-recent", Self::MostRecent),
        ("most-recent-at-source", Self::MostRecentAtSource),
        ("source-priority", Self::SourcePriority),
        ("most-frequent", Self::MostFrequent),
        ("longest", Self::Longest),
        ("min", Self::Min),
        ("max", Self::Max),
        ("union", Self::Union),
        ("owner", Self::Owner),
        ("ask", Self::Ask),
    ];

    /// The word used in configuration and provenance.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MostRecent => "most-recent",
            Self::MostRecentAtSource => "most-recent-at-source",
            Self::SourcePriority => "source-priority",
            Self::MostFrequent => "most-frequent",
            Self::Longest => "longest",
            Self::Min => "min",
            Self::Max => "max",
            Self::Union => "union",
            Self::Owner => "owner",
            Self::Ask => "ask",
            Self::Strictest => "strictest",
        }
    }

    /// The rule of that word.
    pub fn of(word: &str) -> Option<Self> {
        let configured =
            Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, rule)| *rule);
        configured.or((word == Self::Strictest.as_str()).then_some(Self::Strictest))
    }

    /// Whether an asserted null competes with values.
    pub const fn null_counts(self) -> bool {
        matches!(self, Self::MostRecent | Self::MostRecentAtSource | Self::Owner | Self::Ask)
    }

    /// Whether the rule looks at an order of sources.
    pub const fn looks_at_sources(self) -> bool {
        matches!(self, Self::SourcePriority | Self::Owner)
    }
}

impl fmt::Display for Survivorship {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The rule of one trait. A trait without one takes the newest assertion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraitRule {
    /// The trait.
    pub name: TraitName,
    /// Its rule.
    pub rule: Survivorship,
    /// For [`Survivorship::SourcePriority`] and [`Survivorship::Owner`]: the
    /// syncs, strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SyncId>,
}

#[cfg(test)]
mod tests {
    use super::Survivorship;

    #[test]
    fn words_are_those_of_serde() {
        for (word, rule) in Survivorship::WORDS {
            assert_eq!(rule.as_str(), *word);
            assert_eq!(Survivorship::of(word), Some(*rule));
            assert_eq!(serde_json::to_string(rule).unwrap(), format!("\"{word}\""));
        }
    }
}
