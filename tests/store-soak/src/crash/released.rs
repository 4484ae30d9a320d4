//! Stores of released formats, made from the fixtures of `hub-store-sled`: rows as
//! keys and values, and what lies beside the engine's files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Run;
use super::episode::{Step, Store, half_made};
use super::hub::Hub;
use super::moment::Moment;
use crate::guards::SEGMENT_BYTES;

/// One folder for each format that was ever released, the newest included.
const FIXTURES: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../hub/hub-store-sled/tests/fixtures");

impl Store<'_> {
    /// However often its first opening is killed, a store of a released format
    /// comes to hold what it holds when nothing disturbs it.
    pub(super) fn open_released(&mut self, life: Duration, run: &mut Run) -> Step {
        let formats = formats()?;
        let format = run.random.pick(&formats).context("there are fixtures")?;
        let hub = |name: &str| -> Result<Hub<'_>> {
            let hub = Hub::new(&self.programs.liaison, self.folder.path().join(name))?;
            make(format, &hub.store())?;
            Ok(hub)
        };
        let (killed, undisturbed) = (hub("killed")?, hub("undisturbed")?);
        Self::struck(killed.start(&["stats"])?, Moment::OpenReleased, life, run)?;
        killed.done(&["verify"])?;
        let (_, whole) = undisturbed.done(&["stats"])?;
        run.lives.seen(Moment::OpenReleased, whole);
        if killed.rows()? != undisturbed.rows()? {
            return half_made(format!("{} is not opened to the same rows", format.display()));
        }
        for hub in [killed, undisturbed] {
            fs::remove_dir_all(&hub.root).context("remove a store")?;
        }
        Ok(())
    }
}

fn formats() -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(FIXTURES).context(FIXTURES)?;
    let mut formats = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    formats.sort();
    Ok(formats)
}

fn make(format: &Path, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).context("make a folder for a store")?;
    for name in ["format", "witness"] {
        fs::copy(format.join(name), dir.join(name)).context("copy a fixture")?;
    }
    let engine = sled::Config::new().path(dir.join("sled")).segment_size(SEGMENT_BYTES).open()?;
    for row in fs::read_to_string(format.join("rows")).context("read a fixture")?.lines() {
        let (key, value) = row.split_once(' ').context("a key and a value")?;
        engine.insert(bytes(key)?, bytes(value)?)?;
    }
    engine.flush()?;
    Ok(())
}

fn bytes(hexadecimal: &str) -> Result<Vec<u8>> {
    ensure!(hexadecimal.len().is_multiple_of(2), "half a byte");
    let pairs = hexadecimal.as_bytes().chunks(2).map(std::str::from_utf8);
    pairs.map(|pair| Ok(u8::from_str_radix(pair?, 16)?)).collect()
}
