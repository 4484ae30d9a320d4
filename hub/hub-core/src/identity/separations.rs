//! Decisions, made ready for resolution: which records must not meet, and
//! which belong together.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{Decision, DecisionKind, RecordNo, Stamp};

/// A pair of records, lower number first.
type Pair = (RecordNo, RecordNo);

/// What people decided, with the newest of contradicting decisions in force.
///
/// A separation holds from the start, whenever it was made: it refuses joins
/// across its sides, and confirms that the records of one side are one person
/// (deleted ones included). A confirmed match holds from its first stamp. Each
/// lifts what it contradicts, pair by pair.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Separations {
    apart: BTreeMap<RecordNo, BTreeSet<RecordNo>>,
    together: BTreeMap<Pair, Stamp>,
}

impl Separations {
    /// From all decisions, in any order; their stamps decide.
    pub fn new(decisions: &[Decision]) -> Self {
        let mut ordered: Vec<&Decision> = decisions.iter().collect();
        ordered.sort_by_key(|decision| decision.stamp);
        let mut settled = Self::default();
        for decision in ordered {
            match &decision.kind {
                DecisionKind::Match { left, right } => {
                    settled.confirm(*left, *right, decision.stamp);
                }
                DecisionKind::Separation { left, right } => {
                    settled.separate(left, right, decision.stamp);
                }
                // Nothing about who is who.
                DecisionKind::Value { .. } | DecisionKind::Withdrawal { .. } => {}
            }
        }
        settled
    }

    fn separate(&mut self, left: &BTreeSet<RecordNo>, right: &BTreeSet<RecordNo>, stamp: Stamp) {
        for a in left {
            for b in right {
                // A record on both sides cannot be kept from itself.
                if a != b {
                    self.apart.entry(*a).or_default().insert(*b);
                    self.apart.entry(*b).or_default().insert(*a);
                    self.together.remove(&pair(*a, *b));
                }
            }
        }
        for side in [left, right] {
            let mut records = side.iter();
            let Some(founder) = records.next() else { continue };
            for other in records {
                self.confirm(*founder, *other, stamp);
            }
        }
    }

    fn confirm(&mut self, a: RecordNo, b: RecordNo, stamp: Stamp) {
        if a == b {
            return;
        }
        self.together.entry(pair(a, b)).or_insert(stamp);
        for (one, other) in [(a, b), (b, a)] {
            if let Some(others) = self.apart.get_mut(&one) {
                others.remove(&other);
            }
        }
    }

    /// Whether a record of one set must not meet a record of the other.
    pub fn forbid(&self, left: &BTreeSet<RecordNo>, right: &BTreeSet<RecordNo>) -> bool {
        left.iter()
            .any(|record| self.apart.get(record).is_some_and(|others| !others.is_disjoint(right)))
    }

    /// The confirmed pairs with the stamps from which they hold.
    pub fn matches(&self) -> impl Iterator<Item = (RecordNo, RecordNo, Stamp)> {
        self.together.iter().map(|((a, b), stamp)| (*a, *b, *stamp))
    }
}

fn pair(a: RecordNo, b: RecordNo) -> Pair {
    (a.min(b), a.max(b))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hub_model::{Decision, DecisionKind, RecordNo, Stamp, Timestamp};

    use super::Separations;

    fn set(numbers: &[u64]) -> BTreeSet<RecordNo> {
        numbers.iter().copied().map(RecordNo).collect()
    }

    fn decision(stamp: u64, kind: DecisionKind) -> Decision {
        let at = Timestamp::from_seconds(0);
        Decision { stamp: Stamp(stamp), kind, author: "admin".to_owned(), at }
    }

    fn matched(stamp: u64, left: u64, right: u64) -> Decision {
        let kind = DecisionKind::Match { left: RecordNo(left), right: RecordNo(right) };
        decision(stamp, kind)
    }

    fn separated(stamp: u64, left: &[u64], right: &[u64]) -> Decision {
        decision(stamp, DecisionKind::Separation { left: set(left), right: set(right) })
    }

    fn pairs(separations: &Separations) -> Vec<(u64, u64, u64)> {
        separations.matches().map(|(a, b, stamp)| (a.0, b.0, stamp.0)).collect()
    }

    #[test]
    fn a_separation_refuses_across_and_confirms_within() {
        let settled = Separations::new(&[separated(9, &[1, 2, 5], &[3, 4])]);
        assert!(settled.forbid(&set(&[7, 2]), &set(&[4, 8])));
        assert!(settled.forbid(&set(&[3]), &set(&[1])));
        assert!(!settled.forbid(&set(&[1]), &set(&[2, 6])));
        assert_eq!(pairs(&settled), [(1, 2, 9), (1, 5, 9), (3, 4, 9)]);
    }

    #[test]
    fn the_newest_contradicting_decision_wins_pair_by_pair() {
        let mut decisions = vec![
            matched(1, 2, 1),
            separated(5, &[1, 3], &[2, 4]),
            matched(7, 1, 2),
            matched(8, 2, 1),
        ];
        let settled = Separations::new(&decisions);
        assert!(!settled.forbid(&set(&[1]), &set(&[2])));
        assert!(settled.forbid(&set(&[3]), &set(&[2])));
        // From the first confirmation after the separation, not the repeated one.
        assert!(pairs(&settled).contains(&(1, 2, 7)));
        decisions.reverse();
        assert_eq!(Separations::new(&decisions), settled);
        decisions.push(separated(9, &[1], &[2]));
        assert!(Separations::new(&decisions).forbid(&set(&[2]), &set(&[1])));
    }

    #[test]
    fn a_record_is_never_kept_from_itself() {
        let settled = Separations::new(&[separated(1, &[1], &[1, 2]), matched(2, 3, 3)]);
        assert!(!settled.forbid(&set(&[1]), &set(&[1])));
        assert_eq!(pairs(&settled), [(1, 2, 1)]);
    }
}
