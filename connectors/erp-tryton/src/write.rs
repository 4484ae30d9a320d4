//! Writing: look, decide, write, look again.
//!
//! One call of Tryton is one transaction for all its parties, so a batch
//! becomes at most three calls: creates, changes, deletes. Which item a
//! refusal is about is not told:
//! - as long as nothing of the batch is written, the refusal of several items
//!   is answered with the fault `rejected`, and the hub bisects;
//! - after that, and for a lost race, the items are tried one by one.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use liaison_sdk::{
    Action, Fault, FaultCode, LookupKey, Outcome, Report, Stored, WriteItem, WriteRequest,
};
use serde_json::{Value, json};

use crate::fetch;
use crate::find;
use crate::party::Party;
use crate::plan::{self, Directory, Plan, Problem};
use crate::rights;
use crate::rpc::{Effect, Refusal, Server, Trouble};

/// Items of one write: about half a second for creates on a small server.
pub const BATCH_ITEMS_MAX: u32 = 50;

/// Writes a batch.
///
/// # Errors
/// A fault as long as nothing is written; `timeout` when nobody knows.
pub fn write(server: &Server, request: &WriteRequest) -> Result<Report, Fault> {
    if request.dry_run {
        return Err(Fault::not_supported("dry-run"));
    }
    let mut batch = Batch::prepare(server, &request.items)?;
    for step in [Step::Create, Step::Change, Step::Delete] {
        let (group, rest) = batch.jobs.drain(..).partition(|job| job.step == step);
        batch.jobs = rest;
        batch.run(group)?;
    }
    batch.read_back();
    let unanswered = || Outcome::Rejected(Fault::bug("an item without outcome"));
    let outcomes = batch.outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unanswered));
    Ok(outcomes.collect::<Vec<_>>().into())
}

/// The calls of Tryton.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Create,
    Change,
    Delete,
}

/// An item that needs a call.
#[derive(Debug, Clone)]
struct Job {
    item: usize,
    step: Step,
    /// The party; 0 before it is created.
    id: i64,
    plan: Plan,
    archives: bool,
}

struct Batch<'a> {
    server: &'a Server,
    outcomes: Vec<Option<Outcome>>,
    jobs: Vec<Job>,
    /// Items whose stored form is to be shown: created or not, and the party.
    written: Vec<(usize, bool, i64)>,
    /// Something of the batch is written.
    begun: bool,
}

impl<'a> Batch<'a> {
    /// Decides what each item needs. Only reads.
    fn prepare(server: &'a Server, items: &[WriteItem]) -> Result<Self, Fault> {
        let directory = directory(server, items)?;
        let parties = targets(server, items)?;
        let mut batch = Self {
            server,
            outcomes: vec![None; items.len()],
            jobs: Vec::new(),
            written: Vec::new(),
            begun: false,
        };
        let mut seen = HashSet::new();
        for (index, (item, target)) in items.iter().zip(parties).enumerate() {
            let decision = match &target {
                // Its plan would be made of what the first one is about to change.
                Target::Party(party) if !seen.insert(party.id) => {
                    Decision::Done(Outcome::Retry(None, Fault::new(FaultCode::Conflict)))
                }
                target => decide(item, target, &directory),
            };
            match decision {
                Decision::Done(outcome) => batch.settle(index, outcome),
                Decision::Call { step, id, plan, archives } => {
                    batch.jobs.push(Job { item: index, step, id, plan, archives });
                }
            }
        }
        Ok(batch)
    }

    fn settle(&mut self, item: usize, outcome: Outcome) {
        if let Some(slot) = self.outcomes.get_mut(item) {
            *slot = Some(outcome);
        }
    }

    /// Sends the jobs of one step.
    fn run(&mut self, jobs: Vec<Job>) -> Result<(), Fault> {
        if jobs.is_empty() {
            return Ok(());
        }
        match send(self.server, &jobs) {
            Ok(ids) => {
                self.begun = true;
                self.note(&jobs, &ids);
                Ok(())
            }
            Err(trouble) => self.recover(jobs, trouble),
        }
    }

    fn note(&mut self, jobs: &[Job], ids: &[i64]) {
        for (job, id) in jobs.iter().zip(ids) {
            match job.step {
                Step::Delete => self.settle(job.item, Outcome::Deleted),
                Step::Change if job.archives => self.settle(job.item, Outcome::Deleted),
                step => {
                    let stored = Stored::key(id.to_string());
                    let created = step == Step::Create;
                    self.settle(job.item, stored_outcome(created, stored));
                    self.written.push((job.item, created, *id));
                }
            }
        }
    }

