//! Proofs that the sled store keeps what it acknowledged.
//!
//! One seed decides every commit ([`plan`]), so whoever checks needs nothing
//! from the writer but its seed and its last acknowledgement: the checker runs
//! the model up to the commit that the store came back with, and compares every
//! answer ([`mod@check`]).
//!
//! The writer and the checker are processes, and what is done to them is a
//! harness each: [`crash`] kills them at random, [`powercut`] records their
//! calls ([`recording`]) and builds the disks that a power cut leaves ([`mod@image`]),
//! [`iofault`] lets their calls fail, [`guards`] does all of it without one of the
//! store's guards.
//! Every harness prints its seed, and counts by what was found ([`Verdict`]).
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

// What is written, and what must then be there.
pub mod check;
pub mod plan;
pub mod verdict;
pub mod write;

// What is done to it.
pub mod crash;
pub mod program;

pub mod guards;
pub mod image;
pub mod iofault;
pub mod powercut;
pub mod recording;

pub use plan::Plan;
pub use program::Program;
pub use verdict::{Tally, Verdict};
