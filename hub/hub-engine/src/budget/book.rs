//! The book of budgets: one ledger per account and per application, and who waits.

use std::collections::BTreeMap;

use hub_core::planted::{self, Bug};
use hub_model::rate::{SCOPE_ACCOUNT, SCOPE_APP};
use hub_model::{AccountName, Fault, FaultCode, Priority, RateBudget, RateHint, Timestamp};
use hub_schedule::budget::{Ask, Spent, Verdict, decide, is_kept, spoken_of};
use plugin_api::Learned;
use serde::{Deserialize, Serialize};

use super::{Begun, Call};
use crate::job::SyncJob;

/// Most budgets of one ledger: what a connector declares and a vendor speaks of.
const ROWS_MAX: usize = 64;
/// What is kept ahead of what is spent: a hundredth of a window.
const AHEAD_SHARE: u32 = 100;
/// A vendor's refusal is kept when it lasts at least so long: 60 s.
const REFUSAL_KEPT_SECONDS_MIN: i64 = 60;

/// What a call counts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Of {
    pub account: AccountName,
    /// The ledgers of its account and of its application.
    ledgers: [String; 2],
    call: Call,
    stream: String,
}

impl Of {
    pub fn new(job: &SyncJob, call: Call) -> Self {
        let ledgers =
            [format!("account/{}", job.account), format!("app/{}", job.connector.manifest().id)];
        let stream = job.mapping.stream.stream.to_string();
        Self { account: job.account.clone(), ledgers, call, stream }
    }

    pub fn ledgers(&self) -> impl Iterator<Item = &str> {
        self.ledgers.iter().map(String::as_str)
    }

    /// Whether it counts for a budget of its ledgers.
    fn counts_for(&self, budget: &RateBudget) -> bool {
        let scope = budget.scope.as_str();
        [SCOPE_ACCOUNT, SCOPE_APP, self.call.scope(), self.stream.as_str()].contains(&scope)
    }
}

/// One budget, what was spent of it, and how much more is kept as spent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Row {
    budget: RateBudget,
    spent: Spent,
    ahead: u32,
}

impl Row {
    fn new(budget: RateBudget) -> Self {
        Self { budget, spent: Spent::default(), ahead: 0 }
    }
}

#[derive(Debug, Default)]
struct Ledger {
    /// The first stands for the vendor's word about everything.
    rows: Vec<Row>,
    /// What earlier processes kept and nobody has declared yet.
    kept: Vec<Row>,
    /// What a kind of call cost last.
    cost: BTreeMap<Call, u32>,
    /// How long a call takes, about.
    call_micros: i64,
}

/// Somebody who waits.
#[derive(Debug)]
struct Waiting {
    of: Of,
    ask: Ask,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Book {
    ledgers: BTreeMap<String, Ledger>,
    queue: BTreeMap<(Priority, u64), Waiting>,
    tickets: u64,
}

impl Book {
    pub fn knows(&self, name: &str) -> bool {
        self.ledgers.contains_key(name)
    }

    /// Opens a ledger with what was kept of it. What was kept ahead counts as spent.
    pub fn open(&mut self, name: &str, kept: Option<&[u8]>, now: Timestamp) -> Result<(), Fault> {
        if self.knows(name) {
            return Ok(());
        }
        let kept = kept.map(serde_json::from_slice::<Vec<Row>>).transpose();
        let unreadable = |error: serde_json::Error| {
            Fault::new(FaultCode::Store).at(format!("budget/{name}")).with("reason", error)
        };
        let mut kept = kept.map_err(unreadable)?.unwrap_or_default();
        for row in &mut kept {
            row.spent.add(now, &row.budget, std::mem::take(&mut row.ahead));
        }
        let mut ledger = Ledger { kept, ..Ledger::default() };
        let everything =
            RateBudget { scope: SCOPE_ACCOUNT.into(), calls: 0, window_seconds: 0, concurrency: 0 };
        ledger.declare(&everything);
        self.ledgers.insert(name.to_owned(), ledger);
        Ok(())
    }

    /// Adds budgets that a connector declares. Where two declare one budget with
    /// different numbers, the lower ones count.
    pub fn declare(&mut self, of: &Of, budgets: &[RateBudget]) {
        let [account, app] = &of.ledgers;
        for budget in budgets {
            let name = if budget.scope == SCOPE_APP { app } else { account };
            if let Some(ledger) = self.ledgers.get_mut(name) {
                ledger.declare(budget);
            }
        }
    }

