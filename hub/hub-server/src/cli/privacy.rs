//! `liaison privacy`: what can be typed about one person's data.

use clap::Subcommand;

/// `liaison privacy`.
#[derive(Debug, Subcommand)]
pub enum PrivacyCommand {
    /// Write everything that is kept of a person to stdout, with where it is from.
    #[command(after_help = "\
Examples:
  liaison privacy export email:ana@example.org > ana.json
  liaison privacy export email:ana@example.org --csv > ana.csv

Records as received, what each system said, the profile, events, consents with
their proof, identities, decisions, and what waits in quarantine or for delivery. Exit
code 1 when nobody has the identity.")]
    Export {
        /// `namespace:value`.
        identity: String,
        /// Lines of CSV instead of JSON.
        #[arg(long)]
        csv: bool,
    },
    /// Erase a person: here for ever, and at the destinations.
    #[command(after_help = "\
Examples:
  liaison privacy erase email:ana@example.org --yes
  liaison privacy erase email:ana@example.org --yes --json | jq .physically_gone

Records, facts, profile, quarantine and waiting deliveries go, and everybody who
hung together with the person is derived anew. What the hub brought to other
systems is taken back by the next run of each sync. The same rows and identities
are refused from then on, by keyed hashes. The answer states two moments: when
nothing was left that anybody could read, and when the files were compacted after
every destination was told. Backups made before keep the person.")]
    Erase {
        /// `namespace:value`.
        identity: String,
        /// Do it. There is no way back.
        #[arg(long)]
        yes: bool,
    },
    /// Show how far an erasure is: its certificate.
    #[command(after_help = "Example:\n  liaison privacy status 1")]
    Status {
        /// The number that `erase` printed.
        id: u64,
    },
}
