//! Honest figures: what the hub costs, against goals and against references
//! that are measured in the same run on the same machine.
#![expect(clippy::disallowed_methods, reason = "a bench reads clocks; nothing of the product runs on them")]

// What is read and written.
pub mod dice;
pub mod people;
pub mod words;

// What is measured, and how.
pub mod clock;
pub mod measure;
pub mod world;

// The store path alone.
pub mod feed;
pub mod store_path;
