//! `cargo xtask contacts`: an account of the small API of contacts, at which whoever reads
//! `sdk/README.md` tries the connector that grows there.

use std::thread;

use anyhow::Result;
use doubles::{contacts::Contacts, http::Server};
use serde_json::json;

/// Where, and for whom.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The port, as in the connector's `try/liaison.toml`.
    #[arg(long, default_value_t = 8765)]
    pub port: u16,
    /// The token that lets a caller in.
    #[arg(long, default_value = "s3cret")]
    pub token: String,
}

/// Serves until it is stopped.
///
/// # Errors
/// Somebody else serves on that port.
pub fn run(options: &Options) -> Result<()> {
    let mut account = Contacts::new(&options.token);
    for name in ["Ana", "Bob", "Eva"] {
        let email = format!("{}@example.com", name.to_lowercase());
        account.enter(&json!({ "name": name, "email": email }));
    }
    let server = Server::start_at(options.port, account)?;
    println!("{}/contacts, with the token {}; Ctrl-C ends it", server.url(), options.token);
    loop {
        thread::park();
    }
}
