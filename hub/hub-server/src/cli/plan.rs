//! `liaison hold`.

use clap::Subcommand;

/// `liaison hold`.
#[derive(Debug, Subcommand)]
pub enum HoldCommand {
    /// List the runs that wait for an answer.
    #[command(after_help = "\
Examples:
  liaison hold list
  liaison hold list --json | jq -r '.holds[].run'

A run is held when it would write more than [guards] of its sync let pass: it has
read everything and written nothing. There is one per sync, the newest. Exit code
1 when any waits for an answer.")]
    List,
    /// Let a sync write as much as a held run would have.
    #[command(after_help = "\
Examples:
  liaison plan people                               # look first
  liaison hold approve 1764489600000000-people

The approval is for a scale: the next runs of the sync may write as many creates,
updates and deletes as were planned, until one of them has written everything. A
plan that has grown is held again. To write exactly what was shown and nothing
else, use `liaison apply`. Who approved and when is kept with the run.")]
    Approve {
        /// The run that was held.
        run: String,
    },
    /// Say no to a held run: what it would have written stays unwritten.
    #[command(after_help = "\
Example:
  liaison hold refuse 1764489600000000-people

Runs of the sync stay held while the same plan is due, and ask again once it is
another. To make it go away, mend the mapping or the data that it comes from.")]
    Refuse {
        /// The run that was held.
        run: String,
    },
}
