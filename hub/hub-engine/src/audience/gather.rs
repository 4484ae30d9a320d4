//! What segments ask for beside a profile: its events and the objects around it.

use hub_core::audience::{Gathered, Needs};
use hub_core::event;
use hub_model::{Claimed, Identity, Profile, Timestamp};
use hub_store::Error;

use crate::related::{self, COUNTED_RECORDS_MAX};
use crate::workspace::Workspace;

/// Events read at once.
const STEP_EVENTS: usize = 100;
/// Most events that are looked at for one profile, the newest: what lies before them
/// is not counted.
const EVENTS_LOOKED_AT_MAX: usize = 10_000;

/// What is to be known of somebody.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn gather(
    workspace: &Workspace,
    needs: &Needs,
    profile: &Profile,
    now: Timestamp,
) -> Result<Gathered, Error> {
    let mut gathered = Gathered::default();
    let asks = needs.has_events() || needs.has_relations();
    if !asks || !needs.is_about(&profile.kind) {
        return Ok(gathered);
    }
    let own = own(workspace, profile).await?;
    if needs.has_events() {
        events(workspace, needs, &own, now, &mut gathered).await?;
    }
    if needs.has_relations() {
        let known = Profile { identities: own, ..profile.clone() };
        let ends = related::ends(workspace, &known).await?;
        let links = related::links(workspace, &ends, None, None, COUNTED_RECORDS_MAX).await?;
        for link in links.links.into_iter().filter(|link| needs.counts(&link.kind)) {
            gathered.relate(link.kind, link.role);
        }
    }
    Ok(gathered)
}

/// The identities that lead to the profile: a value that too many carry leads to
/// nobody, and nobody would be judged when something happens under it.
async fn own(workspace: &Workspace, profile: &Profile) -> Result<Vec<Claimed>, Error> {
    let identities: Vec<Identity> =
        profile.identities.iter().map(|claimed| claimed.identity.clone()).collect();
    let claims = workspace.store.claims(&identities).await?;
    let claimed = profile.identities.iter().zip(claims);
    let own = claimed.filter(|(_, claim)| claim.profiles.contains(&profile.id));
    Ok(own.map(|(claimed, _)| claimed.clone()).collect())
}

async fn events(
    workspace: &Workspace,
    needs: &Needs,
    own: &[Claimed],
    now: Timestamp,
    gathered: &mut Gathered,
) -> Result<(), Error> {
    let by = event::reach(own, &workspace.rules);
    let (mut before, mut looked_at) = (None, 0);
    while looked_at < EVENTS_LOOKED_AT_MAX {
        let page = workspace.store.events(&by, before, STEP_EVENTS).await?;
        looked_at += page.events.len();
        for event in &page.events {
            if gathered.is_enough(needs, event.time, now) {
                return Ok(());
            }
            gathered.hear(needs, &event.name, event.time);
        }
        before = page.next;
        if before.is_none() {
            return Ok(());
        }
    }
    Ok(())
}
