//! What an organisation configured, as plain values: which field of a system is
//! which trait of a profile, in which direction, and which values name people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cleaning::Cleaning;
use crate::consent::{ConsentKey, ConsentMapping, Purpose};
use crate::conversion::{Conversion, Made};
use crate::event::EventMapping;
use crate::id::{ConnectionId, FieldName, StreamName, StreamRef, SyncId, TraitName, WorkspaceId};
use crate::identity::NamespaceName;
use crate::made_of::{MadeOf, Reference};
use crate::namespace::{Namespace, Normaliser};
use crate::profile::EntityKind;
use crate::relation::{RelationMapping, WhenErased};
use crate::retention::{History, Source};
use crate::segment::{Segment, SegmentName};
use crate::survivorship::{Survivorship, TraitRule};
use crate::time::Timestamp;
use crate::time_format::TimeFormat;
use crate::value::{Object, Value};

/// The way a value may travel between a system's field (written at the left)
/// and a trait of the profile (written at the right).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// `->` from the system into the profile.
    #[serde(rename = "->")]
    ToProfile,
    /// `<-` from the profile into the system.
    #[serde(rename = "<-")]
    ToSystem,
    /// `<->` both ways.
    #[serde(rename = "<->")]
    Both,
}

impl Direction {
    /// Whether the system's own values become assertions.
    pub const fn reads(self) -> bool {
        matches!(self, Self::ToProfile | Self::Both)
    }

    /// Whether golden values are written into the system.
    pub const fn writes(self) -> bool {
        matches!(self, Self::ToSystem | Self::Both)
    }
}

/// What the name of a field or trait begins with that only stands for what the
/// other side is made of.
pub const MADE: char = '=';

/// One field pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldMapping {
    /// The system's field.
    pub field: FieldName,
    /// The profile's trait.
    #[serde(rename = "trait")]
    pub to: TraitName,
    /// The way the value travels.
    pub direction: Direction,
    /// The namespace in which the value names somebody, if it does.
    pub identity: Option<NamespaceName>,
    /// How the value changes on its way; absent where it goes as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Box<Conversion>>,
}

impl FieldMapping {
    /// What the value is made of, where one side of the pair is no field, or no
    /// trait, of its own: the name of that side begins with [`MADE`] then.
    pub fn made(&self) -> Option<&Made> {
        self.conversion.as_ref()?.made.as_ref()
    }

    /// Whether the row has the field: it is not made on the way to the trait.
    pub fn has_field(&self) -> bool {
        self.made().is_none() || self.direction == Direction::ToSystem
    }
}

/// What a sync does when a profile has no record in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CreatePolicy {
    /// Find it, else create it.
    #[default]
    Upsert,
    /// Only records that exist are written.
    UpdateOnly,
    /// Find it, else create it; what is there is never written again.
    CreateOnly,
    /// Like upsert, and rows go whose people no other system has.
    Mirror,
}

/// What a sync does with the rows of people whom another system has deleted, and
/// whom no other system has any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeletePolicy {
    /// Nothing: a delete stays where it was made.
    #[default]
    Ignore,
    /// They are deleted.
    Propagate,
    /// They are archived.
    Archive,
    /// They stay, and are not written any more.
    Unlink,
}

impl DeletePolicy {
    /// Whether it is what a sync does that says nothing.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// Which of several rows that one person has in a stream receive writes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Several {
    /// Every one.
    #[default]
    All,
    /// The one that came last.
    Newest,
    /// The one that came first.
    Oldest,
    /// Those that show one of these values in a field; the oldest where none does.
    Primary {
        /// The field; it is mapped and read.
        field: FieldName,
        /// The values.
        is: Vec<Value>,
    },
}

impl Several {
    /// Whether it is what happens unless a sync says otherwise.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// A field of a row that holds a time, and the form it has there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeField {
    /// The field.
    pub field: FieldName,
    /// Its form.
    pub format: TimeFormat,
}

impl TimeField {
    /// The time of a row, if it has one of that form. Numbers are read as their
    /// digits.
    pub fn read(&self, row: &Object) -> Option<Timestamp> {
        match row.get(self.field.as_str())? {
            Value::Text(text) => self.format.instant(text.trim()),
            Value::Number(number) => self.format.instant(&number.to_string()),
            _ => None,
        }
    }
}