    /// Queues up; the ticket's number.
    pub fn enter(&mut self, of: &Of, priority: Priority) -> u64 {
        let cost =
            of.ledgers().filter_map(|name| self.ledgers.get(name)?.cost.get(&of.call).copied());
        let ask = Ask { priority, cost: cost.max().unwrap_or(1) };
        self.tickets += 1;
        self.queue.insert((priority, self.tickets), Waiting { of: of.clone(), ask });
        self.tickets
    }

    pub fn leave(&mut self, ticket: u64) {
        self.queue.retain(|(_, number), _| *number != ticket);
    }

    /// Whether a ticket may pass: its budgets have room, and nobody who is before
    /// it in the queue of its account could pass.
    pub fn may(&self, ticket: u64, now: Timestamp) -> Verdict {
        let Some((place, own)) = self.queue.iter().find(|((_, number), _)| *number == ticket)
        else {
            return Verdict::Go;
        };
        if planted::is(Bug::QuotaIgnored) {
            return Verdict::Go;
        }
        let verdict = self.decide(own, now);
        let mut before = self.queue.range(..*place).map(|(_, waiting)| waiting);
        let is_ahead = |other: &Waiting| {
            other.of.ledgers[0] == own.of.ledgers[0] && self.decide(other, now) == Verdict::Go
        };
        if verdict == Verdict::Go && before.any(is_ahead) { Verdict::Busy } else { verdict }
    }

    fn decide(&self, waiting: &Waiting, now: Timestamp) -> Verdict {
        let rows = self.rows(&waiting.of).map(|row| (&row.budget, &row.spent));
        decide(now, rows, waiting.ask)
    }

    fn rows<'a>(&'a self, of: &'a Of) -> impl Iterator<Item = &'a Row> {
        let ledgers = of.ledgers().filter_map(move |name| self.ledgers.get(name));
        ledgers.flat_map(|ledger| &ledger.rows).filter(move |row| of.counts_for(&row.budget))
    }

    /// Begins a call; whether more must be kept before it is made.
    pub fn begin(&mut self, of: &Of, now: Timestamp) -> (Begun, bool) {
        let (mut short, mut cost) = (false, 1);
        for name in of.ledgers() {
            let Some(ledger) = self.ledgers.get_mut(name) else { continue };
            cost = ledger.cost.get(&of.call).copied().unwrap_or(1).max(cost);
            for row in ledger.rows.iter_mut().filter(|row| of.counts_for(&row.budget)) {
                row.spent.begin(now, &row.budget, cost);
                short |= row.uses(cost);
            }
        }
        (Begun { at: now, cost }, short)
    }

    /// Ends a call that cost what was expected; [`Book::heard`] adds the rest.
    pub fn end(&mut self, of: &Of, begun: Begun, now: Timestamp) {
        for name in of.ledgers() {
            let Some(ledger) = self.ledgers.get_mut(name) else { continue };
            for row in ledger.rows.iter_mut().filter(|row| of.counts_for(&row.budget)) {
                row.spent.end(now, &row.budget, begun.cost, begun.cost);
            }
        }
    }

    /// Keeps in mind what a call learned, and how long its vendor wants to be left
    /// alone; whether that must be kept.
    pub fn heard(
        &mut self,
        of: &Of,
        now: Timestamp,
        learned: &Learned,
        refused_seconds: Option<i64>,
        begun: Begun,
    ) -> bool {
        let told = learned.rates.iter().filter_map(|hint| hint.cost).max();
        let was = told.or((learned.requests > 0).then_some(learned.requests));
        let mut short = false;
        for name in of.ledgers() {
            let Some(ledger) = self.ledgers.get_mut(name) else { continue };
            let took = now.0.saturating_sub(begun.at.0).max(0);
            ledger.call_micros = (ledger.call_micros.saturating_mul(3).saturating_add(took)) / 4;
            if let Some(was) = was {
                ledger.cost.insert(of.call, was.max(1));
                let more = was.saturating_sub(begun.cost);
                for row in ledger.rows.iter_mut().filter(|row| of.counts_for(&row.budget)) {
                    row.spent.add(now, &row.budget, more);
                    short |= row.uses(more);
                }
            }
            let is_app = |hint: &&RateHint| (hint.scope == SCOPE_APP) == name.starts_with("app/");
            for hint in learned.rates.iter().filter(is_app) {
                ledger.heard(hint, now);
            }
        }
        let refused_seconds = refused_seconds.filter(|_| !planted::is(Bug::RefusalIgnored));
        let [account, _] = &of.ledgers;
        let ledger = self.ledgers.get_mut(account);
        if let (Some(seconds), Some(row)) =
            (refused_seconds, ledger.and_then(|l| l.rows.first_mut()))
        {
            row.spent.refused(now, now.plus_seconds(seconds));
            short |= seconds >= REFUSAL_KEPT_SECONDS_MIN;
        }
        short
    }

