//! Rate budgets: every call to a vendor passes here, those of all syncs of an
//! account by one count.
//!
//! Whether a call may be made is a pure function ([`hub_schedule::budget`]); here
//! is who asks, who waits for whom, and what is kept. Of those that wait for one
//! account the one with most haste goes first, then the one that has waited
//! longest; who waits for another budget stands in nobody's way. A wait of seconds
//! is waited out. A longer one ends the run, which comes back by itself when it is
//! over ([`crate::waiting`]): nobody holds anything meanwhile, so an account that is
//! used up delays no other.
//!
//! What was spent of long windows is kept a little ahead of what is spent: a crash
//! may forget calls that were allowed and not made, never calls that were made.

mod book;
mod forecast;

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hub_model::{Fault, FaultCode, PositionName, Priority, Timestamp};
use hub_schedule::budget::Verdict;
use hub_store::{PositionChange, WriteSet};

use crate::run::RunContext;
use book::{Book, Of};
pub(crate) use forecast::{announce, of_plan};

/// Longest wait for a budget inside a run.
const WAIT_MICROS_MAX: i64 = 20_000_000;
/// How often somebody who waits for others looks again, whatever they do.
const LOOK_MICROS: u64 = 1_000_000;
/// The longest time that a vendor is believed to ask for: 32 days.
const REFUSED_SECONDS_MAX: i64 = 32 * 86_400;
/// How long a quota counts as used up when its vendor names no time: 1 h.
const QUOTA_SECONDS: i64 = 3_600;

/// A kind of call: what an endpoint's budget names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    Discover,
    Read,
    Lookup,
    Write,
    PollJob,
}

impl Call {
    /// The name by which a budget's scope means it.
    pub const fn scope(self) -> &'static str {
        match self {
            Self::Discover => "discover",
            Self::Read => "read",
            Self::Lookup => "lookup",
            Self::Write => "write",
            Self::PollJob => "poll-job",
        }
    }
}

/// The budgets of all accounts of a workspace.
#[derive(Default)]
pub(crate) struct Budgets {
    book: Mutex<Book>,
    /// One at a time keeps what was spent.
    keeping: tokio::sync::Mutex<()>,
    freed: tokio::sync::Notify,
}

impl Budgets {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a call when its account has room for it, with the haste of the run.
///
/// # Errors
/// `rate-limited` or `quota-exhausted`, with `after_seconds`, when it would have to
/// wait for long: then the call was not made. And whatever the call answers.
pub(crate) async fn paced<T>(
    context: &RunContext<'_>,
    call: Call,
    made: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    paced_as(context, context.priority, call, made).await
}

/// The same with a haste of its own.
pub(crate) async fn paced_as<T>(
    context: &RunContext<'_>,
    priority: Priority,
    call: Call,
    made: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let budgets = &context.workspace.budgets;
    let of = Of::new(context.job, call);
    let begun = wait(context, &of, priority, true).await?;
    let mut pass = Pass { budgets, of: &of, began: begun, now: begun.at };
    let result = made.await;
    pass.now = context.workspace.env.now();
    let learned = context.job.connector.learned();
    let refused = result.as_ref().err().and_then(refused_seconds);
    let kept = budgets.book().heard(&of, pass.now, &learned, refused, pass.began);
    drop(pass);
    if kept {
        keep(context, &of).await?;
    }
    result
}

/// Waits until the account has room for a call, without making one: for those who
/// must prepare something that is undone only with effort.
///
/// # Errors
/// As [`paced`].
pub(crate) async fn ready(
    context: &RunContext<'_>,
    priority: Priority,
    call: Call,
) -> Result<(), Fault> {
    wait(context, &Of::new(context.job, call), priority, false).await?;
    Ok(())
}

/// What a call was expected to cost, and when it began.
#[derive(Debug, Clone, Copy)]
struct Begun {
    at: Timestamp,
    cost: u32,
}

/// A call under way: counted as ended also when its future is dropped.
struct Pass<'a> {
    budgets: &'a Budgets,
    of: &'a Of,
    began: Begun,
    now: Timestamp,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.budgets.book().end(self.of, self.began, self.now);
        self.budgets.freed.notify_waiters();
    }
}

