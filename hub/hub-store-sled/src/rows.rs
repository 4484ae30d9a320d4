//! Rows as the readers see them: payloads by key, pieces put together, frames
//! checked.

use std::ops::Bound;

use hub_store::Error;
use serde::de::DeserializeOwned;

use crate::engine::Engine;
use crate::fault;
use crate::frame::{self, Frame};
use crate::keys::{self, Key};

/// The tree, read row by row.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub tree: Engine,
}

impl Rows {
    /// The frame under a key, as stored.
    pub fn raw(&self, key: &[u8]) -> Result<Option<sled::IVec>, Error> {
        self.tree.get(key).map_err(|error| fault::sled("reading a row", &error))
    }

    /// The payload under a key.
    pub fn payload(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.raw(key)?.map(|bytes| self.unframed(key, &bytes)).transpose()
    }

    /// The row under a key, from JSON.
    pub fn row<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        self.payload(key)?.map(|payload| decoded(key, &payload)).transpose()
    }

    /// Keys and payloads that begin with a prefix, after a key of them.
    pub fn scan<'a>(
        &'a self,
        prefix: &[u8],
        after: Option<&[u8]>,
    ) -> impl Iterator<Item = Result<(Key, Vec<u8>), Error>> + use<'a> {
        self.stored(prefix, after).map(move |stored| {
            let (key, bytes) = stored?;
            let payload = self.unframed(&key, &bytes)?;
            Ok((key.to_vec(), payload))
        })
    }

    /// The same, newest first.
    pub fn scan_back<'a>(
        &'a self,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<(Key, Vec<u8>), Error>> + use<'a> {
        let range = prefix.to_vec()..keys::end_of(prefix);
        self.tree.range(range).rev().map(move |stored| {
            let (key, bytes) = stored.map_err(|error| fault::sled("reading rows", &error))?;
            let payload = self.unframed(&key, &bytes)?;
            Ok((key.to_vec(), payload))
        })
    }

    /// Keys and frames that begin with a prefix, after a key of them.
    pub fn stored(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
    ) -> impl Iterator<Item = Result<(sled::IVec, sled::IVec), Error>> + use<> {
        let start = match after {
            Some(key) => Bound::Excluded(key.to_vec()),
            None => Bound::Included(prefix.to_vec()),
        };
        self.tree
            .range((start, Bound::Excluded(keys::end_of(prefix))))
            .map(|stored| stored.map_err(|error| fault::sled("reading rows", &error)))
    }

    fn unframed(&self, key: &[u8], bytes: &[u8]) -> Result<Vec<u8>, Error> {
        match frame::read(key, bytes)? {
            Frame::Whole(payload) => Ok(payload.to_vec()),
            Frame::Pieces { count, crc } => self.put_together(key, count, crc),
        }
    }

    fn put_together(&self, key: &[u8], count: u16, crc: u32) -> Result<Vec<u8>, Error> {
        let mut payload = Vec::new();
        for place in 0..count {
            let at = keys::piece(key, place);
            let missing = || Error::Corrupt("a piece of a long row is missing".to_owned());
            let bytes = self.raw(&at)?.ok_or_else(missing)?;
            match frame::read(&at, &bytes)? {
                Frame::Whole(piece) => payload.extend_from_slice(piece),
                Frame::Pieces { .. } => return Err(missing()),
            }
        }
        if frame::crc_in_pieces(key, &payload) == crc {
            Ok(payload)
        } else {
            Err(Error::Corrupt("a long row does not match its checksum".to_owned()))
        }
    }
}

/// A row from JSON.
pub(crate) fn decoded<T: DeserializeOwned>(key: &[u8], payload: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(payload).map_err(|error| {
        let table = key.first().copied().map_or('?', char::from);
        // Only the place: the message of the decoder may quote a value.
        let place = error.column();
        Error::Corrupt(format!("a row of table {table} cannot be read (at byte {place})"))
    })
}
