//! Folders keep the same promises whatever they are: a directory, or a bucket or a folder of
//! servers that somebody else wrote.

mod sftp;

use std::{collections::BTreeMap, fs, path::Path};

use plugin_gateway::files::{READ_BYTES_MAX, VERSION_ABSENT};
use plugin_gateway::{
    ConnectionPolicy, FileAccess, FileFault, FolderGrant, FolderPlace, Gateway, GatewayOptions,
    Grants, HttpLimits, S3Place,
};
use xtask::bucket::{self, BUCKET, Buckets, REGION};
use xtask::demo::{hub, world};
use xtask::paths;

const FOLDER: &str = "folder";

fn access(place: FolderPlace, grants: Grants) -> FileAccess {
    let folders = BTreeMap::from([
        (FOLDER.to_owned(), FolderGrant { place: place.clone(), writable: true }),
        ("looked-at".to_owned(), FolderGrant { place, writable: false }),
    ]);
    let policy = ConnectionPolicy {
        connection: "folders".to_owned(),
        grants: Grants { folders, ..grants },
        credentials: BTreeMap::new(),
        settings: serde_json::Value::Null,
        limits: HttpLimits::default(),
    };
    let gateway = Gateway::new(GatewayOptions::default()).unwrap();
    gateway.connection(policy).files().clone()
}

fn directory(path: &Path) -> FileAccess {
    access(FolderPlace::Directory(path.to_path_buf()), Grants::default())
}

fn place(buckets: &Buckets, path: &str) -> FolderPlace {
    let address = format!("{}/{path}", buckets.url());
    let place = S3Place::new(&address, REGION, "hub".into(), "s3cret".into());
    FolderPlace::S3(Box::new(place.unwrap()))
}

/// What lets a folder reach a port of this machine.
fn reaching(port: u16) -> Grants {
    let private = vec![format!("127.0.0.1/32:{port}").parse().unwrap()];
    Grants { private, insecure_http: true, ..Grants::default() }
}

/// A server, unless it cannot be had here.
fn buckets(test: &str, folder: &Path) -> Option<Buckets> {
    match bucket::ready() {
        Ok(_) => Some(Buckets::start(folder).unwrap()),
        Err(missing) => {
            missing.skip(&format!("folders::{test}"));
            None
        }
    }
}

