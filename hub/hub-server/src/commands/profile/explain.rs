//! `liaison profile explain`: where each value of a profile comes from, and who
//! received it.

use std::fmt::Write as _;
use std::sync::Arc;

use hub_engine::SystemEnv;
use hub_engine::workspace::Workspace;
use hub_http::{explained, find};
use hub_model::TraitName;
use serde_json::{Value, json};

use super::{encoded, not_an_identity};
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, talk, text};
use crate::reach::{self, Data};
use crate::trouble::Trouble;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(
    loaded: &Loaded,
    identity: &str,
    name: Option<&str>,
    out: Out,
) -> Result<Exit, Trouble> {
    let rules = loaded.config.rules();
    let identity = find::identity(identity, &rules).map_err(|error| not_an_identity(&error))?;
    let view = match reach::find(loaded).await? {
        Data::Store(store) => {
            let workspace = Workspace::new(store, Arc::new(rules), Arc::new(SystemEnv::default()));
            let only = name.map(TraitName::new);
            let mut profiles = Vec::new();
            for profile in find::profiles(&workspace, &identity).await? {
                profiles.push(explained::view(&workspace, &profile, only.as_ref()).await?);
            }
            json!({ "profiles": profiles })
        }
        Data::Hub(client) => {
            let query = encoded(&identity.to_string());
            let only = name.map(|name| format!("&trait={}", encoded(name))).unwrap_or_default();
            client.get(&format!("/api/v1/explain?identity={query}{only}")).await?
        }
    };
    let profiles = view.get("profiles").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    out.data(&view, || profiles.iter().map(page).collect())?;
    if profiles.is_empty() {
        talk("nobody has this identity");
        return Ok(Exit::Finding);
    }
    if profiles.iter().all(|profile| traits(profile).next().is_none()) {
        talk("nothing is known of this trait, and nobody is told it");
        return Ok(Exit::Finding);
    }
    Ok(Exit::Ok)
}

fn traits(profile: &Value) -> impl Iterator<Item = (&String, &Value)> {
    profile.get("traits").and_then(Value::as_object).into_iter().flatten()
}

fn rows<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
}

/// A profile for people to read.
fn page(profile: &Value) -> String {
    let mut page = format!("profile {} ({})\n", text(profile, "/id"), text(profile, "/kind"));
    // Writing into a text cannot fail.
    for (name, told) in traits(profile) {
        let _ = writeln!(page, "\n{name} = {}   [{}]", text(told, "/value"), text(told, "/rule"));
        for evidence in rows(told, "evidence") {
            let _ = writeln!(page, "  {}", line(evidence));
        }
        for receiver in rows(told, "received_by") {
            let (sync, field) = (text(receiver, "/sync"), text(receiver, "/field"));
            let key = text(receiver, "/key");
            let _ = writeln!(page, "  -> {sync} {key} {field}: {}", text(receiver, "/state"));
        }
    }
    page.push('\n');
    page
}

fn line(evidence: &Value) -> String {
    let word = |pointer: &str| text(evidence, pointer);
    let standing = match word("/because").as_str() {
        "-" => word("/standing"),
        "rule" => format!("{} (by the rule {})", word("/standing"), word("/beaten_by/rule")),
        because => format!("{} ({because})", word("/standing")),
    };
    let pages = match (word("/pages/0"), word("/pages/1")) {
        (first, last) if first == last => format!("page {first}"),
        (first, last) => format!("pages {first}-{last}"),
    };
    let digest: String = word("/connector/digest").chars().take(12).collect();
    format!(
        "{standing}: {} from {}/{} {} {} (record {}), run {}, {pages}, {} {} {digest}",
        word("/value"),
        word("/connection"),
        word("/stream"),
        word("/key"),
        word("/field"),
        word("/record"),
        word("/run"),
        word("/connector/id"),
        word("/connector/version"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_page_names_every_witness_and_receiver() {
        let profile = json!({ "id": 7, "kind": "person", "traits": { "city": {
            "value": "Lyon", "rule": "most-recent",
            "evidence": [
                { "standing": "won", "because": null, "value": "Lyon", "connection": "crm",
                  "stream": "people", "key": "a1", "field": "town", "record": 9, "run": "r1",
                  "pages": [3, 3], "connector": { "id": "files", "version": "1.0.0",
                  "digest": "0123456789abcdef" } },
                { "standing": "lost", "because": "older", "value": "Nice", "connection": "erp",
                  "stream": "people", "key": "4", "field": "city", "record": 7, "run": null,
                  "pages": null, "connector": null },
                { "standing": "lost", "because": "rule", "value": "Pau", "connection": "shop",
                  "stream": "buyers", "key": "5", "field": "city", "record": 8, "run": null,
                  "pages": null, "connector": null,
                  "beaten_by": { "rule": "owner", "record": 9 } },
            ],
            "received_by": [{ "sync": "shop", "key": "k", "field": "city", "state": "received" }],
        } } });
        let page = super::page(&profile);
        let lines: Vec<&str> = page.lines().collect();
        assert_eq!(
            lines,
            [
                "profile 7 (person)",
                "",
                "city = Lyon   [most-recent]",
                "  won: Lyon from crm/people a1 town (record 9), run r1, page 3, files 1.0.0 \
                 0123456789ab",
                "  lost (older): Nice from erp/people 4 city (record 7), run -, page -, - - -",
                "  lost (by the rule owner): Pau from shop/buyers 5 city (record 8), run -, page -, \
                 - - -",
                "  -> shop k city: received",
                "",
            ]
        );
    }
}
