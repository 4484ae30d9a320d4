//! Whether a mapping fits what a connection really has.

use hub_config::{ConfigFault, Location, SyncConfig};
use hub_core::consent;
use hub_model::{DeletePolicy, EventMapping, Segment};
use plugin_api::stream::MEMBERSHIP_KIND;
use plugin_api::{FieldInfo, StreamInfo};

use crate::load::near;

/// Everything in a sync's mapping that its stream does not have or does not allow.
/// `segment` is the one that the sync is for.
pub fn faults(
    sync: &SyncConfig,
    segment: Option<&Segment>,
    streams: &[StreamInfo],
) -> Vec<ConfigFault> {
    let mapping = &sync.mapping;
    let name = mapping.stream.stream.as_str();
    let told = |code, at: &Location, place: &str, problem: String, mend: String| {
        ConfigFault::told(code, at.clone(), place, problem, mend)
    };
    let (is_audience, connection) = (mapping.audience, &mapping.stream.connection);
    // What an audience is called, its sync says; its connector says what is taken there.
    let is_meant = |stream: &&StreamInfo| match is_audience {
        true => stream.kind.as_str() == MEMBERSHIP_KIND,
        false => stream.name.as_str() == name,
    };
    let Some(stream) = streams.iter().find(is_meant) else {
        let known = streams.iter().map(|stream| stream.name.as_str());
        let (problem, mend) = match is_audience {
            true => (format!("`{connection}` has no audiences"), "leave out `audience`".to_owned()),
            false => (
                format!("`{connection}` has no stream `{name}`"),
                near(name, known, "the connection has no stream"),
            ),
        };
        let at = &sync.stream_location;
        return vec![told("mapping/unknown-stream", at, "stream", problem, mend)];
    };
    let mut faults = Vec::new();
    if mapping.reads() && !stream.readable {
        let problem = format!("the stream `{name}` cannot be read");
        let mend = "write every field with the direction `<-`".to_owned();
        faults.push(told("mapping/not-readable", &sync.stream_location, "stream", problem, mend));
    }
    if mapping.writes() && !stream.writable {
        let problem = format!("the stream `{name}` cannot be written");
        let mend = "write every field with the direction `->`".to_owned();
        faults.push(told("mapping/not-writable", &sync.stream_location, "stream", problem, mend));
    }
    if mapping.writes() && mapping.deletes == DeletePolicy::Archive && !stream.archives {
        let problem = format!("the stream `{name}` has no archive");
        let mend = "write `deletes = \"propagate\"`, \"unlink\" or \"ignore\"".to_owned();
        faults.push(told("mapping/no-archive", &sync.location, "deletes", problem, mend));
    }
    if mapping.writes()
        && let Some(purpose) = consent::not_asked(&stream.purposes, mapping, segment)
    {
        let problem = format!("rows of `{name}` need a consent for `{purpose}`");
        let whose = match mapping.kind.is_object() {
            true => {
                ", and in `[from]` `whose = \"<role>\"`: the consents of those count whom \
                     the source names so"
            }
            false => "",
        };
        let mend = format!(
            "write `requires = [\"{purpose}/<channel>\"]`, or `purposes = {{ {purpose} = \
             \"<purpose>/<channel>\" }}` if it has another name here{whose}"
        );
        faults.push(told("mapping/no-consent", &sync.location, "requires", problem, mend));
    }
    for word in mapping.purposes.keys().filter(|word| !stream.purposes.contains(word)) {
        let known = stream.purposes.iter().map(|word| &**word);
        let mend = near(word, known, "the stream needs a consent for nothing; remove it");
        let problem = format!("`{name}` declares no purpose `{word}`");
        faults.push(told("mapping/unknown-purpose", &sync.location, "purposes", problem, mend));
    }
    // A stream that lists no fields takes any.
    if stream.fields.is_empty() {
        return faults;
    }
    let pairs = mapping.fields.iter().enumerate();
    for (index, pair) in pairs.filter(|(_, pair)| pair.has_field()) {
        let at = sync.field_locations.get(index).unwrap_or(&sync.location);
        let place = format!("fields[{index}]");
        match stream.field(pair.field.as_str()) {
            None => {
                let known = stream.fields.iter().map(|field| field.name.as_str());
                let mend = near(pair.field.as_str(), known, "the stream has no fields");
                let problem = format!("the stream `{name}` has no field `{}`", pair.field);
                faults.push(told("mapping/unknown-field", at, &place, problem, mend));
            }
            Some(field) if pair.direction.writes() && field.read_only => {
                let problem = format!("the field `{}` cannot be written", pair.field);
                let mend = "use the direction `->`".to_owned();
                faults.push(told("mapping/read-only", at, &place, problem, mend));
            }
            Some(_) => {}
        }
    }
    let of_event = mapping.event.iter().flat_map(EventMapping::fields);
    for field in of_event.filter(|field| stream.field(field.as_str()).is_none()) {
        let known = stream.fields.iter().map(|field| field.name.as_str());
        let mend = near(field.as_str(), known, "the stream has no fields");
        let problem = format!("the stream `{name}` has no field `{field}`");
        faults.push(told("mapping/unknown-field", &sync.location, "event", problem, mend));
    }
    faults.extend(mapping.matching.iter().filter_map(|field| {
        let info = stream.field(field.as_str())?;
        if info.matchable || !mapping.writes() {
            return None;
        }
        let problem = format!("rows of `{name}` cannot be found by `{field}`");
        let mend = near("", matchable(stream), "name a field in `matching` that can be searched");
        Some(told("mapping/not-matchable", &sync.location, "matching", problem, mend))
    }));
    faults
}

fn matchable(stream: &StreamInfo) -> impl Iterator<Item = &str> {
    let fields = stream.fields.iter().filter(|field: &&FieldInfo| field.matchable);
    fields.map(|field| field.name.as_str())
}
