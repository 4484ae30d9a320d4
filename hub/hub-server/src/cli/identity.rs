//! `liaison identity`: what can be typed about who is who.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `liaison identity`.
#[derive(Debug, Subcommand)]
pub enum IdentityCommand {
    /// List connections that the rules saw and did not make, with both sides.
    #[command(after_help = "\
Examples:
  liaison identity review
  liaison identity review --all --json | jq '.reviews[].reason'

Reasons: shared-value (too many records carry it), cardinality (the profile would
have more values of a namespace than it may: two trusted keys contradict each
other), same-stream (two rows of one stream), two-way-change (an edit reached
somebody else's value), separated (somebody said that they are two).
Settle one with `liaison identity merge` or `liaison identity refuse`.")]
    Review {
        /// Also those that were settled since.
        #[arg(long)]
        all: bool,
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "ROWS", value_parser = clap::value_parser!(u16).range(1..=500))]
        limit: u16,
    },
    /// Make two profiles one, for good. Shows the plan unless `--yes` is given.
    #[command(
        visible_alias = "confirm",
        after_help = "\
Examples:
  liaison identity merge 17 42                      # what it would do
  liaison identity merge email:ana@example.org crm:42 --yes

The lower number stays; the other finds the same profile for ever. `liaison
identity unmerge` takes it back."
    )]
    Merge(Pair),
    /// Decide that two profiles stay two, whatever value they come to share.
    #[command(after_help = "\
Examples:
  liaison identity refuse 17 42
  liaison identity refuse 17 42 --yes")]
    Refuse(Pair),
    /// Take a profile apart, for good. Shows the plan unless `--yes` is given.
    #[command(after_help = "\
Examples:
  liaison identity unmerge 17 42              # takes a merge by hand back
  liaison identity unmerge 17 --records 42,58 --yes

`liaison profile explain` shows the numbers of records. Each side has again what
its own records say; rows that the hub had made for somebody go with them.
Reading the same rows again does not join the two.")]
    Unmerge {
        /// The profile: its number, or `namespace:value`.
        profile: String,
        /// The number of the profile that was merged into it by hand.
        #[arg(required_unless_present = "records")]
        joined: Option<u64>,
        /// The records that are somebody else.
        #[arg(long, value_delimiter = ',', value_name = "NUMBERS", conflicts_with = "joined")]
        records: Vec<u64>,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// Show which profiles a changed configuration would merge and split, and
    /// what destinations would be told. Changes nothing.
    #[command(after_help = "\
Examples:
  cp -r /etc/liaison /tmp/tried && editor /tmp/tried/liaison.toml
  liaison --config /etc/liaison identity preview /tmp/tried
  liaison identity preview /tmp/tried --json | jq .merges")]
    Preview {
        /// The folder with the changed liaison.toml and syncs/.
        folder: PathBuf,
    },
    /// Bring all profiles up to the configuration. `liaison serve` does the same
    /// at its start.
    #[command(after_help = "\
Example:
  liaison identity apply

Stop `liaison serve` first. After a kill the same command, or the next start of
the hub, goes on.")]
    Apply,
}

/// Two profiles.
#[derive(Debug, Args)]
pub struct Pair {
    /// A profile: its number, or `namespace:value`.
    pub left: String,
    /// Another.
    pub right: String,
    #[command(flatten)]
    pub confirm: Confirm,
}

/// Whether it is to be done, or only shown.
#[derive(Debug, Args)]
pub struct Confirm {
    /// Show what it would do; this is the default.
    #[arg(long, conflicts_with = "yes")]
    pub preview: bool,
    /// Do it.
    #[arg(long)]
    pub yes: bool,
}
