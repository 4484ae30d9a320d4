//! A hub without connections: start, answer, stop.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::hub::Hub;
use crate::place::{Place, free_port, main_file};

/// A plain request; the whole answer as text.
fn http(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

fn get(port: u16, path: &str, headers: &str) -> String {
    http(
        port,
        &format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{headers}\r\n"
        ),
    )
}

#[test]
fn a_hub_serves_lets_its_owner_in_and_stops_cleanly() {
    let port = free_port();
    let place = Place::new(&[("liaison.toml", main_file(port).as_bytes())]);
    let mut hub = Hub::start(&place);
    let link = hub.wait_for("/login?token=");
    assert!(get(port, "/api/v1/health", "").contains("\"status\":\"ok\""));
    assert!(get(port, "/", "Accept-Language: fr\r\n").contains("<html lang=\"fr\">"));
    assert!(get(port, "/api/v1/syncs", "").starts_with("HTTP/1.1 401"));

    let token = place.run(&["token", "show"]).ended(0).stdout.trim().to_owned();
    let answer = get(port, "/api/v1/syncs", &format!("Authorization: Bearer {token}\r\n"));
    assert!(answer.contains("{\"syncs\":[]}"), "{answer}");

    // A link works once, whoever makes it.
    let made = place.run(&["token", "link"]).ended(0).stdout.trim().to_owned();
    for link in [&link, &made] {
        let secret = link.split("token=").nth(1).unwrap().trim();
        let body = format!("{{\"token\":\"{secret}\"}}");
        let login = format!(
            "POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n\
             X-Liaison: 1\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        assert!(http(port, &login).starts_with("HTTP/1.1 204"));
        assert!(http(port, &login).starts_with("HTTP/1.1 401"));
    }

    // Commands go through the hub while it holds the store.
    let stats = place.run(&["store", "stats", "--json"]).ended(0).json();
    assert_eq!(stats["profiles"], 0);
    assert_eq!(place.run(&["profile", "export"]).ended(0).stdout, "");
    place.run(&["profile", "get", "email:ana@example.org"]).ended(1);
    assert_eq!(
        place.run(&["sync", "status", "--json"]).ended(0).json()["syncs"],
        serde_json::json!([])
    );

    let (code, talk) = hub.stop();
    assert_eq!(code, 0, "{talk:#?}");
    assert!(!place.path().join("data/serve.json").exists());
    assert!(!talk.iter().any(|line| line.contains(&token)), "the access token was printed");
}

#[test]
fn secrets_are_private_and_outlive_a_restart() {
    let place = Place::sound();
    assert_eq!(Hub::start(&place).stop().0, 0);
    let (token, key) = (place.read("data/api-token"), place.read(".liaison-key"));
    #[cfg(unix)]
    for name in ["data", "data/api-token", ".liaison-key"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(place.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
    let (code, talk) = Hub::start(&place).stop();
    assert_eq!(code, 0);
    assert_eq!((place.read("data/api-token"), place.read(".liaison-key")), (token, key));
    // The second start writes no link into what may be a log file.
    assert!(!talk.iter().any(|line| line.contains("token=")), "{talk:#?}");
}

#[test]
fn what_is_slow_or_endless_is_closed() {
    let port = free_port();
    let place = Place::new(&[("liaison.toml", main_file(port).as_bytes())]);
    let _hub = Hub::start(&place);
    let big = format!("X-Big: {}\r\n", "x".repeat(200 * 1024));
    let answer = get(port, "/api/v1/health", &big);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer:.80}");
    let many: String = (0..100).map(|n| format!("X-{n}: 1\r\n")).collect();
    let answer = get(port, "/api/v1/health", &many);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer:.80}");
    // A sender that never ends its head is let go; others are served meanwhile.
    let mut slow = TcpStream::connect(("127.0.0.1", port)).unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x").unwrap();
    assert!(get(port, "/api/v1/health", "").contains("ok"));
    slow.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let mut rest = Vec::new();
    assert!(slow.read_to_end(&mut rest).is_ok(), "the slow sender was not let go");
}

#[test]
fn a_killed_hub_leaves_nothing_in_the_way() {
    let place = Place::sound();
    drop(Hub::start(&place));
    assert!(place.path().join("data/serve.json").exists());
    place.run(&["store", "stats"]).ended(0);
    place.run(&["store", "verify"]).ended(0);
    assert_eq!(Hub::start(&place).stop().0, 0);
}

#[test]
fn help_and_version_need_no_configuration() {
    let place = Place::new(&[]);
    let help = place.run(&["--help"]).ended(0);
    assert!(help.stdout.contains("Exit codes:"));
    place.run(&["sync", "run", "--help"]).ended(0);
    assert!(place.run(&["version"]).ended(0).stdout.starts_with("liaison "));
    place.run(&["nonsense"]).ended(2);
}
