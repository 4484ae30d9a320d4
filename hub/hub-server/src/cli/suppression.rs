//! `liaison suppression`.

use clap::Subcommand;

/// `liaison suppression`.
#[derive(Debug, Subcommand)]
pub enum SuppressionCommand {
    /// List to whom nothing is sent, on which channel, and why.
    #[command(after_help = "\
Examples:
  liaison suppression list
  liaison suppression list email:ana@example.org
  liaison suppression list --json | jq '.suppressions[] | select(.holds)'

People stand there by keyed hashes: the list outlives an erasure. What was lifted is
shown with who did so. Exit code 1 when an identity is asked for and nothing holds.")]
    List {
        /// `namespace:value`; everybody when left out.
        identity: Option<String>,
    },
    /// Send nothing more to somebody on a channel, whatever he consents to.
    #[command(after_help = "\
Example:
  liaison suppression add email:ana@example.org --channel email --reason \"letter of 3 May\"

Also what is queued is not sent, and what other tools have for a purpose on that channel
is taken back. Any identity of a person stands for all of his. The reason is kept as it
is written, also after an erasure: name nobody in it. Hard bounces and complaints come by
themselves: see [[event.suppress]].")]
    Add {
        /// `namespace:value`.
        identity: String,
        /// A channel of some purpose, or `*` for all.
        #[arg(long)]
        channel: String,
        /// Why, for whoever looks at the list.
        #[arg(long)]
        reason: String,
    },
    /// Lift what stands there; consents decide again.
    #[command(after_help = "\
Example:
  liaison suppression remove email:ana@example.org --channel email

The entry stays on the list, with who lifted it and when.")]
    Remove {
        /// `namespace:value`.
        identity: String,
        /// The channel, as listed.
        #[arg(long)]
        channel: String,
    },
}
