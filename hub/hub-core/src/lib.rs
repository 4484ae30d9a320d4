//! Every decision of the hub: values in, a plan out.
//!
//! The engine reads from a position, asks this crate, and commits the answer
//! with the new position. Nothing here knows a clock, a store, a vendor or a
//! runtime, so each rule can be tried on values alone: in any order, in slices
//! of any size, twice, or from scratch, with the same result. What would break
//! that is passed in: stamps and record numbers are handed out by the caller's
//! counters, and what a decision needs to know is loaded by the caller.
//!
//! The modules follow a row on its way: [`quality`] accepts it, [`sync`] tells
//! an echo from a change, [`mapping`] makes of it what a trait holds (and back),
//! [`relation`] reads whom it names besides, [`identity`] finds out who it is about,
//! [`profile`] derives the golden record, [`event`] knows what happened and whose it
//! is, [`consent`] says what may be done with it and
//! [`retention`] how long it stays, [`audience`] knows who is in which segment, and
//! [`sync`] again says what is due elsewhere.
//! [`privacy`] knows what must not come back.

pub mod quality;

pub mod mapping;

pub mod relation;

pub mod identity;

pub mod profile;

pub mod event;

pub mod consent;

pub mod audience;

pub mod retention;

pub mod privacy;

pub mod sync;

pub mod planted;

#[cfg(test)]
mod fixture;
