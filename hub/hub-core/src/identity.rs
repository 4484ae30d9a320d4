//! Who a record is about: values that name people, and the profiles that
//! records make together.
//!
//! Profiles are derived from facts, never edited: what records asserted, when
//! they were born and deleted, and what people decided. The facts are replayed
//! in the order of their receipt stamps. An assertion sets its profile's claim
//! and then joins the profiles that claim the value, lowest first. In a
//! namespace that is written both ways a profile claims only its newest value
//! and only while it has a live record, so that a value that somebody gave up
//! pulls nobody in. Joins persist when values change.
//!
//! The rules act in this order. A value must have the form of its namespace,
//! and must not be one that never identifies; else it is no identity. A row's
//! identities are heard by the priority of their namespaces, composites last. A
//! value that more records carry than it may names nobody; in a two-way
//! namespace an edit that reaches a stranger's value waits for a person; weak
//! namespaces claim and do not join. A join is then refused, and reported, if
//! somebody decided against it, if the profile would have more values of a
//! namespace than it may, or more living records of a stream.
//!
//! Two bodies apply these rules. [`World`] takes the step from one fact to the
//! next, over the few profiles that the fact can reach. [`fold()`] replays
//! everything from the beginning; it is what a rebuild does, and what the step
//! is tested against: for any order, slicing and page size both must agree.

mod text;

mod stop_values;

mod forms;

mod normalise;

pub mod composite;

mod separations;

mod claims;

mod cardinality;

mod review;

pub mod world;

mod resolve;

mod needs;

pub mod fold;

pub mod rebuild;

mod restate;

pub mod redecide;

pub mod regroup;

pub mod preview;

pub mod separate;

#[cfg(test)]
mod equivalence;

#[cfg(test)]
mod objects;

#[cfg(test)]
mod round_trips;

#[cfg(test)]
mod preview_tests;

pub use claims::{claims_of, current_identities};
pub use fold::{Partition, fold};
pub use needs::Needs;
pub(crate) use normalise::normal;
pub use normalise::{Normalised, Reason, normalise, settle_never};
pub use restate::{resolves_alike, restate};
pub use review::{Review, ReviewReason};
pub use separations::Separations;
pub use world::{Member, NotLoaded, Resolution, World};
