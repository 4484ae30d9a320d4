//! Writing records: decide what each item needs, send batches, and say of each
//! item what became of it.
//!
//! - A refusal of a whole batch names no culprit that could be trusted, and
//!   nothing of it was written: the batch is halved until the culprit is alone.
//! - A refused create looks for the record that has the value already, and
//!   answers with it: the hub links the two in place of making a double.
//! - After an answer that did not come nothing more is sent: what waits is
//!   answered with "later".

use std::collections::HashSet;

use liaison_sdk::{
    Action, Fault, FaultCode, LookupKey, Outcome, Report, Stored, WriteItem, WriteRequest,
};
use serde_json::{Map, Value};

use crate::api::{Api, Trouble};
use crate::batch::{self, Job, Step, Told};
use crate::find;
use crate::object::Object;
use crate::property::Properties;
use crate::record::{self, Record};
use crate::refusal::Refusal;

/// Writes a batch.
///
/// # Errors
/// A fault as long as nothing is written.
pub fn write(api: &Api, object: &Object, request: &WriteRequest) -> Result<Report, Fault> {
    if request.dry_run {
        return Err(Fault::not_supported("dry-run"));
    }
    let properties = Properties::of(api, object)?;
    let mut batch = Batch {
        api,
        object,
        properties: &properties,
        items: &request.items,
        outcomes: vec![None; request.items.len()],
        begun: false,
        stopped: None,
    };
    let jobs = batch.prepare()?;
    for step in [Step::Create, Step::Upsert, Step::Update, Step::Archive] {
        let group: Vec<Job> = jobs.iter().filter(|job| job.step == step).cloned().collect();
        batch.run(step, &group)?;
    }
    let unanswered = || Outcome::Rejected(Fault::bug("an item without outcome"));
    let outcomes = batch.outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unanswered));
    let report = Report::from(outcomes.collect::<Vec<_>>());
    Ok(Report { hints: api.hints(), ..report })
}

struct Batch<'a> {
    api: &'a Api,
    object: &'a Object,
    properties: &'a Properties,
    items: &'a [WriteItem],
    outcomes: Vec<Option<Outcome>>,
    /// Something is written, or may be.
    begun: bool,
    /// Why nothing more is sent.
    stopped: Option<Fault>,
}

