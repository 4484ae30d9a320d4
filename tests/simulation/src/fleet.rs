//! A fleet: systems, people, users who edit, and the hub between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hub_engine::people::conflicts::{self, Ask};
use hub_engine::{Engine, EngineOptions, Env, SyncJob};
use hub_model::{
    ConflictReason, ConsentKey, Direction, FieldMapping, FieldName, Guards, Mapping, Namespace,
    Normaliser, Rules, StreamRef, Survivorship, SyncId, Timestamp, TraitName, TraitRule,
};
use hub_schedule::Schedule;
use hub_store::MemoryStore;

use crate::crash::{Fuse, MortalStore};
use crate::dice::Dice;
use crate::system::{Door, FIELDS, System};

/// Random steps before everybody is quiet.
const STEPS: usize = 120;
/// Rounds in which the hub must fall silent.
const QUIET_ROUNDS_MAX: usize = 40;
/// How many fleets in a hundred have systems with forms of their own, which their
/// mappings transform.
const FLEETS_WITH_FORMS_PERCENT: u32 = 40;
/// Rounds without a write that count as silence: one may complete a snapshot
/// that a crash had cut, one reads, one delivers.
const SILENT_ROUNDS: usize = 3;
/// Time that passes between two quiet rounds: beyond every back-off.
const QUIET_ROUND_SECONDS: i64 = 2 * 3600;

/// The simulated clock: waiting takes no time, it only passes.
pub struct SimEnv {
    micros: Mutex<i64>,
    dice: Mutex<Dice>,
}

impl SimEnv {
    fn pass(&self, seconds: i64) {
        *lock(&self.micros) += seconds * 1_000_000;
    }
}

