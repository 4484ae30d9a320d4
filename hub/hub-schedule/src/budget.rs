//! How many calls a vendor's account takes now, and when it takes the next.
//!
//! A budget is what a connector declares: so many calls (or points) in a window,
//! so many at once. What was spent of it is counted in slots, of which a window
//! has [`SLOTS`], and one slot more than a window is looked at: so no interval of
//! a window's length ever holds more than the budget, whether the vendor's window
//! slides, renews at fixed times, or leaks like a bucket. The price is at most one
//! slot in sixty.
//!
//! What a vendor says while it answers counts as well, and never lets more pass
//! than what was declared: so many remain until then ([`Spent::heard`]); not
//! before then ([`Spent::refused`]). It knows of other applications that use the
//! account; we do not.
//!
//! Work of little haste leaves a part of each window to what has more
//! ([`reserve`]): an erasure must not wait for tomorrow because a first load used
//! up today. Everything here is a function of values: the caller keeps [`Spent`],
//! also across a restart, where windows are long.

mod forecast;

use std::collections::BTreeMap;

use hub_model::{Priority, RateBudget, RateHint, Timestamp};
use serde::{Deserialize, Serialize};

pub use forecast::forecast;

/// Slots of a window.
pub const SLOTS: i64 = 60;
/// A window at least so long is a quota: who finds it used up goes away and comes
/// back. 1 h.
const QUOTA_SECONDS_MIN: u32 = 3_600;
/// How long a vendor's word about what remains holds that names no end, and that
/// no declared window explains: 60 s.
const WORD_SECONDS: u32 = 60;
/// Shortest slot, microseconds.
const SLOT_MICROS_MIN: i64 = 1_000;

/// What was spent of one budget, and what its vendor said of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Spent {
    /// Calls (or points) by the number of their slot.
    slots: BTreeMap<i64, u32>,
    /// What the vendor said remains, and while that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<(u32, Span)>,
    /// The vendor's own number of calls of a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    /// The vendor takes nothing while this holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<Span>,
    /// Calls under way.
    #[serde(skip)]
    running: u32,
}

/// While a vendor's word holds. A clock that stands before its beginning was set
/// back: then the word says nothing, or it could hold for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    since: Timestamp,
    until: Timestamp,
}

impl Span {
    fn holds(&self, now: Timestamp) -> bool {
        self.since <= now && now < self.until
    }
}

/// What is asked of budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Whose call it is.
    pub priority: Priority,
    /// What it will probably cost; at least 1.
    pub cost: u32,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Now.
    Go,
    /// When one that is under way has ended.
    Busy,
    /// Not before an instant.
    Wait {
        /// The instant: later than now.
        until: Timestamp,
        /// A quota is used up: nobody should stand and wait for it.
        quota: bool,
    },
}

/// The part of a window that work leaves to what has more haste, in calls.
pub fn reserve(calls: u32, priority: Priority) -> u32 {
    let percent = match priority {
        Priority::Erase => 0,
        Priority::Trigger => 2,
        Priority::Sync => 5,
        Priority::Backfill => 20,
    };
    let kept = u64::from(calls) * percent / 100;
    // A budget so small that nothing could be left over is shared by turns alone.
    u32::try_from(kept).unwrap_or(u32::MAX).min(calls.saturating_sub(1))
}

/// Whether a call that counts for all of these budgets may be made, and when.
pub fn decide<'a>(
    now: Timestamp,
    budgets: impl IntoIterator<Item = (&'a RateBudget, &'a Spent)>,
    ask: Ask,
) -> Verdict {
    let (mut until, mut quota, mut busy) = (now, false, false);
    for (budget, spent) in budgets {
        busy |= budget.concurrency > 0 && spent.running >= budget.concurrency;
        let opens = spent.opens(now, budget, ask);
        if opens > until {
            until = opens;
            quota = budget.window_seconds >= QUOTA_SECONDS_MIN
                || opens.0.saturating_sub(now.0) >= i64::from(QUOTA_SECONDS_MIN) * 1_000_000;
        }
    }
    match (until > now, busy) {
        (true, _) => Verdict::Wait { until, quota },
        (false, true) => Verdict::Busy,
        (false, false) => Verdict::Go,
    }
}

/// Whether what was spent of a budget must survive a restart: its window is longer
/// than a restart takes.
pub const fn is_kept(budget: &RateBudget) -> bool {
    budget.calls > 0 && budget.window_seconds >= QUOTA_SECONDS_MIN
}

const fn slot_micros(budget: &RateBudget) -> i64 {
    let window = budget.window_seconds as i64 * 1_000_000;
    let slot = window / SLOTS + (window % SLOTS != 0) as i64;
    if slot < SLOT_MICROS_MIN { SLOT_MICROS_MIN } else { slot }
}

impl Spent {
    /// Calls of a whole window: the vendor's own number where it gave one.
    pub fn calls(&self, budget: &RateBudget) -> u32 {
        match self.limit {
            Some(limit) if budget.calls > 0 => limit.max(1),
            _ => budget.calls,
        }
    }

