//! Resolving and deriving alone, in memory: the pure modules over tables of
//! their own, without engine, store or disk, beside plain grouping of the same
//! rows. Both parse the rows' text; making it is in neither account.
//!
//! Two curves show that no step grows with what is there already: what a row
//! costs when ten thousand, a hundred thousand or a million are known, and what
//! one more row costs a person of two, twenty or two hundred records.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use hub_core::identity::{Resolution, Separations, World};
use hub_core::sync::{self, Context, Observation, Row, Seen, Stamps};
use hub_model::{
    Claim, Fault, Identity, Mapping, Object, Profile, ProfileId, Record, RecordNo, RecordRef,
    RemoteKey, Rules, RunId, Timestamp, Value,
};
use plugin_api::ItemChange;
use serde::{Deserialize, Serialize};

use crate::clock::thread_cpu;
use crate::feed::{PAGE_ROWS, item};
use crate::people::People;
use crate::references::Groups;
use crate::world::CUSTOMERS;

/// Sizes at which the cost of a row is told.
pub const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];
/// The last rows before a size, over which the cost is taken.
const LAST_ROWS: u64 = 10_000;
/// Sizes of persons to which a record is added.
pub const CLUSTERS: [usize; 3] = [2, 20, 200];
/// Persons of each size.
const PERSONS_PER_SIZE: u64 = 50;

/// What resolving in memory came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    /// Rows resolved.
    pub rows: u64,
    /// Profiles that they became.
    pub profiles: u64,
    /// Parsing, resolving and deriving: CPU microseconds a row.
    pub resolve_micros: f64,
    /// Parsing and plain grouping: CPU microseconds a row.
    pub group_micros: f64,
    /// The one by the other.
    pub ratio: f64,
    /// What a row costs when so many are known.
    pub growth: Vec<Step>,
    /// What one more record costs a person of so many.
    pub clusters: Vec<Step>,
}

/// A cost at a size.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Step {
    /// How many there are.
    pub size: u64,
    /// CPU microseconds for one more.
    pub micros: f64,
}

fn micros(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() * 1e6 / count.max(1) as f64
}

/// Resolves `rows` rows under the configuration of `world`, groups the same
/// rows, and adds records to persons of every size.
///
/// # Errors
/// The configuration is wrong, or the profiles or groups are not the persons
/// that the rows are about.
pub fn measure(world: &Path, people: People, rows: u64) -> Result<Measured> {
    let config = hub_config::load(world).map_err(|faults| anyhow!("{faults:?}"))?;
    let mapping = config.sync(CUSTOMERS).context("no sync of customers")?.mapping.clone();
    let mut people_known = Tables::new(config.rules(), mapping.clone());
    let (mut resolving, mut growth) = (Duration::ZERO, Vec::new());
    let mut last = Duration::ZERO;
    for first in (0..rows).step_by(usize::try_from(PAGE_ROWS)?) {
        let end = rows.min(first + PAGE_ROWS);
        let texts = texts(people, first, end);
        let begun = thread_cpu();
        people_known.page(&parsed(first, &texts)?)?;
        let spent = thread_cpu().saturating_sub(begun);
        resolving += spent;
        last += spent;
        if SIZES.contains(&end) {
            growth.push(Step { size: end, micros: micros(last, LAST_ROWS) });
        }
        if end.is_multiple_of(LAST_ROWS) {
            last = Duration::ZERO;
        }
    }
    let persons = people.persons(rows);
    let profiles = people_known.profiles.len() as u64;
    if profiles != persons {
        bail!("{rows} rows of {persons} persons became {profiles} profiles");
    }
    drop(people_known);
    let grouping = group(people, rows)?;
    let clusters = CLUSTERS.iter().map(|size| cluster(config.rules(), &mapping, people, *size));
    Ok(Measured {
        rows,
        profiles,
        resolve_micros: micros(resolving, rows),
        group_micros: micros(grouping, rows),
        ratio: resolving.as_secs_f64() / grouping.as_secs_f64(),
        growth,
        clusters: clusters.collect::<Result<_>>()?,
    })
}

fn texts(people: People, first: u64, end: u64) -> Vec<String> {
    let text = |row| {
        let mut text = String::with_capacity(512);
        people.write(row, 0, &mut text);
        text
    };
    (first..end).map(text).collect()
}

/// Keys and fields of rows.
fn parsed(first: u64, texts: &[String]) -> Result<Vec<(RemoteKey, Object)>> {
    let fields = |(row, text): (u64, &String)| {
        let item = item(row, text)?;
        let ItemChange::Upsert(row) = item.change else { return Ok(None) };
        Ok(Some((item.key, row.fields()?.into_owned())))
    };
    let rows = (first..).zip(texts).filter_map(|line| fields(line).transpose());
    rows.collect::<Result<_, Fault>>().map_err(|fault| anyhow!("{fault:?}"))
}

/// Parses and groups the same rows; how long that took.
fn group(people: People, rows: u64) -> Result<Duration> {
    let (mut groups, mut grouping) = (Groups::default(), Duration::ZERO);
    for first in (0..rows).step_by(usize::try_from(PAGE_ROWS)?) {
        let texts = texts(people, first, rows.min(first + PAGE_ROWS));
        let begun = thread_cpu();
        for (_, row) in parsed(first, &texts)? {
            let text = |name: &str| row.get(name).and_then(Value::as_text).map(str::to_owned);
            groups.row(["id", "email", "phone"].into_iter().filter_map(text));
        }
        grouping += thread_cpu().saturating_sub(begun);
    }
    if groups.count() != people.persons(rows) {
        bail!("{} groups for {} persons", groups.count(), people.persons(rows));
    }
    Ok(grouping)
}

