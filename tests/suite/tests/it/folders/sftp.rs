//! A folder of a real SSH server: the promises of every folder, and what only servers do:
//! they are somebody else, they refuse, they fill up, and they go away.

use std::io::Write as _;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::{fs, io::Read as _, path::Path, thread};

use plugin_gateway::files::{ENTRIES_MAX, READ_BYTES_MAX, VERSION_ABSENT};
use plugin_gateway::{FileAccess, FileFault, FolderPlace, Grants, Secret, SftpLogin, SftpPlace};
use xtask::sftp::{self, PASSPHRASE, PASSWORD, Server, USER};
use xtask::{demo::hub, paths, tools};

use super::{FOLDER, access, copy_people, keeps_the_promises, local, reaching, run_hub, wait};

/// A server, unless it cannot be had here.
fn server(test: &str, folder: &Path) -> Option<Server> {
    match sftp::ready() {
        Ok(_) => Some(Server::start(folder).unwrap()),
        Err(missing) => {
            missing.skip(&format!("folders::sftp::{test}"));
            None
        }
    }
}

fn by_password() -> SftpLogin {
    SftpLogin::Password(PASSWORD.into())
}

fn by_key(server: &Server, name: &str, passphrase: Option<&str>) -> SftpLogin {
    let key = server.private_key(name).unwrap();
    SftpLogin::PrivateKey { key: key.as_str().into(), passphrase: passphrase.map(Secret::from) }
}

fn place(url: &str, login: SftpLogin, host_key: Option<&str>) -> FolderPlace {
    FolderPlace::Sftp(SftpPlace::new(url, USER, login, host_key).unwrap())
}

/// The files of a server, by way of a port, as its user.
fn files_by(server: &Server, port: u16, below: &str) -> FileAccess {
    let key = server.host_key("ed25519").unwrap();
    access(place(&server.url(port, below), by_password(), Some(&key)), reaching(port))
}

fn files(server: &Server) -> FileAccess {
    files_by(server, server.port, "")
}

fn denied(files: &FileAccess) -> String {
    match wait(files.list(FOLDER)).unwrap_err() {
        FileFault::Denied(why) => why,
        other => panic!("{other}"),
    }
}

