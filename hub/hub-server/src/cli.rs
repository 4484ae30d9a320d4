//! What can be typed, and the help that teaches it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::exit;

/// Liaison keeps customer data the same in all your systems, and knows who is who.
#[derive(Debug, Parser)]
#[command(
    name = "liaison",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = exit::HELP,
    long_about = "Liaison keeps customer data the same in all your systems, and knows who is who.\n\n\
        It reads liaison.toml and syncs/*.toml, runs each sync on its schedule through \
        sandboxed connectors, and makes one profile of everything that your systems say \
        about one person.\n\n\
        A first round:\n  \
        liaison check               # is the configuration right?\n  \
        liaison connection check crm  # do address and login work?\n  \
        liaison sync run people     # once, now\n  \
        liaison serve               # from now on, by schedule, with a page to look at\n\n\
        Data go to stdout, talk goes to stderr; `--json` gives data that programs can read."
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The folder that holds liaison.toml.
    #[arg(long, global = true, env = "LIAISON_CONFIG", default_value = ".", value_name = "DIR")]
    pub config: PathBuf,
    /// Print data as JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more on stderr.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// What is logged on stderr, for example `info,hub_engine=debug`.
    #[arg(long, global = true, env = "RUST_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}

/// The nouns and verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the hub: every sync on its schedule, the API and the page.
    #[command(after_help = "\
Examples:
  liaison serve                        # configuration in this folder
  liaison --config /etc/liaison serve
  liaison serve 2>hub.log              # logs as JSON lines

Stop it with Ctrl-C or SIGTERM: runs end between two commits and go on at the
next start. A second signal stops at once; even then nothing is lost.")]
    Serve,
    /// Check the whole configuration; report every fault at once.
    #[command(after_help = "\
Examples:
  liaison check             # files, schedules, secrets, connectors, settings
  liaison check --online    # also log in everywhere and compare mappings with streams
  liaison check --json | jq '.errors[].place'

Nothing is changed. Exit code 2 when something is wrong.")]
    Check {
        /// Also ask every connection: address, login, streams, mapped fields.
        #[arg(long)]
        online: bool,
    },
    /// Syncs: list them, run one, see how they stand.
    #[command(subcommand)]
    Sync(SyncCommand),
    /// Mappings: try one on stored records.
    #[command(subcommand)]
    Mapping(MappingCommand),
    /// Show exactly what the next delivery of a sync would write. Writes nothing.
    #[command(after_help = "\
Examples:
  liaison plan people
  liaison plan people --read                 # read the system first, deliver nothing
  liaison plan people --json > plan.json && liaison apply people --plan plan.json

Creates, updates (field by field, before -> after) and deletes, and the hash that
`liaison apply` takes. It is a plan of what the hub knows: rows are looked at when
it is applied. With --json the writes are printed as they are found, so that large
plans take no memory. Exit code 1 when a run would be held with it.")]
    Plan {
        /// The sync: the name of its file in syncs/, without .toml.
        id: String,
        /// Read the system first, without delivering.
        #[arg(long)]
        read: bool,
    },
    /// Write exactly what was planned, or nothing.
    #[command(after_help = "\
Examples:
  liaison apply people --plan plan.json
  liaison apply people --plan 5d41402abc4b2a76b9719d911017c592

Every row of the plan is looked at before the first is written. When anything has
moved, nothing is written, and with a file every field that moved is listed: as it
was planned and as it is now. What moves after that, between one write and the
next, stops the rest. The guards of the sync do not ask: you have. Exit code 1
when something had moved or the run failed.")]
    Apply {
        /// The sync: the name of its file in syncs/, without .toml.
        id: String,
        /// The file that `liaison plan --json` wrote, or the hash of the plan.
        #[arg(long, value_name = "FILE|HASH")]
        plan: String,
    },
    /// Take back what a run wrote, where nobody has edited since.
    #[command(after_help = "\
Examples:
  liaison undo 1764489600000000-people          # show what would be written, and what not
  liaison undo 1764489600000000-people --yes

