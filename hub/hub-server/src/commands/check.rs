//! `liaison check`: everything that can be known without running a sync.

use std::collections::BTreeSet;

use hub_http::SignIns;
use hub_model::Fault;
use serde_json::json;

use crate::commands::{connection, lang};
use crate::exit::Exit;
use crate::load::Loaded;
use crate::mapping;
use crate::out::{Out, Progress, talk};
use crate::shelf::Shelf;
use crate::trouble::{Item, Trouble};
use crate::wire::{Bound, Wiring, call};

/// What is wrong: in the configuration, and beyond it.
#[derive(Default)]
struct Findings {
    config: Vec<hub_config::ConfigFault>,
    world: Vec<Item>,
}

/// Does it. Files and schedules were checked when the configuration was read.
///
/// # Errors
/// Everything that is wrong.
pub async fn run(loaded: &Loaded, online: bool, out: Out) -> Result<Exit, Trouble> {
    let wiring = Wiring::passing(loaded)?;
    let mut findings = Findings::default();
    let mut progress = Progress::new();
    for connection in &loaded.config.connections {
        let id = &connection.id;
        progress.show(&format!("checking {id}"));
        match wiring.bind(connection).await {
            Err(faults) => findings.config.extend(faults),
            // A connector without hosts can be asked at any time: nobody is disturbed.
            Ok(_) if online && wiring.desk().standing(id.as_str()).is_some() => {
                match connection::bound(loaded, id.as_str()).await {
                    Ok((_wiring, bound)) => ask(loaded, id.as_str(), &bound, &mut findings).await,
                    Err(trouble) => findings.world.extend(trouble.items),
                }
            }
            Ok(bound) if online || bound.connector.manifest().hosts.is_empty() => {
                ask(loaded, id.as_str(), &bound, &mut findings).await;
            }
            Ok(_) => {}
        }
    }
    progress.clear();
    verdict(loaded, online, findings, out)
}

async fn ask(loaded: &Loaded, id: &str, bound: &Bound, findings: &mut Findings) {
    let place = |fault: Fault| {
        let place = format!("connections.{id}");
        if fault.place.is_empty() { fault.at(place) } else { fault }
    };
    if let Err(fault) = bound.connector.check(&call("check")).await {
        findings.world.push(Item::of_fault(&place(fault), lang()));
        return;
    }
    match bound.connector.discover(&call("check")).await {
        Err(fault) => findings.world.push(Item::of_fault(&place(fault), lang())),
        Ok(streams) => {
            let syncs = loaded.config.syncs.iter();
            for sync in syncs.filter(|s| s.mapping.stream.connection.as_str() == id) {
                let segment = sync.mapping.segment.as_ref();
                let segment = segment
                    .and_then(|name| loaded.config.segments.iter().find(|it| it.name == *name));
                findings.config.extend(mapping::faults(sync, segment, &streams));
            }
        }
    }
}

fn verdict(loaded: &Loaded, online: bool, findings: Findings, out: Out) -> Result<Exit, Trouble> {
    let Findings { mut config, world } = findings;
    config.sort_by(|a, b| a.location.cmp(&b.location));
    let exit = if config.is_empty() { Exit::Finding } else { Exit::Usage };
    let items: Vec<Item> = config.iter().map(Item::of_config).chain(world).collect();
    if !items.is_empty() {
        return Err(Trouble { exit, items });
    }
    let used: BTreeSet<&str> =
        loaded.config.connections.iter().map(|connection| connection.connector.as_str()).collect();
    let warnings = Shelf::of(loaded).warnings(&used)?;
    warnings.iter().for_each(|warning| talk(format!("warning: {warning}")));
    let (connections, syncs) = (loaded.config.connections.len(), loaded.config.syncs.len());
    let view = json!({
        "errors": [], "warnings": warnings, "connections": connections, "syncs": syncs,
        "online": online,
    });
    out.data(&view, || format!("sound: {connections} connections, {syncs} syncs\n"))?;
    if !online && connections > 0 {
        talk("logins and remote fields were not checked; `liaison check --online` does");
    }
    Ok(Exit::Ok)
}
