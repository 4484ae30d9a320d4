//! What the reader of the tree meets on a disk.

use std::fs;
use std::path::Path;

use hub_config::{
    FILE_BYTES_MAX, SYNC_FILES_MAX, SourceFile, code, load, parse, read_tree, root_of,
};

const MAIN: &str = "version = 1\n[connections.erp]\nconnector = \"files\"\n";
const SYNC: &str = "connection = \"erp\"\nstream = \"people\"\nschedule = \"manual\"\n\
    [[fields]]\nfield = \"name\"\ntrait = \"name\"\n";

#[test]
fn only_toml_files_are_read_and_in_order() {
    let root = tempfile::tempdir().unwrap();
    let syncs = root.path().join("syncs");
    fs::create_dir(&syncs).unwrap();
    fs::write(root.path().join("liaison.toml"), MAIN).unwrap();
    for name in ["b.toml", "a.toml", ".#a.toml", "a.toml~", "notes.md"] {
        fs::write(syncs.join(name), SYNC.replace("people", name)).unwrap();
    }
    let files = read_tree(root.path()).unwrap();
    let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(names, ["liaison.toml", "syncs/a.toml", "syncs/b.toml"]);
    let config = load(&root.path().join("liaison.toml")).unwrap();
    assert_eq!(config.syncs.len(), 2);
    assert_eq!(config.rules().mappings.len(), 2);
}

#[test]
fn a_file_that_cannot_be_read_does_not_hide_the_others() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("liaison.toml"), MAIN).unwrap();
    fs::create_dir_all(root.path().join("syncs/folder.toml")).unwrap();
    fs::write(root.path().join("syncs/people.toml"), "shedule = 1\n").unwrap();
    let faults = load(root.path()).unwrap_err();
    let of = |path: &str| faults.iter().filter(|fault| &*fault.location.file == path).count();
    assert_eq!(of("syncs/folder.toml"), 1);
    assert_eq!(of("syncs/people.toml"), 5, "{faults:#?}");
    assert_eq!(faults.first().map(|fault| fault.code), Some(code::FILE_UNREADABLE));
}

#[test]
fn nothing_there_is_one_fault() {
    let root = tempfile::tempdir().unwrap();
    for path in [root.path().to_owned(), root.path().join("absent")] {
        let faults = load(&path).unwrap_err();
        assert_eq!(faults.iter().map(|f| f.code).collect::<Vec<_>>(), [code::FILE_MISSING]);
    }
}

#[test]
fn sizes_are_limited() {
    let root = tempfile::tempdir().unwrap();
    let filled = |bytes: usize| format!("{MAIN}#{}", " ".repeat(bytes - MAIN.len() - 1));
    fs::write(root.path().join("liaison.toml"), filled(FILE_BYTES_MAX)).unwrap();
    assert!(load(root.path()).is_ok());
    fs::write(root.path().join("liaison.toml"), filled(64 * FILE_BYTES_MAX)).unwrap();
    let faults = load(root.path()).unwrap_err();
    assert_eq!(faults.first().map(|fault| fault.code), Some(code::FILE_TOO_LARGE));

    let mut files = vec![SourceFile::new("liaison.toml", MAIN)];
    let sync = |n: usize| SourceFile::new(format!("syncs/s{n}.toml"), SYNC);
    files.extend((0..=SYNC_FILES_MAX).map(sync));
    let faults = parse(&files).unwrap_err();
    assert_eq!(faults.iter().map(|f| f.code).collect::<Vec<_>>(), [code::TOO_MANY_FILES]);
}

/// No text makes the reader fail in any other way than by faults.
#[test]
fn hostile_text_gives_faults() {
    let deep = 100_000;
    let texts = [
        "a = ".to_owned() + &"[".repeat(deep),
        "a = ".to_owned() + &"{ a = ".repeat(deep),
        "[".to_owned() + &"a.".repeat(deep) + "a]",
        "a".repeat(FILE_BYTES_MAX),
        "\0\0\0\0".to_owned(),
        "\u{feff}\u{feff}version = 1".to_owned(),
        "\"\\uD800\" = 1".to_owned(),
        "fields = [[[]]]\nschedule = {}\n".to_owned(),
    ];
    for text in texts {
        let start = std::time::Instant::now();
        let files =
            [SourceFile::new("liaison.toml", text.clone()), SourceFile::new("syncs/a.toml", text)];
        let faults = parse(&files).unwrap_err();
        assert!(!faults.is_empty());
        assert!(faults.iter().all(|fault| fault.to_string().len() < 2_000), "{:.2000}", faults[0]);
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:.60}", faults[0]);
    }
}

#[test]
fn the_root_of_a_path() {
    let table = [("liaison.toml", "."), ("conf/liaison.toml", "conf"), ("conf", "conf"), ("", "")];
    for (path, root) in table {
        assert_eq!(root_of(Path::new(path)), Path::new(root), "{path}");
    }
}
