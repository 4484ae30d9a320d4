//! What a package could do beyond computing, as sets of words: what an administrator
//! is shown, what he approves, and what a later version may not exceed unasked.

use std::collections::BTreeSet;

use plugin_api::Manifest;
use serde::{Deserialize, Serialize};

/// An interface that only names things: to have it is no ability.
const WORDS_ONLY: &str = "types";

/// Everything that a package asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Capabilities {
    /// What it is able to do: `source`, `destination`, `files`, ...
    pub abilities: BTreeSet<String>,
    /// Hosts that it wants to reach.
    pub hosts: BTreeSet<String>,
    /// Credentials that it wants applied: `name: kind`, and the recipe where it has one,
    /// because a recipe says where the credential goes.
    pub credentials: BTreeSet<String>,
    /// How deliveries come in and are verified.
    pub deliveries: BTreeSet<String>,
    /// Interfaces of the host that it calls: `http`, `files`, `mail`, `sql`, ...
    pub imports: BTreeSet<String>,
    /// Interfaces that the hub may call.
    pub exports: BTreeSet<String>,
}

impl Capabilities {
    /// Those of a manifest, and of the interfaces that its component really has.
    pub fn of(manifest: &Manifest, imports: &BTreeSet<String>, exports: &BTreeSet<String>) -> Self {
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        let plain = |value: serde_json::Result<serde_json::Value>| value.ok().map(text);
        let credential = |slot: &plugin_api::CredentialSlot| match &slot.recipe {
            Some(recipe) => format!("{}: {} {recipe}", slot.name, slot.kind),
            None => format!("{}: {}", slot.name, slot.kind),
        };
        let abilities = manifest.capabilities.iter().map(serde_json::to_value);
        let deliveries = manifest.inbound.iter().map(serde_json::to_value);
        Self {
            abilities: abilities.filter_map(plain).collect(),
            hosts: manifest.hosts.iter().map(|host| host.0.clone()).collect(),
            credentials: manifest.credentials.iter().map(credential).collect(),
            deliveries: deliveries.filter_map(plain).collect(),
            imports: imports.iter().filter(|name| *name != WORDS_ONLY).cloned().collect(),
            exports: exports.clone(),
        }
    }

    /// What is asked for here and was not approved there.
    pub fn beyond(&self, approved: &Self) -> Self {
        let new = |asked: &BTreeSet<String>, approved: &BTreeSet<String>| {
            asked.difference(approved).cloned().collect()
        };
        let covered = |host: &&String| approved.hosts.iter().any(|grant| covers(grant, host));
        Self {
            abilities: new(&self.abilities, &approved.abilities),
            hosts: self.hosts.iter().filter(|host| !covered(host)).cloned().collect(),
            credentials: new(&self.credentials, &approved.credentials),
            deliveries: new(&self.deliveries, &approved.deliveries),
            imports: new(&self.imports, &approved.imports),
            exports: new(&self.exports, &approved.exports),
        }
    }

    /// One line each, by what it is.
    pub fn lines(&self) -> Vec<(&'static str, &str)> {
        let kinds = [
            ("can", &self.abilities),
            ("wants host", &self.hosts),
            ("wants credential", &self.credentials),
            ("is delivered", &self.deliveries),
            ("calls", &self.imports),
            ("is called", &self.exports),
        ];
        kinds
            .into_iter()
            .flat_map(|(kind, words)| words.iter().map(move |word| (kind, word.as_str())))
            .collect()
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.lines().is_empty()
    }
}

/// Whether a host that was approved includes another: itself, or `*.suffix`. Ports and
/// settings are compared as they are written, so that what is not certain is asked.
fn covers(approved: &str, asked: &str) -> bool {
    let below = |suffix: &str| {
        asked.strip_suffix(suffix).is_some_and(|name| !name.is_empty() && !name.contains('{'))
    };
    approved == asked
        || approved.strip_prefix('*').is_some_and(|it| it.starts_with('.') && below(it))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{Capabilities, covers};

    fn of(hosts: &[&str], credentials: serde_json::Value) -> Capabilities {
        let manifest = serde_json::json!({
            "id": "a", "version": "1.0.0", "contract": "0.1.0", "capabilities": ["source"],
            "settings": {}, "hosts": hosts, "credentials": credentials,
        });
        let words = |all: &[&str]| all.iter().map(ToString::to_string).collect();
        let manifest = serde_json::from_value(manifest).unwrap();
        Capabilities::of(&manifest, &words(&["http"]), &words(&["connection", "source"]))
    }

    #[test]
    fn a_host_covers_itself_and_what_is_below_it() {
        for (approved, asked, covered) in [
            ("api.x.fr", "api.x.fr", true),
            ("api.x.fr", "x.fr", false),
            ("*.x.fr", "api.x.fr", true),
            ("*.x.fr", "*.api.x.fr", true),
            ("*.x.fr", "x.fr", false),
            ("*.x.fr", "evilx.fr", false),
            ("*.x.fr", "api.x.fr:8443", false),
            ("api.x.fr", "*.x.fr", false),
            ("{settings.url}", "{settings.url}", true),
            ("{settings.url}", "{settings.other}", false),
            ("*.x.fr", "{settings.name}.x.fr", false),
            ("*", "api.x.fr", false),
        ] {
            assert_eq!(covers(approved, asked), covered, "{approved} {asked}");
        }
    }

    #[test]
    fn more_is_what_was_not_approved() {
        let token = |kind: &str| serde_json::json!([{ "name": "token", "kind": kind }]);
        let before = of(&["api.x.fr"], token("bearer"));
        assert!(before.beyond(&before).is_empty());
        assert!(of(&[], serde_json::json!([])).beyond(&before).is_empty(), "fewer is not more");
        let wider = of(&["api.x.fr", "evil.x"], token("bearer")).beyond(&before);
        assert_eq!(wider.lines(), [("wants host", "evil.x")]);
        assert!(!of(&["api.x.fr"], token("basic")).beyond(&before).is_empty());
        // A recipe says where the credential goes.
        let sent =
            serde_json::json!([{ "name": "token", "kind": "bearer", "recipe": { "at": "b" } }]);
        let wider = of(&["api.x.fr"], sent).beyond(&before);
        assert_eq!(wider.lines(), [("wants credential", "token: bearer {\"at\":\"b\"}")]);
    }
}
