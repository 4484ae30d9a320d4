//! A fleet: systems, people, users who edit, and the hub between them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hub_engine::people::conflicts;
use hub_engine::people::decide::{self, Ask};
use hub_engine::{Engine, EngineOptions, Env, SyncJob};
use hub_model::{
    ConflictReason, ConnectionId, ConsentKey, Direction, FieldMapping, FieldName, Guards, Mapping,
    Namespace, Normaliser, Profile, RecordNo, Rules, StreamRef, Survivorship, SyncId, Timestamp,
    TraitName, TraitRule,
};
use hub_schedule::Schedule;
use hub_store::{MemoryStore, PositionChange, Store, WriteSet};

use crate::character::FIELDS;
use crate::crash::{Fuse, MortalStore};
use crate::dice::Dice;
use crate::door::{self, Between, Door};
use crate::lineup;
use crate::policy::Policy;
use crate::system::{Broken, System};
use crate::users::Truth;

/// Random steps before everybody is quiet.
const STEPS: usize = 120;
/// Rounds in which the hub must fall silent.
const QUIET_ROUNDS_MAX: usize = 40;
/// Rounds without a write that count as silence: one may complete a snapshot
/// that a crash had cut, one reads, one delivers.
const SILENT_ROUNDS: usize = 3;
/// Time that passes between two quiet rounds: beyond every back-off, and
/// further than the hub's clock is ever set back.
const QUIET_ROUND_SECONDS: i64 = 2 * 3600;
/// How far the hub's clock may be off the true time, either way.
const CLOCK_OFF_SECONDS_MAX: usize = 1_800;

/// The simulated clock: waiting takes no time, it only passes. The hub's own
/// clock may be set forth and back; what systems see is the true time.
pub struct SimEnv {
    micros: Mutex<i64>,
    off_micros: Mutex<i64>,
    dice: Mutex<Dice>,
}

impl SimEnv {
    fn pass(&self, seconds: i64) {
        *lock(&self.micros) += seconds * 1_000_000;
    }

    fn true_seconds(&self) -> i64 {
        lock(&self.micros).div_euclid(1_000_000)
    }
}

#[async_trait]
impl Env for SimEnv {
    fn now(&self) -> Timestamp {
        let mut micros = lock(&self.micros);
        *micros += 1; // no two instants are the same
        Timestamp(*micros + *lock(&self.off_micros))
    }

    async fn sleep(&self, duration: Duration) {
        *lock(&self.micros) += i64::try_from(duration.as_micros()).unwrap_or(0);
    }