/// What one more record costs persons of `size` records, who are known by one
/// address each.
fn cluster(mut rules: Rules, mapping: &Mapping, people: People, size: usize) -> Result<Step> {
    for namespace in &mut rules.namespaces {
        namespace.records_per_value_max = u32::MAX;
        namespace.values_per_profile_max = u32::MAX;
    }
    let mut known = Tables::new(rules, mapping.clone());
    let (mut adding, mut row) = (Duration::ZERO, 0);
    for person in 0..PERSONS_PER_SIZE {
        for nth in 0..=size {
            let mut rows = parsed(row, &texts(people, row, row + 1))?;
            row += 1;
            for (_, fields) in &mut rows {
                fields.insert("email".into(), Value::text(format!("p{person}@example.org")));
                fields.insert("phone".into(), Value::Null);
            }
            let begun = thread_cpu();
            known.page(&rows)?;
            if nth == size {
                adding += thread_cpu().saturating_sub(begun);
            }
        }
    }
    if known.profiles.len() as u64 != PERSONS_PER_SIZE {
        bail!("{PERSONS_PER_SIZE} persons became {} profiles", known.profiles.len());
    }
    Ok(Step { size: size as u64, micros: micros(adding, PERSONS_PER_SIZE) })
}

/// What a store would keep, in tables of this process.
struct Tables {
    rules: Rules,
    mapping: Mapping,
    separations: Separations,
    run: RunId,
    stamps: Stamps,
    numbers: HashMap<RemoteKey, RecordNo>,
    records: HashMap<RecordNo, Record>,
    profiles: HashMap<ProfileId, Profile>,
    claims: HashMap<Identity, Claim>,
}

impl Tables {
    fn new(rules: Rules, mapping: Mapping) -> Self {
        Self {
            rules,
            mapping,
            separations: Separations::new(&[]),
            run: RunId::new("bench"),
            stamps: Stamps::after(0),
            numbers: HashMap::new(),
            records: HashMap::new(),
            profiles: HashMap::new(),
            claims: HashMap::new(),
        }
    }

    /// Takes a page in: what it says, who it is about, what follows.
    fn page(&mut self, rows: &[(RemoteKey, Object)]) -> Result<()> {
        let seen = rows.iter().filter_map(|(key, object)| self.observe(key, object));
        let seen: Vec<Seen> = seen.collect();
        let resolution = self.resolve(seen)?;
        self.keep(resolution);
        Ok(())
    }

    fn observe(&mut self, key: &RemoteKey, object: &Object) -> Option<Seen> {
        let known = self.numbers.get(key).and_then(|number| self.records.get(number));
        let next = RecordNo(self.numbers.len() as u64 + 1);
        let number = known.map_or(next, |record| record.number);
        let at = RecordRef { stream: self.mapping.stream.clone(), key: key.clone() };
        let row = Row { at: &at, object, raw: object, version: None };
        let rules = &self.rules;
        let about = Context { number, run: &self.run, rules, now: Timestamp(0) };
        match sync::observe(known, &row, &self.mapping, &mut self.stamps, &about) {
            Observation::Seen(seen) => {
                self.numbers.insert(key.clone(), number);
                Some(*seen)
            }
            Observation::Unchanged => None,
        }
    }

    fn resolve(&self, seen: Vec<Seen>) -> Result<Resolution> {
        let mut world = World::new(&self.rules, &self.separations);
        for seen in &seen {
            if let Some(record) = self.records.get(&seen.record.number) {
                world.load_record(record.clone());
            }
        }
        loop {
            let needs = world.needs(seen.iter().flat_map(|seen| &seen.facts));
            if needs.is_empty() {
                break;
            }
            for number in &needs.records {
                let record = self.records.get(number).context("a record is missing")?;
                world.load_record(record.clone());
            }
            for id in &needs.profiles {
                world.load_profile(self.profiles.get(id).context("a profile is missing")?);
            }
            for identity in needs.claims {
                let claim = self.claims.get(&identity).cloned().unwrap_or_default();
                world.load_claim(identity, claim);
            }
        }
        for seen in seen {
            world.apply(seen)?;
        }
        Ok(world.finish()?)
    }

    fn keep(&mut self, resolution: Resolution) {
        for (absorbed, _) in resolution.joins {
            self.profiles.remove(&absorbed);
        }
        self.records.extend(resolution.records.into_iter().map(|record| (record.number, record)));
        self.profiles.extend(resolution.profiles.into_iter().map(|found| (found.id, found)));
        self.claims.extend(resolution.claims);
    }
}

#[cfg(test)]
mod tests {
    use super::{CLUSTERS, measure};
    use crate::people::People;
    use crate::world::{Purpose, World};

    #[test]
    fn rows_become_persons_and_persons_grow() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("world");
        let world = World::create(&root, folder.path(), 1, Purpose::Work).unwrap();
        let measured = measure(world.root(), People::new(5), 2_000).unwrap();
        assert_eq!(measured.profiles, People::new(5).persons(2_000));
        assert!(measured.ratio > 0.0 && measured.group_micros > 0.0, "{measured:?}");
        let sizes: Vec<_> = measured.clusters.iter().map(|step| step.size as usize).collect();
        assert_eq!(sizes, CLUSTERS);
    }
}
