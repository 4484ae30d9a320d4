//! What files say of each other.

use std::collections::BTreeSet;

use hub_model::consent::EVERY_CHANNEL;
use hub_model::{
    Direction, FieldMapping, Made, Namespace, Normaliser, RelatesTo, RelationMapping, StreamRef,
    Survivorship, TraitName, TraitRule,
};

use crate::config::SyncConfig;
use crate::consents::KeyDraft;
use crate::document::Faults;
use crate::event::ChannelDraft;
use crate::fault::{ConfigFault, code};
use crate::from::FromDraft;
use crate::located::{Located, Location};
use crate::main_file::MainFile;
use crate::membership::SegmentUse;
use crate::near;
use crate::relations::RelationDraft;
use crate::segment::{NameDraft, Named};
use crate::sync_file::SyncDraft;
use crate::table::shown;
use crate::traits::TraitDraft;

/// Everything that a file names in another must be there, and be what it is
/// taken for.
pub(crate) fn check(main: &MainFile, drafts: &[SyncDraft], faults: &Faults) {
    for draft in drafts {
        if let Some(name) = &draft.connection
            && !main.connection_names.contains(&name.value)
        {
            let fault =
                ConfigFault::new(code::UNKNOWN_CONNECTION, name.location.clone(), "connection");
            let known = main.connection_names.iter().map(String::as_str);
            faults.push(near::hint(fault.with("name", shown(name)), name, known));
        }
        for (place, name) in &draft.identities {
            identity(main, name, format!("{place}.identity"), faults);
        }
        for name in &draft.composites {
            composite(main, draft, name, faults);
        }
        for key in &draft.keys {
            consent_key(main, key, faults);
        }
        draft.channels.iter().for_each(|name| channel(main, name, faults));
        for relation in &draft.relations {
            relates_to(main, relation, drafts, faults);
        }
        if let Some(from) = &draft.from {
            made_of(draft, from, drafts, faults);
        }
        if let Some(segment) = &draft.segment {
            segment_of(main, segment, faults);
        }
    }
    for rule in &main.traits {
        trait_rule(rule, drafts, faults);
    }
    for segment in &main.segments {
        for key in &segment.keys {
            consent_key(main, key, faults);
        }
        for name in &segment.names {
            segment_name(main, name, drafts, faults);
        }
    }
}

/// The segment that a sync is for is there, and is about what the rows describe.
fn segment_of(main: &MainFile, used: &SegmentUse, faults: &Faults) {
    let (name, at) = (&used.name, used.name.location.clone());
    let named = main.segments.iter().find(|draft| *draft.name.value == *name.value);
    let Some(draft) = named else {
        let fault = ConfigFault::new(code::UNKNOWN_SEGMENT, at, "segment");
        let known = main.segments.iter().map(|draft| draft.name.as_str());
        faults.push(near::hint(fault.with("name", shown(name)), name, known));
        return;
    };
    let Some(segment) = draft.segment.as_ref().filter(|s| s.kind != used.kind) else { return };
    let (own, its) = (used.kind.as_str(), segment.kind.as_str());
    let fault = ConfigFault::new(code::CONTRADICTION, at, "segment");
    let fault = fault.with("there", &draft.name.location);
    let fault = fault.with("why", format!("its members are of kind `{its}`, the rows of `{own}`"));
    faults.push(fault.with("mend", format!("name a segment with `kind = \"{own}\"`")));
}

