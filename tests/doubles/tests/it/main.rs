//! The doubles against the vendors' official specifications.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod clients;
mod hubspot;
mod sendgrid;
mod sockets;

use doubles::openapi::{self, SPECS_VARIABLE, Specs};

/// The specifications of a vendor, or `None` after the test was noted as skipped.
fn specs(test: &str, prefix: &str) -> Option<Specs> {
    match openapi::folder() {
        Some(folder) => Some(Specs::read(&folder, prefix).unwrap()),
        None => {
            let how = format!("{SPECS_VARIABLE} names their folder");
            xtask::Unavailable::new("the folder of vendors' specifications", how).skip(test);
            None
        }
    }
}