    /// What is to be kept of a ledger; `None` where nothing lasts. It counts as kept
    /// from then on, unless [`Book::not_kept`] is told.
    pub fn take_kept(&mut self, name: &str, now: Timestamp) -> Result<Option<Vec<u8>>, Fault> {
        let Some(ledger) = self.ledgers.get_mut(name) else { return Ok(None) };
        for row in ledger.rows.iter_mut().filter(|row| is_kept(&row.budget)) {
            row.ahead = row.ahead.max((row.spent.calls(&row.budget) / AHEAD_SHARE).max(1));
        }
        let is_lasting = |row: &&Row| is_kept(&row.budget) || row.spent.is_closed(now);
        let rows: Vec<&Row> = ledger.rows.iter().chain(&ledger.kept).filter(is_lasting).collect();
        if rows.is_empty() {
            return Ok(None);
        }
        let text = serde_json::to_vec(&rows);
        text.map(Some).map_err(|error| Fault::new(FaultCode::Store).with("reason", error))
    }

    pub fn not_kept(&mut self, name: &str) {
        for row in self.ledgers.get_mut(name).into_iter().flat_map(|ledger| &mut ledger.rows) {
            row.ahead = 0;
        }
    }

    /// The budgets for which calls of a kind count, with what was spent of them.
    pub fn spent<'a>(&'a self, of: &'a Of) -> impl Iterator<Item = (&'a RateBudget, &'a Spent)> {
        self.rows(of).map(|row| (&row.budget, &row.spent))
    }

    /// How long a call of the account takes, about, in microseconds; 0 = not known.
    pub fn call_micros(&self, of: &Of) -> i64 {
        of.ledgers().next().and_then(|name| self.ledgers.get(name)).map_or(0, |l| l.call_micros)
    }
}

impl Row {
    /// Takes a cost from what is kept ahead; whether that was not enough.
    fn uses(&mut self, cost: u32) -> bool {
        let short = is_kept(&self.budget) && self.ahead < cost;
        self.ahead = self.ahead.saturating_sub(cost);
        short
    }
}

impl Ledger {
    fn declare(&mut self, budget: &RateBudget) {
        let same = |row: &Row| {
            (&row.budget.scope, row.budget.window_seconds) == (&budget.scope, budget.window_seconds)
        };
        if let Some(row) = self.rows.iter_mut().find(|row| same(row)) {
            row.budget.calls = lower(row.budget.calls, budget.calls);
            row.budget.concurrency = lower(row.budget.concurrency, budget.concurrency);
        } else if self.rows.len() < ROWS_MAX {
            let kept = self.kept.iter().position(same).map(|at| self.kept.remove(at));
            let kept = kept.unwrap_or_else(|| Row::new(budget.clone()));
            self.rows.push(Row { budget: budget.clone(), ..kept });
        }
    }

    fn heard(&mut self, hint: &RateHint, now: Timestamp) {
        let declared = self.rows.iter().skip(1).map(|row| &row.budget);
        let spoken_of = spoken_of(declared, hint).cloned().unwrap_or_else(|| RateBudget {
            // A vendor may speak of limits that its connector does not declare.
            scope: hint.scope.clone(),
            calls: 0,
            window_seconds: hint.reset_after_seconds.unwrap_or(0).max(1),
            concurrency: 0,
        });
        self.declare(&spoken_of);
        let row = self.rows.iter_mut().skip(1).find(|row| row.budget == spoken_of);
        if let Some(row) = row {
            row.spent.heard(now, &spoken_of, hint);
        }
    }
}

/// The lower of two limits, of which 0 is none.
fn lower(a: u32, b: u32) -> u32 {
    match (a, b) {
        (0, other) | (other, 0) => other,
        (a, b) => a.min(b),
    }
}
