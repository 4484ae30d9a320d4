//! What-if: changed rules over the same facts.

use std::collections::BTreeSet;

use hub_model::{
    Namespace, Normaliser, Part, ProfileId, Record, RecordNo, Rules, RunId, Survivorship,
    Timestamp, TraitName, TraitRule,
};

use super::preview::{Facts, Preview, Writes, preview};
use super::rebuild::rebuild;
use super::restate;
use crate::fixture::{Rng, at, cases, mapping, namespace, row, rules};
use crate::sync::{Context, Observation, Row, Stamps, observe};

fn configuration() -> Rules {
    let crm =
        mapping("crm", &["mail -> mail email", "name <-> name", "birth -> born", "tel -> tel"]);
    let shop =
        mapping("shop", &["mail -> mail email", "name -> name", "birth -> born", "tel -> tel"]);
    rules(vec![namespace("email", Normaliser::Email)], vec![crm, shop])
}

fn read(rules: &Rules, stream: usize, number: u64, row_: [&str; 4], stamps: &mut Stamps) -> Record {
    let mapping = &rules.mappings[stream];
    let run = RunId::new("run");
    let context = Context { number: RecordNo(number), run: &run, rules, now: Timestamp(0) };
    let names = ["mail", "name", "birth", "tel"];
    let fields: Vec<(&str, &str)> = names.into_iter().zip(row_).collect();
    let (at, object) = (at(mapping, &number.to_string()), row(&fields));
    let row = Row { at: &at, object: &object, raw: &object, version: None };
    match observe(None, &row, mapping, stamps, &context) {
        Observation::Seen(seen) => seen.record,
        Observation::Unchanged => panic!("a new record"),
    }
}

fn facts(rules: &Rules) -> Facts<'_> {
    Facts { decisions: &[], rules }
}

fn ids(numbers: &[u64]) -> BTreeSet<ProfileId> {
    numbers.iter().copied().map(ProfileId).collect()
}

#[test]
fn rules_join_split_and_change() {
    let before = configuration();
    let mut stamps = Stamps::after(0);
    let people = [
        (0, ["ana@x.fr", "Ana L\u{f3}pez", "1980-05-01", "0612345698"]),
        (1, ["ana@x.fr", "Ana", "", ""]),
        (1, ["al@y.fr", "LOPEZ, ANA", "1980-05-01", "06 12 34 56 98"]),
        (1, ["bob@x.fr", "Ana Lopez", "1980-05-01", ""]),
        (0, ["carl@x.fr", "Carl", "1990-01-02", ""]),
        (1, ["n/a", "Ana Lopez", "1980-05-01", ""]),
    ];
    let records: Vec<Record> = people
        .into_iter()
        .zip(1..)
        .map(|((stream, row), number)| read(&before, stream, number, row, &mut stamps))
        .collect();
    let look = |after: &Rules| preview(&records, facts(&before), facts(after));

    // Nothing changes: nothing would.
    let same = look(&before);
    assert_eq!(same, Preview { unchanged: 5, ..Preview::default() });

    // A composite finds the accent-free, and not the turned-around name.
    let part = |of: &str, normaliser| Part { of: TraitName::new(of), normaliser };
    let mut after = before.clone();
    after.namespaces.push(Namespace {
        parts: vec![part("name", Normaliser::Name), part("born", Normaliser::Date)],
        ..namespace("name-birth", Normaliser::Composite)
    });
    after.mappings.iter_mut().for_each(|m| m.composites = vec!["name-birth".into()]);
    let joined = look(&after);
    let merges: Vec<_> = joined.merges.iter().map(|m| (m.into.0, m.from.clone())).collect();
    assert_eq!(merges, [(1, ids(&[1, 4, 6]))]);
    // Two others have one identity more.
    assert!(joined.splits.is_empty(), "{joined:?}");
    assert_eq!((&joined.changed, joined.unchanged), (&ids(&[3, 5]), 0));
    // The newest name would be written into the row of Ana L\u{f3}pez.
    let writes: Vec<_> = joined.writes.iter().map(|(sync, w)| (sync.as_str(), *w)).collect();
    assert_eq!(writes, [("crm", Writes { updates: 1, creates: 0 })]);

    // Telephone numbers name people from now on: as written so far they would
    // have been exact texts; the normal form joins them.
    let mut after = before.clone();
    after.namespaces.push(namespace("phone", Normaliser::Phone));
    for pair in after.mappings.iter_mut().flat_map(|m| &mut m.fields) {
        if pair.field.as_str() == "tel" {
            pair.identity = Some("phone".into());
        }
    }
    let merges: Vec<_> = look(&after).merges.into_iter().map(|m| (m.into.0, m.from)).collect();
    assert_eq!(merges, [(1, ids(&[1, 3]))]);

    // Distrusting e-mail takes Ana apart.
    let mut after = before.clone();
    after.namespaces[0].trusted = false;
    let split = look(&after);
    let splits: Vec<_> = split.splits.iter().map(|s| (s.profile.0, s.into.clone())).collect();
    assert_eq!(splits, [(1, ids(&[1, 2]))]);
    assert!(split.merges.is_empty());

    // Another survivorship moves values, and nobody.
    let mut after = before.clone();
    after.traits.push(TraitRule {
        name: TraitName::new("name"),
        rule: Survivorship::Longest,
        sources: Vec::new(),
    });
    let moved = look(&after);
    // Everybody's rule is named otherwise; the value moves for one.
    assert!(moved.merges.is_empty() && moved.splits.is_empty());
    assert!(moved.changed.contains(&ProfileId(1)), "{moved:?}");
}

