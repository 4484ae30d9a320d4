//! A good configuration as text.

use std::fmt::Write;

use hub_config::{Config, SyncConfig};

pub(crate) fn summary(config: &Config) -> String {
    let mut out = String::new();
    let workspace = &config.workspace;
    let zone = &config.zone.value;
    writeln!(out, "workspace {workspace}, zone {zone}, data {}", config.data_dir.value).unwrap();
    writeln!(out, "listen {}, connectors {}", config.listen.value, config.connectors_dir.value)
        .unwrap();
    for namespace in &config.namespaces {
        writeln!(out, "{namespace:?}").unwrap();
    }
    let rules = config.rules();
    rules.traits.iter().for_each(|rule| writeln!(out, "{rule:?}").unwrap());
    rules.purposes.iter().for_each(|purpose| writeln!(out, "{purpose:?}").unwrap());
    rules.sources.iter().for_each(|source| writeln!(out, "{source:?}").unwrap());
    for segment in &rules.segments {
        let (name, kind, purpose) = (&segment.name, segment.kind.as_str(), &segment.purpose);
        writeln!(out, "segment {name} of {kind} for {purpose}").unwrap();
        conditions(&mut out, &segment.when, 1);
    }
    if rules.history != <_>::default() {
        writeln!(out, "{:?}", rules.history).unwrap();
    }
    config.limits.written().for_each(|limit| writeln!(out, "limit {limit:?}").unwrap());
    for connection in &config.connections {
        writeln!(
            out,
            "connection {} = {} at {}",
            connection.id, connection.connector.value, connection.location
        )
        .unwrap();
        if connection.account.is_some() {
            writeln!(out, "    account {}", connection.account()).unwrap();
        }
        let texts = |list: &[hub_config::Located<String>]| {
            list.iter().map(|text| text.value.clone()).collect::<Vec<_>>().join(" ")
        };
        writeln!(
            out,
            "    hosts [{}] private [{}] insecure_http {}",
            texts(&connection.hosts),
            texts(&connection.private),
            connection.insecure_http
        )
        .unwrap();
        for (alias, folder) in &connection.folders {
            writeln!(
                out,
                "    folder {alias} = {} writable {}",
                folder.place.written().value,
                folder.writable
            )
            .unwrap();
        }
        for (slot, parts) in &connection.credentials {
            for (part, secret) in parts {
                writeln!(out, "    {slot}.{part} = {:?} at {}", secret.source, secret.location)
                    .unwrap();
            }
        }
        connection.limits.written().for_each(|it| writeln!(out, "    limit {it:?}").unwrap());
        writeln!(out, "    settings {}", connection.settings).unwrap();
        for (pointer, location) in &connection.settings_places {
            writeln!(out, "        {pointer:?} at {location}").unwrap();
        }
    }
    for sync in &config.syncs {
        sync_summary(&mut out, config, sync);
    }
    out
}

fn conditions(out: &mut String, condition: &hub_model::segment::Condition, level: usize) {
    writeln!(out, "{}{condition}", "    ".repeat(level)).unwrap();
    condition.parts().iter().for_each(|part| conditions(out, part, level + 1));
}

fn sync_summary(out: &mut String, config: &Config, sync: &SyncConfig) {
    let mapping = &sync.mapping;
    writeln!(out, "sync {} on {} ({})", sync.id, mapping.stream, mapping.word()).unwrap();
    let zone = config.zone_of(sync);
    writeln!(
        out,
        "    `{}` at {}, zone {}, paused {}",
        sync.schedule.value, sync.schedule.location, zone.value, sync.paused
    )
    .unwrap();
    writeln!(
        out,
        "    {:?}, matching {:?}, deletes {} %, priority {}",
        mapping.create,
        mapping.matching.iter().map(|field| field.as_str()).collect::<Vec<_>>(),
        mapping.deletes_percent_max,
        mapping.priority
    )
    .unwrap();
    if !mapping.composites.is_empty() || mapping.records_per_profile_max.is_some() {
        let composites = &mapping.composites;
        let limit = mapping.records_per_profile_max;
        writeln!(out, "    composites {composites:?}, records per profile {limit:?}").unwrap();
    }
    if !mapping.deletes.is_usual() {
        writeln!(out, "    deletes {:?}", mapping.deletes).unwrap();
    }
    if sync.guards != hub_model::Guards::default() {
        writeln!(out, "    {:?}", sync.guards).unwrap();
    }
    mapping.made_of.iter().for_each(|made_of| writeln!(out, "    {made_of:?}").unwrap());
    mapping.event.iter().for_each(|event| writeln!(out, "    {event:?}").unwrap());
    mapping.source_time.iter().for_each(|time| writeln!(out, "    {time:?}").unwrap());
    mapping.clean.iter().for_each(|step| writeln!(out, "    {step:?}").unwrap());
    mapping.schema.iter().for_each(|schema| writeln!(out, "    schema {schema}").unwrap());
    mapping.consents.iter().for_each(|consent| writeln!(out, "    {consent:?}").unwrap());
    mapping.requires.iter().for_each(|key| writeln!(out, "    requires {key}").unwrap());
    mapping.purposes.iter().for_each(|it| writeln!(out, "    {} is {}", it.0, it.1).unwrap());
    let audience = if mapping.audience { ", an audience" } else { "" };
    mapping.segment.iter().for_each(|name| writeln!(out, "    for {name}{audience}").unwrap());
    if mapping.audience && mapping.segment.is_none() {
        writeln!(out, "    an audience that closes").unwrap();
    }
    if let Some(text) = &sync.reconcile {
        writeln!(out, "    anew `{}` at {}", text.value, text.location).unwrap();
    }
    mapping.relations.iter().for_each(|relation| writeln!(out, "    {relation:?}").unwrap());
    if !mapping.when_erased.is_usual() {
        writeln!(out, "    when erased {:?}", mapping.when_erased).unwrap();
    }
    for (pair, location) in mapping.fields.iter().zip(&sync.field_locations) {
        writeln!(
            out,
            "    {} {:?} {} identity {:?} at {location}",
            pair.field, pair.direction, pair.to, pair.identity
        )
        .unwrap();
        if let Some(conversion) = &pair.conversion {
            conversion.made.iter().for_each(|made| writeln!(out, "        {made:?}").unwrap());
            for step in &conversion.read {
                writeln!(out, "        -> {:?} {:?}", step.transform, step.otherwise).unwrap();
            }
            match &conversion.write {
                None => writeln!(out, "        no way back").unwrap(),
                Some(steps) => {
                    for step in steps {
                        writeln!(out, "        <- {:?} {:?}", step.transform, step.otherwise)
                            .unwrap();
                    }
                }
            }
        }
    }
}
