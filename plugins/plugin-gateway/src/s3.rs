//! A bucket behind the words of a folder (the S3 protocol, as many vendors speak it).
//!
//! The library only signs addresses. Requests go over the wire of the connection, so
//! that its lookup, its private networks and its limits hold here too; the address in the
//! configuration is the grant of its one host, for this folder alone.
//!
//! An object appears whole or not at all, so writing needs no temporary name. That it is
//! still the version that was read is looked at before, and asked of the server with the
//! write (`If-Match`, `If-None-Match`). A server that does not know these words leaves
//! the time between the two open, as a directory does towards other programs.

use std::fmt;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH, RANGE};
use rusty_s3::actions::{GetObject, ListObjectsV2, PutObject};
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};
use url::Url;

use crate::credential;
use crate::destination;
use crate::files::{ENTRIES_MAX, FileFault, FileInfo, FileRange, VERSION_ABSENT};
use crate::folder::RelativeName;
use crate::grants::{GrantError, Grants, HostPattern};
use crate::http::{HttpFault, HttpResponse};
use crate::secret::Secret;
use crate::wire::{Prepared, Wire};

/// How long a signed address is good, in seconds: for one request.
const SIGNED_SECONDS: u64 = 300;
/// Longest time of a transfer, in seconds: a call of a connector has no more.
const TRANSFER_TIMEOUT_SECONDS: u64 = 300;
/// Objects of one page of a list.
const PAGE_OBJECTS: usize = 1_000;
/// Most pages of a list: what is not shown counts too.
const PAGES_MAX: usize = 100;
/// A code of the server's is cut here, in characters.
const CODE_CHARS_MAX: usize = 60;

/// A bucket and a prefix in it, with the keys to it.
#[derive(Clone)]
pub struct S3Place {
    bucket: Bucket,
    prefix: String,
    host: HostPattern,
    access_key: Secret,
    secret_key: Secret,
}

/// Neither key is shown.
impl fmt::Debug for S3Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bucket, prefix) = (self.bucket.base_url().as_str(), &self.prefix);
        f.debug_struct("S3Place")
            .field("bucket", &bucket)
            .field("prefix", prefix)
            .finish_non_exhaustive()
    }
}

impl S3Place {
    /// What is below an address: `https://s3.eu-west-3.amazonaws.com/bucket/prefix`.
    ///
    /// # Errors
    /// The address is not of that form.
    pub fn new(
        address: &str,
        region: &str,
        access_key: Secret,
        secret_key: Secret,
    ) -> Result<Self, GrantError> {
        let fault = |mend: &str| GrantError {
            given: address.to_owned(),
            what: "bucket",
            mend: mend.to_owned(),
        };
        let form = "write `https://host/bucket` or `https://host/bucket/prefix`";
        let url = Url::parse(address).map_err(|_| fault(form))?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && matches!(url.scheme(), "https" | "http");
        let host = match (url.host(), url.port()) {
            (Some(host), None) => host.to_string(),
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (None, _) => return Err(fault(form)),
        };
        let path = url.path().trim_matches('/');
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        if !plain || bucket.is_empty() || path.contains('%') {
            return Err(fault(form));
        }
        if !prefix.is_empty() && RelativeName::parse(prefix).is_err() {
            return Err(fault("a prefix is a folder's name without dots at its begin"));
        }
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let mut endpoint = url.clone();
        endpoint.set_path("/");
        let (name, region) = (bucket.to_owned(), region.to_owned());
        let bucket =
            Bucket::new(endpoint, UrlStyle::Path, name, region).map_err(|_| fault(form))?;
        Ok(Self { bucket, prefix, host: host.parse()?, access_key, secret_key })
    }

    pub(crate) const fn over<'w>(&'w self, wire: &'w Wire) -> Objects<'w> {
        Objects { place: self, wire }
    }
}

/// The objects of a place, over the wire of a connection.
pub(crate) struct Objects<'w> {
    place: &'w S3Place,
    wire: &'w Wire,
}

