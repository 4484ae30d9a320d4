//! Where connectors are taken from: the lock file beside `liaison.toml` and, in the
//! folder of connectors, the packages that it names by digest.
//!
//! While there is no lock file the folder is what it is for whoever writes a connector:
//! `<id>.wasm` is the connector `<id>`. With the first `liaison connector install` the
//! lock file alone says what runs; a file that merely lies in the folder does not.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use plugin_install::lock::LOCK_BYTES_MAX;
use plugin_install::{Lock, Refusal, Release, confirm};

use crate::load::{Loaded, near};
use crate::package::{self, Found, Unfit, absent, signature_of, unwritable, write};
use crate::trouble::Trouble;

/// The name of the lock file.
const LOCK_FILE: &str = "connectors.lock";
/// The folder of installed packages, in the folder of connectors: named by digest.
const STORE: &str = "sha256";
/// What digests in the lock file begin with.
const PREFIX: &str = "sha256:";

/// The folder of connectors and the lock file.
#[derive(Debug, Clone)]
pub struct Shelf {
    lock: PathBuf,
    folder: PathBuf,
}

/// How the lock file was when it was looked at; another one means that something was
/// installed, mended or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    text: Option<String>,
    written: Option<SystemTime>,
}

/// The right to change what is installed, while it lives.
pub struct Change {
    shelf: Shelf,
    _alone: File,
}

impl Shelf {
    /// That of a configuration.
    pub fn of(loaded: &Loaded) -> Self {
        Self { lock: loaded.root.join(LOCK_FILE), folder: loaded.connectors_dir() }
    }

    /// What is installed; `None` while nothing ever was.
    ///
    /// # Errors
    /// When there is a lock file that cannot be used.
    pub fn lock(&self) -> Result<Option<Lock>, Unfit> {
        let text = self.text().map_err(|error| self.bad_lock(&error.to_string()))?;
        let parsed = text.map(|text| Lock::parse(&text)).transpose();
        parsed.map_err(|error| self.bad_lock(&error.to_string()))
    }

    /// How it is now.
    pub fn mark(&self) -> Mark {
        let written = fs::metadata(&self.lock).and_then(|it| it.modified()).ok();
        Mark { text: self.text().ok().flatten(), written }
    }

    /// The package of a connector, ready to be loaded.
    ///
    /// # Errors
    /// When there is none, or it is not what was installed.
    pub fn take(&self, id: &str) -> Result<Found, Unfit> {
        let Some(lock) = self.lock()? else { return self.plain(id) };
        let Some(locked) = lock.connectors.get(id) else {
            let plain = self.folder.join(format!("{id}.wasm"));
            let refusal = Refusal::NotInstalled(id.to_owned());
            let mend = if plain.exists() {
                format!("install it: `liaison connector install {}`", plain.display())
            } else {
                near(id, lock.connectors.keys().map(String::as_str), "install it")
            };
            return Err(Unfit { mend, ..Unfit::refused(self.lock.display(), &refusal) });
        };
        self.release(id, &locked.runs)
    }

    /// A release that the lock file names, as it was installed.
    ///
    /// # Errors
    /// When it is not there, or is another one.
    pub fn release(&self, id: &str, release: &Release) -> Result<Found, Unfit> {
        let path = self.package(&release.digest);
        let found = Found::read_itself(&path, Some(&release.digest)).map_err(|unfit| Unfit {
            mend: format!("{}; then `liaison connector install` it again", unfit.mend),
            ..unfit
        })?;
        confirm(id, release, &found.offer())
            .map_err(|refusal| Unfit::refused(path.display(), &refusal))?;
        Ok(found)
    }

    fn plain(&self, id: &str) -> Result<Found, Unfit> {
        let path = self.folder.join(format!("{id}.wasm"));
        if !path.exists() {
            let there = self.plain_files();
            let names = there.iter().filter_map(|path| path.file_stem()?.to_str());
            return Err(Unfit {
                code: "connector/missing",
                place: path.display().to_string(),
                what: format!("there is no connector `{id}`: the file is missing"),
                mend: near(id, names, "put the component file there"),
            });
        }
        let found = Found::read(&path)?;
        if found.manifest.id == id {
            return Ok(found);
        }
        let refusal = Refusal::OtherId { found: found.manifest.id, expected: id.to_owned() };
        let mend = "rename the file, or correct `connector`".to_owned();
        Err(Unfit { mend, ..Unfit::refused(path.display(), &refusal) })
    }

