//! A conversation with a server of files, over a stream.
//!
//! It is written here rather than taken from a library because what decides about the
//! memory and the speed of the hub is in it: every packet, name and part has a limit, many
//! parts are on the way at once, and whoever stops in the middle leaves a conversation
//! behind that says so ([`Conversation::is_sound`]) and is not used again.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::packet::{
    Attributes, Body, CLOSE, END_OF_FILE, EXTENDED, FSETSTAT, FSTAT, Fault, Fields, HAS_MODE,
    HAS_TIMES, INIT, LSTAT, OPEN, OPENDIR, PACKET_BYTES_MAX, READ, READDIR, REMOVE, RENAME, Reply,
    STAT, VERSION, WRITE, broken,
};

/// Bytes of one read or write: what every server takes.
const PART_BYTES: usize = 32 * 1024;
/// Parts on the way at once.
const PARTS_MAX: usize = 32;
/// How long a reply is waited for, in seconds.
const REPLY_TIMEOUT_SECONDS: u64 = 30;

const FOR_READING: u32 = 0x01;
/// Written, created, and not there before.
const FOR_WRITING: u32 = 0x02 | 0x08 | 0x20;

const POSIX_RENAME: &str = "posix-rename@openssh.com";
const FSYNC: &str = "fsync@openssh.com";

/// A conversation with a server.
pub(super) struct Conversation<S> {
    stream: S,
    last_id: u32,
    sound: bool,
    posix_rename: bool,
    fsync: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    /// Agrees on the version.
    pub(super) async fn open(stream: S) -> Result<Self, Fault> {
        let mut conversation =
            Self { stream, last_id: 0, sound: true, posix_rename: false, fsync: false };
        conversation.send(INIT, Body::new().number(3)).await?;
        let packet = conversation.packet().await?;
        let mut fields = Fields(&packet);
        if fields.byte()? != VERSION || fields.number()? < 3 {
            return Err(broken("this is no server of files that speaks version 3"));
        }
        while !fields.0.is_empty() {
            let (name, version) = (fields.bytes()?, fields.bytes()?);
            conversation.posix_rename |= name == POSIX_RENAME.as_bytes() && version == b"1";
            conversation.fsync |= name == FSYNC.as_bytes() && version == b"1";
        }
        Ok(conversation)
    }

    /// Whether every question has its reply, so that another can be asked.
    pub(super) const fn is_sound(&self) -> bool {
        self.sound
    }

    /// What is said of a file; of what a link leads to only if asked.
    pub(super) async fn attributes(
        &mut self,
        path: &str,
        through_links: bool,
    ) -> Result<Attributes, Fault> {
        let kind = if through_links { STAT } else { LSTAT };
        match self.ask(kind, Body::new().bytes(path.as_bytes())).await? {
            Reply::Attributes(found) => Ok(found),
            other => Err(other.fault()),
        }
    }

    /// Everything that is directly in a folder, hidden things too.
    pub(super) async fn entries(
        &mut self,
        path: &str,
        entries_max: usize,
    ) -> Result<Vec<(Vec<u8>, Attributes)>, Fault> {
        let handle = self.handle(OPENDIR, Body::new().bytes(path.as_bytes())).await?;
        let mut found = Vec::new();
        let end = loop {
            match self.ask(READDIR, Body::new().bytes(&handle)).await? {
                Reply::Names(names) if names.is_empty() => break Err(broken("an empty reply")),
                Reply::Names(names) => found.extend(names),
                Reply::Status(END_OF_FILE, _) => break Ok(()),
                other => break Err(other.fault()),
            }
            if found.len() > entries_max {
                break Err(Fault::TooMany);
            }
        };
        self.close(&handle).await?;
        end.map(|()| found)
    }

    /// A range of a file, and what is said of the file after the reading.
    pub(super) async fn read(
        &mut self,
        path: &str,
        offset_bytes: u64,
        length_bytes: usize,
    ) -> Result<(Vec<u8>, Attributes), Fault> {
        let open = Body::new().bytes(path.as_bytes()).number(FOR_READING).number(0);
        let handle = self.handle(OPEN, open).await?;
        let bytes = self.parts(&handle, offset_bytes, length_bytes).await;
        let found = self.attributes_of(&handle).await;
        self.close(&handle).await?;
        Ok((bytes?, found?))
    }

