//! `liaison ledger`.

use clap::Subcommand;

/// `liaison ledger`.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// List what was written: of a sync, of a run, or of all.
    #[command(after_help = "\
Examples:
  liaison ledger list people
  liaison ledger list 1764489600000000-people --json | jq '.entries[].fields'
  liaison ledger list --unknown          # possible duplicates: look at these rows

In order of run and of writing. `end` says what became of a write: made, unchanged
(the row was so already), counted (the vendor says of no item what became of it),
found or lost (no answer came, and the row was read back), rejected, or unknown: no
answer came and nothing told whether it arrived. Made again, such a create may have
left two rows. With --unknown the exit code is 1 when there are any.")]
    List {
        /// A sync or a run; everything when left out.
        of: Option<String>,
        /// Only writes of which nobody knows whether they arrived.
        #[arg(long)]
        unknown: bool,
        /// Go on after this place, as the page before has told it.
        #[arg(long, value_name = "PLACE")]
        after: Option<String>,
        /// How many entries.
        #[arg(long, value_name = "ENTRIES", default_value_t = 500,
              value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=500))]
        limit: usize,
    },
    /// Show one write field by field: before, sent, and what the vendor made of it.
    #[command(after_help = "\
Example:
  liaison ledger show 1764489600000000-people 17")]
    Show {
        /// The run.
        run: String,
        /// The number of the entry, as `list` shows it.
        number: u64,
    },
}