impl Objects<'_> {
    pub(crate) async fn list(&self) -> Result<Vec<FileInfo>, FileFault> {
        let (mut found, mut token) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let (page, next) = self.page(&self.place.prefix, token.as_deref()).await?;
            for info in page {
                // A name that is hidden, or a folder's, could not be asked for.
                if RelativeName::parse(&info.name).is_err() {
                    continue;
                }
                if found.len() >= ENTRIES_MAX {
                    return Err(FileFault::TooMany { limit: ENTRIES_MAX });
                }
                found.push(info);
            }
            if next.is_none() {
                found.sort_by(|a, b| a.name.cmp(&b.name));
                return Ok(found);
            }
            token = next;
        }
        Err(FileFault::TooMany { limit: PAGES_MAX * PAGE_OBJECTS })
    }

    pub(crate) async fn stat(&self, name: &str) -> Result<FileInfo, FileFault> {
        let key = self.key(name)?;
        // Keys come in order, and none that begins so is shorter.
        let (page, _) = self.page(&key, None).await?;
        let own = page.into_iter().find(|info| info.name == name);
        own.ok_or(FileFault::NotFound)
    }

    pub(crate) async fn read(
        &self,
        name: &str,
        offset_bytes: u64,
        length_bytes: usize,
    ) -> Result<FileRange, FileFault> {
        let key = self.key(name)?;
        let length = u64::try_from(length_bytes).unwrap_or(u64::MAX);
        let Some(last) = length.checked_sub(1).map(|more| offset_bytes.saturating_add(more)) else {
            return Ok(FileRange { bytes: Vec::new(), info: self.stat(name).await? });
        };
        let range = HeaderValue::try_from(format!("bytes={offset_bytes}-{last}"))
            .map_err(|error| FileFault::Io(error.to_string()))?;
        let credentials = self.credentials()?;
        let url = GetObject::new(&self.place.bucket, Some(&credentials), &key).sign(signed());
        let answer =
            self.send(Method::GET, url, [(RANGE, range)].into_iter().collect(), Vec::new());
        let answer = answer.await?;
        match answer.status {
            206 => {
                let size_bytes = header(&answer, "content-range")
                    .and_then(|range| range.rsplit_once('/')?.1.parse().ok())
                    .ok_or_else(|| FileFault::Io("an answer without its range".to_owned()))?;
                let version = version_of(&answer)?;
                let info = FileInfo { name: name.to_owned(), size_bytes, version };
                Ok(FileRange { bytes: answer.body, info })
            }
            // Behind the end.
            416 => Ok(FileRange { bytes: Vec::new(), info: self.stat(name).await? }),
            _ => Err(refusal(&answer)),
        }
    }

    pub(crate) async fn write(
        &self,
        name: &str,
        bytes: Vec<u8>,
        expected_version: Option<&str>,
    ) -> Result<FileInfo, FileFault> {
        let key = self.key(name)?;
        let mut headers = HeaderMap::new();
        if let Some(expected) = expected_version {
            let found = self.version(name).await?;
            if found != expected {
                return Err(FileFault::Changed { found });
            }
            let (condition, value) = match expected {
                VERSION_ABSENT => (IF_NONE_MATCH, "*".to_owned()),
                version => (IF_MATCH, format!("\"{version}\"")),
            };
            let value =
                HeaderValue::try_from(value).map_err(|error| FileFault::Io(error.to_string()))?;
            headers.insert(condition, value);
        }
        let credentials = self.credentials()?;
        let url = PutObject::new(&self.place.bucket, Some(&credentials), &key).sign(signed());
        let size_bytes = bytes.len() as u64;
        // The client would leave it out, and S3 insists on it.
        if bytes.is_empty() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let answer = self.send(Method::PUT, url, headers, bytes).await?;
        match answer.status {
            200..=299 => {
                let version = version_of(&answer)?;
                Ok(FileInfo { name: name.to_owned(), size_bytes, version })
            }
            // Somebody else was faster, or is at it.
            409 | 412 => Err(FileFault::Changed { found: self.version(name).await? }),
            _ => Err(refusal(&answer)),
        }
    }

    async fn version(&self, name: &str) -> Result<String, FileFault> {
        match self.stat(name).await {
            Ok(info) => Ok(info.version),
            Err(FileFault::NotFound) => Ok(VERSION_ABSENT.to_owned()),
            Err(fault) => Err(fault),
        }
    }

    fn key(&self, name: &str) -> Result<String, FileFault> {
        RelativeName::parse(name)?;
        Ok(format!("{}{name}", self.place.prefix))
    }

    /// A page of what begins so, with names below the place, and where to go on.
    async fn page(
        &self,
        begin: &str,
        token: Option<&str>,
    ) -> Result<(Vec<FileInfo>, Option<String>), FileFault> {
        let credentials = self.credentials()?;
        let mut list = ListObjectsV2::new(&self.place.bucket, Some(&credentials));
        list.with_prefix(begin);
        list.with_max_keys(PAGE_OBJECTS);
        if let Some(token) = token {
            list.with_continuation_token(token);
        }
        let answer = self.send(Method::GET, list.sign(signed()), HeaderMap::new(), Vec::new());
        let answer = answer.await?;
        if answer.status != 200 {
            return Err(refusal(&answer));
        }
        let list = ListObjectsV2::parse_response(&String::from_utf8_lossy(&answer.body))
            .map_err(|error| FileFault::Io(format!("an answer that is no list: {error}")))?;
        let below = list.contents.into_iter().filter_map(|object| {
            let name = object.key.strip_prefix(&self.place.prefix)?.to_owned();
            let version = bare(object.etag.as_deref()?).to_owned();
            Some(FileInfo { name, size_bytes: object.size?, version })
        });
        Ok((below.collect(), list.next_continuation_token))
    }

    fn credentials(&self) -> Result<Credentials, FileFault> {
        let secret = |secret: &Secret| {
            let resolved = credential::resolve(secret, &self.wire.redactor);
            resolved.map_err(|fault| FileFault::Denied(fault.to_string()))
        };
        let (access, secret) = (secret(&self.place.access_key)?, secret(&self.place.secret_key)?);
        Ok(Credentials::new(access.as_str(), secret.as_str()))
    }

    /// Sends a request to the host of the place and nowhere else.
    async fn send(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<HttpResponse, FileFault> {
        let grants = Grants {
            hosts: vec![self.place.host.clone()],
            private: self.wire.grants.private.clone(),
            insecure_http: self.wire.grants.insecure_http,
            ..Grants::default()
        };
        let exchange = async {
            let destination = destination::check(url.as_str(), &grants)?;
            let (url, port) = (destination.url, destination.port);
            self.wire.exchange(Prepared { method, url, port, headers, body }).await
        };
        let patience = Duration::from_secs(TRANSFER_TIMEOUT_SECONDS);
        let answer = tokio::time::timeout(patience, exchange).await;
        answer.unwrap_or(Err(HttpFault::Timeout)).map_err(|fault| {
            match fault.map_text(|text| self.wire.redactor.redact(text)) {
                HttpFault::Denied(why) => FileFault::Denied(why),
                HttpFault::TooLarge { limit_bytes, .. } => FileFault::TooLarge { limit_bytes },
                other => FileFault::Io(other.to_string()),
            }
        })
    }
}

