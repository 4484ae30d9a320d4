//! Calls of real components, recorded here and run again in another host that has no
//! way out.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use hub_model::FaultCode;
use plugin_api::{Connector, LookupKey, LookupRequest};
use plugin_gateway::{FolderGrant, FolderPlace, Grants};
use plugin_host::recording::{Header, Recorder, Recording, Replayed, Tape, Verdict};
use plugin_host::{Binding, Host, Package};
use serde_json::{Value, json};

use crate::hostile::batch;
use crate::support::{after, call, component, gateway, host, soon, start};

/// Records everything into memory.
#[derive(Clone, Default)]
struct Memory {
    written: Arc<Mutex<Vec<u8>>>,
    tape: Arc<Mutex<Option<Arc<Tape>>>>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Recorder for Memory {
    fn tape(&self, _run: &str, header: &dyn Fn() -> Header) -> Option<Arc<Tape>> {
        let begin = || Arc::new(Tape::begin(Box::new(self.clone()), header()).unwrap());
        Some(self.tape.lock().unwrap().get_or_insert_with(begin).clone())
    }
}

impl Memory {
    fn recording(&self) -> Recording {
        if let Some(tape) = self.tape.lock().unwrap().take() {
            tape.end().unwrap();
        }
        Recording::read(&self.written.lock().unwrap()[..]).unwrap()
    }

    /// What was written, unpacked.
    fn text(&self) -> String {
        let mut text = String::new();
        let written = self.written.lock().unwrap();
        flate2::read::GzDecoder::new(&written[..]).read_to_string(&mut text).unwrap();
        text
    }

    /// A connector whose calls it records.
    async fn connect(&self, name: &str, settings: Value, grants: Grants) -> Arc<dyn Connector> {
        let host = host();
        let package = host.load(&component(name)).await.unwrap();
        let recorder: Option<Arc<dyn Recorder>> = Some(Arc::new(self.clone()));
        let binding = Binding { recorder, ..Binding::new("test", settings, gateway(grants)) };
        host.connect(package, binding)
    }
}

async fn elsewhere(name: &str) -> (Host, Arc<Package>) {
    let host = host();
    let package = host.load(&component(name)).await.unwrap();
    (host, package)
}

async fn replay(recording: &Recording, name: &str, only: Option<u32>) -> Vec<Replayed> {
    let (host, package) = elsewhere(name).await;
    soon(recording.replay(&host, package, only)).await.unwrap()
}

fn all(replayed: &[Replayed], verdict: Verdict) -> bool {
    !replayed.is_empty() && replayed.iter().all(|it| it.verdict() == verdict)
}

fn granted(folder: &Path) -> Grants {
    let place = FolderPlace::Directory(folder.to_path_buf());
    let grant = FolderGrant { place, writable: true };
    Grants { folders: BTreeMap::from([("data".to_owned(), grant)]), ..Grants::default() }
}

const TABLE: &str = r#"{"rows":{
    "000001":{"data":{"id":"000001","name":"Ana Martin","email":"ana@x.fr"},"writes":1},
    "000002":{"data":{"id":"000002","name":"Zoé","email":"zoe@x.fr"},"writes":1},
    "000003":{"data":{"id":"000003","name":"Ana","email":"ana.m@x.fr"},"writes":1}}}"#;

/// Two pages, a lookup and a write, in a folder that is gone afterwards.
async fn recorded() -> Recording {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("people.json"), TABLE).unwrap();
    let memory = Memory::default();
    let settings = json!({ "page": 2, "folder": "data" });
    let guest = memory.connect("guest-simple", settings, granted(folder.path())).await;
    let first = soon(guest.read(&call(), &start("people"))).await.unwrap();
    let cursor = first.next.unwrap().0;
    soon(guest.read(&call(), &after("people", &cursor))).await.unwrap();
    let keys = vec![LookupKey::Fields([("email".into(), "zoe@x.fr".into())].into())];
    let lookup = LookupRequest { stream: "people".into(), keys, fields: Vec::new() };
    soon(guest.lookup(&call(), &lookup)).await.unwrap();
    let mut write = batch(2);
    write.stream = "people".into();
    soon(guest.write(&call(), &write)).await.unwrap();
    memory.recording()
}

