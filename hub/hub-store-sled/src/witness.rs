//! The witness: a small file beside the engine's that remembers how far the
//! store was, written and synced after every commit, before it is acknowledged.
//!
//! The engine's recovery drops what it cannot read, now and then everything,
//! and opens as if nothing had happened. Compared with the witness, such a
//! store is seen to be behind what it has acknowledged.
//!
//! Two slots, written in turn a block apart: a write that a power cut tore
//! leaves the other slot, which is one commit older.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use hub_store::Error;

use crate::fault;
use crate::meta::Uuid;

const MAGIC: &[u8; 8] = b"LIAWIT01";
/// Where the second slot begins: the slots never share a block of the disk.
const SLOT_STEP_BYTES: u64 = 4096;
const SLOT_BYTES: usize = 36;

/// What the witness remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Of which store.
    pub uuid: Uuid,
    /// The last commit that was acknowledged or about to be.
    pub seq: u64,
}

/// The open file.
#[derive(Debug)]
pub(crate) struct Witness(File);

impl Witness {
    /// Opens the file, or makes an empty one.
    pub fn open(path: &Path) -> Result<Self, Error> {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map(Self)
            .map_err(|error| fault::io("opening the witness file", &error))
    }

    /// Remembers a commit; durable on return.
    pub fn write(&self, seen: Seen) -> Result<(), Error> {
        let offset = (seen.seq % 2) * SLOT_STEP_BYTES;
        self.0
            .write_all_at(&encoded(seen), offset)
            .and_then(|()| self.0.sync_data())
            .map_err(|error| fault::io("writing the witness file", &error))
    }
}

/// What the file remembers; `None` without a file or a slot that can be read.
pub(crate) fn read(path: &Path) -> Result<Option<Seen>, Error> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault::io("reading the witness file", &error)),
    }
    let second = usize::try_from(SLOT_STEP_BYTES).unwrap_or(usize::MAX);
    let slots = [decoded(&bytes), bytes.get(second..).and_then(decoded)];
    Ok(slots.into_iter().flatten().max_by_key(|seen| seen.seq))
}

fn encoded(seen: Seen) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(seen.uuid);
    bytes.extend(seen.seq.to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

fn decoded(bytes: &[u8]) -> Option<Seen> {
    let slot = bytes.get(..SLOT_BYTES)?;
    let (content, crc) = slot.split_last_chunk::<4>()?;
    if crc32fast::hash(content) != u32::from_le_bytes(*crc) {
        return None;
    }
    let rest = content.strip_prefix(MAGIC)?;
    let (uuid, seq) = rest.split_first_chunk::<16>()?;
    Some(Seen { uuid: *uuid, seq: u64::from_le_bytes(seq.try_into().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::{SLOT_STEP_BYTES, Seen, Witness, read};

    #[test]
    fn a_torn_slot_leaves_the_commit_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("witness");
        assert_eq!(read(&path), Ok(None));
        let witness = Witness::open(&path).unwrap();
        assert_eq!(read(&path), Ok(None));
        let seen = |seq| Seen { uuid: [7; 16], seq };
        for seq in 0..5 {
            witness.write(seen(seq)).unwrap();
            assert_eq!(read(&path), Ok(Some(seen(seq))));
        }
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[30] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read(&path), Ok(Some(seen(3))));
        bytes[usize::try_from(SLOT_STEP_BYTES).unwrap() + 9] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read(&path), Ok(None));
    }
}