/// What a condition of a segment names is read by some sync.
fn segment_name(main: &MainFile, draft: &NameDraft, drafts: &[SyncDraft], faults: &Faults) {
    let mappings = || drafts.iter().filter_map(|d| d.sync.as_ref()).map(|sync| &sync.mapping);
    // Of a sync that could not be read nobody knows what it reads.
    let all_read = drafts.iter().all(|draft| draft.sync.is_some());
    let (code, known): (_, BTreeSet<&str>) = match &draft.what {
        Named::Namespace => {
            namespace(main, &draft.name, &draft.place, faults);
            return;
        }
        Named::Trait => {
            let read = drafts.iter().flat_map(|draft| &draft.traits);
            (code::UNKNOWN_TRAIT, read.map(TraitName::as_str).collect())
        }
        Named::Kind => {
            let objects = mappings().filter(|mapping| mapping.kind.is_object());
            (code::UNKNOWN_KIND, objects.map(|mapping| mapping.kind.as_str()).collect())
        }
        Named::Role(kind) => {
            let objects = mappings().filter(|mapping| mapping.kind.as_str() == kind);
            let roles = objects.flat_map(|mapping| &mapping.relations);
            (code::UNKNOWN_WORD, roles.map(|relation| &*relation.role).collect())
        }
        Named::Event => {
            let events = || mappings().filter(|mapping| mapping.event.is_some());
            if events().any(|mapping| mapping.event.iter().any(|event| event.name.is_some())) {
                return; // its rows say what they are called
            }
            (code::UNKNOWN_EVENT, events().map(|m| m.stream.stream.as_str()).collect())
        }
    };
    let is_role = matches!(draft.what, Named::Role(_));
    if known.contains(draft.name.as_str()) || !all_read || (is_role && known.is_empty()) {
        return;
    }
    let fault = ConfigFault::new(code, draft.name.location.clone(), draft.place.as_str());
    let fault = fault.with("name", shown(&draft.name)).with("found", shown(&draft.name));
    let fault = fault.with("nowhere", "no field of any sync");
    faults.push(near::hint(fault, &draft.name, known));
}

/// The namespace of a name, if it could be read; a fault if there is none.
fn namespace<'m>(
    main: &'m MainFile,
    name: &Located<String>,
    place: &str,
    faults: &Faults,
) -> Option<&'m Namespace> {
    if !main.namespace_names.contains(&name.value) {
        let fault = ConfigFault::new(code::UNKNOWN_NAMESPACE, name.location.clone(), place);
        let known = main.namespace_names.iter().map(String::as_str);
        faults.push(near::hint(fault.with("name", shown(name)), name, known));
    }
    main.namespaces.iter().find(|namespace| *namespace.name == *name.value)
}

fn identity(main: &MainFile, name: &Located<String>, place: String, faults: &Faults) {
    let namespace = namespace(main, name, &place, faults);
    if namespace.is_some_and(|namespace| namespace.normaliser == Normaliser::Composite) {
        let fault = ConfigFault::new(code::NAMESPACE_USE, name.location.clone(), place);
        let fault = fault.with("name", shown(name)).with("found", "a composite");
        let fault = fault.with("expected", "a namespace of single values");
        faults.push(fault.with("mend", format!("write `identities = [\"{}\"]`", name.value)));
    }
}

/// The other end of a relation: a namespace of single values, or a stream that a
/// sync reads.
fn relates_to(main: &MainFile, draft: &RelationDraft, drafts: &[SyncDraft], faults: &Faults) {
    let name = &draft.to;
    let Some(stream) = &draft.stream else {
        let namespace = namespace(main, name, &draft.place, faults);
        if namespace.is_some_and(|namespace| namespace.normaliser == Normaliser::Composite) {
            let at = name.location.clone();
            let fault = ConfigFault::new(code::NAMESPACE_USE, at, draft.place.as_str());
            let fault = fault.with("name", shown(name)).with("found", "a composite");
            let fault = fault.with("expected", "a namespace of single values");
            faults.push(fault.with("mend", "relate by a field that holds one value"));
        }
        return;
    };
    let read = drafts.iter().filter_map(|draft| draft.sync.as_ref());
    let read: Vec<&StreamRef> = read.map(|sync| &sync.mapping.stream).collect();
    if drafts.iter().any(|draft| draft.sync.is_none()) || read.contains(&stream) {
        return;
    }
    let known: Vec<String> =
        read.iter().map(|stream| format!("{}/{}", stream.connection, stream.stream)).collect();
    let wanted = format!("{}/{}", stream.connection, stream.stream);
    let at = name.location.clone();
    let fault = ConfigFault::new(code::UNKNOWN_STREAM, at, draft.place.as_str());
    let fault = fault.with("name", shown(&wanted));
    faults.push(near::hint(fault, &wanted, known.iter().map(String::as_str)));
}

