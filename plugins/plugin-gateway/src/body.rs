//! Reads a response body under two caps: its decompressed size, and how many
//! times larger than its compressed form it may be.
//!
//! Decompression happens here rather than in the client library, because only
//! here both sizes are known while the bytes arrive; a bomb is stopped after the
//! first part that is too rich, not after it has filled the memory.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

use crate::http::HttpFault;

/// A body this small may have any ratio: a short run of equal bytes is no bomb.
const RATIO_FREE_BYTES: usize = 256 * 1024;
/// The settings of both caps.
const SIZE: &str = "response_bytes_max";
const RATIO: &str = "compression_ratio_max";

/// Collects bytes up to a limit that may grow.
struct Capped {
    out: Vec<u8>,
    limit_bytes: usize,
    full: bool,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.out.len().saturating_add(bytes.len()) > self.limit_bytes {
            self.full = true;
            return Err(io::Error::other("over the limit"));
        }
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Decoder {
    Plain(Capped),
    Gzip(Box<MultiGzDecoder<Capped>>),
}

/// A body in the making.
pub(crate) struct BodyReader {
    decoder: Decoder,
    received_bytes: usize,
    bytes_max: usize,
    ratio_max: usize,
}

impl BodyReader {
    /// A reader for a `Content-Encoding`.
    pub(crate) fn new(
        encoding: Option<&str>,
        bytes_max: usize,
        ratio_max: usize,
    ) -> Result<Self, HttpFault> {
        let sink = Capped { out: Vec::new(), limit_bytes: bytes_max, full: false };
        let decoder = match encoding.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "identity") => Decoder::Plain(sink),
            Some("gzip" | "x-gzip") => Decoder::Gzip(Box::new(MultiGzDecoder::new(sink))),
            Some(other) => {
                let other: String = other.chars().take(40).collect();
                return Err(HttpFault::Broken(format!(
                    "the answer is encoded as `{}`, which was not asked for",
                    other.escape_debug()
                )));
            }
        };
        Ok(Self { decoder, received_bytes: 0, bytes_max, ratio_max })
    }

    /// Takes the next bytes as they came over the wire.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), HttpFault> {
        self.received_bytes = self.received_bytes.saturating_add(bytes.len());
        let rich = self.received_bytes.saturating_mul(self.ratio_max).max(RATIO_FREE_BYTES);
        let limit_bytes = self.bytes_max.min(rich);
        match &mut self.decoder {
            Decoder::Plain(sink) => {
                let written = sink.write_all(bytes);
                written.map_err(|_| HttpFault::too_large(SIZE, self.bytes_max))
            }
            Decoder::Gzip(decoder) => {
                decoder.get_mut().limit_bytes = limit_bytes;
                let written = decoder.write_all(bytes).and_then(|()| decoder.flush());
                let setting = if rich < self.bytes_max { RATIO } else { SIZE };
                written.map_err(|_| gzip_fault(decoder, setting, limit_bytes))
            }
        }
    }

    /// The whole body.
    pub(crate) fn finish(self) -> Result<Vec<u8>, HttpFault> {
        match self.decoder {
            Decoder::Plain(sink) => Ok(sink.out),
            Decoder::Gzip(_) if self.received_bytes == 0 => Ok(Vec::new()),
            Decoder::Gzip(mut decoder) => match decoder.try_finish() {
                Ok(()) => Ok(std::mem::take(&mut decoder.get_mut().out)),
                Err(_) => Err(gzip_fault(&decoder, SIZE, self.bytes_max)),
            },
        }
    }
}

fn gzip_fault(
    decoder: &MultiGzDecoder<Capped>,
    setting: &'static str,
    limit_bytes: usize,
) -> HttpFault {
    if decoder.get_ref().full {
        HttpFault::too_large(setting, limit_bytes)
    } else {
        HttpFault::Broken("the answer claims to be gzip and is not".to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    const MIB: usize = 1024 * 1024;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn read(encoding: Option<&str>, wire: &[u8], part_bytes: usize) -> Result<Vec<u8>, HttpFault> {
        let mut reader = BodyReader::new(encoding, 4 * MIB, 100)?;
        for part in wire.chunks(part_bytes) {
            reader.push(part)?;
        }
        reader.finish()
    }

    #[test]
    fn gives_back_what_was_compressed_in_parts_of_any_size() {
        let plain: Vec<u8> =
            (0..300_000_u32).flat_map(|n| n.wrapping_mul(n).to_be_bytes()).collect();
        for part_bytes in [1, 7, 4096, usize::MAX] {
            assert!(read(Some("gzip"), &gzip(&plain), part_bytes).unwrap() == plain);
        }
        assert!(read(Some("identity"), &plain, 1000).unwrap() == plain);
        assert!(read(Some("X-GZIP"), &gzip(b"short"), 3).unwrap() == b"short");
        assert!(read(Some("gzip"), b"", 1).unwrap().is_empty());
    }

    #[test]
    fn stops_a_bomb_by_its_ratio_and_by_its_size() {
        let bomb = gzip(&vec![0; 3 * MIB]);
        assert!(bomb.len() < 4096);
        let stopped = read(Some("gzip"), &bomb, 512).unwrap_err();
        let HttpFault::TooLarge { setting, limit_bytes } = stopped else { panic!("{stopped}") };
        assert!(setting == RATIO && limit_bytes < MIB, "{setting} {limit_bytes}");
        let mut reader = BodyReader::new(Some("gzip"), 4 * MIB, usize::MAX).unwrap();
        let stopped = reader.push(&gzip(&vec![0; 5 * MIB])).unwrap_err();
        assert_eq!(stopped, HttpFault::too_large(SIZE, 4 * MIB));
        let stopped = read(None, &vec![0; 4 * MIB + 1], 65_536).unwrap_err();
        assert_eq!(stopped, HttpFault::too_large(SIZE, 4 * MIB));
    }

    #[test]
    fn refuses_what_is_not_as_it_claims() {
        assert!(matches!(read(Some("br"), b"x", 1), Err(HttpFault::Broken(_))));
        assert!(matches!(read(Some("gzip"), b"plain text here", 4), Err(HttpFault::Broken(_))));
        let whole = gzip(b"cut off in the middle of it");
        let cut = whole.split_at(whole.len() - 6).0;
        assert!(matches!(read(Some("gzip"), cut, 4), Err(HttpFault::Broken(_))));
    }
}
