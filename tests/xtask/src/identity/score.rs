//! Who was found to be one person, against who is: pair by pair.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a resolver made of records whose truth is known. A pair is two records
/// that are one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Score {
    /// Records that were resolved.
    pub records: u64,
    /// Persons whom they are about.
    pub persons: u64,
    /// Pairs that there are in truth.
    pub pairs_true: u64,
    /// Pairs that were found.
    pub pairs_found: u64,
    /// Pairs that were found and are true.
    pub pairs_right: u64,
}

impl Score {
    /// Scores profiles, each a list of records, where `person` says whom a record
    /// is about.
    #[must_use]
    pub fn of(profiles: &[Vec<String>], person: impl Fn(&str) -> &str) -> Self {
        let mut score = Self::default();
        let mut everybody: BTreeMap<&str, u64> = BTreeMap::new();
        for records in profiles {
            let mut here: BTreeMap<&str, u64> = BTreeMap::new();
            for record in records {
                *here.entry(person(record)).or_default() += 1;
            }
            let size = records.len() as u64;
            score.records += size;
            score.pairs_found += pairs(size);
            score.pairs_right += here.values().copied().map(pairs).sum::<u64>();
            for (person, count) in here {
                *everybody.entry(person).or_default() += count;
            }
        }
        score.persons = everybody.len() as u64;
        score.pairs_true = everybody.into_values().map(pairs).sum();
        score
    }

    /// The share of the pairs found that are true; 1 if none was found.
    #[must_use]
    pub fn precision(&self) -> f64 {
        share(self.pairs_right, self.pairs_found)
    }

    /// The share of the true pairs that were found; 1 if there is none.
    #[must_use]
    pub fn recall(&self) -> f64 {
        share(self.pairs_right, self.pairs_true)
    }
}

const fn pairs(records: u64) -> u64 {
    records * records.saturating_sub(1) / 2
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::Score;

    /// (profiles, of which each letter is a record of that person; persons, pairs
    /// true, found and right)
    const CASES: [(&[&str], [u64; 4]); 7] = [
        (&[], [0, 0, 0, 0]),
        (&["a"], [1, 0, 0, 0]),
        (&["aaa", "bb"], [2, 4, 4, 4]),
        (&["a", "a", "a"], [1, 3, 0, 0]),
        (&["ab"], [2, 0, 1, 0]),
        (&["aab", "ab", "b"], [2, 6, 4, 1]),
        (&["aabb"], [2, 2, 6, 2]),
    ];

    #[test]
    fn pairs_are_counted_in_profiles_and_persons() {
        for (profiles, [persons, pairs_true, pairs_found, pairs_right]) in CASES {
            let records: u64 = profiles.iter().map(|profile| profile.len() as u64).sum();
            let profiles: Vec<Vec<String>> =
                profiles.iter().map(|p| p.chars().map(String::from).collect()).collect();
            let score = Score::of(&profiles, |record| record);
            let expected = Score { records, persons, pairs_true, pairs_found, pairs_right };
            assert_eq!(score, expected, "{profiles:?}");
        }
    }

    #[test]
    fn nothing_to_find_is_found_and_nothing_found_is_not_wrong() {
        let none = Score::default();
        assert!((none.precision() - 1.0).abs() < f64::EPSILON);
        assert!((none.recall() - 1.0).abs() < f64::EPSILON);
        let some = Score { pairs_true: 8, pairs_found: 4, pairs_right: 2, ..none };
        assert!((some.precision() - 0.5).abs() < f64::EPSILON);
        assert!((some.recall() - 0.25).abs() < f64::EPSILON);
    }
}
