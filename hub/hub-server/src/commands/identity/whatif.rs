//! What a changed configuration would make of people, and bringing them up to
//! the one that is there.

use std::path::PathBuf;

use hub_engine::people::{PeopleError, decide, recast};
use hub_http::identity;
use serde_json::json;

use super::{show, workspace};
use crate::cli::Global;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, talk};
use crate::reach::{self, Data, Kept};
use crate::trouble::Trouble;

/// `liaison identity preview`.
///
/// # Errors
/// What either configuration or the store refuses.
pub async fn preview(
    global: &Global,
    loaded: &Loaded,
    folder: PathBuf,
    out: Out,
) -> Result<Exit, Trouble> {
    let changed = Loaded::read(&Global { config: folder, ..global.clone() })?;
    if changed.config.workspace != loaded.config.workspace {
        return Err(Trouble::new(
            Exit::Usage,
            "identity/other-workspace",
            changed.root.join("liaison.toml").display(),
            format!(
                "this configuration is of the workspace `{}`, the data are of `{}`",
                changed.config.workspace, loaded.config.workspace
            ),
            "start from a copy of the configuration that is in force",
        ));
    }
    let rules = changed.config.rules();
    let view = match reach::find(loaded).await? {
        Data::Hub(client) => {
            client.post_json("/api/v1/identity/preview", &json!({ "rules": rules })).await?
        }
        Data::Store(store) => {
            let workspace = workspace(store, loaded.config.rules());
            identity::previewed(&recast::preview(&workspace, &rules).await?)
        }
    };
    out.data(&view, || show::preview(&view))?;
    talk("nothing was changed");
    Ok(Exit::Ok)
}

/// `liaison identity apply`.
///
/// # Errors
/// When the store cannot be had or a hub runs.
pub async fn apply(loaded: &Loaded, out: Out) -> Result<Exit, Trouble> {
    let store = match reach::kept(loaded).await? {
        Kept::Store(store) => store,
        Kept::Hub(client) => {
            return Err(Trouble::new(
                Exit::Usage,
                "identity/hub-runs",
                format!("http://{}", client.address()),
                "a hub runs, and works by the configuration that it read at its start",
                "stop it (SIGTERM) and start it again: it applies the configuration first",
            ));
        }
    };
    let workspace = workspace(store, loaded.config.rules());
    match decide::finish(&workspace).await {
        Ok(()) => {}
        Err(PeopleError::Store(error)) => return Err(error.into()),
        Err(error) => return Err(super::refused(error)),
    }
    let applied = recast::apply(&workspace).await?;
    let view = json!({
        "changed": applied.changed, "merged": applied.merged, "separated": applied.separated,
        "updated": applied.updated,
    });
    out.data(&view, || {
        format!(
            "{} profiles merged, {} separated, {} updated\n",
            applied.merged, applied.separated, applied.updated
        )
    })?;
    if !applied.changed {
        talk("the profiles follow this configuration already");
    }
    Ok(Exit::Ok)
}
