//! Connectors as sandboxed components: how a `.wasm` file becomes a
//! [`plugin_api::Connector`].
//!
//! A component may do anything that its bytes say, so the design starts from the
//! assumption that it means harm. Five walls stand between it and the hub.
//!
//! **No authority.** It imports the interfaces of the contract and nothing else
//! ([`inspect`]); there is no WASI. The way out is the gateway of one connection.
//!
//! **No time of ours.** Guests run on a runtime of their own ([`runtime`]), under a
//! budget of processor time that does not run while they wait for a vendor
//! ([`meter`]), per call and per run, and under a wall limit that does. A guest
//! that spins yields every [`limits::TICK_MILLIS`] milliseconds.
//!
//! **No memory of ours.** Memory, tables, stacks and everything that is copied out
//! of a guest are capped ([`limits`]).
//!
//! **No trust in what it says.** Every page, row, outcome and cursor is decoded
//! under the limits of the data model ([`decode`]): a bad row becomes a bad item,
//! a bad page a fault, and never a panic.
//!
//! **No memory of its own.** An instance serves the calls of one run and is
//! recycled early ([`instance`]); one that trapped is thrown away.
//!
//! Compiling is done once: [`cache`] keeps compiled code under a MAC, because
//! compiled code is native code and loading somebody else's would open all walls.
//!
//! What a guest learns from outside comes by one port ([`way`]), so a call can be kept
//! with all that its output depends on, and run again elsewhere ([`recording`]).
//!
//! Each contract version is one module that converts to `plugin-api` ([`since_v0_1_0`]).

pub mod limits;

pub mod inspect;
pub mod package;

mod cache;
mod engine;
mod trusted;

mod budget;
pub mod meter;
pub mod runtime;

pub mod since_v0_1_0;

pub mod decode;
pub mod encode;

pub mod question;
pub mod way;

pub mod instance;
mod limiter;

pub mod recording;

mod binding;
mod connector;
mod host;

pub use binding::{Binding, Environment};
pub use host::{Host, HostError, HostOptions};
pub use limits::Limits;
pub use package::{LoadError, Package};
