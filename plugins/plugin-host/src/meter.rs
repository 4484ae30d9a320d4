//! Counting the processor time of a call.
//!
//! A guest that waits for a vendor uses no processor, and one that is pushed
//! aside by other work is not to blame. So the budget is the *thread's* processor
//! time while the call is being polled: the call's future is wrapped, and the
//! interruption tick asks how much is used up.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Processor time of one call so far. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct CpuMeter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Nanoseconds of polls that have ended.
    ended: AtomicU64,
    /// The thread's clock when the current poll began.
    began: AtomicU64,
}

/// The processor time of this thread, in nanoseconds.
fn thread_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(time.tv_nsec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

impl CpuMeter {
    /// A meter at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Processor time used so far; asked from within the metered call.
    pub fn used_within(&self) -> Duration {
        let running = thread_nanos().saturating_sub(self.0.began.load(Ordering::Relaxed));
        Duration::from_nanos(self.0.ended.load(Ordering::Relaxed).saturating_add(running))
    }

    /// Processor time of all polls that have ended.
    pub fn used(&self) -> Duration {
        Duration::from_nanos(self.0.ended.load(Ordering::Relaxed))
    }

    /// The same future, metered.
    pub fn metered<F: Future>(&self, future: F) -> Metered<F> {
        Metered { meter: self.clone(), future: Box::pin(future) }
    }
}

/// A future whose polls are metered.
pub struct Metered<F> {
    meter: CpuMeter,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let began = thread_nanos();
        self.meter.0.began.store(began, Ordering::Relaxed);
        let result = self.future.as_mut().poll(context);
        // A poll begins and ends on one thread, so its clock is one clock.
        let spent = thread_nanos().saturating_sub(began);
        self.meter.0.ended.fetch_add(spent, Ordering::Relaxed);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::CpuMeter;
    use std::time::Duration;

    #[tokio::test]
    async fn waiting_is_free_and_working_is_not() {
        let waiting = CpuMeter::new();
        waiting.metered(tokio::time::sleep(Duration::from_millis(200))).await;
        assert!(waiting.used() < Duration::from_millis(100), "{:?}", waiting.used());

        let working = CpuMeter::new();
        let inside = working.clone();
        let seen = working
            .metered(async move {
                // As long as it takes on a busy machine: processor time, not wall time.
                while inside.used_within() < Duration::from_millis(20) {
                    std::hint::spin_loop();
                }
                inside.used_within()
            })
            .await;
        assert!(working.used() >= seen);
    }
}
