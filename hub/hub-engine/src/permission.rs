//! Whether a destination may have anything of somebody: the consents that it requires,
//! the segment that it is for, and the time of his data.
//!
//! Membership is what the audience follower has kept; a delivery follows the change log
//! no further than it ([`crate::delivery`]). The consent that the segment is for is
//! asked anew all the same, as every consent is: it may have been withdrawn since.

use std::collections::BTreeSet;

use hub_core::{consent, sync};
use hub_model::{ConsentKey, Fault, FaultCode, Mapping, Profile, ProfileId, Record, Timestamp};
use hub_store::Error;
use plugin_api::StreamInfo;

use crate::reading;
use crate::run::RunContext;
use crate::workspace::Workspace;

/// The stream of a run's sync as a destination: everything that it needs a consent for
/// is asked of whoever is brought there.
///
/// # Errors
/// [`FaultCode::NoConsent`], and what [`reading::stream_info`] fails with.
pub(crate) async fn destination(context: &mut RunContext<'_>) -> Result<StreamInfo, Fault> {
    let stream = reading::stream_info(context).await?;
    let mapping = &context.job.mapping;
    let segment = mapping.segment.as_ref();
    let segment = segment.and_then(|name| context.workspace.rules.segment(name));
    if let Some(purpose) = consent::not_asked(&stream.purposes, mapping, segment) {
        return Err(Fault::new(FaultCode::NoConsent)
            .at(format!("syncs/{}/requires", context.job.id()))
            .with("stream", &stream.name)
            .with("purpose", purpose));
    }
    Ok(stream)
}

/// What is to be asked about profiles before anything of them is brought somewhere.
pub(crate) struct Permission {
    requires: Vec<ConsentKey>,
    /// Those who are in the segment that the sync is for; none = it is for everybody.
    members: Option<BTreeSet<ProfileId>>,
}

impl Permission {
    /// For a sync, about some profiles.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn of(
        workspace: &Workspace,
        mapping: &Mapping,
        profiles: impl Iterator<Item = ProfileId> + Send,
    ) -> Result<Self, Error> {
        let mut requires = mapping.requires.clone();
        let Some(name) = &mapping.segment else { return Ok(Self { requires, members: None }) };
        requires.extend(workspace.rules.segment(name).map(|segment| segment.purpose.clone()));
        let ids: Vec<ProfileId> = profiles.collect();
        let standings = workspace.store.standings(&ids).await?;
        let members = standings.into_iter().filter(|s| s.segments.contains_key(name));
        Ok(Self { requires, members: Some(members.map(|standing| standing.profile).collect()) })
    }

    /// Whether the sync may be told of a profile.
    pub fn is_given(&self, profile: &Profile, members: &[&Record], now: Timestamp) -> bool {
        let is_meant = self.members.as_ref().is_none_or(|ids| ids.contains(&profile.id));
        is_meant && sync::may_have(profile, members, &self.requires, now)
    }
}
