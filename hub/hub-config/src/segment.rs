//! `[segments.*]`: who is meant, and what for.
//!
//! A condition is a table that asks about one thing, or groups others under `all`,
//! `any` and `none`. A segment is such a group with a purpose.

use hub_model::segment::Condition;
use hub_model::segment::{COUNT_MAX, SEGMENT_CONDITIONS_MAX, SEGMENT_LEVELS_MAX};
use hub_model::{
    ConsentKey, CountTest, EntityKind, KindName, Number, Segment, Timestamp, TraitName, Value,
    ValueTest,
};

use crate::consents::{self, KeyDraft};
use crate::fault::{ConfigFault, code};
use crate::located::Located;
use crate::near;
use crate::purposes::period;
use crate::settings;
use crate::table::{TableReader, shown, wrong_type};

/// The keys of a segment.
pub(crate) const KEYS: &[&str] = &["kind", "purpose", "all", "any", "none"];
/// The keys of a group.
pub(crate) const GROUP_KEYS: &[&str] = &["all", "any", "none"];
/// The keys of a condition on a trait.
pub(crate) const TRAIT_KEYS: &[&str] = &[
    "trait",
    "known",
    "is",
    "in",
    "begins_with",
    "contains",
    "above",
    "at_least",
    "below",
    "at_most",
    "from",
    "before",
    "within",
    "older",
];
/// The keys of a condition on an identity.
pub(crate) const IDENTITY_KEYS: &[&str] = &["identity"];
/// The keys of a condition on relations.
pub(crate) const RELATION_KEYS: &[&str] = &["relation", "role", "at_least", "at_most"];
/// The keys of a condition on events.
pub(crate) const EVENT_KEYS: &[&str] = &["event", "within", "at_least", "at_most"];
/// The keys of a condition on a consent.
pub(crate) const CONSENT_KEYS: &[&str] = &["consent"];

/// What a condition may ask about.
const SUBJECTS: &[&str] = &["trait", "identity", "relation", "event", "consent"];
/// The kinds of profiles.
pub(crate) const KINDS: &[(&str, bool)] = &[("person", true), ("account", false)];

/// Something that a condition names and another table must know.
pub(crate) enum Named {
    Trait,
    Namespace,
    Kind,
    /// What a profile is to objects of a kind.
    Role(String),
    Event,
}

/// A name in a condition, and what it must be.
pub(crate) struct NameDraft {
    pub(crate) what: Named,
    pub(crate) name: Located<String>,
    pub(crate) place: String,
}

/// A segment, with what other tables must confirm.
pub(crate) struct SegmentDraft {
    pub(crate) name: Located<String>,
    /// The segment, if nothing essential is missing.
    pub(crate) segment: Option<Segment>,
    pub(crate) names: Vec<NameDraft>,
    pub(crate) keys: Vec<KeyDraft>,
}

/// Reads one segment.
pub(crate) fn read(name: &Located<String>, mut table: TableReader<'_>) -> SegmentDraft {
    let mut reading = Reading { names: Vec::new(), keys: Vec::new(), conditions: 0 };
    let is_person = table.word("kind", KINDS).is_none_or(|word| word.value);
    let kind = if is_person { EntityKind::Person } else { EntityKind::Account };
    if !table.has("purpose") {
        table.missing("purpose", "purpose = \"newsletter/email\"");
    }
    let purpose = reading.key(&mut table, "purpose");
    let (location, place) = (table.location().clone(), table.place().to_owned());
    let when = reading.groups(&mut table, 0);
    if when.is_none() && GROUP_KEYS.iter().all(|key| !table.has(key)) {
        table.missing("all", "all = [{ trait = \"status\", is = \"customer\" }]");
    }
    if reading.conditions > SEGMENT_CONDITIONS_MAX {
        let fault = ConfigFault::new(code::TOO_MANY, location, place);
        table.document().fault(fault.with("limit", SEGMENT_CONDITIONS_MAX));
    }
    table.finish(KEYS);
    let segment = purpose.zip(when).map(|(purpose, when)| Segment {
        name: name.as_str().into(),
        kind,
        purpose,
        when,
    });
    SegmentDraft { name: name.clone(), segment, names: reading.names, keys: reading.keys }
}

