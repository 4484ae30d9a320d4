//! Weighing one condition.

use hub_model::EventName;
use hub_model::segment::Condition;
use hub_model::{
    ConsentKey, ConsentState, CountTest, EntityKind, Period, Timestamp, Value, ValueTest,
};

use super::{Subject, Verdict, consent_state, consent_turns, sooner};

/// Whether a condition holds.
pub(super) fn weigh(condition: &Condition, subject: &Subject<'_>, now: Timestamp) -> Verdict {
    match condition {
        Condition::All(parts) => {
            group(parts, subject, now, |held| held.iter().all(|part| part.holds))
        }
        Condition::Any(parts) => {
            group(parts, subject, now, |held| held.iter().any(|part| part.holds))
        }
        Condition::None(parts) => {
            group(parts, subject, now, |held| !held.iter().any(|part| part.holds))
        }
        Condition::Trait { name, tests } => {
            let golden = subject.profile.traits.get(name);
            let value = golden.map_or(&Value::Null, |golden| &golden.value);
            let start = Verdict::always(true);
            tests.iter().map(|test| passes(test, value, now)).fold(start, both)
        }
        Condition::Identity(namespace) => {
            let mut claimed = subject.profile.identities.iter();
            Verdict::always(claimed.any(|claimed| claimed.identity.namespace == *namespace))
        }
        Condition::Relation { kind, role, count } => {
            let kind = EntityKind::Object(kind.clone());
            let related = subject.gathered.related(&kind, role.as_ref());
            Verdict::always(count.passes(related))
        }
        Condition::Event { name, within, count } => happened(subject, name, *within, *count, now),
        Condition::Consent(key) => granted(key, subject, now),
    }
}

fn both(one: Verdict, other: Verdict) -> Verdict {
    Verdict { holds: one.holds && other.holds, next: sooner(one.next, other.next) }
}

/// Every part is weighed, whatever the others say: time may turn any of them.
fn group(
    parts: &[Condition],
    subject: &Subject<'_>,
    now: Timestamp,
    decide: impl FnOnce(&[Verdict]) -> bool,
) -> Verdict {
    let parts: Vec<Verdict> = parts.iter().map(|part| weigh(part, subject, now)).collect();
    let next = parts.iter().filter_map(|part| part.next).min();
    Verdict { holds: decide(&parts), next }
}

/// Whether a consent is granted.
pub(super) fn granted(key: &ConsentKey, subject: &Subject<'_>, now: Timestamp) -> Verdict {
    let holds = consent_state(subject, key, now) == ConsentState::Granted;
    Verdict { holds, next: consent_turns(subject, &key.purpose, now) }
}

/// Whether something happened so often: what was in a window once only leaves it.
fn happened(
    subject: &Subject<'_>,
    name: &EventName,
    within: Option<Period>,
    count: CountTest,
    now: Timestamp,
) -> Verdict {
    let times = subject.gathered.times(name);
    let Some(period) = within else { return Verdict::always(count.passes(times.len())) };
    let inside = in_window(times, period, now);
    // The window loses its oldest first: it will hold one less than are needed, or
    // no more than are allowed, when that one leaves.
    let deciding = [count.at_least.checked_sub(1), count.at_most];
    let last = |place: u32| times.get(usize::try_from(place).ok()?);
    let leaving = deciding.into_iter().flatten().filter_map(last).map(|time| period.after(*time));
    Verdict { holds: count.passes(inside), next: leaving.filter(|at| *at > now).min() }
}

/// How many of these are in a window.
pub(super) fn in_window(times: &[Timestamp], period: Period, now: Timestamp) -> usize {
    times.iter().filter(|time| period.after(**time) > now).count()
}

/// Whether a value passes a test.
fn passes(test: &ValueTest, value: &Value, now: Timestamp) -> Verdict {
    let number = |compare: &dyn Fn(&hub_model::Number) -> bool| {
        Verdict::always(matches!(value, Value::Number(number) if compare(number)))
    };
    match test {
        ValueTest::Known(known) => Verdict::always(*known != value.is_null()),
        ValueTest::OneOf(values) => Verdict::always(values.contains(value)),
        ValueTest::BeginsWith(start) => {
            Verdict::always(value.as_text().is_some_and(|text| text.starts_with(start.as_str())))
        }
        ValueTest::Contains(item) => {
            Verdict::always(matches!(value, Value::List(items) if items.contains(item)))
        }
        ValueTest::Above(limit) => number(&|number| number > limit),
        ValueTest::AtLeast(limit) => number(&|number| number >= limit),
        ValueTest::Below(limit) => number(&|number| number < limit),
        ValueTest::AtMost(limit) => number(&|number| number <= limit),
        ValueTest::From(start) => Verdict::always(instant(value).is_some_and(|at| at >= *start)),
        ValueTest::Before(end) => Verdict::always(instant(value).is_some_and(|at| at < *end)),
        ValueTest::Within(period) => dated(value, *period, now, |came, over| came && !over),
        ValueTest::Older(period) => dated(value, *period, now, |_, over| over),
    }
}

fn instant(value: &Value) -> Option<Timestamp> {
    value.as_text().and_then(|text| Timestamp::parse_iso(text.trim()))
}

/// A test of a date against the clock: whether it has come, and whether a period
/// since then is over.
fn dated(
    value: &Value,
    period: Period,
    now: Timestamp,
    decide: impl FnOnce(bool, bool) -> bool,
) -> Verdict {
    let Some(at) = instant(value) else { return Verdict::always(false) };
    let over = period.after(at);
    let next = [at, over].into_iter().filter(|turn| *turn > now).min();
    Verdict { holds: decide(at <= now, over <= now), next }
}
