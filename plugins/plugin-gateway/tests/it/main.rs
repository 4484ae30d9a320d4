//! The gateway from outside: against a server on the loopback interface, real
//! files, and a lookup that says what a test wants.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "a test measures how long something took")]

mod canary;
mod credentials;
mod crypto;
mod destinations;
mod files;
mod forbidden;
mod grants;
mod mail;
mod mail_server;
mod oauth;
mod requests;
mod responses;
mod secrets;
mod server;
mod sessions;
mod sign_in;
mod templates;
mod tls;
mod token_server;
mod vault;