/// A place in the queue: given up also when its future is dropped.
struct Ticket<'a> {
    budgets: &'a Budgets,
    number: u64,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.budgets.book().leave(self.number);
        self.budgets.freed.notify_waiters();
    }
}

async fn wait(
    context: &RunContext<'_>,
    of: &Of,
    priority: Priority,
    begins: bool,
) -> Result<Begun, Fault> {
    let budgets = &context.workspace.budgets;
    know(context, of).await?;
    let number = budgets.book().enter(of, priority);
    let ticket = Ticket { budgets, number };
    loop {
        context.go_on()?;
        let now = context.workspace.env.now();
        let freed = budgets.freed.notified();
        let verdict = budgets.book().may(number, now);
        match verdict {
            Verdict::Go if begins => {
                let (begun, short) = budgets.book().begin(of, now);
                if short && let Err(fault) = keep(context, of).await {
                    budgets.book().end(of, begun, now);
                    return Err(fault);
                }
                drop(ticket);
                return Ok(begun);
            }
            Verdict::Go => return Ok(Begun { at: now, cost: 0 }),
            Verdict::Busy => {
                let look = context.workspace.env.sleep(Duration::from_micros(LOOK_MICROS));
                tokio::select! {
                    () = freed => {}
                    () = look => {}
                }
                // Where time is simulated, looking takes none.
                tokio::task::yield_now().await;
            }
            Verdict::Wait { until, quota } => {
                let micros = until.0.saturating_sub(now.0);
                if micros > WAIT_MICROS_MAX {
                    return Err(used_up(of, micros, quota));
                }
                tracing::debug!(run = %context.id, %until, "waiting for the vendor's budget");
                let micros = u64::try_from(micros).unwrap_or(0);
                context.pause(Duration::from_micros(micros)).await;
            }
        }
    }
}

/// The fault of a budget that has no room for long.
fn used_up(of: &Of, micros: i64, quota: bool) -> Fault {
    let code = if quota { FaultCode::QuotaExhausted } else { FaultCode::RateLimited };
    let seconds = micros / 1_000_000 + i64::from(micros % 1_000_000 > 0);
    Fault::new(code).at(of.account.to_string()).with("after_seconds", seconds)
}

/// For how long a vendor's fault closes its account.
fn refused_seconds(fault: &Fault) -> Option<i64> {
    let named = fault.args.get("after_seconds").and_then(|text| text.parse::<i64>().ok());
    let seconds = match fault.code {
        FaultCode::QuotaExhausted => named.or(Some(QUOTA_SECONDS)),
        FaultCode::RateLimited => named,
        _ => None,
    };
    seconds.map(|seconds| seconds.clamp(0, REFUSED_SECONDS_MAX))
}

fn position(name: &str) -> PositionName {
    PositionName::new(format!("budget/{name}"))
}

/// Loads what was spent before this process, and declares the connector's budgets.
async fn know(context: &RunContext<'_>, of: &Of) -> Result<(), Fault> {
    let budgets = &context.workspace.budgets;
    for name in of.ledgers() {
        if budgets.book().knows(name) {
            continue;
        }
        let _one = budgets.keeping.lock().await;
        let kept = context.workspace.store.position(&position(name)).await?;
        let now = context.workspace.env.now();
        budgets.book().open(name, kept.as_deref(), now)?;
    }
    budgets.book().declare(of, &context.job.connector.manifest().budgets);
    Ok(())
}

/// Makes durable what was spent, and a little more.
async fn keep(context: &RunContext<'_>, of: &Of) -> Result<(), Fault> {
    let budgets = &context.workspace.budgets;
    let store = &context.workspace.store;
    let _one = budgets.keeping.lock().await;
    let now = context.workspace.env.now();
    let mut positions = Vec::new();
    for name in of.ledgers() {
        let Some(new) = budgets.book().take_kept(name, now)? else { continue };
        let name = position(name);
        let expected = store.position(&name).await?;
        positions.push(PositionChange { name, expected, new: Some(new) });
    }
    if let Err(error) = store.commit(WriteSet { positions, ..WriteSet::default() }).await {
        of.ledgers().for_each(|name| budgets.book().not_kept(name));
        return Err(error.into());
    }
    Ok(())
}
