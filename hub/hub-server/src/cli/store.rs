//! `liaison store`.

use std::path::PathBuf;

use clap::Subcommand;

/// What can be done with the store.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Read everything and check what belongs together.
    #[command(after_help = "\
Example:
  liaison store verify

Needs the store for itself: stop `liaison serve` first. Changes nothing. Exit
code 1 when something does not fit.")]
    Verify,
    /// Count what is in the store, and what it takes on the disk.
    #[command(after_help = "\
Example:
  liaison store stats --json

`live_bytes` are the bytes of its rows; what `disk_bytes` has beyond about twice
of that is dead, and `liaison store compact` gives it back.")]
    Stats,
    /// Write the whole store to a file that any version of the same form reads.
    #[command(after_help = "\
Examples:
  liaison store export --to store.ndjson.gz      # packed, for its name
  liaison store export --to - | gpg -e -r ops > store.gpg
  liaison store export --from /backups/monday --to monday.ndjson

Needs the store for itself. While `liaison serve` runs, take a backup and export
that. The file holds personal data and sealed tokens.")]
    Export {
        /// The file, which must not exist; `-` for stdout.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// A backup to export instead of the store.
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
    },
    /// Build the store from an export.
    #[command(after_help = "\
Examples:
  liaison store import --from store.ndjson.gz
  gpg -d store.gpg | liaison store import --from -

Only where there is no store, or one without a commit. The file is checked to
its last line before anything is put in place; after a kill the same command
goes on. Syncs then look at every profile once more.")]
    Import {
        /// The file; `-` for stdin.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// Give space back: write what is alive into new files.
    #[command(after_help = "\
Example:
  liaison store compact

When `liaison serve` runs, it does the work and goes on with its own. Needs as
much free space as the store has alive. A kill at any moment loses nothing.")]
    Compact,
    /// Write a copy of the store that can be restored.
    #[command(after_help = "\
Example:
  liaison store backup --to /backups/monday

When `liaison serve` runs, it does the work and goes on with its own; the backup
is the store as of one commit. It is verified before the command ends.")]
    Backup {
        /// A folder that does not exist yet.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Put a backup in the place of the store.
    #[command(after_help = "\
Examples:
  liaison store restore --from /backups/monday
  liaison store restore --from /backups/monday --replace   # over a sound store

Stop `liaison serve` first. The backup is verified before and stays; the store
that was there is kept beside the new one.")]
    Restore {
        /// The backup.
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// Also when the store that is there opens.
        #[arg(long)]
        replace: bool,
    },
}
