//! A double behind a socket.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use doubles::http::Server;
use doubles::hubspot::{HubSpot, TOKEN, Trouble};

fn ask(server: &Server<HubSpot>, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_request_over_a_socket_is_answered_like_one_within() {
    let server = Server::start(HubSpot::default()).unwrap();
    let id = server.vendor().enter("contacts", &serde_json::json!({"email": "a@x.example"}));
    let body = r#"{"inputs":[{"id":"101"}],"properties":["email"],"propertiesWithHistory":[]}"#;
    let request = format!(
        "POST /crm/objects/2026-03/contacts/batch/read HTTP/1.1\r\nHost: x\r\n\
         Authorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = ask(&server, &request);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        answer.contains(&format!("\"id\":\"{id}\"")) && answer.contains("a@x.example"),
        "{answer}"
    );
    server.vendor().fail("contacts", Trouble::TooFast);
    let answer = ask(&server, &request);
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    assert_eq!(server.vendor().seen().len(), 2);
    let answer = ask(&server, &request.replace(TOKEN, "another"));
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}