    /// Files that lie in the folder of connectors under their names.
    pub fn plain_files(&self) -> Vec<PathBuf> {
        package::files(&self.folder)
    }

    /// What should be known of connectors that are used: those that nobody signed or
    /// verified, versions that wait, files that are not loaded.
    ///
    /// # Errors
    /// When there is a lock file that cannot be used.
    pub fn warnings(&self, used: &BTreeSet<&str>) -> Result<Vec<String>, Unfit> {
        let folder = self.folder.display();
        let Some(lock) = self.lock()? else {
            let unpinned = format!(
                "connectors are loaded as they lie in {folder}, verified and approved by nobody; \
                 `liaison connector install {folder}` pins them"
            );
            return Ok(if used.is_empty() { Vec::new() } else { vec![unpinned] });
        };
        let mut warnings = Vec::new();
        for (id, locked) in &lock.connectors {
            if locked.runs.key.is_none() && used.contains(id.as_str()) {
                warnings.push(format!("the connector `{id}` is signed by nobody"));
            }
            if let Some(held) = &locked.held {
                let (new, old) = (&held.version, &locked.runs.version);
                warnings.push(format!(
                    "{id} {new} is held, {old} runs: `liaison connector approve {id}` says why"
                ));
            }
        }
        let idle = self
            .plain_files()
            .into_iter()
            .map(|path| format!("{} is not loaded: the lock file says what is", path.display()));
        warnings.extend(idle);
        Ok(warnings)
    }

    /// The lock file.
    pub fn lock_file(&self) -> &Path {
        &self.lock
    }

    /// Begins to change what is installed; others wait until it is done.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn change(&self) -> Result<Change, Trouble> {
        let root = self.lock.parent().unwrap_or_else(|| Path::new("."));
        let alone = File::open(root).map_err(|error| unwritable(root, &error))?;
        alone.lock().map_err(|error| unwritable(root, &error))?;
        Ok(Change { shelf: self.clone(), _alone: alone })
    }

    fn package(&self, digest: &str) -> PathBuf {
        let name = digest.strip_prefix(PREFIX).unwrap_or(digest);
        // A digest that somebody wrote by hand leads to no other folder.
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        self.folder.join(STORE).join(format!("{name}.wasm"))
    }

    fn text(&self) -> io::Result<Option<String>> {
        match File::open(&self.lock) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => {
                let mut text = String::new();
                opened?.take(LOCK_BYTES_MAX).read_to_string(&mut text)?;
                Ok(Some(text))
            }
        }
    }

    fn bad_lock(&self, what: &str) -> Unfit {
        Unfit {
            code: "connector/lock",
            place: self.lock.display().to_string(),
            what: format!("the lock file cannot be used: {what}"),
            mend: "take the last good one from version control; no connector runs without it"
                .to_owned(),
        }
    }
}

impl Change {
    /// Puts a package where the lock file's digest will look for it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, found: &Found) -> Result<(), Trouble> {
        let path = self.shelf.package(&found.digest);
        let signature = signature_of(&path);
        let written = write(&path, &found.bytes).and_then(|()| match &found.signature {
            Some(text) => write(&signature, text.as_bytes()),
            None => absent(fs::remove_file(&signature)),
        });
        written.map_err(|error| unwritable(&path, &error))
    }

    /// Makes this what is installed, and lets go of packages that it does not name.
    ///
    /// # Errors
    /// When it cannot be written; then everything is as it was.
    pub fn commit(self, lock: &Lock) -> Result<(), Trouble> {
        let path = &self.shelf.lock;
        let text =
            lock.text().map_err(|error| Trouble::from(self.shelf.bad_lock(&error.to_string())))?;
        write(path, text.as_bytes()).map_err(|error| unwritable(path, &error))?;
        let named: BTreeSet<PathBuf> = lock.digests().map(|it| self.shelf.package(it)).collect();
        for old in package::files(&self.shelf.folder.join(STORE)) {
            if !named.contains(&old) {
                // What stays is only in the way of nobody.
                let _ = fs::remove_file(signature_of(&old));
                let _ = fs::remove_file(old);
            }
        }
        Ok(())
    }
}
