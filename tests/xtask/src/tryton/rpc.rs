//! Tryton's JSON-RPC, as little of it as a test needs to look and to edit.
//!
//! Plain HTTP/1.0 over a socket: the tool room carries no HTTP client (the hub
//! has one home for it), and 1.0 answers are neither chunked nor kept open.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

/// How long one call may take. Creating hundreds of parties takes seconds.
const CALL_LIMIT_SECONDS: u64 = 120;
/// How long an answer to the version question may take.
const VERSION_LIMIT_SECONDS: u64 = 5;

/// The administrator's session.
#[derive(Debug, Clone)]
pub struct Session {
    port: u16,
    path: String,
    authorization: String,
}

impl Session {
    /// Logs in with a password.
    ///
    /// # Errors
    /// The login is refused or the server does not answer.
    pub fn log_in(port: u16, database: &str, user: &str, password: &str) -> Result<Self> {
        let path = format!("/{database}/rpc/");
        let parameters = json!([user, {"password": password}]);
        let limit = Duration::from_secs(CALL_LIMIT_SECONDS);
        let session = ask(port, &path, None, "common.db.login", &parameters, limit)?;
        let (Some(id), Some(token)) = (session[0].as_u64(), session[1].as_str()) else {
            bail!("the login's answer holds no session");
        };
        let authorization = base64(format!("{user}:{id}:{token}").as_bytes());
        Ok(Self { port, path, authorization })
    }

    /// Calls a method, for instance `model.party.party.create` with
    /// `[[{"name": "Ana"}], {}]`; the last parameter is the context.
    ///
    /// # Errors
    /// The server does not answer, or answers with an `error` (which comes
    /// with HTTP 200).
    pub fn call(&self, method: &str, parameters: Value) -> Result<Value> {
        let limit = Duration::from_secs(CALL_LIMIT_SECONDS);
        let authorization = Some(self.authorization.as_str());
        ask(self.port, &self.path, authorization, method, &parameters, limit)
    }
}

/// The server's version, which it tells anybody: a sign that it is up.
///
/// # Errors
/// It does not answer.
pub fn version(port: u16) -> Result<String> {
    let limit = Duration::from_secs(VERSION_LIMIT_SECONDS);
    let version = ask(port, "/rpc/", None, "common.server.version", &json!([]), limit)?;
    Ok(version.as_str().unwrap_or_default().to_owned())
}

fn ask(
    port: u16,
    path: &str,
    authorization: Option<&str>,
    method: &str,
    parameters: &Value,
    limit: Duration,
) -> Result<Value> {
    let body = json!({"id": 1, "method": method, "params": parameters}).to_string();
    let session = authorization
        .map(|session| format!("Authorization: Session {session}\r\n"))
        .unwrap_or_default();
    let request = format!(
        "POST {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         {session}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("no connection")?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    read_answer(&String::from_utf8_lossy(&answer)).with_context(|| format!("Tryton: {method}"))
}

fn read_answer(answer: &str) -> Result<Value> {
    let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    if status != "200" {
        bail!("HTTP {status}");
    }
    // Long answers come in chunks, although HTTP/1.0 knows none.
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunk(body)? } else { body.to_owned() };
    let mut body: Value = serde_json::from_str(&body).context("the answer is not JSON")?;
    match body.get("error") {
        Some(error) => bail!("{error}"),
        None => Ok(body["result"].take()),
    }
}

/// Joins the chunks of a body (RFC 9112 section 7.1); JSON of Tryton is ASCII.
fn unchunk(mut rest: &str) -> Result<String> {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n").context("a chunk without a size")?;
        let size = usize::from_str_radix(size.trim(), 16).context("a chunk's size")?;
        if size == 0 {
            return Ok(body);
        }
        body.push_str(after.get(..size).context("a chunk is cut")?);
        rest = after
            .get(size..)
            .and_then(|rest| rest.strip_prefix("\r\n"))
            .context("a chunk is cut")?;
    }
}

/// Standard base64 with padding (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0_u32, |group, place| {
            (group << 8) | u32::from(chunk.get(place).copied().unwrap_or(0))
        });
        for place in 0..4 {
            let index = (group >> (18 - 6 * place)) & 0x3f;
            let letter = ALPHABET.get(index as usize).copied().unwrap_or(b'=');
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648 section 10.
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, expected) in cases {
            assert_eq!(base64(plain.as_bytes()), expected, "{plain}");
        }
    }

    #[test]
    fn an_error_inside_http_200_is_an_error() {
        let ok = read_answer("HTTP/1.0 200 OK\r\nA: b\r\n\r\n{\"id\":1,\"result\":[7]}");
        assert_eq!(ok.unwrap(), json!([7]));
        let refused = read_answer("HTTP/1.0 200 OK\r\n\r\n{\"id\":1,\"error\":[\"'x'\",\"\"]}");
        assert_eq!(refused.unwrap_err().to_string(), r#"["'x'",""]"#);
        let expired = read_answer("HTTP/1.0 401 UNAUTHORIZED\r\n\r\n");
        assert_eq!(expired.unwrap_err().to_string(), "HTTP 401");
    }
}