#[tokio::test]
async fn calls_give_the_same_without_their_system() {
    let recording = recorded().await;
    let asked: Vec<_> = recording.calls.iter().map(|call| call.question.words().0).collect();
    assert_eq!(asked, ["read", "read", "lookup", "write"]);
    assert!(recording.calls.iter().all(|call| !call.exchanges.is_empty()));
    let replayed = replay(&recording, "guest-simple", None).await;
    assert!(replayed.len() == 4 && all(&replayed, Verdict::Same), "{replayed:#?}");
    assert_eq!((replayed[0].gave.kind.as_str(), replayed[0].gave.items), ("page", 2));

    let page = recording.call_of_page(2).unwrap();
    let replayed = replay(&recording, "guest-simple", Some(page)).await;
    assert!(replayed.len() == 1 && all(&replayed, Verdict::Same), "{replayed:#?}");
    assert_eq!((replayed[0].number, recording.call_of_page(3)), (2, None));
    assert_eq!(recording.call_of_page(0), None);
}

#[tokio::test]
async fn a_failing_call_fails_the_same_way() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("people.json"), "<html>not now</html>").unwrap();
    let memory = Memory::default();
    let settings = json!({ "folder": "data" });
    let guest = memory.connect("guest-simple", settings, granted(folder.path())).await;
    let fault = soon(guest.read(&call(), &start("people"))).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::SchemaDrift);
    let traps = memory.connect("guest-hostile", json!({ "kind": "panic" }), Grants::default());
    soon(traps.await.read(&call(), &start("s0"))).await.unwrap_err();
    let recording = memory.recording();
    let (first, second) = (&recording.calls[0].gave, &recording.calls[1].gave);
    assert_eq!(first.fault.as_ref().map(|it| it.code), Some(FaultCode::SchemaDrift));
    assert_eq!((first.kind.as_str(), second.kind.as_str()), ("fault", "stopped"));
    let replayed = replay(&recording, "guest-simple", Some(1)).await;
    assert!(all(&replayed, Verdict::Same), "{replayed:#?}");
}

#[tokio::test]
async fn what_an_instance_did_before_is_part_of_it() {
    let memory = Memory::default();
    let settings = json!({ "kind": "moody" });
    let guest = memory.connect("guest-hostile", settings, Grants::default()).await;
    soon(guest.discover(&call())).await.unwrap();
    soon(guest.discover(&call())).await.unwrap();
    let recording = memory.recording();
    let anew: Vec<bool> = recording.calls.iter().map(|call| call.anew).collect();
    assert_eq!(anew, [true, false]);
    assert_ne!(recording.calls[0].gave.output, recording.calls[1].gave.output);
    for only in [None, Some(2)] {
        let replayed = replay(&recording, "guest-hostile", only).await;
        assert!(all(&replayed, Verdict::Same), "{replayed:#?}");
    }
}

#[tokio::test]
async fn another_component_shows_what_it_does_differently() {
    let recording = recorded().await;
    let replayed = replay(&recording, "guest-plain", Some(1)).await;
    assert!(all(&replayed, Verdict::Differs), "{replayed:#?}");
    let difference = replayed[0].difference.as_ref().unwrap();
    assert_eq!(difference.errand, 1);
    let recorded = difference.recorded.as_ref().unwrap().to_string();
    assert!(recorded.starts_with("read data/people.json"), "{recorded}");
}

#[tokio::test]
async fn a_masked_recording_has_other_values_and_the_same_form() {
    let recording = recorded().await;
    let (host, package) = elsewhere("guest-simple").await;
    let masked = Memory::default();
    let to = Box::new(masked.clone());
    soon(recording.mask(&host, package.clone(), [9; 32], to)).await.unwrap();
    let (text, masked) = (masked.text(), masked.recording());
    assert!(masked.header.masked && masked.output() != recording.output());
    for canary in ["Ana", "Martin", "Zo", "ana@", "ana.m", "zoe@", "x.fr"] {
        assert!(!text.contains(canary), "{canary}: {text}");
    }
    assert!(text.contains("people.json") && text.contains("000001"), "names stay: {text}");
    let replayed = soon(masked.replay(&host, package, None)).await.unwrap();
    assert!(all(&replayed, Verdict::Same), "{replayed:#?}");
    let forms = |it: &Recording| -> Vec<_> {
        it.calls.iter().map(|call| (call.gave.kind.clone(), call.gave.items)).collect()
    };
    assert_eq!(forms(&masked), forms(&recording));
}
