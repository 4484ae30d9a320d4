//! Following the change log from a kept position.
//!
//! A new follower notes the head of the log, scans the current profiles, then
//! follows from the head: nothing that existed before it is missed, nothing
//! that changes while it scans either.

use hub_model::{CommitSeq, PositionName, ProfileId};
use hub_store::{Error, PositionChange, Store};
use serde::{Deserialize, Serialize};

/// Where a follower stands, as kept in its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// Scanning profiles after `after`; then following the log from `then`.
    Scan {
        /// The last profile that is done.
        after: Option<ProfileId>,
        /// The head of the log when the scan began.
        then: CommitSeq,
    },
    /// Following: everything up to this commit is done.
    Log(CommitSeq),
}

/// What a follower has to look at next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The profiles that may be dirty, each once, lowest first.
    pub profiles: Vec<ProfileId>,
    /// The position to commit when they are done.
    pub position: Option<PositionChange>,
    /// Whether there was nothing left.
    pub at_end: bool,
}

/// The next stretch of about `limit` profiles after the kept position.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn next(
    store: &dyn Store,
    name: &PositionName,
    limit: usize,
) -> Result<Stretch, Error> {
    let kept = store.position(name).await?;
    let place = match kept.as_deref().map(serde_json::from_slice::<Place>) {
        Some(Ok(place)) => place,
        // A position that cannot be read is treated as none: a scan repeats
        // work and changes nothing.
        Some(Err(_)) | None => {
            Place::Scan { after: None, then: store.log(CommitSeq(u64::MAX), 1).await?.head }
        }
    };
    let (profiles, after, at_end) = match place {
        Place::Scan { after, then } => {
            let profiles = store.profile_ids(after, limit).await?;
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
