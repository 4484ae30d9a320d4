//! What a process does while it is killed, and how long it may live.

use std::collections::BTreeMap;
use std::time::Duration;

use hub_store::conformance::Random;

/// A writer commits at most so long: on a disk in memory some fifty commits.
const WRITE_MS_MAX: u64 = 120;
/// A process that is killed while it opens lives at most so long.
const OPEN_MS_MAX: u64 = 60;
/// How long a command is believed to take before one was seen to its end.
const FIRST_GUESS: Duration = Duration::from_millis(150);

/// What the process does that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// It commits.
    Write,
    /// It opens the store.
    Open,
    /// It opens a store of a released format, this one or an older one.
    OpenReleased,
    /// It compacts the store.
    Compact,
    /// It makes a backup.
    Backup,
    /// It puts a backup in the place of the store.
    Restore,
    /// It writes the store to a file.
    Export,
    /// It builds a store from such a file.
    Import,
}

impl Moment {
    /// Every moment, and how many of a hundred kills are meant for it.
    const SHARES: [(Self, u64); 8] = [
        (Self::Write, 36),
        (Self::Open, 14),
        (Self::OpenReleased, 8),
        (Self::Compact, 12),
        (Self::Backup, 8),
        (Self::Restore, 8),
        (Self::Export, 6),
        (Self::Import, 8),
    ];

    /// One of them.
    pub fn pick(random: &mut Random) -> Self {
        let mut drawn = random.below(Self::SHARES.iter().map(|(_, share)| share).sum());
        for (moment, share) in Self::SHARES {
            match drawn.checked_sub(share) {
                None => return moment,
                Some(rest) => drawn = rest,
            }
        }
        Self::Write
    }

    /// All of them, in the order in which they are told.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::SHARES.into_iter().map(|(moment, _)| moment)
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Write => "while writing",
            Self::Open => "while opening",
            Self::OpenReleased => "opening released formats",
            Self::Compact => "in compaction",
            Self::Backup => "in a backup",
            Self::Restore => "in a restore",
            Self::Export => "in an export",
            Self::Import => "in an import",
        }
    }
}

/// How long processes may still live: decided by chance, within what the last
/// one of its kind took from start to end, whatever the machine.
#[derive(Debug, Default)]
pub struct Lives(BTreeMap<Moment, Duration>);

impl Lives {
    /// A life that ends at some point of the work: from the start of the process,
    /// or of a writer from the moment when it has opened the store.
    pub fn pick(&self, moment: Moment, random: &mut Random) -> Duration {
        let most = match moment {
            Moment::Write => Duration::from_millis(WRITE_MS_MAX),
            Moment::Open => Duration::from_millis(OPEN_MS_MAX),
            _ => self.0.get(&moment).copied().unwrap_or(FIRST_GUESS),
        };
        Duration::from_micros(random.below(u64::try_from(most.as_micros()).unwrap_or(u64::MAX)))
    }

    /// One was not killed and took so long.
    pub fn seen(&mut self, moment: Moment, whole: Duration) {
        self.0.insert(moment, whole);
    }
}

#[cfg(test)]
mod tests {
    use super::{Lives, Moment, Random};

    #[test]
    fn every_moment_comes_about_as_often_as_it_should() {
        let mut random = Random::new(3);
        let picked: Vec<Moment> = (0..10_000).map(|_| Moment::pick(&mut random)).collect();
        for (moment, share) in Moment::SHARES {
            let count = picked.iter().filter(|picked| **picked == moment).count() as u64;
            assert!((share * 80..=share * 120).contains(&count), "{moment:?}: {count}");
        }
    }

    #[test]
    fn a_life_ends_within_what_the_last_one_took() {
        let (mut lives, mut random) = (Lives::default(), Random::new(3));
        let whole = std::time::Duration::from_millis(7);
        lives.seen(Moment::Compact, whole);
        assert!((0..1_000).all(|_| lives.pick(Moment::Compact, &mut random) < whole));
    }
}
