//! The main job, the way an organisation would see it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "a test has a deadline")]

mod canary;
mod folders;
mod hashes;
mod hostile;
mod hubspot;
mod identity;
mod kit;
mod list;
mod mail;
mod oauth;
mod round_trip;
mod scene;
mod sendgrid;
mod specified;
mod tracked;

use xtask::demo::{self, world::World};

/// A world of this size, or `None` after the test was noted as skipped.
fn world(test: &str, folder: &std::path::Path, febrl: usize, customers: usize) -> Option<World> {
    match demo::ready(folder.to_path_buf()) {
        Ok(stage) => Some(World::open(stage, febrl, customers).unwrap()),
        Err(missing) => {
            missing.skip(test);
            None
        }
    }
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
