//! The guards by name, so that a test can leave out exactly one and see what it
//! is good for. Outside such tests the switch does not exist.

/// Something that the store does because data were lost without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]

pub enum Guard {
    /// `db` is synced by us before a commit is acknowledged.
    Sync,
    /// What the engine created is synced by us.
    Created,
    /// Unfinished snapshots are removed before the engine opens its files.
    Snapshots,
    /// Commits stay below a limit of rows and bytes.
    CommitSize,
    /// The store is compared with its witness.
    Witness,
    /// Every row carries a checksum.
    Checksum,
    /// One process at a time.
    Lock,
}

#[cfg(feature = "without-guards")]
mod switch {
    use std::sync::OnceLock;

    use super::Guard;

    static OFF: OnceLock<Guard> = OnceLock::new();

    impl Guard {
        /// Every guard.
        pub const ALL: [Self; 7] = [
            Self::Sync,
            Self::Created,
            Self::Snapshots,
            Self::CommitSize,
            Self::Witness,
            Self::Checksum,
            Self::Lock,
        ];

        /// Its name on a command line.
        #[must_use]
        pub fn name(self) -> &'static str {
            match self {
                Self::Sync => "sync",
                Self::Created => "created",
                Self::Snapshots => "snapshots",
                Self::CommitSize => "commit-size",
                Self::Witness => "witness",
                Self::Checksum => "checksum",
                Self::Lock => "lock",
            }
        }
    }

    /// Leaves a guard out in this process, for good. For tests: the store then
    /// loses data. The first call counts.
    pub fn switch_off(guard: Guard) {
        let _ = OFF.set(guard);
    }

    pub(crate) fn is_on(guard: Guard) -> bool {
        OFF.get() != Some(&guard)
    }
}

#[cfg(feature = "without-guards")]
pub use switch::switch_off;

/// Whether a guard is in force.
pub(crate) fn is_on(guard: Guard) -> bool {
    #[cfg(feature = "without-guards")]
    return switch::is_on(guard);
    #[cfg(not(feature = "without-guards"))]
    {
        let _ = guard;
        true
    }
}
