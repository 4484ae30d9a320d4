//! What `liaison connector run` and `record` ask of a connector.

use std::path::PathBuf;

use clap::Subcommand;

/// One call.
#[derive(Debug, Subcommand)]
pub enum CallCommand {
    /// Whether settings, credential and host work.
    #[command(after_help = "Example:\n  liaison connector run crm check")]
    Check,
    /// The streams and their fields.
    #[command(after_help = "Example:\n  liaison connector run crm discover")]
    Discover,
    /// A page of a stream, or several.
    #[command(after_help = "\
Examples:
  liaison connector run crm read contacts
  liaison connector run crm read contacts --pages 3 --json | jq '.items[].data.email'

Where the next page begins is told on stderr, as --cursor takes it.")]
    Read {
        /// The stream.
        stream: String,
        /// Go on from here; from the beginning unless given.
        #[arg(long)]
        cursor: Option<String>,
        /// Pages, at most.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
        pages: u16,
        /// Fields that are wanted; all unless given.
        #[arg(long, value_delimiter = ',')]
        fields: Vec<String>,
    },
    /// Rows by their keys.
    #[command(after_help = "Example:\n  liaison connector run crm lookup contacts 42 43")]
    Lookup {
        /// The stream.
        stream: String,
        /// The keys.
        #[arg(required = true)]
        keys: Vec<String>,
    },
    /// Items of a file, as one batch. Nothing is sent without --yes.
    #[command(after_help = "\
Examples:
  liaison connector run crm write contacts items.json          # shows what it would be
  liaison connector run crm write contacts items.json --yes

The file is a list, each item with what it is to be done and to which row:

  [ { \"action\": \"create\", \"patch\": { \"email\": \"dora@example.com\" } },
    { \"action\": \"update\", \"key\": \"42\", \"patch\": { \"city\": \"Lyon\" } },
    { \"action\": \"delete\", \"key\": \"43\" } ]

Exit code 1 unless each of them was done.")]
    Write {
        /// The stream.
        stream: String,
        /// A JSON file with the items.
        items: PathBuf,
        /// Send them.
        #[arg(long)]
        yes: bool,
    },
}