    /// What was spent in the window that ends now.
    pub fn used(&self, now: Timestamp, budget: &RateBudget) -> u64 {
        self.within(now, budget).map(|(_, spent)| u64::from(spent)).sum()
    }

    /// The slots that count now. One from the future counts too, if not from beyond
    /// a window: the clock was set back.
    fn within(
        &self,
        now: Timestamp,
        budget: &RateBudget,
    ) -> impl Iterator<Item = (i64, u32)> + use<'_> {
        let slot = now.0.div_euclid(slot_micros(budget));
        let range = slot.saturating_sub(SLOTS)..=slot.saturating_add(SLOTS);
        self.slots.range(range).map(|(slot, spent)| (*slot, *spent))
    }

    /// The first instant from now on at which a call is let pass, were nothing else
    /// to be spent.
    fn opens(&self, now: Timestamp, budget: &RateBudget, ask: Ask) -> Timestamp {
        let closed = self.closed.filter(|closed| closed.holds(now)).map_or(now, |it| it.until);
        let calls = self.calls(budget);
        let reserve = reserve(calls, ask.priority);
        let most = u64::from(calls - reserve);
        let cost = u64::from(ask.cost.max(1));
        let said = match self.left {
            Some((left, span))
                if span.holds(now) && u64::from(left) < cost + u64::from(reserve) =>
            {
                span.until
            }
            _ => now,
        };
        if calls == 0 {
            return closed.max(said);
        }
        let mut used = self.used(now, budget);
        let mut opens = now;
        let micros = slot_micros(budget);
        // What costs more than a window holds takes one for itself.
        for (slot, spent) in self.within(now, budget) {
            if used + cost.min(most) <= most {
                break;
            }
            used -= u64::from(spent);
            let gone = slot.saturating_add(SLOTS + 1).saturating_mul(micros);
            opens = opens.max(Timestamp(gone));
        }
        closed.max(said).max(opens)
    }

    /// Whether the vendor wants to be left alone now.
    pub fn is_closed(&self, now: Timestamp) -> bool {
        self.closed.is_some_and(|closed| closed.holds(now))
    }

    /// Counts a call that begins.
    pub fn begin(&mut self, now: Timestamp, budget: &RateBudget, cost: u32) {
        self.running = self.running.saturating_add(1);
        self.add(now, budget, cost.max(1));
    }

    /// Counts a call as ended. `cost` was expected, `was` is what it was.
    pub fn end(&mut self, now: Timestamp, budget: &RateBudget, cost: u32, was: u32) {
        self.running = self.running.saturating_sub(1);
        self.add(now, budget, was.saturating_sub(cost.max(1)));
    }

    /// Counts something as spent.
    pub fn add(&mut self, now: Timestamp, budget: &RateBudget, cost: u32) {
        if let Some((left, _)) = &mut self.left {
            *left = left.saturating_sub(cost);
        }
        if budget.calls == 0 || cost == 0 {
            return;
        }
        let slot = now.0.div_euclid(slot_micros(budget));
        let spent = self.slots.entry(slot).or_default();
        *spent = spent.saturating_add(cost);
        self.slots.retain(|other, _| other.abs_diff(slot) <= SLOTS.unsigned_abs());
    }

    /// Keeps what the vendor said of this budget.
    pub fn heard(&mut self, now: Timestamp, budget: &RateBudget, hint: &RateHint) {
        if hint.limit.is_some() {
            self.limit = hint.limit;
        }
        let Some(remaining) = hint.remaining else { return };
        let seconds = hint.reset_after_seconds.unwrap_or(match budget.window_seconds {
            0 => WORD_SECONDS,
            seconds => seconds,
        });
        let until = now.plus_seconds(i64::from(seconds));
        self.left = Some((remaining, Span { since: now, until }));
    }

    /// The vendor takes nothing before an instant; of two the later one counts.
    pub fn refused(&mut self, now: Timestamp, until: Timestamp) {
        let held = self.closed.filter(|closed| closed.holds(now) && closed.until > until);
        self.closed = held.or(Some(Span { since: now, until }));
    }
}

/// Which of the budgets of one scope a hint is about: the shortest whose window is
/// not over before the one that the vendor speaks of.
pub fn spoken_of<'a>(
    budgets: impl IntoIterator<Item = &'a RateBudget>,
    hint: &RateHint,
) -> Option<&'a RateBudget> {
    let same = budgets.into_iter().filter(|budget| budget.scope == hint.scope);
    let reaches = |budget: &&RateBudget| match (hint.reset_after_seconds, hint.limit) {
        (Some(seconds), _) => budget.window_seconds >= seconds,
        // Without an end a vendor is known by its number.
        (None, Some(limit)) => budget.calls >= limit,
        (None, None) => true,
    };
    let mut same: Vec<&RateBudget> = same.collect();
    same.sort_by_key(|budget| budget.window_seconds);
    same.iter().copied().find(reaches).or_else(|| same.last().copied())
}
