//! Who received a trait, as far as delivery has recorded it.

use std::collections::BTreeMap;

use hub_model::{
    FieldName, Mapping, Pending, PendingState, Profile, Record, RecordRef, Rules, Stamp, SyncId,
    TraitName,
};

use crate::mapping::{carried, golden, held};
use crate::sync::several::receiving;

/// How far the value of a trait has come at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reception {
    /// It is the value that the place itself asserted.
    Source,
    /// It was delivered, or the place showed it already.
    Received,
    /// An earlier value was delivered; this one is due, or kept back.
    Earlier(Stamp),
    /// Nothing was delivered yet.
    NotYet,
    /// A person has to settle the trait first.
    Held,
    /// It was tried, and the vendor asked to wait.
    Waiting,
    /// It was tried, and the outcome is not known yet.
    Unknown,
    /// The vendor rejected it.
    Rejected,
    /// Another row of the person receives what is written there.
    PassedOver,
}

impl Reception {
    /// The standing as a stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Received => "received",
            Self::Earlier(_) => "earlier",
            Self::NotYet => "not-yet",
            Self::Held => "held",
            Self::Waiting => "waiting",
            Self::Unknown => "unknown",
            Self::Rejected => "rejected",
            Self::PassedOver => "passed-over",
        }
    }
}

/// A place that a trait is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// The sync that delivers.
    pub sync: SyncId,
    /// The row there; absent while there is none.
    pub at: Option<RecordRef>,
    /// The field there.
    pub field: FieldName,
    /// How far the value has come.
    pub reception: Reception,
}

/// Every place that each trait of a profile is written to, in the order of the
/// mappings. `members` are all records of the profile, `pending` everything
/// about it that is not settled.
pub fn receivers(
    profile: &Profile,
    members: &[&Record],
    pending: &[Pending],
    rules: &Rules,
) -> BTreeMap<TraitName, Vec<Receiver>> {
    let mut found: BTreeMap<TraitName, Vec<Receiver>> = BTreeMap::new();
    let writing = rules.mappings.iter().filter(|mapping| mapping.kind == profile.kind);
    for mapping in writing {
        let there = |record: &&&Record| record.at.stream == mapping.stream && record.is_live();
        let mut here: Vec<&Record> = members.iter().filter(there).copied().collect();
        here.sort_by_key(|record| record.number);
        let chosen = receiving(here.clone(), mapping);
        let passed_over = |record: Option<&Record>| {
            record.is_some_and(|record| !chosen.iter().any(|one| one.number == record.number))
        };
        for pair in mapping.fields.iter().filter(|pair| pair.direction.writes()) {
            let (_, golden) = golden(profile, members, pair);
            let held = held(profile, pair);
            let receiver = |record: Option<&Record>| Receiver {
                sync: mapping.sync.clone(),
                at: record.map(|record| record.at.clone()),
                field: pair.field.clone(),
                reception: match reception(golden, &pair.field, record, mapping, pending) {
                    Reception::Earlier(_) | Reception::NotYet if held => Reception::Held,
                    Reception::Earlier(_) | Reception::NotYet if passed_over(record) => {
                        Reception::PassedOver
                    }
                    reception => reception,
                },
            };
            for name in carried(pair) {
                let places = found.entry(name).or_default();
                if here.is_empty() {
                    places.push(receiver(None));
                }
                places.extend(here.iter().map(|record| receiver(Some(record))));
            }
        }
    }
    found
}