/// The sources are objects that a sync reads; what is taken of them it reads as well,
/// and it says whom they name.
fn made_of(draft: &SyncDraft, from: &FromDraft, drafts: &[SyncDraft], faults: &Faults) {
    if drafts.iter().any(|draft| draft.sync.is_none()) {
        return;
    }
    let syncs = || drafts.iter().filter_map(|draft| draft.sync.as_ref());
    let name = |stream: &StreamRef| format!("{}/{}", stream.connection, stream.stream);
    let unknown = |at: &Location, place: &str, wanted: String, known: Vec<String>| {
        let fault = ConfigFault::new(code::UNKNOWN_STREAM, at.clone(), place);
        let fault = fault.with("name", shown(&wanted));
        faults.push(near::hint(fault, &wanted, known.iter().map(String::as_str)));
    };
    let own = draft.sync.as_ref().map(|sync| &sync.mapping.stream);
    let source = syncs().find(|sync| sync.mapping.stream == from.stream);
    let objects =
        |sync: &&SyncConfig| sync.mapping.kind.is_object() && Some(&sync.mapping.stream) != own;
    let Some(source) = source.filter(objects) else {
        let known = syncs().filter(objects).map(|sync| name(&sync.mapping.stream)).collect();
        unknown(&from.to.location, "from.stream", name(&from.stream), known);
        return;
    };
    let read = source.mapping.fields.iter().filter(|pair| pair.direction.reads());
    let read: Vec<&str> = read.map(|pair| pair.to.as_str()).collect();
    let is_read = |name: &str, at: &Location, place: String| {
        if !read.contains(&name) {
            let fault = ConfigFault::new(code::UNKNOWN_TRAIT, at.clone(), place);
            let fault = fault.with("name", shown(name));
            let nowhere = format!("no field of the sync `{}`", source.id);
            faults.push(near::hint(fault.with("nowhere", nowhere), name, read.iter().copied()));
        }
    };
    for (name, place) in &from.tested {
        is_read(name, &name.location, place.clone());
    }
    if let Some(role) = &from.whose {
        let relations = source.mapping.relations.iter().filter(|it| names_people(it, drafts));
        let roles: Vec<&str> = relations.map(|relation| &*relation.role).collect();
        if !roles.contains(&role.as_str()) {
            let why = format!("`{}` names no person or account as `{}`", source.id, role.value);
            nobody(&role.location, "from.whose", (why, roles), faults);
        }
    }
    for (index, (pair, at)) in draft.pairs.iter().enumerate() {
        if !pair.direction.writes() {
            continue;
        }
        match pair.made() {
            None => is_read(pair.to.as_str(), at, format!("fields[{index}].trait")),
            Some(Made::Constant(_)) => {}
            Some(Made::Template(template)) => {
                for name in template.names() {
                    is_read(name, at, format!("fields[{index}].template"));
                }
            }
            Some(Made::Reference(reference)) => {
                let through = reference.through.as_ref();
                let sayer = match through {
                    None => Some(source),
                    Some(stream) => syncs().find(|sync| sync.mapping.stream == *stream),
                };
                let Some(sayer) = sayer else {
                    let known = syncs().filter(objects);
                    let known = known.map(|sync| name(&sync.mapping.stream)).collect();
                    let wanted = through.map(name).unwrap_or_default();
                    unknown(at, &format!("fields[{index}].reference.through"), wanted, known);
                    continue;
                };
                let roles = || sayer.mapping.relations.iter().map(|relation| &*relation.role);
                let place = format!("fields[{index}].reference");
                if !roles().any(|role| role == &*reference.role) {
                    let why = format!("`{}` names nobody as `{}`", sayer.id, reference.role);
                    nobody(at, &place, (why, roles().collect()), faults);
                }
                if !syncs().any(|sync| sync.mapping.stream == reference.stream) {
                    let connection = &reference.stream.connection;
                    let there = syncs().map(|sync| &sync.mapping.stream);
                    let known = there.filter(|stream| stream.connection == *connection).map(name);
                    unknown(at, &place, name(&reference.stream), known.collect());
                }
            }
        }
    }
}

