//! The score of every connector that we ship: each as a component in the sandbox,
//! judged by `liaison connector test` in front of a counterpart.
//!
//! A score is worth what it was held against. So a [`Case`] says who stands on the
//! other side, and the table prints it beside the numbers: a fake account of our own is
//! our idea of a vendor, however many rules it lets a connector keep. What else the
//! ordinary tests hold connector or fake account against is a column of its own, since
//! it is not seen here.
//!
//! The connectors are found, not listed. One that has no case is in the table as one
//! that nobody has judged.

pub mod case;
pub mod score;

pub mod report;

pub use case::{Against, Case, Stage};
pub use report::Report;
pub use score::Score;
