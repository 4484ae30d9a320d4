//! What stands on the other side in a test: real systems and real data, each
//! in a folder of its own with a stamp that says it is complete.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

/// The file that marks a folder as complete; it holds what was asked for, so
/// that another version makes the folder anew.
const STAMP: &str = "complete.txt";

/// Whether `folder` was completed for exactly this wish.
#[must_use]
pub fn is_complete(folder: &Path, wish: &str) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|text| text == wish)
}

/// Empties `folder`, so that half a set-up is never mistaken for a whole one.
///
/// # Errors
/// The folder cannot be removed or made.
pub fn begin(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("clear {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))
}

/// Marks `folder` as complete for this wish.
///
/// # Errors
/// The stamp cannot be written.
pub fn complete(folder: &Path, wish: &str) -> Result<()> {
    let stamp = folder.join(STAMP);
    fs::write(&stamp, wish).with_context(|| format!("write {}", stamp.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn another_wish_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("thing");
        assert!(!is_complete(&folder, "a==1"));
        begin(&folder).unwrap();
        fs::write(folder.join("old"), "").unwrap();
        assert!(!is_complete(&folder, "a==1"));
        complete(&folder, "a==1").unwrap();
        assert!(is_complete(&folder, "a==1"));
        assert!(!is_complete(&folder, "a==2"));
        begin(&folder).unwrap();
        assert!(!folder.join("old").exists());
    }
}