    fn random(&self) -> u64 {
        lock(&self.dice).draw()
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What happens in a fleet besides edits and runs, in so many of a hundred steps.
#[derive(Debug, Clone, Copy)]
struct Weather {
    crash: u32,
    hint: u32,
    clock: u32,
    rules: u32,
    decision: u32,
    /// A system fails for ever from this step on.
    breaks: Option<(usize, usize, Broken)>,
}

impl Weather {
    fn drawn(dice: &mut Dice, systems: usize) -> Self {
        let broken = *dice.pick(&[Broken::Down, Broken::Stuck]);
        let breaks = (20 + dice.below(80), dice.below(systems), broken);
        Self {
            crash: *dice.pick(&[0, 10, 30]),
            hint: *dice.pick(&[0, 10]),
            clock: *dice.pick(&[0, 0, 5]),
            rules: *dice.pick(&[0, 0, 2]),
            decision: *dice.pick(&[0, 0, 4]),
            breaks: dice.percent(15).then_some(breaks),
        }
    }
}

/// How often something happened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Happened {
    /// The process died.
    pub crashes: u64,
    /// A hint was pushed.
    pub hints: u64,
    /// The hub's clock was set.
    pub clock_steps: u64,
    /// The configuration was changed.
    pub rule_changes: u64,
    /// Somebody decided about people.
    pub decisions: u64,
}

/// One fleet.
pub struct Fleet {
    /// What decides everything.
    pub seed: u64,
    /// The systems.
    pub systems: Vec<Arc<Mutex<System>>>,
    /// What users did.
    pub truth: Arc<Mutex<Truth>>,
    /// What is durable.
    pub store: Arc<MemoryStore>,
    /// What happened.
    pub happened: Happened,
    /// The consents that the last system requires of everybody.
    pub requires: Vec<ConsentKey>,
    /// Fields that were not read for a time: what users typed there meanwhile is
    /// nobody's assertion, and stays their own word.
    pub unread: BTreeSet<(usize, &'static str)>,
    directions: Vec<[Direction; 4]>,
    traits: Vec<TraitRule>,
    weather: Weather,
    fuse: Arc<Fuse>,
    env: Arc<SimEnv>,
    dice: Dice,
    people: usize,
    /// Users do not wait for the hub.
    stirring: Arc<AtomicBool>,
}

impl Fleet {
    /// The fleet of a seed.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let faults = *dice.pick(&[0, 5, 20, 40]);
        let count = 2 + dice.below(4);
        let mut fleet = Self {
            seed,
            systems: lineup::systems(seed, count, faults),
            truth: Arc::default(),
            store: Arc::default(),
            happened: Happened::default(),
            requires: Vec::new(),
            unread: BTreeSet::new(),
            directions: vec![[Direction::Both; 4]; count],
            traits: Vec::new(),
            weather: Weather::drawn(&mut dice, count),
            fuse: Arc::new(Fuse::endless()),
            env: Arc::new(SimEnv {
                micros: Mutex::new(1_000_000_000_000_000),
                off_micros: Mutex::new(0),
                dice: Mutex::new(Dice::new(seed ^ 0x5eed)),
            }),
            people: 3 + dice.below(8),
            dice,
            stirring: Arc::new(AtomicBool::new(true)),
        };
        let Weather { crash, clock, rules, .. } = fleet.weather;
        for system in &fleet.systems {
            let calls = &mut lock(system).calls;
            (calls.restarts, calls.wrong_clock) = (crash + rules > 0, clock > 0);
        }
        if let Some(rule) = fleet.rule() {
            fleet.traits.push(rule);
            fleet.forget_answers(true);
        }
        fleet
    }

    /// The rule by which names survive: the usual one in most fleets; in others
    /// the first system owns them, the last comes first, the longest stays, or a
    /// person is asked.
    fn rule(&self) -> Option<TraitRule> {
        let name = |system: Option<&Arc<Mutex<System>>>| {
            system.map(|system| SyncId::from(lock(system).name.as_str()))
        };
        let (rule, source) = match self.seed % 8 {
            2 | 3 => (Survivorship::Owner, name(self.systems.first())),
            5 => (Survivorship::SourcePriority, name(self.systems.last())),
            7 => (Survivorship::Longest, None),
            1 | 4 => (Survivorship::Ask, None),
            _ => return None,
        };
        let sources = source.into_iter().collect();
        Some(TraitRule { name: TraitName::from("name"), rule, sources })
    }

    /// The rules: e-mail names people, every field travels both ways unless
    /// somebody changed that.
    pub fn rules(&self) -> Rules {
        let mapping = |(at, system): (usize, &Arc<Mutex<System>>)| {
            let (name, forms, Policy { create, deletes }) = {
                let system = lock(system);
                (system.name.clone(), system.character.forms.clone(), system.policy)
            };
            let pair = |(field, direction): (&&str, &Direction)| FieldMapping {
                field: FieldName::from(*field),
                to: TraitName::from(*field),
                direction: *direction,
                identity: (*field == "email").then(|| "email".into()),
                conversion: forms[field].conversion(),
            };
            let stream = StreamRef::new("default", &name, "people");
            Mapping {
                fields: FIELDS.iter().zip(&self.directions[at]).map(pair).collect(),
                matching: vec![FieldName::from("email")],
                create,
                deletes,
                deletes_percent_max: 100,
                priority: 10,
                ..Mapping::new(SyncId::from(name.as_str()), stream)
            }
        };
        let email = Namespace::new("email", Normaliser::Email);
        let mut mappings: Vec<Mapping> = self.systems.iter().enumerate().map(mapping).collect();
        if let Some(last) = mappings.last_mut() {
            last.requires.clone_from(&self.requires);
        }
        let mut rules = Rules::new("default".into(), vec![email], mappings);
        rules.traits.clone_from(&self.traits);
        rules
    }

