//! The checker: a graph in, the forbidden edges out, in words.

use std::collections::{BTreeSet, VecDeque};

use crate::{
    graph::{Edge, Graph, Kind, Member},
    rooms::{CONNECTOR_LIBRARIES, HOMES, IMPURE, RANDOM, ROOMS, Room},
};

/// Every forbidden edge, each as one line that names it and says why.
#[must_use]
pub fn faults(graph: &Graph) -> Vec<String> {
    let mut faults = Vec::new();
    for member in &graph.members {
        faults.extend(misplaced(member));
        if in_folder(member, "tests") {
            continue;
        }
        for edge in &member.edges {
            faults.extend(on_tests(graph, member, edge));
            faults.extend(away_from_home(member, edge));
        }
        if in_folder(member, "connectors") {
            faults.extend(connector(graph, member));
        } else if let Some(room) = room(member) {
            faults.extend(unknown_rooms(graph, member, room));
            faults.extend(random(member, room));
            faults.extend(impure(graph, room));
        }
    }
    faults
}

fn in_folder(member: &Member, folder: &str) -> bool {
    member.folder.split('/').next() == Some(folder)
}

fn room(member: &Member) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == member.name)
}

fn folder_of<'a>(graph: &'a Graph, name: &str) -> Option<&'a str> {
    let member = graph.members.iter().find(|member| member.name == name)?;
    member.folder.split('/').next()
}

/// A crate is a folder of its own name in a known place, and has a row in the
/// table where the table speaks of single crates.
fn misplaced(member: &Member) -> Option<String> {
    let name = &member.name;
    let (parent, last) = member.folder.rsplit_once('/').unwrap_or(("", &member.folder));
    if last != name {
        return Some(format!("{name} lies in {}: the folder must have its name", member.folder));
    }
    match parent {
        "connectors" | "tests" | "tests/guests" => None,
        "hub" | "plugins" | "sdk" if room(member).is_some() => None,
        "hub" | "plugins" | "sdk" => {
            Some(format!("{name} is not in the room table: say in rooms.rs what it may know"))
        }
        _ => Some(format!("{name} lies in {}, which is no place for a crate", member.folder)),
    }
}

/// Nothing depends on tests, except tests.
fn on_tests(graph: &Graph, member: &Member, edge: &Edge) -> Option<String> {
    let forbidden = edge.kind == Kind::Product && folder_of(graph, &edge.to) == Some("tests");
    forbidden.then(|| forbid(member, &edge.to, "nothing of the product depends on tests"))
}

fn away_from_home(member: &Member, edge: &Edge) -> Option<String> {
    let (_, home) = HOMES.iter().find(|(library, _)| *library == edge.to)?;
    let forbidden = edge.kind == Kind::Product && member.name != *home;
    forbidden.then(|| forbid(member, &edge.to, &format!("its one home is {home}")))
}

fn connector(graph: &Graph, member: &Member) -> Vec<String> {
    let refused = |edge: &&Edge| match folder_of(graph, &edge.to) {
        Some("tests") => false,
        Some(_) => edge.to != "liaison-sdk",
        None => edge.kind == Kind::Product && !CONNECTOR_LIBRARIES.contains(&edge.to.as_str()),
    };
    let reason = "a connector knows the SDK and the libraries listed in rooms.rs";
    let refused = member.edges.iter().filter(refused);
    refused.map(|edge| forbid(member, &edge.to, reason)).collect()
}

fn unknown_rooms(graph: &Graph, member: &Member, room: &Room) -> Vec<String> {
    let refused = |edge: &&Edge| {
        let to = edge.to.as_str();
        let in_tests = edge.kind == Kind::Tests;
        match folder_of(graph, to) {
            // Not of the workspace, or already judged by `on_tests`.
            None | Some("tests") => false,
            Some(_) if room.may_know.contains(&to) => false,
            Some(_) => !(in_tests && room.tests_may_know.contains(&to)),
        }
    };
    let reason = match room.may_know {
        [] => "it may know no other room".to_owned(),
        known => format!("it may know {}", known.join(", ")),
    };
    let refused = member.edges.iter().filter(refused);
    refused.map(|edge| forbid(member, &edge.to, &reason)).collect()
}

/// A pure room takes its randomness as an argument.
fn random(member: &Member, room: &Room) -> Vec<String> {
    let Some(reason) = room.pure_because else {
        return Vec::new();
    };
    let product = member.edges.iter().filter(|edge| edge.kind == Kind::Product);
    let random = product.filter(|edge| RANDOM.contains(&edge.to.as_str()));
    random.map(|edge| forbid(member, &edge.to, reason)).collect()
}

/// A pure room reaches no impure library, not even through others.
fn impure(graph: &Graph, room: &Room) -> Vec<String> {
    let Some(reason) = room.pure_because else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    let mut seen = BTreeSet::from([room.name]);
    let mut open = VecDeque::from([vec![room.name]]);
    while let Some(path) = open.pop_front() {
        let Some(linked) = path.last().and_then(|last| graph.links.get(*last)) else {
            continue;
        };
        for next in linked {
            if !seen.insert(next) {
                continue;
            }
            let mut path = path.clone();
            path.push(next);
            if IMPURE.contains(&next.as_str()) {
                let way = path.join(" -> ");
                faults.push(format!("{} must not depend on {next}: {reason} ({way})", room.name));
            } else {
                open.push_back(path);
            }
        }
    }
    faults
}

