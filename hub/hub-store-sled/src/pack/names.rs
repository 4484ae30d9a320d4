//! The name table of a block: fields, streams, runs and rules are named by
//! their place in it.

use std::sync::Arc;

use hashbrown::HashMap;

use super::bytes::{Bytes, Damaged, put_len, put_text};

/// Names in the order of their first use.
#[derive(Debug, Default)]
pub struct Names {
    places: HashMap<Arc<str>, usize>,
    /// Each name by its place, and the place of the one that followed it last.
    followed: Vec<(Arc<str>, usize)>,
    last: usize,
    packed: Vec<u8>,
}

impl Names {
    /// Appends the place of a name.
    pub fn put(&mut self, out: &mut Vec<u8>, name: &str) {
        let place = self.place(name);
        if let Some((_, next)) = self.followed.get_mut(self.last) {
            *next = place;
        }
        self.last = place;
        put_len(out, place);
    }

    /// Rows of a block name the same fields in the same order: the name that
    /// followed the last one the last time is nearly always the one that is meant.
    fn place(&mut self, name: &str) -> usize {
        let guess = self.followed.get(self.last).map_or(0, |(_, next)| *next);
        if self.followed.get(guess).is_some_and(|(known, _)| **known == *name) {
            return guess;
        }
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let (place, known) = (self.followed.len(), Arc::<str>::from(name));
        self.places.insert(Arc::clone(&known), place);
        self.followed.push((known, 0));
        put_text(&mut self.packed, name);
        place
    }

    /// About how many bytes the table takes.
    pub const fn size_bytes(&self) -> usize {
        self.packed.len()
    }

    /// Appends the table.
    pub fn finish(self, out: &mut Vec<u8>) {
        put_len(out, self.followed.len());
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
