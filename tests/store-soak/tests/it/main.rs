//! Small seeded runs of every harness, and of the checker itself. The long runs
//! are `cargo xtask crash`, `powercut`, `iofault` and `guards`.

#![allow(clippy::unwrap_used, reason = "a test that cannot run its writer has failed")]

mod checker;
mod crash;
mod guards;
mod iofault;
mod powercut;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use store_soak::Program;
use store_soak::recording::Recorder;

/// Decides the commits and the moments of what is done to them.
const SEED: u64 = 20_261_122;

fn program() -> Program {
    Program::new(Path::new(env!("CARGO_BIN_EXE_store-soak")))
}

/// The program with the recorder, which cargo does not build for a test that
/// must not link it.
fn recorder() -> Recorder {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let program = Path::new(env!("CARGO_BIN_EXE_store-soak"));
        let profile = program.parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "io-recorder"]);
        build.env("CARGO_TARGET_DIR", profile.parent().unwrap());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the recorder is built");
        profile.join("libio_recorder.so")
    });
    Recorder { program: program(), library: library.clone() }
}