#[test]
fn a_server_keeps_the_promises() {
    let root = tempfile::tempdir().unwrap();
    let Some(server) = server("a_server_keeps_the_promises", root.path()) else { return };
    wait(keeps_the_promises(&files(&server)));
    // Nothing is left beside the files.
    let left = fs::read_dir(server.files()).unwrap().map(|it| it.unwrap().file_name());
    let left: Vec<_> = left.filter(|it| it.to_string_lossy().starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// By a password, and by keys of two kinds, one of them locked; and not otherwise.
#[test]
fn logins_are_taken_and_refused() {
    let root = tempfile::tempdir().unwrap();
    let Some(server) = server("logins_are_taken_and_refused", root.path()) else { return };
    let key = server.host_key("ed25519").unwrap();
    let of = |login: SftpLogin| {
        access(place(&server.url(server.port, ""), login, Some(&key)), reaching(server.port))
    };
    for login in [
        by_password(),
        by_key(&server, "id_ed25519", None),
        by_key(&server, "id_rsa", None),
        by_key(&server, "id_locked", Some(PASSPHRASE)),
    ] {
        assert_eq!(wait(of(login).list(FOLDER)).unwrap(), []);
    }
    let wrong = "wr0ng-s3cret";
    for (login, expected) in [
        (SftpLogin::Password(wrong.into()), "refuses the password of `hub`"),
        (by_key(&server, "id_stranger", None), "refuses the private key of `hub`"),
        (by_key(&server, "id_locked", None), "`passphrase` is missing or wrong"),
        (by_key(&server, "id_locked", Some(wrong)), "`passphrase` is missing or wrong"),
        (SftpLogin::PrivateKey { key: wrong.into(), passphrase: None }, "cannot be read"),
        (
            SftpLogin::Password(Secret::reference(
                "env:LIAISON_NO_SUCH_VARIABLE".parse().unwrap(),
                ".",
            )),
            "LIAISON_NO_SUCH_VARIABLE",
        ),
    ] {
        let shown = format!("{login:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("PRIVATE"), "{shown}");
        let said = denied(&of(login));
        assert!(said.contains(expected) && !said.contains("s3cret"), "{said}");
    }
}

/// The key that is pinned decides, before anybody is told who is calling.
#[test]
fn a_server_with_another_key_is_not_logged_in_to() {
    let root = tempfile::tempdir().unwrap();
    let name = "a_server_with_another_key_is_not_logged_in_to";
    let Some(server) = server(name, root.path()) else { return };
    let of = |key: Option<&str>| {
        access(place(&server.url(server.port, ""), by_password(), key), reaching(server.port))
    };
    let line = |kind: &str| server.host_key(kind).unwrap();
    let print = |kind: &str| server.fingerprint(kind).unwrap();
    // The line of a key asks for a key of its kind.
    for key in [line("ed25519"), line("rsa"), print("ed25519")] {
        assert_eq!(wait(of(Some(&key)).list(FOLDER)).unwrap(), [], "{key}");
    }
    let stranger = fs::read_to_string(root.path().join("id_stranger.pub")).unwrap();
    for key in [None, Some(print("rsa")), Some(stranger)] {
        let said = denied(&of(key.as_deref()));
        let write = format!("write `host_key = \"{}\"`", print("ed25519"));
        assert!(said.contains(&write) && said.contains("ssh-ed25519"), "{said}");
        assert_eq!(said.contains("no host key is pinned"), key.is_none(), "{said}");
    }
    let log = fs::read_to_string(root.path().join("server.log")).unwrap();
    assert_eq!(log.matches("Accepted password").count(), 3, "{log}");
    assert!(!log.contains("Failed password"), "{log}");
}

#[test]
fn a_server_is_reached_by_the_rules_of_requests() {
    let root = tempfile::tempdir().unwrap();
    let name = "a_server_is_reached_by_the_rules_of_requests";
    let Some(server) = server(name, root.path()) else { return };
    let key = server.host_key("ed25519").unwrap();
    let port = server.port;
    for url in
        [server.url(port, ""), format!("sftp://localhost:{port}/"), "sftp://10.0.0.1/".into()]
    {
        let files = access(place(&url, by_password(), Some(&key)), Grants::default());
        assert!(!denied(&files).contains("s3cret"));
    }
    let metadata = place("sftp://169.254.169.254/", by_password(), Some(&key));
    denied(&access(metadata, reaching(22)));
    let url = server.url(port, "");
    drop(server);
    let gone = access(place(&url, by_password(), Some(&key)), reaching(port));
    let gone = wait(gone.list(FOLDER)).unwrap_err();
    assert!(matches!(&gone, FileFault::Io(why) if !why.contains("s3cret")), "{gone}");
}

#[test]
fn what_is_no_address_of_a_server_is_refused() {
    for address in [
        "",
        "host/in",
        "sftp://host",
        "sftp:///in",
        "ftp://host/in",
        "sftp://hub@host/in",
        "sftp://hub:s3cret@host/in",
        "sftp://*.example.org/in",
        "sftp://host:0/in",
        "sftp://host/in/../out",
        "sftp://host/in//out",
        "sftp://host/in?x",
        "sftp://host/%2e%2e",
    ] {
        assert!(SftpPlace::new(address, USER, by_password(), None).is_err(), "{address}");
    }
    for key in ["", "SHA256:short", "MD5:00:11", "ssh-ed25519 nonsense", "md5"] {
        let place = SftpPlace::new("sftp://host/in", USER, by_password(), Some(key));
        assert!(place.is_err(), "{key}");
    }
    assert!(SftpPlace::new("sftp://host/in", "", by_password(), None).is_err());
}

/// Links are not followed, wherever they lead, and what may not be done is told.
#[test]
fn links_and_permissions_are_minded() {
    let root = tempfile::tempdir().unwrap();
    let Some(server) = server("links_and_permissions_are_minded", root.path()) else { return };
    let at = |name: &str| server.files().join(name);
    for name in ["sub", "locked", "shut"] {
        fs::create_dir(at(name)).unwrap();
    }
    fs::write(at("a.csv"), "a").unwrap();
    fs::write(at("sub/b.csv"), "b").unwrap();
    fs::write(at("secret.csv"), "secret").unwrap();
    symlink("a.csv", at("link.csv")).unwrap();
    symlink("/etc", at("etc")).unwrap();
    for (name, mode) in
        [("locked", 0o555), ("shut", 0o000), ("secret.csv", 0o000), ("a.csv", 0o644)]
    {
        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let files = files(&server);
    wait(async {
        let listed = files.list(FOLDER).await.unwrap();
        let names: Vec<&str> = listed.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["a.csv", "secret.csv", "sub/b.csv"]);
        assert_eq!(files.read(FOLDER, "sub/b.csv", 0, 10).await.unwrap().bytes, b"b");
        for name in ["link.csv", "etc/passwd", "etc", "sub", "secret.csv", "shut/x.csv"] {
            let fault = files.read(FOLDER, name, 0, 10).await.unwrap_err();
            assert!(matches!(fault, FileFault::Denied(_)), "{name}: {fault}");
        }
        let write = async |name: &str| {
            files.write_atomic(FOLDER, name, b"x".to_vec(), None).await.unwrap_err()
        };
        for name in ["link.csv", "etc/x.csv", "locked/x.csv", "shut/x.csv"] {
            let fault = write(name).await;
            assert!(matches!(fault, FileFault::Denied(_)), "{name}: {fault}");
        }
        assert_eq!(write("none/x.csv").await, FileFault::NotFound);
        let gone = files_by(&server, server.port, "none").list(FOLDER).await;
        assert_eq!(gone.unwrap_err(), FileFault::NotFound);
    });
    assert_eq!(fs::read(at("a.csv")).unwrap(), b"a");
}

#[test]
fn a_disk_that_is_full_leaves_the_old_file() {
    let root = tempfile::tempdir().unwrap();
    let name = "a_disk_that_is_full_leaves_the_old_file";
    if let Err(missing) = sftp::ready() {
        return missing.skip(&format!("folders::sftp::{name}"));
    }
    let server = Server::start_full(root.path(), 1024).unwrap();
    let files = files(&server);
    wait(async {
        let write = async |count: usize, expected: Option<&str>| {
            let expected = expected.map(str::to_owned);
            files.write_atomic(FOLDER, "a.csv", vec![b'x'; count], expected).await
        };
        write(10, None).await.unwrap();
        let full = write(4 * 1024 * 1024, None).await.unwrap_err();
        assert!(full.to_string().contains("full disk or quota"), "{full}");
        assert_eq!(files.stat(FOLDER, "a.csv").await.unwrap().size_bytes, 10);
        // The connection lives on, and nothing lies about.
        write(20, None).await.unwrap();
    });
    assert_eq!(fs::read_dir(server.files()).unwrap().count(), 1);
}

/// Versions differ though the protocol has whole seconds and the size stays.
#[test]
fn what_the_hub_writes_twice_in_a_second_has_two_versions() {
    let root = tempfile::tempdir().unwrap();
    let name = "what_the_hub_writes_twice_in_a_second_has_two_versions";
    let Some(server) = server(name, root.path()) else { return };
    let files = files(&server);
    wait(async {
        let mut seen = Vec::new();
        for content in ["one", "two", "six"] {
            let written = files.write_atomic(FOLDER, "a.csv", content.into(), None).await.unwrap();
            seen.push(written.version);
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 3);
    });
}

#[test]
fn ten_thousand_files_are_listed_and_one_more_is_too_many() {
    let root = tempfile::tempdir().unwrap();
    let name = "ten_thousand_files_are_listed_and_one_more_is_too_many";
    let Some(server) = server(name, root.path()) else { return };
    for number in 0..ENTRIES_MAX {
        fs::write(server.files().join(format!("{number:05}.csv")), "").unwrap();
    }
    let files = files(&server);
    assert_eq!(wait(files.list(FOLDER)).unwrap().len(), ENTRIES_MAX);
    fs::write(server.files().join("more.csv"), "").unwrap();
    let fault = wait(files.list(FOLDER)).unwrap_err();
    assert_eq!(fault, FileFault::TooMany { limit: ENTRIES_MAX });
}

/// A file that grows meanwhile: what is read is its begin, and its version moves.
#[test]
fn a_file_that_grows_is_read_as_far_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    let name = "a_file_that_grows_is_read_as_far_as_it_is";
    let Some(server) = server(name, root.path()) else { return };
    let line = |number: usize| format!("{number:015}\n");
    let mut file = fs::File::create(server.files().join("log.csv")).unwrap();
    file.write_all((0..60_000).map(line).collect::<String>().as_bytes()).unwrap();
    let files = files(&server);
    let before = wait(files.stat(FOLDER, "log.csv")).unwrap();
    let growing = thread::spawn(move || {
        for number in 60_000..120_000 {
            file.write_all(line(number).as_bytes()).unwrap();
        }
    });
    let range = wait(files.read(FOLDER, "log.csv", 0, READ_BYTES_MAX)).unwrap();
    growing.join().unwrap();
    let count = range.bytes.len();
    assert!(count as u64 >= before.size_bytes && count as u64 <= range.info.size_bytes);
    let expected: String = (0..count / 16 + 1).map(line).collect();
    assert!(expected.as_bytes().starts_with(&range.bytes), "not the begin of the file");
    assert_ne!(wait(files.stat(FOLDER, "log.csv")).unwrap().version, before.version);
}

/// A way to a server that can be cut, and is after so many bytes of what goes there.
struct Wire {
    port: u16,
    bytes_max: Arc<AtomicU64>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Wire {
    fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (bytes_max, open) = (Arc::new(AtomicU64::new(u64::MAX)), Arc::default());
        let wire = Self { port, bytes_max: Arc::clone(&bytes_max), open: Arc::clone(&open) };
        thread::spawn(move || {
            for ours in listener.incoming() {
                let (ours, theirs) =
                    (ours.unwrap(), TcpStream::connect(("127.0.0.1", server)).unwrap());
                let both = || (ours.try_clone().unwrap(), theirs.try_clone().unwrap());
                open.lock().unwrap().extend([both().0, both().1]);
                let ((there, back), bytes_max) = ((both(), both()), Arc::clone(&bytes_max));
                thread::spawn(move || pass(there.0, there.1, &bytes_max));
                thread::spawn(move || pass(back.1, back.0, &AtomicU64::new(u64::MAX)));
            }
        });
        wire
    }

    fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, bytes_max: &AtomicU64) {
    let mut part = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut part) {
        let left = bytes_max.load(Ordering::Relaxed);
        if left < count as u64 || to.write_all(&part[..count]).is_err() {
            break;
        }
        bytes_max.store(left - count as u64, Ordering::Relaxed);
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// A write that is cut off leaves the old file whole, whenever it is cut, and the next one
/// connects anew and cleans up.
#[test]
fn a_connection_that_breaks_leaves_whole_files_and_is_made_anew() {
    let root = tempfile::tempdir().unwrap();
    let name = "a_connection_that_breaks_leaves_whole_files_and_is_made_anew";
    let Some(server) = server(name, root.path()) else { return };
    let wire = Wire::to(server.port);
    let files = files_by(&server, wire.port, "");
    let content = |byte: u8| vec![byte; 3 * 1024 * 1024];
    wait(async {
        let write = async |byte: u8, expected: Option<&str>| {
            let expected = expected.map(str::to_owned);
            files.write_atomic(FOLDER, "a.csv", content(byte), expected).await
        };
        write(0, Some(VERSION_ABSENT)).await.unwrap();
        for (byte, bytes_max) in [(1, 100), (2, 200_000), (3, 3_000_000)] {
            wire.bytes_max.store(bytes_max, Ordering::Relaxed);
            let fault = write(byte, None).await.unwrap_err();
            assert!(matches!(fault, FileFault::Io(_)), "{fault}");
            wire.bytes_max.store(u64::MAX, Ordering::Relaxed);
            let read = files.read(FOLDER, "a.csv", 0, READ_BYTES_MAX).await.unwrap();
            assert!(read.bytes == content(0), "cut after {bytes_max} bytes");
        }
        // One that waited and is gone is noticed before it is used.
        wire.cut();
        write(4, None).await.unwrap();
        wire.cut();
        let read = files.read(FOLDER, "a.csv", 0, READ_BYTES_MAX).await.unwrap();
        assert!(read.bytes == content(4));
    });
    assert_eq!(fs::read_dir(server.files()).unwrap().count(), 1);
}

/// Many at once share a few connections, and the next ones find them.
#[test]
fn connections_are_few_and_kept() {
    let root = tempfile::tempdir().unwrap();
    let Some(server) = server("connections_are_few_and_kept", root.path()) else { return };
    fs::write(server.files().join("a.csv"), "a").unwrap();
    let files = files(&server);
    wait(async {
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let files = files.clone();
                tokio::spawn(async move { files.read(FOLDER, "a.csv", 0, 1).await.unwrap().bytes })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), b"a");
        }
    });
    let log = fs::read_to_string(root.path().join("server.log")).unwrap();
    let logins = log.matches("Accepted password").count();
    assert!((1..=4).contains(&logins), "{logins} logins");
}

