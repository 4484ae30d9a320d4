//! `syncs/<id>.toml`: one sync, named by its file.

use hub_model::mapping::{DELETES_PERCENT_MAX, MADE, PRIORITY};
use hub_model::{
    ConnectionId, Direction, EntityKind, FieldMapping, FieldName, Made, Mapping, StreamName,
    StreamRef, SyncId, TraitName, WorkspaceId,
};

use crate::cleaning;
use crate::config::SyncConfig;
use crate::consents::{self, ConsentDrafts, KeyDraft};
use crate::conversion;
use crate::document::Document;
use crate::event::{self, ChannelDraft};
use crate::fault::{ConfigFault, code};
use crate::from::{self, FromDraft, Home};
use crate::guards;
use crate::kind;
use crate::located::{Located, Location};
use crate::matching;
use crate::membership::{self, SegmentUse};
use crate::near;
use crate::policies;
use crate::relations::{self, RelationDraft};
use crate::several;
use crate::table::{TableReader, shown};
use crate::word;

/// The keys of the file.
pub(crate) const KEYS: &[&str] = &[
    "connection",
    "stream",
    "kind",
    "schedule",
    "zone",
    "paused",
    "create",
    "deletes",
    "several",
    "primary",
    "matching",
    "deletes_percent_max",
    "priority",
    "identities",
    "deduplicate",
    "records_per_profile_max",
    "source_time",
    "fields",
    "clean",
    "schema",
    "consents",
    "requires",
    "purposes",
    "relations",
    "when_erased",
    "guards",
    "event",
    "from",
    "segment",
    "audience",
];
/// The keys of `[[fields]]`.
pub(crate) const FIELD_KEYS: &[&str] = &[
    "field",
    "trait",
    "direction",
    "identity",
    "constant",
    "template",
    "reference",
    "transform",
    "write",
];

/// The words for directions: the system at the left, the profile at the right.
pub(crate) const DIRECTIONS: &[(&str, Direction)] =
    &[("->", Direction::ToProfile), ("<-", Direction::ToSystem), ("<->", Direction::Both)];

/// Largest limit of records of one stream on a profile.
const RECORDS_MAX: u32 = 100_000;
/// Weakest rank.
const PRIORITY_MAX: u32 = 1_000_000;

/// What the file says, with what other files must confirm.
pub(crate) struct SyncDraft {
    pub(crate) id: String,
    pub(crate) connection: Option<Located<String>>,
    pub(crate) stream: Option<Located<String>>,
    /// Namespaces by the place of their field.
    pub(crate) identities: Vec<(String, Located<String>)>,
    /// Composite namespaces.
    pub(crate) composites: Vec<Located<String>>,
    /// The traits that the sync reads.
    pub(crate) traits: Vec<TraitName>,
    /// Every pair, with the place of its field.
    pub(crate) pairs: Vec<(FieldMapping, Location)>,
    /// The traits that state a consent.
    pub(crate) consent_traits: Vec<TraitName>,
    /// Purposes and channels.
    pub(crate) keys: Vec<KeyDraft>,
    /// Channels on which events suppress somebody.
    pub(crate) channels: Vec<ChannelDraft>,
    /// Where relations lead.
    pub(crate) relations: Vec<RelationDraft>,
    /// Of which objects its own are made.
    pub(crate) from: Option<FromDraft>,
    /// The segment that it is for.
    pub(crate) segment: Option<SegmentUse>,
    /// The sync, if nothing essential is missing.
    pub(crate) sync: Option<SyncConfig>,
}

pub(crate) struct Pair {
    pub(crate) field: Located<String>,
    pub(crate) mapping: FieldMapping,
    pub(crate) identity: Option<Located<String>>,
    pub(crate) place: String,
}

