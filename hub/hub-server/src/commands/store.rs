//! `liaison store`: verify, stats.

use serde_json::{Value, json};

use crate::cli::StoreCommand;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, talk};
use crate::reach::{self, Data};
use crate::trouble::Trouble;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: StoreCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        StoreCommand::Verify => verify(loaded, out).await,
        StoreCommand::Stats => stats(loaded, out).await,
    }
}

async fn verify(loaded: &Loaded, out: Out) -> Result<Exit, Trouble> {
    let dir = loaded.store_dir();
    if !dir.exists() {
        let what = "there is no store yet";
        let mend = "run a sync or `liaison serve` first, or check `data_dir` in liaison.toml";
        return Err(Trouble::new(Exit::Store, "store/none", dir.display(), what, mend));
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
    talk("mend: keep a copy of the folder, then restore a backup or report the findings");
    Ok(Exit::Finding)
}

async fn stats(loaded: &Loaded, out: Out) -> Result<Exit, Trouble> {
    let stats = match reach::find(loaded).await? {
        Data::Store(store) => json!(store.stats().await?),
        Data::Hub(client) => {
            let mut answer = client.get("/api/v1/stats").await?;
            answer.get_mut("stats").map(Value::take).unwrap_or_default()
        }
    };
    out.data(&stats, || {
        let entries = stats.as_object().into_iter().flatten();
        let rows: Vec<Vec<String>> =
            entries.map(|(name, value)| vec![name.clone(), value.to_string()]).collect();
        table(&["WHAT", "COUNT"], &rows)
    })?;
    Ok(Exit::Ok)
}
