//! The form of an export: lines of JSON, one for what it is, one per commit
//! that rebuilds the store, one that closes it.
//!
//! Each line carries the SHA-256 of all bytes before it, and the last one counts
//! the others. So a commit is given only once the line after it has vouched for
//! it: an import that was cut short has taken in nothing that was damaged, and
//! goes on from there with the whole file. Until the last line was read nothing
//! may be done that lasts. A file
//! whose first bytes say gzip is read as such, and one whose name ends in `.gz`
//! is written as such.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use hub_model::WorkspaceId;
use hub_store::{Stats, WriteSet};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The form that this version writes, and the only one it reads.
pub const FORM: u32 = 1;
/// Longest line that is read. A commit of 256 KiB with bodies of 2 MiB, whose
/// bytes are written as numbers, stays below half of it.
const LINE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// The first bytes of a gzip stream (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What an export says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The form of the lines.
    pub form: u32,
    /// The version of the hub that wrote it.
    pub version: String,
    /// By chance given once: tells two exports apart.
    pub id: String,
    /// Whose data these are.
    pub workspace: WorkspaceId,
    /// What the store held.
    pub stats: Stats,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    LiaisonExport(Header),
    Commit { set: Box<WriteSet>, before: String },
    End { commits: u64, before: String },
}

/// Why an export cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file itself.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It does not begin as an export does.
    #[error("this is not an export of a store")]
    Foreign,
    /// It has another form than ours.
    #[error("it has form {form}, written by version {version}; this version reads form {FORM}")]
    Form {
        /// Its form.
        form: u64,
        /// The version that wrote it.
        version: String,
    },
    /// It ends too early.
    #[error("it ends after {commits} commits, before its last line")]
    CutShort {
        /// The commits that are there.
        commits: u64,
    },
    /// It is not what was written.
    #[error("it is damaged at line {line}")]
    Damaged {
        /// The line, from 1.
        line: u64,
    },
}

/// An export that is being written.
pub struct Writer {
    out: Box<dyn Write>,
    hash: Sha256,
    commits: u64,
}

impl Writer {
    /// Begins an export.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(out: Box<dyn Write>, header: Header) -> io::Result<Self> {
        let mut writer = Self { out, hash: Sha256::new(), commits: 0 };
        writer.line(&Line::LiaisonExport(header))?;
        Ok(writer)
    }

    /// Adds a commit.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn commit(&mut self, set: WriteSet) -> io::Result<()> {
        self.commits += 1;
        let before = sum(&self.hash);
        self.line(&Line::Commit { set: Box::new(set), before })
    }

    /// Ends the export; what was given to [`Writer::begin`] is flushed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(mut self) -> io::Result<()> {
        let before = sum(&self.hash);
        self.line(&Line::End { commits: self.commits, before })?;
        self.out.flush()
    }

    fn line(&mut self, line: &Line) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.hash.update(&bytes);
        self.out.write_all(&bytes)
    }
}

/// An export that is being read.
pub struct Reader {
    lines: Box<dyn BufRead>,
    hash: Sha256,
    line: u64,
    commits: u64,
    /// Read, and not yet vouched for.
    kept: Option<WriteSet>,
    /// The last line was read.
    ended: bool,
}

impl Reader {
    /// Begins to read.
    ///
    /// # Errors
    /// When it is no export, or none of this form.
    pub fn begin(input: Box<dyn Read>) -> Result<(Self, Header), Unreadable> {
        let mut input = BufReader::new(input);
        let packed = input.fill_buf()?.starts_with(&GZIP);
        let lines: Box<dyn BufRead> =
            if packed { Box::new(BufReader::new(GzDecoder::new(input))) } else { Box::new(input) };
        let mut reader =
            Self { lines, hash: Sha256::new(), line: 0, commits: 0, kept: None, ended: false };
        let bytes = reader.bytes().map_err(|error| match error {
            Unreadable::CutShort { .. } | Unreadable::Damaged { .. } => Unreadable::Foreign,
            other => other,
        })?;
        // Another form may have another header: only this much is the same for ever.
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| Unreadable::Foreign)?;
        let header = value.get("liaison_export").ok_or(Unreadable::Foreign)?;
        let form = header.get("form").and_then(Value::as_u64).ok_or(Unreadable::Foreign)?;
        if form != u64::from(FORM) {
            let version = header.get("version").and_then(Value::as_str).unwrap_or("?").to_owned();
            return Err(Unreadable::Form { form, version });
        }
        match serde_json::from_slice(&bytes) {
            Ok(Line::LiaisonExport(header)) => {
                reader.hash.update(&bytes);
                Ok((reader, header))
            }
            _ => Err(Unreadable::Damaged { line: 1 }),
        }
    }

    /// The next commit, as it was written; `None` at the end.
    ///
    /// # Errors
    /// When there is no next line, or not the one that was written.
    pub fn next(&mut self) -> Result<Option<WriteSet>, Unreadable> {
        if self.ended {
            return Ok(None);
        }
        loop {
            let bytes = self.bytes()?;
            let whole = sum(&self.hash);
            let given = match serde_json::from_slice(&bytes) {
                Ok(Line::Commit { set, before }) if before == whole => {
                    self.commits += 1;
                    self.kept.replace(*set)
                }
                Ok(Line::End { commits, before }) if commits == self.commits && before == whole => {
                    self.ended = true;
                    return Ok(self.kept.take());
                }
                _ => return Err(Unreadable::Damaged { line: self.line }),
            };
            self.hash.update(&bytes);
            if given.is_some() {
                return Ok(given);
            }
        }
    }

    /// The bytes of a line, its end included.
    fn bytes(&mut self) -> Result<Vec<u8>, Unreadable> {
        self.line += 1;
        let mut bytes = Vec::new();
        let read = self.lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
        match read {
            Ok(_) if bytes.last() == Some(&b'\n') => Ok(bytes),
            Ok(_) if u64::try_from(bytes.len()).unwrap_or(u64::MAX) < LINE_BYTES_MAX => {
                Err(Unreadable::CutShort { commits: self.commits })
            }
            Ok(_) => Err(Unreadable::Damaged { line: self.line }),
            Err(error) => match error.kind() {
                io::ErrorKind::UnexpectedEof => Err(Unreadable::CutShort { commits: self.commits }),
                // What the unpacking of a damaged stream answers.
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                    Err(Unreadable::Damaged { line: self.line })
                }
                _ => Err(error.into()),
            },
        }
    }
}

