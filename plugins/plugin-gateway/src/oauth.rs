//! OAuth 2.0 (RFC 6749): access tokens that the host fetches, renews and applies. The
//! connector declares where and for what; the organisation gives the client and its
//! secrets; what a vendor hands out is nobody's but the host's.
//!
//! Four rules carry it.
//!
//! **A refresh token is kept before its access token is used.** Vendors rotate: the old
//! one is dead the moment the answer is written. So the answer is not used until what it
//! brought is durable, and whoever asked for it cannot stop that half-way: fetching runs
//! in a task of its own ([`keeper`]).
//!
//! **One at a time.** Whoever needs a token while one is fetched waits and shares it.
//!
//! **Only a person can sign in again.** Where a refresh token is missing or refused
//! (`invalid_grant`), the fault says so, and the connection shows it, until somebody has
//! ([`sign_in`]).
//!
//! **A token's age is counted on our own clock**, from the answer on. A wrong time of day
//! harms only assertions ([`assertion`]), which carry it; then the fault says how far it
//! is off.
//!
//! Token requests go over the wire of their connection: same grants, resolver and caps as
//! a connector's own. [`recipe`] is what a manifest says, [`reply`] reads what came back.

pub mod recipe;

pub mod assertion;
pub mod reply;

mod access;
mod kept;
mod request;

mod keeper;
pub mod sign_in;

pub use recipe::{OAuthCredential, OAuthRecipe};
pub use sign_in::{SignIn, SignInRefused, SignInStanding};

pub(crate) use access::AccessToken;
pub(crate) use keeper::TokenKeeper;
