//! A folder of an SSH server behind the words of a folder (SFTP).
//!
//! The address in the configuration is the grant of its one host, for this folder alone;
//! the lookup and the private networks of the connection hold here too. The server has to
//! present the host key that is pinned ([`ssh`]).
//!
//! **Connections are few and kept.** Logging in costs a second and partners count logins,
//! so a connection that has done its work waits for the next, for a minute. One that waited
//! is asked for the folder first: a connection may be gone without anybody knowing.
//!
//! **A file appears whole.** It is written beside its place under a hidden name and then
//! renamed; with an expectation that there is none, by the rename that never replaces. What
//! breaks before the rename leaves the old file.
//!
//! **Links are not followed**, by looking at each part of a name before it is used. Unlike in
//! a directory of this machine a planted link could come between the two; who can plant one
//! there can read and write the folder anyway.
//!
//! **A version is the size and the time of the last change**, which the protocol knows in
//! whole seconds. What the hub writes is dated later than what was there; that
//! *others* write twice in a second, the same size, is not seen.

mod conversation;
mod packet;
mod ssh;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use self::conversation::Conversation;
use self::packet::{Attributes, Fault};
pub use self::ssh::SftpLogin;
use self::ssh::{FileStream, Server};
use crate::files::{ENTRIES_MAX, FileFault, FileInfo, FileRange, NAME_DEPTH_MAX, VERSION_ABSENT};
use crate::folder::RelativeName;
use crate::grants::{GrantError, HostPattern};
use crate::wire::Wire;

/// The port of SSH.
const SSH_PORT: u16 = 22;
/// Connections to a place at once.
const CONNECTIONS_MAX: usize = 4;
/// Longest time of a list, a read or a write, in seconds: a call of a connector has no more.
const TRANSFER_TIMEOUT_SECONDS: u64 = 300;
/// Most entries looked at in a list: what is not shown counts too.
const ENTRIES_SEEN_MAX: usize = 100_000;

/// A folder of a server, and how to log in there.
#[derive(Clone)]
pub struct SftpPlace(Arc<Place>);

struct Place {
    server: Server,
    /// Begins and does not end with a slash; empty for the server's root.
    root: String,
    permits: Semaphore,
    idle: Mutex<Vec<Conversation<FileStream>>>,
    /// One write at a time: between the look at the version and the rename no other of ours.
    writing: tokio::sync::Mutex<()>,
}

/// No secret is shown.
impl fmt::Debug for SftpPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (server, root) = (&self.0.server.address, &self.0.root);
        f.debug_struct("SftpPlace")
            .field("server", server)
            .field("root", root)
            .finish_non_exhaustive()
    }
}

impl SftpPlace {
    /// What is below an address, `sftp://host/path` or `sftp://host:2222/path`. Without a
    /// pinned host key (a fingerprint `SHA256:...` or the line of the public key) nobody
    /// logs in, and every fault says what the server presents.
    ///
    /// # Errors
    /// The address, the user or the host key is not of its form.
    pub fn new(
        address: &str,
        user: &str,
        login: SftpLogin,
        host_key: Option<&str>,
    ) -> Result<Self, GrantError> {
        let fault = |mend: &str| GrantError {
            given: address.to_owned(),
            what: "folder of a server",
            mend: mend.to_owned(),
        };
        let form = "write `sftp://host/path` or `sftp://host:2222/path`, without a user";
        let rest = address.strip_prefix("sftp://").ok_or_else(|| fault(form))?;
        let (host, path) = rest.split_once('/').ok_or_else(|| fault(form))?;
        let host: HostPattern = host.parse().map_err(|_| fault(form))?;
        let path = path.trim_end_matches('/');
        let strange = |part: &str| part.is_empty() || part == "." || part == "..";
        let odd = |c: char| c.is_control() || matches!(c, '\\' | '?' | '#' | '%');
        if !host.is_exact()
            || path.contains(odd)
            || !path.is_empty() && path.split('/').any(strange)
        {
            return Err(fault(form));
        }
        if user.is_empty() || user.contains(char::is_control) {
            return Err(fault("the user has a name without control characters"));
        }
        let host = host.with_port(SSH_PORT);
        let host_key = host_key.map(str::parse).transpose()?;
        let (address, user) = (host.to_string(), user.to_owned());
        Ok(Self(Arc::new(Place {
            server: Server { host, address, user, login, host_key },
            root: if path.is_empty() { String::new() } else { format!("/{path}") },
            permits: Semaphore::new(CONNECTIONS_MAX),
            idle: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        })))
    }

