//! What a writer commits: decided by a few words on its command line.

use std::hash::{BuildHasher, Hasher, RandomState};

use hub_store::conformance::model::Model;
use hub_store::conformance::workload::{Size, Workload};
use hub_store_sled::Guard;

/// Records per commit of the plan that breaks the limits.
pub const OVERSIZED_RECORDS: u64 = 1_000;

/// Decides every commit of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct Plan {
    /// Decides every commit; chosen and printed when not given.
    #[arg(long, default_value_t = chosen_seed(), hide_default_value = true)]
    pub seed: u64,
    /// How large the commits are.
    #[arg(long, value_enum, default_value_t = Sizes::Small)]
    pub size: Sizes,
    /// Leave one guard of the store out, to see what it is good for.
    #[arg(long, value_name = "GUARD", value_parser = guard)]
    pub without: Option<Guard>,
}

/// How large the commits are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Sizes {
    /// A few rows of everything: every rule is met often.
    Small,
    /// Pages of contacts, up to the limits of one commit.
    Pages,
    /// A thousand records at once: only taken `--without commit-size`.
    Oversized,
}

impl Sizes {
    fn word(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Pages => "pages",
            Self::Oversized => "oversized",
        }
    }
}

/// A seed that nobody chose.
#[must_use]
pub fn chosen_seed() -> u64 {
    // Short enough to be typed again.
    RandomState::new().build_hasher().finish() % 1_000_000_000
}

/// A guard by its name.
///
/// # Errors
/// The names there are.
pub fn guard(name: &str) -> Result<Guard, String> {
    let names = || Guard::ALL.map(Guard::name).join(", ");
    let found = Guard::ALL.into_iter().find(|guard| guard.name() == name);
    found.ok_or_else(|| format!("the guards are {}", names()))
}

impl Plan {
    /// Small commits, every guard on.
    #[must_use]
    pub fn small(seed: u64) -> Self {
        Self { seed, size: Sizes::Small, without: None }
    }

    /// Pages, every guard on.
    #[must_use]
    pub fn pages(seed: u64) -> Self {
        Self { size: Sizes::Pages, ..Self::small(seed) }
    }

    /// The same with one guard left out.
    #[must_use]
    pub fn without(self, guard: Guard) -> Self {
        Self { without: Some(guard), ..self }
    }

    /// The write sets, and the model beside them.
    #[must_use]
    pub fn workload(&self) -> Workload {
        let size = match self.size {
            Sizes::Small => Size::Small,
            Sizes::Pages => Size::Pages,
            Sizes::Oversized => Size::Oversized(OVERSIZED_RECORDS),
        };
        Workload::new(self.seed, Model::default()).of(size)
    }

    /// The workload after so many commits.
    #[must_use]
    pub fn workload_at(&self, commits: u64) -> Workload {
        let mut workload = self.workload();
        for _ in 0..commits {
            workload.next_set();
        }
        workload
    }

    /// Itself, as arguments of a writer or checker.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            "--seed".to_owned(),
            self.seed.to_string(),
            "--size".to_owned(),
            self.size.word().to_owned(),
        ];
        if let Some(guard) = self.without {
            arguments.extend(["--without".to_owned(), guard.name().to_owned()]);
        }
        arguments
    }
}
