//! The name table of a block: fields, streams, runs and rules are named by
//! their place in it.

use std::sync::Arc;

use hashbrown::HashMap;

use super::bytes::{Bytes, Damaged, put_len, put_text};

/// Names in the order of their first use.
#[derive(Debug, Default)]
pub struct Names {
    places: HashMap<Box<str>, usize>,
    packed: Vec<u8>,
}

impl Names {
    /// Appends the place of a name.
    pub fn put(&mut self, out: &mut Vec<u8>, name: &str) {
        let place = match self.places.get(name) {
            Some(place) => *place,
            None => {
                let place = self.places.len();
                self.places.insert(name.into(), place);
                put_text(&mut self.packed, name);
                place
            }
        };
        put_len(out, place);
    }

    /// About how many bytes the table takes.
    pub const fn size_bytes(&self) -> usize {
        self.packed.len()
    }

    /// Appends the table.
    pub fn finish(self, out: &mut Vec<u8>) {
        put_len(out, self.places.len());
        out.extend(self.packed);
    }

    /// Reads a table.
    pub fn read(bytes: &mut Bytes<'_>) -> Result<Vec<Arc<str>>, Damaged> {
        let count = bytes.count()?;
        (0..count).map(|_| bytes.text().map(Arc::from)).collect()
    }
}

/// An item of a block: its bytes, and the names that they speak of.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The name table of its block.
    pub names: &'a [Arc<str>],
    /// What is left of it.
    pub bytes: Bytes<'a>,
}

impl Item<'_> {
    /// The name at the place that comes next.
    pub fn name(&mut self) -> Result<Arc<str>, Damaged> {
        let place = usize::try_from(self.bytes.uint()?).map_err(|_| Damaged)?;
        self.names.get(place).cloned().ok_or(Damaged)
    }
}
