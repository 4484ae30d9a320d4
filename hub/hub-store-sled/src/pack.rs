//! Packing: how records, profiles and values become bytes.
//!
//! Rows that come by the million are not JSON. A packed row names its fields by
//! their place in the name table of its block, tells a value once where the raw
//! row, the system's assertion and the form last seen agree, and counts stamps
//! from the one before. What a record that was only ever read has besides its
//! raw row is then two bytes a field.
//!
//! Unpacking trusts nothing: every length is checked, and what does not fit is
//! [`Damaged`].

pub mod bytes;

pub mod names;

pub mod value;

pub mod dispute;

pub mod record;

pub mod consent;

pub mod profile;

pub mod event;

pub use bytes::{Bytes, Damaged};
pub use names::Names;
