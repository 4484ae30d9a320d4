//! Making and removing associations. Both may be repeated without harm, so a
//! batch that is refused in part is tried again one by one.

use liaison_sdk::{Action, Fault, FaultCode, Outcome, Report, Stored, WriteItem, WriteRequest};
use serde::Deserialize;
use serde_json::json;

use super::{Link, Pair, key, pair_of};
use crate::api::{Api, Effect, Trouble};
use crate::refusal::Refusal;

/// An item that needs a request: its place in the write, and both ids.
type Job = (usize, Pair);

impl Link {
    /// Makes and removes associations.
    ///
    /// # Errors
    /// A fault as long as nothing is written.
    pub fn write(&self, api: &Api, request: &WriteRequest) -> Result<Report, Fault> {
        if request.dry_run {
            return Err(Fault::not_supported("dry-run"));
        }
        let mut outcomes = vec![None; request.items.len()];
        let (mut made, mut removed) = (Vec::new(), Vec::new());
        for (index, item) in request.items.iter().enumerate() {
            match self.decide(item) {
                Ok((true, pair)) => made.push((index, pair)),
                Ok((false, pair)) => removed.push((index, pair)),
                Err(outcome) => set(&mut outcomes, index, outcome),
            }
        }
        let mut begun = false;
        for (makes, jobs) in [(true, made), (false, removed)] {
            self.send(api, makes, &jobs, &mut outcomes, &mut begun)?;
        }
        let unanswered = || Outcome::Rejected(Fault::bug("an item without outcome"));
        let outcomes = outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unanswered));
        let report = Report::from(outcomes.collect::<Vec<_>>());
        Ok(Report { hints: api.hints(), ..report })
    }

    /// Whether an item makes or removes, and which; or its outcome.
    fn decide(&self, item: &WriteItem) -> Result<(bool, Pair), Outcome> {
        let known = item.key.as_deref().and_then(pair_of);
        let known = known.or_else(|| self.pair(&item.matching));
        let rejected =
            |reason| Outcome::Rejected(Fault::new(FaultCode::Rejected).with("reason", reason));
        match item.action {
            Action::Create => match self.pair(&item.patch) {
                Some(pair) => Ok((true, pair)),
                None => Err(rejected("both-ids-are-needed")),
            },
            // There is nothing in it that could be changed.
            Action::Update if known.is_none() => Err(Outcome::Conflict),
            Action::Update => Err(rejected("read-only")),
            Action::Archive | Action::Delete => {
                known.map(|pair| (false, pair)).ok_or(Outcome::Deleted)
            }
        }
    }

    fn send(
        &self,
        api: &Api,
        makes: bool,
        jobs: &[Job],
        outcomes: &mut [Option<Outcome>],
        begun: &mut bool,
    ) -> Result<(), Fault> {
        if jobs.is_empty() {
            return Ok(());
        }
        let settled = match self.request(api, makes, jobs) {
            Ok(refusal) if jobs.len() == 1 || refusal.is_none() => {
                *begun = true;
                refusal.map(|refusal| refused(makes, &refusal))
            }
            Err(Trouble::Refused(refusal)) if jobs.len() == 1 => Some(refused(makes, &refusal)),
            // Some of them, and which is not told: each by itself.
            told @ (Ok(_) | Err(Trouble::Refused(_))) => {
                *begun |= told.is_ok();
                for job in jobs.chunks(1) {
                    self.send(api, makes, job, outcomes, begun)?;
                }
                return Ok(());
            }
            Err(Trouble::Unknown(_)) => Some(Outcome::Unknown),
            Err(Trouble::Fault(fault)) if *begun => Some(Outcome::Retry(None, fault)),
            Err(Trouble::Fault(fault)) => return Err(fault),
        };
        for (index, (from, to)) in jobs {
            let done = || match makes {
                true => Outcome::Created(Stored::key(key(from, to)).row(self.ends(from, to))),
                false => Outcome::Deleted,
            };
            set(outcomes, *index, settled.clone().unwrap_or_else(done));
        }
        Ok(())
    }

    /// Sends jobs of one kind; the first refusal of a part of them.
    fn request(&self, api: &Api, makes: bool, jobs: &[Job]) -> Result<Option<Refusal>, Trouble> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Done {
            errors: Vec<Refusal>,
        }
        let input = |(_, (from, to)): &Job| match makes {
            true => json!({"from": {"id": from}, "to": {"id": to}}),
            false => json!({"from": {"id": from}, "to": [{"id": to}]}),
        };
        let body = json!({"inputs": jobs.iter().map(input).collect::<Vec<_>>()});
        let what = if makes { "batch/associate/default" } else { "batch/archive" };
        let done: Option<Done> = api.call(Effect::Writes, api.post(&self.path(what), &body))?;
        Ok(done.and_then(|done| done.errors.into_iter().next()))
    }
}

fn set(outcomes: &mut [Option<Outcome>], index: usize, outcome: Outcome) {
    if let Some(slot) = outcomes.get_mut(index) {
        *slot = Some(outcome);
    }
}

fn refused(makes: bool, refusal: &Refusal) -> Outcome {
    match (makes, refusal.is("OBJECT_NOT_FOUND")) {
        (false, true) => Outcome::Deleted,
        _ => Outcome::Rejected(refusal.rejected(&[])),
    }
}