Fields get back what they showed before, rows that were created go, rows that were
deleted are made again where their system lets them be. What somebody has edited
since, or a later run has written, is skipped, and told with the reason. What was
undone stays undone until the value changes at its source or the mapping makes
another of it. The ledger keeps what was written as long as `[history] keep_writes`
in liaison.toml says, 90 days unless it does. After a kill the next run of the sync
goes on. Exit code 1 when something is skipped or the run failed.")]
    Undo {
        /// The run that is taken back.
        run: String,
        /// Do it.
        #[arg(long)]
        yes: bool,
    },
    /// The ledger of writes: what each run wrote, and possible duplicates.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Held runs: list those that wait for an answer, approve or refuse one.
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Connections: list them, check one, sign in, discover its streams.
    #[command(subcommand)]
    Connection(ConnectionCommand),
    /// Profiles: find one by identity, export all.
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Objects: show one order, deal, invoice or ticket.
    #[command(subcommand)]
    Object(ObjectCommand),
    /// Who is who: review, merge, unmerge, and try other rules.
    #[command(subcommand)]
    Identity(IdentityCommand),
    /// Segments: how many are in each, who, who would be, and why.
    #[command(subcommand)]
    Segment(SegmentCommand),
    /// Conflicts: traits that wait for a person; list, show, resolve, undo, release.
    #[command(subcommand)]
    Conflict(ConflictCommand),
    /// Quarantine: rows that a rule rejected, and writes that a system rejected; list,
    /// show, replay them.
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// Privacy: everything that is kept of one person, and erasing him.
    #[command(subcommand)]
    Privacy(PrivacyCommand),
    /// To whom nothing is sent: list, add, remove.
    #[command(subcommand)]
    Suppression(SuppressionCommand),
    /// Connectors: install, upgrade, approve, list and remove them; write, build, sign
    /// and test your own.
    #[command(subcommand)]
    Connector(ConnectorCommand),
    /// Run a recorded run again: the same component on the same answers.
    #[command(after_help = "\
Examples:
  liaison replay 1764489600000000-people             # a run that was recorded here
  liaison replay people.ndjson.gz --page 3           # only what read its third page
  liaison replay cases --component new.wasm          # what another version does on it

It needs no network, no secret and no configuration: the component and the recording
are enough. Each call is shown as it was recorded and as it is now, with the first
request in which they part, and with the hash of its output, which holds rows and
cursor, outcomes or fault, and no time. The component is found by its digest in the
folder of connectors, beside the recording, or given. Of a folder all recordings are
replayed. Exit code 1 when anything differs.")]
    Replay(ReplayAsked),
    /// Recordings of runs: list them, mask one for somebody else, make a test of one.
    #[command(subcommand)]
    Recording(RecordingCommand),
    /// The store: verify, count, back up and restore, compact, export and import.
    #[command(subcommand)]
    Store(StoreCommand),
    /// The page's login links and the access token of programs.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print the version.
    Version,
}

/// `liaison sync`.
#[derive(Debug, Subcommand)]
pub enum SyncCommand {
    /// List the syncs as configured, with the next times they are due.
    #[command(after_help = "Example:\n  liaison sync list --json | jq -r '.syncs[].id'")]
    List,
    /// Run one sync now and wait for its end.
    #[command(after_help = "\
Examples:
  liaison sync run people
  liaison sync run people --json | jq .counts
  liaison sync run people --record    # and look at it again: liaison replay <run>

When `liaison serve` runs, it does the work; otherwise this process does.
Exit code 1 when the run failed or is held. Rows that were rejected wait in
quarantine and do not make a run fail.")]
    Run {
        /// The sync: the name of its file in syncs/, without .toml.
        id: String,
        /// Record it, to be replayed without its system.
        #[arg(long)]
        record: bool,
    },
    /// Show how syncs stand: last run, next run, why one failed.
    #[command(after_help = "\
Examples:
  liaison sync status
  liaison sync status people    # with its field pairs and last runs

Exit code 1 when the last run of a sync shown failed or is held.")]
    Status {
        /// One sync; all when left out.
        id: Option<String>,
    },
}

