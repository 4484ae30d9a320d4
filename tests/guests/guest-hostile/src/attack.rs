//! The misbehaviours.

use liaison_sdk::contract::{
    audience, clock, crypto, destination, http, http_streams, inbound, mail, source, sql, state,
    types,
};
use liaison_sdk::{Fault, FaultCode};

/// So many rows, as it says.
pub fn batch(count: u32, data: Vec<u8>) -> types::Batch {
    types::Batch { format: types::BatchFormat::Ndjson, count, data }
}

/// A page of these lines.
pub fn page(lines: &[&str]) -> source::Page {
    let count = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    let data = lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect();
    source::Page {
        rows: batch(count, data),
        next: None,
        more: false,
        snapshot_complete: None,
        watermark: None,
        poll_after_seconds: None,
        hints: types::Hints { rates: Vec::new(), notices: Vec::new() },
    }
}

/// Never returns.
pub fn spin() -> ! {
    let mut number = 0_u64;
    loop {
        number = std::hint::black_box(number.wrapping_add(1));
    }
}

/// Works for a while, and then answers as if nothing had been.
pub fn dawdle() {
    (0..50_000_000_u64).for_each(|number| {
        std::hint::black_box(number);
    });
}

/// Asks the host for the time, without end.
pub fn ask_for_ever() -> ! {
    loop {
        std::hint::black_box(clock::now());
    }
}

/// Takes memory until there is none.
pub fn fill_memory() -> ! {
    let mut hoard = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1_u8; 1 << 20]));
    }
}

/// Calls itself without end.
pub fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    if frame.contains(&0) { 0 } else { recurse(depth + 1) + frame.iter().sum::<u64>() }
}

/// Calls itself without end and without a byte of memory: only the stack grows.
pub fn descend(depth: u64) -> u64 {
    if depth == 0 { 1 } else { descend(depth - 1).rotate_left(3) ^ depth }
}

/// Ends as badly as it can.
pub fn trap() -> ! {
    std::process::abort()
}

/// One good row among many that are not.
pub fn invalid_rows() -> source::Page {
    let deep =
        format!("{{\"key\":\"deep\",\"change\":\"upsert\",\"data\":{{\"a\":{}", "[".repeat(50_000));
    let long_key = format!("{{\"key\":\"{}\",\"change\":\"delete\"}}", "k".repeat(10_000));
    let wide = format!(
        "{{\"key\":\"wide\",\"change\":\"upsert\",\"data\":{{{}}}}}",
        (0..5_000).map(|number| format!("\"f{number}\":1")).collect::<Vec<_>>().join(",")
    );
    let number =
        format!("{{\"key\":\"n\",\"change\":\"upsert\",\"data\":{{\"a\":1e{}}}}}", "9".repeat(30));
    page(&[
        "not json at all",
        "{\"change\":\"delete\"}",
        "{\"key\":\"\",\"change\":\"delete\"}",
        "{\"key\":\"1\",\"change\":\"explode\"}",
        "{\"key\":\"1\",\"change\":\"upsert\"}",
        &deep,
        &long_key,
        &wide,
        &number,
        "{\"key\":\"good\",\"change\":\"upsert\",\"data\":{\"a\":\"b\"}}",
    ])
}

/// A fault as large as it can be made.
pub fn huge_fault() -> Fault {
    let mut fault = Fault::new(FaultCode::Transient).at("p".repeat(1 << 20));
    fault.args = (0..10_000).map(|number| (format!("a{number}"), "x".repeat(500))).collect();
    fault
}

/// Outcomes that no hub could use.
pub fn bad_outcomes(count: usize) -> Vec<destination::Outcome> {
    let stored = |key: &str| destination::Stored {
        key: key.to_owned(),
        row: Some("[not an object".to_owned()),
        version: Some("v".repeat(1 << 20)),
    };
    let outcomes = [
        destination::Outcome::Created(stored("")),
        destination::Outcome::Updated(stored("1")),
        destination::Outcome::Accepted(String::new()),
        destination::Outcome::DuplicateOf("x".repeat(10_000)),
    ];
    outcomes.into_iter().cycle().take(count).collect()
}

/// A job that is done with more items than anybody sent.
pub fn done_with_more() -> destination::JobState {
    let outcomes = vec![destination::Outcome::Unchanged; 100_000];
    let hints = types::Hints { rates: Vec::new(), notices: Vec::new() };
    let verdict = destination::Verdict::Items(outcomes);
    destination::JobState::Done(destination::Report { verdict, hints })
}

