//! Why somebody is in a segment or not, condition by condition.

use hub_model::segment::Condition;
use hub_model::{ConsentState, EntityKind, Segment, Timestamp, Value};

use super::condition::{in_window, weigh};
use super::{Subject, consent_state, judge, permitted};

/// Why somebody is in a segment, or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    /// Whether he is.
    pub member: bool,
    /// Whether he is of the segment's kind.
    pub is_of_kind: bool,
    /// Whether its purpose is granted.
    pub permitted: bool,
    /// What holds for its purpose.
    pub consent: ConsentState,
    /// When that could change by time alone.
    pub review: Option<Timestamp>,
    /// Its condition.
    pub when: Reason,
}

/// One condition, and whether it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The condition as it is configured.
    pub condition: String,
    /// Whether it holds.
    pub holds: bool,
    /// When that could change by time alone.
    pub next: Option<Timestamp>,
    /// What was found, where it asks by itself.
    pub found: Option<Found>,
    /// The conditions that it is made of.
    pub parts: Vec<Reason>,
}

/// What a condition looked at.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// The value of a trait; null where there is none.
    Value(Value),
    /// So many; counted no further than decides.
    Count(usize),
    /// A state of consent.
    Consent(ConsentState),
}

/// Why somebody is in a segment or not at an instant.
pub fn explain(segment: &Segment, subject: &Subject<'_>, now: Timestamp) -> Why {
    let verdict = judge(segment, subject, now);
    Why {
        member: verdict.holds,
        is_of_kind: subject.profile.kind == segment.kind,
        permitted: permitted(segment, subject, now).holds,
        consent: consent_state(subject, &segment.purpose, now),
        review: verdict.next,
        when: reason(&segment.when, subject, now),
    }
}

fn reason(condition: &Condition, subject: &Subject<'_>, now: Timestamp) -> Reason {
    let verdict = weigh(condition, subject, now);
    Reason {
        condition: condition.to_string(),
        holds: verdict.holds,
        next: verdict.next,
        found: found(condition, subject, now),
        parts: condition.parts().iter().map(|part| reason(part, subject, now)).collect(),
    }
}

fn found(condition: &Condition, subject: &Subject<'_>, now: Timestamp) -> Option<Found> {
    let Subject { profile, gathered } = subject;
    Some(match condition {
        Condition::All(_) | Condition::Any(_) | Condition::None(_) => return None,
        Condition::Trait { name, .. } => {
            let golden = profile.traits.get(name);
            Found::Value(golden.map(|golden| golden.value.clone()).unwrap_or_default())
        }
        Condition::Identity(namespace) => {
            let claimed = profile.identities.iter();
            Found::Count(claimed.filter(|c| c.identity.namespace == *namespace).count())
        }
        Condition::Relation { kind, role, .. } => {
            let kind = EntityKind::Object(kind.clone());
            Found::Count(gathered.related(&kind, role.as_ref()))
        }
        Condition::Event { name, within, .. } => {
            let times = gathered.times(name);
            Found::Count(within.map_or(times.len(), |period| in_window(times, period, now)))
        }
        Condition::Consent(key) => Found::Consent(consent_state(subject, key, now)),
    })
}