const fn signed() -> Duration {
    Duration::from_secs(SIGNED_SECONDS)
}

fn header<'a>(answer: &'a HttpResponse, name: &str) -> Option<&'a str> {
    let own = answer.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
    own.map(|(_, value)| value.as_str())
}

/// An entity tag changes with the content, which is what a version is.
fn version_of(answer: &HttpResponse) -> Result<String, FileFault> {
    let tag = header(answer, "etag").map(bare).filter(|tag| !tag.is_empty());
    tag.map(str::to_owned).ok_or_else(|| FileFault::Io("an answer without a version".to_owned()))
}

fn bare(tag: &str) -> &str {
    tag.trim_matches('"')
}

/// What an answer means that is not what was asked for.
fn refusal(answer: &HttpResponse) -> FileFault {
    let body = String::from_utf8_lossy(&answer.body);
    let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let code: String = code.map_or("", |(code, _)| code).chars().take(CODE_CHARS_MAX).collect();
    match (answer.status, code.as_str()) {
        (404, "NoSuchBucket") => FileFault::Denied("there is no such bucket".to_owned()),
        (404, _) => FileFault::NotFound,
        (
            301 | 307 | 400,
            "PermanentRedirect" | "AuthorizationHeaderMalformed" | "TemporaryRedirect",
        ) => FileFault::Denied(format!("the bucket is in another region ({code})")),
        (401 | 403, _) => FileFault::Denied(format!("the server refuses the keys ({code})")),
        (status, _) => FileFault::Io(format!("the server answered {status} {code}")),
    }
}
