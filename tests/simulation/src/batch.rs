//! A batch of writes, as a system does it: item by item, or all of it or none.

use hub_model::{Fault, FaultCode};
use plugin_api::{Aggregate, Outcome, WriteItem, WriteReport};

use crate::character::Answers;
use crate::system::{Broken, System};

impl System {
    /// Does what a batch asks.
    ///
    /// # Errors
    /// What is said of the batch as a whole: nothing of it was written.
    pub fn execute(&mut self, items: &[WriteItem]) -> Result<Vec<Outcome>, Fault> {
        if self.character.atomic {
            self.write_all(items)
        } else if self.character.answers == Answers::Counts {
            self.works()?;
            Ok(items.iter().map(|item| self.write_one(item)).collect())
        } else {
            Ok(self.write_each(items))
        }
    }

    /// Fails for the time being, as often as it does.
    fn works(&mut self) -> Result<(), Fault> {
        let percent = self.fault_percent / 4;
        if self.broken == Some(Broken::Stuck) || self.dice.percent(percent) {
            self.tally.faults += 1;
            return Err(Fault::new(FaultCode::Transient));
        }
        Ok(())
    }

    fn write_one(&mut self, item: &WriteItem) -> Outcome {
        self.objection(item).unwrap_or_else(|| self.write(item))
    }

    /// Writes items one by one: each has an outcome of its own.
    fn write_each(&mut self, items: &[WriteItem]) -> Vec<Outcome> {
        let one = |item| match self.works() {
            Ok(()) => self.write_one(item),
            Err(fault) => Outcome::Retry { after_seconds: Some(30), fault },
        };
        items.iter().map(one).collect()
    }

    /// Writes all or none: what is objected to one item is said of all.
    fn write_all(&mut self, items: &[WriteItem]) -> Result<Vec<Outcome>, Fault> {
        self.works()?;
        for item in items {
            match self.objection(item) {
                Some(Outcome::Rejected(fault)) => return Err(fault),
                Some(_) => return Err(Fault::new(FaultCode::Conflict)),
                None => {}
            }
        }
        Ok(items.iter().map(|item| self.write(item)).collect())
    }

    /// What it says of a batch that it has done: of each item, or counts only.
    pub fn report(&self, outcomes: Vec<Outcome>) -> WriteReport {
        if self.character.answers != Answers::Counts {
            return WriteReport::Items(outcomes);
        }
        let count = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
        let invalid = outcomes.iter().filter(|outcome| is_invalid(outcome)).count();
        WriteReport::Aggregate(Aggregate {
            received: count(outcomes.len()),
            invalid: count(invalid),
        })
    }

    /// The report of a batch arrived, of which so many writes took effect.
    pub fn reported(&mut self, items: &[WriteItem], outcomes: &[Outcome], took_effect: u64) {
        if self.character.answers == Answers::Counts {
            let invalid = outcomes.iter().filter(|outcome| is_invalid(outcome)).count() as u64;
            self.tally.counted += items.len() as u64;
            self.tally.counted_invalid += invalid;
            self.tally.unanswered += took_effect;
            // Nothing was said of any item, unless all or none were invalid.
            for item in items.iter().filter(|_| [0, items.len() as u64].contains(&invalid)) {
                let fault = Fault::new(FaultCode::Rejected);
                let outcome =
                    if invalid > 0 { Outcome::Rejected(fault) } else { Outcome::Unchanged };
                self.answered(item, &outcome);
            }
            return;
        }
        for (item, outcome) in items.iter().zip(outcomes) {
            self.answered(item, outcome);
        }
    }

    /// A fault was said of a batch as a whole.
    pub fn refused(&mut self, items: &[WriteItem], fault: &Fault) {
        if let ([item], FaultCode::Rejected) = (items, fault.code) {
            self.answered(item, &Outcome::Rejected(fault.clone()));
        }
    }
}

fn is_invalid(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Created { .. } | Outcome::Updated { .. } | Outcome::Deleted)
}