/// Sends a request with a credential, tells everybody all that came of it, and
/// forgets nothing.
pub fn tell(url: &str, credential: String, body: String) -> Result<(), Fault> {
    let body: &str = body.leak();
    let answer = liaison_sdk::http::post(url).body(body).credential(credential).send()?;
    let text = String::from_utf8_lossy(&answer.body);
    let told: &str = format!("{:?} {text}", answer.headers).leak();
    liaison_sdk::log::info(told);
    if answer.is_success() { Ok(()) } else { Err(answer.fault().at(told)) }
}

/// Uses every import that hosts may refuse, mail to a server that was not granted
/// among them, and tells if one of them did not.
pub fn ask_for_what_is_not_there() -> Result<(), Fault> {
    let request = http::Request {
        method: "GET".to_owned(),
        url: "https://granted.example/".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        credential: None,
    };
    let server = mail::Server {
        address: "granted.example:25".to_owned(),
        security: mail::Security::Tls,
        credential: None,
    };
    let refused = [
        matches!(http_streams::fetch(&request), Err(http::Error::NotSupported)),
        matches!(http_streams::send_parts(&request), Err(http::Error::NotSupported)),
        matches!(crypto::hmac("slot", crypto::Mac::HmacSha256, b"x"), Err(crypto::Error::Slot(_))),
        matches!(
            crypto::open("slot", crypto::Aead::Aes256Gcm, b"x", b""),
            Err(crypto::Error::Slot(_))
        ),
        matches!(state::get("x"), Err(state::Error::NotSupported)),
        matches!(mail::check(&server), Err(mail::Error::Denied(_))),
        matches!(sql::query("d", "select 1", "[]", 1), Err(sql::Error::NotSupported)),
    ];
    match refused.iter().position(|refused| !refused) {
        Some(number) => Err(Fault::bug(format!("import {number} answered"))),
        None => Err(Fault::not_supported("all of them")),
    }
}

/// Meanings of a delivery that are none, or too many.
pub fn meanings(kind: &str) -> Vec<inbound::Parsed> {
    let rows =
        |stream: &str, lines: &[&str]| inbound::Parsed::Rows((stream.to_owned(), page(lines).rows));
    let refetch = |key: &str, count: usize| {
        inbound::Parsed::Refetch(("s0".to_owned(), vec![key.to_owned(); count]))
    };
    match kind {
        "many-meanings" => vec![inbound::Parsed::Ignored; 1_000_000],
        "many-rows" => vec![rows("s0", &vec!["{}"; 20_000])],
        "many-rows-in-parts" => vec![rows("s0", &vec!["{}"; 4_000]); 3],
        "many-keys" => vec![refetch("1", 20_000)],
        "huge-key" => vec![refetch(&"k".repeat(1 << 20), 1)],
        "no-key" => vec![refetch("", 1)],
        "nameless" => vec![inbound::Parsed::Read(String::new())],
        "invalid-rows" => vec![rows("s0", &["not json", "{\"key\":\"1\",\"change\":\"explode\"}"])],
        _ => vec![inbound::Parsed::Ignored],
    }
}

/// A container.
pub fn container(key: &str, title: &str) -> audience::Container {
    audience::Container {
        key: key.to_owned(),
        title: title.to_owned(),
        kind: String::new(),
        size: Some(u64::MAX),
        ready_after_seconds: None,
    }
}

/// Containers that are none, or too many, or never end.
pub fn containers(kind: &str, cursor: Option<Vec<u8>>) -> audience::ContainerPage {
    let (items, next) = match kind {
        "many-containers" => (vec![container("1", "t"); 100_000], None),
        "no-key" => (vec![container("", "t")], None),
        "huge-key" => (vec![container(&"k".repeat(1 << 20), "t")], None),
        "huge-cursor" => (Vec::new(), Some(vec![7; 70_000])),
        "stuck-cursor" => (Vec::new(), Some(cursor.unwrap_or_else(|| b"here".to_vec()))),
        _ => (vec![container("1", &"t".repeat(5 << 20))], None),
    };
    audience::ContainerPage { items, next }
}

/// Outcomes and counts that fit no members.
pub fn members(kind: &str, count: usize) -> audience::MemberReport {
    let counts = |received, invalid, matched| {
        audience::MemberVerdict::Aggregate(audience::MemberCounts { received, invalid, matched })
    };
    let items = audience::MemberVerdict::Items;
    let verdict = match kind {
        "outcome-count" => items(vec![audience::MemberOutcome::Done; count + 1]),
        "no-outcomes" => items(Vec::new()),
        "many-outcomes" => items(vec![audience::MemberOutcome::Done; 2_000_000]),
        "more-invalid" => counts(1, 2, None),
        "more-matched" => counts(1, 0, Some(2)),
        _ => items(vec![audience::MemberOutcome::Accepted(String::new()); count]),
    };
    audience::MemberReport {
        verdict,
        hints: types::Hints { rates: Vec::new(), notices: Vec::new() },
    }
}
