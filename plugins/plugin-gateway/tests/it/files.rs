//! Files: inside the granted folders, whole or not at all, never through links.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use plugin_gateway::files::{READ_BYTES_MAX, VERSION_ABSENT};
use plugin_gateway::{
    ConnectionPolicy, FileAccess, FileFault, FolderGrant, FolderPlace, Gateway, GatewayOptions,
    Grants, HttpLimits,
};

struct Folders {
    root: tempfile::TempDir,
    files: FileAccess,
}

impl Folders {
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join(name)
    }
}

/// `in` for reading, `out` for writing, and a secret beside them.
fn folders() -> Folders {
    let root = tempfile::tempdir().unwrap();
    for name in ["in", "in/sub", "out", "outside"] {
        std::fs::create_dir(root.path().join(name)).unwrap();
    }
    std::fs::write(root.path().join("outside/secret.csv"), "secret").unwrap();
    std::fs::write(root.path().join("in/people.csv"), "id,name\n1,Ana\n").unwrap();
    std::fs::write(root.path().join("in/sub/more.csv"), "more").unwrap();
    let grant = |name: &str, writable| {
        let place = FolderPlace::Directory(root.path().join(name));
        FolderGrant { place, writable }
    };
    let folders = BTreeMap::from([
        ("in".to_owned(), grant("in", false)),
        ("out".to_owned(), grant("out", true)),
        ("gone".to_owned(), grant("gone", true)),
    ]);
    let policy = ConnectionPolicy {
        connection: "files".to_owned(),
        grants: Grants { folders, ..Grants::default() },
        credentials: BTreeMap::new(),
        settings: serde_json::Value::Null,
        limits: HttpLimits::default(),
    };
    let gateway = Gateway::new(GatewayOptions::default()).unwrap();
    Folders { files: gateway.connection(policy).files().clone(), root }
}

fn names(found: &[plugin_gateway::FileInfo]) -> Vec<&str> {
    found.iter().map(|info| info.name.as_str()).collect()
}

#[tokio::test]
async fn lists_looks_and_reads_ranges() {
    let folders = folders();
    std::fs::write(folders.path("in/.hidden"), "x").unwrap();
    let found = folders.files.list("in").await.unwrap();
    assert_eq!(names(&found), ["people.csv", "sub/more.csv"]);
    let info = folders.files.stat("in", "people.csv").await.unwrap();
    assert_eq!((info.size_bytes, &info), (14, &found[0]));
    let cases = [
        (0, 100, "id,name\n1,Ana\n"),
        (8, 3, "1,A"),
        (12, 100, "a\n"),
        (14, 10, ""),
        (999, 10, ""),
    ];
    for (offset, length, expected) in cases {
        let range = folders.files.read("in", "people.csv", offset, length).await.unwrap();
        assert_eq!(String::from_utf8(range.bytes).unwrap(), expected);
        assert_eq!(range.info, info);
    }
    let large = folders.files.read("in", "people.csv", 0, READ_BYTES_MAX + 1).await;
    assert_eq!(large.unwrap_err(), FileFault::TooLarge { limit_bytes: READ_BYTES_MAX });
}

#[tokio::test]
async fn the_version_moves_with_every_change() {
    let folders = folders();
    let path = folders.path("in/people.csv");
    let version = async || folders.files.stat("in", "people.csv").await.unwrap().version;
    let mut seen = vec![version().await];
    let times = std::fs::metadata(&path).unwrap().modified().unwrap();
    std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, b"2"))
        .unwrap();
    seen.push(version().await);
    // Same size, and the time of the change set back: the time of the setting shows.
    std::thread::sleep(std::time::Duration::from_millis(50));
    std::fs::write(&path, "id,name\n1,Bob\n2").unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(times).unwrap();
    seen.push(version().await);
    std::fs::write(folders.path("in/new"), "id,name\n1,Bob\n2").unwrap();
    std::fs::rename(folders.path("in/new"), &path).unwrap();
    seen.push(version().await);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 4);
}

