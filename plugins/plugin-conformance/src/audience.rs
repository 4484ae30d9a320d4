//! Rules about audiences. They make containers and fill them: use a test account.

use std::collections::BTreeSet;

use hub_model::{EntityKind, FaultCode, RemoteKey};
use plugin_api::stream::MEMBERSHIP_KIND;
use plugin_api::{
    Audience, Container, ContainerWish, Identity, Member, MemberChange, MemberOutcome,
    MemberReport, MemberRequest,
};

use crate::Verdict;
use crate::breach::{Breach, Must};
use crate::lookup::UNKNOWN_KEY;
use crate::subject::{PAGES_MAX, Subject};

/// The title of the container that the rules make.
const TITLE: &str = "Liaison conformance";

fn audience<'s>(subject: &'s Subject<'_>, must: Must) -> Result<&'s dyn Audience, Breach> {
    subject.connector.audience().ok_or_else(|| must.broken("it has no audiences"))
}

async fn ensure(subject: &Subject<'_>, must: Must) -> Result<Container, Breach> {
    let wish = ContainerWish { title: TITLE.to_owned(), ..ContainerWish::default() };
    let ensured = audience(subject, must)?.ensure_container(&subject.call, &wish).await;
    must.succeed("ensure-container", ensured)
}

/// Removes what a rule made; what cannot be removed is left, as in production.
async fn clean_up(subject: &Subject<'_>, must: Must, key: &RemoteKey) {
    if let Ok(audience) = audience(subject, must) {
        let _ = audience.delete_container(&subject.call, key).await;
    }
}

fn changes(container: &RemoteKey, sample: &[Identity], change: MemberChange) -> MemberRequest {
    let member = |number: u32| Member {
        change,
        key: None,
        identities: sample.to_vec(),
        consents: Vec::new(),
        ttl_seconds: None,
        idempotency_key: format!("conformance-{number}"),
    };
    MemberRequest { container: container.clone(), members: vec![member(1)], session: None }
}

/// Discovery MUST name one stream of memberships, and as its fields what members are
/// matched by.
///
/// # Errors
/// The breach.
pub async fn what_members_are_matched_by_is_discovered(
    subject: &Subject<'_>,
    sample: &[Identity],
) -> Verdict {
    let must = Must("one stream of memberships has the fields that members are matched by");
    let streams = must.succeed("discover", subject.connector.discover(&subject.call).await)?;
    let kind = EntityKind::object(MEMBERSHIP_KIND);
    let streams: Vec<_> = streams.iter().filter(|stream| stream.kind == kind).collect();
    let [stream] = streams.as_slice() else {
        return Err(must.broken(format!("there are {} such streams", streams.len())));
    };
    let unknown = sample.iter().find(|identity| stream.field(&identity.namespace).is_none());
    unknown.map_or(Ok(()), |identity| Err(must.broken(format!("{} is none", identity.namespace))))
}

/// A container that is ensured again MUST be the same one.
///
/// # Errors
/// The breach.
pub async fn a_container_is_never_doubled(subject: &Subject<'_>) -> Verdict {
    let must = Must("a container that is ensured again is the same one");
    let first = ensure(subject, must).await?;
    let again = ensure(subject, must).await?;
    clean_up(subject, must, &first.key).await;
    must.hold(first.key == again.key, || "there are two".to_owned())
}

/// A container that was ensured MUST be among the containers, whose list ends.
///
/// # Errors
/// The breach.
pub async fn an_ensured_container_is_listed(subject: &Subject<'_>) -> Verdict {
    let must = Must("a container that was ensured is listed once");
    let container = ensure(subject, must).await?;
    let listed = listed(subject, must).await;
    clean_up(subject, must, &container.key).await;
    let listed = listed?;
    let found = listed.iter().filter(|key| **key == container.key).count();
    let keys: BTreeSet<_> = listed.iter().collect();
    must.hold(found == 1 && keys.len() == listed.len(), || format!("it is there {found} times"))
}

async fn listed(subject: &Subject<'_>, must: Must) -> Result<Vec<RemoteKey>, Breach> {
    let (mut keys, mut cursor) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let page = audience(subject, must)?.containers(&subject.call, cursor.as_ref()).await;
        let page = must.succeed("containers", page)?;
        keys.extend(page.items.into_iter().map(|container| container.key));
        cursor = page.next;
        if cursor.is_none() {
            return Ok(keys);
        }
    }
    Err(must.broken(format!("no end after {PAGES_MAX} pages")))
}

/// Members MUST be answered with one outcome each, or with counts.
///
/// # Errors
/// The breach.
pub async fn every_member_has_its_outcome(subject: &Subject<'_>, sample: &[Identity]) -> Verdict {
    let must = Must("members are answered with one outcome each, or with counts of them");
    let container = ensure(subject, must).await?;
    let changes = changes(&container.key, sample, MemberChange::Add);
    let report = audience(subject, must)?.write_members(&subject.call, &changes).await;
    clean_up(subject, must, &container.key).await;
    let taken = match must.succeed("write-members", report)? {
        MemberReport::Items(outcomes) => {
            matches!(outcomes.as_slice(), [outcome] if is_taken(outcome))
        }
        MemberReport::Aggregate(counts) => (counts.received, counts.invalid) == (1, 0),
    };
    must.hold(taken, || "a member was not taken in".to_owned())
}

fn is_taken(outcome: &MemberOutcome) -> bool {
    matches!(
        outcome,
        MemberOutcome::Done | MemberOutcome::Accepted { .. } | MemberOutcome::Unmatched
    )
}

/// The hub removes again whom it does not know to have left: that MUST be no fault.
///
/// # Errors
/// The breach.
pub async fn leaving_again_is_no_fault(subject: &Subject<'_>, sample: &[Identity]) -> Verdict {
    let must = Must("a member who leaves again, or never was there, is no fault");
    let container = ensure(subject, must).await?;
    let changes = changes(&container.key, sample, MemberChange::Remove);
    let audience = audience(subject, must)?;
    let first = audience.write_members(&subject.call, &changes).await;
    let again = audience.write_members(&subject.call, &changes).await;
    clean_up(subject, must, &container.key).await;
    for report in [first, again] {
        if let MemberReport::Items(outcomes) = must.succeed("write-members", report)? {
            must.hold(outcomes.iter().all(is_taken), || format!("it is {outcomes:?}"))?;
        }
    }
    Ok(())
}

/// A container that is not there MUST be `not-found`, and not be invented.
///
/// # Errors
/// The breach.
pub async fn what_is_not_there_is_not_found(subject: &Subject<'_>, sample: &[Identity]) -> Verdict {
    let must = Must("a container that is not there is not-found");
    let (audience, key) = (audience(subject, must)?, RemoteKey::new(UNKNOWN_KEY));
    let wish = ContainerWish { key: Some(key.clone()), ..ContainerWish::default() };
    let changes = changes(&key, sample, MemberChange::Add);
    let codes = [
        audience.ensure_container(&subject.call, &wish).await.err(),
        audience.delete_container(&subject.call, &key).await.err(),
        audience.write_members(&subject.call, &changes).await.err(),
    ];
    let codes = codes.map(|fault| fault.map(|fault| fault.code));
    let told = codes.iter().all(|code| *code == Some(FaultCode::NotFound));
    must.hold(told, || format!("it is answered with {codes:?}"))
}