/// `liaison connection`.
#[derive(Debug, Subcommand)]
pub enum ConnectionCommand {
    /// List the connections.
    #[command(after_help = "Example:\n  liaison connection list")]
    List,
    /// Check address, grants and login of a connection. Changes nothing.
    #[command(after_help = "Example:\n  liaison connection check erp")]
    Check {
        /// The connection, as in [connections.<id>].
        id: String,
    },
    /// Sign in at the vendor, so that the hub gets tokens by itself from then on.
    #[command(after_help = "\
Examples:
  liaison connection sign-in ads
  liaison connection sign-in ads --json < address.txt   # the address that the browser ended at

Prints an address to open in a browser, and waits at most ten minutes. The hub that
runs hears of the browser by itself; on a machine without one, paste the address
that the browser ended at. Give the vendor http://localhost:8420/oauth/callback
(with your port) as the address of the way back.")]
    SignIn {
        /// The connection, as in [connections.<id>].
        id: String,
    },
    /// Show the streams and fields of a connection: what a mapping can name.
    #[command(after_help = "\
Examples:
  liaison connection discover erp
  liaison connection discover erp --json | jq '.streams[].fields[].name'")]
    Discover {
        /// The connection, as in [connections.<id>].
        id: String,
    },
}

/// `liaison profile`.
#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// Find profiles by an identity; each trait with the record it comes from.
    #[command(after_help = "\
Examples:
  liaison profile get email:ana@example.org
  liaison profile get crm:42 --json | jq '.profiles[0].provenance.email'
  liaison profile get email:ana@example.org --as-of 2026-01-31T12:00:00Z

The value is normalised by the rules of its namespace first. As of a time, those
are shown who had the identity then, among all who are one profile today with the
one who has it now. Exit code 1 when nobody has it, or what they were is not kept.")]
    Get {
        /// `namespace:value`.
        identity: String,
        /// As the profile stood at this instant (RFC 3339).
        #[arg(long, value_name = "INSTANT")]
        as_of: Option<String>,
    },
    /// Show who changed what when: each field before and after, with the record,
    /// run and rule that it came from.
    #[command(after_help = "\
Examples:
  liaison profile history email:ana@example.org
  liaison profile history email:ana@example.org --trait city
  liaison profile history crm:42 --json | jq '.profiles[0].numbers[0].steps[0].traits'

Newest first. Profiles that were merged into it are shown with what they were by
themselves. How long versions are kept after they were replaced is `[history] keep`
in liaison.toml, 400 days unless it says otherwise. Exit code 1 when nobody has the
identity, or nothing was ever known of the trait.")]
    History {
        /// `namespace:value`.
        identity: String,
        /// Only this trait.
        #[arg(long = "trait", value_name = "NAME")]
        name: Option<String>,
        /// Steps of each profile.
        #[arg(long, value_name = "STEPS", default_value_t = 50,
              value_parser = clap::value_parser!(u16).range(1..=500))]
        limit: u16,
    },
    /// Explain each trait: which record, run, page, rule and connector it comes
    /// from, and who received it.
    #[command(after_help = "\
Examples:
  liaison profile explain email:ana@example.org
  liaison profile explain email:ana@example.org --trait city
  liaison profile explain crm:42 --json | jq '.profiles[0].traits.city.evidence[0]'

Edits that a rule did not take are among the evidence, with the rule that beat
them. A row as it was received last: `GET /api/v1/records/<record>`. Exit code 1 when
nobody has the identity, or nothing is known of the trait.")]
    Explain {
        /// `namespace:value`.
        identity: String,
        /// Only this trait.
        #[arg(long = "trait", value_name = "NAME")]
        name: Option<String>,
    },
    /// List what relates to an identity: orders of a person, people of an account
    /// or household.
    #[command(after_help = "\
Examples:
  liaison profile related email:ana@example.org
  liaison profile related crm:42 --role buyer --json | jq '.related[].fields.total'
  liaison profile related household:h-7    # its members; nobody is merged by it