    /// Writes a new file whole. It is dated later than the one that it replaces.
    pub(super) async fn create(
        &mut self,
        path: &str,
        bytes: &[u8],
        before: Option<Attributes>,
    ) -> Result<(), Fault> {
        let open = Body::new().bytes(path.as_bytes()).number(FOR_WRITING);
        let open = match before {
            Some(before) => open.number(HAS_MODE).number(before.mode & 0o777),
            None => open.number(0),
        };
        let handle = self.handle(OPEN, open).await?;
        let written = self.fill(&handle, bytes, before).await;
        // Some servers say only here that a quota is used up.
        let closed = self.close(&handle).await;
        written.and(closed)
    }

    /// Gives a file another name, over whatever has it.
    pub(super) async fn replace(&mut self, from: &str, to: &str) -> Result<(), Fault> {
        if self.posix_rename {
            let rename = Body::new().bytes(POSIX_RENAME.as_bytes());
            let rename = rename.bytes(from.as_bytes()).bytes(to.as_bytes());
            return self.ask(EXTENDED, rename).await?.done();
        }
        match self.rename(from, to).await {
            Err(Fault::Failed(_)) => {
                self.remove(to).await?;
                self.rename(from, to).await
            }
            renamed => renamed,
        }
    }

    /// Gives a file another name that nothing has.
    pub(super) async fn rename(&mut self, from: &str, to: &str) -> Result<(), Fault> {
        let rename = Body::new().bytes(from.as_bytes()).bytes(to.as_bytes());
        self.ask(RENAME, rename).await?.done()
    }

    pub(super) async fn remove(&mut self, path: &str) -> Result<(), Fault> {
        self.ask(REMOVE, Body::new().bytes(path.as_bytes())).await?.done()
    }

    async fn attributes_of(&mut self, handle: &[u8]) -> Result<Attributes, Fault> {
        match self.ask(FSTAT, Body::new().bytes(handle)).await? {
            Reply::Attributes(found) => Ok(found),
            other => Err(other.fault()),
        }
    }

    async fn handle(&mut self, kind: u8, body: Body) -> Result<Vec<u8>, Fault> {
        match self.ask(kind, body).await? {
            Reply::Handle(handle) => Ok(handle),
            other => Err(other.fault()),
        }
    }

    async fn close(&mut self, handle: &[u8]) -> Result<(), Fault> {
        self.ask(CLOSE, Body::new().bytes(handle)).await?.done()
    }

    /// Asks for many parts at once. A file ends where the first part is empty, which may
    /// not be where it ended when the reading began.
    async fn parts(
        &mut self,
        handle: &[u8],
        offset_bytes: u64,
        length_bytes: usize,
    ) -> Result<Vec<u8>, Fault> {
        let (mut bytes, mut asked) = (Vec::new(), BTreeMap::new());
        let (mut next, mut end, mut failed) = (0, length_bytes, None);
        loop {
            while next < end && asked.len() < PARTS_MAX && failed.is_none() {
                let count = PART_BYTES.min(end - next);
                asked.insert(self.ask_for(handle, offset_bytes, next, count).await?, (next, count));
                next += count;
            }
            if asked.is_empty() {
                break;
            }
            let (id, reply) = self.receive().await?;
            let (at, count) = asked.remove(&id).ok_or_else(|| broken("a reply to no question"))?;
            match reply {
                Reply::Data(part) if part.is_empty() || part.len() > count => {
                    return Err(broken("a part that is not as long as it may be"));
                }
                Reply::Data(part) => {
                    let reached = at + part.len();
                    if bytes.len() < reached {
                        bytes.resize(reached, 0);
                    }
                    if let Some(place) = bytes.get_mut(at..reached) {
                        place.copy_from_slice(&part);
                    }
                    let rest = count - part.len();
                    if rest > 0 && reached < end {
                        let id = self.ask_for(handle, offset_bytes, reached, rest).await?;
                        asked.insert(id, (reached, rest));
                    }
                }
                Reply::Status(END_OF_FILE, _) => end = end.min(at),
                other => failed = Some(other.fault()),
            }
        }
        self.sound = true;
        bytes.truncate(end);
        failed.map_or(Ok(bytes), Err)
    }