    /// Starts the process over what is durable. It may die of that.
    async fn start(&mut self) -> Engine {
        loop {
            let dies = self.dice.percent(self.weather.crash / 3);
            let effects = if dies { 1 + self.dice.below(20) as i64 } else { i64::MAX };
            self.fuse.set(effects);
            let opened = Engine::open(self.options()).await;
            if !self.fuse.is_burnt() {
                self.fuse.set(i64::MAX);
                return opened.expect("the memory store opens");
            }
            self.died();
        }
    }

    fn options(&self) -> EngineOptions {
        let rules = self.rules();
        let mut jobs = Vec::new();
        for (mapping, system) in rules.mappings.iter().zip(&self.systems) {
            let between = self.edits_between(jobs.len(), lock(system).name.clone());
            let door = Door::new(Arc::clone(system), Arc::clone(&self.fuse), between);
            jobs.push(SyncJob {
                mapping: mapping.clone(),
                guards: Guards::default(),
                schedule: Schedule::parse("manual", "UTC").expect("a valid schedule"),
                schedule_text: "manual".to_owned(),
                reconcile: None,
                paused: false,
                account: (&mapping.stream.connection).into(),
                connector: Arc::new(door),
            });
        }
        let store = MortalStore::new(Arc::clone(&self.store), Arc::clone(&self.fuse));
        let env = Arc::clone(&self.env) as Arc<dyn Env>;
        let store = Arc::new(store);
        let (upkeep, privacy_key) = (None, [7; 32]);
        EngineOptions { store, rules, jobs, env, upkeep, privacy_key }
    }

    /// Users who edit while a request is under way: the window between reading
    /// and writing is not empty.
    fn edits_between(&self, own: usize, name: String) -> Box<Between> {
        let people = self.people;
        let systems = self.systems.clone();
        let truth = Arc::clone(&self.truth);
        let env = Arc::clone(&self.env);
        let dice = Mutex::new(Dice::new(self.seed ^ u64::from(name.as_bytes()[0])));
        let stirring = Arc::clone(&self.stirring);
        let fuse = Arc::clone(&self.fuse);
        Box::new(move |looks_up| {
            let seconds = env.true_seconds();
            for system in &systems {
                lock(system).pass_to(seconds);
            }
            let mut dice = lock(&dice);
            if stirring.load(Ordering::SeqCst) && !fuse.is_burnt() && dice.percent(5) {
                let at = dice.below(systems.len());
                lock(&truth).edit(at, &mut lock(&systems[at]), &mut dice);
                if looks_up {
                    lock(&truth).create(own, &mut lock(&systems[own]), dice.below(people));
                }
            }
        })
    }

    /// Runs the random phase, then waits for silence. Returns the number of
    /// quiet rounds it took, or `None` when the hub never fell silent.
    pub async fn run(&mut self) -> Option<usize> {
        let mut engine = self.start().await;
        for step in 0..STEPS {
            self.env.pass(1);
            self.sync_clocks();
            if let Some((_, at, broken)) = self.weather.breaks.filter(|(when, ..)| *when == step) {
                lock(&self.systems[at]).broken = Some(broken);
            }
            if self.dice.percent(40) {
                let at = self.dice.below(self.systems.len());
                let mut system = lock(&self.systems[at]);
                lock(&self.truth).act(at, &mut system, &mut self.dice, self.people);
                continue;
            }
            if self.dice.percent(self.weather.crash) {
                self.fuse.set(1 + self.dice.below(40) as i64);
            }
            let same_rules = self.something(&engine).await;
            let died = self.fuse.is_burnt();
            if died {
                self.died();
            }
            if died || !same_rules {
                drop(engine);
                engine = self.start().await;
            }
            self.fuse.set(i64::MAX);
            // A fleet's hours are minutes: nobody means a ping-pong here.
            self.settle(&engine, ConflictReason::PingPong).await;
        }
        self.stirring.store(false, Ordering::SeqCst);
        for system in &self.systems {
            lock(system).fault_percent = 0;
        }
        self.quiet(&engine).await
    }

    /// The hub does something, or something is done to it. False when its rules
    /// have changed.
    async fn something(&mut self, engine: &Engine) -> bool {
        let Weather { hint, clock, rules, decision, .. } = self.weather;
        if self.dice.percent(hint) {
            self.hint(engine).await;
        } else if self.dice.percent(clock) {
            self.happened.clock_steps += 1;
            let off = self.dice.below(2 * CLOCK_OFF_SECONDS_MAX) as i64;
            let off = off - CLOCK_OFF_SECONDS_MAX as i64;
            *lock(&self.env.off_micros) = off * 1_000_000;
        } else if self.dice.percent(rules) {
            self.change_rules();
            return false;
        } else if self.dice.percent(decision) {
            self.decide(engine).await;
        } else {
            let at = self.dice.below(self.systems.len());
            engine.run_once(&self.sync(at)).await.expect("no run overlaps");
        }
        true
    }