/// A share of known records that may vanish unless a sync says otherwise.
pub const DELETES_PERCENT_MAX: u8 = 20;
/// Rank in survivorship unless a sync says otherwise.
pub const PRIORITY: u32 = 100;

/// A sync's mapping and policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The sync.
    pub sync: SyncId,
    /// The stream it works on; one sync per stream.
    pub stream: StreamRef,
    /// What the rows describe.
    pub kind: EntityKind,
    /// The field pairs; a field occurs once.
    pub fields: Vec<FieldMapping>,
    /// Fields by which an existing row is found before one is created, most
    /// telling first; each is tried alone.
    pub matching: Vec<FieldName>,
    /// What happens to profiles without a record there.
    pub create: CreatePolicy,
    /// What happens to the rows of people whom another system has deleted.
    #[serde(default, skip_serializing_if = "DeletePolicy::is_usual")]
    pub deletes: DeletePolicy,
    /// Which of several rows of one person receive writes.
    #[serde(default, skip_serializing_if = "Several::is_usual")]
    pub several: Several,
    /// A complete snapshot that lost more than this share of the known records
    /// (per cent) deletes nothing and asks a person.
    pub deletes_percent_max: u8,
    /// Rank in survivorship when receipt stamps do not decide; lower is stronger.
    pub priority: u32,
    /// Composite namespaces in which its rows name somebody: the parts are
    /// traits that the sync reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub composites: Vec<NamespaceName>,
    /// Most living records of the stream on one profile; a join beyond it is
    /// refused and reported. 1 where the stream is free of duplicates, or is
    /// not to be deduplicated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records_per_profile_max: Option<u32>,
    /// Where a row says when it last changed, if that is to be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_time: Option<TimeField>,
    /// How rows are cleaned, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clean: Vec<Cleaning>,
    /// What a cleaned row must satisfy: JSON Schema 2020-12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<serde_json::Value>,
    /// Which fields state consents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<ConsentMapping>,
    /// The consents without which nothing of a profile is written there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<ConsentKey>,
    /// What the connector's words for purposes are here; each is among `requires`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub purposes: BTreeMap<Box<str>, ConsentKey>,
    /// Which fields relate the rows to somebody or something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<RelationMapping>,
    /// What becomes of its objects when a person whom they name is erased.
    #[serde(default, skip_serializing_if = "WhenErased::is_usual")]
    pub when_erased: WhenErased,
    /// How its rows are events, if they are: then they are kept as such, and
    /// `kind` is what those are whom they name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventMapping>,
    /// Of which objects its own are made, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_of: Option<MadeOf>,
    /// The segment whose members alone are brought there; of whoever leaves it
    /// everything that was brought is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<SegmentName>,
    /// The stream is an audience, found by its title or made: its rows are members,
    /// and nobody can look who they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub audience: bool,
}

impl Mapping {
    /// A mapping of nothing yet, with the usual policies.
    pub fn new(sync: SyncId, stream: StreamRef) -> Self {
        Self {
            sync,
            stream,
            kind: EntityKind::default(),
            fields: Vec::new(),
            matching: Vec::new(),
            create: CreatePolicy::default(),
            deletes: DeletePolicy::default(),
            several: Several::default(),
            deletes_percent_max: DELETES_PERCENT_MAX,
            priority: PRIORITY,
            composites: Vec::new(),
            records_per_profile_max: None,
            source_time: None,
            clean: Vec::new(),
            schema: None,
            consents: Vec::new(),
            requires: Vec::new(),
            purposes: BTreeMap::new(),
            relations: Vec::new(),
            when_erased: WhenErased::default(),
            event: None,
            made_of: None,
            segment: None,
            audience: false,
        }
    }

    /// What its rows are, in a word.
    pub fn word(&self) -> &str {
        if self.event.is_some() { "event" } else { self.kind.as_str() }
    }

    /// The consent that a field states, if it does.
    pub fn consent(&self, field: &str) -> Option<&ConsentMapping> {
        self.consents.iter().find(|consent| consent.field.as_str() == field)
    }

    /// The field whose assertions are a trait: the first that is read.
    pub fn field_of(&self, name: &str) -> Option<&FieldMapping> {
        self.fields.iter().find(|pair| pair.direction.reads() && pair.to.as_str() == name)
    }

