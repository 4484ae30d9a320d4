//! Following the change log from a kept position.
//!
//! A new follower notes the head of the log, scans what there is, then follows from
//! the head: nothing that existed before it is missed, nothing
//! that changes while it scans either.

use std::collections::BTreeSet;

use hub_model::{CommitSeq, Mapping, PositionName, ProfileId, RecordNo, StreamRef};
use hub_store::{Error, PositionChange, Store};
use serde::{Deserialize, Serialize};

/// Where a follower stands, as kept in its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// Scanning what comes after `after`; then following the log from `then`.
    Scan {
        /// The last one that is done.
        after: Option<ProfileId>,
        /// The head of the log when the scan began.
        then: CommitSeq,
    },
    /// Following: everything up to this commit is done.
    Log(CommitSeq),
}

/// What a follower looks at from its beginning.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whole<'a> {
    /// All profiles.
    Profiles,
    /// All objects of a stream.
    Objects(&'a StreamRef),
}

impl<'a> From<&'a Mapping> for Whole<'a> {
    /// What a mapping's sync writes about.
    fn from(mapping: &'a Mapping) -> Self {
        mapping.made_of.as_ref().map_or(Self::Profiles, |made_of| Self::Objects(&made_of.stream))
    }
}

impl Whole<'_> {
    /// The next ids after one, lowest first.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn next(
        self,
        store: &dyn Store,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<ProfileId>, Error> {
        match self {
            Self::Profiles => store.profile_ids(after, limit).await,
            Self::Objects(stream) => {
                let after = after.map(|id| RecordNo(id.0));
                let records = store.scan_records(stream, after, limit).await?;
                Ok(records.into_iter().map(|record| record.number.into()).collect())
            }
        }
    }
}

/// What a follower has to look at next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The profiles and objects that may be dirty, each once, lowest first.
    pub profiles: Vec<ProfileId>,
    /// The position to commit when they are done.
    pub position: Option<PositionChange>,
    /// Whether there was nothing left.
    pub at_end: bool,
}

/// A position that cannot be read is treated as none: a scan repeats work and
/// changes nothing.
fn place(kept: Option<&[u8]>) -> Option<Place> {
    serde_json::from_slice(kept?).ok()
}

/// Entries of the log that are read at once when nothing is moved.
const AHEAD_ENTRIES: usize = 1_000;

/// Whom a follower has yet to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ahead {
    /// Its scan is not over: anybody may be among them.
    Everybody,
    /// Those who have changed; some may have been absorbed since.
    These(BTreeSet<ProfileId>),
}

/// Whom a follower has yet to look at; its position stays.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn ahead(store: &dyn Store, name: &PositionName) -> Result<Ahead, Error> {
    let Some(Place::Log(mut seq)) = place(store.position(name).await?.as_deref()) else {
        return Ok(Ahead::Everybody);
    };
    let mut these = BTreeSet::new();
    loop {
        let page = store.log(seq, AHEAD_ENTRIES).await?;
        these.extend(page.changes.iter().map(|change| change.profile));
        seq = page.next;
        if page.next >= page.head {
            return Ok(Ahead::These(these));
        }
    }
}

/// The commit from which a follower follows the log, or will when its scan is over.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn from(store: &dyn Store, name: &PositionName) -> Result<CommitSeq, Error> {
    match place(store.position(name).await?.as_deref()) {
        Some(Place::Scan { then, .. }) => Ok(then),
        Some(Place::Log(seq)) => Ok(seq),
        None => Ok(store.log(CommitSeq(u64::MAX), 1).await?.head),
    }
}

/// The next stretch of about `limit` profiles after the kept position.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn next(
    store: &dyn Store,
    name: &PositionName,
    whole: Whole<'_>,
    limit: usize,
) -> Result<Stretch, Error> {
    let kept = store.position(name).await?;
    let place = match place(kept.as_deref()) {
        Some(place) => place,
        None => Place::Scan { after: None, then: store.log(CommitSeq(u64::MAX), 1).await?.head },
    };
    let (profiles, after, at_end) = match place {
        Place::Scan { after, then } => {
            let profiles = whole.next(store, after, limit).await?;
            match profiles.last() {
                Some(last) => {
                    let after = Place::Scan { after: Some(*last), then };
                    (profiles, after, false)
                }
                None => (profiles, Place::Log(then), false),
            }
        }
        Place::Log(seq) => {
            let page = store.log(seq, limit).await?;
            let mut profiles: Vec<_> = page.changes.iter().map(|change| change.profile).collect();
            profiles.sort_unstable();
            profiles.dedup();
            (profiles, Place::Log(page.next), page.next >= page.head)
        }
    };
    let new = serde_json::to_vec(&after).ok();
    // At the end with nothing to do there is nothing to keep: keeping it would
    // itself move the head, and every look would commit.
    let idle = at_end && profiles.is_empty() && kept.is_some();
    let position =
        (new != kept && !idle).then(|| PositionChange { name: name.clone(), expected: kept, new });
    Ok(Stretch { profiles, position, at_end })
}
