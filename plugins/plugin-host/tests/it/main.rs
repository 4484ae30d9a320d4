//! The sandbox with real components in it. They are built by
//! `cargo xtask components`; without them every test here fails and says so.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

mod golden;
mod loading;

mod simple;

mod audiences;
mod hostile;
mod inbound;
mod isolation;

mod arena;
mod handmade;
mod logs;
mod twenty;

mod canary;
