//! `liaison segment`.

use clap::Subcommand;

/// What can be asked of segments.
#[derive(Debug, Subcommand)]
pub enum SegmentCommand {
    /// List the segments, and how many are in each.
    #[command(after_help = "Example:\n  liaison segment list --json | jq '.segments[].members'")]
    List,
    /// List the members of a segment, and since when they are in it.
    #[command(after_help = "\
Examples:
  liaison segment members lapsed
  liaison segment members lapsed --after 4711 --limit 500    # the next page
  liaison segment members lapsed --json | jq -r '.members[].identities[]'

As the hub judged them last: it follows every change within moments of it. Nobody is
listed without a consent for the segment's purpose. Exit code 1 when there is nobody.")]
    Members {
        /// The segment, as in [segments.<name>].
        name: String,
        /// Only profiles with a number above this one: the next page.
        #[arg(long, value_name = "NUMBER")]
        after: Option<u64>,
        /// How many.
        #[arg(long, value_name = "ROWS", default_value_t = 100,
              value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=500))]
        limit: usize,
    },
    /// Count who would be in a segment as it is written now. Changes nothing.
    #[command(after_help = "\
Examples:
  liaison segment preview lapsed
  liaison --config ../tried segment preview lapsed    # a changed segment

Judges everybody, also before a hub has read the segment.")]
    Preview {
        /// The segment, as in [segments.<name>].
        name: String,
    },
    /// Explain why somebody is in a segment or not, condition by condition.
    #[command(after_help = "\
Examples:
  liaison segment explain lapsed email:ana@example.org
  liaison segment explain lapsed crm:42 --json | jq '.profiles[0].when'

Judged at this instant. Exit code 1 when nobody has the identity.")]
    Explain {
        /// The segment, as in [segments.<name>].
        name: String,
        /// `namespace:value`.
        identity: String,
    },
}
