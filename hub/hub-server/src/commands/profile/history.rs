//! `liaison profile history` and `liaison profile get --as-of`: what profiles were,
//! and who changed what when.

use std::fmt::Write as _;
use std::sync::Arc;

use hub_engine::SystemEnv;
use hub_engine::workspace::Workspace;
use hub_http::{find, history};
use hub_model::{Timestamp, TraitName};
use serde_json::Value;

use super::{encoded, not_an_identity};
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, talk, text};
use crate::reach::{self, Data};
use crate::trouble::Trouble;

/// Shows profiles as they stood at an instant.
///
/// # Errors
/// What the command refuses.
pub async fn as_of(loaded: &Loaded, identity: &str, at: &str, out: Out) -> Result<Exit, Trouble> {
    let rules = loaded.config.rules();
    let identity = find::identity(identity, &rules).map_err(|error| not_an_identity(&error))?;
    let at = Timestamp::parse_rfc3339(at).ok_or_else(|| not_an_instant(at))?;
    let view = match reach::find(loaded).await? {
        Data::Store(store) => {
            let workspace = Workspace::new(store, Arc::new(rules), Arc::new(SystemEnv::default()));
            let today = find::profiles(&workspace, &identity).await?;
            history::as_of(&*workspace.store, &today, Some(&identity), at).await?
        }
        Data::Hub(client) => {
            let (identity, at) = (encoded(&identity.to_string()), encoded(&at.to_string()));
            client.get(&format!("/api/v1/profiles?identity={identity}&as_of={at}")).await?
        }
    };
    let profiles = rows(&view, "profiles");
    out.data(&view, || profiles.iter().map(|p| format!("{p:#}\n")).collect())?;
    if !rows(&view, "forgotten").is_empty() {
        talk("what some of them were then is not kept any more");
    }
    if profiles.is_empty() {
        talk("nobody who has this identity today was known then");
        return Ok(Exit::Finding);
    }
    Ok(Exit::Ok)
}

/// Shows what changed, step by step.
///
/// # Errors
/// What the command refuses.
pub async fn run(
    loaded: &Loaded,
    identity: &str,
    name: Option<&str>,
    limit: u16,
    out: Out,
) -> Result<Exit, Trouble> {
    let rules = loaded.config.rules();
    let identity = find::identity(identity, &rules).map_err(|error| not_an_identity(&error))?;
    let view = match reach::find(loaded).await? {
        Data::Store(store) => {
            let rules = Arc::new(rules);
            let workspace = Workspace::new(store, rules, Arc::new(SystemEnv::default()));
            let today = find::profiles(&workspace, &identity).await?;
            let only = name.map(TraitName::new);
            let (store, rules) = (&*workspace.store, &*workspace.rules);
            history::whole(store, rules, &today, only.as_ref(), usize::from(limit)).await?
        }
        Data::Hub(client) => {
            let query = encoded(&identity.to_string());
            let only = name.map(|name| format!("&trait={}", encoded(name))).unwrap_or_default();
            client.get(&format!("/api/v1/history?identity={query}{only}&limit={limit}")).await?
        }
    };
    let profiles = rows(&view, "profiles");
    out.data(&view, || profiles.iter().map(page).collect())?;
    if profiles.is_empty() {
        talk("nobody has this identity");
        return Ok(Exit::Finding);
    }
    let numbers = profiles.iter().flat_map(|profile| rows(profile, "numbers"));
    if numbers.clone().all(|number| rows(number, "steps").is_empty()) {
        talk("nothing was ever known of this trait");
        return Ok(Exit::Finding);
    }
    if numbers.clone().any(|number| number.get("next").is_some_and(|next| !next.is_null())) {
        talk("there are older steps; ask for more with --limit");
    }
    Ok(Exit::Ok)
}

fn not_an_instant(found: &str) -> Trouble {
    Trouble::new(
        Exit::Usage,
        "cli/instant",
        "--as-of",
        format!("`{found}` is not an instant"),
        "write it like 2026-01-31T12:00:00Z, with an offset",
    )
}