/// A role that nobody has, and those that there are.
fn nobody(at: &Location, place: &str, (why, roles): (String, Vec<&str>), faults: &Faults) {
    let fault = ConfigFault::new(code::RELATION, at.clone(), place);
    let known = near::list(roles).unwrap_or_else(|| "none".to_owned());
    let mend = format!("its roles are: {known}; write a `[[relations]]` there");
    faults.push(fault.with("why", why).with("mend", mend));
}

/// Whether whom a relation names has consents: whoever claims an identity, and the rows
/// that are resolved into profiles.
fn names_people(relation: &RelationMapping, drafts: &[SyncDraft]) -> bool {
    let RelatesTo::Stream(stream) = &relation.to else { return true };
    let mut mappings = drafts.iter().filter_map(|draft| Some(&draft.sync.as_ref()?.mapping));
    mappings.any(|mapping| mapping.stream == *stream && !mapping.kind.is_object())
}

/// The parts of a composite are traits that the sync reads.
fn composite(main: &MainFile, draft: &SyncDraft, name: &Located<String>, faults: &Faults) {
    let place = "identities";
    let Some(namespace) = namespace(main, name, place, faults) else { return };
    if namespace.normaliser != Normaliser::Composite {
        let fault = ConfigFault::new(code::NAMESPACE_USE, name.location.clone(), place);
        let fault = fault.with("name", shown(name)).with("found", "one of single values");
        let fault = fault.with("expected", "a composite");
        let mend = format!("write `identity = \"{}\"` at the field that holds it", name.value);
        faults.push(fault.with("mend", mend));
        return;
    }
    for part in &namespace.parts {
        if !draft.traits.contains(&part.of) {
            let fault = ConfigFault::new(code::UNKNOWN_TRAIT, name.location.clone(), place);
            let fault = fault.with("name", shown(part.of.as_str()));
            let nowhere = format!("no field here, and `{}` is made of it", name.value);
            let known = draft.traits.iter().map(TraitName::as_str);
            faults.push(near::hint(fault.with("nowhere", nowhere), part.of.as_str(), known));
        }
    }
}

/// The purpose of a consent, and its channel.
fn consent_key(main: &MainFile, key: &KeyDraft, faults: &Faults) {
    let purpose = main.purposes.iter().find(|purpose| *purpose.name == *key.purpose.value);
    let Some(purpose) = purpose else {
        let at = key.purpose.location.clone();
        let fault = ConfigFault::new(code::UNKNOWN_PURPOSE, at, key.place.as_str());
        let known = main.purposes.iter().map(|purpose| &*purpose.name);
        let fault = fault.with("name", shown(&key.purpose));
        faults.push(near::hint(fault, &key.purpose, known));
        return;
    };
    let known = purpose.channels.iter().map(|channel| &**channel);
    let every = key.channel.value == EVERY_CHANNEL;
    if !every && !purpose.channels.iter().any(|channel| **channel == *key.channel.value) {
        let at = key.channel.location.clone();
        let fault = ConfigFault::new(code::UNKNOWN_CHANNEL, at, key.place.as_str());
        faults.push(near::hint(fault.with("name", shown(&key.channel)), &key.channel, known));
    }
}

/// A channel of some purpose, or all of them.
fn channel(main: &MainFile, (name, place): &ChannelDraft, faults: &Faults) {
    let known = || main.purposes.iter().flat_map(|purpose| &purpose.channels).map(|it| &**it);
    if name.as_str() != EVERY_CHANNEL && !known().any(|channel| channel == name.as_str()) {
        let at = name.location.clone();
        let fault = ConfigFault::new(code::UNKNOWN_CHANNEL, at, place.as_str());
        faults.push(near::hint(fault.with("name", shown(name)), name, known()));
    }
}

