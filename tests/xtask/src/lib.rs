//! The tool room: everything between a fresh clone and a running test.
//!
//! Two commands must work on a bare machine, so nothing here may assume that a
//! tool is installed: each thing a test needs (a wasm target, an ERP, a data
//! set) is *obtained* by a function that either returns where it is, returns
//! [`Unavailable`] (a typed "not on this machine, and this is how to get it",
//! on which a test skips itself by name), or fails with what to do next.
//!
//! Everything obtained lies under the target folder and is remembered there by
//! a stamp, so that the second time costs nothing and `cargo clean` is the only
//! uninstaller. The library half is what `tests/suite` calls; the binary half
//! is `cargo xtask`.
//!
//! This room reads clocks and starts processes freely: it is no part of the
//! product.
#![expect(
    clippy::disallowed_methods,
    reason = "the tool room measures its own steps; nothing of the product runs here"
)]

pub mod paths;
pub mod unavailable;

pub mod apt;
pub mod process;
pub mod steps;

pub mod wasm;

pub mod components;
pub mod guests;

pub mod bucket;
pub mod counterparts;
pub mod febrl;
pub mod languages;
pub mod mail;
pub mod oauth;
pub mod oracles;
pub mod prism;
pub mod python;
pub mod segment;
pub mod sftp;
pub mod tryton;

pub mod place;
pub mod tools;

pub mod bench;
pub mod connectors;
pub mod contacts;
pub mod crash;
pub mod demo;
pub mod identity;
pub mod lint;
pub mod proofs;
pub mod setup;
pub mod sim;
pub mod test;
pub mod two_way;

pub use unavailable::Unavailable;
