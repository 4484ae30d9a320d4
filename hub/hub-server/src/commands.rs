//! One module per command.

mod check;
mod conflict;
mod connection;
mod connector;
mod hold;
mod identity;
mod ledger;
mod mapping;
mod object;
mod plan;
mod privacy;
mod profile;
mod quarantine;
mod recording;
mod replay;
mod segment;
mod serve;
mod sign_in;
mod store;
mod suppression;
mod sync;
mod token;
mod undo;

use serde_json::json;

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::load::Loaded;
use crate::logging;
use crate::out::Out;
use crate::trouble::Trouble;

/// Does what was typed.
///
/// # Errors
/// What the command refuses.
pub async fn run(cli: Cli) -> Result<Exit, Trouble> {
    let Cli { global, command } = cli;
    let usual = if matches!(command, Command::Serve) { "info" } else { "warn" };
    logging::start(&global, usual)?;
    let out = Out { json: global.json };
    if matches!(command, Command::Version) {
        return version(out);
    }
    let command = match command {
        Command::Connector(command) if command.needs_no_hub() => {
            return connector::alone(command, out);
        }
        other => other,
    };
    // Both look for a configuration themselves, and need none.
    let command = match command {
        Command::Replay(asked) => return replay::run(&global, &asked, out).await,
        Command::Recording(command) => return recording::run(&global, command, out).await,
        other => other,
    };
    let loaded = Loaded::read(&global)?;
    match command {
        Command::Serve => serve::run(&loaded).await,
        Command::Check { online } => check::run(&loaded, online, out).await,
        Command::Sync(command) => sync::run(&loaded, command, out).await,
        Command::Mapping(command) => mapping::run(&loaded, command, out).await,
        Command::Plan { id, read } => plan::show(&loaded, &id, read, out).await,
        Command::Apply { id, plan } => plan::apply(&loaded, &id, &plan, out).await,
        Command::Undo { run, yes } => undo::run(&loaded, &run, yes, out).await,
        Command::Ledger(command) => ledger::run(&loaded, command, out).await,
        Command::Hold(command) => hold::run(&loaded, command, out).await,
        Command::Connection(command) => connection::run(&loaded, command, out).await,
        Command::Profile(command) => profile::run(&loaded, command, out).await,
        Command::Object(command) => object::run(&loaded, command, out).await,
        Command::Identity(command) => identity::run(&global, &loaded, command, out).await,
        Command::Segment(command) => segment::run(&loaded, command, out).await,
        Command::Conflict(command) => conflict::run(&loaded, command, out).await,
        Command::Quarantine(command) => quarantine::run(&loaded, command, out).await,
        Command::Privacy(command) => privacy::run(&loaded, command, out).await,
        Command::Suppression(command) => suppression::run(&loaded, command, out).await,
        Command::Connector(command) => connector::run(&loaded, command, out).await,
        Command::Store(command) => store::run(&loaded, command, out).await,
        Command::Token(command) => token::run(&loaded, command, out).await,
        Command::Replay(asked) => replay::run(&global, &asked, out).await,
        Command::Recording(command) => recording::run(&global, command, out).await,
        Command::Version => version(out),
    }
}

fn version(out: Out) -> Result<Exit, Trouble> {
    let version = env!("CARGO_PKG_VERSION");
    out.data(&json!({ "version": version }), || format!("liaison {version}\n"))?;
    Ok(Exit::Ok)
}

/// The language of talk, from the environment as POSIX orders it.
pub(crate) fn lang() -> hub_http::Lang {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .and_then(|value| hub_http::Lang::from_tag(&value))
        .unwrap_or_default()
}
