//! A package from the web, through the gateway: https only, no address of the own
//! network, limits of size and time. Nothing secret goes along. A redirect is followed as
//! a request of its own; what arrives is judged like any file.

use std::path::Path;
use std::time::Duration;

use plugin_gateway::{
    ConnectionPolicy, Gateway, GatewayOptions, Grants, HttpLimits, HttpRequest, HttpResponse,
};
use plugin_host::limits::COMPONENT_BYTES_MAX;
use plugin_install::is;
use plugin_install::signature::SUFFIX;

use crate::exit::Exit;
use crate::package::{Found, Unfit, whole};
use crate::trouble::Trouble;

/// Most redirects that are followed.
const REDIRECTS_MAX: usize = 5;
/// Longest time of one request, in seconds.
const TOTAL_SECONDS_MAX: u64 = 300;

/// The address of a package, where it is one and not a file.
pub fn address(from: &Path) -> Option<&str> {
    from.to_str().filter(|text| text.contains("://"))
}

/// Fetches a package, which must have the digest where one is known, and the signature
/// beside it.
///
/// # Errors
/// Whatever keeps it from arriving, and bytes of another digest.
pub async fn fetch(address: &str, digest: Option<&str>) -> Result<Found, Trouble> {
    let grants =
        |host: &str| Grants { hosts: host.parse().into_iter().collect(), ..Grants::default() };
    fetch_by(address, digest, &grants).await
}

async fn fetch_by(
    address: &str,
    digest: Option<&str>,
    grants: &impl Fn(&str) -> Grants,
) -> Result<Found, Trouble> {
    if address.contains(['?', '#']) {
        let what = "the signature is looked for under the same name with .minisig after it";
        return Err(refused(address, what, "name an address without `?` and `#`"));
    }
    let answer = get(address, grants).await?;
    if answer.status != 200 {
        let what = format!("the answer is status {}", answer.status);
        return Err(refused(address, what, "check the address"));
    }
    if let Some(expected) = digest {
        is(expected, &answer.body).map_err(|refusal| Unfit::refused(address, &refusal))?;
    }
    let beside = get(&format!("{address}.{SUFFIX}"), grants).await?;
    let signature = match beside.status {
        200 => Some(String::from_utf8_lossy(&beside.body).into_owned()),
        404 | 410 => None,
        status => {
            let what = format!("the answer to its .{SUFFIX} is status {status}");
            return Err(refused(address, what, "check the address"));
        }
    };
    Ok(Found::of(Path::new(address), answer.body)?.signed(signature))
}

async fn get(address: &str, grants: &impl Fn(&str) -> Grants) -> Result<HttpResponse, Trouble> {
    let options = GatewayOptions::default();
    let gateway = Gateway::new(options).map_err(|error| refused(address, error, "report this"))?;
    let mut url = address.to_owned();
    for _ in 0..=REDIRECTS_MAX {
        let connection = gateway.connection(ConnectionPolicy {
            connection: "install".to_owned(),
            grants: grants(host(&url)),
            credentials: Default::default(),
            settings: serde_json::Value::Null,
            limits: HttpLimits {
                response_bytes_max: usize::try_from(COMPONENT_BYTES_MAX).unwrap_or(usize::MAX),
                total_timeout: Duration::from_secs(TOTAL_SECONDS_MAX),
                ..HttpLimits::default()
            },
        });
        let request = HttpRequest {
            method: "GET".to_owned(),
            url: url.clone(),
            headers: Vec::new(),
            body: Vec::new(),
            credential: None,
        };
        let answer = connection.send(request).await.map_err(|fault| {
            refused(&url, whole(&fault), "check the address; or fetch both files and install them")
        })?;
        let location =
            answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("location"));
        match location {
            Some((_, next)) if (300..400).contains(&answer.status) => {
                let scheme = url.split_once("://").map_or("https", |(scheme, _)| scheme);
                url = if next.starts_with("//") {
                    format!("{scheme}:{next}")
                } else if next.starts_with('/') {
                    format!("{scheme}://{}{next}", host(&url))
                } else {
                    next.clone()
                };
            }
            _ => return Ok(answer),
        }
    }
    Err(refused(address, "it redirects without end", "check the address"))
}