/// Reads the file; `None` if it is no TOML.
pub(crate) fn read(
    document: &Document<'_>,
    id: &str,
    workspace: &WorkspaceId,
) -> Option<SyncDraft> {
    let named = Located::new(id.to_owned(), document.whole());
    word::check_id(document, &named, "the name of a sync's file", "");
    let parsed = document.parse()?;
    let mut table = document.top(parsed.get_ref());
    let connection = table.required("connection", "the id of a connection", "connection = \"erp\"");
    let stream = stream(&mut table);
    let is_event = event::is_meant(&mut table);
    let kind = if is_event { EntityKind::default() } else { kind::read(&mut table) };
    let from = from::read(&mut table, workspace, connection.as_ref().map(|name| name.as_str()));
    let makes = table.has("from") && kind.is_object();
    let when_erased = kind::objects(&mut table, &kind, makes);
    let (event, channels) = event::read(&mut table, is_event);
    let schedule = table.required("schedule", "a schedule", "schedule = \"every 15m\"");
    let zone = table.filled("zone", "an IANA time zone", "zone = \"Europe/Paris\"");
    let paused = table.flag("paused").unwrap_or(false);
    let policies = policies::read(&mut table);
    let vanished = table.integer("deletes_percent_max", (0, 100), u32::from(DELETES_PERCENT_MAX));
    let priority = table.integer("priority", (0, PRIORITY_MAX), PRIORITY);
    let composites = table.texts("identities", "identities = [\"name-birth\"]");
    let records_per_profile_max = records_per_profile_max(&mut table);
    let source_time = consents::time(&mut table, "source_time");
    let home = Home { workspace, connection: connection.as_ref().map(|name| name.as_str()), makes };
    let (pairs, pairs_sound) = pairs(&mut table, &kind, is_event, home);
    let clean = cleaning::read(&mut table);
    let schema = cleaning::schema(&mut table);
    check_templates(&table, &pairs, pairs_sound);
    let there = || pairs.iter().filter(|pair| pair.mapping.has_field());
    let mapped: Vec<&str> = there().map(|pair| pair.field.as_str()).collect();
    let read = there().filter(|pair| pair.mapping.direction.reads());
    let read: Vec<&str> = read.map(|pair| pair.field.as_str()).collect();
    let known = pairs_sound.then_some(mapped.as_slice());
    let ConsentDrafts { consents, requires, purposes, keys } =
        consents::read(&mut table, &read, known);
    let own =
        pairs.iter().filter_map(|pair| Some((pair.field.as_str(), pair.identity.as_deref()?)));
    let own: Vec<(&str, &str)> = own.map(|(field, name)| (field, name.as_str())).collect();
    let fields = relations::Fields {
        read: &read,
        mapped: known,
        identities: &own,
        connection: connection.as_ref().map(|name| name.as_str()),
    };
    let (related, relations) = relations::read(&mut table, workspace, &fields);
    let writes = pairs.iter().any(|pair| pair.mapping.direction.writes());
    let several = several::read(&mut table, &read, known, writes || !pairs_sound);
    let guards = guards::read(&mut table);
    let (segment, audience) = membership::read(&mut table, &kind, &pairs);
    let matching = matching::read(&mut table, &pairs, pairs_sound);
    matching::check(&table, &pairs, &policies, matching.as_deref(), pairs_sound);
    if pairs_sound && !is_event && !kind.is_object() {
        let directions: Vec<Direction> = pairs.iter().map(|pair| pair.mapping.direction).collect();
        policies.check(&table, &directions);
    }
    policies.check_of_object(&table, makes);
    let (made_of, from) = from.unzip();

    let identities =
        pairs.iter().filter_map(|p| p.identity.clone().map(|i| (p.place.clone(), i))).collect();
    let reading = pairs.iter().filter(|p| p.mapping.direction.reads() && !kind.is_object());
    let traits = reading.map(|pair| pair.mapping.to.clone()).collect();
    let every = pairs.iter().map(|pair| (pair.mapping.clone(), pair.field.location.clone()));
    let every = every.collect();
    let stating = |pair: &&Pair| consents.iter().any(|c| c.field == pair.mapping.field);
    let consent_traits = pairs.iter().filter(stating).map(|pair| pair.mapping.to.clone()).collect();
    let sync = sync(connection.as_ref(), stream.as_ref(), schedule, |stream| Mapping {
        sync: SyncId::new(id),
        stream: StreamRef { workspace: workspace.clone(), ..stream },
        composites: composites.iter().map(|name| name.as_str().into()).collect(),
        records_per_profile_max,
        source_time,
        clean,
        schema,
        consents,
        requires,
        purposes,
        relations: related,
        when_erased,
        event,
        made_of,
        segment: segment.as_ref().map(|segment| segment.name.as_str().into()),
        audience,
        kind,
        fields: pairs.iter().map(|pair| pair.mapping.clone()).collect(),
        matching: matching.unwrap_or_default(),
        create: policies.create,
        deletes: policies.deletes,
        several,
        deletes_percent_max: vanished
            .and_then(|n| u8::try_from(n.value).ok())
            .unwrap_or(DELETES_PERCENT_MAX),
        priority: priority.map_or(PRIORITY, |n| n.value),
    });
    if let Some(from) = &from {
        from::check(&table, from, sync.as_ref().map(|(mapping, ..)| mapping));
    }
    table.finish(KEYS);
    let sync = sync.map(|(mapping, schedule, stream_location)| SyncConfig {
        id: SyncId::new(id),
        schedule,
        zone,
        paused,
        guards,
        mapping,
        field_locations: pairs.iter().map(|pair| pair.field.location.clone()).collect(),
        stream_location,
        location: document.whole(),
    });
    Some(SyncDraft {
        id: id.to_owned(),
        connection,
        stream,
        identities,
        composites,
        traits,
        pairs: every,
        consent_traits,
        keys,
        channels,
        relations,
        from,
        segment,
        sync,
    })
}

