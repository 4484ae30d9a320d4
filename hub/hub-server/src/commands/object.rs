//! `liaison object`: one order, deal, invoice or ticket.

use std::sync::Arc;

use hub_engine::SystemEnv;
use hub_engine::workspace::Workspace;
use hub_http::related;
use hub_model::{RecordRef, RemoteKey};

use super::profile::encoded;
use crate::cli::ObjectCommand;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::Out;
use crate::reach::{self, Data};
use crate::trouble::Trouble;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: ObjectCommand, out: Out) -> Result<Exit, Trouble> {
    let ObjectCommand::Get { sync, key } = command;
    let sync = loaded.sync(&sync)?;
    let view = match reach::find(loaded).await? {
        Data::Store(store) => {
            let rules = Arc::new(loaded.config.rules());
            let workspace = Workspace::new(store, rules, Arc::new(SystemEnv::default()));
            let at = RecordRef { stream: sync.mapping.stream.clone(), key: RemoteKey::new(key) };
            related::one(&workspace, &at).await?.ok_or_else(|| not_there(&sync.id))?
        }
        Data::Hub(client) => {
            let (sync, key) = (encoded(sync.id.as_str()), encoded(&key));
            client.get(&format!("/api/v1/objects?sync={sync}&key={key}")).await?
        }
    };
    out.data(&view, || format!("{view:#}\n"))?;
    Ok(Exit::Ok)
}

fn not_there(sync: &impl std::fmt::Display) -> Trouble {
    Trouble::new(
        Exit::Finding,
        "object/not-there",
        format!("syncs/{sync}.toml"),
        "there is no object of that key",
        "ask by a sync that reads objects, and by the key that their system gives them",
    )
}
