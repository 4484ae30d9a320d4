//! The text of a file in windows, whether it is compressed or not.
//!
//! A file is read in ranges. A compressed one cannot be: it is unpacked whole, and must
//! not be larger than what fits beside everything else.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use liaison_sdk::files::{self, Stat};
use liaison_sdk::{Fault, FaultCode};

/// Largest file that is read in ranges.
pub const READ_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Largest content of a compressed file.
pub const UNPACKED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// So much is asked from the host at once for a compressed file.
const RANGE_BYTES: u32 = 4 * 1024 * 1024;

/// The text of a file.
pub struct Text<'a> {
    folder: &'a str,
    stat: &'a Stat,
    /// What was unpacked.
    unpacked: Option<Vec<u8>>,
}

/// A window of a text.
pub struct Window {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Nothing follows.
    pub last: bool,
}

impl<'a> Text<'a> {
    /// Opens a file.
    ///
    /// # Errors
    /// `limit` for one that is too large, `schema-drift` for one that cannot be
    /// unpacked, and those of the host.
    pub fn open(folder: &'a str, stat: &'a Stat) -> Result<Self, Fault> {
        let compressed =
            stat.name.rsplit('.').next().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
        let mut text = Self { folder, stat, unpacked: None };
        let bytes_max = if compressed { UNPACKED_BYTES_MAX as u64 } else { READ_BYTES_MAX };
        if stat.size > bytes_max {
            return Err(text.fault(FaultCode::Limit).with("bytes-max", bytes_max));
        }
        if compressed {
            text.unpacked = Some(text.unpack()?);
        }
        Ok(text)
    }

    /// At most so many bytes from an offset.
    ///
    /// # Errors
    /// Those of the host; `transient` when the file is another one meanwhile.
    pub fn window(&self, offset: u64, bytes_max: u32) -> Result<Window, Fault> {
        let Some(whole) = &self.unpacked else {
            let bytes = self.range(offset, bytes_max)?;
            let last = offset + bytes.len() as u64 >= self.stat.size;
            return Ok(Window { bytes, last });
        };
        let rest = usize::try_from(offset).ok().and_then(|offset| whole.get(offset..));
        let rest = rest.unwrap_or_default();
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        let bytes = rest.get(..bytes_max).unwrap_or(rest).to_vec();
        Ok(Window { last: bytes.len() == rest.len(), bytes })
    }

    /// A fault about this file.
    pub fn fault(&self, code: FaultCode) -> Fault {
        Fault::new(code).at(&self.stat.name)
    }

    fn range(&self, offset: u64, bytes_max: u32) -> Result<Vec<u8>, Fault> {
        if offset >= self.stat.size {
            return Ok(Vec::new());
        }
        let part = files::read(self.folder, &self.stat.name, offset, bytes_max)?;
        if part.version != self.stat.version || part.data.is_empty() {
            return Err(self.fault(FaultCode::Transient).with("reason", "file-changed"));
        }
        Ok(part.data)
    }

    fn unpack(&self) -> Result<Vec<u8>, Fault> {
        let mut packed = Vec::new();
        while (packed.len() as u64) < self.stat.size {
            packed.extend(self.range(packed.len() as u64, RANGE_BYTES)?);
        }
        let mut unpacked = Vec::new();
        let limit = UNPACKED_BYTES_MAX as u64 + 1;
        let read = MultiGzDecoder::new(packed.as_slice()).take(limit).read_to_end(&mut unpacked);
        if let Err(error) = read {
            return Err(self
                .fault(FaultCode::SchemaDrift)
                .with("expected", "gzip")
                .with("why", error));
        }
        if unpacked.len() > UNPACKED_BYTES_MAX {
            return Err(self.fault(FaultCode::Limit).with("bytes-max", UNPACKED_BYTES_MAX));
        }
        Ok(unpacked)
    }
}
