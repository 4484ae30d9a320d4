//! The binary from outside: what it prints, what it ends with, and what it
//! leaves untouched.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bad_input;
mod calling;
mod exchanging;
mod hub;
mod keeping;
mod packages;
mod place;
mod replaying;
mod serving;
mod spinning;
mod with_components;
