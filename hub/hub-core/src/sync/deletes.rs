//! The guard of deletes that were inferred from a complete snapshot: a scan
//! that silently lost rows must not look like a mass deletion.

use hub_model::{Fault, FaultCode};

/// Whether the missing rows may be taken for deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They are deleted.
    Allowed,
    /// Too many are missing: nothing is deleted, a person decides.
    Refused {
        /// Live records known before the snapshot.
        known: u64,
        /// Of these, not in the snapshot.
        missing: u64,
        /// The largest share allowed, in per cent.
        percent_max: u8,
    },
}

impl Verdict {
    /// Whether the loss is plausible.
    pub const fn is_plausible(self) -> bool {
        matches!(self, Self::Allowed)
    }

    /// The fault of a refusal.
    pub fn fault(self) -> Option<Fault> {
        match self {
            Self::Allowed => None,
            Self::Refused { known, missing, percent_max } => Some(
                Fault::new(FaultCode::SnapshotShrank)
                    .with("known", known)
                    .with("missing", missing)
                    .with("percent_max", percent_max),
            ),
        }
    }
}

/// Judges a complete snapshot by how many of the `known` live records it
/// misses. An empty snapshot of something is refused unless all may go.
pub fn deletes(known: u64, missing: u64, percent_max: u8) -> Verdict {
    let share_ok = u128::from(missing) * 100 <= u128::from(known) * u128::from(percent_max);
    let emptied = known > 0 && missing >= known && percent_max < 100;
    if missing == 0 || (share_ok && !emptied) {
        Verdict::Allowed
    } else {
        Verdict::Refused { known, missing, percent_max }
    }
}

#[cfg(test)]
mod tests {
    use super::deletes;

    #[test]
    fn the_guard_has_its_border() {
        let cases = [
            (0, 0, 20, true),
            (100, 0, 0, true),
            (100, 20, 20, true),
            (100, 21, 20, false),
            (3, 1, 20, false),
            (1, 1, 99, false),
            (1, 1, 100, true),
            (1_000, 1_000, 100, true),
            (0, 5, 20, false),
            (u64::MAX, u64::MAX / 10, 20, true),
        ];
        for (known, missing, percent_max, allowed) in cases {
            let verdict = deletes(known, missing, percent_max);
            assert_eq!(verdict.is_plausible(), allowed, "{known} {missing} {percent_max}");
            assert_eq!(verdict.fault().is_none(), allowed);
        }
    }
}
