//! Retention: when a record has to go, by whose data it is and whether anybody
//! is known by name. The clock is an argument.

use hub_model::{
    Claimed, ConnectionId, FieldState, Object, Period, Record, RecordNo, Rules, RunId, Stamp,
    Timestamp,
};

/// A record and the instant from which its retention counts: when it last
/// changed, which is when the run started that last changed it.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// The record.
    pub record: &'a Record,
    /// Since when it is as it is.
    pub since: Timestamp,
}

/// A record that has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// The record.
    pub record: RecordNo,
    /// When its time was over.
    pub at: Timestamp,
    /// How long it might be kept.
    pub kept: Period,
    /// It goes because nobody is known by name.
    pub anonymous: bool,
}

/// Whether a profile with these identities names nobody: it has been seen by
/// browsers and devices only.
pub fn is_anonymous(identities: &[Claimed], rules: &Rules) -> bool {
    identities.iter().all(|claimed| {
        let namespace = rules.namespace(&claimed.identity.namespace);
        namespace.is_none_or(|namespace| namespace.anonymous)
    })
}

/// When a record's time is over, and by which rule; `None` if it is kept.
pub fn expiry(held: Held<'_>, anonymous: bool, rules: &Rules) -> Option<Expiry> {
    let connection: &ConnectionId = &held.record.at.stream.connection;
    let source = rules.source(connection)?;
    let plain = source.keep.map(|period| (period, false));
    let nameless = source.keep_anonymous.filter(|_| anonymous).map(|period| (period, true));
    let ends = [plain, nameless].into_iter().flatten().map(|(kept, anonymous)| Expiry {
        record: held.record.number,
        at: kept.after(held.since),
        kept,
        anonymous,
    });
    ends.min_by_key(|expiry| expiry.at)
}

