//! Versions of profiles: what a profile's number stands for, and where the
//! version before lies.
//!
//! A profile that has no version before is packed as if there were no history:
//! what comes by the million pays nothing for it. Any other row begins with a
//! byte that no plain profile begins with, then what that byte names.

use hub_model::{CommitSeq, Profile, ProfileId, Timestamp};
use hub_store::{Became, Moment};

use super::bytes::{Bytes, Damaged, put_uint};
use super::consent::put_time;
use super::names::{Item, Names};
use super::profile;
use crate::block::Location;

/// What a row has beyond a plain profile.
mod has {
    /// Something; no plain profile has this bit.
    pub const HEAD: u8 = 0x80;
    /// A version before it.
    pub const BEFORE: u8 = 1;
    /// Since when it is so, which is not since its block was written.
    pub const SINCE: u8 = 2;
    /// The number was absorbed; no profile follows.
    pub const ABSORBED: u8 = 4;
    /// What it was is not kept; no profile follows.
    pub const FORGOTTEN: u8 = 8;
}

/// What a row says before it says what became of the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// Where the version before lies; nowhere if there is none.
    pub before: Location,
    /// Since when it is so, if not since its block was written.
    pub since: Option<Moment>,
}

/// A row.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    pub id: ProfileId,
    pub head: Head,
    pub became: Became,
}

/// Packs a moment.
pub fn put_moment(out: &mut Vec<u8>, moment: Moment) {
    // Commits are numbered below 2^63 (`CONTINUED_MAX`).
    put_uint(out, moment.seq.0 << 1 | u64::from(moment.at.is_some()));
    if let Some(at) = moment.at {
        put_time(out, at);
    }
}

/// See [`put_moment`].
pub fn moment(bytes: &mut Bytes<'_>) -> Result<Moment, Damaged> {
    let seq = bytes.uint()?;
    let at = if seq & 1 == 1 { Some(Timestamp(bytes.step(0)?.cast_signed())) } else { None };
    Ok(Moment { seq: CommitSeq(seq >> 1), at })
}

fn put_head(out: &mut Vec<u8>, head: Head, what: u8) {
    let bit = |bit, set: bool| if set { bit } else { 0 };
    let flags = bit(has::BEFORE, head.before != Location::NONE)
        | bit(has::SINCE, head.since.is_some())
        | what;
    if flags == 0 {
        return;
    }
    out.push(has::HEAD | flags);
    if head.before != Location::NONE {
        put_uint(out, u64::from(head.before.0));
    }
    if let Some(since) = head.since {
        put_moment(out, since);
    }
}

/// Packs a profile.
pub fn put_profile(head: Head, row: &Profile, names: &mut Names, out: &mut Vec<u8>) {
    put_head(out, head, 0);
    profile::put(row, names, out);
}

/// Packs what became of a number that is no profile.
pub fn put_absorbed(head: Head, id: ProfileId, by: ProfileId, out: &mut Vec<u8>) {
    put_head(out, head, has::ABSORBED);
    put_uint(out, id.0);
    put_uint(out, by.0);
}

/// Packs a row.
pub fn put(row: &Row, names: &mut Names, out: &mut Vec<u8>) {
    match &row.became {
        Became::Profile(profile) => put_profile(row.head, profile, names, out),
        Became::Absorbed(by) => put_absorbed(row.head, row.id, *by, out),
        Became::Forgotten => {
            put_head(out, row.head, has::FORGOTTEN);
            put_uint(out, row.id.0);
        }
    }
}

/// The head of a row, and what follows it.
pub fn head(item: &mut Item<'_>) -> Result<(Head, u8), Damaged> {
    let flags = item.bytes.0.first().copied().ok_or(Damaged)?;
    if flags & has::HEAD == 0 {
        return Ok((Head::default(), 0));
    }
    item.bytes.byte()?;
    let mut head = Head::default();
    if flags & has::BEFORE != 0 {
        head.before = Location(item.bytes.short()?);
    }
    if flags & has::SINCE != 0 {
        head.since = Some(moment(&mut item.bytes)?);
    }
    Ok((head, flags & (has::ABSORBED | has::FORGOTTEN)))
}

/// Unpacks a row.
pub fn read(mut item: Item<'_>) -> Result<Row, Damaged> {
    let (head, what) = head(&mut item)?;
    if what == 0 {
        let profile = profile::read(item)?;
        return Ok(Row { id: profile.id, head, became: Became::Profile(Box::new(profile)) });
    }
    let id = ProfileId(item.bytes.uint()?);
    let became = match what {
        has::ABSORBED => Became::Absorbed(ProfileId(item.bytes.uint()?)),
        has::FORGOTTEN => Became::Forgotten,
        _ => return Err(Damaged),
    };
    Ok(Row { id, head, became })
}

/// Unpacks a row that is a profile.
pub fn read_profile(mut item: Item<'_>) -> Result<Profile, Damaged> {
    match head(&mut item)? {
        (_, 0) => profile::read(item),
        _ => Err(Damaged),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hub_model::{CommitSeq, ProfileId, Timestamp};
    use hub_store::conformance::fixtures as f;
    use hub_store::{Became, Moment};

    use super::{Head, Item, Names, Row, put, put_absorbed, read, read_profile};
    use crate::block::Location;
    use crate::pack::{Bytes, profile};

    fn names(names: Names) -> Vec<Arc<str>> {
        let mut table = Vec::new();
        names.finish(&mut table);
        Names::read(&mut Bytes(&table)).unwrap()
    }

    #[test]
    fn a_first_version_is_a_plain_profile() {
        let (mut plain, mut headed) = (Vec::new(), Vec::new());
        profile::put(&f::profile(7), &mut Names::default(), &mut plain);
        let became = Became::Profile(Box::new(f::profile(7)));
        let row = Row { id: ProfileId(7), head: Head::default(), became };
        put(&row, &mut Names::default(), &mut headed);
        assert_eq!(plain, headed);
    }

    #[test]
    fn rows_come_back_with_what_they_lead_to() {
        let known = Moment { seq: CommitSeq(9), at: Some(Timestamp::from_seconds(-5)) };
        let heads = [Location::NONE, Location(1 << 20)].into_iter().flat_map(|before| {
            [None, Some(Moment::default()), Some(known)].map(|since| Head { before, since })
        });
        for head in heads {
            let profile = Became::Profile(Box::new(f::profile(3)));
            for became in [profile, Became::Absorbed(ProfileId(1)), Became::Forgotten] {
                let row = Row { id: ProfileId(3), head, became };
                let (mut table, mut bytes) = (Names::default(), Vec::new());
                put(&row, &mut table, &mut bytes);
                let names = names(table);
                let item = Item { names: &names, bytes: Bytes(&bytes) };
                assert_eq!(read(item).as_ref(), Ok(&row));
                let is_profile = matches!(row.became, Became::Profile(_));
                assert_eq!(read_profile(item).is_ok(), is_profile);
                let cut = Item { bytes: Bytes(&bytes[..bytes.len() - 1]), ..item };
                assert!(read(cut).is_err());
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_every_version() {
        let since = Some(Moment { seq: CommitSeq(5), at: Some(Timestamp(7)) });
        let mut bytes = Vec::new();
        let head = Head { before: Location(300), since };
        put_absorbed(head, ProfileId(9), ProfileId(4), &mut bytes);
        assert_eq!(bytes, [0x87, 0xac, 0x02, 11, 14, 9, 4]);
    }
}
