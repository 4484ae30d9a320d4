//! `liaison connector`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::call::CallCommand;

/// `liaison connector`.
#[derive(Debug, Subcommand)]
pub enum ConnectorCommand {
    /// List the connectors: which run, which wait, who signed them.
    #[command(after_help = "\
Examples:
  liaison connector list
  liaison connector list --json | jq '.connectors[] | select(.held)'

Exit code 1 when one of them is not what was installed.")]
    List,
    /// Install a connector, or all of a folder: verified, approved, pinned by digest.
    #[command(after_help = "\
Examples:
  liaison connector install crm-acme.wasm               # shows what it asks for
  liaison connector install crm-acme.wasm --approve
  liaison connector install connectors --approve --allow-unsigned
  liaison connector install https://acme.example/crm-acme.wasm --approve --key RW...

Its signature lies beside it as crm-acme.wasm.minisig. The first key that signs a
connector is trusted for it from then on; --key says which one it must be, --digest
which bytes. An address is fetched by https, never from the own network. What is
installed is written to connectors.lock beside liaison.toml: keep that in version
control, with the folder of connectors. From the first install on nothing else is
loaded. A hub that runs takes it up within seconds. All of a folder or nothing.
Exit code 1 when it is not installed because nobody has approved it.")]
    Install(Package),
    /// Put another version in the place of a connector that is installed.
    #[command(after_help = "\
Examples:
  liaison connector upgrade crm-acme-1.3.0.wasm
  liaison connector upgrade crm-acme-1.2.0.wasm --allow-downgrade

Runs that are under way end with the version that they began with. A version that
asks for more than was approved is held, and the old one goes on, until `liaison
connector approve` says yes. Exit code 1 when one is held.")]
    Upgrade(Package),
    /// Show what a held version asks for beyond what was approved, and approve it.
    #[command(after_help = "\
Examples:
  liaison connector approve crm-acme          # shows it
  liaison connector approve crm-acme --yes")]
    Approve {
        /// The connector's id.
        id: String,
        /// Approve it: it runs from now on.
        #[arg(long)]
        yes: bool,
    },
    /// Remove a connector that no connection uses. Its signer is forgotten.
    #[command(after_help = "Example:\n  liaison connector remove crm-acme")]
    Remove {
        /// The connector's id.
        id: String,
    },
    /// Show what a connector can do, wants to reach and needs to know.
    #[command(after_help = "\
Examples:
  liaison connector inspect erp-tryton           # as it is installed
  liaison connector inspect ./downloads/new.wasm   # before installing it")]
    Inspect {
        /// An installed connector's name, or a path to a file.
        name: String,
    },
    /// Begin a connector: one that works, to change until it is yours.
    #[command(after_help = "\
Examples:
  liaison connector new crm-acme
  liaison connector new crm-acme --title \"Acme CRM\" --sdk ../liaison/sdk/liaison-sdk
  liaison connector new crm-acme --lang python

It speaks both ways to a small REST API of contacts, with tests that need no
network. sdk/README.md grows it step by step. Nothing that is there is written over.")]
    New {
        /// The connector's id: small letters, digits and hyphens. Its folder has this name.
        id: String,
        /// What people call it; made of the id unless given.
        #[arg(long)]
        title: Option<String>,
        /// The language.
        #[arg(long, value_enum, default_value_t = Lang::Rust)]
        lang: Lang,
        /// The folder of the SDK, where it is not taken from the registry.
        #[arg(long, value_name = "DIR")]
        sdk: Option<PathBuf>,
    },
    /// Compile a connector and make its component.
    #[command(after_help = "\
Examples:
  liaison connector build
  liaison connector build ../crm-acme

The component is written to target/connectors/<id>.wasm in the connector's folder. A
Cargo.toml there is compiled by cargo for wasm32-unknown-unknown; a connector.py by the
Python of .venv (or of the environment that is active); a connector.ts by what npm has
installed. When something is missing, this says how to get it.")]
    Build {
        /// The folder of the connector.
        #[arg(default_value = ".", value_name = "DIR")]
        folder: PathBuf,
    },
    /// Judge a connection by the connector specification. Writes to its system.
    #[command(after_help = "\
Examples:
  liaison --config try connector test account
  liaison --config try connector test account --samples try/samples.json --badge badge.svg

Runs the component in the sandbox against the system of that connection, which must
be a test account: with samples, rows are created, changed and deleted there. The
file of samples says what to write, by stream:

  { \"contacts\": { \"row\": { \"name\": \"Dora\", \"email\": \"dora@example.com\" },
                  \"changed\": { \"name\": \"Dorothea\" }, \"cleared\": \"name\" } }

Values must be in the form in which the system stores them. A stream of an audience
has a \"member\" instead, and one that is pushed a \"delivery\" as the vendor sends it:

  { \"members\": { \"member\": { \"email\": \"dora@example.com\" } },
    \"events\": { \"delivery\": { \"target\": \"/hook\", \"body\": { \"id\": 1 } } } }

Exit code 1 when a rule is broken.")]
    Test {
        /// The connection's id.
        connection: String,
        /// Only this stream.
        #[arg(long)]
        stream: Option<String>,
        /// A JSON file with what may be written, by stream.
        #[arg(long, value_name = "FILE")]
        samples: Option<PathBuf>,
        /// Write the score as a picture (SVG).
        #[arg(long, value_name = "FILE")]
        badge: Option<PathBuf>,
    },
    /// Make one call of a connection's connector, and show what it answers.
    #[command(after_help = "\
Examples:
  liaison connector run crm check
  liaison connector run crm read contacts --pages 2
  liaison connector run crm write contacts items.json --yes

It reaches the live account with the grants, credentials and limits of the connection.
Nothing of what it answers goes into the store. Exit code 1 when the call fails.")]
    Run {
        /// The connection's id.
        connection: String,
        /// What it is asked.
        #[command(subcommand)]
        call: CallCommand,
    },
    /// Make one call, and a case of it that `liaison replay` takes.
    #[command(after_help = "\
Examples:
  liaison connector record crm --into tests/cases/first-page read contacts
  liaison replay tests/cases --component target/connectors/crm-acme.wasm

The call is made as by `run`. Secrets are never in a case, and values are masked. A
call that fails is worth a case too.")]
    Record {
        /// The connection's id.
        connection: String,
        /// The folder of the case; it must not be there.
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
        /// Keep the values as they are.
        #[arg(long)]
        unmasked: bool,
        /// What it is asked.
        #[command(subcommand)]
        call: CallCommand,
    },
    /// Try another version of an installed connector on live or recorded inputs.
    #[command(after_help = "\
Examples:
  liaison connector shadow crm-acme-1.3.0.wasm
  liaison connector shadow crm-acme-1.3.0.wasm --connection crm --pages 5
  liaison connector shadow crm-acme-1.3.0.wasm --recording 1764489600000000-people

The installed version reads the first pages of each sync, or did in a run that was
recorded; the other is asked the same and answered from that, so it reaches nobody and
writes nothing. Shown are rows, fields, outcomes, faults and requests that differ, with
the traits that fields are mapped to, and values masked. Exit code 1 when they differ.
Then: liaison connector upgrade.")]
    Shadow(ShadowAsked),
    /// Make a component of a compiled module and its manifest.
    #[command(after_help = "\
Examples:
  liaison connector pack target/wasm32-unknown-unknown/guest/crm_acme.wasm
  liaison connector pack built.wasm --manifest connector.json --to crm-acme.wasm

For modules that were compiled another way than by `build`. A component is taken
too, and gets its manifest.")]
    Pack {
        /// The module or component.
        module: PathBuf,
        /// The manifest.
        #[arg(long, default_value = "connector.json", value_name = "FILE")]
        manifest: PathBuf,
        /// Where it goes; `<id>.wasm` in this folder unless given.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Make a pair of keys to sign connectors with.
    #[command(after_help = "\
Examples:
  liaison connector keygen
  liaison connector keygen --to keys/acme.key

Writes the secret key, for you alone to read, and the public one beside it as
acme.key.pub. They are keys of minisign without a password. Whoever has the secret
key can sign in your name: keep it out of version control, and back it up.")]
    Keygen {
        /// The file of the secret key.
        #[arg(long, default_value = "connector.key", value_name = "FILE")]
        to: PathBuf,
    },
    /// Sign a connector: writes its .minisig beside it.
    #[command(after_help = "\
Examples:
  liaison connector sign crm-acme.wasm
  liaison connector sign crm-acme.wasm --key keys/acme.key

The signature covers the whole file, its manifest too. A key with a password is used
with minisign itself: minisign -Sm crm-acme.wasm -t \"key:$(tail -1 minisign.pub)\"")]
    Sign {
        /// The component.
        package: PathBuf,
        /// The file of the secret key.
        #[arg(long, default_value = "connector.key", value_name = "FILE")]
        key: PathBuf,
    },
}

/// What another version is tried on.
#[derive(Debug, Args)]
pub struct ShadowAsked {
    /// The component file of the other version.
    #[arg(value_name = "FILE")]
    pub package: PathBuf,
    /// A run that was recorded here, a recording, or a folder of them; live pages unless
    /// given.
    #[arg(long = "recording", value_name = "RUN|FILE|DIR", conflicts_with = "connections")]
    pub recordings: Vec<String>,
    /// Only this connection.
    #[arg(long = "connection", value_name = "ID")]
    pub connections: Vec<String>,
    /// Pages of each sync, at most.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub pages: u16,
    /// Show values as they are.
    #[arg(long)]
    pub unmasked: bool,
}

/// What is let in, and how much is asked.
#[derive(Debug, Args)]
pub struct Package {
    /// The component file, a folder of them, or the https address of one.
    #[arg(value_name = "FILE|FOLDER|URL")]
    pub from: PathBuf,
    /// Approve what it asks for.
    #[arg(long)]
    pub approve: bool,
    /// Let in what nobody has signed. For what you build yourself.
    #[arg(long)]
    pub allow_unsigned: bool,
    /// Let in a version that is not later than the installed one.
    #[arg(long)]
    pub allow_downgrade: bool,
    /// The SHA-256 that the file must have, as its author publishes it.
    #[arg(long, value_name = "DIGEST")]
    pub digest: Option<String>,
    /// The author's public key, as he publishes it.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
}

/// Languages that a connector can be begun in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// TypeScript.
    Ts,
}

impl ConnectorCommand {
    /// Whether it can be done without a configuration.
    pub fn needs_no_hub(&self) -> bool {
        match self {
            Self::Inspect { name } => name.contains('/') || name.ends_with(".wasm"),
            Self::New { .. }
            | Self::Build { .. }
            | Self::Pack { .. }
            | Self::Keygen { .. }
            | Self::Sign { .. } => true,
            Self::List
            | Self::Test { .. }
            | Self::Run { .. }
            | Self::Record { .. }
            | Self::Shadow(_)
            | Self::Install(_)
            | Self::Upgrade(_)
            | Self::Approve { .. }
            | Self::Remove { .. } => false,
        }
    }
}
