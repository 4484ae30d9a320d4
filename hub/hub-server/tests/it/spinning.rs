//! Fifty connectors that spin for ever, in one hub: its API answers, healthy syncs end,
//! and each of the fifty is stopped at its limit.

#![allow(clippy::disallowed_methods, reason = "a test measures")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::hub::Hub;
use crate::place::{Place, free_port, main_file};
use crate::with_components::{CSV, FILES, PEOPLE, component};

const SPINNING: usize = 50;
/// Processor time of each, in milliseconds: half a minute of one processor in all.
const CPU_MS: u64 = 600;
/// Requests that are measured with nothing else to do.
const REQUESTS: usize = 100;
/// How long all may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

fn place(port: u16) -> Place {
    let spinning: String = (0..SPINNING)
        .map(|number| {
            format!(
                "[connections.spin-{number}]\nconnector = \"guest-hostile\"\nhosts = [\"granted.example\"]\n\
                 settings = {{ kind = \"loop\" }}\n\
                 credentials.hook = {{ key = \"file:hook\" }}\n\
                 limits = {{ cpu_ms_max = {CPU_MS} }}\n"
            )
        })
        .collect();
    let place = Place::new(&[
        ("liaison.toml", format!("{}{FILES}{spinning}", main_file(port)).as_bytes()),
        ("syncs/people.toml", PEOPLE.as_bytes()),
        ("in/people.csv", CSV.as_bytes()),
        ("hook", b"a secret of sixteen bytes"),
        ("connectors/files.wasm", &component("files")),
        ("connectors/guest-hostile.wasm", &component("guest-hostile")),
    ]);
    for number in 0..SPINNING {
        let sync = format!(
            "connection = \"spin-{number}\"\nstream = \"s0\"\nkind = \"person\"\n\
             schedule = \"manual\"\n[[fields]]\nfield = \"a\"\ntrait = \"a\"\n"
        );
        place.write(&format!("syncs/spin-{number}.toml"), sync.as_bytes());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = place.path().join("hook");
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    }
    place
}

/// The API as a program uses it, with the time of each answer.
struct Api {
    port: u16,
    token: String,
}

impl Api {
    fn ask(&self, method: &str, path: &str) -> (Duration, Value) {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let (port, token) = (self.port, &self.token);
        let body = if method == "POST" { "{}" } else { "" };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let took = begun.elapsed();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
        (took, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}")))
    }

    fn syncs(&self) -> (Duration, Vec<Value>) {
        let (took, view) = self.ask("GET", "/api/v1/syncs");
        (took, view["syncs"].as_array().unwrap().clone())
    }
}

/// The middle one, and the one that a hundredth is above.
fn quantiles(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[(times.len() * 99).div_ceil(100) - 1])
}

fn is_spinning(sync: &Value) -> bool {
    sync["id"].as_str().unwrap().starts_with("spin-")
}

#[test]
fn fifty_connectors_that_spin_leave_the_hub_to_the_others() {
    let port = free_port();
    let place = place(port);
    let hub = Hub::start(&place);
    let token = place.run(&["token", "show"]).ended(0).stdout.trim().to_owned();
    let api = Api { port, token };
    let mut quiet: Vec<Duration> = (0..REQUESTS).map(|_| api.syncs().0).collect();

    for number in 0..SPINNING {
        api.ask("POST", &format!("/api/v1/syncs/spin-{number}/run"));
    }
    let (begun, mut healthy) = (Instant::now(), 0);
    let mut busy = Vec::new();
    // While any of them spins, the API is asked and the healthy sync runs again and again.
    loop {
        let (took, syncs) = api.syncs();
        let spinning = syncs.iter().filter(|sync| is_spinning(sync) && !sync["running"].is_null());
        let spinning = spinning.count();
        if spinning == 0 {
            break;
        }
        busy.push(took);
        let people = syncs.iter().find(|sync| sync["id"] == "people").unwrap();
        if people["running"].is_null() {
            // One that ended while they spun counts; the first is begun here.
            healthy += usize::from(people["last"]["status"] == "succeeded");
            api.ask("POST", "/api/v1/syncs/people/run");
        }
        assert!(begun.elapsed() < PATIENCE, "{spinning} still spin");
        std::thread::sleep(Duration::from_millis(20));
    }
    let (calm, loaded, count) = (quantiles(&mut quiet), quantiles(&mut busy), busy.len());
    println!("{calm:?} alone, {loaded:?} beside {SPINNING} that spin (median, p99 of {count})");
    println!("{healthy} healthy runs in {:?}", begun.elapsed());
    assert!(count > 20, "they ended before anything could be measured: {count}");
    // If connectors ran where requests do, every request would wait for a tick of each of
    // them, half a second; so the median tells it even where other work delays a few.
    assert!(loaded.0 < calm.0 * 10 + Duration::from_millis(100), "{loaded:?} against {calm:?}");
    assert!(loaded.1 < calm.1 * 10 + Duration::from_secs(2), "{loaded:?} against {calm:?}");
    assert!(healthy > 0, "no healthy sync ended beside them");

    for number in 0..SPINNING {
        let id = format!("spin-{number}");
        let (_, sync) = api.ask("GET", &format!("/api/v1/syncs/{id}"));
        let fault = &sync["last"]["fault"];
        assert_eq!(fault["code"], "limit-exceeded", "{id}: {sync}");
        assert!(fault.to_string().contains("cpu_ms_max: 600"), "{id}: {fault}");
    }
    assert_eq!(hub.stop().0, 0);
}