fn reception(
    golden: Stamp,
    field: &FieldName,
    record: Option<&Record>,
    mapping: &Mapping,
    pending: &[Pending],
) -> Reception {
    let number = record.map(|record| record.number);
    let tried = pending.iter().find(|pending| {
        pending.key.sync == mapping.sync
            && pending.key.record == number
            && pending.attempt.fields.get(field).is_some_and(|(_, stamp)| *stamp == golden)
    });
    if let Some(tried) = tried {
        return match tried.state {
            PendingState::Unknown => Reception::Unknown,
            PendingState::Retry => Reception::Waiting,
            PendingState::Rejected => Reception::Rejected,
        };
    }
    let Some(state) = record.and_then(|record| record.fields.get(field)) else {
        return Reception::NotYet;
    };
    let own = state.asserted.as_ref().map(|asserted| asserted.stamp);
    match state.sent {
        _ if own == Some(golden) => Reception::Source,
        sent if sent == golden && golden.0 > 0 => Reception::Received,
        Stamp(0) => Reception::NotYet,
        sent => Reception::Earlier(sent),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hub_model::{
        Attempt, EntityKind, Pending, PendingKey, PendingState, ProfileId, Record, RecordNo, RunId,
        Stamp, Timestamp, Value,
    };

    use super::{Reception, receivers};
    use crate::fixture::{at, mapping, row, rules};
    use crate::profile::derive;
    use crate::sync::{Context, Observation, Row, Stamps, mark_sent, observe};

    #[test]
    fn each_place_says_how_far_the_value_has_come() {
        let crm = mapping("crm", &["name -> name"]);
        let shop = mapping("shop", &["label <- name"]);
        let till = mapping("till", &["label <-> name"]);
        let rules = rules(vec![], vec![crm, shop, till]);
        let mut stamps = Stamps::after(0);
        let mut read = |stream: usize, number: u64, fields: &[(&str, &str)]| -> Record {
            let mapping = &rules.mappings[stream];
            let run = RunId::new("run");
            let context =
                Context { number: RecordNo(number), run: &run, rules: &rules, now: Timestamp(0) };
            let (at, object) = (at(mapping, &number.to_string()), row(fields));
            let row = Row { at: &at, object: &object, raw: &object, version: None };
            match observe(None, &row, mapping, &mut stamps, &context) {
                Observation::Seen(seen) => seen.record,
                Observation::Unchanged => panic!("a first row is news"),
            }
        };
        let till = read(2, 1, &[("label", "An")]);
        let crm = read(0, 2, &[("name", "Ana")]);
        let shop = read(1, 3, &[("label", "x")]);
        let told = |members: &[&Record], pending: &[Pending]| {
            let profile = derive(ProfileId(1), EntityKind::Person, members, &rules);
            let found = receivers(&profile, members, pending, &rules);
            let places = found["name"].iter();
            places.map(|p| (p.sync.to_string(), p.reception)).collect::<Vec<_>>()
        };
        let of = |sync: &str, reception| (sync.to_owned(), reception);
        use Reception::{Earlier, NotYet, Received, Rejected, Source, Unknown, Waiting};
        assert_eq!(told(&[&till], &[]), [of("shop", NotYet), of("till", Source)]);
        // What a place says itself counts as told to it: the newer value is due.
        let own = till.fields["label"].asserted.as_ref().unwrap().stamp;
        assert_eq!(
            told(&[&till, &crm, &shop], &[]),
            [of("shop", NotYet), of("till", Earlier(own))]
        );
        let golden = crm.fields["name"].asserted.as_ref().unwrap().stamp;
        let fields = |stamp| BTreeMap::from([("label".into(), stamp)]);
        let shown = mark_sent(&shop, &fields(golden));
        assert_eq!(told(&[&crm, &shown], &[])[0], of("shop", Received));
        let old = mark_sent(&shop, &fields(Stamp(1)));
        assert_eq!(told(&[&crm, &old], &[])[0], of("shop", Earlier(Stamp(1))));
        for (state, reception) in [
            (PendingState::Unknown, Unknown),
            (PendingState::Retry, Waiting),
            (PendingState::Rejected, Rejected),
        ] {
            let value = (Value::text("Ana"), golden);
            let pending = Pending {
                key: PendingKey {
                    sync: "shop".into(),
                    profile: ProfileId(2),
                    record: Some(shop.number),
                },
                state,
                attempt: Attempt {
                    fields: BTreeMap::from([("label".into(), value)]),
                    idempotency_key: String::new(),
                },
                run: None,
                tries: 1,
                due: Timestamp(0),
                fault: None,
                word: None,
            };
            assert_eq!(told(&[&crm, &old], &[pending])[0], of("shop", reception));
        }
    }
}
