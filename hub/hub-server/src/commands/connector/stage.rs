//! A system in trouble, on this machine: it answers every request in one way.

use std::io;
use std::net::Ipv4Addr;

use plugin_conformance::trouble::Trouble;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Most bytes of a request that is listened to.
const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// A server that answers in one way; it ends when dropped.
pub struct Stage {
    /// Its port on loopback.
    pub port: u16,
    task: JoinHandle<()>,
}

impl Stage {
    /// Begins to answer so.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn begin(trouble: Trouble) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // One that breaks off has its answer: none.
                tokio::spawn(async move { answer(stream, trouble).await.ok() });
            }
        });
        Ok(Self { port, task })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, trouble: Trouble) -> io::Result<()> {
    let mut request = Vec::new();
    while !is_whole(&request) && request.len() < REQUEST_BYTES_MAX {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let (status, headers, body) = trouble.answer();
    let mut head = format!("HTTP/1.1 {status} -\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(head.as_bytes()).await?;
    stream.shutdown().await
}

/// Whether head and body have arrived.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok()).flatten()
    });
    body.len() >= length.unwrap_or(0_usize)
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn a_request_is_whole_with_its_body() {
        for (text, whole) in [
            ("GET / HTTP/1.1\r\n", false),
            ("GET / HTTP/1.1\r\nhost: x\r\n\r\n", true),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", false),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", true),
        ] {
            assert_eq!(is_whole(text.as_bytes()), whole, "{text}");
        }
    }
}
