//! What two-way sync promises, shown with the binary, its connectors and a real ERP.
//!
//! `simulation` plays thousands of fleets in memory. Here there are few systems, and
//! nothing is made up between them: the hub is the program that an organisation
//! installs, and whatever is asked of it is asked on its command line. The truth is
//! always taken from the systems themselves, never from what the hub says of them.
//!
//! | proof | claim |
//! |---|---|
//! | [`ring`] | five systems that all write to each other agree after at most two rounds, and then nothing is written |
//! | [`stack`] | fifteen tools sync on schedule in one process, and what that uses is told |
//! | [`undo`] | a wrecked mapping that rewrote an ERP is taken back, except where somebody has edited since; what was planned is what is written, or nothing |
//! | [`kills`] | a hub that is killed while it delivers doubles nothing where a vendor offers any protection, and names what it may have doubled where there is none |
#![expect(
    clippy::disallowed_methods,
    reason = "kills come within a time, and fake vendors take theirs"
)]

// That of the simulation, without the engine that it plays with.
#[path = "../../simulation/src/dice.rs"]
pub mod dice;

pub mod people;

pub mod erp;
pub mod systems;

pub mod ring;

pub mod stack;

pub mod undo;

pub mod kills;
