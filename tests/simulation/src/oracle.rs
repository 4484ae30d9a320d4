//! The oracle: after silence, the systems and the store are compared with what
//! users did. Names follow the invariants of the design's reliability rules.
//!
//! | | what | where |
//! |---|---|---|
//! | I1 | every row shows the golden values in its system's form | [`findings`], after silence |
//! | I2 | no write is asked for any more | `Fleet::run` |
//! | I3 | no more writes than edits, systems and lost answers account for | `bounded` |
//! | I4 | no unread edit is overwritten, but between a look and its write | the system itself |
//! | I5 | every golden value was typed by somebody | `values` |
//! | I6 | one row per person and system | `doubles` |
//! | I7 | nothing comes back that a user deleted; what nobody has goes where a policy says so, and nothing else goes | `doubles`, `policies`, the system |
//! | I8 | reading everything again changes nothing; one content, one key | `read_twice`, the system |
//! | I9 | one person is one profile, whatever the order | `one_each`; orders: `tests/it/people` |
//! | I10 | every row that is there is known as it is, and the store is sound | `known` |
//! | I11 | counts are those of the answers; what is settled is not asked again | `counts`, the system |
//! | I12 | who was told apart is two, and shows nothing of the other | `values`, `apart` |
//! | I13 | no write without consent | `tests/it` |
//! | I14 | a system that fails for ever delays nobody, and what waits for it is bounded | silence of the others, `bounded` |

mod policies;

use std::collections::{BTreeMap, BTreeSet};

use hub_core::identity::Separations;
use hub_core::mapping::said;
use hub_model::{
    Identity, Origin, Pending, Profile, Record, RecordNo, RecordRef, RemoteKey, Rules,
    Survivorship, SyncId, Timestamp, Value,
};
use hub_store::Store;

use crate::character::{FIELDS, Form};
use crate::fleet::{Fleet, lock};
use crate::system::{Broken, System, Tally};
use crate::users::Place;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The invariant that does not hold.
    pub invariant: &'static str,
    /// What is wrong.
    pub text: String,
}

/// All that is compared.
struct Scene<'a> {
    fleet: &'a Fleet,
    rules: Rules,
    profiles: Vec<Profile>,
    records: BTreeMap<RecordNo, Record>,
    /// What waits, by system.
    pending: Vec<Vec<Pending>>,
    wrong: Vec<Finding>,
}

/// What is wrong with a fleet after its run; empty = nothing.
pub async fn findings(fleet: &Fleet, silent_after: Option<usize>) -> Vec<Finding> {
    let mut scene = Scene::of(fleet).await;
    if silent_after.is_none() {
        scene.say("I2", "the hub never fell silent".to_owned());
    }
    for finding in fleet.store.verify().await.expect("the memory store answers") {
        scene.say("I10", format!("store: {} {}", finding.check, finding.detail));
    }
    for system in &fleet.systems {
        let system = lock(system);
        for (invariant, text) in system.complaints.iter().take(3) {
            scene.say(invariant, text.clone());
        }
        let Tally { lost, lost_unread, .. } = system.tally;
        if lost + lost_unread > 0 {
            let text =
                format!("{lost} + {lost_unread} unread edits overwritten in {}", system.name);
            scene.say("I4", text);
        }
    }
    scene.known().await;
    scene.values();
    scene.doubles();
    scene.policies();
    scene.one_each().await;
    scene.apart().await;
    scene.bounded();
    scene.counts().await;
    if scene.wrong.is_empty() {
        scene.read_twice().await;
    }
    scene.wrong
}

impl<'a> Scene<'a> {
    async fn of(fleet: &'a Fleet) -> Self {
        let (profiles, records) = state(fleet).await;
        let rules = fleet.rules();
        let mut pending = Vec::new();
        for mapping in &rules.mappings {
            let all = fleet.store.pending(&mapping.sync, Timestamp(i64::MAX), usize::MAX).await;
            pending.push(all.expect("the memory store answers"));
        }
        Self { fleet, rules, profiles, records, pending, wrong: Vec::new() }
    }

    fn say(&mut self, invariant: &'static str, text: String) {
        self.wrong.push(Finding { invariant, text });
    }

