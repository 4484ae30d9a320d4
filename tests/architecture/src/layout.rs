//! What cargo does not know: the visible root, inherited lints, long files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{
    graph::Member,
    rooms::{MAX_FILE_LINES, PRODUCT_FOLDERS, VISIBLE_ROOT},
};

/// Entries of the root that should not be visible there.
///
/// # Errors
/// The folder cannot be read.
pub fn strangers_in(root: &Path) -> Result<Vec<String>> {
    let mut strangers = Vec::new();
    for path in entries(root)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with('.') && !VISIBLE_ROOT.contains(&name.as_str()) {
            strangers.push(format!("{name} must not be visible in the root"));
        }
    }
    Ok(strangers)
}

/// Crates that do not inherit the workspace's lints.
///
/// # Errors
/// A `Cargo.toml` cannot be read.
pub fn without_lints(root: &Path, members: &[Member]) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for member in members {
        let file = root.join(&member.folder).join("Cargo.toml");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        if !inherits_lints(&text)? {
            faults.push(format!("{} must say [lints] workspace = true", member.name));
        }
    }
    Ok(faults)
}

fn inherits_lints(manifest: &str) -> Result<bool> {
    let manifest: toml::Table = manifest.parse()?;
    let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
    Ok(lints.and_then(toml::Value::as_bool) == Some(true))
}

/// Files of the product that have grown too long to be one concept.
///
/// # Errors
/// A folder or file cannot be read.
pub fn long_files(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for folder in PRODUCT_FOLDERS {
        collect(&root.join(folder), &mut files)?;
    }
    let mut faults = Vec::new();
    for file in files {
        let lines = fs::read_to_string(&file)?.lines().count();
        if lines >= MAX_FILE_LINES {
            let name = file.strip_prefix(root).unwrap_or(&file).display();
            faults.push(format!("{name} has {lines} lines: split it below {MAX_FILE_LINES}"));
        }
    }
    Ok(faults)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for path in entries(folder)? {
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::graph::{Graph, root};

    #[test]
    fn the_checks_find_what_they_look_for() {
        assert!(inherits_lints("[lints]\nworkspace = true\n").unwrap());
        for manifest in ["", "[lints]\n", "[lints]\nworkspace = false\n", "[lints.rust]\n"] {
            assert!(!inherits_lints(manifest).unwrap(), "{manifest}");
        }

        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let strangers = strangers_in(folder).unwrap();
        assert_eq!(strangers, ["src must not be visible in the root"]);
    }

    #[test]
    fn a_long_file_is_named() {
        let root = std::env::temp_dir().join(format!("architecture-{}", std::process::id()));
        for folder in PRODUCT_FOLDERS {
            fs::create_dir_all(root.join(folder).join("src")).unwrap();
        }
        fs::write(root.join("hub/src/short.rs"), "//\n".repeat(MAX_FILE_LINES - 1)).unwrap();
        fs::write(root.join("hub/src/long.rs"), "//\n".repeat(MAX_FILE_LINES)).unwrap();
        let found = long_files(&root);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(found.unwrap(), ["hub/src/long.rs has 500 lines: split it below 500"]);
    }

    #[test]
    fn only_the_fixed_entries_are_visible() {
        assert_eq!(strangers_in(&root()).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn every_crate_inherits_the_lints() {
        let members = Graph::read(&root()).unwrap().members;
        assert_eq!(without_lints(&root(), &members).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn no_file_of_the_product_is_too_long() {
        assert_eq!(long_files(&root()).unwrap(), Vec::<String>::new());
    }
}
