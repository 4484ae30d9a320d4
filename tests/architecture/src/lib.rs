//! The room table as a test.
//!
//! A direction between rooms that is only written down lasts until the first
//! hurried evening. Here it is data ([`rooms`]), read by a checker ([`check`])
//! that knows nothing of cargo, so that the checker itself is tested against
//! graphs that hold every kind of forbidden edge. [`graph`] brings in the real
//! workspace; [`layout`] checks what cargo does not know: the visible root,
//! inherited lints, the length of files.
//!
//! A failure names the edge and the reason: `hub-core must not depend on
//! tokio: it decides, and a decision neither waits nor reads a clock`.

pub mod rooms;

pub mod graph;

pub mod check;
pub mod layout;