/// A connector reads from a server and writes to it, and never knows.
#[test]
fn a_connector_works_on_a_server() {
    let root = tempfile::tempdir().unwrap();
    let Some(server) = server("a_connector_works_on_a_server", root.path()) else { return };
    fs::write(server.files().join("people.csv"), "id,name\n1,Ana\n2,Bob\n").unwrap();
    let id = server.private_key("id_ed25519").unwrap();
    let secrets = [("password", PASSWORD), ("id", id.as_str())];
    let login = |proof: &str, key: &str| {
        format!(
            "sftp = {:?}\nuser = {USER:?}\n{proof}\nhost_key = {key:?}\n",
            server.url(server.port, ""),
        )
    };
    let key = server.fingerprint("ed25519").unwrap();
    let hub = tempfile::tempdir().unwrap();
    copy_people(
        hub.path(),
        &login("private_key = \"file:secrets/id\"", &key),
        &login("password = \"file:secrets/password\"", &key),
        server.port,
        &secrets,
    );
    let written = fs::read_to_string(server.files().join("copy.csv")).unwrap();
    assert_eq!(written, "id,name\n1,Ana\n2,Bob\n");
    // A key that is not pinned is told by the check, with what to write.
    let config = hub.path().join("liaison.toml");
    let unpinned = fs::read_to_string(&config).unwrap().replace(&format!("host_key = {key:?}"), "");
    fs::write(&config, unpinned).unwrap();
    let output = hub::output(&paths::binary(), hub.path(), &["check", "--online"]).unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!output.status.success(), "{said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(&format!("host_key = \"{key}\"")), "{said}");
}

