//! Preloaded into a program (`LD_PRELOAD`), it stands between the program and
//! the C library: every call that changes or syncs a file below one folder is
//! written down as an [`io_events::Event`], and, if asked, one call fails as a
//! broken or full disk lets it fail.
//!
//! The environment says where and what ([`io_events::ROOT_VARIABLE`] and its
//! neighbours); without it nothing happens but a look at it. Files written by
//! mapping memory are not seen, and copies inside the kernel are refused, so
//! that the program copies by reading and writing.
#![allow(
    unsafe_code,
    reason = "functions that take the place of C functions are called with raw pointers"
)]

mod calls;
mod fault;
mod recorder;
mod sys;
