//! What profiles were before: which versions are told, and how a profile stood
//! at an instant.
//!
//! Every put of a profile, and every absorption by another, begins a version of
//! its number; the one before stays as history. A version is known by the commit
//! that wrote it and the instant that the committer's clock said then. Instants
//! never go back: a clock that was turned back counts as standing still, so that
//! "as of an instant" has one answer.
//!
//! What is told is decided here, once, for every body. The newest version is what
//! the profile is. Of those before, none is told that was replaced before the
//! store's horizon, nor beyond [`PROFILE_VERSIONS_MAX`]; where the telling ends
//! for that reason stands [`Became::Forgotten`]. Neither is one told that names a
//! record which was erased since, or whose past was forgotten: nobody can tell
//! which part of it came from that record, so all of it goes. A body keeps what
//! it likes of versions that are not told until it is compacted; then it keeps
//! nothing of them.

use hub_model::{CommitSeq, Profile, ProfileId, RecordNo, Timestamp};
use serde::{Deserialize, Serialize};

use crate::store::Error;
use crate::view::{ALIAS_HOPS_MAX, View};

/// Most versions of one profile that are kept, the newest included.
pub const PROFILE_VERSIONS_MAX: usize = 1_000;

/// When something became so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Moment {
    /// The commit; 0 = one before history was kept.
    pub seq: CommitSeq,
    /// The instant of that commit, if one was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// What became of a profile's number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// It was a profile, this one.
    Profile(Box<Profile>),
    /// Another profile had absorbed it.
    Absorbed(ProfileId),
    /// What it was is not kept.
    Forgotten,
}

/// What a profile's number stood for from one moment to the next version's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Since when.
    pub since: Moment,
    /// What it was.
    pub became: Became,
}

/// A stretch of the versions of a profile's number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryPage {
    /// The versions, newest first.
    pub versions: Vec<Version>,
    /// Whether there are older ones: go on before the last one's commit.
    pub more: bool,
}

/// How a profile stood at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AsOf {
    /// Nobody had the number yet.
    Nobody,
    /// This is how. Its id is another if it had been absorbed by then.
    Profile {
        /// Since when it stood so.
        since: Moment,
        /// The profile.
        profile: Box<Profile>,
    },
    /// What it was then is not kept any more.
    Forgotten,
}

/// How much of a version is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// All of it.
    Whole,
    /// That it was, not what.
    Hollow,
    /// The same, and nothing of those before.
    Last,
}

/// How much of a version is kept that has `newer` ones after it, of which the
/// next began at `replaced`. `from` is the store's horizon; `is_gone` says whether
/// what a record had said before a commit may be told no more.
///
/// # Errors
/// What `is_gone` answers.
pub fn kept(
    version: &Version,
    (newer, replaced): (usize, Moment),
    from: Option<Timestamp>,
    mut is_gone: impl FnMut(RecordNo, CommitSeq) -> Result<bool, Error>,
) -> Result<Kept, Error> {
    if newer == 0 {
        return Ok(Kept::Whole);
    }
    let is_past = from.is_some_and(|from| replaced.at.is_none_or(|at| at < from));
    if is_past || newer >= PROFILE_VERSIONS_MAX {
        return Ok(Kept::Last);
    }
    if let Became::Profile(profile) = &version.became {
        for record in &profile.records {
            if is_gone(*record, version.since.seq)? {
                return Ok(Kept::Hollow);
            }
        }
    }
    Ok(Kept::Whole)
}

/// The versions of exactly this number, newest first, as they are told.
pub fn told(view: &impl View, id: ProfileId) -> impl Iterator<Item = Result<Version, Error>> {
    let mut rest = view.versions(id);
    let (mut newer, mut replaced) = (0, Moment::default());
    let mut at_end = false;
    std::iter::from_fn(move || {
        let next = if at_end { None } else { Some(rest.next()?) };
        let told = next.map(|version| {
            let mut version = version?;
            let kept = kept(&version, (newer, replaced), view.history_from()?, |record, seq| {
                let forgotten = view.forgotten(record)?.is_some_and(|before| seq < before);
                Ok(forgotten || !view.has_record(record)?)
            })?;
            (newer, replaced) = (newer + 1, version.since);
            at_end = kept == Kept::Last;
            if kept != Kept::Whole {
                version.became = Became::Forgotten;
            }
            Ok(version)
        });
        at_end |= matches!(told, Some(Err(_)));
        told
    })
}

/// The versions before a commit; the newest ones without.
///
/// # Errors
/// Whatever the view answers.
pub fn page(
    view: &impl View,
    id: ProfileId,
    before: Option<CommitSeq>,
    limit: usize,
) -> Result<HistoryPage, Error> {
    let mut page = HistoryPage::default();
    for version in told(view, id) {
        let version = version?;
        if before.is_some_and(|before| version.since.seq >= before) {
            continue;
        }
        if page.versions.len() >= limit {
            page.more = true;
            break;
        }
        page.versions.push(version);
    }
    Ok(page)
}

/// How a profile stood at an instant, absorptions until then followed.
///
/// # Errors
/// Whatever the view answers.
pub fn as_of(view: &impl View, id: ProfileId, at: Timestamp) -> Result<AsOf, Error> {
    let asked = id;
    let mut id = id;
    for _ in 0..ALIAS_HOPS_MAX {
        let mut found = None;
        for version in told(view, id) {
            let version = version?;
            if version.since.at.is_none_or(|since| since <= at) {
                found = Some(version);
                break;
            }
            // The oldest of what is told: it was so from then, or from before.
            found = Some(version).filter(|version| version.became == Became::Forgotten);
        }
        match found {
            None if id == asked => return Ok(AsOf::Nobody),
            // Whoever had absorbed it left for ever.
            None => return Ok(AsOf::Forgotten),
            Some(Version { became: Became::Absorbed(by), .. }) => id = by,
            Some(Version { became: Became::Forgotten, .. }) => return Ok(AsOf::Forgotten),
            Some(Version { since, became: Became::Profile(profile) }) => {
                return Ok(AsOf::Profile { since, profile });
            }
        }
    }
    Err(Error::Corrupt(format!("the absorptions of profile {asked} form a circle")))
}