    async fn ask_for(
        &mut self,
        handle: &[u8],
        offset_bytes: u64,
        at: usize,
        count: usize,
    ) -> Result<u32, Fault> {
        let from = offset_bytes.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
        let read = Body::new().bytes(handle).long(from);
        self.send(READ, read.number(u32::try_from(count).unwrap_or(u32::MAX))).await
    }

    async fn fill(
        &mut self,
        handle: &[u8],
        bytes: &[u8],
        before: Option<Attributes>,
    ) -> Result<(), Fault> {
        let (mut at, mut on_the_way, mut failed) = (0_u64, 0, None);
        let mut parts = bytes.chunks(PART_BYTES);
        loop {
            while on_the_way < PARTS_MAX && failed.is_none() {
                let Some(part) = parts.next() else { break };
                self.send(WRITE, Body::new().bytes(handle).long(at).bytes(part)).await?;
                at = at.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
                on_the_way += 1;
            }
            if on_the_way == 0 {
                break;
            }
            let (_, reply) = self.receive().await?;
            on_the_way -= 1;
            if let Err(fault) = reply.done() {
                failed.get_or_insert(fault);
            }
        }
        self.sound = true;
        if let Some(fault) = failed {
            return Err(fault);
        }
        if self.fsync {
            self.ask(EXTENDED, Body::new().bytes(FSYNC.as_bytes()).bytes(handle)).await?.done()?;
        }
        if let Some(before) = before {
            let now = self.attributes_of(handle).await?;
            if now.modified <= before.modified {
                let later = before.modified.saturating_add(1);
                let date = Body::new().bytes(handle).number(HAS_TIMES).number(later).number(later);
                // A server may forbid this, and the file is whole all the same.
                self.ask(FSETSTAT, date).await?;
            }
        }
        Ok(())
    }

    async fn ask(&mut self, kind: u8, body: Body) -> Result<Reply, Fault> {
        let asked = self.send(kind, body).await?;
        let (id, reply) = self.receive().await?;
        if id != asked {
            return Err(broken("a reply to another question"));
        }
        self.sound = true;
        Ok(reply)
    }

    /// Sends a request. From here on the conversation is not sound, until whoever asked
    /// has all replies.
    async fn send(&mut self, kind: u8, body: Body) -> Result<u32, Fault> {
        self.sound = false;
        self.last_id = self.last_id.wrapping_add(1);
        let mut rest = vec![kind];
        if kind != INIT {
            rest.extend_from_slice(&self.last_id.to_be_bytes());
        }
        rest.extend_from_slice(&body.0);
        let packet = Body::new().bytes(&rest).0;
        self.stream.write_all(&packet).await.map_err(lost)?;
        self.stream.flush().await.map_err(lost)?;
        Ok(self.last_id)
    }

    async fn receive(&mut self) -> Result<(u32, Reply), Fault> {
        let packet = self.packet().await?;
        let mut fields = Fields(&packet);
        let (kind, id) = (fields.byte()?, fields.number()?);
        Ok((id, fields.reply(kind)?))
    }

    async fn packet(&mut self) -> Result<Vec<u8>, Fault> {
        let whole = async {
            let count = usize::try_from(self.stream.read_u32().await.map_err(lost)?);
            let count = count.unwrap_or(usize::MAX);
            if count > PACKET_BYTES_MAX {
                return Err(broken("a packet that is larger than any may be"));
            }
            let mut packet = vec![0; count];
            self.stream.read_exact(&mut packet).await.map_err(lost)?;
            Ok(packet)
        };
        let patience = Duration::from_secs(REPLY_TIMEOUT_SECONDS);
        let whole = tokio::time::timeout(patience, whole).await;
        whole.unwrap_or_else(|_| Err(broken("no reply in time")))
    }
}

fn lost(error: std::io::Error) -> Fault {
    Fault::Broken(format!("the connection is lost: {error}"))
}

#[cfg(test)]
mod tests;
