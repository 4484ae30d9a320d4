//! `cargo xtask`: the commands a person types.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::{
    bench, components, connectors, contacts, crash, demo, identity, lint, paths, proofs, setup,
    sim, test, two_way,
};

/// Set-up, demo and tests of Liaison, one command each.
///
/// On a fresh clone start with `cargo xtask test`: it fetches and builds what
/// it needs under the target folder, installs nothing elsewhere (except, as
/// root, a missing Python), and is quick the second time.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask demo                        a hub, a real ERP, edits both ways
  cargo xtask demo --once --json          the same, for programs
  cargo xtask demo --stack full           fifteen tools on schedule, and what the hub uses
  cargo xtask test                        everything, as continuous integration runs it
  cargo xtask crash --kills 300           SIGKILL in whatever is done with the store
  cargo xtask crash --of hub --kills 50   SIGKILL during the demo's load
  cargo xtask crash --of delivery --kills 200
                                          SIGKILL between a request and its answer
  cargo xtask powercut --images 100       the disks that a power cut may leave
  cargo xtask iofault                     each call on the disk fails in turn
  cargo xtask guards                      what each guard of the store is good for
  cargo xtask identity                    how well it knows who is who
  cargo xtask sim --fleets 20000          two-way sync, against systems that fail
  cargo xtask sim --planted               whether it sees the bugs it should
  cargo xtask connectors                  which rules each connector keeps, held against what
  cargo xtask contacts                    an account to try a connector of one's own at
  cargo xtask ring                        five systems agree, and fall silent
  cargo xtask undo --parties 1000         a wrecked mapping, taken back from a real ERP
  cargo xtask bench --records 100000      what it costs, in a small run
  cargo xtask bench --languages           a connector in three languages, and native
  cargo xtask components                  after a change in a connector
  cargo xtask setup --only tryton         only the ERP that tests talk to
  cargo test -p hub-core                  one crate, without any set-up

Environment:
  LIAISON_WASM_TOOLCHAIN=auto|rustup|distro   where the compiler for connectors comes
      from. auto: the toolchain in use, else rustup target add, else the
      distribution's packages, unpacked privately.
  CARGO_TARGET_DIR                            where everything is kept";

#[derive(Debug, Subcommand)]
enum Task {
    /// Set everything up: compiler for connectors, components, a real ERP.
    Setup {
        /// Only this part.
        #[arg(long, value_enum)]
        only: Option<setup::Part>,
    },
    /// Build every connector and guest into target/components/<crate>.wasm.
    ///
    /// A guest is a crate whose Cargo.toml says `[package.metadata.liaison]
    /// component = true` and whose library is a cdylib. A file connector.json
    /// beside it travels inside the component, as its manifest.
    Components {
        /// Build the guests of another workspace (a connector author's own),
        /// which must define the profile `guest`.
        #[arg(long, value_name = "FOLDER")]
        workspace: Option<PathBuf>,
    },
    /// Set up, check, build and run every test.
    Test,
    /// A hub, a real ERP, a CRM, mail, a web site and real people.
    ///
    /// Loads CSV files into a fresh Tryton through sandboxed connectors, edits
    /// people on both sides, shows that every edit arrives; lets one of them visit the
    /// site, buy, be thanked by mail, and unsubscribe; and shows that the hub then
    /// falls silent. Leaves everything running, with a page to look at.
    Demo(demo::Options),
    /// Kill what works on the store, or the whole hub, at random moments.
    ///
    /// The store (the default) is quick: each kill is a process that writes or
    /// opens a store, compacts, backs up, restores, exports or imports it, and a
    /// check of every answer against a model. `--of hub` kills the hub during the
    /// demo's load, with an ERP beside it, and compares the end. `--of delivery`
    /// kills it between requests and their answers, and looks for doubles. The exit
    /// code is not 0 when anything was lost.
    Crash(crash::Options),
    /// What the hub costs, against goals and against references of the same run.
    ///
    /// Builds everything optimised first. A million rows take minutes; figures
    /// mean something on an otherwise idle machine only.
    Bench(bench::Options),
    /// How well the hub knows who is who, on data whose truth is known.
    ///
    /// FEBRL 1 to 3, and a crowd that shares telephones, mailboxes and browsers,
    /// with guards and without; each through sandboxed connector, binary and
    /// store. The exit code is not 0 when a score is below its aim.
    Identity(identity::Options),
    /// Build the disks that a power cut may leave of a store, and open each.
    ///
    /// All calls of a writer are recorded; whatever was not synced is dropped,
    /// reordered or torn; what was acknowledged must be there.
    Powercut(proofs::PowerCut),
    /// Let each call of the store on the disk fail in turn: full, broken,
    /// read-only, a sync that fails.
    Iofault(proofs::IoFault),
    /// Two-way sync between fake systems that differ, fail and are edited.
    ///
    /// Each fleet is decided by its seed. The exit code is not 0 when an invariant
    /// does not hold. `--planted` plants known bugs instead, one after the other:
    /// then it is not 0 when one is not seen.
    Sim(sim::Options),
    /// Five systems, a real ERP among them, that all write to each other.
    ///
    /// People edit in each at once. After at most two rounds all must show the same,
    /// and the rounds after that must write nothing.
    Ring(two_way::Ring),
    /// Rewrite a real ERP by a wrecked mapping, and take it back.
    ///
    /// Guards hold the run until it is approved; people edit before it is undone;
    /// afterwards every field is as before, except their edits. Then plans: executed
    /// as they were shown, or refused with what has moved.
    Undo(two_way::Undo),
    /// Judge every connector that we ship, as a component, by the specification.
    ///
    /// The table says what each was held against: a double of our own, or the real
    /// thing. The exit code is not 0 when a rule that can be judged is broken.
    Connectors(connectors::Options),
    /// An account of contacts, to try the connector of `sdk/README.md` at.
    Contacts(contacts::Options),
    /// Leave out each guard of the store, and show what is lost without it.
    Guards,
    /// Format, clippy, licences, spelling.
    Lint,
    /// Known vulnerabilities of the dependencies (needs the network).
    Advisories,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Setup { only } => setup::run(only),
        Task::Components { workspace } => {
            let folder = workspace.unwrap_or_else(paths::root);
            for component in components::build_workspace(&folder)? {
                println!("{}\t{} bytes", component.path.display(), component.bytes);
            }
            Ok(())
        }
        Task::Test => test::run(),
        Task::Demo(options) => match options.stack {
            demo::Tools::Few => demo::story::tell(&options),
            demo::Tools::Full => two_way::stack(options.customers, options.json),
        },
        Task::Crash(options) => crash::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Identity(options) => identity::run(&options),
        Task::Powercut(options) => proofs::power_cut(&options),
        Task::Iofault(options) => proofs::io_fault(&options),
        Task::Connectors(options) => connectors::run(&options),
        Task::Contacts(options) => contacts::run(&options),
        Task::Sim(options) => sim::run(&options),
        Task::Ring(options) => two_way::ring(&options),
        Task::Undo(options) => two_way::undo(&options),
        Task::Guards => proofs::guards(),
        Task::Lint => lint::run(),
        Task::Advisories => lint::advisories(),
    }
}
