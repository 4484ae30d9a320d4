//! What a field keeps so that people can be asked about it: what its system had
//! before it when it typed something, and how often it answered what it was told.
//!
//! Two systems that each rewrite what the other says (two rules, two scripts) make
//! the hub carry values between them for ever, each of them an edit like any other.
//! It shows in the time: an *answer* is an edit over what the hub had just brought,
//! so between two answers of one system lies another system's value. More answers
//! about one trait within [`TURNS_WITHIN_SECONDS`] than people give pause it.

use std::collections::BTreeMap;

use hub_model::limits::{TURNS_KEPT_MAX, TURNS_MAX, TURNS_WITHIN_SECONDS};
use hub_model::{
    Basis, Direction, FieldMapping, FieldName, FieldState, Record, RecordNo, Rules, Stamp,
    Timestamp, TraitName, Value,
};

/// The system has made its own form of what it was told: the value as it was told
/// is kept beside it.
pub(super) fn told(state: &mut FieldState, value: &Value, form: &Value, pair: &FieldMapping) {
    let own_form = pair.direction == Direction::Both && value != form;
    if own_form || state.dispute.is_some() {
        state.revise_dispute(|kept| kept.told = own_form.then(|| value.clone()));
    }
}

/// The system is about to assert a value; `shown` is what it showed before. `asks`
/// tells whether a person may be asked about the trait.
pub(super) fn typed(
    state: &mut FieldState,
    shown: Option<&Value>,
    (pair, asks): (&FieldMapping, bool),
    now: Timestamp,
) {
    let answers = pair.direction == Direction::Both && is_told(state);
    let basis = asks.then(|| basis(state, shown));
    if answers || asks || state.dispute.is_some() {
        state.revise_dispute(|kept| {
            kept.basis = basis;
            kept.told = None;
            if answers {
                kept.turns.retain(|turn| is_recent(*turn, now));
                kept.turns.push(now);
                let surplus = kept.turns.len().saturating_sub(TURNS_KEPT_MAX);
                kept.turns.drain(..surplus);
            }
        });
    }
}

/// Whether the last word about a field was the hub's.
fn is_told(state: &FieldState) -> bool {
    let own = state.asserted.as_ref().map(|own| own.stamp);
    state.sent != Stamp(0) && own != Some(state.sent)
}

/// What a system has before it. An edit of an edit was made over what the first
/// was made over: typing twice is not knowing more.
fn basis(state: &FieldState, shown: Option<&Value>) -> Basis {
    let dispute = state.dispute.as_ref();
    if let Some(own) = state.asserted.as_ref().filter(|_| !is_told(state)) {
        let earlier = dispute.and_then(|kept| kept.basis.as_ref());
        let before = own.value.clone();
        return match earlier {
            Some(earlier) => Basis { before, ..earlier.clone() },
            // Said before the rule was to ask: everybody had agreed to it.
            None => Basis { knew: own.stamp, agreed: before.clone(), before },
        };
    }
    let exact = dispute.and_then(|kept| kept.told.as_ref()).or(shown);
    let before = exact.cloned().unwrap_or_default();
    let agreed = if is_told(state) { before.clone() } else { Value::Null };
    Basis { knew: state.sent, agreed, before }
}

/// Which fields have to be paused now, one for each trait about which systems keep
/// answering each other: that of the last answer.
pub fn to_pause(members: &[&Record], rules: &Rules) -> Vec<(RecordNo, FieldName, Timestamp)> {
    let mut turns: BTreeMap<&TraitName, Vec<(Timestamp, RecordNo, &FieldName)>> = BTreeMap::new();
    for record in members {
        let taken =
            |state: &FieldState| state.dispute.as_ref().is_some_and(|d| !d.turns.is_empty());
        if !record.fields.values().any(taken) {
            continue;
        }
        let stream = &record.at.stream;
        let mapping = rules.mapping(&stream.connection, &stream.stream);
        for pair in mapping.into_iter().flat_map(|mapping| &mapping.fields) {
            let state = record.fields.get(&pair.field).and_then(|state| state.dispute.as_ref());
            let own = state.into_iter().flat_map(|kept| &kept.turns);
            let own = own.map(|turn| (*turn, record.number, &pair.field));
            turns.entry(&pair.to).or_default().extend(own);
        }
    }
    turns.into_values().filter_map(|turns| last_of_many(&turns, members)).collect()
}

fn last_of_many(
    turns: &[(Timestamp, RecordNo, &FieldName)],
    members: &[&Record],
) -> Option<(RecordNo, FieldName, Timestamp)> {
    let (now, record, field) = turns.iter().max()?;
    let recent = turns.iter().filter(|(turn, ..)| is_recent(*turn, *now)).count();
    let paused = |(_, record, field): &(Timestamp, RecordNo, &FieldName)| {
        let record = members.iter().find(|member| member.number == *record);
        record.and_then(|r| r.fields.get(*field)).is_some_and(FieldState::is_paused)
    };
    let many = recent > TURNS_MAX && !turns.iter().any(paused);
    many.then(|| (*record, (*field).clone(), *now))
}