    fn members(&self, profile: &Profile) -> Vec<&Record> {
        profile.records.iter().filter_map(|number| self.records.get(number)).collect()
    }

    /// Every row that is there is known as it is; every row that is gone is not
    /// taken for live.
    async fn known(&mut self) {
        for (at, system) in self.fleet.systems.iter().enumerate() {
            let stream = self.rules.mappings[at].stream.clone();
            let rows = {
                let system = lock(system);
                if system.broken == Some(Broken::Down) {
                    continue;
                }
                system.rows.clone()
            };
            let of = |key: &String| RecordRef {
                stream: stream.clone(),
                key: RemoteKey::from(key.as_str()),
            };
            let refs: Vec<RecordRef> = rows.keys().map(of).collect();
            let known = self.fleet.store.records_by_ref(&refs).await.expect("answers");
            for ((key, row), record) in rows.iter().zip(known) {
                let text = |field: &str| {
                    let shown = record.as_ref().and_then(|record| record.raw.get(field));
                    shown.and_then(|value| value.as_text().map(str::to_owned))
                };
                let live = record.as_ref().is_some_and(Record::is_live);
                let same = FIELDS.iter().all(|field| text(field) == row.fields[field]);
                if row.deleted && live {
                    self.say("I10", format!("{key} is gone and taken for live"));
                } else if !(row.deleted || live && same) {
                    let raw = record.map(|record| record.raw);
                    self.say("I10", format!("{key} is {:?}, known as {raw:?}", row.fields));
                }
            }
        }
    }

    /// What everybody shows, and where it comes from.
    fn values(&mut self) {
        for profile in self.profiles.clone() {
            let members: Vec<Record> = self.members(&profile).into_iter().cloned().collect();
            // Whoever lost every row that a user made is owed nothing more; what
            // the hub had created stays, since deletes are local.
            let speaks =
                |r: &Record| r.is_live() && (r.origin == Origin::Received || r.asserts_anything());
            if !members.iter().any(speaks) {
                continue;
            }
            self.sources(&profile, &members);
            self.owners(&profile, &members);
            for at in 0..self.fleet.systems.len() {
                self.shown(&profile, &members, at);
            }
        }
    }

    /// Golden values were typed, and in rows of that very profile.
    fn sources(&mut self, profile: &Profile, members: &[Record]) {
        let own: BTreeSet<Place> = members.iter().map(|record| self.fleet.place(record)).collect();
        for field in FIELDS {
            let Some(golden) = golden(profile, field).flatten() else { continue };
            let truth = lock(&self.fleet.truth);
            let typed = truth.typed.get(&(field, Some(golden.clone()))).cloned();
            drop(truth);
            match typed {
                None => {
                    let text =
                        format!("golden {field} {golden:?} of {} was never typed", profile.id);
                    self.say("I5", text);
                }
                // A row that the hub made, and that was edited in all other fields
                // before it was read back, is its system's own, address included.
                Some(places) if field != "email" && places.is_disjoint(&own) => {
                    let text =
                        format!("golden {field} {golden:?} of {} is somebody else's", profile.id);
                    self.say("I12", text);
                }
                Some(_) => {}
            }
        }
    }

    /// Where a system owns a trait, the golden value is what it said last, whatever
    /// was typed elsewhere.
    fn owners(&mut self, profile: &Profile, members: &[Record]) {
        let mut wrong = Vec::new();
        for rule in self.rules.traits.iter().filter(|rule| rule.rule == Survivorship::Owner) {
            let sync = |record: &Record| record.at.stream.connection.as_str().to_owned();
            let own = members.iter().filter(|record| {
                // What is not read is not asked for.
                let (at, _) = self.fleet.place(record);
                let reads = self.rules.mappings[at].field_of(rule.name.as_str()).is_some();
                reads && rule.sources.iter().any(|source| source.as_str() == sync(record))
            });
            let said = own.filter_map(|record| {
                let (at, _) = self.fleet.place(record);
                said(record, self.rules.mappings[at].field(rule.name.as_str())?)
            });
            let said = said.max_by_key(|said| said.stamp).map(|said| said.value);
            let golden = profile.traits.get(&rule.name).map(|golden| &golden.value);
            if said.as_deref().is_some_and(|said| golden != Some(said)) {
                let name = &rule.name;
                wrong.push(format!(
                    "S04: {name} of {} is {golden:?}, its owner says {said:?}",
                    profile.id
                ));
            }
        }
        for text in wrong {
            self.say("I1", text);
        }
    }

