//! `liaison conflict`: what can be typed about traits that wait for a person.

use clap::{Args, Subcommand};

/// `liaison conflict`.
#[derive(Debug, Subcommand)]
pub enum ConflictCommand {
    /// List the traits that wait for a person, with what each side says.
    #[command(after_help = "\
Examples:
  liaison conflict list
  liaison conflict list --json | jq '.conflicts[] | select(.reason == \"ask\")'

Reasons: ask (edits that knew nothing of each other, of a trait whose rule is
`ask`), ping-pong (systems kept typing over what the other had said). While a
trait waits it is brought nowhere; everything else goes on. An e-mail address
that was changed to somebody else's is about who is who: it waits under
`liaison identity review`. Exit code 1 when anything waits.")]
    List {
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "ROWS", value_parser = clap::value_parser!(u16).range(1..=500))]
        limit: u16,
    },
    /// Show one: both sides, everything that systems said, and earlier decisions.
    #[command(after_help = "Example:\n  liaison conflict show 17 city")]
    Show(Place),
    /// Settle one: the value of a side, or another. It counts until somebody types
    /// a new one in a system.
    #[command(after_help = "\
Examples:
  liaison conflict resolve 17 city --record 42      # what record 42 says is right
  liaison conflict resolve 17 city --value Lyon
  liaison conflict resolve 17 limit --value-json 900
  liaison conflict resolve 17 city --value-json null   # empty everywhere

The next runs of the syncs bring it to the systems.")]
    Resolve {
        #[command(flatten)]
        place: Place,
        /// The record whose value is right, as `list` shows it.
        #[arg(long, value_name = "NUMBER", required_unless_present_any = ["value", "value_json"])]
        record: Option<u64>,
        /// The value, as text.
        #[arg(long, value_name = "TEXT", conflicts_with_all = ["record", "value_json"])]
        value: Option<String>,
        /// The value, as JSON.
        #[arg(long, value_name = "JSON", conflicts_with = "record")]
        value_json: Option<String>,
    },
    /// Take back what was settled last: what systems say counts again.
    #[command(after_help = "Example:\n  liaison conflict undo 17 city")]
    Undo(Place),
    /// Let values of a trait travel again that is paused because of ping-pong.
    #[command(after_help = "\
Example:
  liaison conflict release 17 city

First stop what keeps rewriting the field in one of the systems, or let one
system own the trait: `survivorship = \"owner\"`.")]
    Release(Place),
}

/// A trait of a profile.
#[derive(Debug, Args)]
pub struct Place {
    /// The number of the profile.
    pub profile: u64,
    /// The trait.
    #[arg(value_name = "TRAIT")]
    pub name: String,
}