The newest rows come first, then what the person's own rows relate to. Exit code 1
when there is nothing.")]
    Related {
        /// `namespace:value`.
        identity: String,
        /// Only this role.
        #[arg(long, value_name = "NAME")]
        role: Option<String>,
        /// Only records below this number: the next page.
        #[arg(long, value_name = "NUMBER")]
        below: Option<u64>,
        /// How many rows.
        #[arg(long, value_name = "ROWS", default_value_t = 100,
              value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=500))]
        limit: usize,
    },
    /// Show what happened to somebody, newest first.
    #[command(after_help = "\
Examples:
  liaison profile events email:ana@example.org
  liaison profile events cookie:9f86d081884c7d65 --name page_view --limit 200
  liaison profile events crm:42 --json | jq '.profiles[0].events[].properties.url'

All events that name the person in any trusted way, those of a browser included
from before anybody knew whose it is. Exit code 1 when there is none.")]
    Events(EventsAsked),
    /// Write every profile to stdout, one JSON object per line.
    #[command(after_help = "\
Examples:
  liaison profile export > profiles.ndjson
  liaison profile export | jq -c 'select(.traits.city == \"Lyon\")'

Each line: {\"id\", \"kind\", \"identities\": [{\"namespace\", \"value\"}], \"traits\": {..},
\"records\": [{\"connection\", \"stream\", \"key\"}]}. Memory use does not grow with
the number of profiles.")]
    Export,
}

/// `liaison object`.
#[derive(Debug, Subcommand)]
pub enum ObjectCommand {
    /// Show one object: what it says, what it relates to, what relates to it.
    #[command(after_help = "\
Examples:
  liaison object get orders 1001
  liaison object get orders 1001 --json | jq '.relates_to[].profiles'

Exit code 1 when there is none of that key.")]
    Get {
        /// The sync that reads it.
        sync: String,
        /// Its key in the stream.
        key: String,
    },
}

/// Whose events, and which.
#[derive(Debug, Clone, Args)]
pub struct EventsAsked {
    /// `namespace:value`.
    pub identity: String,
    /// Only events of this name.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Most events shown of a profile.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    pub limit: usize,
}

/// `liaison token`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Print a link that opens the page once. Needs a running hub.
    #[command(after_help = "Example:\n  xdg-open \"$(liaison token link)\"")]
    Link,
    /// Print the access token of programs.
    #[command(after_help = "\
Example:
  curl -H \"Authorization: Bearer $(liaison token show)\" http://127.0.0.1:8420/api/v1/syncs")]
    Show,
    /// Replace the access token; the old one ends when the hub starts next.
    #[command(after_help = "Example:\n  liaison token new")]
    New,
}

pub use self::call::CallCommand;
pub use self::conflict::{ConflictCommand, Place as ConflictPlace};
pub use self::connector::{ConnectorCommand, Lang, Package, ShadowAsked};
pub use self::identity::{IdentityCommand, Pair};
pub use self::ledger::LedgerCommand;
pub use self::mapping::MappingCommand;
pub use self::plan::HoldCommand;
pub use self::privacy::PrivacyCommand;
pub use self::quarantine::QuarantineCommand;
pub use self::recording::{RecordingCommand, ReplayAsked};
pub use self::segment::SegmentCommand;
pub use self::store::StoreCommand;
pub use self::suppression::SuppressionCommand;

mod call;
mod conflict;
mod connector;
mod identity;
mod ledger;
mod mapping;
mod plan;
mod privacy;
mod quarantine;
mod recording;
mod segment;
mod store;
mod suppression;

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::Cli;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_teaches_with_an_example() {
        fn walk(command: &Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path} says nothing");
            let leaf = command.get_subcommands().next().is_none();
            if leaf && command.get_name() != "version" {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("liaison "), "{path} has no example");
            }
            for inner in command.get_subcommands() {
                walk(inner, &path);
            }
        }
        walk(&Cli::command(), "");
    }
}