/// A file to write an export to, packed or not.
///
/// # Errors
/// When it exists or cannot be made.
pub fn create(path: &Path, packed: bool) -> io::Result<Box<dyn Write>> {
    let file = BufWriter::new(crate::private::new_file(path)?);
    if packed {
        return Ok(Box::new(Packed(Some(GzEncoder::new(file, Compression::fast())))));
    }
    Ok(Box::new(Plain(file)))
}

/// Flushed, its bytes are on the disk.
struct Plain(BufWriter<File>);

impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        self.0.get_ref().sync_all()
    }
}

/// Flushed, the packed stream is ended and on the disk.
struct Packed(Option<GzEncoder<BufWriter<File>>>);

impl Write for Packed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Some(packer) => packer.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.take() {
            Some(packer) => Plain(packer.finish()?).flush(),
            None => Ok(()),
        }
    }
}

/// The sum of what was hashed so far, in hexadecimal.
fn sum(hash: &Sha256) -> String {
    hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use hub_store::conformance::fixtures as f;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written() -> Vec<u8> {
        let shared = Shared::default();
        let header = Header {
            form: FORM,
            version: "1".to_owned(),
            id: "x".to_owned(),
            workspace: "default".into(),
            stats: Stats::default(),
        };
        let mut writer = Writer::begin(Box::new(shared.clone()), header).unwrap();
        writer.commit(f::person(1)).unwrap();
        writer.commit(f::person(2)).unwrap();
        writer.end().unwrap();
        shared.0.lock().unwrap().clone()
    }

    fn read(bytes: &[u8]) -> Result<Vec<WriteSet>, String> {
        let input = Box::new(io::Cursor::new(bytes.to_vec()));
        let (mut reader, _) = Reader::begin(input).map_err(|error| error.to_string())?;
        let written = [f::person(1), f::person(2)];
        let mut sets = Vec::new();
        while let Some(set) = reader.next().map_err(|error| error.to_string())? {
            sets.push(set);
            assert!(written.starts_with(&sets), "given before it was known to be whole");
        }
        Ok(sets)
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn what_was_written_is_read_packed_or_not() {
        let wanted = Ok(vec![f::person(1), f::person(2)]);
        assert_eq!(read(&written()), wanted);
        assert_eq!(read(&packed(&written())), wanted);
    }

    #[test]
    fn nothing_shorter_and_no_flipped_bit_passes() {
        let (plain, packed) = (written(), packed(&written()));
        for length in 0..plain.len() {
            assert!(read(&plain[..length]).is_err(), "{length} bytes");
        }
        for length in 0..packed.len() {
            // The packed stream's own checksum may be missing: ours is inside.
            let answer = read(&packed[..length]);
            assert!(answer.is_err() || answer == read(&plain), "{length} packed bytes");
        }
        assert!(read(&packed[..packed.len() / 2]).is_err());
        let bytes = written();
        for at in (0..bytes.len()).step_by(7) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            assert!(read(&flipped).is_err(), "byte {at}");
        }
    }

    #[test]
    fn another_form_is_refused_with_its_version() {
        let text = String::from_utf8(written()).unwrap();
        let other = text.replace("\"form\":1,\"version\":\"1\"", "\"form\":7,\"version\":\"9.1\"");
        let error = read(other.as_bytes()).unwrap_err();
        assert!(error.contains("form 7") && error.contains("9.1"), "{error}");
        assert!(read(b"{\"a\":1}\n").unwrap_err().contains("not an export"));
    }
}