/// What the preview says is what applying comes to: restating and rebuilding.
#[test]
fn the_preview_is_what_applying_comes_to() {
    let mut told = 0;
    for seed in 0..cases(300) {
        let mut rng = Rng(seed);
        let change = |rules: &mut Rules, rng: &mut Rng| {
            let email = &mut rules.namespaces[0];
            email.trusted = rng.percent(70);
            email.normaliser = *rng.pick(&[Normaliser::Email, Normaliser::Exact]);
            email.values_per_profile_max = [1, 2, 25][rng.below(3)];
            rules.mappings[1].records_per_profile_max = [None, Some(1)][rng.below(2)];
        };
        let (mut before, mut after) = (configuration(), configuration());
        change(&mut before, &mut rng);
        change(&mut after, &mut rng);
        let mut stamps = Stamps::after(0);
        let mails = ["a@x.fr", "A@x.fr", "b@x.fr", "", "n/a"];
        let records: Vec<Record> = (1..8)
            .map(|number| {
                let row = [*rng.pick(&mails), "n", "", ""];
                read(&before, rng.below(2), number, row, &mut stamps)
            })
            .collect();
        let would = preview(&records, facts(&before), facts(&after));
        let restated = records.iter().map(|record| Record {
            identities: restate(record, &before, &after),
            ..record.clone()
        });
        let now = rebuild(records.clone(), &[], &before);
        let then = rebuild(restated.collect(), &[], &after);
        let owner = |number: RecordNo| then.records[&number].profile;
        for profile in now.profiles.values() {
            let into: BTreeSet<ProfileId> = profile.records.iter().map(|n| owner(*n)).collect();
            let split = would.splits.iter().find(|split| split.profile == profile.id);
            assert_eq!(split.map(|split| &split.into), (into.len() > 1).then_some(&into));
        }
        for profile in then.profiles.values() {
            let from: BTreeSet<ProfileId> =
                profile.records.iter().map(|n| now.records[n].profile).collect();
            let merge = would.merges.iter().find(|merge| merge.into == profile.id);
            assert_eq!(merge.map(|merge| &merge.from), (from.len() > 1).then_some(&from));
            told += usize::from(from.len() > 1);
        }
    }
    assert!(told as u64 > cases(300) / 10, "{told}");
}