    fn sync(&self, at: usize) -> SyncId {
        SyncId::from(lock(&self.systems[at]).name.as_str())
    }

    /// Some systems push, perhaps twice: that something changed, or which rows may
    /// have, changed or not. Their syncs run side by side.
    async fn hint(&mut self, engine: &Engine) {
        for _ in 0..1 + self.dice.below(3) {
            let at = self.dice.below(self.systems.len());
            let connection = ConnectionId::new(lock(&self.systems[at]).name.as_str());
            let rows: Vec<String> = lock(&self.systems[at]).rows.keys().cloned().collect();
            let named = !rows.is_empty() && self.dice.percent(60);
            let count = if named { 1 + self.dice.below(3) } else { 0 };
            let keys: Vec<String> = (0..count).map(|_| self.dice.pick(&rows).clone()).collect();
            for _ in 0..1 + self.dice.below(2) {
                self.happened.hints += 1;
                let kept = if named {
                    let delivery = door::delivery(&keys, self.env.now());
                    engine.receive(&connection, delivery).await.is_ok()
                } else {
                    engine.accept(&connection, b"{}").await.is_ok()
                };
                if !kept {
                    return; // the process died; the sender comes again, or does not
                }
            }
        }
        if engine.tick().await.is_ok() {
            while engine.status().iter().any(|sync| sync.running.is_some()) {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Another direction of a field, or another rule for a trait.
    fn change_rules(&mut self) {
        self.happened.rule_changes += 1;
        let field = 1 + self.dice.below(FIELDS.len() - 1);
        if self.dice.percent(60) {
            let at = self.dice.below(self.systems.len());
            let directions = [Direction::Both, Direction::ToProfile, Direction::ToSystem];
            let direction = *self.dice.pick(&directions);
            self.directions[at][field] = direction;
            if !direction.reads() {
                self.unread.insert((at, FIELDS[field]));
            }
        } else {
            let rules = [Survivorship::MostRecent, Survivorship::Longest, Survivorship::Min];
            let name = TraitName::from(FIELDS[field]);
            self.traits.retain(|rule| rule.name != name);
            self.traits.push(TraitRule {
                name,
                rule: *self.dice.pick(&rules),
                sources: Vec::new(),
            });
        }
        self.forget_answers(true);
    }

    /// A person joins two profiles, or takes some records out of one.
    async fn decide(&mut self, engine: &Engine) {
        let profiles = self.store.scan_profiles(None, usize::MAX).await.expect("answers");
        if profiles.is_empty() {
            return;
        }
        let one = self.dice.pick(&profiles).clone();
        let other = self.dice.pick(&profiles).clone();
        let ask = if one.id != other.id && self.dice.percent(50) {
            Ask::Merge(one.id, other.id)
        } else {
            let own = self.own_records(&one).await;
            if own.is_empty() {
                return;
            }
            Ask::Separate(one.id, own)
        };
        self.forget_answers(true);
        for profile in [&one, &other] {
            self.remember_decided(profile).await;
        }
        // It may be durable although the process dies of it.
        self.happened.decisions += 1;
        let _ = decide::apply(engine.workspace(), &ask, "somebody").await;
    }

    /// The records of one of the people who are joined in a profile.
    async fn own_records(&mut self, profile: &Profile) -> BTreeSet<RecordNo> {
        let people = self.people_of(profile).await;
        let all: BTreeSet<usize> = people.iter().map(|(_, person)| *person).collect();
        if all.len() < 2 {
            return BTreeSet::new();
        }
        let all: Vec<usize> = all.into_iter().collect();
        let leaves = *self.dice.pick(&all);
        people.into_iter().filter(|(_, person)| *person == leaves).map(|(n, _)| n).collect()
    }

    /// Whose records a profile has, of those that users created.
    async fn people_of(&self, profile: &Profile) -> Vec<(RecordNo, usize)> {
        let records = self.store.records(&profile.records).await.expect("answers");
        let truth = lock(&self.truth);
        let person = |record: hub_model::Record| {
            let place = self.place(&record);
            Some((record.number, *truth.person.get(&place)?))
        };
        records.into_iter().flatten().filter_map(person).collect()
    }

    async fn remember_decided(&self, profile: &Profile) {
        let people = self.people_of(profile).await;
        lock(&self.truth).decided.extend(people.into_iter().map(|(_, person)| person));
    }

    /// Where the row of a record is.
    pub fn place(&self, record: &hub_model::Record) -> (usize, String) {
        let name = record.at.stream.connection.as_str();
        let at = self.systems.iter().position(|system| lock(system).name == name);
        (at.unwrap_or(usize::MAX), record.at.key.to_string())
    }

    fn died(&mut self) {
        self.happened.crashes += 1;
        self.systems.iter().for_each(|system| lock(system).do_all());
        self.forget_answers(false);
    }

    /// What was answered may be asked again: once, or from now on, where golden
    /// values may go back to what they were.
    fn forget_answers(&self, from_now_on: bool) {
        for system in &self.systems {
            let mut system = lock(system);
            system.memory.forget(from_now_on);
        }
    }

    async fn quiet(&self, engine: &Engine) -> Option<usize> {
        let mut silent = 0;
        for round in 0..QUIET_ROUNDS_MAX {
            let before = self.asked();
            self.round(engine).await;
            let settled = self.settle(engine, ConflictReason::Ask).await
                + self.settle(engine, ConflictReason::PingPong).await;
            silent = if self.asked() == before && settled == 0 { silent + 1 } else { 0 };
            if silent == SILENT_ROUNDS {
                return Some(round + 1 - silent);
            }
        }
        None
    }

    /// Every sync runs once.
    async fn round(&self, engine: &Engine) {
        self.env.pass(QUIET_ROUND_SECONDS);
        self.sync_clocks();
        for id in engine.jobs().keys() {
            engine.run_once(id).await.expect("no run overlaps");
        }
    }

    /// Forgets how far every stream was read, and reads it all again.
    pub async fn read_again(&self) {
        for mapping in self.rules().mappings {
            let name = hub_model::PositionName::new(format!(
                "cursor/{}/{}",
                mapping.stream.connection, mapping.stream.stream
            ));
            let expected = self.store.position(&name).await.expect("answers");
            let positions = match expected {
                Some(_) => vec![PositionChange { name, expected, new: None }],
                None => continue,
            };
            let set = WriteSet { positions, ..WriteSet::default() };
            self.store.commit(set).await.expect("commits");
        }
        let engine = Engine::open(self.options()).await.expect("the memory store opens");
        self.round(&engine).await;
    }

    /// Items that the hub asked of systems that work.
    fn asked(&self) -> u64 {
        let works = |system: &&Arc<Mutex<System>>| lock(system).broken.is_none();
        self.systems.iter().filter(works).map(|system| lock(system).tally.asked).sum()
    }

    /// Whether somebody decided about people, or changed the rules.
    pub fn is_plain(&self) -> bool {
        self.happened.decisions == 0 && self.happened.rule_changes == 0
    }

    /// A person looks at everything that waits for one reason: of what contradicts
    /// each other the newest is right. Returns how much there was.
    async fn settle(&self, engine: &Engine, reason: ConflictReason) -> usize {
        let waiting = conflicts::list(engine.workspace(), None, usize::MAX).await.expect("answers");
        let waiting = waiting.iter().filter(|waiting| waiting.conflict.reason == reason);
        let mut settled = 0;
        for conflicts::Waiting { profile, conflict, sides } in waiting {
            let ask = match reason {
                ConflictReason::Ask => conflicts::Ask::Side(sides[0].record.number),
                ConflictReason::PingPong => conflicts::Ask::Release,
            };
            let of = (profile.id, &conflict.name);
            conflicts::apply(engine.workspace(), of, &ask, "somebody").await.expect("settled");
            settled += 1;
        }
        settled
    }

    /// Edits that users made.
    pub fn edits(&self) -> u64 {
        lock(&self.truth).edits
    }

    fn sync_clocks(&self) {
        let seconds = self.env.true_seconds();
        for system in &self.systems {
            lock(system).pass_to(seconds);
        }
    }
}
