//! The suite that every connector must pass: one function per MUST of the
//! connector specification (`sdk/README.md`).
//!
//! A connector is judged through the port and nothing else, so the same suite
//! runs on a component in the sandbox against a real system, on a test double
//! and on a native implementation. Whoever holds a [`Connector`] holds a
//! [`Subject`] and may ask one rule ([`source`], [`lookup`], [`destination`],
//! [`connection`], [`trouble`]), or all that a healthy account allows ([`judge`]). What
//! is pushed has rules of its own ([`inbound`], [`judge_inbound`]), which need a delivery
//! of the vendor, and so have audiences ([`audience`], [`judge_audience`]), which need
//! somebody to put into them.
//!
//! A rule answers with the [`Breach`] that it found. It never panics and never
//! repairs; the rules of [`destination`] write, so they belong on a test account.

pub mod breach;
pub mod subject;

pub mod connection;
pub mod lookup;
pub mod source;

pub mod destination;
pub mod trouble;

pub mod judge;

pub mod audience;
pub mod inbound;

pub use breach::Breach;
pub use judge::{
    Judged, Standing, broken, judge, judge_audience, judge_inbound, judge_trouble, rule_names,
};
pub use plugin_api::Connector;
pub use subject::Subject;

/// A rule's answer.
pub type Verdict = Result<(), Breach>;