/// A word of the file, and what its value makes.
type Word<T, V> = (&'static str, fn(T) -> V);

/// What is gathered while a segment is read.
struct Reading {
    names: Vec<NameDraft>,
    keys: Vec<KeyDraft>,
    conditions: usize,
}

impl Reading {
    /// The groups of a table; several of them all hold.
    fn groups(&mut self, table: &mut TableReader<'_>, level: usize) -> Option<Condition> {
        let mut groups = Vec::new();
        let words: [Word<Vec<Condition>, Condition>; 3] =
            [("all", Condition::All), ("any", Condition::Any), ("none", Condition::None)];
        for (key, make) in words {
            let location = table.key_location(key);
            let empty = table.has(key) && table.peek_is_empty(key);
            let example = format!("{key} = [{{ trait = \"status\", is = \"customer\" }}]");
            let parts = table.list(key, &example);
            if empty {
                let fault = table.fault(code::EMPTY, &location, key);
                fault.with("expected", "at least one condition").record();
            } else if !parts.is_empty() {
                let parts = parts.into_iter().filter_map(|part| self.condition(part, level + 1));
                groups.push(make(parts.collect()));
            }
        }
        match groups.len() {
            0 | 1 => groups.pop(),
            _ => Some(Condition::All(groups)),
        }
    }

    fn condition(&mut self, mut table: TableReader<'_>, level: usize) -> Option<Condition> {
        self.conditions += 1;
        if level > SEGMENT_LEVELS_MAX {
            return refuse(&table, "it is nested too deep", "put the groups beside each other");
        }
        let asked: Vec<&str> = SUBJECTS.iter().copied().filter(|key| table.has(key)).collect();
        let is_group = GROUP_KEYS.iter().any(|key| table.has(key));
        let condition = match (asked.as_slice(), is_group) {
            ([], true) => {
                let groups = self.groups(&mut table, level);
                table.finish(GROUP_KEYS);
                return groups;
            }
            (["trait"], false) => self.of_trait(&mut table),
            (["identity"], false) => {
                let name = self.name(&mut table, "identity", Named::Namespace);
                name.map(|name| Condition::Identity(name.as_str().into()))
            }
            (["relation"], false) => self.of_relation(&mut table),
            (["event"], false) => {
                let name = self.name(&mut table, "event", Named::Event);
                let within = period(&mut table, "within", "within = \"90 days\"");
                let count = count(&mut table);
                name.map(|name| Condition::Event { name: name.as_str().into(), within, count })
            }
            (["consent"], false) => self.key(&mut table, "consent").map(Condition::Consent),
            ([], false) => {
                let known = SUBJECTS.iter().chain(GROUP_KEYS).copied();
                let known = near::list(known).unwrap_or_default();
                return refuse(&table, "it asks about nothing", &format!("write one of {known}"));
            }
            _ => {
                let mend = "write a condition of its own for each, below `all`";
                return refuse(&table, "it asks about several things at once", mend);
            }
        };
        table.finish(match asked.as_slice() {
            ["trait"] => TRAIT_KEYS,
            ["identity"] => IDENTITY_KEYS,
            ["relation"] => RELATION_KEYS,
            ["event"] => EVENT_KEYS,
            _ => CONSENT_KEYS,
        });
        condition
    }

    /// A name that another table must know.
    fn name(
        &mut self,
        table: &mut TableReader<'_>,
        key: &'static str,
        what: Named,
    ) -> Option<Located<String>> {
        let name = table.filled(key, "a name", &format!("{key} = \"name\""))?;
        self.names.push(NameDraft { what, name: name.clone(), place: table.place_of(key) });
        Some(name)
    }

    /// A purpose on a channel.
    fn key(&mut self, table: &mut TableReader<'_>, key: &'static str) -> Option<ConsentKey> {
        let text =
            table.filled(key, "a purpose on a channel", &format!("{key} = \"news/email\""))?;
        let (consent, draft) = consents::key(table, key, &text)?;
        self.keys.push(draft);
        Some(consent)
    }

    fn of_relation(&mut self, table: &mut TableReader<'_>) -> Option<Condition> {
        let kind = self.name(table, "relation", Named::Kind);
        let of = kind.as_ref().map_or_else(String::new, |kind| kind.value.clone());
        let role = self.name(table, "role", Named::Role(of));
        let count = count(table);
        let kind = KindName::new(kind?.value);
        Some(Condition::Relation { kind, role: role.map(|role| role.as_str().into()), count })
    }

    fn of_trait(&mut self, table: &mut TableReader<'_>) -> Option<Condition> {
        let name = self.name(table, "trait", Named::Trait);
        let tests = tests(table);
        if tests.is_empty() && TRAIT_KEYS.iter().skip(1).all(|key| !table.has(key)) {
            table.missing("known", "known = true");
        }
        Some(Condition::Trait { name: TraitName::new(name?.value), tests })
    }
}

/// Records that a condition is none.
fn refuse(table: &TableReader<'_>, why: &str, mend: &str) -> Option<Condition> {
    let fault = table.fault(code::CONDITION, table.location(), "");
    fault.with("why", why).with("mend", mend).record();
    None
}

/// How many there must be: at least one, unless it is said.
fn count(table: &mut TableReader<'_>) -> CountTest {
    let range = (0, COUNT_MAX);
    let at_least = table.integer("at_least", range, 1).map(|count| count.value);
    let at_most = table.integer("at_most", range, 0);
    let usual = u32::from(at_most.as_ref().is_none_or(|most| most.value > 0));
    let count = CountTest {
        at_least: at_least.unwrap_or(usual),
        at_most: at_most.as_ref().map(|most| most.value),
    };
    if let Some(most) = at_most.filter(|most| most.value < count.at_least) {
        let why = format!("at least {} are asked for", count.at_least);
        let fault = table.fault(code::NO_EFFECT, &most.location, "at_most");
        fault.with("why", why).with("mend", "write a higher number, or remove one").record();
    }
    count
}

fn tests(table: &mut TableReader<'_>) -> Vec<ValueTest> {
    let mut tests: Vec<ValueTest> = table.flag("known").map(ValueTest::Known).into_iter().collect();
    let is = value(table, "is", "is = \"customer\"");
    tests.extend(is.map(|value| ValueTest::OneOf(vec![value])));
    if let Some(Value::List(values)) = value(table, "in", "in = [\"FR\", \"BE\"]") {
        tests.push(ValueTest::OneOf(values));
    }
    let start = table.filled("begins_with", "a text", "begins_with = \"75\"");
    tests.extend(start.map(|text| ValueTest::BeginsWith(text.as_str().into())));
    tests.extend(value(table, "contains", "contains = \"vip\"").map(ValueTest::Contains));
    let comparisons: [Word<Number, ValueTest>; 4] = [
        ("above", ValueTest::Above),
        ("at_least", ValueTest::AtLeast),
        ("below", ValueTest::Below),
        ("at_most", ValueTest::AtMost),
    ];
    for (key, make) in comparisons {
        if let Some(Value::Number(number)) = value(table, key, &format!("{key} = 1000")) {
            tests.push(make(number));
        }
    }
    let instants: [Word<Timestamp, ValueTest>; 2] =
        [("from", ValueTest::From), ("before", ValueTest::Before)];
    for (key, make) in instants {
        if let Some(Value::Text(text)) = value(table, key, &format!("{key} = 2026-01-31")) {
            match Timestamp::parse_iso(&text) {
                Some(time) => tests.push(make(time)),
                None => {
                    let fault = table.fault(code::TIME_FORMAT, &table.key_location(key), key);
                    let fault = fault.with("found", shown(&text)).with("why", "it is no date");
                    fault.with("mend", format!("write for example `{key} = 2026-01-31`")).record();
                }
            }
        }
    }
    tests.extend(period(table, "within", "within = \"90 days\"").map(ValueTest::Within));
    tests.extend(period(table, "older", "older = \"1 year\"").map(ValueTest::Older));
    tests
}

/// A value to compare with, of the kind that the key compares.
fn value(table: &mut TableReader<'_>, key: &'static str, example: &str) -> Option<Value> {
    let raw = table.raw(key)?;
    let place = table.place_of(key);
    let json = settings::json_value(table.document(), raw, &place);
    let value = Value::from_json(json).ok();
    let simple =
        |value: &Value| matches!(value, Value::Text(_) | Value::Number(_) | Value::Bool(_));
    let (fits, expected) = match (key, &value) {
        ("is" | "contains", Some(value)) => (simple(value), "a text, a number, true or false"),
        ("in", Some(Value::List(values))) => {
            (!values.is_empty() && values.iter().all(simple), "a list of values")
        }
        ("in", _) => (false, "a list of values"),
        ("from" | "before", value) => (matches!(value, Some(Value::Text(_))), "a date"),
        (_, value) => (matches!(value, Some(Value::Number(_))), "a number"),
    };
    if fits {
        return value;
    }
    wrong_type(table.document(), raw, &place, expected, example);
    None
}
