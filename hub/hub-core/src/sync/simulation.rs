//! Small worlds of vendors that rewrite what they are given, lose answers and
//! are edited all the time: after a while everybody agrees and nothing moves.
//!
//! The engine's order of steps is played here in its simplest form, on values
//! in memory; that the real engine keeps it is for `tests/simulation` to show.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{
    Attempt, Identity, Mapping, Normaliser, Object, Origin, Profile, ProfileId, Record, RecordNo,
    Rules, RunId, Stamp, Survivorship, SyncId, Text, Timestamp, TraitName, TraitRule, Value,
};

use super::{
    Birth, Context, Due, Observation, Row, Stamps, created, delivered, due, looks_like, mark_sent,
    observe, settle_echo,
};
use crate::fixture::{Rng, at, mapping, namespace, row, rules};
use crate::identity::{Separations, World};

#[derive(Clone, Copy)]
enum Form {
    AsGiven,
    Upper,
    Cut,
    Trimmed,
}

impl Form {
    fn of(self, value: &Value) -> Value {
        match (self, value) {
            (Self::Upper, Value::Text(text)) => Value::text(text.to_uppercase()),
            (Self::Cut, Value::Text(text)) => Value::text(text.chars().take(6).collect::<String>()),
            (Self::Trimmed, Value::Text(text)) if text.is_empty() => Value::Null,
            _ => value.clone(),
        }
    }
}

struct Vendor {
    rows: BTreeMap<String, Object>,
    form: Form,
    returns: bool,
    next: usize,
    writes: usize,
}

impl Vendor {
    fn put(&mut self, key: &str, fields: impl IntoIterator<Item = (Text, Value)>) -> Object {
        let row = self.rows.entry(key.to_owned()).or_default();
        for (name, value) in fields {
            let form = if name == "mail" { value } else { self.form.of(&value) };
            row.insert(name, form);
        }
        row.clone()
    }

    fn new_key(&mut self) -> String {
        self.next += 1;
        format!("k{}", self.next)
    }
}

struct Sim {
    rng: Rng,
    rules: Rules,
    vendors: Vec<Vendor>,
    records: BTreeMap<RecordNo, Record>,
    profiles: BTreeMap<ProfileId, Profile>,
    claims: BTreeMap<Identity, hub_model::Claim>,
    keys: BTreeMap<(usize, String), RecordNo>,
    unknown: BTreeMap<(usize, ProfileId), (Option<RecordNo>, Attempt)>,
    stamps: Stamps,
    /// Every value that somebody typed, in the form the vendor gave it.
    typed: BTreeSet<Value>,
    deleted: BTreeSet<Value>,
    loss_percent: usize,
    serial: usize,
}

impl Sim {
    fn new(seed: u64) -> Self {
        let mut rng = Rng(seed);
        let forms = [Form::AsGiven, Form::Upper, Form::Cut, Form::Trimmed];
        let vendors: Vec<Vendor> = (0..2 + rng.below(2))
            .map(|_| Vendor {
                rows: BTreeMap::new(),
                form: *rng.pick(&forms),
                returns: rng.percent(70),
                next: 0,
                writes: 0,
            })
            .collect();
        let pairs = ["mail <-> mail email", "name <-> name", "phone <-> phone"];
        let mappings =
            (0..vendors.len()).map(|n| mapping(&format!("v{n}"), &pairs)).collect::<Vec<_>>();
        let mut rules = rules(vec![namespace("email", Normaliser::Email)], mappings);
        // In every third world the first vendor owns the names.
        if seed % 3 == 1 {
            let sources = vec![SyncId::new("v0")];
            let name = TraitName::new("name");
            rules.traits.push(TraitRule { name, rule: Survivorship::Owner, sources });
        }
        Self {
            rules,
            vendors,
            records: BTreeMap::new(),
            profiles: BTreeMap::new(),
            claims: BTreeMap::new(),
            keys: BTreeMap::new(),
            unknown: BTreeMap::new(),
            stamps: Stamps::after(0),
            typed: BTreeSet::from([Value::Null]),
            deleted: BTreeSet::new(),
            loss_percent: [0, 10, 40][rng.below(3)],
            serial: 0,
            rng,
        }
    }

    fn mapping(&self, vendor: usize) -> Mapping {
        self.rules.mappings[vendor].clone()
    }

    // ---- people