/// Host and port of an address; what is no address has none that can be granted.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn refused(address: &str, what: impl std::fmt::Display, mend: &str) -> Trouble {
    Trouble::new(Exit::Usage, "connector/fetch", address, what, mend)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use plugin_host::limits::COMPONENT_BYTES_MAX;
    use plugin_install::signature::{RANDOM_BYTES, generate, sign};
    use plugin_install::{Lock, Refusal, Verb, Wish, judge};
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;

    use super::{Grants, fetch, fetch_by, host};

    const PACKAGE: &[u8] =
        include_bytes!("../../../../../plugins/plugin-host/tests/it/golden/contract-0.1.0.wasm");

    /// A server of one package, which leads to another port under `/away.wasm`; returns
    /// its port and how often it was asked.
    async fn serve(elsewhere: u16) -> (u16, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, asked) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let count = asked.clone();
        let signature = sign(PACKAGE, &generate([1; RANDOM_BYTES]).unwrap().0).unwrap().0;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let mut stream = BufReader::new(stream);
                let (mut line, mut rest) = (String::new(), String::new());
                stream.read_line(&mut line).await.unwrap();
                while stream.read_line(&mut rest).await.unwrap() > 2 {}
                let (status, more, body) = match line.split(' ').nth(1).unwrap() {
                    "/x.wasm" | "/bare.wasm" => ("200 OK", String::new(), PACKAGE),
                    "/x.wasm.minisig" => ("200 OK", String::new(), signature.as_bytes()),
                    "/old.wasm" => ("302 Found", "Location: /x.wasm\r\n".to_owned(), &b""[..]),
                    "/old.wasm.minisig" => {
                        let to = format!("Location: http://127.0.0.1:{port}/x.wasm.minisig\r\n");
                        ("307 Temporary Redirect", to, &b""[..])
                    }
                    "/loop.wasm" => ("302 Found", "Location: /loop.wasm\r\n".to_owned(), &b""[..]),
                    "/away.wasm" => {
                        let to = format!("Location: //127.0.0.1:{elsewhere}/x.wasm\r\n");
                        ("302 Found", to, &b""[..])
                    }
                    "/endless.wasm" => {
                        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
                        stream.write_all(head.as_bytes()).await.unwrap();
                        while stream.write_all(&[0; 65_536]).await.is_ok() {}
                        continue;
                    }
                    "/large.wasm" => {
                        let bytes = COMPONENT_BYTES_MAX + 1;
                        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n");
                        stream.write_all(head.as_bytes()).await.unwrap();
                        continue;
                    }
                    _ => ("404 Not Found", String::new(), &b"no"[..]),
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
            }
        });
        (port, asked)
    }

    /// What is granted where the servers of this test are the web: one of them.
    fn only(port: u16) -> impl Fn(&str) -> Grants {
        move |host: &str| Grants {
            hosts: host.parse().into_iter().collect(),
            private: format!("127.0.0.1/32:{port}").parse().into_iter().collect(),
            insecure_http: true,
            ..Grants::default()
        }
    }

    #[tokio::test]
    async fn a_package_arrives_with_its_signature() {
        let (elsewhere, asked) = serve(0).await;
        let (port, _) = serve(elsewhere).await;
        let own = only(port);
        for (name, signed) in [("x", true), ("old", true), ("bare", false)] {
            let address = format!("http://127.0.0.1:{port}/{name}.wasm");
            let digest = plugin_install::digest(PACKAGE);
            let found = fetch_by(&address, Some(&digest), &own).await.unwrap();
            assert_eq!((&*found.bytes, &found.place), (PACKAGE, &address));
            assert_eq!(found.signature.is_some(), signed, "{name}");
        }
        for (name, part) in [
            ("gone.wasm", "404"),
            ("loop.wasm", "without end"),
            ("x.wasm.minisig", "not a WebAssembly"),
            ("x.wasm?v=1", "minisig"),
            ("large.wasm", "larger than"),
            ("endless.wasm", "larger than"),
            // A redirect gets no further than an address that was typed in.
            ("away.wasm", "127.0.0.1"),
        ] {
            let address = format!("http://127.0.0.1:{port}/{name}");
            let trouble = fetch_by(&address, None, &own).await.err().unwrap().to_string();
            assert!(trouble.contains(part), "{name}: {trouble}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn what_arrives_is_judged_like_any_file() {
        let (port, _) = serve(0).await;
        let address = |name: &str| format!("http://127.0.0.1:{port}/{name}.wasm");
        let other = plugin_install::digest(b"another");
        let trouble = fetch_by(&address("x"), Some(&other), &only(port)).await.err().unwrap();
        assert_eq!(trouble.items[0].code, "connector/tampered");

        let wish = Wish {
            verb: Verb::Install,
            approve: true,
            allow_unsigned: false,
            allow_downgrade: false,
            key: None,
            by: String::new(),
            at: String::new(),
        };
        let bare = fetch_by(&address("bare"), None, &only(port)).await.unwrap();
        assert_eq!(judge(&Lock::default(), &bare.offer(), &wish), Err(Refusal::Unsigned));
        let signed = fetch_by(&address("x"), None, &only(port)).await.unwrap();
        assert!(judge(&Lock::default(), &signed.offer(), &wish).is_ok());
    }

    #[tokio::test]
    async fn nothing_is_fetched_in_clear_or_from_the_own_network() {
        let (port, asked) = serve(0).await;
        for address in [
            format!("http://127.0.0.1:{port}/x.wasm"),
            format!("https://127.0.0.1:{port}/x.wasm"),
            format!("https://localhost:{port}/x.wasm"),
            format!("https://ana:secret@127.0.0.1:{port}/x.wasm"),
            "https:///x.wasm".to_owned(),
            "file:///etc/passwd".to_owned(),
        ] {
            let trouble = fetch(&address, None).await.err().unwrap();
            assert_eq!(trouble.items[0].code, "connector/fetch", "{address}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn the_host_of_an_address_is_what_is_granted() {
        for (url, expected) in [
            ("https://a.x/b.wasm", "a.x"),
            ("https://a.x:8443", "a.x:8443"),
            ("https://a.x?b", "a.x"),
            ("b.wasm", ""),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }
}
