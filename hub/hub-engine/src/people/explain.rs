//! Why the traits of a profile have their values, with where each piece of
//! evidence came from and who received the result.

use std::collections::BTreeMap;

use hub_core::profile;
use hub_model::{ConnectorVersion, Profile, Record, Rules, Run, RunId, Stamp, SyncId, TraitName};
use hub_store::{Error, Store};

pub use hub_core::profile::{Evidence, Explanation, Lost, Receiver, Reception, Standing};

use crate::delivery::waiting;
use crate::workspace::Workspace;

/// Past runs looked through for the one that received a value. More are not kept.
const RUNS_LOOKED_AT: usize = 1_000;

/// How a piece of evidence came in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arrival {
    /// The run that first received the value; absent if it is kept no more.
    pub run: Option<RunId>,
    /// The pages of that run, from 1, of which one brought it: first and last.
    /// Absent if it came by no page (a look-up before a write), or the run did
    /// not end by itself.
    pub pages: Option<(u64, u64)>,
    /// The connector that read it.
    pub connector: Option<ConnectorVersion>,
}

/// A trait, explained.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// The value, the rule, and what every record says.
    pub explanation: Explanation,
    /// How each piece of evidence came in, in its order.
    pub arrivals: Vec<Arrival>,
    /// The places that it is written to.
    pub receivers: Vec<Receiver>,
}

/// Explains the traits of a profile in order of name, or one of them. A trait
/// that nobody says anything of and that is only written is explained as well:
/// by its receivers.
///
/// # Errors
/// When the store cannot answer.
pub async fn explain(
    workspace: &Workspace,
    of: &Profile,
    only: Option<&TraitName>,
) -> Result<Vec<Explained>, Error> {
    let store = &*workspace.store;
    let rules = &workspace.rules;
    let records: Vec<Record> = store.records(&of.records).await?.into_iter().flatten().collect();
    let members: Vec<&Record> = records.iter().collect();
    let waiting = waiting(store, rules, of.id).await?;
    let mut receivers = profile::receivers(of, &members, &waiting, rules);
    let mut explanations = profile::explain(of, &members, rules);
    for name in receivers.keys() {
        if explanations.iter().all(|explanation| explanation.name != *name) {
            explanations.push(silent(name, rules));
        }
    }
    explanations.retain(|explanation| only.is_none_or(|name| explanation.name == *name));
    explanations.sort_by(|a, b| a.name.cmp(&b.name));
    let mut arrivals = Arrivals::new(store, rules);
    let mut explained = Vec::new();
    for explanation in explanations {
        let mut came = Vec::new();
        for evidence in &explanation.evidence {
            let record = records.iter().find(|record| record.number == evidence.record);
            came.push(arrivals.of(record, evidence.stamp).await?);
        }
        let receivers = receivers.remove(&explanation.name).unwrap_or_default();
        explained.push(Explained { explanation, arrivals: came, receivers });
    }
    Ok(explained)
}

fn silent(name: &TraitName, rules: &Rules) -> Explanation {
    let rule = rules.trait_rule(name).map(|rule| rule.rule).unwrap_or_default();
    Explanation { name: name.clone(), value: None, rule, evidence: Vec::new() }
}

/// Finds the runs that received what records say. A record names the run that
/// changed it last; an older value of it came with an earlier one.
pub(super) struct Arrivals<'a> {
    store: &'a dyn Store,
    rules: &'a Rules,
    runs: BTreeMap<RunId, Option<Run>>,
    past: BTreeMap<SyncId, Vec<Run>>,
}

impl<'a> Arrivals<'a> {
    /// Nothing was looked up yet.
    pub fn new(store: &'a dyn Store, rules: &'a Rules) -> Self {
        Self { store, rules, runs: BTreeMap::new(), past: BTreeMap::new() }
    }

    /// How what a record said at a stamp came in.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn of(&mut self, record: Option<&Record>, stamp: Stamp) -> Result<Arrival, Error> {
        let Some(record) = record.filter(|_| stamp > Stamp(0)) else {
            return Ok(Arrival::default());
        };
        let last = self.run(&record.run).await?;
        let run = match last {
            Some(run) if noted(&run) && run.receipt.holds(stamp) => Some(run),
            _ => self.earlier(record, stamp).await?,
        };
        Ok(run.map_or_else(Arrival::default, |run| Arrival {
            pages: run.receipt.pages_of(stamp).map(|p| (*p.start(), *p.end())),
            connector: run.connector,
            run: Some(run.id),
        }))
    }

    async fn run(&mut self, id: &RunId) -> Result<Option<Run>, Error> {
        if let Some(known) = self.runs.get(id) {
            return Ok(known.clone());
        }
        let run = self.store.run(id).await?;
        self.runs.insert(id.clone(), run.clone());
        Ok(run)
    }

    async fn earlier(&mut self, record: &Record, stamp: Stamp) -> Result<Option<Run>, Error> {
        let stream = &record.at.stream;
        let Some(mapping) = self.rules.mapping(&stream.connection, &stream.stream) else {
            return Ok(None);
        };
        let sync = &mapping.sync;
        if !self.past.contains_key(sync) {
            let runs = self.store.runs(Some(sync), RUNS_LOOKED_AT).await?;
            self.past.insert(sync.clone(), runs);
        }
        let past = self.past.get(sync).into_iter().flatten();
        Ok(past.filter(|run| noted(run)).find(|run| run.receipt.holds(stamp)).cloned())
    }
}

/// Whether a run noted what it received; those of earlier versions did not.
fn noted(run: &Run) -> bool {
    run.connector.is_some()
}