fn rows<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
}

/// The histories of one profile for people to read.
fn page(profile: &Value) -> String {
    let mut page = String::new();
    for number in rows(profile, "numbers") {
        // Writing into a text cannot fail.
        let _ = writeln!(page, "profile {}", text(number, "/id"));
        for step in rows(number, "steps") {
            let event = match text(step, "/event").as_str() {
                "absorbed" => format!("absorbed by profile {}", text(step, "/by")),
                "forgotten" => "what it was from here on is not kept".to_owned(),
                "was" => "was, and what it had been before is not kept:".to_owned(),
                _ => "changed:".to_owned(),
            };
            let _ = writeln!(
                page,
                "  {} (commit {}) {event}",
                text(step, "/at"),
                text(step, "/commit")
            );
            lines(step).for_each(|line| {
                let _ = writeln!(page, "    {line}");
            });
        }
    }
    page
}

/// What one step changed.
fn lines(step: &Value) -> impl Iterator<Item = String> {
    let traits = rows(step, "traits").iter().map(|change| {
        let word = |pointer: &str| text(change, pointer);
        let (name, before, after) = (word("/trait"), word("/before"), word("/after"));
        if change.get("record").is_none_or(Value::is_null) {
            return format!("{name}: {before} -> {after}");
        }
        format!(
            "{name}: {before} -> {after}, from {}/{} {} {} (record {}) by {}, run {}",
            word("/connection"),
            word("/stream"),
            word("/key"),
            word("/field"),
            word("/record"),
            word("/rule"),
            word("/run"),
        )
    });
    let consents = rows(step, "consents").iter().map(|change| {
        let word = |pointer: &str| text(change, pointer);
        let (purpose, channel) = (word("/purpose"), word("/channel"));
        format!("consent {purpose}/{channel}: {} -> {}", word("/before"), word("/after"))
    });
    let moved = [
        ("identities_gained", "+ identity"),
        ("identities_lost", "- identity"),
        ("records_gained", "+ record"),
        ("records_lost", "- record"),
    ];
    let moved = moved.into_iter().flat_map(|(name, sign)| {
        rows(step, name).iter().map(move |one| format!("{sign} {}", text(one, "")))
    });
    traits.chain(consents).chain(moved)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_page_tells_what_changed_when_and_from_where() {
        let profile = json!({ "id": 7, "numbers": [
            { "id": 7, "next": null, "steps": [
                { "commit": 9, "at": "2026-02-01T00:00:00Z", "event": "changed",
                  "traits": [
                    { "trait": "city", "before": "Nice", "after": "Lyon", "connection": "crm",
                      "stream": "people", "key": "a1", "field": "town", "record": 9,
                      "rule": "most-recent", "run": "r1" },
                    { "trait": "age", "before": 41, "after": null, "record": null },
                  ],
                  "consents": [{ "purpose": "newsletter", "channel": "email", "before": "granted",
                                 "after": "withdrawn" }],
                  "identities_gained": ["email:a@x.fr"], "records_gained": [9] },
            ] },
            { "id": 9, "next": null, "steps": [
                { "commit": 9, "at": null, "event": "absorbed", "by": 7 },
                { "commit": 4, "at": null, "event": "forgotten" },
            ] },
        ] });
        let page = super::page(&profile);
        let lines: Vec<&str> = page.lines().collect();
        assert_eq!(
            lines,
            [
                "profile 7",
                "  2026-02-01T00:00:00Z (commit 9) changed:",
                "    city: Nice -> Lyon, from crm/people a1 town (record 9) by most-recent, run r1",
                "    age: 41 -> -",
                "    consent newsletter/email: granted -> withdrawn",
                "    + identity email:a@x.fr",
                "    + record 9",
                "profile 9",
                "  - (commit 9) absorbed by profile 7",
                "  - (commit 4) what it was from here on is not kept",
            ]
        );
    }
}
