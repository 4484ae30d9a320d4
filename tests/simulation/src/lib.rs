//! The real engine on the memory store, against fake systems with faults and
//! crashes, one seed deciding everything.
//!
//! A fleet is a handful of systems that differ in what real ones differ in:
//! conditional writes or not, external ids, normalisation, clock ticks, page
//! sizes, atomic batches, searches that lag, answers that say little or only count,
//! writes that a job does later, allowances of calls, snapshot or incremental
//! reading; and so do their syncs, in what they do with missing rows and with people
//! who are gone. Users create, edit and delete rows; the hub runs its
//! syncs in random order, or when a system pushes; requests fail before or after
//! they took effect, or in the midst of a batch; the process dies at any commit or
//! call and starts again over what was durable; clocks are set, rules change, somebody
//! joins two people and tells them apart again; a system fails for good. Then everybody
//! is quiet, and the invariants are checked against the systems themselves, which never
//! lie ([`oracle`] says which invariant is checked where).
//!
//! That the oracle sees is shown by planting bugs ([`hub_core::planted`]): each
//! must be caught. `cargo xtask sim` runs as many fleets as asked.
//!
//! What is not played: a job that nobody knows of and that ends after the next look
//! at its row (nothing tells what it writes then from somebody's edit), two hubs at
//! once, and whoever would follow the order of receipt byte by byte
//! (`tests/it/people` does).
//!
//! Where a promise is about one person and one moment, a [`stage`] of a few known
//! rows shows it under a clock that the test moves.
#![allow(clippy::expect_used, reason = "a simulation that cannot go on has failed")]

pub mod dice;

pub mod character;

pub mod calls;

pub mod policy;

pub mod system;

pub mod sight;

pub mod batch;

pub mod jobs;

pub mod lineup;

pub mod crash;

pub mod door;

pub mod users;

pub mod fleet;

pub mod oracle;

pub mod many;

pub mod platform;

pub mod stage;
