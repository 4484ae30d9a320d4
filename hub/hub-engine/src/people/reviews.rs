//! Connections that the rules saw and did not make: both sides, the reason, and
//! what was settled about them since.

use std::collections::BTreeSet;

use hub_core::identity::Separations;
use hub_model::{Identity, Profile, RecordNo};
use hub_store::{Error, Review};

use crate::workspace::Workspace;

/// Most reports that are looked through for those that are still open.
pub const REPORTS_LOOKED_AT_MAX: usize = 10_000;

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Settled {
    /// Nothing yet: somebody should look.
    Open,
    /// Both sides are one profile now.
    Joined,
    /// Somebody decided that they are different people.
    Refused,
}

impl Settled {
    /// The standing as a stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Joined => "joined",
            Self::Refused => "refused",
        }
    }
}

/// A report with both sides as they are now.
#[derive(Debug, Clone, PartialEq)]
pub struct Reported {
    /// The value that both carry.
    pub identity: Identity,
    /// Why they were not joined; see [`Review::reason`].
    pub reason: String,
    /// How many records carry the value now.
    pub carriers: u32,
    /// Who brought it.
    pub left: Profile,
    /// Who had it; the same as `left` once they are joined.
    pub right: Profile,
    /// What became of it.
    pub settled: Settled,
}

/// The reports, those that are open only unless `all` are wanted. Reports of the
/// same two profiles about one value, from before a merge, are one.
///
/// # Errors
/// When the store cannot answer.
pub async fn list(workspace: &Workspace, all: bool, limit: usize) -> Result<Vec<Reported>, Error> {
    let store = &workspace.store;
    let reviews = store.reviews(REPORTS_LOOKED_AT_MAX).await?;
    let separations = Separations::new(&store.decisions().await?);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for Review { identity, left, right, reason } in reviews {
        if found.len() >= limit {
            break;
        }
        let sides = store.profiles(&[left, right]).await?;
        let [Some(left), Some(right)] = sides.as_slice() else { continue };
        let settled = settled(left, right, &separations);
        let key = (identity.clone(), left.id, right.id, reason.clone());
        if (!all && settled != Settled::Open) || !seen.insert(key) {
            continue;
        }
        let carriers = store.claims(std::slice::from_ref(&identity)).await?;
        let carriers = carriers.first().map_or(0, |claim| claim.carriers);
        let (left, right) = (left.clone(), right.clone());
        found.push(Reported { identity, reason, carriers, left, right, settled });
    }
    Ok(found)
}

fn settled(left: &Profile, right: &Profile, separations: &Separations) -> Settled {
    let records =
        |profile: &Profile| -> BTreeSet<RecordNo> { profile.records.iter().copied().collect() };
    if left.id == right.id {
        Settled::Joined
    } else if separations.forbid(&records(left), &records(right)) {
        Settled::Refused
    } else {
        Settled::Open
    }
}
