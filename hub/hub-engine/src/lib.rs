//! The only place that puts steps in order.
//!
//! Three loops of one shape carry everything: *read from a position, decide
//! with a pure function, commit the result together with the new position.*
//! [`intake`] turns pages into records and profiles, [`audience`] follows the
//! change log, [`delivery`] brings golden values to the systems that should
//! have them. [`settle`] runs before them: as long as the outcome of one of our
//! own writes is unknown, nothing that the system says can be told from our
//! own echo.
//!
//! Three properties follow from the shape. A crash anywhere leaves a position
//! that is not ahead of its data, so work is repeated, never skipped. Repeated
//! work changes nothing, because decisions compare with what is stored. And a
//! write leaves the process only after its attempt is durable, so its outcome
//! can always be looked for; what became of it is in the [`ledger`].
//!
//! Decisions about one workspace are made one slice at a time, under
//! [`workspace::Workspace::decide`]; network calls never happen under it.
//! Every call passes the budgets of its account ([`budget`]).
//! Clock, randomness and sleeping come in through [`env::Env`], so that the
//! same engine runs in production and under simulation.

pub mod audience;
mod budget;
mod conclude;
pub mod delivery;
pub mod engine;
pub mod env;
pub mod erasure;
pub mod events;
mod everybody;
pub mod follower;
pub mod hold;
mod horizon;
pub mod inbox;
pub mod intake;
pub mod job;
pub mod ledger;
pub mod mapping;
mod objects;
pub mod people;
mod permission;
mod planning;
mod reading;
mod reform;
pub mod rejected;
pub mod related;
mod replay;
pub mod retry;
pub mod run;
pub mod settle;
pub mod slice;
mod slices;
pub mod suppressions;
pub mod sweep;
mod tombstones;
mod unlink;
mod waiting;
pub mod workspace;

/// What a typed identity means: the one decision that faces need to ask for, so
/// that they look people up by the rule that intake keys them by.
pub mod identity {
    pub use hub_core::identity::{Normalised, Reason, normalise};
}

/// What plans are known by and how two of them differ, and what is not undone: for
/// faces that show it.
pub mod plans {
    pub use hub_core::sync::{How, Moved, PlanSummary, Skipped, Why, moved};
}

pub use engine::{Engine, EngineOptions, RunRefused, SyncStatus, Tended};
pub use env::{Env, SystemEnv};
pub use erasure::{EraseRefused, Erasure};
pub use job::SyncJob;
pub use planning::{Left, PlanRefused, PlanShown, UndoShown};
pub use run::Event;
