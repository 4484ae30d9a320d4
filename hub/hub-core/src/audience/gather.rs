//! What must be known of somebody beside his profile, and no more than that.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::segment::Condition;
use hub_model::{EntityKind, EventName, KindName, Period, RoleName, Rules, Segment, Timestamp};

/// What the segments of a workspace ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    events: BTreeMap<EventName, Often>,
    relations: BTreeSet<KindName>,
    kinds: BTreeSet<EntityKind>,
}

/// How many events of a name decide, and how far back they lie.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Often {
    deciding: usize,
    /// The windows that are asked for.
    windows: Vec<Period>,
    /// Whether it is asked whether something ever happened.
    ever: bool,
}

impl Needs {
    /// What these segments need.
    pub fn of<'a>(segments: impl IntoIterator<Item = &'a Segment>) -> Self {
        let mut needs = Self::default();
        for segment in segments {
            needs.kinds.insert(segment.kind.clone());
            segment.when.each(&mut |condition| needs.add(condition));
        }
        needs
    }

    fn add(&mut self, condition: &Condition) {
        match condition {
            Condition::Event { name, within, count } => {
                let often = self.events.entry(name.clone()).or_default();
                often.deciding = often.deciding.max(count.deciding());
                match within {
                    Some(window) if !often.windows.contains(window) => often.windows.push(*window),
                    Some(_) => {}
                    None => often.ever = true,
                }
            }
            Condition::Relation { kind, .. } => {
                self.relations.insert(kind.clone());
            }
            _ => {}
        }
    }

    /// Whether a kind of profiles is judged at all.
    pub fn is_about(&self, kind: &EntityKind) -> bool {
        self.kinds.contains(kind)
    }

    /// Whether any event is asked for.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether an event of this name bears on a segment.
    pub fn hears(&self, name: &EventName) -> bool {
        self.events.contains_key(name)
    }

    /// Whether any relation is asked for.
    pub fn has_relations(&self) -> bool {
        !self.relations.is_empty()
    }

    /// Whether an object of this kind bears on a segment.
    pub fn counts(&self, kind: &EntityKind) -> bool {
        matches!(kind, EntityKind::Object(name) if self.relations.contains(name))
    }
}

/// What was found out about somebody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gathered {
    /// When the newest events of each name happened, newest first.
    times: BTreeMap<EventName, Vec<Timestamp>>,
    /// How many living objects of a kind relate to him, by what he is to them.
    related: BTreeMap<(EntityKind, RoleName), usize>,
}

impl Gathered {
    /// Takes in the next event; they come newest first. One that decides nothing is
    /// passed over.
    pub fn hear(&mut self, needs: &Needs, name: &EventName, time: Timestamp) {
        let Some(often) = needs.events.get(name) else { return };
        let times = self.times.entry(name.clone()).or_default();
        if times.len() < often.deciding {
            times.push(time);
        }
    }

    /// Whether no event at `time` or before bears on any segment: enough are known,
    /// or they lie outside of every window.
    pub fn is_enough(&self, needs: &Needs, time: Timestamp, now: Timestamp) -> bool {
        needs.events.iter().all(|(name, often)| {
            let outside = || often.windows.iter().all(|window| window.after(time) <= now);
            self.times(name).len() >= often.deciding || (!often.ever && outside())
        })
    }

    /// Takes in an object that relates to him: of a kind, and what he is to it.
    pub fn relate(&mut self, kind: EntityKind, role: RoleName) {
        *self.related.entry((kind, role)).or_default() += 1;
    }

    /// When the newest events of a name happened, newest first.
    pub(super) fn times(&self, name: &EventName) -> &[Timestamp] {
        self.times.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// How many objects of a kind relate to him in a role, or in any.
    pub(super) fn related(&self, kind: &EntityKind, role: Option<&RoleName>) -> usize {
        let wanted =
            |key: &(EntityKind, RoleName)| key.0 == *kind && role.is_none_or(|role| key.1 == *role);
        self.related.iter().filter(|(key, _)| wanted(key)).map(|(_, count)| count).sum()
    }
}

/// What the segments of these rules ask for.
impl From<&Rules> for Needs {
    fn from(rules: &Rules) -> Self {
        Self::of(&rules.segments)
    }
}
