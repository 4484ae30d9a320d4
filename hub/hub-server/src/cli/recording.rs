//! `liaison recording`, and what `liaison replay` is asked.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What is replayed, and with what.
#[derive(Debug, Args)]
pub struct ReplayAsked {
    /// A run that was recorded here, a recording, or a folder of them.
    #[arg(value_name = "RUN|FILE|DIR")]
    pub recording: String,
    /// Only the page of this number, from 1.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub page: Option<u32>,
    /// The component to run; the recorded one unless given.
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
}

/// `liaison recording`.
#[derive(Debug, Subcommand)]
pub enum RecordingCommand {
    /// List the recordings, the newest first.
    #[command(after_help = "\
Example:
  liaison recording list --json | jq -r '.recordings[0].run'

`[recording]` in liaison.toml says which runs are recorded: `on = \"failure\"` those that
fail. They are kept for 14 days, or as long as its `keep` says, and at most 100 of them.
They hold what systems answered, personal data with it, and never a secret.")]
    List,
    /// Copy a recording, with other values in it where it is for somebody else.
    #[command(after_help = "\
Examples:
  liaison recording export 1764489600000000-people --mask --to for-the-author.ndjson.gz
  zcat for-the-author.ndjson.gz | jq .line

Masked values keep their form: an address stays an address, seven digits stay seven
digits, the same value is the same everywhere. Names of fields, instants, and numbers
below a million stay. The component is run on the masked values, so a masked recording
replays like any other, and has output hashes of its own. Lengths and equal beginnings
show through: hand it to colleagues, do not publish it.")]
    Export {
        /// A run that was recorded here, or a recording.
        #[arg(value_name = "RUN|FILE")]
        recording: String,
        /// Replace values.
        #[arg(long)]
        mask: bool,
        /// Where it goes.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// The component that masked values are tried on; the recorded one unless given.
        #[arg(long, value_name = "FILE")]
        component: Option<PathBuf>,
    },
    /// Make a test of a recording: a folder that is replayed from then on.
    #[command(after_help = "\
Examples:
  liaison recording test 1764489600000000-people --into tests/cases/broken-table
  liaison replay tests/cases --component target/connectors/crm-acme.wasm

The recording is masked, replayed once, and put into the folder with `case.json`, which
says for a reviewer what is asked and given. Replaying the folder is the test: exit code
1 when a version of the connector makes something else of the same answers. Once that is
meant, make the case anew.")]
    Test {
        /// A run that was recorded here, or a recording.
        #[arg(value_name = "RUN|FILE")]
        recording: String,
        /// The folder of the case; it must not be there.
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
        /// Keep the values as they are.
        #[arg(long)]
        unmasked: bool,
        /// The component; the recorded one unless given.
        #[arg(long, value_name = "FILE")]
        component: Option<PathBuf>,
    },
}