impl Batch<'_> {
    /// What each item needs. Only reads.
    fn prepare(&mut self) -> Result<Vec<Job>, Fault> {
        let targets = self.targets()?;
        let mut seen = HashSet::new();
        let mut jobs = Vec::new();
        for (index, (item, target)) in self.items.iter().zip(targets).enumerate() {
            let again = matches!(&target, Target::Record(id) if !seen.insert(id.clone()));
            let decision = if again {
                // HubSpot refuses a batch that names a record twice.
                Err(Outcome::Retry(None, Fault::new(FaultCode::Conflict)))
            } else {
                self.decide(index, item, target)
            };
            match decision {
                Ok(job) => jobs.push(job),
                Err(outcome) => self.settle(index, outcome),
            }
        }
        Ok(jobs)
    }

    fn settle(&mut self, item: usize, outcome: Outcome) {
        if let Some(slot) = self.outcomes.get_mut(item) {
            *slot = Some(outcome);
        }
    }

    /// The records that the items are about.
    fn targets(&self) -> Result<Vec<Target>, Fault> {
        let by_fields = |item: &WriteItem| item.key.is_none() && item.action != Action::Create;
        let keys = self.items.iter().filter(|item| by_fields(item));
        let keys: Vec<LookupKey> =
            keys.map(|item| LookupKey::Fields(item.matching.clone())).collect();
        let found = match keys.as_slice() {
            [] => Vec::new(),
            keys => find::records(self.api, self.object, self.properties, &[], keys)?,
        };
        let mut found = found.into_iter();
        let target = |item: &WriteItem| match (&item.key, item.action) {
            (_, Action::Create) => Target::New,
            (Some(key), _) if record::is_id(key) => Target::Record(key.clone()),
            (Some(_), _) => Target::Gone,
            (None, _) => {
                let mut records = found.next().unwrap_or_default();
                match (records.pop(), records.is_empty()) {
                    (None, _) => Target::Gone,
                    (Some(record), true) => Target::Record(record.id),
                    (Some(_), false) => Target::Several,
                }
            }
        };
        Ok(self.items.iter().map(target).collect())
    }

    /// The request that an item needs, or its outcome where it needs none.
    fn decide(&self, index: usize, item: &WriteItem, target: Target) -> Result<Job, Outcome> {
        let job = |step, id, properties| Job { item: index, step, id, by: None, properties };
        match (item.action, target) {
            (_, Target::Several) => {
                let fault = Fault::new(FaultCode::Rejected).with("reason", "several-match");
                Err(Outcome::Rejected(fault))
            }
            (Action::Create, _) => {
                let mut properties = self.texts(&item.patch)?;
                // A new record has nothing to clear.
                properties.retain(|_, text| text.as_str() != Some(""));
                let by = self.api.settings.upsert_by.get(self.object.stream);
                let value = by.and_then(|by| properties.get(by)).and_then(Value::as_str);
                Ok(match (by, value.map(str::to_owned)) {
                    (Some(by), Some(id)) => {
                        Job { by: Some(by.clone()), ..job(Step::Upsert, id, properties) }
                    }
                    _ => job(Step::Create, String::new(), properties),
                })
            }
            (Action::Update, Target::Record(id)) => {
                let properties = self.texts(&item.patch)?;
                if properties.is_empty() {
                    return Err(Outcome::Unchanged);
                }
                Ok(job(Step::Update, id, properties))
            }
            (Action::Update, Target::New | Target::Gone) => Err(Outcome::Conflict),
            (Action::Archive | Action::Delete, Target::Record(id)) => {
                Ok(job(Step::Archive, id, Map::new()))
            }
            (Action::Archive | Action::Delete, Target::New | Target::Gone) => Err(Outcome::Deleted),
        }
    }

    /// A patch as HubSpot takes it.
    fn texts(&self, patch: &Map<String, Value>) -> Result<Map<String, Value>, Outcome> {
        let rejected = |name: &str, reason: &str| {
            let fault = Fault::new(FaultCode::Rejected).at(name).with("reason", reason);
            Outcome::Rejected(fault)
        };
        let mut texts = Map::new();
        for (name, value) in patch {
            let property = self.properties.get(name);
            let property = property.ok_or_else(|| rejected(name, "unknown-field"))?;
            let text = property.sent(value).map_err(|expected| match expected {
                "read-only" | "type" => rejected(name, expected),
                expected => match rejected(name, "invalid-value") {
                    Outcome::Rejected(fault) => Outcome::Rejected(fault.with("expected", expected)),
                    other => other,
                },
            })?;
            texts.insert(name.clone(), Value::String(text));
        }
        Ok(texts)
    }

    /// Sends jobs of one step.
    fn run(&mut self, step: Step, jobs: &[Job]) -> Result<(), Fault> {
        if jobs.is_empty() {
            return Ok(());
        }
        if let Some(fault) = self.stopped.clone() {
            self.later(jobs, &fault);
            return Ok(());
        }
        match batch::send(self.api, self.object, step, jobs) {
            Ok(told) => {
                self.begun = true;
                for (job, told) in jobs.iter().zip(told) {
                    let outcome = self.outcome(job, told)?;
                    self.settle(job.item, outcome);
                }
                Ok(())
            }
            Err(Trouble::Refused(refusal)) => self.refused(step, jobs, *refusal),
            Err(Trouble::Fault(fault)) if !self.begun => Err(fault),
            Err(Trouble::Fault(fault)) => {
                self.later(jobs, &fault);
                self.stopped = Some(fault);
                Ok(())
            }
            Err(Trouble::Unknown(fault)) => {
                self.begun = true;
                jobs.iter().for_each(|job| self.settle(job.item, Outcome::Unknown));
                self.stopped = Some(Fault { code: FaultCode::Transient, ..fault });
                Ok(())
            }
        }
    }

    /// Nothing of these was written.
    fn refused(&mut self, step: Step, jobs: &[Job], refusal: Refusal) -> Result<(), Fault> {
        if let [job] = jobs {
            let outcome = self.outcome(job, Told::Refused(refusal))?;
            self.settle(job.item, outcome);
            return Ok(());
        }
        let (first, second) = jobs.split_at(jobs.len() / 2);
        self.run(step, first)?;
        self.run(step, second)
    }

    fn later(&mut self, jobs: &[Job], fault: &Fault) {
        let seconds = match fault.code {
            FaultCode::RateLimited(seconds) | FaultCode::QuotaExhausted(seconds) => seconds,
            _ => None,
        };
        for job in jobs {
            self.settle(job.item, Outcome::Retry(seconds, fault.clone()));
        }
    }

    fn outcome(&self, job: &Job, told: Told) -> Result<Outcome, Fault> {
        Ok(match (job.step, told) {
            (Step::Archive, Told::Done(_)) => Outcome::Deleted,
            (Step::Create | Step::Upsert, Told::Done(record)) => {
                Outcome::Created(self.stored(job, &record))
            }
            // The record was merged into another one meanwhile: the hub reads it first.
            (Step::Update, Told::Done(record)) if record.id != job.id => Outcome::Conflict,
            (Step::Update, Told::Done(record)) => Outcome::Updated(self.stored(job, &record)),
            (_, Told::Nothing) => Outcome::Unknown,
            (step, Told::Refused(refusal)) if refusal.is("OBJECT_NOT_FOUND") => match step {
                Step::Archive => Outcome::Deleted,
                _ => Outcome::Conflict,
            },
            (Step::Create, Told::Refused(refusal)) => match self.holder(job)? {
                Some(id) => Outcome::DuplicateOf(id),
                None => Outcome::Rejected(refusal.rejected(&job.texts())),
            },
            (_, Told::Refused(refusal)) => Outcome::Rejected(refusal.rejected(&job.texts())),
        })
    }

    /// Who has the unique values of a refused create already. Without an answer
    /// the refusal stands: the hub looks before it tries again.
    fn holder(&self, job: &Job) -> Result<Option<String>, Fault> {
        match find::holder(self.api, self.object, self.properties, &job.properties) {
            Err(_) if self.begun => Ok(None),
            found => found,
        }
    }

    /// What is stored now, as far as the answer shows it.
    fn stored(&self, job: &Job, record: &Record) -> Stored {
        let shown = |name: &String| {
            let property = self.properties.get(name)?;
            let cleared = job.properties.get(name).and_then(Value::as_str) == Some("");
            let value = record.properties.get(name);
            (value.is_some() || cleared).then(|| (name.clone(), property.shown(value)))
        };
        let names = record.properties.keys().chain(job.properties.keys());
        Stored::key(&record.id).row(names.filter_map(shown).collect())
    }
}

/// What an item is about.
enum Target {
    /// No record yet.
    New,
    /// A record, by its id.
    Record(String),
    /// No record (any more).
    Gone,
    /// Several fit.
    Several,
}
