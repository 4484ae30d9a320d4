//! A hub's folder, and the commands that an administrator gives in it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::demo::{hub, world::write_private};
use crate::{paths, tryton};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// The exit code of bad news: something is held, skipped or refused.
pub const FINDING: i32 = 1;

/// A folder with a configuration and a store.
#[derive(Debug, Clone)]
pub struct Place {
    /// The binary `liaison`.
    pub binary: PathBuf,
    /// The folder.
    pub work: PathBuf,
    /// Where a hub listens that runs here.
    pub port: u16,
}

/// What a command said.
#[derive(Debug)]
pub struct Told {
    /// 0, or [`FINDING`].
    pub code: i32,
    /// What it printed, as JSON.
    pub data: Value,
    /// What it said to a person.
    pub said: String,
}

impl Place {
    /// Begins in an empty folder, with the head of a configuration.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn new(work: &Path) -> Result<Self> {
        let port = tryton::free_port()?;
        let place = Self { binary: paths::binary(), work: work.to_path_buf(), port };
        let head = format!(
            "version = 1\n[http]\nlisten = \"127.0.0.1:{port}\"\n[connectors]\ndir = {:?}\n",
            paths::components()
        );
        place.write("liaison.toml", &head)?;
        Ok(place)
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let file = self.work.join(name);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let fresh = file.with_extension("new");
        fs::write(&fresh, text).with_context(|| format!("write {}", fresh.display()))?;
        fs::rename(&fresh, &file).with_context(|| format!("write {}", file.display()))
    }

    /// Adds to the configuration.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn configure(&self, text: &str) -> Result<()> {
        let before = fs::read_to_string(self.work.join("liaison.toml"))?;
        self.write("liaison.toml", &format!("{before}{text}"))
    }

    /// Adds a connection to a system that is reached by HTTP on this machine.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn connect(&self, id: &str, connector: &str, port: u16, more: &str) -> Result<()> {
        self.configure(&format!(
            "[connections.{id}]\nconnector = \"{connector}\"\nhosts = [\"127.0.0.1:{port}\"]\n\
             private = [\"127.0.0.1/32:{port}\"]\ninsecure_http = true\n{more}\n"
        ))
    }

    /// Adds a connection to an ERP.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn connect_erp(&self, id: &str, erp: &tryton::Tryton) -> Result<()> {
        self.keep_secret("erp-password", &erp.password)?;
        self.keep_secret("erp-user", &erp.user)?;
        let more = format!(
            "settings = {{ url = \"{}\", database = \"{}\" }}\n\
             credentials.session = {{ username = \"file:secrets/erp-user\", \
             password = \"file:secrets/erp-password\" }}",
            erp.url, erp.database
        );
        self.connect(id, "erp-tryton", erp.port, &more)
    }

    /// Keeps a secret where the configuration can name it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep_secret(&self, name: &str, text: &str) -> Result<()> {
        let folder = self.work.join("secrets");
        fs::create_dir_all(&folder)?;
        write_private(&folder.join(name), text)?;
        Ok(())
    }

    /// Gives a command, which may have bad news.
    ///
    /// # Errors
    /// It is refused, or what it prints is not JSON.
    pub fn tell(&self, arguments: &[&str]) -> Result<Told> {
        let arguments = [arguments, &["--json"]].concat();
        let output = hub::output(&self.binary, &self.work, &arguments)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code().unwrap_or(-1);
        let line = arguments.join(" ");
        ensure!([0, FINDING].contains(&code), "liaison {line} ended with {code}:\n{said}");
        let data = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("liaison {line} printed no JSON:\n{said}"))?;
        Ok(Told { code, data, said })
    }

    /// Gives a command that must have no bad news.
    ///
    /// # Errors
    /// As [`Self::tell`], and bad news.
    pub fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let told = self.tell(arguments)?;
        ensure!(told.code == 0, "liaison {}: {}\n{}", arguments.join(" "), told.said, told.data);
        Ok(told.data)
    }

    /// Runs a sync, which must reject nothing; the run.
    ///
    /// # Errors
    /// It does not succeed.
    pub fn run(&self, sync: &str) -> Result<Value> {
        let run = self.ask(&["sync", "run", sync])?;
        ensure!(run["status"] == "succeeded", "{sync}: {run:#}");
        Ok(run)
    }

    /// Runs syncs in turn until none of them writes or learns anything.
    ///
    /// # Errors
    /// One does not succeed, or they go on after so many rounds.
    pub fn settle(&self, syncs: &[&str], rounds_max: usize) -> Result<()> {
        for _ in 0..rounds_max {
            let mut moved = 0;
            for sync in syncs {
                let counts = &self.run(sync)?["counts"];
                let count = |name: &str| counts[name].as_u64().unwrap_or(0);
                moved += count("writes") + count("new") + count("changed") + count("retried");
            }
            if moved == 0 {
                return Ok(());
            }
        }
        bail!("the syncs still move something after {rounds_max} rounds")
    }

    /// Every entry of the ledger of a sync or a run.
    ///
    /// # Errors
    /// The command fails.
    pub fn ledger(&self, of: &str, unknown: bool) -> Result<Vec<Value>> {
        let mut entries = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut arguments = vec!["ledger", "list", of];
            if unknown {
                arguments.push("--unknown");
            }
            if let Some(after) = &after {
                arguments.extend(["--after", after]);
            }
            let mut page = self.tell(&arguments)?.data;
            entries.append(page["entries"].as_array_mut().context("a ledger without entries")?);
            match page["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => return Ok(entries),
            }
        }
    }
}
