//! Lines into files of a limited size, compressed. The same lines make the same bytes.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use liaison_sdk::Fault;

/// Files to be sent together.
#[derive(Debug)]
pub struct Parcel {
    /// The content of each.
    pub files: Vec<Vec<u8>>,
    /// The file that each block of lines is in, in order.
    pub places: Vec<usize>,
}

impl Parcel {
    /// Packs blocks of lines, each of which stays whole, below a head that every file
    /// has.
    ///
    /// # Errors
    /// `bug`; nothing that can be packed is known to cause it.
    pub fn pack(
        head: &[u8],
        blocks: impl IntoIterator<Item = Vec<u8>>,
        split_bytes: usize,
        gzip: bool,
    ) -> Result<Self, Fault> {
        let (mut files, mut places) = (Vec::new(), Vec::new());
        let mut open = head.to_vec();
        for block in blocks {
            if open.len() > head.len() && open.len() + block.len() > split_bytes {
                files.push(std::mem::replace(&mut open, head.to_vec()));
            }
            places.push(files.len());
            open.extend(block);
        }
        files.push(open);
        if gzip {
            files = files.iter().map(|raw| compressed(raw)).collect::<Result<_, _>>()?;
        }
        Ok(Self { files, places })
    }
}

/// Without a name and a time, so that the same bytes come out again.
fn compressed(raw: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(raw).map_err(Fault::bug)?;
    encoder.finish().map_err(Fault::bug)
}
