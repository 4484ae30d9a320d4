//! Frames: what surrounds every value. One byte says how the rest is read, a
//! checksum over all of it and the key says whether it is what was written there:
//! neither a flipped bit nor a value under another's key passes.

use hub_store::Error;

use crate::guard::{self, Guard};

/// The payload follows: JSON, or bytes as they are.
const WHOLE: u8 = 1;
/// The payload lies in pieces under keys of their own.
const IN_PIECES: u8 = 2;

/// Longest payload under one key. A leaf of the engine holds up to 17 rows and
/// must stay below a quarter of a segment of 4 MiB.
pub(crate) const PIECE_BYTES_MAX: usize = 32 * 1024;

/// What a frame says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// The payload.
    Whole(&'a [u8]),
    /// How many pieces, and the checksum of the whole.
    Pieces { count: u16, crc: u32 },
}

/// The checksum of a payload that lies in pieces.
pub(crate) fn crc_in_pieces(key: &[u8], payload: &[u8]) -> u32 {
    crc(IN_PIECES, key, payload)
}

fn crc(kind: u8, key: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[kind]);
    hasher.update(&u64::try_from(key.len()).unwrap_or(u64::MAX).to_le_bytes());
    hasher.update(key);
    hasher.update(payload);
    hasher.finalize()
}

fn framed(kind: u8, key: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(5 + payload.len());
    bytes.push(kind);
    bytes.extend(crc(kind, key, payload).to_le_bytes());
    bytes.extend(payload);
    bytes
}

/// A frame around a payload.
pub(crate) fn whole(key: &[u8], payload: &[u8]) -> Vec<u8> {
    framed(WHOLE, key, payload)
}

/// A frame that points to pieces.
pub(crate) fn in_pieces(key: &[u8], count: u16, crc: u32) -> Vec<u8> {
    let mut payload = count.to_le_bytes().to_vec();
    payload.extend(crc.to_le_bytes());
    framed(IN_PIECES, key, &payload)
}

/// Reads a frame.
///
/// # Errors
/// [`Error::Corrupt`] when it is not what was written under this key.
pub(crate) fn read<'a>(key: &[u8], bytes: &'a [u8]) -> Result<Frame<'a>, Error> {
    let damaged = || {
        let table = key.first().copied().map_or('?', char::from);
        Error::Corrupt(format!("a row of table {table} does not match its checksum"))
    };
    let (kind, rest) = bytes.split_first().ok_or_else(damaged)?;
    let (stored, payload) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
    if crc(*kind, key, payload) != u32::from_le_bytes(*stored) && guard::is_on(Guard::Checksum) {
        return Err(damaged());
    }
    match *kind {
        WHOLE => Ok(Frame::Whole(payload)),
        IN_PIECES => {
            let (count, crc) = payload.split_first_chunk::<2>().ok_or_else(damaged)?;
            let crc = crc.try_into().map_err(|_| damaged())?;
            Ok(Frame::Pieces { count: u16::from_le_bytes(*count), crc: u32::from_le_bytes(crc) })
        }
        other => Err(Error::Corrupt(format!("a row has the unknown format {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, Frame, in_pieces, read, whole};

    #[test]
    fn what_was_written_is_read_under_its_own_key_only() {
        let bytes = whole(b"key", b"payload");
        assert_eq!(read(b"key", &bytes), Ok(Frame::Whole(b"payload")));
        assert!(matches!(read(b"kez", &bytes), Err(Error::Corrupt(_))));
        let bytes = in_pieces(b"key", 7, 9);
        assert_eq!(read(b"key", &bytes), Ok(Frame::Pieces { count: 7, crc: 9 }));
    }

    #[test]
    fn no_flipped_bit_passes() {
        for bytes in [whole(b"key", b"payload"), whole(b"key", b""), in_pieces(b"key", 7, 9)] {
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let found = read(b"key", &flipped);
                assert!(matches!(found, Err(Error::Corrupt(_))), "bit {bit}");
            }
            for length in 0..bytes.len() {
                assert!(matches!(read(b"key", &bytes[..length]), Err(Error::Corrupt(_))));
            }
        }
    }
}