/// A segment goes to a partner's server as a file, in the partner's form.
#[test]
fn a_segment_is_delivered_to_a_server() {
    let root = tempfile::tempdir().unwrap();
    let Some(server) = server("a_segment_is_delivered_to_a_server", root.path()) else { return };
    let hub = tempfile::tempdir().unwrap();
    fs::create_dir(hub.path().join("in")).unwrap();
    let people = "email,stage,ads\nana@x.example,customer,yes\nbob@x.example,lead,yes\n\
                  cid@x.example,customer,no\n";
    fs::write(hub.path().join("in/people.csv"), people).unwrap();
    let config = format!(
        "[namespaces.email]\nnormaliser = \"email\"\n\
         [purposes.advertising]\nchannels = [\"web\"]\n\
         [segments.regulars]\npurpose = \"advertising/web\"\n\
         all = [{{ trait = \"stage\", is = \"customer\" }}]\n\
         [connections.list]\nconnector = \"files\"\nfolders.in = {{ path = \"in\" }}\n\
         [connections.list.settings]\nfolder = \"in\"\n\
         streams.people = {{ file = \"people.csv\", key = \"email\" }}\n\
         [connections.dmp]\nconnector = \"dmp-audience-files\"\n{}\
         [connections.dmp.folders.out]\nsftp = {:?}\nuser = {USER:?}\nwritable = true\n\
         password = \"file:secrets/password\"\nhost_key = {:?}\n\
         [connections.dmp.settings]\nfolder = \"out\"\nidentifiers = [\"email\"]\ngzip = false\n\
         liveramp = {{ name = \"shop\" }}\nsegments = {{ \"Regulars\" = \"REGULARS\" }}\n",
        local(server.port),
        server.url(server.port, ""),
        server.host_key("ed25519").unwrap(),
    );
    let fields = tools::fields(&["email", "stage", "ads"], "->");
    let ads = tools::consent("ads", ("advertising", "web"), "yes", "no");
    let head = |connection: &str, stream: &str| {
        format!("connection = {connection:?}\nstream = {stream:?}\nschedule = \"manual\"\n")
    };
    let list = head("list", "people") + &fields + &ads;
    let members = "audience = true\nsegment = \"regulars\"\nmatching = [\"email\"]\n\
                   [guards]\nrecords_percent_max = 100\n";
    let dmp = head("dmp", "Regulars") + members + &tools::field("email", "email", "<-");
    let syncs = [("list", list.as_str()), ("dmp", &dmp)];
    run_hub(hub.path(), &config, &syncs, &[("password", PASSWORD)]);
    let delivered: Vec<_> = fs::read_dir(server.files()).unwrap().map(Result::unwrap).collect();
    let [file] = delivered.as_slice() else { panic!("{delivered:?}") };
    let name = file.file_name().into_string().unwrap();
    assert!(name.starts_with("shop_REGULARS_") && name.ends_with(".csv"), "{name}");
    let text = fs::read_to_string(file.path()).unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, b"ana@x.example");
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(text.contains(&digest), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");
}
