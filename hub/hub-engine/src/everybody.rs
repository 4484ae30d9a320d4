//! Everybody, some at a time: for what no index tells.

use hub_model::{Profile, ProfileId, Record, RecordNo};
use hub_store::{Error, Store};

/// Profiles per step.
const STEP_PROFILES: usize = 500;

/// All profiles of a store in order of id, also those of streams that no mapping
/// reads any more.
#[derive(Debug, Default)]
pub(crate) struct Everybody {
    after: Option<ProfileId>,
}

impl Everybody {
    /// The next ones; `None` at the end.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn profiles(&mut self, store: &dyn Store) -> Result<Option<Vec<Profile>>, Error> {
        let profiles = store.scan_profiles(self.after, STEP_PROFILES).await?;
        let Some(last) = profiles.last() else { return Ok(None) };
        self.after = Some(last.id);
        Ok(Some(profiles))
    }

    /// The records of the next ones; `None` at the end.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn records(&mut self, store: &dyn Store) -> Result<Option<Vec<Record>>, Error> {
        let Some(profiles) = self.profiles(store).await? else { return Ok(None) };
        let numbers: Vec<RecordNo> = profiles.into_iter().flat_map(|p| p.records).collect();
        Ok(Some(store.records(&numbers).await?.into_iter().flatten().collect()))
    }
}
