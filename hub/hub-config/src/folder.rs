//! A granted folder must not hold what no connector may see: the store, or
//! the configuration with its references to secrets.

use std::path::{Component, Path, PathBuf};

use crate::config::{ConnectionConfig, FolderPlace};
use crate::document::Document;
use crate::fault::{ConfigFault, code};
use crate::table::shown;

/// Records a fault for every folder that contains the data directory or the
/// configuration. By the words alone: links are followed, and refused, where
/// the folder is opened.
pub(crate) fn check(document: &Document<'_>, connection: &ConnectionConfig, data_dir: &str) {
    let data = plain(data_dir);
    for (alias, folder) in &connection.folders {
        let FolderPlace::Directory(written) = &folder.place else { continue };
        let path = plain(written);
        let what = if holds_configuration(&path) {
            "the configuration"
        } else if data.starts_with(&path) {
            "the hub's data directory"
        } else {
            continue;
        };
        let place = format!("connections.{}.folders.{alias}.path", connection.id);
        let fault = ConfigFault::new(code::FOLDER_HOLDS_DATA, written.location.clone(), place);
        document.fault(fault.with("found", shown(written)).with("what", what));
    }
}

/// Whether a path leads to the configuration's folder or above it.
fn holds_configuration(path: &Path) -> bool {
    let mut steps = path.components();
    steps.all(|step| matches!(step, Component::ParentDir | Component::RootDir))
}

/// The path without `.` and without `x/..`.
fn plain(path: &str) -> PathBuf {
    let mut plain = PathBuf::new();
    for step in Path::new(path).components() {
        let named = matches!(plain.components().next_back(), Some(Component::Normal(_)));
        match step {
            Component::CurDir => {}
            Component::ParentDir if named => {
                plain.pop();
            }
            _ => plain.push(step),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{holds_configuration, plain};

    #[test]
    fn folders_above_are_seen_through_their_spelling() {
        for path in [".", "./", "data/..", "..", "../..", "/", "a/./../"] {
            assert!(holds_configuration(&plain(path)), "{path}");
        }
        for path in ["data", "data/in", "../other", "/srv/in"] {
            assert!(!holds_configuration(&plain(path)), "{path}");
        }
        assert!(plain("data").starts_with(plain("./x/../data/")));
    }
}
