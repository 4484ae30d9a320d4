//! The hub's face to programs and browsers: an API under `/api/v1`, an inbox
//! door, and one plain page.
//!
//! Three decisions carry it. **One table of routes** ([`routes`]) holds method,
//! path and permission together; the router is built from it and the test
//! walks it, so that a route without a permission cannot exist. **One way in**
//! ([`guard`]): name of the host, origin, credential and permission are checked
//! before any handler runs, and the security headers are put on every answer
//! after it. **One shape for no** ([`problem`]): whatever is refused is a
//! `problem+json` with a stable code, a place, and how to mend it, in the
//! reader's language.
//!
//! Below this crate a fault is a code with arguments; here ([`sentences`]) it
//! becomes French or English. The command line uses the same sentences.
//!
//! The hub listens on loopback only: there is no TLS yet, and a credential must
//! not cross a network in clear. Nothing personal is logged: the log shows the
//! path of a route as it is written in the table, never the address asked for.

pub mod limits;

pub mod lang;
pub mod problem;
pub mod sentences;

pub mod session;
pub mod token;

pub mod state;

pub mod extract;
pub mod guard;

pub mod find;
pub mod views;

pub mod conflicts;
pub mod events;
pub mod explained;
pub mod history;
pub mod identity;
pub mod inbox;
pub mod ledger;
pub mod login;
pub mod mapping;
pub mod page;
pub mod person;
pub mod plans;
pub mod privacy;
pub mod profiles;
pub mod quarantine;
pub mod rejected;
pub mod related;
pub mod runs;
pub mod segments;
pub mod sign_in;
pub mod status;
pub mod suppressions;
pub mod syncs;
pub mod timeline;
pub mod upkeep;

pub mod routes;

pub mod serve;

pub use lang::Lang;
pub use routes::{Permission, ROUTES, router};
pub use serve::serve;
pub use sign_in::{SignInRefused, SignInView, SignIns};
pub use state::{AppState, ConnectionView, HttpOptions};
pub use token::AccessToken;