    fn shown(&mut self, profile: &Profile, members: &[Record], at: usize) {
        let fleet = self.fleet;
        let mapping = &self.rules.mappings[at];
        let here: Vec<&Record> =
            members.iter().filter(|record| record.at.stream == mapping.stream).collect();
        let (may_miss, may_differ) =
            (self.is_exempt(members, at, true), self.is_exempt(members, at, false));
        let system = lock(&fleet.systems[at]);
        // What it refuses to take waits until somebody says something else.
        let takes = FIELDS.iter().all(|field| {
            golden(profile, field).is_none_or(|golden| system.character.accepts(field, &golden))
        });
        if system.broken.is_some() || !takes {
            return;
        }
        let mut wrong = Vec::new();
        if here.is_empty() && !may_miss {
            // Somebody whose last record was gone starts anew, as another profile:
            // rows that were made for the old one are not guessed to be his.
            let email = golden(profile, "email").flatten();
            let same = |row: &crate::system::Row| !row.deleted && row.fields["email"] == email;
            if !system.rows.values().any(same) {
                wrong.push(format!("{email:?} ({}) is missing in {}", profile.id, system.name));
            }
        }
        for record in here.into_iter().filter(|record| record.is_live() && !may_differ) {
            let key = record.at.key.as_str();
            let Some(row) = system.rows.get(key).filter(|row| !row.deleted) else { continue };
            for pair in mapping.fields.iter().filter(|pair| pair.direction.writes()) {
                let Some(field) = FIELDS.into_iter().find(|f| *f == pair.field.as_str()) else {
                    continue;
                };
                // What nobody asserts is nobody's golden value: a row may hold
                // something of its own there, such as a vendor's default. Nor is a
                // user's word overruled where it is not asked for.
                let Some(golden) = golden(profile, field) else { continue };
                let own_word = fleet.unread.contains(&(at, field))
                    && row.by_user.get(field).copied().unwrap_or(false);
                let shown = &row.fields[field];
                let form = system.character.forms[field];
                // Of several forms that mean the same, a system keeps its own.
                let same = form != Form::Plain && form.elsewhere(shown.clone()) == golden;
                let wanted = system.character.stored(field, &form.there(golden.clone()));
                if *shown != wanted && !same && !own_word {
                    wrong.push(format!("{field} of {key} is {shown:?}, golden is {golden:?}"));
                }
            }
        }
        drop(system);
        for text in wrong {
            self.say("I1", text);
        }
    }

    /// Nobody is there twice, and nobody comes back.
    fn doubles(&mut self) {
        for at in 0..self.fleet.systems.len() {
            let stream = &self.rules.mappings[at].stream;
            let mut rows: BTreeMap<usize, Vec<(String, bool)>> = BTreeMap::new();
            let mut deleted: Vec<(usize, String)> = Vec::new();
            let mut anew: BTreeSet<String> = BTreeSet::new();
            for record in self.records.values().filter(|record| record.at.stream == *stream) {
                let Some(person) = self.person(record) else { continue };
                // Who was joined with another may have come anew meanwhile.
                if lock(&self.fleet.truth).decided.contains(&person) {
                    continue;
                }
                let (_, key) = self.fleet.place(record);
                let may_come_anew = self.may_come_anew(record, at);
                let system = lock(&self.fleet.systems[at]);
                if lock(&self.fleet.truth).deleted.contains(&(at, key.clone())) {
                    if may_come_anew {
                        anew.insert(key.clone());
                    }
                    deleted.push((person, key));
                } else if let Some(row) = system.rows.get(&key).filter(|row| !row.deleted) {
                    rows.entry(person).or_default().push((key, row.by_hub));
                }
            }
            let mut wrong = Vec::new();
            for (person, rows) in &rows {
                if rows.len() > 1 {
                    wrong.push(("I6", format!("p{person} is there twice: {rows:?}")));
                }
                for (key, by_hub) in rows {
                    let older = |old: &(usize, String)| {
                        let same = self.one_profile(at, &old.1, key);
                        old.0 == *person && old.1 < *key && same && !anew.contains(&old.1)
                    };
                    if *by_hub && deleted.iter().any(older) {
                        wrong.push(("I7", format!("p{person} came back as {key}")));
                    }
                }
            }
            for (invariant, text) in wrong {
                self.say(invariant, text);
            }
        }
        self.unknown_doubles();
    }

