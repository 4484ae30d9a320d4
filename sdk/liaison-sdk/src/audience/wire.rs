//! Audiences as the contract has them.

use super::{
    Container, ContainerPage, ContainerWish, Identity, Member, MemberChange, MemberCounts,
    MemberOutcome, MemberReport, MemberRequest, MemberVerdict, ReplaceSession,
};
use crate::bindings::audience::exports::liaison::connector::audience as api;
use crate::bindings::host::liaison::connector::types as wit;
use crate::fault::Fault;
use crate::write::Consent;

impl MemberRequest {
    pub(crate) fn of(
        container: String,
        members: Vec<api::Member>,
        session: Option<api::ReplaceSession>,
    ) -> Self {
        let session = session.map(|api::ReplaceSession { id, sequence, last, total }| {
            ReplaceSession { id, sequence, last, total }
        });
        Self { container, members: members.into_iter().map(Into::into).collect(), session }
    }
}

impl From<api::Member> for Member {
    fn from(member: api::Member) -> Self {
        let identity = |wit::Identity { namespace, value }| Identity { namespace, value };
        let consent = |wit::Consent { purpose, granted, since, source }| Consent {
            purpose,
            granted,
            since,
            source,
        };
        Self {
            change: match member.change {
                api::Membership::Add => MemberChange::Add,
                api::Membership::Remove => MemberChange::Remove,
            },
            key: member.key,
            identities: member.identities.into_iter().map(identity).collect(),
            consents: member.consents.into_iter().map(consent).collect(),
            ttl_seconds: member.ttl_seconds,
            idempotency_key: member.idempotency_key,
        }
    }
}

impl TryFrom<api::ContainerWish> for ContainerWish {
    type Error = Fault;

    fn try_from(wish: api::ContainerWish) -> Result<Self, Fault> {
        let settings = serde_json::from_str(&wish.settings).map_err(Fault::bug)?;
        Ok(Self { key: wish.key, title: wish.title, kind: wish.kind, settings })
    }
}

impl From<Container> for api::Container {
    fn from(container: Container) -> Self {
        let Container { key, title, kind, size, ready_after_seconds } = container;
        Self { key, title, kind, size, ready_after_seconds }
    }
}

impl From<ContainerPage> for api::ContainerPage {
    fn from(page: ContainerPage) -> Self {
        Self { items: page.items.into_iter().map(Into::into).collect(), next: page.next }
    }
}

impl From<MemberOutcome> for api::MemberOutcome {
    fn from(outcome: MemberOutcome) -> Self {
        match outcome {
            MemberOutcome::Done => Self::Done,
            MemberOutcome::Accepted(job) => Self::Accepted(job),
            MemberOutcome::Unmatched => Self::Unmatched,
            MemberOutcome::Retry(after_seconds) => Self::Retry(after_seconds),
            MemberOutcome::Rejected(fault) => Self::Rejected(fault.into()),
            MemberOutcome::Unknown => Self::Unknown,
        }
    }
}

impl From<MemberReport> for api::MemberReport {
    fn from(report: MemberReport) -> Self {
        let verdict = match report.verdict {
            MemberVerdict::Items(outcomes) => {
                api::MemberVerdict::Items(outcomes.into_iter().map(Into::into).collect())
            }
            MemberVerdict::Aggregate(MemberCounts { received, invalid, matched }) => {
                api::MemberVerdict::Aggregate(api::MemberCounts { received, invalid, matched })
            }
        };
        Self { verdict, hints: report.hints.into() }
    }
}
