//! `liaison privacy`: export, erase, status.

use std::sync::Arc;
use std::time::Duration;

use hub_engine::workspace::Workspace;
use hub_engine::{EraseRefused, SystemEnv, erasure};
use hub_http::{find, person, privacy};
use hub_model::Identity;
use hub_store_sled::SledStore;
use serde_json::{Value, json};

use super::profile::{encoded, not_an_identity};
use crate::cli::PrivacyCommand;
use crate::client::Client;
use crate::commands::lang;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, Progress, print, talk, text};
use crate::reach::{self, Data, Kept};
use crate::tokens::StoredTokens;
use crate::trouble::Trouble;
use crate::wire::Wiring;

/// How long to wait before a hub is asked again how far it is.
const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: PrivacyCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        PrivacyCommand::Export { identity, csv } => export(loaded, &identity, csv).await,
        PrivacyCommand::Erase { identity, yes } => erase(loaded, &identity, yes, out).await,
        PrivacyCommand::Status { id } => status(loaded, id, out).await,
    }
}

fn named(loaded: &Loaded, text: &str) -> Result<Identity, Trouble> {
    find::identity(text, &loaded.config.rules()).map_err(|error| not_an_identity(&error))
}

async fn export(loaded: &Loaded, text: &str, csv: bool) -> Result<Exit, Trouble> {
    let identity = named(loaded, text)?;
    let everything = match reach::find(loaded).await? {
        Data::Store(store) => {
            let rules = Arc::new(loaded.config.rules());
            let workspace = Workspace::new(store, rules, Arc::new(SystemEnv::default()));
            let found = find::profiles(&workspace, &identity).await?;
            if found.is_empty() {
                return Err(nobody());
            }
            person::everything(&workspace, &found, lang()).await?
        }
        Data::Hub(client) => {
            let query = encoded(&identity.to_string());
            client.get(&format!("/api/v1/privacy/export?identity={query}")).await?
        }
    };
    print(&if csv { person::csv(&everything) } else { format!("{everything:#}\n") })?;
    Ok(Exit::Ok)
}

async fn erase(loaded: &Loaded, text: &str, yes: bool, out: Out) -> Result<Exit, Trouble> {
    let identity = named(loaded, text)?;
    if !yes {
        let what = "nothing was erased: there is no way back from it";
        let mend = "look with `liaison privacy export`, then add --yes";
        return Err(Trouble::new(Exit::Usage, "privacy/not-confirmed", "--yes", what, mend));
    }
    let certificate = match reach::kept(loaded).await? {
        Kept::Store(store) => erase_here(loaded, store, &identity).await?,
        Kept::Hub(client) => erase_there(&client, &identity).await?,
    };
    show(&certificate, out)
}

async fn erase_here(
    loaded: &Loaded,
    store: Arc<SledStore>,
    identity: &Identity,
) -> Result<Value, Trouble> {
    let wiring = Wiring::kept(loaded, Arc::new(StoredTokens(store.clone())))?;
    // None is run: each tells its destination when it runs next.
    let jobs = wiring.all().await.jobs;
    let engine = wiring.engine(store.clone(), Some(store), jobs).await?;
    let begun = engine.erase(identity).await.map_err(refused)?;
    let mut progress = Progress::new();
    progress.show("erasing, then compacting the files");
    engine.tend().await?;
    progress.clear();
    let found = erasure::find(engine.workspace(), begun.id).await?;
    Ok(privacy::certificate(&found.unwrap_or(begun)))
}

async fn erase_there(client: &Client, identity: &Identity) -> Result<Value, Trouble> {
    let request = json!({ "identity": identity.to_string() });
    let mut certificate = client.post_json("/api/v1/privacy/erasures", &request).await?;
    let path = format!("/api/v1/privacy/erasures/{}", text(&certificate, "/id"));
    while text(&certificate, "/state") == "leaving" {
        tokio::time::sleep(LOOK_PAUSE).await;
        certificate = client.get(&path).await?;
    }
    Ok(certificate)
}

async fn status(loaded: &Loaded, id: u64, out: Out) -> Result<Exit, Trouble> {
    let certificate = match reach::find(loaded).await? {
        Data::Store(store) => {
            let rules = Arc::new(loaded.config.rules());
            let workspace = Workspace::new(store, rules, Arc::new(SystemEnv::default()));
            let found = erasure::find(&workspace, id).await?;
            privacy::certificate(&found.ok_or_else(|| unknown(id))?)
        }
        Data::Hub(client) => client.get(&format!("/api/v1/privacy/erasures/{id}")).await?,
    };
    show(&certificate, out)
}

fn show(certificate: &Value, out: Out) -> Result<Exit, Trouble> {
    out.data(certificate, || {
        let of = |pointer: &str| text(certificate, pointer);
        let told = certificate.get("destinations").and_then(Value::as_array);
        let told = told.into_iter().flatten().map(|receipt| {
            let (sync, action) = (text(receipt, "/sync"), text(receipt, "/action"));
            format!("  {sync}: {action}, {}\n", text(receipt, "/state"))
        });
        format!(
            "erasure {}: {}, {} records\nlogically gone:  {}\nphysically gone: {}\n{}",
            of("/id"),
            of("/state"),
            of("/records"),
            of("/logically_gone"),
            of("/physically_gone"),
            told.collect::<String>(),
        )
    })?;
    if certificate.get("physically_gone").is_none_or(Value::is_null) {
        talk(
            "the keys of rows at the destinations are kept until they were told; the files are \
             compacted once more then, by `liaison serve` or the next `liaison privacy erase`",
        );
    }
    Ok(Exit::Ok)
}

fn nobody() -> Trouble {
    let what = "nobody has this identity";
    let mend = "look the person up by another identity; somebody who was erased is not found";
    Trouble::new(Exit::Finding, "privacy/nobody", "the identity asked for", what, mend)
}

fn unknown(id: u64) -> Trouble {
    let what = format!("there is no erasure {id}");
    let mend = "use the number that `liaison privacy erase` printed";
    Trouble::new(Exit::Finding, "privacy/unknown", "the number asked for", what, mend)
}

fn refused(error: EraseRefused) -> Trouble {
    let place = "the identity asked for";
    match error {
        EraseRefused::Nobody => nobody(),
        EraseRefused::Several { .. } => {
            let mend = "name the person by an identity that nobody else has";
            Trouble::new(Exit::Finding, "privacy/several-people", place, error, mend)
        }
        EraseRefused::UnderWay => {
            let mend = "run the sync that writes, which finds its outcome out, then ask again";
            Trouble::new(Exit::Finding, "privacy/write-under-way", place, error, mend)
        }
        EraseRefused::Store(error) => error.into(),
    }
}