    /// Rows that no record speaks of are seen by their e-mail addresses.
    fn unknown_doubles(&mut self) {
        if !self.fleet.is_plain() {
            return; // two who were joined share an address
        }
        let mut wrong = Vec::new();
        for system in &self.fleet.systems {
            let system = lock(system);
            let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
            for (key, row) in system.rows.iter().filter(|(_, row)| !row.deleted) {
                let Some(email) = row.fields["email"].as_deref() else { continue };
                if let Some(other) = seen.insert(email, key) {
                    wrong.push(format!("{email} is {other} and {key}"));
                }
            }
        }
        for text in wrong {
            self.say("I6", text);
        }
    }

    /// Whose row a record is: its user's, or that of the record it was made for.
    fn person(&self, record: &Record) -> Option<usize> {
        let record = match record.origin {
            Origin::Received => record,
            Origin::Created { for_record } => self.records.get(&for_record)?,
        };
        lock(&self.fleet.truth).person.get(&self.fleet.place(record)).copied()
    }

    fn one_profile(&self, at: usize, a: &str, b: &str) -> bool {
        let stream = &self.rules.mappings[at].stream;
        let profile = |key: &str| {
            let own = |r: &&Record| r.at.stream == *stream && r.at.key.as_str() == key;
            self.records.values().find(own).map(|record| record.profile)
        };
        profile(a) == profile(b)
    }

    /// An address names one profile.
    async fn one_each(&mut self) {
        if !self.fleet.is_plain() {
            return;
        }
        let mut emails = BTreeSet::new();
        for system in &self.fleet.systems {
            let system = lock(system);
            if system.broken == Some(Broken::Down) {
                continue;
            }
            let live = system.rows.values().filter(|row| !row.deleted);
            emails.extend(live.filter_map(|row| row.fields["email"].clone()));
        }
        for email in emails {
            let claims = self.fleet.store.claims(&[Identity::new("email", &email)]).await;
            let named: usize =
                claims.expect("answers").iter().map(|claim| claim.profiles.len()).sum();
            if named != 1 {
                self.say("I9", format!("{email} names {named} profiles"));
            }
        }
    }

    /// Whom somebody told apart is not one.
    async fn apart(&mut self) {
        let decisions = self.fleet.store.decisions().await.expect("answers");
        let separations = Separations::new(&decisions);
        for profile in self.profiles.clone() {
            let all: BTreeSet<RecordNo> = profile.records.iter().copied().collect();
            if all.iter().any(|one| separations.forbid(&BTreeSet::from([*one]), &all)) {
                self.say("I12", format!("{} has records that were told apart", profile.id));
            }
        }
    }

    /// Writes and what waits have bounds that do not depend on luck.
    fn bounded(&mut self) {
        let truth = lock(&self.fleet.truth);
        let (edits, rows) = (truth.edits, truth.rows);
        drop(truth);
        let systems = self.fleet.systems.len() as u64;
        let mut writes = 0;
        let mut lost = 0;
        for system in &self.fleet.systems {
            let tally = lock(system).tally;
            writes += tally.writes - tally.deletes;
            lost += tally.unanswered;
        }
        // A process that dies forgets one batch of answers.
        let forgotten = self.fleet.happened.crashes * 5;
        let most = edits * (systems - 1) + rows + lost + forgotten;
        if self.fleet.is_plain() && writes > most {
            self.say("I3", format!("{writes} writes, at most {most} are accounted for"));
        }
        let most = self.profiles.len() + self.records.len();
        for at in 0..self.pending.len() {
            let waits = self.pending[at].len();
            if waits > most {
                let name = lock(&self.fleet.systems[at]).name.clone();
                self.say("I14", format!("{waits} deliveries wait for {name}, at most {most} may"));
            }
        }
    }

