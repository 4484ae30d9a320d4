//! Whether a destination may have anything of somebody: the consents that it requires,
//! the segment that it is for, the list of those to whom nothing is sent, and the time
//! of his data.
//!
//! Membership is what the audience follower has kept; a delivery follows the change log
//! no further than it ([`crate::delivery`]). The consent that the segment is for is
//! asked anew all the same, as every consent is: it may have been withdrawn since.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::identity::{Normalised, normalise};
use hub_core::{consent, sync};
use hub_model::{
    ChannelName, ConsentKey, Fault, FaultCode, FieldName, Identity, Mapping, Normaliser, Profile,
    ProfileId, Record, Stamp, Timestamp, Value,
};
use hub_store::Error;
use plugin_api::StreamInfo;

use crate::reading;
use crate::run::RunContext;
use crate::suppressions;
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
pub(crate) struct Permission<'w> {
    workspace: &'w Workspace,
    requires: Vec<ConsentKey>,
    /// The channels on which they are told something.
    channels: BTreeSet<ChannelName>,
    /// The rows are messages.
    sends: bool,
    /// Those who are in the segment that the sync is for; none = it is for everybody.
    members: Option<BTreeSet<ProfileId>>,
}

impl<'w> Permission<'w> {
    /// For the sync of a run, about some profiles.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn of(
        context: &RunContext<'w>,
        profiles: impl Iterator<Item = ProfileId> + Send,
    ) -> Result<Self, Error> {
        let sends = context.stream.as_ref().and_then(|stream| stream.sends.as_deref());
        Self::of_sync((context.workspace, &context.job.mapping), sends, profiles).await
    }

    /// For a sync whose rows are messages on a channel, if they are.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn of_sync(
        (workspace, mapping): (&'w Workspace, &Mapping),
        sends: Option<&str>,
        profiles: impl Iterator<Item = ProfileId> + Send,
    ) -> Result<Self, Error> {
        let mut requires = mapping.requires.clone();
        let mut members = None;
        if let Some(name) = &mapping.segment {
            requires.extend(workspace.rules.segment(name).map(|segment| segment.purpose.clone()));
            let ids: Vec<ProfileId> = profiles.collect();
            let standings = workspace.store.standings(&ids).await?;
            let own = standings.into_iter().filter(|s| s.segments.contains_key(name));
            members = Some(own.map(|standing| standing.profile).collect());
        }
        let channels = suppressions::channels(&requires, sends);
        Ok(Self { workspace, requires, channels, sends: sends.is_some(), members })
    }

    /// Whether the sync may be told of a profile.
    pub fn is_given(&self, profile: &Profile, members: &[&Record], now: Timestamp) -> bool {
        let is_meant = self.members.as_ref().is_none_or(|ids| ids.contains(&profile.id));
        is_meant
            && sync::may_have(profile, members, &self.requires, now)
            && !self.is_listed(profile)
    }

    /// Whether nothing may be sent to a profile, by any identity that it has: who
    /// complains under one address means the others as well.
    pub fn is_listed(&self, profile: &Profile) -> bool {
        self.is_suppressed(profile.identities.iter().map(|claimed| &claimed.identity))
    }

    /// Whether a message may go to whom it is addressed: the address need not be one by
    /// which anybody is known. Values in the form of an address count, not codes, which
    /// any number may be.
    pub fn may_be_told(&self, fields: &BTreeMap<FieldName, (Value, Stamp)>) -> bool {
        let addresses = [Normaliser::Email, Normaliser::Phone, Normaliser::Device];
        let namespaces = &self.workspace.rules.namespaces;
        let named = |value: &Value| -> Vec<Identity> {
            let own = namespaces.iter().filter(|own| addresses.contains(&own.normaliser));
            let of = own.map(|namespace| normalise(namespace, value));
            of.filter_map(|normalised| match normalised {
                Normalised::Identity(identity) => Some(identity),
                Normalised::Empty | Normalised::Invalid(_) | Normalised::Never => None,
            })
            .collect()
        };
        let is_free = |value: &Value| !self.is_suppressed(named(value).iter());
        !self.sends || fields.values().all(|(value, _)| is_free(value))
    }

    fn is_suppressed<'a>(&self, identities: impl Iterator<Item = &'a Identity>) -> bool {
        let Workspace { suppressions, tombstones, .. } = self.workspace;
        suppressions.forbid(tombstones, &self.channels, identities)
    }
}
