//! A folder with a configuration, and `liaison` working in it.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::measure::{self, Used};

/// The sync that reads customers.
pub const CUSTOMERS: &str = "customers";
/// The sync that delivers them.
pub const CONTACTS: &str = "contacts";

/// What a configuration is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Reading and delivering.
    Work,
    /// Nothing: three connectors, no sync.
    Idle,
}

/// A folder with a configuration.
#[derive(Debug, Clone)]
pub struct World {
    root: PathBuf,
    components: PathBuf,
    port: u16,
}

impl World {
    /// Writes a configuration into an emptied folder. `port` is where the API is.
    ///
    /// # Errors
    /// The folder cannot be emptied or written.
    pub fn create(root: &Path, components: &Path, port: u16, purpose: Purpose) -> Result<Self> {
        if root.exists() {
            fs::remove_dir_all(root).with_context(|| format!("empty {}", root.display()))?;
        }
        fs::create_dir_all(root.join("syncs"))?;
        fs::create_dir_all(root.join("in"))?;
        let world = Self { root: root.to_owned(), components: components.to_owned(), port };
        world.write_main(false, purpose)?;
        if purpose == Purpose::Work {
            fs::write(root.join("syncs/customers.toml"), include_str!("world/customers.toml"))?;
            fs::write(root.join("syncs/contacts.toml"), include_str!("world/contacts.toml"))?;
        }
        Ok(world)
    }

    /// From now on, does a sync that has reached the end read all of it again?
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn read_again(&self, again: bool) -> Result<()> {
        self.write_main(again, Purpose::Work)
    }

    fn write_main(&self, again: bool, purpose: Purpose) -> Result<()> {
        let mut text = include_str!("world/liaison.toml").to_owned();
        if purpose == Purpose::Idle {
            text.push_str(include_str!("world/idle.toml"));
        }
        let text = text
            .replace("@LISTEN@", &format!("127.0.0.1:{}", free_port()?))
            .replace("@COMPONENTS@", &self.components.display().to_string())
            .replace("@PORT@", &self.port.to_string())
            .replace("@AGAIN@", if again { "true" } else { "false" });
        let path = self.root.join("liaison.toml");
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The store's folder.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.root.join("data/default")
    }

    /// `liaison` with this configuration.
    #[must_use]
    pub fn liaison(&self, binary: &Path) -> Command {
        let mut command = Command::new(binary);
        command.arg("--config").arg(&self.root).args(["--json", "--log", "warn"]);
        command.stdin(Stdio::null()).stderr(Stdio::inherit());
        command
    }

    /// Runs a sync to its end in a process of its own; returns what the run
    /// says and what the process used.
    ///
    /// # Errors
    /// It cannot be started, or the run did not succeed.
    pub fn sync(
        &self,
        binary: &Path,
        sync: &str,
        watch: impl FnMut(&measure::Sample),
    ) -> Result<(Value, Used)> {
        let mut command = self.liaison(binary);
        command.args(["sync", "run", sync]);
        let (output, used) = measure::run(command, watch)?;
        let run: Value = serde_json::from_slice(&output)
            .with_context(|| format!("`liaison sync run {sync}` did not answer with JSON"))?;
        if run["status"] != "succeeded" {
            bail!("`liaison sync run {sync}`: {run}");
        }
        Ok((run, used))
    }

    /// What the store counts.
    ///
    /// # Errors
    /// The command fails.
    pub fn stats(&self, binary: &Path) -> Result<Value> {
        let mut command = self.liaison(binary);
        command.args(["store", "stats"]);
        let (output, _) = measure::run(command, |_| {})?;
        serde_json::from_slice(&output).context("`liaison store stats` did not answer with JSON")
    }
}

/// Bytes that a folder takes on the disk, holes and reserves as the file system
/// counts them.
///
/// # Errors
/// A folder cannot be read.
pub fn disk_bytes(folder: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let about = fs::symlink_metadata(&path)?;
        // A block of `st_blocks` has 512 bytes, whatever the file system's.
        bytes += if about.is_dir() { disk_bytes(&path)? } else { about.blocks() * 512 };
    }
    Ok(bytes)
}

/// A port that is free now.
///
/// # Errors
/// None is.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{CONTACTS, CUSTOMERS, Purpose, World, disk_bytes};
    use crate::people::People;

    #[test]
    fn the_configurations_are_sound_and_map_every_field() {
        let folder = tempfile::tempdir().unwrap();
        let work = World::create(folder.path(), Path::new("/c"), 1, Purpose::Work).unwrap();
        work.read_again(true).unwrap();
        let config = hub_config::load(work.root()).unwrap();
        let mapping = &config.sync(CUSTOMERS).unwrap().mapping;
        let mut text = String::new();
        People::new(1).write(0, 0, &mut text);
        let row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        let unmapped: Vec<_> = row.keys().filter(|name| mapping.field(name).is_none()).collect();
        assert!(unmapped.is_empty() && mapping.fields.len() == row.len(), "{unmapped:?}");
        assert!(config.sync(CONTACTS).unwrap().mapping.writes());
        World::create(folder.path(), Path::new("/c"), 1, Purpose::Idle).unwrap();
        assert_eq!(hub_config::load(work.root()).unwrap().connections.len(), 3);
    }

    #[test]
    fn a_hole_takes_no_space() {
        let folder = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(folder.path().join("hole")).unwrap();
        file.set_len(64 << 20).unwrap();
        assert!(disk_bytes(folder.path()).unwrap() < 1 << 20);
        std::fs::write(folder.path().join("full"), vec![1; 1 << 20]).unwrap();
        assert!(disk_bytes(folder.path()).unwrap() >= 1 << 20);
    }
}