    fn recover(&mut self, jobs: Vec<Job>, trouble: Trouble) -> Result<(), Fault> {
        let outcome = match (trouble, jobs.as_slice()) {
            (Trouble::Fault(fault) | Trouble::Unknown(fault), _) if !self.begun => {
                return Err(fault);
            }
            (Trouble::Fault(fault), _) => Outcome::Retry(None, fault),
            (Trouble::Unknown(_), _) => Outcome::Unknown,
            (Trouble::Concurrency, [_]) => Outcome::Conflict,
            (Trouble::Refused(refusal), [job]) => refused(self.server, job, refusal),
            (Trouble::Refused(refusal), _) if !self.begun => {
                let sent = jobs.into_iter().map(|job| Value::Object(job.plan.values)).collect();
                return Err(refusal.into_fault(&sent));
            }
            (Trouble::Concurrency | Trouble::Refused(_), _) => {
                return jobs.into_iter().try_for_each(|job| self.run(vec![job]));
            }
        };
        for job in &jobs {
            self.settle(job.item, outcome.clone());
        }
        Ok(())
    }

    /// Shows what Tryton made of the values. A failure here changes nothing of
    /// what was written: the outcome then holds the key alone.
    fn read_back(&mut self) {
        let ids: Vec<i64> = self.written.iter().map(|(_, _, id)| *id).collect();
        let Ok(parties) = fetch::by_ids(self.server, &ids) else { return };
        for (item, created, id) in std::mem::take(&mut self.written) {
            if let Some(party) = parties.get(&id) {
                let stored = Stored::key(id.to_string()).row(party.row()).version(party.version());
                self.settle(item, stored_outcome(created, stored));
            }
        }
    }
}

fn stored_outcome(created: bool, stored: Stored) -> Outcome {
    if created { Outcome::Created(stored) } else { Outcome::Updated(stored) }
}

/// One call for the jobs of one step; the parties' ids in order.
fn send(server: &Server, jobs: &[Job]) -> Result<Vec<i64>, Trouble> {
    let ids: Vec<i64> = jobs.iter().map(|job| job.id).collect();
    let stamps: BTreeMap<&str, &str> = jobs
        .iter()
        .flat_map(|job| &job.plan.stamps)
        .map(|(row, stamp)| (row.as_str(), stamp.as_str()))
        .collect();
    let context = if stamps.is_empty() { json!({}) } else { json!({"_timestamp": stamps}) };
    let step = jobs.first().map_or(Step::Delete, |job| job.step);
    let (method, params) = match step {
        Step::Create => {
            let values = jobs.iter().map(|job| Value::Object(job.plan.values.clone())).collect();
            ("model.party.party.create", vec![values])
        }
        Step::Change => {
            let pair = |job: &Job| [json!([job.id]), Value::Object(job.plan.values.clone())];
            ("model.party.party.write", jobs.iter().flat_map(pair).collect())
        }
        Step::Delete => ("model.party.party.delete", vec![json!(ids)]),
    };
    let result = server.call(Effect::Writes, method, &params, context);
    let result = result.map_err(|trouble| rights::explain(server, trouble))?;
    if step != Step::Create {
        return Ok(ids);
    }
    let created: Option<Vec<i64>> =
        result.as_array().and_then(|ids| ids.iter().map(Value::as_i64).collect());
    // They exist, but which is which cannot be told.
    created
        .filter(|created| created.len() == jobs.len())
        .ok_or_else(|| Trouble::Unknown(Fault::bug("other ids than asked for").at(method)))
}

/// What became of the one item that was refused.
fn refused(server: &Server, job: &Job, refusal: Refusal) -> Outcome {
    if let (Step::Create, Some(code)) = (job.step, job.plan.values.get("code")) {
        let fields = [("code".to_owned(), code.clone())].into_iter().collect();
        let holder = find::parties(server, &[LookupKey::Fields(fields)]).unwrap_or_default();
        if let Some(party) = holder.iter().flatten().next() {
            return Outcome::DuplicateOf(party.id.to_string());
        }
    }
    Outcome::Rejected(refusal.into_fault(&Value::Object(job.plan.values.clone())))
}

/// What an item is about.
enum Target {
    /// No party yet.
    New,
    /// A party that exists.
    Party(Box<Party>),
    /// It does not exist (any more).
    Gone,
    /// Several fit.
    Ambiguous,
}