    fn user(&mut self) {
        self.serial += 1;
        let v = self.rng.below(self.vendors.len());
        let keys: Vec<String> = self.vendors[v].rows.keys().cloned().collect();
        let value = format!("{:04} Value", self.serial);
        if keys.is_empty() || self.rng.percent(20) {
            let mail = format!("p{}@x.fr", self.rng.below(6));
            let known = |v: &Vendor| v.rows.values().any(|r| r["mail"] == Value::text(&*mail));
            if known(&self.vendors[v]) || self.deleted.contains(&Value::text(&*mail)) {
                return;
            }
            let key = self.vendors[v].new_key();
            let fields = row(&[("mail", &mail), ("name", &value), ("phone", "")]);
            let shown = self.vendors[v].put(&key, fields);
            self.typed.extend(shown.into_values());
        } else if self.rng.percent(6) {
            let key = self.rng.pick(&keys).clone();
            let known = self.keys.contains_key(&(v, key.clone()));
            let gone = self.vendors[v].rows.remove(&key).unwrap();
            // Only what the hub knew must stay away.
            if known {
                self.deleted.insert(gone["mail"].clone());
            }
        } else {
            let key = self.rng.pick(&keys).clone();
            let field = *self.rng.pick(&["name", "phone"]);
            let shown = self.vendors[v].put(&key, [(field.into(), Value::text(value))]);
            self.typed.extend(shown.into_values());
        }
    }

    // ---- the hub

    fn pull(&mut self, v: usize) {
        for (key, row) in self.vendors[v].rows.clone() {
            self.read(v, &key, &row);
        }
        let known: Vec<(String, RecordNo)> = self
            .keys
            .iter()
            .filter(|((vendor, _), _)| *vendor == v)
            .map(|((_, key), number)| (key.clone(), *number))
            .collect();
        for (key, number) in known {
            if !self.vendors[v].rows.contains_key(&key) && self.records[&number].is_live() {
                let stamp = self.stamps.next();
                self.change(|world| world.delete(number, stamp, &RunId::new("r")));
            }
        }
    }

    fn read(&mut self, v: usize, key: &str, row: &Object) {
        let mapping = self.mapping(v);
        let number = self.keys.get(&(v, key.to_owned())).copied();
        let record = number.map(|number| self.records[&number].clone());
        let run = RunId::new("r");
        let next = RecordNo(self.keys.len() as u64 + 1);
        // People type now and then: an hour passes between two of them.
        let now = Timestamp::from_seconds(3_600 * i64::try_from(self.serial).unwrap());
        let context = Context { number: next, run: &run, rules: &self.rules, now };
        let at = at(&mapping, key);
        let seen = Row { at: &at, object: row, raw: row, version: None };
        let observed = observe(record.as_ref(), &seen, &mapping, &mut self.stamps, &context);
        let Observation::Seen(seen) = observed else { return };
        self.keys.insert((v, key.to_owned()), seen.record.number);
        self.change(|world| world.apply(*seen));
    }

