//! What a checker found, in words that are counted.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything that was acknowledged is there, and nothing else.
    Sound {
        /// The newest commit.
        seq: u64,
        /// Records it holds.
        records: u64,
        /// Profiles it holds.
        profiles: u64,
    },
    /// It opened without a word, but acknowledged commits are missing.
    Lost {
        /// The newest commit that is there.
        seq: u64,
        /// The last that was acknowledged.
        acked: u64,
    },
    /// It opened without a word and holds nothing of what was acknowledged.
    Empty {
        /// The last commit that was acknowledged.
        acked: u64,
    },
    /// Acknowledged commits are missing, and the store says so and does not start.
    Refused {
        /// The newest commit that is there, if it can be looked at.
        seq: Option<u64>,
        /// The last that was acknowledged.
        acked: u64,
        /// What it says.
        why: String,
    },
    /// It ends at the right commit but does not hold what it must.
    Torn {
        /// The newest commit.
        seq: u64,
        /// What does not fit, each with the name of the check in front.
        findings: Vec<String>,
    },
    /// It holds commits that nobody can have made.
    Ahead {
        /// The newest commit.
        seq: u64,
        /// The last that was acknowledged; one more may have been under way.
        acked: u64,
    },
    /// It does not open, and nothing acknowledged may be missing.
    Unopenable {
        /// What it says.
        why: String,
    },
    /// What a killed command left looks finished and is not, or the command
    /// cannot be given again.
    HalfMade {
        /// What is wrong.
        why: String,
    },
}

impl Verdict {
    /// Whether the store kept its promise.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        matches!(self, Self::Sound { .. })
    }

    /// The column under which it is counted.
    #[must_use]
    pub fn column(&self) -> &'static str {
        match self {
            Self::Sound { .. } => "sound",
            Self::Lost { .. } => "lost",
            Self::Empty { .. } => "silently empty",
            Self::Refused { .. } => "lost, refused by witness",
            Self::Torn { .. } => "torn",
            Self::Ahead { .. } => "ahead",
            Self::Unopenable { .. } => "unopenable",
            Self::HalfMade { .. } => "half-made",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.column())?;
        match self {
            Self::Sound { seq, records, profiles } => {
                write!(f, "commit {seq}, {records} records, {profiles} profiles")
            }
            Self::Lost { seq, acked } => {
                write!(f, "commit {acked} was acknowledged, the store ends at {seq}")
            }
            Self::Empty { acked } => write!(f, "commit {acked} was acknowledged, nothing is there"),
            Self::Refused { seq, acked, why } => {
                let seq = seq.map_or_else(|| "nowhere".to_owned(), |seq| format!("at {seq}"));
                write!(f, "commit {acked} was acknowledged, the store ends {seq} and says: {why}")
            }
            Self::Torn { seq, findings } => write!(f, "at commit {seq}: {}", findings.join("; ")),
            Self::Ahead { seq, acked } => {
                write!(f, "commit {acked} was the last, the store ends at {seq}")
            }
            Self::Unopenable { why } | Self::HalfMade { why } => f.write_str(why),
        }
    }
}

/// Verdicts, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    columns: BTreeMap<&'static str, u64>,
    /// The failures, in words, each with where it happened.
    pub failures: Vec<String>,
}

/// Columns of bad news, in the order shown.
pub const BAD_COLUMNS: [&str; 7] = [
    "lost",
    "lost, refused by witness",
    "silently empty",
    "torn",
    "ahead",
    "unopenable",
    "half-made",
];

impl Tally {
    /// Counts one. `place` says how to see it again.
    pub fn add(&mut self, verdict: &Verdict, place: &str) {
        *self.columns.entry(verdict.column()).or_default() += 1;
        if !verdict.is_sound() {
            self.failures.push(format!("{place}: {verdict}"));
        }
    }

    /// How many of a column.
    #[must_use]
    pub fn count(&self, column: &str) -> u64 {
        self.columns.get(column).copied().unwrap_or(0)
    }

    /// How many were not sound.
    #[must_use]
    pub fn bad(&self) -> u64 {
        BAD_COLUMNS.iter().map(|column| self.count(column)).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for column in ["sound"].into_iter().chain(BAD_COLUMNS) {
            writeln!(f, "  {column:<26}{:>8}", self.count(column))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Tally, Verdict};

    #[test]
    fn only_sound_stores_are_no_failures() {
        let mut tally = Tally::default();
        tally.add(&Verdict::Sound { seq: 1, records: 1, profiles: 1 }, "here");
        assert_eq!((tally.bad(), tally.count("sound")), (0, 1));
        let bad = [
            Verdict::Lost { seq: 1, acked: 2 },
            Verdict::Empty { acked: 2 },
            Verdict::Refused { seq: None, acked: 2, why: String::new() },
            Verdict::Torn { seq: 1, findings: vec![] },
            Verdict::Ahead { seq: 4, acked: 2 },
            Verdict::Unopenable { why: String::new() },
            Verdict::HalfMade { why: String::new() },
        ];
        for (place, verdict) in bad.iter().enumerate() {
            tally.add(verdict, "there");
            assert_eq!(tally.bad(), place as u64 + 1, "{verdict}");
        }
        assert_eq!(tally.failures.len(), bad.len());
    }
}
