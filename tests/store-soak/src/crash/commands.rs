//! What an administrator does with a store, killed: what is left is nothing that
//! looks finished, or a finished thing, and the command can be given again.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use super::Run;
use super::episode::{Step, Store, half_made};
use super::hub::{Hub, rows};
use super::moment::Moment;

impl Store<'_> {
    /// The store is the old one or the new one, which say the same.
    pub(super) fn compact(&mut self, life: Duration, run: &mut Run) -> Step {
        Self::struck(self.hub.start(&["compact"])?, Moment::Compact, life, run)?;
        self.sound(run)?;
        let (_, whole) = self.hub.done(&["compact"])?;
        run.lives.seen(Moment::Compact, whole);
        self.sound(run)
    }

    /// What has the name of the backup is one.
    pub(super) fn back_up(&mut self, life: Duration, run: &mut Run) -> Step {
        self.forget_backup()?;
        let to = self.at("backup");
        let running = self.hub.start(&["backup", "--to", &text(&to)])?;
        Self::struck(running, Moment::Backup, life, run)?;
        if to.exists() {
            self.found_at(&to, self.acked)?;
            self.backup = Some(self.acked);
        } else {
            let whole = self.make_backup()?;
            run.lives.seen(Moment::Backup, whole);
        }
        self.sound(run)
    }

    /// The store is the old one, or the one from the backup with the old one
    /// beside it, or none is in the place and nobody is told that it is empty.
    pub(super) fn restore(&mut self, life: Duration, run: &mut Run) -> Step {
        let seq = match self.backup {
            Some(seq) => seq,
            None => {
                self.make_backup()?;
                self.acked
            }
        };
        let from = text(&self.at("backup"));
        let again = ["restore", "--from", &from, "--replace"];
        Self::struck(self.hub.start(&again)?, Moment::Restore, life, run)?;
        let replaced = self.hub.beside(".replaced");
        if !self.hub.store().exists() {
            self.hub.refused(&["stats"], "store/restore-unfinished")?;
        } else if !replaced.exists() {
            self.sound(run)?;
        }
        if !self.hub.store().exists() || !replaced.exists() {
            let (_, whole) = self.hub.done(&again)?;
            run.lives.seen(Moment::Restore, whole);
        }
        self.found_at(&replaced, self.acked)?;
        removed(&replaced)?;
        self.acked = seq;
        self.sound(run)
    }

    /// What has the name of the export is one.
    pub(super) fn export(&mut self, life: Duration, run: &mut Run) -> Step {
        let file = self.at("all.ndjson");
        let name = text(&file);
        let again = ["export", "--to", name.as_str()];
        Self::struck(self.hub.start(&again)?, Moment::Export, life, run)?;
        if !file.exists() {
            let (_, whole) = self.hub.done(&again)?;
            run.lives.seen(Moment::Export, whole);
        }
        self.sound(run)?;
        let told = fs::read_to_string(&file).context("read an export")?;
        fs::remove_file(&file).context("remove an export")?;
        if rows(&told) == Some(self.hub.rows()?) {
            return Ok(());
        }
        half_made("the export is not whole, or not of this store".to_owned())
    }

    /// No store is in the place, or the whole one.
    pub(super) fn import(&mut self, life: Duration, run: &mut Run) -> Step {
        let file = self.at("all.ndjson");
        let name = text(&file);
        self.hub.done(&["export", "--to", &name])?;
        let other = Hub::new(&self.programs.liaison, self.folder.path().join("other"))?;
        let again = ["import", "--from", name.as_str()];
        Self::struck(other.start(&again)?, Moment::Import, life, run)?;
        if !other.store().exists() {
            let (_, whole) = other.done(&again)?;
            run.lives.seen(Moment::Import, whole);
        }
        let told = fs::read_to_string(&file).context("read an export")?;
        other.done(&["verify"])?;
        if rows(&told) != Some(other.rows()?) {
            return half_made("the imported store is not the exported one".to_owned());
        }
        removed(&other.root)?;
        fs::remove_file(&file).context("remove an export")?;
        Ok(())
    }

    fn make_backup(&mut self) -> Step<Duration> {
        let to = self.at("backup");
        let (_, whole) = self.hub.done(&["backup", "--to", &text(&to)])?;
        self.found_at(&to, self.acked)?;
        self.backup = Some(self.acked);
        Ok(whole)
    }

    fn forget_backup(&mut self) -> Step {
        if self.backup.take().is_some() {
            removed(&self.at("backup"))?;
        }
        Ok(())
    }
}

fn removed(folder: &Path) -> Step {
    Ok(fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?)
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