#[async_trait]
impl Env for SimEnv {
    fn now(&self) -> Timestamp {
        let mut micros = lock(&self.micros);
        *micros += 1; // no two instants are the same
        Timestamp(*micros)
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

/// What the users did: the truth that the oracle compares with.
#[derive(Debug, Default)]
pub struct Truth {
    /// Every value that a user typed, as its system stored it, in the form that
    /// everybody has.
    pub typed: BTreeSet<(&'static str, Option<String>)>,
    /// Rows that users deleted: (system, e-mail) -> keys.
    pub deleted: BTreeMap<(usize, String), Vec<String>>,
    /// Numbers values, so that no two edits are the same.
    pub edits: u64,
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
    /// How often the process died.
    pub crashes: u64,
    /// The consents that the last system requires of everybody.
    pub requires: Vec<ConsentKey>,
    fuse: Arc<Fuse>,
    env: Arc<SimEnv>,
    dice: Dice,
    people: usize,
    crash_percent: u32,
}

impl Fleet {
    /// The fleet of a seed.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let faults = *dice.pick(&[0, 5, 20, 40]);
        let count = 2 + dice.below(3);
        let mut forms = Dice::new(seed ^ 0xf0f0);
        let has_forms = forms.percent(FLEETS_WITH_FORMS_PERCENT);
        let system = |k: usize| {
            let name = ["a", "b", "c", "d"][k];
            let own = seed * 31 + k as u64;
            let system = System::new(name, Dice::new(own), faults);
            let with_forms = |system: System| system.with_forms(Dice::new(own ^ 0xf0f0));
            Arc::new(Mutex::new(if has_forms { with_forms(system) } else { system }))
        };
        let crash_percent = *dice.pick(&[0, 10, 30]);
        Self {
            seed,
            systems: (0..count).map(system).collect(),
            truth: Arc::default(),
            store: Arc::default(),
            crashes: 0,
            requires: Vec::new(),
            fuse: Arc::new(Fuse::endless()),
            env: Arc::new(SimEnv {
                micros: Mutex::new(1_000_000_000_000_000),
                dice: Mutex::new(Dice::new(seed ^ 0x5eed)),
            }),
            people: 3 + dice.below(8),
            dice,
            crash_percent,
        }
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

    /// The rules: e-mail names people, every field travels both ways.
    pub fn rules(&self) -> Rules {
        let mapping = |system: &Arc<Mutex<System>>| {
            let (name, forms) = {
                let system = lock(system);
                (system.name.clone(), system.forms.clone())
            };
            let pair = |field: &&str| FieldMapping {
                field: FieldName::from(*field),
                to: TraitName::from(*field),
                direction: Direction::Both,
                identity: (*field == "email").then(|| "email".into()),
                conversion: forms[field].conversion(),
            };
            let stream = StreamRef::new("default", &name, "people");
            Mapping {
                fields: FIELDS.iter().map(pair).collect(),
                matching: vec![FieldName::from("email")],
                deletes_percent_max: 100,
                priority: 10,
                ..Mapping::new(SyncId::from(name.as_str()), stream)
            }
        };
        let email = Namespace::new("email", Normaliser::Email);
        let mut mappings: Vec<Mapping> = self.systems.iter().map(mapping).collect();
        if let Some(last) = mappings.last_mut() {
            last.requires.clone_from(&self.requires);
        }
        let mut rules = Rules::new("default".into(), vec![email], mappings);
        rules.traits.extend(self.rule());
        rules
    }

    /// Starts the process over what is durable.
    async fn start(&self) -> Engine {
        self.fuse.set(i64::MAX);
        let rules = self.rules();
        let mut jobs = Vec::new();
        for (mapping, system) in rules.mappings.iter().zip(&self.systems) {
            let between = self.edits_between(lock(system).name.clone());
            let door = Door::new(Arc::clone(system), Arc::clone(&self.fuse), between);
            jobs.push(SyncJob {
                mapping: mapping.clone(),
                guards: Guards::default(),
                schedule: Schedule::parse("manual", "UTC").expect("a valid schedule"),
                schedule_text: "manual".to_owned(),
                paused: false,
                connector: Arc::new(door),
            });
        }
        let store = MortalStore::new(Arc::clone(&self.store), Arc::clone(&self.fuse));
        let env = Arc::clone(&self.env) as Arc<dyn Env>;
        let store = Arc::new(store);
        let (upkeep, privacy_key) = (None, [7; 32]);
        let options = EngineOptions { store, rules, jobs, env, upkeep, privacy_key };
        Engine::open(options).await.expect("the memory store opens")
    }

    /// Users who edit while a request is under way: the window between reading
    /// and writing is not empty.
    fn edits_between(&self, name: String) -> Box<dyn Fn() + Send + Sync> {
        let systems = self.systems.clone();
        let truth = Arc::clone(&self.truth);
        let env = Arc::clone(&self.env);
        let dice = Mutex::new(Dice::new(self.seed ^ u64::from(name.as_bytes()[0])));
        let quiet = Arc::clone(&self.fuse);
        Box::new(move || {
            let seconds = env.now().seconds();
            for system in &systems {
                lock(system).now_seconds = seconds;
            }
            let mut dice = lock(&dice);
            let stirred = lock(&systems[0]).fault_percent > 0;
            if stirred && !quiet.is_burnt() && dice.percent(5) {
                let system = dice.pick(&systems).clone();
                edit(&mut lock(&system), &mut lock(&truth), &mut dice);
            }
        })
    }

    /// Runs the random phase, then waits for silence. Returns the number of
    /// quiet rounds it took, or `None` when the hub never fell silent.
    pub async fn run(&mut self) -> Option<usize> {
        let mut engine = self.start().await;
        for _ in 0..STEPS {
            self.env.pass(1);
            self.sync_clocks();
            if self.dice.percent(40) {
                self.user();
                continue;
            }
            if self.dice.percent(self.crash_percent) {
                self.fuse.set(1 + self.dice.below(40) as i64);
            }
            let index = self.dice.below(self.systems.len());
            let id = SyncId::from(lock(&self.systems[index]).name.as_str());
            engine.run_once(&id).await.expect("no run overlaps");
            if self.fuse.is_burnt() {
                self.crashes += 1;
                engine = self.start().await;
            }
            self.fuse.set(i64::MAX);
            // A fleet's hours are minutes: nobody means a ping-pong here.
            self.settle(&engine, ConflictReason::PingPong).await;
        }
        for system in &self.systems {
            lock(system).fault_percent = 0;
        }
        self.quiet(&engine).await
    }

    async fn quiet(&self, engine: &Engine) -> Option<usize> {
        let mut silent = 0;
        for round in 0..QUIET_ROUNDS_MAX {
            self.env.pass(QUIET_ROUND_SECONDS);
            self.sync_clocks();
            let before = self.writes();
            for id in engine.jobs().keys() {
                engine.run_once(id).await.expect("no run overlaps");
            }
            let asked = self.settle(engine, ConflictReason::Ask).await
                + self.settle(engine, ConflictReason::PingPong).await;
            silent = if self.writes() == before && asked == 0 { silent + 1 } else { 0 };
            if silent == SILENT_ROUNDS {
                return Some(round + 1 - silent);
            }
        }
        None
    }

    /// A person looks at everything that waits for one reason: of what contradicts
    /// each other the newest is right. Returns how much there was.
    async fn settle(&self, engine: &Engine, reason: ConflictReason) -> usize {
        let waiting = conflicts::list(engine.workspace(), None, usize::MAX).await.expect("answers");
        let waiting = waiting.iter().filter(|waiting| waiting.conflict.reason == reason);
        let mut settled = 0;
        for conflicts::Waiting { profile, conflict, sides } in waiting {
            let ask = match reason {
                ConflictReason::Ask => Ask::Side(sides[0].record.number),
                ConflictReason::PingPong => Ask::Release,
            };
            let of = (profile.id, &conflict.name);
            conflicts::apply(engine.workspace(), of, &ask, "somebody").await.expect("settled");
            settled += 1;
        }
        settled
    }

    /// Writes that took effect in all systems.
    pub fn writes(&self) -> u64 {
        self.systems.iter().map(|system| lock(system).writes).sum()
    }

    /// Edits that users made.
    pub fn edits(&self) -> u64 {
        lock(&self.truth).edits
    }

    fn sync_clocks(&self) {
        let seconds = self.env.now().seconds();
        for system in &self.systems {
            lock(system).now_seconds = seconds;
        }
    }

    /// One user does one thing in one system.
    fn user(&mut self) {
        let index = self.dice.below(self.systems.len());
        let mut system = lock(&self.systems[index]);
        let mut truth = lock(&self.truth);
        let live = system.live();
        let roll = self.dice.below(100);
        if roll < 20 || live.is_empty() {
            create(&mut system, &mut truth, self.dice.below(self.people));
        } else if roll < 24 {
            let key = self.dice.pick(&live).clone();
            if let Some(email) = system.rows[&key].fields["email"].clone() {
                truth.deleted.entry((index, email)).or_default().push(key.clone());
            }
            system.delete(&key);
        } else {
            edit(&mut system, &mut truth, &mut self.dice);
        }
    }

    /// The e-mail addresses of everybody who has a row anywhere.
    pub fn rows_by_email(&self) -> BTreeMap<String, Vec<(usize, String)>> {
        let mut by_email: BTreeMap<String, Vec<(usize, String)>> = BTreeMap::new();
        for (index, system) in self.systems.iter().enumerate() {
            let system = lock(system);
            for key in system.live() {
                if let Some(email) = &system.rows[&key].fields["email"] {
                    by_email.entry(email.clone()).or_default().push((index, key));
                }
            }
        }
        by_email
    }
}

fn create(system: &mut System, truth: &mut Truth, person: usize) {
    let email = Some(format!("p{person}@example.org"));
    if system.rows.values().any(|row| !row.deleted && row.fields["email"] == email) {
        return;
    }
    truth.edits += 1;
    let name = Some(format!("Name{}", truth.edits));
    let key = system.create(&[("email", email), ("name", name), ("stage", Some("New".to_owned()))]);
    typed(system, truth, &key, &FIELDS);
}

fn edit(system: &mut System, truth: &mut Truth, dice: &mut Dice) {
    let live = system.live();
    if live.is_empty() {
        return;
    }
    let key = dice.pick(&live).clone();
    let field = *dice.pick(&["name", "phone", "stage"]);
    truth.edits += 1;
    let value = (!dice.percent(8)).then(|| format!("{}{}x", &field[..2], truth.edits));
    let value = system.forms[field].there(value);
    system.put(&key, &[(field, value)]);
    typed(system, truth, &key, &[field]);
}

fn typed(system: &mut System, truth: &mut Truth, key: &str, fields: &[&'static str]) {
    for field in fields {
        let stored = system.rows[key].fields[field].clone();
        truth.typed.insert((field, system.forms[field].elsewhere(stored)));
        system.unseen.insert((key.to_owned(), field), ());
    }
}
