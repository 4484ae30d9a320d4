//! Packets of the file transfer protocol of SSH, version 3
//! (draft-ietf-secsh-filexfer-02), as far as a folder needs them.

/// Largest packet that is taken, in bytes; OpenSSH's own limit.
pub(super) const PACKET_BYTES_MAX: usize = 256 * 1024;
/// What a server says is cut here, in characters.
const SAID_CHARS_MAX: usize = 200;

pub(super) const INIT: u8 = 1;
pub(super) const VERSION: u8 = 2;
pub(super) const OPEN: u8 = 3;
pub(super) const CLOSE: u8 = 4;
pub(super) const READ: u8 = 5;
pub(super) const WRITE: u8 = 6;
pub(super) const LSTAT: u8 = 7;
pub(super) const FSTAT: u8 = 8;
pub(super) const FSETSTAT: u8 = 10;
pub(super) const OPENDIR: u8 = 11;
pub(super) const READDIR: u8 = 12;
pub(super) const REMOVE: u8 = 13;
pub(super) const STAT: u8 = 17;
pub(super) const RENAME: u8 = 18;
pub(super) const STATUS: u8 = 101;
pub(super) const HANDLE: u8 = 102;
pub(super) const DATA: u8 = 103;
pub(super) const NAME: u8 = 104;
pub(super) const ATTRS: u8 = 105;
pub(super) const EXTENDED: u8 = 200;

pub(super) const OK: u32 = 0;
pub(super) const END_OF_FILE: u32 = 1;
pub(super) const NO_SUCH_FILE: u32 = 2;
pub(super) const PERMISSION_DENIED: u32 = 3;

pub(super) const HAS_SIZE: u32 = 0x01;
pub(super) const HAS_OWNER: u32 = 0x02;
pub(super) const HAS_MODE: u32 = 0x04;
pub(super) const HAS_TIMES: u32 = 0x08;
pub(super) const HAS_MORE: u32 = 0x8000_0000;

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// There is no such file.
    #[error("no such file")]
    NoSuchFile,
    /// The server does not allow it.
    #[error("the server does not allow it: {0}")]
    Refused(String),
    /// The server could not.
    #[error("the server could not: {0}")]
    Failed(String),
    /// A folder has more entries than are looked at.
    #[error("too many entries")]
    TooMany,
    /// The conversation is over: the connection is gone, or nonsense came.
    #[error("{0}")]
    Broken(String),
}

/// What a server says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Attributes {
    pub(super) size_bytes: u64,
    /// Seconds: the protocol knows no finer ones.
    pub(super) modified: u32,
    pub(super) mode: u32,
}

impl Attributes {
    pub(super) const fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    pub(super) const fn is_folder(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }
}

/// A reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Status(u32, String),
    Handle(Vec<u8>),
    Data(Vec<u8>),
    Names(Vec<(Vec<u8>, Attributes)>),
    Attributes(Attributes),
}

impl Reply {
    /// The fault that this is where something else was asked for.
    pub(super) fn fault(self) -> Fault {
        match self {
            Self::Status(NO_SUCH_FILE, _) => Fault::NoSuchFile,
            Self::Status(PERMISSION_DENIED, said) => Fault::Refused(said),
            Self::Status(code, said) => Fault::Failed(format!("{said} ({code})")),
            _ => broken("a reply to another question"),
        }
    }

    pub(super) fn done(self) -> Result<(), Fault> {
        match self {
            Self::Status(OK, _) => Ok(()),
            other => Err(other.fault()),
        }
    }
}

pub(super) fn broken(why: &str) -> Fault {
    Fault::Broken(why.to_owned())
}

/// A request under construction.
pub(super) struct Body(pub(super) Vec<u8>);

impl Body {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self = self.number(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(super) fn long(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }
}

/// What is left of a packet.
pub(super) struct Fields<'p>(pub(super) &'p [u8]);

impl<'p> Fields<'p> {
    fn take(&mut self, count: usize) -> Result<&'p [u8], Fault> {
        let (head, tail) =
            self.0.split_at_checked(count).ok_or_else(|| broken("a short packet"))?;
        self.0 = tail;
        Ok(head)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        self.take(1)?.first().copied().ok_or_else(|| broken("a short packet"))
    }

    pub(super) fn number(&mut self) -> Result<u32, Fault> {
        let bytes = self.take(4)?.try_into().map_err(|_| broken("a short packet"))?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn long(&mut self) -> Result<u64, Fault> {
        let bytes = self.take(8)?.try_into().map_err(|_| broken("a short packet"))?;
        Ok(u64::from_be_bytes(bytes))
    }

    pub(super) fn bytes(&mut self) -> Result<&'p [u8], Fault> {
        let count = self.number()?;
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    fn text(&mut self) -> Result<String, Fault> {
        let text = String::from_utf8_lossy(self.bytes()?).into_owned();
        let text = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        Ok(text.take(SAID_CHARS_MAX).collect())
    }

    fn attributes(&mut self) -> Result<Attributes, Fault> {
        let (has, mut found) = (self.number()?, Attributes::default());
        if has & HAS_SIZE != 0 {
            found.size_bytes = self.long()?;
        }
        if has & HAS_OWNER != 0 {
            self.take(8)?;
        }
        if has & HAS_MODE != 0 {
            found.mode = self.number()?;
        }
        if has & HAS_TIMES != 0 {
            self.number()?;
            found.modified = self.number()?;
        }
        if has & HAS_MORE != 0 {
            for _ in 0..self.number()? {
                self.bytes()?;
                self.bytes()?;
            }
        }
        Ok(found)
    }

    pub(super) fn reply(&mut self, kind: u8) -> Result<Reply, Fault> {
        Ok(match kind {
            // Old servers say a number and nothing else.
            STATUS => Reply::Status(self.number()?, self.text().unwrap_or_default()),
            HANDLE => Reply::Handle(self.bytes()?.to_vec()),
            DATA => Reply::Data(self.bytes()?.to_vec()),
            ATTRS => Reply::Attributes(self.attributes()?),
            NAME => {
                let mut names = Vec::new();
                for _ in 0..self.number()? {
                    let name = self.bytes()?.to_vec();
                    self.bytes()?;
                    names.push((name, self.attributes()?));
                }
                Reply::Names(names)
            }
            _ => return Err(broken("a packet of a kind that nobody knows")),
        })
    }
}
