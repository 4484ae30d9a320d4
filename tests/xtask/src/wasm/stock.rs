//! The toolchain in use: has the target, or gets it from rustup.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{TARGET, sysroot};
use crate::process;

/// Succeeds if the toolchain in use can build for the target, asking rustup to
/// add it where it is missing.
///
/// # Errors
/// There is no rustup, or it refuses.
pub fn obtain() -> Result<()> {
    if has_target()? {
        return Ok(());
    }
    if !process::exists("rustup") {
        bail!("the toolchain in use lacks {TARGET} and there is no rustup to add it");
    }
    process::read(Command::new("rustup").args(["target", "add", TARGET]))
        .context("rustup does not add the target")?;
    if !has_target()? {
        bail!("rustup added {TARGET} to another toolchain than the one in use");
    }
    Ok(())
}

fn has_target() -> Result<bool> {
    Ok(sysroot()?.join("lib/rustlib").join(TARGET).is_dir())
}