    /// Runs counted what they were answered.
    async fn counts(&mut self) {
        if self.fleet.happened.crashes > 0 {
            return; // the counts of a run that died are lost with it
        }
        for (at, system) in self.fleet.systems.iter().enumerate() {
            let (name, tally) = {
                let system = lock(system);
                (SyncId::from(system.name.as_str()), system.tally)
            };
            let runs = self.fleet.store.runs(Some(&name), usize::MAX).await.expect("answers");
            let created: u64 = runs.iter().map(|run| run.counts.created).sum();
            let updated: u64 = runs.iter().map(|run| run.counts.updated).sum();
            let removed: u64 = runs.iter().map(|run| run.counts.removed).sum();
            let counted = (created, updated, removed);
            let answered = (tally.created, tally.updated, tally.removed);
            if counted != answered {
                let text = format!("{at}: counted {counted:?}, answered {answered:?}");
                self.say("I11", text);
            }
        }
    }

    /// What is read twice counts once.
    async fn read_twice(&mut self) {
        self.fleet.read_again().await;
        let (profiles, records) = state(self.fleet).await;
        if profiles != self.profiles {
            self.say("I8", "reading everything again changed profiles".to_owned());
        }
        for (number, record) in &records {
            if self.records.get(number) != Some(record) {
                self.say("I8", format!("reading again changed record {number}: {record:?}"));
            }
        }
    }
}

/// Who is there, with all records.
async fn state(fleet: &Fleet) -> (Vec<Profile>, BTreeMap<RecordNo, Record>) {
    let profiles = fleet.store.scan_profiles(None, usize::MAX).await.expect("answers");
    let numbers: Vec<RecordNo> =
        profiles.iter().flat_map(|profile| profile.records.iter().copied()).collect();
    let records = fleet.store.records(&numbers).await.expect("answers");
    (profiles, records.into_iter().flatten().map(|record| (record.number, record)).collect())
}

/// The golden value of a field, if anybody asserts one: text, or null.
fn golden(profile: &Profile, field: &str) -> Option<Option<String>> {
    profile.traits.get(field).map(|golden| match &golden.value {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    })
}

/// Prints systems, records and profiles: for looking into one failed seed.
pub async fn print(fleet: &Fleet) {
    for system in &fleet.systems {
        let system = lock(system);
        let System { name, character, policy, broken, tally, rows, .. } = &*system;
        println!("system {name} {character:?} {policy:?} broken={broken:?}\n  {tally:?}");
        for (key, row) in rows {
            println!("  {key} {row:?}");
        }
    }
    println!("{:?} {:?}", fleet.happened, fleet.rules().traits);
    let (profiles, records) = state(fleet).await;
    for profile in profiles {
        let emails: Vec<_> = profile.identities.iter().map(|c| c.identity.to_string()).collect();
        println!("profile {} {emails:?} {:?}", profile.id, profile.traits);
        for record in profile.records.iter().filter_map(|number| records.get(number)) {
            println!(
                "  {} {} {:?} deleted={:?} {:?}",
                record.number, record.at.key, record.origin, record.deleted, record.identities
            );
            for (field, state) in &record.fields {
                println!("    {field} {state:?}");
            }
        }
    }
    for mapping in fleet.rules().mappings {
        let directions: Vec<_> = mapping.fields.iter().map(|pair| pair.direction).collect();
        println!("sync {} {directions:?}", mapping.sync);
        let due = Timestamp(i64::MAX);
        for pending in fleet.store.pending(&mapping.sync, due, usize::MAX).await.expect("answers") {
            println!("  pending {pending:?}");
        }
    }
    for decision in fleet.store.decisions().await.expect("answers") {
        println!("decision {decision:?}");
    }
    for run in fleet.store.runs(None, 12).await.expect("answers") {
        println!("run {} {:?} {:?} {:?}", run.id, run.status, run.counts, run.fault);
    }
    println!("reviews {:?}", fleet.store.reviews(100).await);
}
