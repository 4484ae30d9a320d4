//! `liaison mapping`.

use clap::Subcommand;

/// What can be asked of mappings.
#[derive(Debug, Subcommand)]
pub enum MappingCommand {
    /// Try a sync's mapping on stored records: field to trait, and back.
    #[command(after_help = "\
Examples:
  liaison mapping preview people
  liaison mapping preview people --record 42
  liaison mapping preview people --limit 50 --json | jq '.records[].pairs[]'
  liaison --config ../tried mapping preview people    # a changed mapping

Uses the mapping as it is written now, also before a hub has read it. For each
pair: what the row has, what the trait becomes, and what would be written back if
it were due. Changes nothing. Exit code 1 when a value does not fit.")]
    Preview {
        /// The sync: the name of its file in syncs/, without .toml.
        id: String,
        /// The key of one record; the first ones of the stream when left out.
        #[arg(long, value_name = "KEY")]
        record: Option<String>,
        /// How many records.
        #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=500))]
        limit: u16,
    },
}