fn wait<R>(work: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

/// The rules. The folder is empty before.
async fn keeps_the_promises(files: &FileAccess) {
    let write = async |name: &str, bytes: &[u8], expected: Option<&str>| {
        files.write_atomic(FOLDER, name, bytes.to_vec(), expected.map(str::to_owned)).await
    };
    // What is not there.
    assert_eq!(files.list(FOLDER).await.unwrap(), []);
    assert_eq!(files.stat(FOLDER, "a.csv").await.unwrap_err(), FileFault::NotFound);
    assert_eq!(files.read(FOLDER, "a.csv", 0, 10).await.unwrap_err(), FileFault::NotFound);
    // A write replaces the version that it expects, and no other.
    let first = write("a.csv", b"one", Some(VERSION_ABSENT)).await.unwrap();
    assert_eq!((first.name.as_str(), first.size_bytes), ("a.csv", 3));
    assert_eq!(files.stat(FOLDER, "a.csv").await.unwrap(), first);
    let there = write("a.csv", b"two", Some(VERSION_ABSENT)).await.unwrap_err();
    assert_eq!(there, FileFault::Changed { found: first.version.clone() });
    let second = write("a.csv", b"id,name\n1,Ana\n", Some(&first.version)).await.unwrap();
    assert_ne!(second.version, first.version);
    let old = write("a.csv", b"three", Some(&first.version)).await.unwrap_err();
    assert_eq!(old, FileFault::Changed { found: second.version.clone() });
    let gone = write("b.csv", b"x", Some(&first.version)).await.unwrap_err();
    assert_eq!(gone, FileFault::Changed { found: VERSION_ABSENT.to_owned() });
    // Ranges, and the file that they are of.
    for (offset, length, expected) in [
        (0, 100, "id,name\n1,Ana\n"),
        (8, 3, "1,A"),
        (12, 100, "a\n"),
        (14, 10, ""),
        (999, 10, ""),
        (3, 0, ""),
    ] {
        let range = files.read(FOLDER, "a.csv", offset, length).await.unwrap();
        assert_eq!(
            (String::from_utf8(range.bytes).unwrap().as_str(), &range.info),
            (expected, &second)
        );
    }
    let large = files.read(FOLDER, "a.csv", 0, READ_BYTES_MAX + 1).await;
    assert_eq!(large.unwrap_err(), FileFault::TooLarge { limit_bytes: READ_BYTES_MAX });
    // Without an expectation; empty ones, and odd names.
    for name in ["empty.csv", "é +%&=?#.csv", "a.csv.gz"] {
        let written = write(name, b"", None).await.unwrap();
        assert_eq!(written, files.stat(FOLDER, name).await.unwrap(), "{name}");
        assert_eq!(files.read(FOLDER, name, 0, 10).await.unwrap().bytes, b"", "{name}");
    }
    let listed = files.list(FOLDER).await.unwrap();
    let names: Vec<&str> = listed.iter().map(|info| info.name.as_str()).collect();
    assert_eq!(names, ["a.csv", "a.csv.gz", "empty.csv", "é +%&=?#.csv"]);
    assert_eq!(listed[0], second);
    // More than one range.
    let content: Vec<u8> = (0..READ_BYTES_MAX + 5).map(|at| (at % 251) as u8).collect();
    write("large.bin", &content, None).await.unwrap();
    let head = files.read(FOLDER, "large.bin", 0, READ_BYTES_MAX).await.unwrap();
    let tail = files.read(FOLDER, "large.bin", READ_BYTES_MAX as u64, 100).await.unwrap();
    assert!([head.bytes, tail.bytes].concat() == content);
    // Nothing leads out of it, and nothing is written where only looking is granted.
    for name in ["../a.csv", "/a.csv", ".hidden", "x/../../a", "", "a//b", "a\nb", "x/.git/y"] {
        let faults = [
            files.stat(FOLDER, name).await.unwrap_err(),
            files.read(FOLDER, name, 0, 1).await.unwrap_err(),
            write(name, b"x", None).await.unwrap_err(),
        ];
        assert!(faults.iter().all(|fault| matches!(fault, FileFault::Invalid(_))), "{name:?}");
    }
    let refused = files.write_atomic("looked-at", "a.csv", b"x".to_vec(), None).await.unwrap_err();
    assert!(matches!(refused, FileFault::Denied(_)), "{refused}");
    assert_eq!(files.stat("looked-at", "a.csv").await.unwrap(), second);
    // Of writers at the same time one wins.
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let files = files.clone();
            let bytes = format!("writer {number}").into_bytes();
            tokio::spawn(async move {
                files.write_atomic(FOLDER, "one.csv", bytes, Some(VERSION_ABSENT.to_owned())).await
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

#[test]
fn a_directory_keeps_the_promises() {
    let root = tempfile::tempdir().unwrap();
    wait(keeps_the_promises(&directory(root.path())));
}

#[test]
fn a_bucket_keeps_the_promises() {
    let root = tempfile::tempdir().unwrap();
    let Some(buckets) = buckets("a_bucket_keeps_the_promises", root.path()) else { return };
    let place = place(&buckets, &format!("{BUCKET}/in/files"));
    wait(keeps_the_promises(&access(place, reaching(buckets.port))));
}

/// Names are below the prefix, and a list has pages.
#[test]
fn a_bucket_shows_what_is_below_its_prefix() {
    let root = tempfile::tempdir().unwrap();
    let Some(buckets) = buckets("a_bucket_shows_what_is_below_its_prefix", root.path()) else {
        return;
    };
    let of = |path: &str| access(place(&buckets, path), reaching(buckets.port));
    let (whole, below) = (of(BUCKET), of(&format!("{BUCKET}/a")));
    wait(async {
        for name in ["a/x.csv", "ab/x.csv", "x.csv"] {
            whole.write_atomic(FOLDER, name, b"x".to_vec(), None).await.unwrap();
        }
        let names = async |files: &FileAccess| {
            let listed = files.list(FOLDER).await.unwrap().into_iter();
            listed.map(|info| info.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&whole).await, ["a/x.csv", "ab/x.csv", "x.csv"]);
        assert_eq!(names(&below).await, ["x.csv"]);
        for number in 0..1_005 {
            let name = format!("many/{number:04}.csv");
            whole.write_atomic(FOLDER, &name, b"x".to_vec(), None).await.unwrap();
        }
        assert_eq!(names(&of(&format!("{BUCKET}/many"))).await.len(), 1_005);
    });
}

/// The lookup, the private networks and plain HTTP are those of the connection; secrets
/// are nowhere to be read.
#[test]
fn a_bucket_is_reached_by_the_rules_of_requests() {
    let root = tempfile::tempdir().unwrap();
    let Some(buckets) = buckets("a_bucket_is_reached_by_the_rules_of_requests", root.path()) else {
        return;
    };
    let port = buckets.port;
    let denied = |place: FolderPlace, grants: Grants| {
        let fault = wait(access(place, grants).list(FOLDER)).unwrap_err();
        assert!(matches!(fault, FileFault::Denied(_)), "{fault}");
        fault.to_string()
    };
    let own = || place(&buckets, BUCKET);
    assert!(!format!("{:?}", own()).contains("s3cret"));
    denied(own(), Grants::default());
    denied(own(), Grants { insecure_http: false, ..reaching(port) });
    denied(own(), Grants { private: Vec::new(), ..reaching(port) });
    assert!(denied(place(&buckets, "no-such-bucket"), reaching(port)).contains("bucket"));
    let missing = S3Place::new(
        &format!("{}/{BUCKET}", buckets.url()),
        REGION,
        "hub".into(),
        plugin_gateway::Secret::reference("env:LIAISON_NO_SUCH_VARIABLE".parse().unwrap(), "."),
    );
    let said = denied(FolderPlace::S3(Box::new(missing.unwrap())), reaching(port));
    assert!(said.contains("LIAISON_NO_SUCH_VARIABLE"), "{said}");
    let own = own();
    drop(buckets);
    let gone = wait(access(own, reaching(port)).list(FOLDER)).unwrap_err();
    assert!(matches!(&gone, FileFault::Io(why) if !why.contains("s3cret")), "{gone}");
}

#[test]
fn what_is_no_address_of_a_bucket_is_refused() {
    for address in [
        "",
        "bucket",
        "https://s3.example",
        "https://s3.example/",
        "ftp://s3.example/bucket",
        "https://user:pass@s3.example/bucket",
        "https://s3.example/bucket?x=1",
        "https://s3.example/bucket#x",
        "https://s3.example/bucket/.hidden",
        "https://s3.example/bucket/a//b",
        "https://s3.example/bucket/%2e%2e",
    ] {
        let place = S3Place::new(address, REGION, "hub".into(), "s3cret".into());
        assert!(place.is_err(), "{address}");
    }
}

/// A connector reads and writes a bucket and never knows.
#[test]
fn a_connector_works_in_a_bucket() {
    let root = tempfile::tempdir().unwrap();
    let Some(buckets) = buckets("a_connector_works_in_a_bucket", root.path()) else { return };
    let (work, port) = (root.path().join("hub"), buckets.port);
    fs::create_dir_all(work.join("in")).unwrap();
    fs::write(work.join("in/people.csv"), "id,name\n1,Ana\n2,Bob\n").unwrap();
    let bucket = format!(
        "s3 = \"{}/{BUCKET}/out\"\nregion = \"{REGION}\"\n\
         access_key = \"file:secrets/access\"\nsecret_key = \"file:secrets/s3\"\n",
        buckets.url(),
    );
    let secrets = [("access", "hub"), ("s3", "s3cret")];
    copy_people(&work, "path = \"in\"\n", &bucket, port, &secrets);
    let files = access(place(&buckets, &format!("{BUCKET}/out")), reaching(port));
    let content = wait(files.read(FOLDER, "copy.csv", 0, 1_000)).unwrap().bytes;
    assert_eq!(String::from_utf8(content).unwrap(), "id,name\n1,Ana\n2,Bob\n");
}

/// What both connections of a test may reach, which is a port of this machine.
fn local(port: u16) -> String {
    format!("private = [\"127.0.0.1/32:{port}\"]\ninsecure_http = true\n")
}

/// A hub reads `people.csv` in one folder and writes `copy.csv` in another.
fn copy_people(work: &Path, from: &str, to: &str, port: u16, secrets: &[(&str, &str)]) {
    let local = local(port);
    let config = format!(
        "[namespaces.id]\nnormaliser = \"code\"\n\
         [connections.list]\nconnector = \"files\"\n{local}\
         [connections.list.folders.there]\n{from}[connections.list.settings]\n\
         folder = \"there\"\nstreams.people = {{ file = \"people.csv\", key = \"id\" }}\n\
         [connections.out]\nconnector = \"files\"\n{local}\
         [connections.out.folders.there]\n{to}writable = true\n[connections.out.settings]\n\
         folder = \"there\"\n\
         streams.people = {{ file = \"copy.csv\", key = \"id\", columns = [\"id\", \"name\"] }}\n",
    );
    let [list, out] = [
        ("list", "->", ""),
        ("out", "<-", "matching = [\"id\"]\n[guards]\nrecords_percent_max = 100\n"),
    ]
    .map(|(id, direction, head)| {
        let identity = if direction == "->" { "identity = \"id\"\n" } else { "" };
        format!(
            "connection = \"{id}\"\nstream = \"people\"\nschedule = \"manual\"\n{head}\
             [[fields]]\nfield = \"id\"\ntrait = \"id\"\ndirection = \"{direction}\"\n{identity}\
             [[fields]]\nfield = \"name\"\ntrait = \"name\"\ndirection = \"{direction}\"\n"
        )
    });
    run_hub(work, &config, &[("list", &list), ("out", &out)], secrets);
}

/// Sets a hub up, checks it and runs its syncs, one after the other, and reads no secret in
/// what it says.
fn run_hub(work: &Path, config: &str, syncs: &[(&str, &str)], secrets: &[(&str, &str)]) {
    for folder in ["syncs", "secrets"] {
        fs::create_dir_all(work.join(folder)).unwrap();
    }
    let head = format!("version = 1\n[connectors]\ndir = {:?}\n", paths::components());
    fs::write(work.join("liaison.toml"), head + config).unwrap();
    for (name, secret) in secrets {
        world::write_private(&work.join("secrets").join(name), secret).unwrap();
    }
    for (id, sync) in syncs {
        fs::write(work.join(format!("syncs/{id}.toml")), sync).unwrap();
    }
    let runs = syncs.iter().map(|(id, _)| ["sync", "run", id].to_vec());
    for arguments in [vec!["check", "--online"]].into_iter().chain(runs) {
        let arguments =
            [arguments, vec!["--log", "warn,plugin_gateway=trace,russh=trace"]].concat();
        let output = hub::output(&paths::binary(), work, &arguments).unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{said}");
        for secret in secrets.iter().flat_map(|(_, secret)| secret.lines()) {
            assert!(secret.len() < 6 || !said.contains(secret), "{said}");
        }
    }
}
