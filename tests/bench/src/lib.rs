//! Honest figures: what the hub costs, against goals and against references
//! that are measured in the same run on the same machine.
//!
//! `cargo xtask bench` builds everything and runs [`workloads`]: hubs of their
//! own processes, fed by a made-up vendor ([`api`]) with made-up customers
//! ([`people`]) through a sandboxed connector (`tests/guests/guest-bench`).
//! Processor time is that of the hub's whole process tree; the API's is not in
//! it. What each figure means and what it should be is one table, [`figures`].
//!
//! A workload checks its own result: as many profiles as there are persons, as
//! many contacts in the sink, nothing changed where nothing changed. A figure
//! of a hub that did something else would be worth nothing.
//!
//! # Where the time goes
//!
//! `cargo xtask bench --profile-cpu` prints the functions that cost most, of the
//! store path alone and of a load through the sandbox. It needs `perf`; the
//! release profile carries line tables for it. By hand, for one that runs:
//!
//! ```text
//! perf record -F 499 -g --call-graph fp -p $(pgrep -n liaison) -- sleep 20
//! perf report --no-children --percent-limit 0.5
//! ```
#![expect(
    clippy::disallowed_methods,
    reason = "a bench reads clocks; nothing of the product runs here"
)]

// What is read and written.
pub mod crowd;
pub mod dice;
pub mod people;
pub mod words;

// What is measured, and how.
pub mod api;
pub mod client;
pub mod clock;
pub mod measure;
pub mod serving;
pub mod world;

// The store path alone, and what the same bytes cost without a hub.
pub mod feed;
pub mod references;
pub mod resolving;
pub mod store_path;

// What a connector costs, by the language that it is written in.
pub mod languages;

// The workloads and what is made of them.
pub mod curve;
pub mod explained;
pub mod figures;
pub mod look_up;
pub mod profile;
pub mod report;
pub mod workloads;
