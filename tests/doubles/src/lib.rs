//! Fake vendors: a connector writes, reads back, and finds what a real account
//! would show.
//!
//! A mock made of a specification checks the form of a request and remembers
//! nothing; two-way sync needs memory. So a double is a state machine in plain
//! code: a request in, an answer out ([`http::Vendor`]), usable in-process by a
//! connector's native tests and over a socket by a component or the whole
//! binary ([`http::Server`]). What it would be worth if it were only our own
//! idea of the vendor is little; therefore every request and every answer is
//! held against the vendor's official specification ([`openapi`]) in its
//! tests, which first prove that the check is on.
//!
//! The specifications are not part of the project. The variable
//! [`openapi::SPECS_VARIABLE`] names their folder; without it those tests are
//! skipped by name.
//!
//! What a double knows of a secret can be looked for elsewhere ([`canary`]).
//!
//! One vendor is nobody's: the small API of contacts that `sdk/README.md` describes
//! ([`contacts`]), which offers as much against writes that are made twice as it is
//! told to.

pub mod canary;
pub mod http;
pub mod openapi;

pub mod contacts;
pub mod google;
pub mod hubspot;
pub mod meta;
pub mod sendgrid;
