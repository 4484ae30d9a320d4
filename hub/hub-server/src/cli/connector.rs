//! `liaison connector`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

/// `liaison connector`.
#[derive(Debug, Subcommand)]
pub enum ConnectorCommand {
    /// List the connectors in the folder of connectors.
    #[command(after_help = "Example:\n  liaison connector list")]
    List,
    /// Show what a connector can do, wants to reach and needs to know.
    #[command(after_help = "\
Examples:
  liaison connector inspect erp-tryton
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
    /// Compile a connector's crate and make its component.
    #[command(after_help = "\
Examples:
  liaison connector build
  liaison connector build ../crm-acme

The component is written to target/connectors/<id>.wasm in the crate's folder. The
compiler must have the target wasm32-unknown-unknown; when it has not, this says
how to get it.")]
    Build {
        /// The folder of the crate.
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
            Self::New { .. } | Self::Build { .. } | Self::Pack { .. } => true,
            Self::List | Self::Test { .. } => false,
        }
    }
}
