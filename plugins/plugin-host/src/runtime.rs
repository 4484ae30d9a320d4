//! A runtime for guests alone, so that guests that spin never delay a timer or
//! a connection of the hub.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{JoinError, JoinHandle};

/// The guests' runtime. Dropping it stops what still runs, without waiting, so
/// that it may be dropped from within the hub's own runtime.
#[derive(Debug)]
pub struct GuestRuntime {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl GuestRuntime {
    /// A runtime of so many threads.
    ///
    /// # Errors
    /// The operating system gives no threads.
    pub fn new(threads: usize) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .thread_name("guest")
            .enable_all()
            .build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Runs work among the guests and waits for it from wherever the caller is.
    /// A caller that stops waiting stops the work.
    ///
    /// # Errors
    /// The work panicked, or the runtime was dropped.
    pub async fn run<F>(&self, work: F) -> Result<F::Output, JoinError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        AbortOnDrop(self.handle.spawn(work)).wait().await
    }

    /// Runs work that blocks, on a thread of its own.
    ///
    /// # Errors
    /// The work panicked, or the runtime was dropped.
    pub async fn run_blocking<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, JoinError> {
        self.handle.spawn_blocking(work).await
    }
}

impl Drop for GuestRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> AbortOnDrop<T> {
    async fn wait(mut self) -> Result<T, JoinError> {
        (&mut self.0).await
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::GuestRuntime;

    #[tokio::test]
    async fn a_panic_is_contained_and_the_runtime_goes_on() {
        let guests = GuestRuntime::new(1).unwrap();
        let panicked = guests.run(async { assert_eq!(1, 2, "on purpose") }).await;
        assert!(panicked.unwrap_err().is_panic());
        assert_eq!(guests.run(async { 7 }).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_caller_that_stops_waiting_stops_the_work() {
        let guests = GuestRuntime::new(1).unwrap();
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let work = guests.run(async move {
            let _held = sender;
            std::future::pending::<()>().await;
        });
        let limit = std::time::Duration::from_millis(10);
        assert!(tokio::time::timeout(limit, work).await.is_err());
        // The work's half is gone: it was dropped, not merely forgotten.
        assert!(receiver.await.is_err());
    }
}
