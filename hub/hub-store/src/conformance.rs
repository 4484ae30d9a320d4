//! The suite that every body of the port passes.
//!
//! A body shows itself through [`Subject`]: a fresh store, and the same store
//! opened again as a new process would. Every case ends the same way: what was
//! read before is read again after reopening, and `verify` finds nothing.
//!
//! [`store_conformance!`](crate::store_conformance) makes one test per case in
//! the body's crate (which needs `tokio` with `macros` and `rt-multi-thread`);
//! [`run_all`] runs them in a row. The random case compares every read with
//! [`model::Model`], a store made of plain lists; [`workload::Workload`] is the
//! source of its write sets, and of the crash tests' too.

#![allow(clippy::expect_used, reason = "a suite that cannot read its subject has failed")]

mod answers;
mod cases_dump;
mod cases_events;
mod cases_history;
mod cases_ledger;
mod cases_people;
mod cases_refused;
mod cases_related;
mod cases_rows;
mod cases_segments;
mod cases_work;
pub mod fixtures;
pub mod model;
mod random;
pub mod workload;

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use async_trait::async_trait;

pub use answers::differences;
pub use random::Random;

#[doc(hidden)]
pub use {
    cases_dump::*, cases_events::*, cases_history::*, cases_ledger::*, cases_people::*,
    cases_refused::*, cases_related::*, cases_rows::*, cases_segments::*, cases_work::*,
};

use crate::memory::MemoryStore;
use crate::store::Store;

/// The workspace that a subject's store is opened for.
pub const WORKSPACE: &str = "default";

/// A body under test.
#[async_trait]
pub trait Subject: Send + Sync {
    /// The store.
    fn store(&self) -> &dyn Store;
    /// Closes the store and opens it again, as a new process would.
    async fn reopen(&mut self);
    /// Closes the store for good and makes a fresh one in its place.
    async fn renew(&mut self);
    /// Compacts the store, if it has files.
    async fn compact(&mut self);
}

/// The memory body under test.
#[derive(Debug, Default)]
pub struct MemorySubject(MemoryStore);

impl MemorySubject {
    /// A fresh one.
    pub async fn fresh() -> Box<dyn Subject> {
        Box::new(Self::default())
    }
}

#[async_trait]
impl Subject for MemorySubject {
    fn store(&self) -> &dyn Store {
        &self.0
    }

    async fn reopen(&mut self) {
        let next = MemoryStore::default();
        next.restore(&self.0.snapshot());
        self.0 = next;
    }

    async fn renew(&mut self) {
        *self = Self::default();
    }

    async fn compact(&mut self) {}
}

/// What every case ends with: sound, unchanged by reopening, and sound again.
#[doc(hidden)]
pub async fn finish(subject: &mut dyn Subject) {
    for moment in ["before reopening", "after reopening"] {
        let before = subject.store().stats().await.expect("stats");
        let found = subject.store().verify().await.expect("verify");
        assert!(found.is_empty(), "{moment}: {found:#?}");
        subject.reopen().await;
        let mut after = subject.store().stats().await.expect("stats");
        after.disk_bytes = before.disk_bytes;
        assert_eq!(before, after, "{moment}");
    }
}

/// Polls futures in turn until all are done: several callers at once, without
/// asking for a runtime.
pub(crate) async fn together<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<Pin<Box<_>>> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<T>> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, done) in running.iter_mut().zip(&mut done) {
            if done.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(answer) => *done = Some(answer),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// Every case, once: hands their names to a macro.
#[doc(hidden)]
#[macro_export]
macro_rules! each_store_case {
    ($use:ident) => {
        $use! {
            a_new_store_is_empty
            an_empty_commit_is_no_commit
            records_are_found_by_number_and_by_key
            values_survive_exactly
            large_rows_come_and_go
            positions_compare_before_they_move
            callers_at_one_position_cannot_both_win
            a_lost_race_is_a_conflict_before_anything_else
            refused_commits_write_nothing
            the_weight_limit_is_exact
            aliases_are_followed
            a_separation_lifts_an_alias
            claims_come_and_go
            the_log_gives_whole_commits
            profiles_are_scanned_in_order
            conflicts_are_listed
            records_are_scanned_per_stream_in_order_of_number
            a_mark_goes_with_the_next_change_of_its_record
            what_is_erased_is_gone_and_its_number_with_it
            objects_are_found_by_whom_they_relate_to
            a_relation_goes_with_the_next_change_of_its_record
            pending_waits_until_due
            pending_follows_merged_profiles
            decisions_are_kept_in_order
            quarantine_replaces_and_releases
            quarantine_without_keys_is_bounded
            reviews_are_unique
            runs_are_newest_first_and_bounded
            the_inbox_keeps_order_and_forgets_what_is_done
            tokens_are_kept_and_forgotten
            events_are_kept_once_and_found_by_whom_they_name
            events_come_newest_first_page_by_page
            events_that_leave_are_found_by_nobody
            events_survive_exactly
            writes_are_found_by_run_and_by_record
            writes_that_leave_are_found_by_nobody
            writes_survive_exactly
            counts_are_right
            members_come_and_go
            moves_are_told_in_order
            who_leaves_the_store_leaves_every_segment
            profiles_are_told_as_of_every_instant
            what_is_not_told_is_told_nowhere
            the_horizon_of_history_moves_and_never_goes_back
            versions_of_one_profile_are_limited
            who_was_merged_is_told_as_he_was
            history_comes_in_order_or_is_refused
            random_sets_match_the_model
            a_dump_of_a_random_store_rebuilds_it
            a_dump_of_awkward_rows_rebuilds_them
            a_dump_of_a_store_that_is_written_is_refused
            only_the_first_commit_continues_another_store
        }
    };
}

/// One test per case: `store_conformance!(maker)`, where `maker` is an async
/// function that returns a fresh `Box<dyn Subject>`.
#[macro_export]
macro_rules! store_conformance {
    ($maker:path) => {
        $crate::store_conformance!(@dollar $maker, $);
    };
    // A dollar as an argument is how a macro writes a macro with repetitions.
    (@dollar $maker:path, $d:tt) => {
        #[cfg(test)]
        mod store_conformance {
            #[allow(unused_imports, reason = "the maker may be named by a whole path")]
            use super::*;

            macro_rules! tests {
                ($d($d case:ident)*) => {$d(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $d case() {
                        let mut subject = $maker().await;
                        $crate::conformance::$d case(&mut *subject).await;
                        $crate::conformance::finish(&mut *subject).await;
                    }
                )*};
            }
            $crate::each_store_case!(tests);
        }
    };
}

/// Runs every case in a row.
///
/// # Panics
/// When a case fails.
pub async fn run_all(make: impl AsyncFn() -> Box<dyn Subject>) {
    macro_rules! run {
        ($($case:ident)*) => {$(
            let mut subject = make().await;
            $case(&mut *subject).await;
            finish(&mut *subject).await;
        )*};
    }
    each_store_case!(run);
}
