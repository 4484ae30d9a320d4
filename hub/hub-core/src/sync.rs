//! Two-way sync: what a row tells us, what we owe the other systems, and how
//! both come to rest.
//!
//! The algorithm keeps three things per field of a record: what its system
//! originated (`asserted`), the last form seen there (`remote`) and the stamp
//! of the golden value last delivered (`sent`). A row that equals `remote` is
//! an echo, whoever wrote it; a golden value is due where its stamp *differs*
//! from `sent`. Vendors normalise, so after a write the form that the vendor
//! returned becomes `remote`. Each of these lines stands against a failure
//! that simulation found: ping-pong, lost edits, invented values.
//!
//! What a write did to a row is kept in a [`ledger`], so that it can be explained
//! and taken back ([`undo`]).

pub mod observe;

pub mod mark;

pub mod dispute;

pub mod echo;

pub mod due;

pub mod heir;

pub mod policy;

pub mod several;

pub mod takeback;

pub mod made_of;

pub mod member;

pub mod delivered;

pub mod told;

pub mod idempotency;

pub mod pushed;

pub mod deletes;

pub mod plan;

pub mod guard;

pub mod ledger;

pub mod undo;

#[cfg(test)]
mod observe_tests;

#[cfg(test)]
mod due_tests;

#[cfg(test)]
mod member_tests;

#[cfg(test)]
mod policy_tests;

#[cfg(test)]
mod undo_tests;

#[cfg(test)]
mod simulation;

pub use deletes::{Verdict, deletes};
pub use delivered::{Birth, created, delivered, mark_sent};
pub use dispute::{pause, settled, to_pause};
pub(crate) use due::form_wanted;
pub use due::{Due, created_for, created_for_asked, due};
pub use echo::{found_by, is_older, looks_like, settle_birth, settle_echo};
pub use guard::{Guarded, Said, always_within, guard, rows_to_count, said};
pub use heir::heir;
pub use idempotency::idempotency_key;
pub use ledger::{Witness, ledgered, settled_entry};
pub use made_of::{Ends, is_met, linked, owed_of_object, referred};
pub use mark::Marks;
pub use observe::{Context, Observation, Row, Seen, Stamps, observe, observe_deleted};
pub use plan::{Fingerprint, How, Moved, PlanSummary, Summing, moved, planned};
pub use policy::leaving;
pub use pushed::{Known, patched};
pub use takeback::{Moment, is_emptied, may_have, owed, removed, take_back};
pub use told::{settle_counted, settle_told, settle_told_birth};
pub use undo::{Compensation, Skipped, Standing, Undoing, Why, is_unmade, unmade};
