//! The real engine on the memory store, against fake systems with faults and
//! crashes, one seed deciding everything.
//!
//! A fleet is a handful of systems that differ in what real ones differ in:
//! conditional writes or not, normalisation, clock ticks, page sizes, snapshot
//! or incremental reading. Users create, edit and delete rows; the hub runs its
//! syncs in random order; requests fail before or after they took effect; the
//! process dies at any commit or call and starts again over what was durable.
//! Then everybody is quiet, and the invariants are checked against the systems
//! themselves, which never lie.
//!
//! Where a promise is about one person and one moment, a [`stage`] of a few known
//! rows shows it under a clock that the test moves.
#![allow(clippy::expect_used, reason = "a simulation that cannot go on has failed")]

pub mod dice;

pub mod system;

pub mod crash;

pub mod fleet;

pub mod oracle;

pub mod stage;
