//! `liaison profile`: get by identity, explain, history, what relates to it, events, export all.

mod events;
mod explain;
mod history;
mod related;

use std::sync::Arc;

use hub_engine::SystemEnv;
use hub_engine::workspace::Workspace;
use hub_http::find::{self, NotAnIdentity};
use hub_http::views;
use hub_model::ProfileId;
use serde_json::{Value, json};

use crate::cli::ProfileCommand;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, Progress, print, talk};
use crate::reach::{self, Data};
use crate::trouble::Trouble;

/// Profiles fetched at once.
const PAGE_ROWS: usize = 500;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: ProfileCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        ProfileCommand::Get { identity, as_of: None } => get(loaded, &identity, out).await,
        ProfileCommand::Get { identity, as_of: Some(at) } => {
            history::as_of(loaded, &identity, &at, out).await
        }
        ProfileCommand::History { identity, name, limit } => {
            history::run(loaded, &identity, name.as_deref(), limit, out).await
        }
        ProfileCommand::Explain { identity, name } => {
            explain::run(loaded, &identity, name.as_deref(), out).await
        }
        ProfileCommand::Related { identity, role, below, limit } => {
            related::run(loaded, &identity, (role, below, limit), out).await
        }
        ProfileCommand::Events(asked) => events::run(loaded, asked, out).await,
        ProfileCommand::Export => export(loaded).await,
    }
}

async fn get(loaded: &Loaded, text: &str, out: Out) -> Result<Exit, Trouble> {
    let rules = loaded.config.rules();
    let identity = find::identity(text, &rules).map_err(|error| not_an_identity(&error))?;
    let view = match reach::find(loaded).await? {
        Data::Store(store) => {
            let workspace = Workspace::new(store, Arc::new(rules), Arc::new(SystemEnv::default()));
            let mut profiles = Vec::new();
            for profile in find::profiles(&workspace, &identity).await? {
                profiles.push(hub_http::related::profile(&workspace, &profile).await?);
            }
            json!({ "profiles": profiles })
        }
        Data::Hub(client) => {
            let query = encoded(&identity.to_string());
            client.get(&format!("/api/v1/profiles?identity={query}")).await?
        }
    };
    let profiles = view.get("profiles").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    out.data(&view, || profiles.iter().map(|p| format!("{p:#}\n")).collect())?;
    if profiles.is_empty() {
        talk("nobody has this identity");
        return Ok(Exit::Finding);
    }
    Ok(Exit::Ok)
}

pub(super) fn not_an_identity(error: &NotAnIdentity) -> Trouble {
    let (code, mend) = match error {
        NotAnIdentity::Form => ("cli/identity", "write it like email:ana@example.org"),
        NotAnIdentity::Namespace { .. } => {
            ("cli/unknown-namespace", "use one of the namespaces of liaison.toml")
        }
        NotAnIdentity::Value(_) => ("cli/identity", "write a value of the namespace's form"),
    };
    Trouble::new(Exit::Usage, code, "the identity asked for", error, mend)
}

/// Percent-encoding of everything but unreserved characters (RFC 3986, 2.3).
pub(super) fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// Page by page, so that memory does not grow with the number of profiles.
async fn export(loaded: &Loaded) -> Result<Exit, Trouble> {
    let data = reach::find(loaded).await?;
    let mut progress = Progress::new();
    let mut after: Option<u64> = None;
    let mut count = 0_u64;
    loop {
        let (lines, next) = match &data {
            Data::Store(store) => {
                let page = store.scan_profiles(after.map(ProfileId), PAGE_ROWS).await?;
                let next = page.last().map(|profile| profile.id.0);
                (views::profile_lines(&**store, &page).await?, next)
            }
            Data::Hub(client) => {
                let from = after.map(|id| format!("&after={id}")).unwrap_or_default();
                let path = format!("/api/v1/profiles?limit={PAGE_ROWS}{from}");
                let mut page = client.get(&path).await?;
                let next = page.get("next").and_then(Value::as_u64);
                let lines = page.get_mut("profiles").map(Value::take).unwrap_or_default();
                (lines.as_array().cloned().unwrap_or_default(), next)
            }
        };
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        progress.clear();
        print(&text)?;
        count += u64::try_from(lines.len()).unwrap_or(u64::MAX);
        progress.show(&format!("{count} profiles"));
        if next.is_none() || lines.is_empty() {
            progress.clear();
            return Ok(Exit::Ok);
        }
        after = next;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn identities_survive_an_address() {
        assert_eq!(super::encoded("email:a+b@é.fr"), "email%3Aa%2Bb%40%C3%A9.fr");
    }
}