/// The parties that the items are about, by key or by matching fields.
fn targets(server: &Server, items: &[WriteItem]) -> Result<Vec<Target>, Fault> {
    let wanted = |item: &WriteItem| match (&item.key, item.action) {
        (Some(key), Action::Create) if find::parse_id(key).is_none() => None,
        (Some(key), _) => Some(LookupKey::Key(key.clone())),
        (None, Action::Create) => None,
        (None, _) => Some(LookupKey::Fields(item.matching.clone())),
    };
    let keys: Vec<Option<LookupKey>> = items.iter().map(wanted).collect();
    let asked: Vec<LookupKey> = keys.iter().flatten().cloned().collect();
    let mut found = find::parties(server, &asked)?.into_iter();
    let target = |key: Option<LookupKey>| {
        let Some(_) = key else { return Target::New };
        let mut parties = found.next().unwrap_or_default();
        match (parties.pop(), parties.is_empty()) {
            (None, _) => Target::Gone,
            (Some(party), true) => Target::Party(Box::new(party)),
            (Some(_), false) => Target::Ambiguous,
        }
    };
    Ok(keys.into_iter().map(target).collect())
}

/// What an item needs.
enum Decision {
    /// No call.
    Done(Outcome),
    /// A call.
    Call { step: Step, id: i64, plan: Plan, archives: bool },
}

fn decide(item: &WriteItem, target: &Target, directory: &Directory) -> Decision {
    let call = |step, id, plan| Decision::Call { step, id, plan, archives: false };
    let rejected = |fault| Decision::Done(Outcome::Rejected(fault));
    match (item.action, target) {
        (_, Target::Ambiguous) => {
            rejected(Fault::new(FaultCode::Rejected).with("reason", "several-match"))
        }
        (Action::Create, Target::New | Target::Gone) => {
            match plan::create(&item.patch, directory) {
                Ok(plan) => call(Step::Create, 0, plan),
                Err(problem) => rejected(problem.into()),
            }
        }
        (Action::Create, Target::Party(party)) => {
            Decision::Done(Outcome::DuplicateOf(party.id.to_string()))
        }
        (Action::Archive | Action::Delete, Target::New | Target::Gone) => {
            Decision::Done(Outcome::Deleted)
        }
        (Action::Update, Target::New | Target::Gone) => Decision::Done(Outcome::Conflict),
        (_, Target::Party(party)) if changed_since(item, party) => {
            Decision::Done(Outcome::Conflict)
        }
        (Action::Update, Target::Party(party)) => {
            match plan::update(party, &item.patch, directory) {
                Ok(Some(plan)) => call(Step::Change, party.id, plan),
                Ok(None) => Decision::Done(Outcome::Unchanged),
                Err(problem) => rejected(problem.into()),
            }
        }
        (Action::Archive, Target::Party(party)) => {
            if party.active {
                let plan = plan::archive(party);
                Decision::Call { step: Step::Change, id: party.id, plan, archives: true }
            } else {
                Decision::Done(Outcome::Deleted)
            }
        }
        (Action::Delete, Target::Party(party)) => {
            let plan = Plan { stamps: vec![party.lock()], ..Plan::default() };
            call(Step::Delete, party.id, plan)
        }
    }
}

fn changed_since(item: &WriteItem, party: &Party) -> bool {
    item.if_version.as_ref().is_some_and(|version| *version != party.version())
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::new(FaultCode::Rejected).at(problem.field).with("reason", problem.reason)
    }
}

/// Ids of the languages and countries that the items name.
fn directory(server: &Server, items: &[WriteItem]) -> Result<Directory, Fault> {
    let codes = |fits: fn(&str) -> bool, tidy: fn(&str) -> String| {
        let texts = items.iter().flat_map(|item| &item.patch);
        let texts = texts.filter(|(name, _)| fits(name)).filter_map(|(_, value)| value.as_str());
        let codes: BTreeSet<String> = texts.map(|text| tidy(text.trim())).collect();
        codes.into_iter().filter(|code| !code.is_empty()).collect::<Vec<_>>()
    };
    let languages = codes(|name| name == "lang", str::to_owned);
    let countries = codes(|name| name.ends_with("_country"), str::to_ascii_uppercase);
    Ok(Directory {
        languages: fetch::ids_by_code(server, "ir.lang", &languages)?,
        countries: fetch::ids_by_code(server, "country.country", &countries)?,
    })
}
