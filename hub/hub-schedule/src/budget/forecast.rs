//! What work will take of a vendor's allowance, told before it begins.

use hub_model::{Forecast, Priority, RateBudget, Timestamp};

use super::{SLOTS, Spent, reserve, slot_micros};

/// What work takes of budgets, each with the calls that count for it, and when the
/// last of them can be made. `alone_micros` is what the work takes by itself. `None`
/// where no budget counts calls.
///
/// An upper bound: calls are assumed to come in bursts, each of which uses a window
/// up and then waits until all of it is over.
pub fn forecast<'a>(
    now: Timestamp,
    budgets: impl IntoIterator<Item = (&'a RateBudget, &'a Spent, u64)>,
    priority: Priority,
    alone_micros: i64,
) -> Option<Forecast> {
    let mut waits_micros = 0_i64;
    let mut longest: Option<Forecast> = None;
    for (budget, spent, calls) in budgets.into_iter().filter(|(budget, ..)| budget.calls > 0) {
        // Who waits for one window may find another used up meanwhile.
        let last = spent.last_of(now, budget, priority, calls);
        waits_micros = waits_micros.saturating_add(last.0.saturating_sub(now.0));
        let (of, window_seconds) = (spent.calls(budget), budget.window_seconds);
        let percent = calls.saturating_mul(100).div_ceil(u64::from(of));
        // People think in the longest window: "of today's calls".
        if longest.is_none_or(|it| (window_seconds, percent) > (it.window_seconds, it.percent)) {
            longest = Some(Forecast { calls, of, window_seconds, percent, ends: now });
        }
    }
    let ends = now.plus_micros(alone_micros.max(waits_micros));
    longest.map(|longest| Forecast { ends, ..longest })
}

impl Spent {
    /// When the last of so many calls can be made at the latest, if nobody else
    /// makes any.
    fn last_of(
        &self,
        now: Timestamp,
        budget: &RateBudget,
        priority: Priority,
        calls: u64,
    ) -> Timestamp {
        let all = self.calls(budget);
        let reserve = reserve(all, priority);
        let most = u64::from(all - reserve).max(1);
        let mut free = most.saturating_sub(self.used(now, budget));
        let window = slot_micros(budget).saturating_mul(SLOTS + 1);
        let mut renews = now.plus_micros(window);
        if let Some((left, span)) = self.left.filter(|(_, span)| span.holds(now)) {
            free = free.min(u64::from(left.saturating_sub(reserve)));
            renews = renews.max(span.until);
        }
        if let Some(closed) = self.closed.filter(|closed| closed.holds(now)) {
            free = 0;
            renews = renews.max(closed.until);
        }
        let Some(rest) = calls.checked_sub(free).filter(|rest| *rest > 0) else { return now };
        let windows = i64::try_from(rest.div_ceil(most)).unwrap_or(i64::MAX);
        renews.plus_micros(window.saturating_mul(windows - 1))
    }
}