/// The records of one profile whose time is over at `now`, lowest first.
/// `identities` are those of the profile. A record that was emptied already is
/// not named again.
pub fn due(
    now: Timestamp,
    held: &[Held<'_>],
    identities: &[Claimed],
    rules: &Rules,
) -> Vec<Expiry> {
    if rules.sources.is_empty() {
        return Vec::new();
    }
    let anonymous = is_anonymous(identities, rules);
    let full = held.iter().filter(|held| !is_empty(held.record));
    let mut due: Vec<Expiry> = full
        .filter_map(|held| expiry(*held, anonymous, rules))
        .filter(|expiry| expiry.at <= now)
        .collect();
    due.sort_unstable_by_key(|expiry| expiry.record);
    due
}

/// The next instant after `now` at which a record of the profile has to go.
pub fn next(
    now: Timestamp,
    held: &[Held<'_>],
    identities: &[Claimed],
    rules: &Rules,
) -> Option<Timestamp> {
    let anonymous = is_anonymous(identities, rules);
    let full = held.iter().filter(|held| !is_empty(held.record));
    full.filter_map(|held| expiry(*held, anonymous, rules))
        .map(|expiry| expiry.at)
        .filter(|at| *at > now)
        .min()
}

/// What remains of a record whose time is over: the node, deleted, without its
/// row, its assertions and its identities. What was sent there is remembered,
/// so that the destination is told that the values are gone.
///
/// The joins that its identities had made are no facts any more: its profile
/// has to be resolved anew from all facts of the records that remain.
pub fn emptied(record: &Record, stamp: Stamp, run: &RunId) -> Record {
    let sent = record.fields.iter().filter(|(_, state)| state.sent != Stamp(0));
    let told = |state: &FieldState| FieldState { sent: state.sent, ..FieldState::default() };
    Record {
        deleted: record.deleted.or(Some(stamp)),
        version: None,
        raw: Object::new(),
        fields: sent.map(|(field, state)| (field.clone(), told(state))).collect(),
        identities: Vec::new(),
        relations: Vec::new(),
        run: run.clone(),
        ..record.clone()
    }
}

fn is_empty(record: &Record) -> bool {
    let silent = |state: &FieldState| state.asserted.is_none() && state.remote.is_none();
    record.raw.is_empty() && record.identities.is_empty() && record.fields.values().all(silent)
}

#[cfg(test)]
mod tests {
    use hub_model::{
        Claimed, ConnectionId, Identity, Namespace, Normaliser, Party, Period, Record, RecordNo,
        Rules, RunId, Source, Stamp, Timestamp,
    };

    use super::{Held, due, emptied, is_anonymous, next};
    use crate::fixture::{at, mapping, row, rules};
    use crate::sync::{Context, Observation, Row, Stamps, observe};

    fn configuration() -> Rules {
        let crm = mapping("crm", &["mail -> mail email"]);
        let panel = mapping("panel", &["cookie -> cookie visitor", "age -> age"]);
        let namespaces = vec![
            Namespace::new("email", Normaliser::Email),
            Namespace::new("visitor", Normaliser::Cookie),
        ];
        let mut rules = rules(namespaces, vec![crm, panel]);
        let source = |connection, party, keep, keep_anonymous| Source {
            connection: ConnectionId::new(connection),
            party,
            keep,
            keep_anonymous,
        };
        rules.sources = vec![
            source("crm", Party::First, Some(Period::Months(36)), None),
            source("panel", Party::Third, None, Party::Third.keep_anonymous()),
        ];
        rules
    }

    fn record(rules: &Rules, stream: usize, number: u64, fields: &[(&str, &str)]) -> Record {
        let mapping = &rules.mappings[stream];
        let run = RunId::new("run");
        let context = Context { number: RecordNo(number), run: &run, rules, now: Timestamp(0) };
        let (at, object) = (at(mapping, "k"), row(fields));
        let row = Row { at: &at, object: &object, raw: &object, version: None };
        match observe(None, &row, mapping, &mut Stamps::after(number * 10), &context) {
            Observation::Seen(seen) => seen.record,
            Observation::Unchanged => panic!("a new record"),
        }
    }

    fn claimed(namespace: &str, value: &str) -> Claimed {
        Claimed { identity: Identity::new(namespace, value), stamp: Stamp(1) }
    }

    #[test]
    fn third_party_data_go_after_ninety_days_while_nobody_is_known() {
        let rules = configuration();
        let start = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let day = |days: u32| Period::Days(days).after(start);
        let panel = record(&rules, 1, 1, &[("cookie", "abcdefgh"), ("age", "42")]);
        let crm = record(&rules, 0, 2, &[("mail", "ana@x.fr")]);
        let held = [Held { record: &panel, since: start }, Held { record: &crm, since: start }];
        let nameless = [claimed("visitor", "abcdefgh")];
        let named = [claimed("email", "ana@x.fr"), claimed("visitor", "abcdefgh")];
        assert!(is_anonymous(&nameless, &rules) && is_anonymous(&[], &rules));
        assert!(!is_anonymous(&named, &rules));
        let numbers = |now, identities: &[Claimed]| {
            due(now, &held, identities, &rules).iter().map(|e| e.record.0).collect::<Vec<_>>()
        };
        let three_years = Period::Months(36).after(start);
        let cases = [
            (day(89), &nameless[..], vec![]),
            (day(90), &nameless[..], vec![1]),
            (day(90), &named[..], vec![]),
            (three_years, &nameless[..], vec![1, 2]),
            (three_years, &named[..], vec![2]),
        ];
        for (now, identities, expected) in cases {
            assert_eq!(numbers(now, identities), expected, "{now} {identities:?}");
        }
        assert_eq!(next(start, &held, &nameless, &rules), Some(day(90)));
        assert_eq!(next(day(90), &held, &nameless, &rules), Some(three_years));
        assert_eq!(next(three_years, &held, &named, &rules), None);
    }

    #[test]
    fn what_is_emptied_says_nothing_and_is_not_due_again() {
        let rules = configuration();
        let mut panel = record(&rules, 1, 1, &[("cookie", "abcdefgh"), ("age", "42")]);
        panel.fields.get_mut("age").unwrap().sent = Stamp(7);
        let gone = emptied(&panel, Stamp(99), &RunId::new("sweep"));
        assert!(!gone.is_live() && !gone.asserts_anything() && gone.identities.is_empty());
        let text = serde_json::to_string(&gone).unwrap();
        assert!(!text.contains("abcdefgh") && !text.contains("42"), "{text}");
        assert_eq!(gone.fields["age"].sent, Stamp(7));
        let held = [Held { record: &gone, since: Timestamp(0) }];
        assert!(due(Timestamp(i64::MAX), &held, &[], &rules).is_empty());
        assert_eq!(next(Timestamp(0), &held, &[], &rules), None);
        assert_eq!(emptied(&gone, Stamp(100), &RunId::new("sweep")), gone);
    }
}
