//! What a guest is asked about audiences.

use hub_model::Fault;
use plugin_api::{Consent, ContainerWish, Identity, Member, MemberChange, MemberRequest};

use crate::decode::bug;
use crate::instance::AudienceAsk;
use crate::since_v0_1_0::exported::audience as wit;
use crate::since_v0_1_0::imported::types;

/// A container that should be there.
///
/// # Errors
/// `connector-bug` for settings that are no JSON, which none are known to be.
pub(crate) fn wish(wish: &ContainerWish) -> Result<wit::ContainerWish, Fault> {
    let settings = serde_json::to_string(&wish.settings).map_err(|_| bug("settings not JSON"))?;
    Ok(wit::ContainerWish {
        key: wish.key.as_ref().map(|key| key.as_str().to_owned()),
        title: wish.title.clone(),
        kind: wish.kind.clone(),
        settings,
    })
}

/// Changes of members.
pub(crate) fn members(request: &MemberRequest) -> AudienceAsk {
    let session = request.session.map(|session| wit::ReplaceSession {
        id: session.id,
        sequence: session.sequence,
        last: session.last,
        total: session.total,
    });
    AudienceAsk::Write {
        container: request.container.as_str().to_owned(),
        members: request.members.iter().map(member).collect(),
        session,
    }
}

fn member(member: &Member) -> wit::Member {
    wit::Member {
        change: match member.change {
            MemberChange::Add => wit::Membership::Add,
            MemberChange::Remove => wit::Membership::Remove,
        },
        key: member.key.as_ref().map(|key| key.as_str().to_owned()),
        identities: member.identities.iter().map(identity).collect(),
        consents: member.consents.iter().map(consent).collect(),
        ttl_seconds: member.ttl_seconds,
        idempotency_key: member.idempotency_key.clone(),
    }
}

fn identity(identity: &Identity) -> types::Identity {
    types::Identity { namespace: identity.namespace.clone(), value: identity.value.clone() }
}

fn consent(consent: &Consent) -> types::Consent {
    let Consent { purpose, granted, since, source } = consent.clone();
    types::Consent { purpose, granted, since, source }
}
