//! Progress: each step says that it began and how long it took; a failed one
//! says what to do.

use std::time::Instant;

use anyhow::Result;

/// Prints the steps of one command on standard error.
#[derive(Debug)]
pub struct Steps {
    begun: Instant,
    done: usize,
    planned: usize,
}

impl Steps {
    /// Announces a command with so many steps.
    #[must_use]
    pub fn new(planned: usize) -> Self {
        Self { begun: Instant::now(), done: 0, planned }
    }

    /// Runs one step. `remedy` is what a person should do if it fails.
    ///
    /// # Errors
    /// The step's own, after it and the remedy were printed.
    pub fn step<T>(
        &mut self,
        name: &str,
        remedy: &str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        self.done += 1;
        let place = format!("[{}/{}]", self.done, self.planned);
        eprintln!("{place} {name} ...");
        let begun = Instant::now();
        let result = work();
        let seconds = begun.elapsed().as_secs_f64();
        match &result {
            Ok(_) => eprintln!("{place} {name}: done in {seconds:.1} s"),
            Err(_) => eprintln!("{place} {name}: FAILED after {seconds:.1} s. {remedy}"),
        }
        result
    }

    /// Seconds since the command began.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }
}
