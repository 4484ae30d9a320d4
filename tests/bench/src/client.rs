//! The HTTP client of the bench.

use reqwest::Client;

/// A client. The library wants a provider of cryptography even where nothing is
/// encrypted; the hub's own is taken.
#[must_use]
pub fn client() -> Client {
    // An error says that there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}
