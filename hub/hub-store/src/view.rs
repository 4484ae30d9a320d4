//! Single-row look-ups: all that the rules and the audit need of a body.

use hub_model::{
    Claim, CommitSeq, Decision, Event, Identity, PositionName, Profile, ProfileId, Record,
    RecordNo, RecordRef, Related, Stamp, Timestamp,
};

use crate::dump::Rows;
use crate::history::Version;
use crate::store::Error;
use crate::write_set::Counters;

/// Longest chain of aliases. Each hop is one merge of the profile that survived
/// the one before; a longer chain can only be a circle, hence damage.
pub const ALIAS_HOPS_MAX: usize = 100_000;

/// One state of a store, row by row, nothing followed and nothing resolved.
pub trait View {
    /// The newest commit.
    fn seq(&self) -> Result<CommitSeq, Error>;
    /// The numbers given out so far.
    fn counters(&self) -> Result<Counters, Error>;
    /// The record of a number.
    fn record(&self, number: RecordNo) -> Result<Option<Record>, Error>;
    /// Whether there is a record of a number.
    fn has_record(&self, number: RecordNo) -> Result<bool, Error> {
        Ok(self.record(number)?.is_some())
    }
    /// The number of a row of a stream.
    fn number(&self, at: &RecordRef) -> Result<Option<RecordNo>, Error>;
    /// The profile of exactly this id.
    fn profile(&self, id: ProfileId) -> Result<Option<Profile>, Error>;
    /// What absorbed this profile, one hop.
    fn alias(&self, id: ProfileId) -> Result<Option<ProfileId>, Error>;
    /// The claim row of an identity, ids as stored.
    fn claim(&self, identity: &Identity) -> Result<Option<Claim>, Error>;
    /// Whether a record is found as one that relates to this.
    fn is_related(&self, to: &Related, number: RecordNo) -> Result<bool, Error>;
    /// A position.
    fn position(&self, name: &PositionName) -> Result<Option<Vec<u8>>, Error>;
    /// The decision of a stamp.
    fn decision(&self, stamp: Stamp) -> Result<Option<Decision>, Error>;
    /// The event of a key.
    fn event(&self, at: &RecordRef) -> Result<Option<Event>, Error>;
    /// How many bodies wait in the inbox.
    fn inbox_entries(&self) -> Result<u64, Error>;
    /// The number of the last inbox body ever received.
    fn inbox_last(&self) -> Result<u64, Error>;
    /// The newest instant that the store was told.
    fn instant(&self) -> Result<Option<Timestamp>, Error>;
    /// The horizon of history.
    fn history_from(&self) -> Result<Option<Timestamp>, Error>;
    /// The commit before which nothing of a record may be told.
    fn forgotten(&self, number: RecordNo) -> Result<Option<CommitSeq>, Error>;
    /// What is kept of exactly this number, newest first: what it stands for, and
    /// what it was before, be it told or not.
    fn versions(&self, id: ProfileId) -> Rows<'_, Version>;

    /// The profile that an id stands for now: itself, or what absorbed it.
    fn resolve(&self, id: ProfileId) -> Result<ProfileId, Error> {
        let mut at = id;
        for _ in 0..ALIAS_HOPS_MAX {
            match self.alias(at)? {
                Some(next) => at = next,
                None => return Ok(at),
            }
        }
        Err(Error::Corrupt(format!("the aliases from profile {id} form a circle")))
    }

    /// A claim for readers: aliases followed, lowest first, no doubles.
    fn resolved_claim(&self, identity: &Identity) -> Result<Claim, Error> {
        let Some(mut claim) = self.claim(identity)? else { return Ok(Claim::default()) };
        for id in &mut claim.profiles {
            *id = self.resolve(*id)?;
        }
        claim.profiles.sort_unstable();
        claim.profiles.dedup();
        Ok(claim)
    }
}
