//! `liaison profile related`: orders of a person, people of an account or
//! household.

use std::sync::Arc;

use hub_engine::SystemEnv;
use hub_engine::workspace::Workspace;
use hub_http::find;
use hub_http::related::{self, Page};
use hub_model::RecordNo;
use serde_json::Value;

use super::{encoded, not_an_identity};
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, talk, text};
use crate::reach::{self, Data};
use crate::trouble::Trouble;

/// Does it.
///
/// # Errors
/// When the identity is none, or the store cannot answer.
pub async fn run(
    loaded: &Loaded,
    identity: &str,
    (role, below, limit): (Option<String>, Option<u64>, usize),
    out: Out,
) -> Result<Exit, Trouble> {
    let rules = loaded.config.rules();
    let identity = find::identity(identity, &rules).map_err(|error| not_an_identity(&error))?;
    let view = match reach::find(loaded).await? {
        Data::Store(store) => {
            let workspace = Workspace::new(store, Arc::new(rules), Arc::new(SystemEnv::default()));
            let page = Page { role, below: below.map(RecordNo), limit };
            related::view(&workspace, &identity, &page).await?
        }
        Data::Hub(client) => {
            let query = encoded(&identity.to_string());
            let role = role.map(|role| format!("&role={}", encoded(&role))).unwrap_or_default();
            let below = below.map(|below| format!("&below={below}")).unwrap_or_default();
            client
                .get(&format!("/api/v1/related?identity={query}{role}{below}&limit={limit}"))
                .await?
        }
    };
    let rows = |name: &str| view.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let (related, others) = (rows("related"), rows("relates_to"));
    out.data(&view, || {
        let from = related.iter().map(|row| {
            let at = ["/connection", "/stream", "/key"].map(|pointer| text(row, pointer));
            let profile = text(row, "/profile");
            vec![text(row, "/role"), text(row, "/kind"), at.join("/"), profile]
        });
        let to = others.iter().map(|row| {
            let profiles = row.get("profiles").and_then(Value::as_array);
            let profiles: Vec<String> =
                profiles.into_iter().flatten().map(Value::to_string).collect();
            vec![text(row, "/role"), "to".to_owned(), text(row, "/to"), profiles.join(" ")]
        });
        let rows: Vec<Vec<String>> = from.chain(to).collect();
        table(&["ROLE", "KIND", "WHERE", "PROFILE"], &rows)
    })?;
    if related.is_empty() && others.is_empty() {
        talk("nothing relates to this identity");
        return Ok(Exit::Finding);
    }
    if let Some(next) = view.get("next").and_then(Value::as_u64) {
        talk(format!("there are more: --below {next}"));
    }
    Ok(Exit::Ok)
}
