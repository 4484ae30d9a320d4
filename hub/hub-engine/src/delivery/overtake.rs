//! Who refuses overtakes: what tells a system of it, or takes back what it has, is
//! brought before everything that waits, also when it comes in while a long delivery is
//! under way.
//!
//! The change log says who has changed since; whose consents hold a refusal, and to whom
//! nothing may be sent, is brought at once. The follower comes to them once more and finds
//! nothing left to do.

use hub_core::consent;
use hub_model::{CommitSeq, Fault, Profile, ProfileId};

use crate::audience;
use crate::follower;
use crate::permission::Permission;
use crate::run::RunContext;

/// Entries of the log that are read at once.
const STEP_ENTRIES: usize = 1_000;

/// How far the log was looked at for who refuses.
pub(super) struct Overtaking {
    seen: Option<CommitSeq>,
}

impl Overtaking {
    /// From where the follower of a run's sync stands. Nobody overtakes where nothing of
    /// consents is asked or told.
    pub async fn of(context: &RunContext<'_>) -> Result<Self, Fault> {
        let (mapping, rules) = (&context.job.mapping, &context.workspace.rules);
        let concerns = mapping.made_of.is_none() && consent::concerns(mapping, rules);
        let store = &*context.workspace.store;
        let name = context.job.delivery_position();
        let seen = if concerns { Some(follower::from(store, &name).await?) } else { None };
        Ok(Self { seen })
    }

    /// Who has changed since the last look and refuses something.
    pub async fn next(&mut self, context: &RunContext<'_>) -> Result<Vec<ProfileId>, Fault> {
        let Some(mut seen) = self.seen else { return Ok(Vec::new()) };
        let store = &*context.workspace.store;
        let permission = Permission::of(context, std::iter::empty()).await?;
        let refuses = |it: &Profile| consent::refuses(it) || permission.is_listed(it);
        let mut refusing = Vec::new();
        loop {
            context.go_on()?;
            let page = store.log(seen, STEP_ENTRIES).await?;
            let mut ids: Vec<ProfileId> = page.changes.iter().map(|it| it.profile).collect();
            ids.sort_unstable();
            ids.dedup();
            let profiles = store.profiles(&ids).await?.into_iter().flatten();
            refusing.extend(profiles.filter(refuses).map(|profile| profile.id));
            seen = page.next;
            if page.next >= page.head {
                break;
            }
        }
        self.seen = Some(seen);
        refusing.sort_unstable();
        refusing.dedup();
        if !refusing.is_empty() && context.job.mapping.segment.is_some() {
            // Never further than members are judged.
            audience::follow(context.workspace).await?;
        }
        Ok(refusing)
    }
}
