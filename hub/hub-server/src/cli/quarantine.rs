//! `liaison quarantine`: rows and writes that were refused.

use clap::Subcommand;

/// `liaison quarantine`.
#[derive(Debug, Subcommand)]
pub enum QuarantineCommand {
    /// List what waits: rows, with the rule that each broke, and writes, with what
    /// their system said.
    #[command(after_help = "\
Examples:
  liaison quarantine list
  liaison quarantine list people --json | jq '.quarantine[].fault.args.rule'

A row waits under its key until one of that key is accepted. A write waits until its
content changes, because the golden value or the mapping did. Exit code 1 when any
waits.")]
    List {
        /// One sync; all when left out.
        sync: Option<String>,
    },
    /// Show one row as it was received, or the writes about one profile, and why they
    /// were rejected.
    #[command(after_help = "\
Examples:
  liaison quarantine show people 42
  liaison quarantine show people --profile 17")]
    Show {
        /// The sync that read it, or delivers.
        sync: String,
        /// The row's key in the stream.
        #[arg(required_unless_present = "profile", conflicts_with = "profile")]
        key: Option<String>,
        /// The profile that the writes are about.
        #[arg(long)]
        profile: Option<u64>,
    },
    /// Judge rows once more, by the rules of today; or send writes once more.
    #[command(after_help = "\
Examples:
  liaison quarantine replay people       # after a rule was mended
  liaison quarantine replay people 42
  liaison quarantine replay people --writes       # after the system was mended
  liaison quarantine replay people --profile 17

Rows that pass are taken in and leave; the others stay, with the reason of today.
A row that was cut because it was too long waits until its system shows it again.
Exit code 1 when rows were tried and any of them stays.")]
    Replay {
        /// The sync whose stream they came from.
        sync: String,
        /// One row; all of the stream when left out.
        key: Option<String>,
        /// Instead, the writes that the sync's system rejected.
        #[arg(long, conflicts_with = "key")]
        writes: bool,
        /// Of these, the ones about one profile.
        #[arg(long, conflicts_with = "key")]
        profile: Option<u64>,
    },
}