    fn change(
        &mut self,
        told: impl FnOnce(&mut World<'_>) -> Result<(), crate::identity::NotLoaded>,
    ) {
        let separations = Separations::default();
        let mut world = World::new(&self.rules, &separations);
        self.records.values().for_each(|record| world.load_record(record.clone()));
        self.profiles.values().for_each(|profile| world.load_profile(profile));
        for n in 0..6 {
            let identity = Identity::new("email", &format!("p{n}@x.fr"));
            let claim = self.claims.get(&identity).cloned().unwrap_or_default();
            world.load_claim(identity, claim);
        }
        told(&mut world).unwrap();
        let resolution = world.finish().unwrap();
        self.records.extend(resolution.records.into_iter().map(|r| (r.number, r)));
        resolution.joins.iter().for_each(|(absorbed, _)| drop(self.profiles.remove(absorbed)));
        self.profiles.extend(resolution.profiles.into_iter().map(|p| (p.id, p)));
        self.claims.extend(resolution.claims);
    }

    fn owed(&self, v: usize, profile: &Profile) -> Vec<Due> {
        let members: Vec<&Record> = profile.records.iter().map(|n| &self.records[n]).collect();
        due(profile, &members, &self.rules.mappings[v])
    }

    fn push(&mut self, v: usize, id: ProfileId) {
        if let Some((record, attempt)) = self.unknown.remove(&(v, id)) {
            return self.settle(v, record, &attempt);
        }
        let Some(profile) = self.profiles.get(&id).cloned() else { return };
        for due in self.owed(v, &profile) {
            match due {
                Due::MarkSent { record, fields } => {
                    let next = mark_sent(&self.records[&record], &fields);
                    self.records.insert(record, next);
                }
                Due::Remove { .. } => unreachable!("nobody takes anything back here"),
                Due::Refused { .. } => unreachable!("every value has a form here"),
                Due::Update { record, fields } => self.update(v, id, record, fields),
                Due::Create { fields, matching, for_record } => {
                    let hit = self.find(v, &matching[0].1);
                    match hit {
                        Some((key, row)) => self.read(v, &key, &row),
                        None => self.create(v, id, fields, for_record),
                    }
                }
            }
        }
    }

    fn find(&self, v: usize, mail: &Value) -> Option<(String, Object)> {
        let rows = self.vendors[v].rows.iter();
        rows.clone().find(|(_, row)| row["mail"] == *mail).map(|(k, r)| (k.clone(), r.clone()))
    }

    fn update(
        &mut self,
        v: usize,
        id: ProfileId,
        number: RecordNo,
        fields: BTreeMap<hub_model::FieldName, (Value, Stamp)>,
    ) {
        let key = self.records[&number].at.key.as_str().to_owned();
        // Read before write: an edit that we have not seen is not overwritten.
        let before = self.records[&number].fields.clone();
        match self.vendors[v].rows.get(&key).cloned() {
            None => return,
            Some(row) => self.read(v, &key, &row),
        }
        if self.records[&number].fields != before {
            return;
        }
        let attempt = Attempt { fields, idempotency_key: String::new() };
        let Some(returned) = self.send(v, id, Some(number), &key, &attempt) else { return };
        let mapping = self.mapping(v);
        let next = delivered(&self.records[&number], &attempt, returned.as_ref(), None, &mapping);
        self.records.insert(number, next);
    }

    fn create(
        &mut self,
        v: usize,
        id: ProfileId,
        fields: BTreeMap<hub_model::FieldName, (Value, Stamp)>,
        for_record: RecordNo,
    ) {
        let attempt = Attempt { fields, idempotency_key: String::new() };
        let key = self.vendors[v].new_key();
        let Some(returned) = self.send(v, id, None, &key, &attempt) else { return };
        self.made(v, id, &key, &attempt, returned.as_ref(), for_record);
    }

    fn made(
        &mut self,
        v: usize,
        id: ProfileId,
        key: &str,
        attempt: &Attempt,
        row: Option<&Object>,
        for_record: RecordNo,
    ) {
        let mapping = self.mapping(v);
        let birth = Birth {
            number: RecordNo(self.keys.len() as u64 + 1),
            stamp: self.stamps.next(),
            at: at(&mapping, key),
            for_record,
            profile: id,
            run: RunId::new("r"),
        };
        self.keys.insert((v, key.to_owned()), birth.number);
        let record = created(birth, attempt, row, None, &mapping);
        self.change(|world| world.found(record));
    }

    /// `None` when no answer came; the request may have arrived all the same.
    fn send(
        &mut self,
        v: usize,
        id: ProfileId,
        record: Option<RecordNo>,
        key: &str,
        attempt: &Attempt,
    ) -> Option<Option<Object>> {
        let lost = self.rng.percent(self.loss_percent);
        let arrives = !lost || self.rng.percent(50);
        let fields = attempt.fields.iter().map(|(f, (v, _))| (f.as_str().into(), v.clone()));
        let vendor = &mut self.vendors[v];
        let row = arrives.then(|| {
            vendor.writes += 1;
            vendor.put(key, fields)
        });
        if lost {
            self.unknown.insert((v, id), (record, attempt.clone()));
            return None;
        }
        // A vendor that returns nothing leaves its form to the next read.
        Some(if vendor.returns { row } else { None })
    }

    fn settle(&mut self, v: usize, record: Option<RecordNo>, attempt: &Attempt) {
        let mapping = self.mapping(v);
        let Some(number) = record else {
            let Some((key, row)) = self.find(v, &attempt.fields["mail"].0) else { return };
            if self.keys.contains_key(&(v, key.clone())) {
                return;
            }
            let claim = Identity::new("email", attempt.fields["mail"].0.as_text().unwrap());
            let owner = self.claims.get(&claim).and_then(|claim| claim.profiles.first().copied());
            let founder = owner.and_then(|id| {
                let live = self.profiles[&id].records.iter().find(|n| self.records[n].is_live());
                live.map(|n| (id, *n))
            });
            return match founder {
                Some((id, founder)) if looks_like(attempt, &row, &mapping.matching) => {
                    // Nothing of the row is believed yet: reading it tells echo from edit.
                    self.made(v, id, &key, attempt, None, founder);
                    self.read(v, &key, &row);
                }
                _ => self.read(v, &key, &row),
            };
        };
        let key = self.records[&number].at.key.as_str().to_owned();
        let Some(row) = self.vendors[v].rows.get(&key).cloned() else { return };
        let settled = settle_echo(&self.records[&number], attempt, &row, &mapping);
        self.records.insert(number, settled);
        self.read(v, &key, &row);
    }

    fn writes(&self) -> usize {
        self.vendors.iter().map(|vendor| vendor.writes).sum()
    }

    fn round(&mut self) {
        for v in 0..self.vendors.len() {
            if self.unknown.keys().all(|(vendor, _)| *vendor != v) {
                self.pull(v);
            }
        }
        for v in 0..self.vendors.len() {
            let unknown = self.unknown.keys().map(|(_, id)| *id);
            let ids: BTreeSet<ProfileId> = self.profiles.keys().copied().chain(unknown).collect();
            ids.into_iter().for_each(|id| self.push(v, id));
        }
    }
}

fn run(seed: u64) -> Sim {
    let mut sim = Sim::new(seed);
    for _ in 0..120 {
        if sim.rng.percent(40) {
            sim.user();
            continue;
        }
        let v = sim.rng.below(sim.vendors.len());
        let ids: Vec<ProfileId> = sim.profiles.keys().copied().collect();
        if ids.is_empty() || sim.rng.percent(40) {
            // Read back first: a page must not be taken for edits of what we wrote.
            let pending: Vec<_> = sim.unknown.keys().filter(|(w, _)| *w == v).copied().collect();
            pending.into_iter().for_each(|(v, id)| sim.push(v, id));
            sim.pull(v);
        } else {
            let id = *sim.rng.pick(&ids);
            sim.push(v, id);
        }
    }
    sim.loss_percent = 0;
    sim
}

#[test]
fn everybody_agrees_and_falls_silent() {
    let (mut writes, mut creates, mut lost) = (0, 0, 0);
    for seed in 0..400 {
        let mut sim = run(seed);
        lost += sim.unknown.len();
        let before = sim.writes();
        // A vendor that returns nothing shows its form one read later.
        for _ in 0..4 {
            sim.round();
        }
        let settled = sim.writes();
        writes += settled - before;
        for _ in 0..3 {
            sim.round();
        }
        assert_eq!(sim.writes(), settled, "seed {seed}: not quiet (I2)");
        check(&sim, seed);
        creates += sim.records.values().filter(|r| r.origin != Origin::Received).count();
    }
    assert!(writes > 1_000 && creates > 500 && lost > 50, "{writes} {creates} {lost}");
}

fn check(sim: &Sim, seed: u64) {
    for profile in sim.profiles.values() {
        // Copies of a person whose own records are gone are left as they are.
        let spoken_for = profile.records.iter().map(|n| &sim.records[n]).any(|record| {
            record.is_live() && (record.origin == Origin::Received || record.asserts_anything())
        });
        if !spoken_for {
            continue;
        }
        let golden = |name: &str| {
            profile.traits.get(name).map_or(Value::Null, |golden| golden.value.clone())
        };
        for (v, vendor) in sim.vendors.iter().enumerate() {
            let here: Vec<&Record> = profile
                .records
                .iter()
                .map(|n| &sim.records[n])
                .filter(|r| r.at.stream == sim.rules.mappings[v].stream && r.is_live())
                .collect();
            assert!(here.len() <= 1, "seed {seed}: doubled (I6)");
            for record in here {
                let row = &vendor.rows[record.at.key.as_str()];
                for name in ["name", "phone"] {
                    let expected = vendor.form.of(&golden(name));
                    let same = row.get(name).unwrap_or(&Value::Null) == &expected;
                    assert!(same, "seed {seed}: {name} differs (I1)");
                }
            }
        }
        let owned = profile.records.iter().map(|n| &sim.records[n]).filter(|record| {
            let owns = |rule: &TraitRule| rule.sources.contains(&SyncId::new("v0"));
            record.at.stream.connection.as_str() == "v0" && sim.rules.traits.iter().any(owns)
        });
        let said = owned.filter_map(|record| record.fields.get("name")?.asserted.as_ref());
        if let Some(said) = said.max_by_key(|said| said.stamp) {
            assert_eq!(golden("name"), said.value, "seed {seed}: not what its owner says");
        }
        for name in ["name", "phone"] {
            assert!(sim.typed.contains(&golden(name)), "seed {seed}: invented value (I5)");
        }
    }
    for vendor in &sim.vendors {
        let mails: BTreeSet<&Value> = vendor.rows.values().map(|row| &row["mail"]).collect();
        assert_eq!(mails.len(), vendor.rows.len(), "seed {seed}: doubled (I6)");
    }
}

/// Writing back what one reads, in one's own form, never starts a conversation.
#[test]
fn two_vendors_that_rewrite_each_other_rest_after_one_write() {
    for forms in [[Form::Upper, Form::Cut], [Form::Cut, Form::Upper], [Form::Upper, Form::AsGiven]]
    {
        let mut sim = Sim::new(1);
        sim.loss_percent = 0;
        sim.vendors.truncate(2);
        for (vendor, form) in sim.vendors.iter_mut().zip(forms) {
            (vendor.form, vendor.returns) = (form, true);
            vendor.put("k1", row(&[("mail", "p1@x.fr"), ("name", "Ana Maria"), ("phone", "")]));
            vendor.next = 1;
        }
        for _ in 0..5 {
            sim.round();
        }
        assert!(sim.writes() <= 1, "{}", sim.writes());
        assert_eq!(sim.profiles.len(), 1);
    }
}
