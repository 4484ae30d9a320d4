//! A hub that runs takes up another version of a connector: the run that is under way
//! ends with the old one, the next has the new one.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::mpsc;

use serde_json::Value;

use crate::hub::Hub;
use crate::packages::{installed, run, version, write};
use crate::place::Place;

/// A system that answers each page when it is told to.
struct Slow {
    port: u16,
    asked: mpsc::Receiver<TcpStream>,
}

impl Slow {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, asked) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut head = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                while head.read_line(&mut line).is_ok_and(|read| read > 2) {
                    line.clear();
                }
                if sender.send(stream).is_err() {
                    break;
                }
            }
        });
        Self { port, asked }
    }

    /// Waits until somebody asks for a page.
    fn asked(&self) -> TcpStream {
        self.asked.recv_timeout(std::time::Duration::from_secs(120)).unwrap()
    }
}

fn answer(mut stream: TcpStream) {
    let body =
        r#"{"contacts":[{"id":"1","name":"Ana","email":"ana@x.fr","version":"1"}],"next":null}"#;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
}

/// Begins a run and leaves it to itself.
fn begin(place: &Place) -> std::process::Child {
    let mut command = place.command(&["sync", "run", "people", "--json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn end(run: std::process::Child) -> Value {
    let output = run.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_run_ends_with_the_version_that_it_began_with() {
    let system = Slow::start();
    let place = installed(system.port);
    place.write(
        "syncs/people.toml",
        b"connection = \"crm\"\nstream = \"contacts\"\nkind = \"person\"\nschedule = \"manual\"\n\
          [[fields]]\nfield = \"email\"\ntrait = \"email\"\nidentity = \"email\"\n",
    );
    let mut hub = Hub::start_with(&place, &[("TOKEN", "t0ken")]);

    write(&place, "offered/two.wasm", &version("1.1.0"), Some("author"));
    let two = place.path().join("offered/two.wasm");
    let first = begin(&place);
    let asked = system.asked();
    // It runs, and meanwhile another version is installed and taken up.
    run(&place, &["connector", "upgrade", two.to_str().unwrap()]).ended(0);
    hub.wait_for("runs guest-template 1.1.0 from now on");
    answer(asked);
    let first = end(first);
    assert_eq!(
        (&first["status"], &first["counts"]["new"]),
        (&"succeeded".into(), &1.into()),
        "{first}"
    );
    assert_eq!(first["connector"]["version"], "1.0.0", "{first}");

    let second = begin(&place);
    answer(system.asked());
    let second = end(second);
    assert_eq!(second["status"], "succeeded", "{second}");
    assert_eq!(second["connector"]["version"], "1.1.0", "{second}");
    assert_ne!(first["connector"]["digest"], second["connector"]["digest"]);

    // What is not what was installed breaks its connection; mending it mends that.
    let lock = place.read("connectors.lock");
    let digest = second["connector"]["digest"].as_str().unwrap().trim_start_matches("sha256:");
    let altered = lock.replace(digest, &"0".repeat(digest.len()));
    assert_ne!(altered, lock);
    place.write("connectors.lock", altered.as_bytes());
    hub.wait_for("error[connector/unreadable]");
    assert_eq!(end(begin(&place))["fault"]["code"], "config");
    let one = place.path().join("offered/one.wasm");
    let one = one.to_str().unwrap();
    run(&place, &["connector", "upgrade", one, "--allow-downgrade"]).ended(0);
    hub.wait_for("runs guest-template 1.0.0 from now on");
    let third = begin(&place);
    answer(system.asked());
    let third = end(third);
    assert_eq!(third["status"], "succeeded", "{third}");
    let (code, talk) = hub.stop();
    assert_eq!(code, 0, "{talk:#?}");
}
