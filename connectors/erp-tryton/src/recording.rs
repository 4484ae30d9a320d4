//! Tests as exchanges with a real Tryton.
//!
//! A case is run against `tests/exchanges/<case>.json` by the SDK's script:
//! requests must be the recorded ones, in order. To record anew, start
//! a Tryton, log in and run
//! `LIAISON_TRYTON=127.0.0.1:8000 LIAISON_TRYTON_DATABASE=erp
//! LIAISON_TRYTON_SESSION="Session ..." cargo test -p erp-tryton exchanges -- --test-threads 1`.
//! The session never enters a file.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use liaison_sdk::http::Response;
use liaison_sdk::testing::{Exchange, Script};
use liaison_sdk::{Call, Fault};
use serde_json::{Value, json};

/// What the settings of every case say.
const URL: &str = "http://tryton.test/erp/rpc/";

thread_local! {
    static RECORDED: RefCell<Option<Vec<Value>>> = const { RefCell::new(None) };
}

/// The call of every case.
pub fn call() -> Call {
    Call::with_settings(json!({"url": "http://tryton.test", "database": "erp"}))
}

/// Runs a case: on a real server and into files, or from the files.
pub fn exchanges(case: &str, test: impl FnOnce()) {
    let file =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/exchanges/{case}.json"));
    if std::env::var_os("LIAISON_TRYTON").is_none() {
        return script(&file).run(test);
    }
    RECORDED.set(Some(Vec::new()));
    test();
    let recorded = serde_json::to_string_pretty(&RECORDED.take().unwrap()).unwrap();
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, recorded + "\n").unwrap();
}

fn script(file: &Path) -> Script {
    let recorded: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    recorded.into_iter().fold(Script::new(), |script, recorded| {
        let status = recorded["status"].as_u64().unwrap().try_into().unwrap();
        let request = recorded["request"].clone();
        let exchange = Exchange::new("POST", URL).credential("session").json(request);
        script.exchange(match &recorded["answer"] {
            Value::String(text) => exchange.reply(status, text.clone()),
            answer => exchange.reply_json(status, answer.clone()),
        })
    })
}

/// Something that another user does in Tryton meanwhile; not part of the exchanges.
pub fn elsewhere(method: &str, params: Value) {
    if RECORDED.with_borrow(Option::is_some) {
        let (_, answer) = live(&json!({"id": 0, "method": method, "params": params}));
        assert!(answer.get("error").is_none(), "{answer}");
    }
}

/// The real server's answer while a case is recorded.
pub fn send(url: &str, body: &Value) -> Option<Result<Response, Fault>> {
    RECORDED.with_borrow_mut(|recorded| {
        let recorded = recorded.as_mut()?;
        assert_eq!(url, URL);
        let (status, answer) = live(body);
        recorded.push(json!({"request": body, "status": status, "answer": answer}));
        let body = match answer {
            Value::String(text) => text.into_bytes(),
            answer => answer.to_string().into_bytes(),
        };
        Some(Ok(Response { status, headers: Vec::new(), body }))
    })
}

/// One request by HTTP/1.0, so that the answer ends with the connection.
fn live(body: &Value) -> (u16, Value) {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("set {name}"));
    let (address, body) = (variable("LIAISON_TRYTON"), body.to_string());
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "POST /{}/rpc/ HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Authorization: {}\r\nContent-Length: {}\r\n\r\n{body}",
        variable("LIAISON_TRYTON_DATABASE"),
        variable("LIAISON_TRYTON_SESSION"),
        body.len(),
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { joined(body) } else { body.to_owned() };
    (status, serde_json::from_str(&body).unwrap_or_else(|_| Value::from(body)))
}

/// Tryton sends large answers in chunks, whatever the version of HTTP.
fn joined(mut chunks: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = chunks.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        body.push_str(&rest[..size]);
        chunks = rest[size..].trim_start_matches("\r\n");
    }
    body
}