    /// The pair of a field.
    pub fn field(&self, name: &str) -> Option<&FieldMapping> {
        self.fields.iter().find(|pair| pair.field.as_str() == name)
    }

    /// Whether anything is read.
    pub fn reads(&self) -> bool {
        self.fields.iter().any(|pair| pair.direction.reads())
    }

    /// Whether anything is written.
    pub fn writes(&self) -> bool {
        self.fields.iter().any(|pair| pair.direction.writes())
    }

    /// The fields that hold a key of another row there.
    pub fn references(&self) -> impl Iterator<Item = (&FieldMapping, &Reference)> {
        self.fields.iter().filter_map(|pair| match pair.made() {
            Some(Made::Reference(reference)) => Some((pair, reference)),
            _ => None,
        })
    }

    /// The pair, if any, that carries a namespace both ways. In such a
    /// namespace a profile claims only its newest value.
    pub fn two_way_identity(&self, namespace: &str) -> Option<&FieldMapping> {
        self.fields.iter().find(|pair| {
            pair.direction == Direction::Both && pair.identity.as_deref() == Some(namespace)
        })
    }
}

/// Everything that decisions about data need to know of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The namespaces.
    pub namespaces: Vec<Namespace>,
    /// The mappings, one per sync.
    pub mappings: Vec<Mapping>,
    /// The traits whose value is not simply the newest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traits: Vec<TraitRule>,
    /// The purposes that consents are asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<Purpose>,
    /// Origin and retention of the connections; one that is not listed is of
    /// the first party and kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// How long what profiles were before is kept. It bears on nobody's profile, so
    /// it is not among what a store of profiles follows.
    #[serde(skip)]
    pub history: History,
    /// The segments. They bear on nobody's profile either.
    #[serde(skip)]
    pub segments: Vec<Segment>,
}

impl Rules {
    /// Rules of resolution only: every trait takes the newest assertion.
    pub fn new(workspace: WorkspaceId, namespaces: Vec<Namespace>, mappings: Vec<Mapping>) -> Self {
        Self {
            workspace,
            namespaces,
            mappings,
            traits: Vec::new(),
            purposes: Vec::new(),
            sources: Vec::new(),
            history: History::default(),
            segments: Vec::new(),
        }
    }

    /// The rule of a trait, if it is not the usual one.
    pub fn trait_rule(&self, name: &TraitName) -> Option<&TraitRule> {
        self.traits.iter().find(|rule| rule.name == *name)
    }

    /// Whether a person is asked where edits of a trait contradict each other.
    pub fn asks(&self, name: &TraitName) -> bool {
        self.trait_rule(name).is_some_and(|rule| rule.rule == Survivorship::Ask)
    }

    /// The purpose of that name.
    pub fn purpose(&self, name: &str) -> Option<&Purpose> {
        self.purposes.iter().find(|purpose| &*purpose.name == name)
    }

    /// Origin and retention of a connection, if it has any of its own.
    pub fn source(&self, connection: &ConnectionId) -> Option<&Source> {
        self.sources.iter().find(|source| source.connection == *connection)
    }

    /// The composite namespaces in which rows of a mapping name somebody.
    pub fn composites<'a>(&'a self, mapping: &'a Mapping) -> impl Iterator<Item = &'a Namespace> {
        let names = mapping.composites.iter();
        let found = names.filter_map(|name| self.namespace(name));
        found.filter(|namespace| namespace.normaliser == Normaliser::Composite)
    }

    /// The segment of that name.
    pub fn segment(&self, name: &str) -> Option<&Segment> {
        self.segments.iter().find(|segment| &*segment.name == name)
    }

    /// The namespace of that name.
    pub fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.iter().find(|namespace| &*namespace.name == name)
    }

    /// The mapping of a stream.
    pub fn mapping(&self, connection: &ConnectionId, stream: &StreamName) -> Option<&Mapping> {
        self.mappings
            .iter()
            .find(|m| m.stream.connection == *connection && m.stream.stream == *stream)
    }

    /// Whether any mapping carries the namespace both ways.
    pub fn is_two_way(&self, namespace: &str) -> bool {
        self.mappings.iter().any(|mapping| mapping.two_way_identity(namespace).is_some())
    }
}