/// A rule is about a trait that somebody reads, and names those who do.
fn trait_rule(rule: &TraitDraft, drafts: &[SyncDraft], faults: &Faults) {
    let reads =
        |draft: &&SyncDraft| draft.traits.iter().any(|name| *name.as_str() == *rule.name.value);
    let readers: Vec<&str> = drafts.iter().filter(reads).map(|draft| draft.id.as_str()).collect();
    let at = rule.name.location.clone();
    if readers.is_empty() {
        let fault = ConfigFault::new(code::UNKNOWN_TRAIT, at, rule.place.as_str());
        let fault = fault.with("name", shown(&rule.name)).with("nowhere", "no field of any sync");
        let read = drafts.iter().flat_map(|draft| &draft.traits);
        let known: BTreeSet<&str> = read.map(TraitName::as_str).collect();
        faults.push(near::hint(fault, &rule.name, known));
        return;
    }
    let states =
        |draft: &SyncDraft| draft.consent_traits.iter().any(|t| *t.as_str() == *rule.name.value);
    if drafts.iter().any(states) {
        let fault = ConfigFault::new(code::NO_EFFECT, at, rule.place.as_str());
        let fault =
            fault.with("why", "the trait states a consent, of which the strictest survives");
        faults.push(fault.with("mend", "remove the table"));
    }
    contradictions(rule, drafts, faults);
    for name in &rule.sources {
        if !readers.contains(&name.as_str()) {
            let place = format!("{}.sources", rule.place);
            let only_told =
                |(pair, _): &&(FieldMapping, Location)| pair.to.as_str() == rule.name.value;
            let told = drafts.iter().filter(|draft| draft.id == name.value);
            if let Some((_, there)) = told.flat_map(|draft| &draft.pairs).find(only_told) {
                let fault = ConfigFault::new(code::CONTRADICTION, name.location.clone(), place);
                let fault = fault.with("there", there).with("why", NEVER_READ);
                faults
                    .push(fault.with("mend", "write `direction = \"<->\"` there, or name others"));
                continue;
            }
            let fault = ConfigFault::new(code::UNKNOWN_SYNC, name.location.clone(), place);
            let fault = fault.with("name", shown(name));
            faults.push(near::hint(fault, name, readers.iter().copied()));
        }
    }
}

const NEVER_READ: &str = "the sync is told the trait and never asked for it";

/// A trait that is owned or asked about is not an identity that travels both ways:
/// there a profile claims the value that was typed last. And whoever is asked about
/// must be told the answer.
fn contradictions(draft: &TraitDraft, drafts: &[SyncDraft], faults: &Faults) {
    let waits = |rule: &&TraitRule| matches!(rule.rule, Survivorship::Owner | Survivorship::Ask);
    let Some(rule) = draft.rule.as_ref().filter(waits) else { return };
    let names = |(pair, _): &&(FieldMapping, Location)| {
        pair.to == rule.name && pair.direction == Direction::Both && pair.identity.is_some()
    };
    let contradicts = |there: &Location, why, mend| {
        let place = format!("{}.survivorship", draft.place);
        let fault = ConfigFault::new(code::CONTRADICTION, draft.name.location.clone(), place);
        faults.push(fault.with("there", there).with("why", why).with("mend", mend));
    };
    let pairs = || drafts.iter().flat_map(|draft| &draft.pairs);
    for (_, there) in pairs().filter(names) {
        contradicts(there, CLAIMS_NEWEST, "write `direction = \"->\"` or `\"<-\"` there");
    }
    let only_read = |(pair, _): &&(FieldMapping, Location)| {
        pair.to == rule.name && pair.direction == Direction::ToProfile
    };
    for (_, there) in pairs().filter(only_read).filter(|_| rule.rule == Survivorship::Ask) {
        contradicts(there, NEVER_TOLD, "write `direction = \"<->\"` there, or another rule here");
    }
}

const NEVER_TOLD: &str = "the sync is asked for the trait and never told what was settled";

const CLAIMS_NEWEST: &str =
    "by an identity that travels both ways a person is found under the value typed last";