/// Most living records of the stream on one profile. A stream that is not to be
/// deduplicated has one.
fn records_per_profile_max(table: &mut TableReader<'_>) -> Option<u32> {
    let deduplicate = table.flag("deduplicate").unwrap_or(true);
    let limit = table.integer("records_per_profile_max", (1, RECORDS_MAX), 1);
    if let (false, Some(limit)) = (deduplicate, &limit)
        && limit.value > 1
    {
        let fault = table.fault(code::NO_EFFECT, &limit.location, "records_per_profile_max");
        let fault = fault.with("why", "with `deduplicate = false` a profile has one record");
        fault.with("mend", "remove one of the two").record();
    }
    if deduplicate { limit.map(|limit| limit.value) } else { Some(1) }
}

/// The essential parts together, if all are there.
fn sync(
    connection: Option<&Located<String>>,
    stream: Option<&Located<String>>,
    schedule: Option<Located<String>>,
    mapping: impl FnOnce(StreamRef) -> Mapping,
) -> Option<(Mapping, Located<String>, Location)> {
    let (connection, stream, schedule) = (connection?, stream?, schedule?);
    let reference = StreamRef {
        workspace: WorkspaceId::new(""),
        connection: ConnectionId::new(connection.as_str()),
        stream: StreamName::new(stream.as_str()),
    };
    Some((mapping(reference), schedule, stream.location.clone()))
}

fn stream(table: &mut TableReader<'_>) -> Option<Located<String>> {
    let stream = table.required("stream", "the name of a stream", "stream = \"parties\"")?;
    word::check_name(table.document(), &stream, "stream").then_some(stream)
}

/// The field pairs, and whether all of them could be read.
fn pairs(
    table: &mut TableReader<'_>,
    kind: &EntityKind,
    is_event: bool,
    home: Home<'_>,
) -> (Vec<Pair>, bool) {
    let example = "[[fields]]";
    let absent = table.peek_is_empty("fields");
    let tables = table.list("fields", example);
    if tables.is_empty() {
        // What is there and could not be read has its faults already.
        if absent {
            table.fault(code::NO_FIELDS, table.location(), "fields").record();
        }
        return (Vec::new(), false);
    }
    let written = tables.len();
    let mut pairs: Vec<Pair> = Vec::with_capacity(written);
    for pair in tables.into_iter().filter_map(|table| pair(table, kind, is_event, home)) {
        match pairs.iter().find(|other| other.field.value == pair.field.value) {
            Some(first) => table.document().fault(
                ConfigFault::new(code::DUPLICATE_FIELD, pair.field.location, pair.place)
                    .with("field", shown(&pair.field.value))
                    .with("first_line", first.field.location.line),
            ),
            None => pairs.push(pair),
        }
    }
    let sound = pairs.len() == written;
    (pairs, sound)
}

