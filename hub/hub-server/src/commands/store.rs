//! `liaison store`: verify, stats, export, import, compact, backup, restore.

mod archive;
mod export;
mod import;
mod place;
mod restore;
mod upkeep;

use hub_store::Store;
use serde_json::json;

use crate::cli::StoreCommand;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, talk};
use crate::reach;
use crate::trouble::Trouble;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: StoreCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        StoreCommand::Verify => verify(loaded, out).await,
        StoreCommand::Stats => upkeep::stats(loaded, out).await,
        StoreCommand::Export { to, from } => export::run(loaded, &to, from.as_deref()).await,
        StoreCommand::Import { from } => import::run(loaded, &from).await,
        StoreCommand::Compact => upkeep::compact(loaded, out).await,
        StoreCommand::Backup { to } => upkeep::backup(loaded, &to, out).await,
        StoreCommand::Restore { from, replace } => restore::run(loaded, &from, replace).await,
    }
}

async fn verify(loaded: &Loaded, out: Out) -> Result<Exit, Trouble> {
    if !loaded.store_dir().exists() {
        return Err(none_yet(loaded));
    }
    let store = reach::inspect(loaded).await?;
    let findings = store.verify().await?;
    out.data(&json!({ "findings": findings }), || {
        let rows: Vec<Vec<String>> =
            findings.iter().map(|f| vec![f.check.clone(), f.detail.clone()]).collect();
        if rows.is_empty() { "sound\n".to_owned() } else { table(&["CHECK", "DETAIL"], &rows) }
    })?;
    if findings.is_empty() {
        return Ok(Exit::Ok);
    }
    talk(
        "mend: keep a copy of the folder, then `liaison store restore --from DIR` a backup, \
         or report the findings",
    );
    Ok(Exit::Finding)
}

/// There is nothing to work on.
fn none_yet(loaded: &Loaded) -> Trouble {
    let what = "there is no store yet";
    let mend = "run a sync or `liaison serve` first, or check `data_dir` in liaison.toml";
    Trouble::new(Exit::Store, "store/none", loaded.store_dir().display(), what, mend)
}