    pub(crate) fn over<'w>(&'w self, wire: &'w Wire) -> RemoteFiles<'w> {
        RemoteFiles { place: &self.0, wire }
    }
}

/// A conversation in use. It waits for the next use if it can have one.
struct InUse<'p> {
    conversation: Option<Conversation<FileStream>>,
    place: &'p Place,
    _permit: SemaphorePermit<'p>,
}

impl InUse<'_> {
    fn get(&mut self) -> Result<&mut Conversation<FileStream>, Fault> {
        self.conversation.as_mut().ok_or_else(|| packet::broken("the conversation is over"))
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        if let Some(sound) = self.conversation.take().filter(Conversation::is_sound) {
            self.place.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sound);
        }
    }
}

/// The files of a place, over the wire of a connection.
pub(crate) struct RemoteFiles<'w> {
    place: &'w Place,
    wire: &'w Wire,
}

impl RemoteFiles<'_> {
    pub(crate) async fn list(&self) -> Result<Vec<FileInfo>, FileFault> {
        self.patiently(async {
            let mut server = self.server().await?;
            let (mut found, mut seen) = (Vec::new(), 0);
            let mut folders = vec![(String::new(), 1)];
            while let Some((below, depth)) = folders.pop() {
                let path = format!("{}/{below}", self.place.root);
                let entries = server.get()?.entries(&path, ENTRIES_SEEN_MAX - seen).await;
                let entries = match entries {
                    // Gone or forbidden: another's business, unless it is the folder itself.
                    Err(Fault::NoSuchFile | Fault::Refused(_)) if depth > 1 => continue,
                    Err(Fault::TooMany) => {
                        return Err(FileFault::TooMany { limit: ENTRIES_SEEN_MAX });
                    }
                    other => other?,
                };
                seen += entries.len();
                for (name, attributes) in entries {
                    // A name that is not text, or is hidden, could not be asked for.
                    let Ok(name) = String::from_utf8(name) else { continue };
                    let full = format!("{below}{name}");
                    if name.contains('/') || RelativeName::parse(&full).is_err() {
                        continue;
                    }
                    if attributes.is_file() {
                        if found.len() >= ENTRIES_MAX {
                            return Err(FileFault::TooMany { limit: ENTRIES_MAX });
                        }
                        found.push(info(full, attributes));
                    } else if attributes.is_folder() && depth < NAME_DEPTH_MAX {
                        folders.push((format!("{full}/"), depth + 1));
                    }
                }
            }
            found.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(found)
        })
        .await
    }

    pub(crate) async fn stat(&self, name: &str) -> Result<FileInfo, FileFault> {
        self.patiently(async {
            RelativeName::parse(name)?;
            let found = self.look(self.server().await?.get()?, name).await?;
            Ok(info(name.to_owned(), found))
        })
        .await
    }

    pub(crate) async fn read(
        &self,
        name: &str,
        offset_bytes: u64,
        length_bytes: usize,
    ) -> Result<FileRange, FileFault> {
        self.patiently(async {
            RelativeName::parse(name)?;
            let mut server = self.server().await?;
            let server = server.get()?;
            self.look(server, name).await?;
            let (bytes, found) = server.read(&self.path(name), offset_bytes, length_bytes).await?;
            Ok(FileRange { bytes, info: info(name.to_owned(), found) })
        })
        .await
    }

    pub(crate) async fn write(
        &self,
        name: &str,
        bytes: &[u8],
        expected_version: Option<&str>,
    ) -> Result<FileInfo, FileFault> {
        self.patiently(async {
            RelativeName::parse(name)?;
            let _alone = self.place.writing.lock().await;
            let mut server = self.server().await?;
            let server = server.get()?;
            let present = self.look_for(server, name).await?;
            let found = present.as_ref().map_or_else(|| VERSION_ABSENT.to_owned(), version);
            if expected_version.is_some_and(|expected| expected != found) {
                return Err(FileFault::Changed { found });
            }
            let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
            // One name per file: what a crash left behind is replaced by the next write.
            let temporary = format!("{}/{folder}/.{file}.liaison-tmp", self.place.root);
            match server.remove(&temporary).await {
                Ok(()) | Err(Fault::NoSuchFile) => {}
                Err(fault) => return Err(fault.into()),
            }
            let path = self.path(name);
            let mut written = server.create(&temporary, bytes, present).await;
            if written.is_ok() {
                written = match expected_version {
                    Some(VERSION_ABSENT) => server.rename(&temporary, &path).await,
                    _ => server.replace(&temporary, &path).await,
                };
            }
            if let Err(fault) = written {
                // The fault that matters is the one of the write.
                let _ = server.remove(&temporary).await;
                // Somebody else was faster.
                if let (Some(VERSION_ABSENT), Ok(Some(present))) =
                    (expected_version, self.look_for(server, name).await)
                {
                    return Err(FileFault::Changed { found: version(&present) });
                }
                return Err(match fault {
                    Fault::Failed(said) => FileFault::Io(format!(
                        "the server could not write it, perhaps for a full disk or quota: {said}"
                    )),
                    other => other.into(),
                });
            }
            Ok(info(name.to_owned(), self.look(server, name).await?))
        })
        .await
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.place.root)
    }

    /// A regular file whose name leads through folders and no links.
    async fn look(
        &self,
        server: &mut Conversation<FileStream>,
        name: &str,
    ) -> Result<Attributes, FileFault> {
        let denied = |why: &str| Err(FileFault::Denied(why.to_owned()));
        for (end, _) in name.match_indices('/') {
            let folder = name.get(..end).unwrap_or_default();
            if !server.attributes(&self.path(folder), false).await?.is_folder() {
                return denied("a part of the name is a link, or not a folder");
            }
        }
        let found = server.attributes(&self.path(name), false).await?;
        if found.is_file() { Ok(found) } else { denied("it is a link, or not a regular file") }
    }

    async fn look_for(
        &self,
        server: &mut Conversation<FileStream>,
        name: &str,
    ) -> Result<Option<Attributes>, FileFault> {
        match self.look(server, name).await {
            Ok(found) => Ok(Some(found)),
            Err(FileFault::NotFound) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// A conversation with the server, which has the folder.
    async fn server(&self) -> Result<InUse<'_>, FileFault> {
        let permit = self.place.permits.acquire().await;
        let _permit = permit.map_err(|error| FileFault::Io(error.to_string()))?;
        let mut server = InUse { conversation: None, place: self.place, _permit };
        loop {
            let idle = self.place.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let waited = idle.is_some();
            let mut conversation = match idle {
                Some(idle) => idle,
                None => Conversation::open(self.place.server.connect(self.wire).await?).await?,
            };
            let root = format!("{}/", self.place.root);
            match conversation.attributes(&root, true).await {
                Err(Fault::Broken(_)) if waited => continue,
                Ok(found) if found.is_folder() => {}
                Ok(_) => return Err(FileFault::Denied("the path is not a folder".to_owned())),
                Err(fault) => return Err(fault.into()),
            }
            server.conversation = Some(conversation);
            return Ok(server);
        }
    }

    /// Does something within the time that it has, and tells no secret if it fails.
    async fn patiently<T>(
        &self,
        work: impl Future<Output = Result<T, FileFault>>,
    ) -> Result<T, FileFault> {
        let patience = Duration::from_secs(TRANSFER_TIMEOUT_SECONDS);
        let done = tokio::time::timeout(patience, work).await;
        let done = done.unwrap_or_else(|_| Err(FileFault::Io("it took too long".to_owned())));
        done.map_err(|fault| match fault {
            FileFault::Denied(why) => FileFault::Denied(self.wire.redactor.redact(&why)),
            FileFault::Io(why) => FileFault::Io(self.wire.redactor.redact(&why)),
            other => other,
        })
    }
}

fn version(attributes: &Attributes) -> String {
    format!("{:x}-{:x}", attributes.size_bytes, attributes.modified)
}

fn info(name: String, attributes: Attributes) -> FileInfo {
    let version = version(&attributes);
    FileInfo { name, size_bytes: attributes.size_bytes, version }
}

impl From<Fault> for FileFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NoSuchFile => Self::NotFound,
            Fault::Refused(_) => Self::Denied(fault.to_string()),
            other => Self::Io(other.to_string()),
        }
    }
}