fn pair(
    mut table: TableReader<'_>,
    kind: &EntityKind,
    is_event: bool,
    home: Home<'_>,
) -> Option<Pair> {
    let place = table.place().to_owned();
    let written = table.word("direction", DIRECTIONS);
    let direction = written.as_ref().map_or(Direction::ToProfile, |word| word.value);
    let made = conversion::made(&mut table, home);
    let key = made.as_ref().map(|made| made.key);
    let (from_nothing, to_nothing) =
        (key.is_some() && direction.reads(), key.is_some() && !direction.reads());
    let field = side(&mut table, "field", "field = \"email\"", key.filter(|_| from_nothing));
    let identity = table.filled("identity", "the name of a namespace", "identity = \"email\"");
    let to = if is_event && !table.has("trait") {
        // What ties an event is called as whom it names, unless it says otherwise.
        table.ask("trait");
        identity.clone()
    } else if kind.is_object() && !table.has("trait") && !to_nothing {
        // Nobody's trait: an object keeps the words of its system.
        table.ask("trait");
        field.clone()
    } else {
        side(&mut table, "trait", "trait = \"email\"", key.filter(|_| to_nothing))
    };
    if is_event {
        event::field(&mut table, written.as_ref());
    }
    if let (Some(key), Some(identity)) = (key, &identity) {
        let fault = table.fault(code::NO_EFFECT, &identity.location, "identity");
        let fault =
            fault.with("why", format!("what `{key}` makes is no row's own and names nobody"));
        fault.with("mend", "remove it; several traits together name by a composite").record();
    }
    let conversion = conversion::read(&mut table, direction, made);
    let names = [("field", &field), ("trait", &to)];
    let valid = names.into_iter().all(|(key, name)| {
        let place = table.place_of(key);
        name.as_ref().is_none_or(|name| word::check_name(table.document(), name, &place))
    });
    if kind.is_object() {
        of_object(&table, kind, written.as_ref(), (identity.as_ref(), home.makes));
    }
    let location = table.location().clone();
    table.finish(FIELD_KEYS);
    let conversion = conversion?;
    // The side that is made stands under the name of the other.
    let stands =
        |other: &Located<String>| Located::new(format!("{MADE}{}", other.value), location.clone());
    let (field, to) = match (field, to) {
        (None, Some(to)) if from_nothing => (stands(&to), to),
        (Some(field), None) if to_nothing => (field.clone(), stands(&field)),
        (field, to) => (field?, to?),
    };
    valid.then(|| Pair {
        mapping: FieldMapping {
            field: FieldName::new(field.as_str()),
            to: TraitName::new(to.as_str()),
            direction,
            identity: identity.as_ref().map(|name| name.as_str().into()),
            conversion,
        },
        field,
        identity,
        place,
    })
}

/// The name of one side, unless the value is made there.
fn side(
    table: &mut TableReader<'_>,
    key: &'static str,
    example: &str,
    made_by: Option<&str>,
) -> Option<Located<String>> {
    let Some(made_by) = made_by else {
        return table.required(key, &format!("the name of a {key}"), example);
    };
    if table.has(key) {
        let fault = table.fault(code::NO_EFFECT, &table.key_location(key), key);
        let fault = fault.with("why", format!("`{made_by}` makes the value"));
        fault.with("mend", format!("remove it, or `{made_by}`")).record();
    }
    table.ask(key);
    None
}

/// What a template is made of, on its way into the profile, are fields that the
/// sync reads: only what is asserted is evidence.
fn check_templates(table: &TableReader<'_>, pairs: &[Pair], sound: bool) {
    for pair in pairs.iter().filter(|_| sound) {
        let Some(Made::Template(template)) = pair.mapping.made() else { continue };
        if !pair.mapping.direction.reads() {
            continue;
        }
        let read = pairs
            .iter()
            .filter(|other| other.mapping.made().is_none() && other.mapping.direction.reads());
        let read: Vec<&str> = read.map(|other| other.field.as_str()).collect();
        for name in template.names().filter(|name| !read.contains(name)) {
            let place = format!("{}.template", pair.place);
            let fault = ConfigFault::new(code::UNKNOWN_FIELD, pair.field.location.clone(), place);
            let fault = fault.with("name", shown(name));
            table.document().fault(near::hint(fault, name, read.iter().copied()));
        }
    }
}

/// What a field of an object cannot do.
fn of_object(
    table: &TableReader<'_>,
    kind: &EntityKind,
    direction: Option<&Located<Direction>>,
    (identity, makes): (Option<&Located<String>>, bool),
) {
    let fault = |at: &Location, key, why, mend| {
        let fault = table.fault(code::OBJECT, at, key).with("kind", kind.as_str());
        fault.with("why", why).with("mend", mend).record();
    };
    if let Some(direction) = direction.filter(|direction| direction.value.writes()) {
        let (why, mend) = match direction.value {
            _ if !makes => (
                "are only read unless they are made of others",
                "write `direction = \"->\"`, or say in `[from]` of which objects they are made",
            ),
            Direction::Both => (
                "take values of those of which they are made, and give none back",
                "write `direction = \"<-\"`",
            ),
            Direction::ToSystem | Direction::ToProfile => return named(identity, &fault),
        };
        fault(&direction.location, "direction", why, mend);
    }
    named(identity, &fault);
}

/// An object's field names nobody as its own.
fn named(
    identity: Option<&Located<String>>,
    fault: &dyn Fn(&Location, &'static str, &'static str, &'static str),
) {
    if let Some(identity) = identity {
        let why = "keep the identity that their system gives them";
        let mend = "say whom the field names in a table `[[relations]]`";
        fault(&identity.location, "identity", why, mend);
    }
}