const fn is_recent(turn: Timestamp, now: Timestamp) -> bool {
    turn.plus_seconds(TURNS_WITHIN_SECONDS).0 >= now.0
}

/// A record with a field paused since an instant, or released: then what was
/// answered before is forgotten.
pub fn pause(record: &Record, field: &FieldName, since: Option<Timestamp>) -> Record {
    let mut next = record.clone();
    if let Some(state) = next.fields.get_mut(field) {
        state.revise_dispute(|kept| {
            kept.paused = since;
            if since.is_none() {
                kept.turns.clear();
            }
        });
    }
    next
}

/// A record whose field keeps what a person settled, or keeps it no more.
pub fn settled(record: &Record, field: &FieldName, by: Option<hub_model::Settled>) -> Record {
    let mut next = record.clone();
    if let Some(state) = next.fields.get_mut(field) {
        state.revise_dispute(|kept| kept.settled = by);
    }
    next
}

#[cfg(test)]
mod tests {
    use hub_model::limits::{TURNS_MAX, TURNS_WITHIN_SECONDS};
    use hub_model::{Record, RecordNo, RunId, Stamp, Timestamp, Value};

    use super::{pause, to_pause};
    use crate::fixture::{at, mapping, row, rules};
    use crate::sync::{Context, Observation, Row, Stamps, mark_sent, observe};

    /// A record whose field is told something and typed over at each instant.
    fn answers(connection: &str, number: u64, seconds: &[i64]) -> Record {
        let mapping = mapping(connection, &["v <-> v"]);
        let rules = rules(Vec::new(), vec![mapping.clone()]);
        let mut stamps = Stamps::after(number * 1_000);
        let mut record: Option<Record> = None;
        for (nth, second) in [-1_000_000].iter().chain(seconds).enumerate() {
            let (at, object) = (at(&mapping, "k"), row(&[("v", &format!("{connection} {nth}"))]));
            let run = RunId::new("run");
            let (number, now) = (RecordNo(number), Timestamp::from_seconds(*second));
            let context = Context { number, run: &run, rules: &rules, now };
            let row = Row { at: &at, object: &object, raw: &object, version: None };
            let Observation::Seen(seen) =
                observe(record.as_ref(), &row, &mapping, &mut stamps, &context)
            else {
                panic!("news")
            };
            record = Some(mark_sent(&seen.record, &[("v".into(), stamps.next())].into()));
        }
        record.unwrap()
    }

    #[test]
    fn more_answers_than_people_give_pause_the_trait_once() {
        let both = || vec![mapping("a", &["v <-> v"]), mapping("b", &["v <-> v"])];
        let rules = rules(Vec::new(), both());
        let within = TURNS_WITHIN_SECONDS;
        // (when a answers, when b does, whose field is paused)
        let cases: [(&[i64], &[i64], Option<u64>); 7] = [
            (&[], &[], None),
            (&[0, 120], &[60], None),
            (&[0, 120], &[60, 180], Some(2)),
            (&[0, 120, 240], &[60, 180], Some(1)),
            // One that answers what it is told, always: nobody else has to answer.
            (&[0, 60, 120, 180], &[], Some(1)),
            // As many, and slower.
            (&[0, 120], &[60, within + 1], None),
            (&[0, 120], &[60, within], Some(2)),
        ];
        assert_eq!(TURNS_MAX, 3, "the cases are about three");
        for (a, b, paused) in cases {
            let (a, b) = (answers("a", 1, a), answers("b", 2, b));
            let found = to_pause(&[&a, &b], &rules);
            let numbers: Vec<u64> = found.iter().map(|(number, ..)| number.0).collect();
            assert_eq!(numbers, paused.into_iter().collect::<Vec<_>>());
            let Some((number, field, since)) = found.first() else { continue };
            let record = if number.0 == 1 { &a } else { &b };
            let held = pause(record, field, Some(*since));
            let other = if number.0 == 1 { &b } else { &a };
            assert_eq!(to_pause(&[&held, other], &rules), [], "it is paused already");
            let released = pause(&held, field, None);
            assert_eq!(to_pause(&[&released], &rules), []);
        }
    }

    #[test]
    fn what_a_system_types_by_itself_is_no_answer() {
        let mapping = mapping("a", &["v <-> v"]);
        let rules = rules(Vec::new(), vec![mapping.clone()]);
        let (mut stamps, run) = (Stamps::after(0), RunId::new("run"));
        let mut record: Option<Record> = None;
        for n in 0..20 {
            let (at, object) = (at(&mapping, "k"), row(&[("v", &n.to_string())]));
            let (number, now) = (RecordNo(1), Timestamp(n));
            let context = Context { number, run: &run, rules: &rules, now };
            let row = Row { at: &at, object: &object, raw: &object, version: None };
            if let Observation::Seen(seen) =
                observe(record.as_ref(), &row, &mapping, &mut stamps, &context)
            {
                record = Some(seen.record);
            }
        }
        let record = record.unwrap();
        assert_eq!(record.fields["v"].dispute, None);
        assert_eq!(record.fields["v"].remote, Some(Value::text("19")));
        assert!(record.fields["v"].sent > Stamp(0));
    }
}