#[tokio::test]
async fn no_name_leads_out_of_the_folder() {
    let folders = folders();
    symlink(folders.path("outside/secret.csv"), folders.path("in/link.csv")).unwrap();
    symlink(folders.path("outside"), folders.path("in/linked")).unwrap();
    symlink("people.csv", folders.path("in/inner.csv")).unwrap();
    symlink("/etc/passwd", folders.path("out/passwd")).unwrap();
    symlink(folders.path("outside"), folders.path("out/linked")).unwrap();
    let long = "x".repeat(300);
    let deep = "d/".repeat(20) + "f";
    let absolute = folders.path("outside/secret.csv").display().to_string();
    let bad = [
        "../outside/secret.csv",
        "sub/../../outside/secret.csv",
        "..",
        ".",
        "",
        "/",
        "./people.csv",
        "sub//more.csv",
        "sub/",
        "/etc/passwd",
        absolute.as_str(),
        "link.csv",
        "linked/secret.csv",
        "inner.csv",
        "linked",
        "sub",
        ".hidden",
        "sub/.hidden",
        "people.csv\0",
        "a\nb",
        "..\\outside",
        "people.csv/more",
        long.as_str(),
        deep.as_str(),
    ];
    for name in bad {
        for fault in [
            folders.files.stat("in", name).await.unwrap_err(),
            folders.files.read("in", name, 0, 10).await.unwrap_err(),
            folders
                .files
                .write_atomic("out", name, b"x".to_vec(), None)
                .await
                .err()
                .unwrap_or(FileFault::NotFound),
        ] {
            let refused =
                matches!(fault, FileFault::Denied(_) | FileFault::Invalid(_) | FileFault::NotFound);
            assert!(refused, "{name:?}: {fault}");
        }
    }
    for name in ["passwd", "linked/x.csv", "linked/secret.csv"] {
        let fault = folders.files.write_atomic("out", name, b"x".to_vec(), None).await.unwrap_err();
        assert!(matches!(fault, FileFault::Denied(_)), "{name}: {fault}");
    }
    assert_eq!(names(&folders.files.list("in").await.unwrap()), ["people.csv", "sub/more.csv"]);
    assert_eq!(std::fs::read(folders.path("outside/secret.csv")).unwrap(), b"secret");
    assert_eq!(std::fs::read_dir(folders.path("outside")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_pipe_is_no_file_and_does_not_block() {
    let folders = folders();
    let made = std::process::Command::new("mkfifo").arg(folders.path("in/pipe")).status().unwrap();
    assert!(made.success());
    let fault = folders.files.read("in", "pipe", 0, 10).await.unwrap_err();
    assert!(matches!(fault, FileFault::Denied(_)), "{fault}");
    assert_eq!(names(&folders.files.list("in").await.unwrap()), ["people.csv", "sub/more.csv"]);
}

#[tokio::test]
async fn folders_must_be_granted_writable_and_there() {
    let folders = folders();
    let write = async |folder: &str, name: &str| {
        folders.files.write_atomic(folder, name, b"x".to_vec(), None).await.unwrap_err()
    };
    assert!(matches!(folders.files.list("other").await.unwrap_err(), FileFault::Denied(_)));
    assert!(matches!(write("in", "new.csv").await, FileFault::Denied(_)));
    assert!(matches!(write("other", "new.csv").await, FileFault::Denied(_)));
    assert_eq!(write("gone", "new.csv").await, FileFault::NotFound);
    assert_eq!(write("out", "no-such-folder/new.csv").await, FileFault::NotFound);
    assert_eq!(folders.files.stat("in", "none.csv").await.unwrap_err(), FileFault::NotFound);
    assert!(!folders.path("in/new.csv").exists());
}

#[tokio::test]
async fn a_write_replaces_the_version_it_expects() {
    let folders = folders();
    let files = &folders.files;
    let write = async |bytes: &str, expected: Option<&str>| {
        files.write_atomic("out", "people.csv", bytes.into(), expected.map(str::to_owned)).await
    };
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let first = write("one", Some(VERSION_ABSENT)).await.unwrap();
    assert_eq!(first, files.stat("out", "people.csv").await.unwrap());
    assert_eq!(mode(&folders.path("out/people.csv")), 0o600);
    let exists = write("two", Some(VERSION_ABSENT)).await.unwrap_err();
    assert_eq!(exists, FileFault::Changed { found: first.version.clone() });
    std::fs::set_permissions(
        folders.path("out/people.csv"),
        std::fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let current = files.stat("out", "people.csv").await.unwrap();
    let second = write("two", Some(&current.version)).await.unwrap();
    assert_eq!(mode(&folders.path("out/people.csv")), 0o644);
    assert!(matches!(write("three", Some(&first.version)).await, Err(FileFault::Changed { .. })));
    assert_eq!(std::fs::read(folders.path("out/people.csv")).unwrap(), b"two");
    assert_eq!(second, files.stat("out", "people.csv").await.unwrap());
    write("four", None).await.unwrap();
    // What a crash left behind neither hinders nor shows.
    std::fs::write(folders.path("out/.people.csv.liaison-tmp"), "half").unwrap();
    write("five", None).await.unwrap();
    assert_eq!(std::fs::read(folders.path("out/people.csv")).unwrap(), b"five");
    assert_eq!(std::fs::read_dir(folders.path("out")).unwrap().count(), 1);
}

#[tokio::test]
async fn of_concurrent_conditional_writes_one_wins() {
    let folders = folders();
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let files = folders.files.clone();
            tokio::spawn(async move {
                let bytes = format!("writer {n}").into_bytes();
                files.write_atomic("out", "one.csv", bytes, Some(VERSION_ABSENT.to_owned())).await
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(fault) => assert!(matches!(fault, FileFault::Changed { .. }), "{fault}"),
        }
    }
    assert_eq!(won, 1);
}