fn forbid(member: &Member, to: &str, reason: &str) -> String {
    format!("{} must not depend on {to}: {reason}", member.name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// A crate that uses others; `(x)` marks a use in tests only.
    fn member(folder: &str, uses: &[&str]) -> Member {
        let edges = uses.iter().map(|to| match to.strip_prefix('(') {
            Some(to) => Edge { to: to.trim_end_matches(')').into(), kind: Kind::Tests },
            None => Edge { to: (*to).into(), kind: Kind::Product },
        });
        Member {
            name: folder.rsplit('/').next().unwrap().into(),
            folder: folder.into(),
            edges: edges.collect(),
        }
    }

    /// The rooms that the cases refer to, with `extra` in place of its namesake.
    fn graph(extra: Member, libraries: &[(&str, &str)]) -> Graph {
        let mut members = vec![
            member("hub/hub-model", &[]),
            member("hub/hub-core", &["hub-model"]),
            member("hub/hub-store", &["hub-model"]),
            member("hub/hub-engine", &["hub-core", "hub-store"]),
            member("hub/hub-schedule", &["cron"]),
            member("plugins/plugin-api", &["hub-model"]),
            member("sdk/liaison-sdk", &["wit-bindgen"]),
            member("connectors/files", &["liaison-sdk", "csv"]),
            member("tests/xtask", &["hub-core", "sled", "wit-component"]),
        ];
        members.retain(|member| member.name != extra.name);
        members.push(extra);
        let mut graph = Graph { members, ..Graph::default() };
        for member in &graph.members {
            let product = member.edges.iter().filter(|edge| edge.kind == Kind::Product);
            let linked = product.map(|edge| edge.to.clone()).collect();
            graph.links.insert(member.name.clone(), linked);
        }
        for (from, to) in libraries {
            graph.links.entry((*from).into()).or_default().insert((*to).into());
        }
        graph
    }

    #[test]
    fn each_forbidden_edge_is_named_with_its_reason() {
        let cases = [
            (member("hub/hub-core", &["tokio"]), "hub-core must not depend on tokio: it decides"),
            (
                member("hub/hub-schedule", &["rand"]),
                "hub-schedule must not depend on rand: it decides",
            ),
            (member("hub/hub-core", &["hub-store"]), "hub-core must not depend on hub-store: "),
            (member("hub/hub-core", &["(hub-engine)"]), "hub-core must not depend on hub-engine"),
            (
                member("hub/hub-model", &["hub-core"]),
                "hub-model must not depend on hub-core: it may know no other room",
            ),
            (
                member("hub/hub-engine", &["sled"]),
                "hub-engine must not depend on sled: its one home is hub-store-sled",
            ),
            (member("hub/hub-engine", &["wasmtime"]), "its one home is plugin-host"),
            (member("hub/hub-engine", &["reqwest"]), "its one home is plugin-gateway"),
            (member("hub/hub-engine", &["axum"]), "its one home is hub-http"),
            (member("hub/hub-engine", &["cron"]), "its one home is hub-schedule"),
            (member("connectors/files", &["wit-bindgen"]), "its one home is liaison-sdk"),
            (
                member("connectors/files", &["hub-model"]),
                "files must not depend on hub-model: a connector knows",
            ),
            (member("connectors/files", &["(plugin-api)"]), "files must not depend on plugin-api"),
            (member("connectors/crm", &["files"]), "crm must not depend on files"),
            (member("connectors/files", &["regex"]), "files must not depend on regex"),
            (
                member("sdk/liaison-sdk", &["plugin-api"]),
                "liaison-sdk must not depend on plugin-api",
            ),
            (
                member("hub/hub-engine", &["xtask"]),
                "hub-engine must not depend on xtask: nothing of the product depends on tests",
            ),
            (member("hub/hub-new", &[]), "hub-new is not in the room table"),
            (member("misc/thing", &[]), "no place for a crate"),
        ];
        for (extra, expected) in cases {
            let found = faults(&graph(extra.clone(), &[]));
            assert!(
                found.iter().any(|fault| fault.contains(expected)),
                "{extra:?}\nexpected {expected}\nfound {found:#?}"
            );
        }
    }

    #[test]
    fn a_pure_room_reaches_nothing_impure_through_others() {
        let ways = [("jsonschema", "hyper-helper"), ("hyper-helper", "tokio")];
        let found = faults(&graph(member("hub/hub-core", &["jsonschema"]), &ways));
        let way = "(hub-core -> jsonschema -> hyper-helper -> tokio)";
        assert!(found.len() == 1 && found[0].ends_with(way), "{found:#?}");
    }

    #[test]
    fn what_the_table_allows_passes() {
        let cases = [
            member(
                "hub/hub-engine",
                &["hub-model", "hub-core", "hub-store", "plugin-api", "tokio"],
            ),
            member("hub/hub-engine", &["hub-core", "(xtask)", "(axum)"]),
            member("connectors/files", &["liaison-sdk", "csv", "(proptest)"]),
            member("tests/suite", &["hub-core", "sled", "wasmtime", "xtask"]),
            member("tests/guests/guest-endless", &["liaison-sdk", "wit-bindgen"]),
        ];
        for extra in cases {
            assert_eq!(faults(&graph(extra.clone(), &[])), Vec::<String>::new(), "{extra:?}");
        }
    }

    #[test]
    fn a_folder_with_another_name_is_found() {
        let mut extra = member("hub/core", &[]);
        extra.name = "hub-core".into();
        let found = faults(&graph(extra, &[]));
        assert_eq!(found, ["hub-core lies in hub/core: the folder must have its name"]);
    }

    #[test]
    fn the_workspace_keeps_to_the_table() {
        let graph = Graph::read(&crate::graph::root()).unwrap();
        assert!(graph.members.len() > ROOMS.len() / 2, "the workspace was not read");
        let found = faults(&graph);
        assert!(found.is_empty(), "\n  {}", found.join("\n  "));
    }
}
