//! A separation as somebody asks for it: some records of a profile are another
//! person.

use std::collections::BTreeSet;

use hub_model::{Decision, DecisionKind, Origin, Profile, Record, RecordNo, Stamp, Timestamp};

/// Why a profile cannot be taken apart like this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotASeparation {
    /// A record is not one of the profile's.
    #[error("record {0} does not belong to the profile")]
    Stranger(RecordNo),
    /// Nothing, or everything, would leave.
    #[error("each side of a separation needs a record")]
    OneSided,
}

/// The decision that some records of a profile are another person than the
/// rest. It names every record of both sides, so that each side is confirmed to
/// be one person whatever its values say, and survives every re-read.
///
/// # Errors
/// [`NotASeparation`].
pub fn separation(
    profile: &Profile,
    leaving: &BTreeSet<RecordNo>,
    stamp: Stamp,
    author: &str,
    at: Timestamp,
) -> Result<Decision, NotASeparation> {
    let all: BTreeSet<RecordNo> = profile.records.iter().copied().collect();
    if let Some(stranger) = leaving.difference(&all).next() {
        return Err(NotASeparation::Stranger(*stranger));
    }
    let staying: BTreeSet<RecordNo> = all.difference(leaving).copied().collect();
    if leaving.is_empty() || staying.is_empty() {
        return Err(NotASeparation::OneSided);
    }
    let kind = DecisionKind::Separation { left: staying, right: leaving.clone() };
    Ok(Decision { stamp, kind, author: author.to_owned(), at })
}

/// The decisions that undo a separation, or join two profiles for good: every
/// record of one is the same person as every record of the other. One pair
/// would not do, since the newest decision counts pair by pair.
pub fn union(
    left: &Profile,
    right: &Profile,
    mut stamp: impl FnMut() -> Stamp,
    author: &str,
    at: Timestamp,
) -> Vec<Decision> {
    let pairs = left.records.iter().flat_map(|a| right.records.iter().map(move |b| (*a, *b)));
    pairs
        .map(|(left, right)| Decision {
            stamp: stamp(),
            kind: DecisionKind::Match { left, right },
            author: author.to_owned(),
            at,
        })
        .collect()
}

/// Records that leave a profile, with those that the hub created for them: a row
/// that we made for somebody goes where that somebody goes.
pub fn with_created(leaving: &BTreeSet<RecordNo>, members: &[Record]) -> BTreeSet<RecordNo> {
    let goes = |record: &&Record| match record.origin {
        Origin::Created { for_record } => leaving.contains(&for_record),
        Origin::Received => false,
    };
    leaving.iter().copied().chain(members.iter().filter(goes).map(|r| r.number)).collect()
}

/// The stamps of the decisions by which somebody joined a record to its profile
/// last, all at one time; `None` if nobody did.
pub fn by_hand(
    profile: &Profile,
    record: RecordNo,
    decisions: &[Decision],
) -> Option<BTreeSet<Stamp>> {
    let pair = |decision: &Decision| match &decision.kind {
        DecisionKind::Match { left, right } => Some((*left, *right)),
        DecisionKind::Separation { .. }
        | DecisionKind::Value { .. }
        | DecisionKind::Withdrawal { .. } => None,
    };
    let held = |number: &RecordNo| profile.records.contains(number);
    let about = |decision: &&Decision| {
        pair(decision).is_some_and(|(left, right)| {
            (left == record || right == record) && held(&left) && held(&right)
        })
    };
    let last = decisions.iter().filter(about).max_by_key(|decision| decision.stamp)?;
    let same = |d: &&Decision| d.author == last.author && d.at == last.at && pair(d).is_some();
    Some(decisions.iter().filter(same).map(|decision| decision.stamp).collect())
}
