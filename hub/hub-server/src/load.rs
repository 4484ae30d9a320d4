//! The configuration as this process found it: read, checked as far as it can
//! be without running anything, with its folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hub_config::{Config, ConfigFault, ConnectionConfig, Located, SyncConfig};
use hub_model::SyncId;
use hub_schedule::{Schedule, ScheduleError};

use crate::cli::Global;
use crate::exit::Exit;
use crate::trouble::Trouble;

/// A configuration without a fault in its files and schedules.
pub struct Loaded {
    /// The folder of liaison.toml; relative paths start here.
    pub root: PathBuf,
    /// What was written.
    pub config: Config,
    /// The schedules, by sync.
    pub schedules: BTreeMap<SyncId, Schedule>,
    /// When audiences are filled anew, by sync.
    pub reconciles: BTreeMap<SyncId, Schedule>,
}

impl Loaded {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// Every fault of every file and schedule.
    pub fn read(global: &Global) -> Result<Self, Trouble> {
        let root = hub_config::root_of(&global.config).to_owned();
        let config = hub_config::load(&global.config)
            .map_err(|faults| located(Trouble::from(faults), &root))?;
        let mut faults = Vec::new();
        let (mut schedules, mut reconciles) = (BTreeMap::new(), BTreeMap::new());
        for sync in &config.syncs {
            let both = [
                (Some(&sync.schedule), "schedule", &mut schedules),
                (sync.reconcile.as_ref(), "reconcile", &mut reconciles),
            ];
            for (text, key, known) in both {
                match text.map(|text| schedule(&config, sync, text, key)) {
                    Some(Ok(schedule)) => {
                        known.insert(sync.id.clone(), schedule);
                    }
                    Some(Err(fault)) => faults.push(fault),
                    None => {}
                }
            }
        }
        if faults.is_empty() {
            Ok(Self { root, config, schedules, reconciles })
        } else {
            Err(located(Trouble::from(faults), &root))
        }
    }

    /// Where everything that the hub keeps is.
    pub fn data_dir(&self) -> PathBuf {
        self.root.join(self.config.data_dir.as_str())
    }

    /// Where the store of the workspace is.
    pub fn store_dir(&self) -> PathBuf {
        self.data_dir().join(self.config.workspace.as_str())
    }

    /// A folder or file beside the store's: what is being built for it, what was
    /// there before.
    pub fn beside_store(&self, what: &str) -> PathBuf {
        self.data_dir().join(format!("{}.{what}", self.config.workspace.as_str()))
    }

    /// Where component files are.
    pub fn connectors_dir(&self) -> PathBuf {
        self.root.join(self.config.connectors_dir.as_str())
    }

    /// The sync of that id.
    ///
    /// # Errors
    /// When there is none; names those that come near.
    pub fn sync(&self, id: &str) -> Result<&SyncConfig, Trouble> {
        let known = self.config.syncs.iter().map(|sync| sync.id.as_str());
        let mend = near(id, known, "add a file `syncs/<id>.toml`");
        let place = self.root.join("syncs");
        let missing = || {
            let what = format!("there is no sync `{id}`");
            Trouble::new(Exit::Usage, "cli/unknown-sync", place.display(), what, mend)
        };
        self.config.sync(id).ok_or_else(missing)
    }

    /// The connection of that id.
    ///
    /// # Errors
    /// When there is none; names those that come near.
    pub fn connection(&self, id: &str) -> Result<&ConnectionConfig, Trouble> {
        let known = self.config.connections.iter().map(|connection| connection.id.as_str());
        let mend = near(id, known, "add a table `[connections.<id>]`");
        let place = self.root.join("liaison.toml");
        let missing = || {
            let what = format!("there is no connection `{id}`");
            Trouble::new(Exit::Usage, "cli/unknown-connection", place.display(), what, mend)
        };
        self.config.connection(id).ok_or_else(missing)
    }
}

fn schedule(
    config: &Config,
    sync: &SyncConfig,
    text: &Located<String>,
    key: &'static str,
) -> Result<Schedule, ConfigFault> {
    const SHOW: &str = "`liaison sync list` shows in words when a schedule is due";
    let zone = config.zone_of(sync);
    Schedule::parse(text, zone).map_err(|error| {
        // A fault of the zone belongs to the line of the zone.
        let (at, place) = match &error {
            ScheduleError::Zone { .. } => (zone, "zone"),
            _ => (text, key),
        };
        let sentence = error.to_string();
        let (problem, mend) = sentence.split_once("; ").unwrap_or((&sentence, SHOW));
        ConfigFault::told(error.code(), at.location.clone(), place, problem, mend)
    })
}

/// Names of files are relative to the configuration's folder, which the reader
/// may not have in mind: say it once, where nothing could be read at all.
fn located(mut trouble: Trouble, root: &Path) -> Trouble {
    for item in &mut trouble.items {
        if item.code == hub_config::code::FILE_MISSING {
            item.place = root.join("liaison.toml").display().to_string();
            item.mend.push_str("; or name another folder with --config DIR");
        }
    }
    trouble
}

/// "Did you mean", or what there is, or how to make one.
pub fn near<'a>(asked: &str, known: impl Iterator<Item = &'a str>, make: &str) -> String {
    const ALIKE_MIN: f64 = 0.75;
    let known: Vec<&str> = known.collect();
    let score = |name: &&str| strsim::jaro_winkler(asked, name);
    let best = known.iter().copied().max_by(|a, b| score(a).total_cmp(&score(b)));
    match best {
        Some(name) if score(&name) >= ALIKE_MIN => format!("did you mean `{name}`?"),
        Some(_) => format!("there are: {}", known.join(", ")),
        None => make.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let known = || ["people", "orders"].into_iter();
        assert_eq!(near("poeple", known(), ""), "did you mean `people`?");
        assert_eq!(near("zzz", known(), ""), "there are: people, orders");
        assert_eq!(near("x", std::iter::empty(), "add one"), "add one");
    }
}
