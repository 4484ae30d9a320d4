//! Who takes over what was asked for somebody who is gone since: looks up who
//! claims now what the row is found by, and asks the core.

use hub_core::identity::Separations;
use hub_core::mapping::identity_in;
use hub_core::sync;
use hub_model::{Identity, Profile, Record};
use hub_store::Error;
use plugin_api::LookupKey;

use crate::run::RunContext;

/// The profile that a row belongs to which was asked for the members of another
/// one, if that is not theirs any more. `key` is what finds the row.
pub(super) async fn heir(
    context: &RunContext<'_>,
    (profile, members): (&Profile, &[&Record]),
    key: &LookupKey,
) -> Result<Option<Profile>, Error> {
    // Nearly always somebody is there.
    if members.iter().any(|record| record.is_live()) {
        return Ok(None);
    }
    let Some(identity) = named(context, key) else { return Ok(None) };
    let store = &context.workspace.store;
    let claims = store.claims(&[identity]).await?;
    let ids: Vec<_> = claims.into_iter().flat_map(|claim| claim.profiles).collect();
    let claimants = store.profiles(&ids).await?.into_iter().flatten();
    let claimants: Vec<Profile> = claimants.filter(|other| other.kind == profile.kind).collect();
    let separations = Separations::new(&store.decisions().await?);
    Ok(sync::heir(members, &claimants, &separations).cloned())
}

/// Whom the value names by which a row is found: in the namespace of its pair, or
/// of another system's pair of the same trait where this one is only written.
fn named(context: &RunContext<'_>, key: &LookupKey) -> Option<Identity> {
    let LookupKey::Fields(fields) = key else { return None };
    let (field, value) = fields.first_key_value()?;
    let pair = context.job.mapping.field(field.as_str())?;
    let rules = &context.workspace.rules;
    let pairs = rules.mappings.iter().flat_map(|mapping| &mapping.fields);
    let mut same = pairs.filter(|other| other.to == pair.to);
    let name = pair.identity.as_ref().or_else(|| same.find_map(|other| other.identity.as_ref()))?;
    identity_in(pair, rules.namespace(name)?, value)
}
