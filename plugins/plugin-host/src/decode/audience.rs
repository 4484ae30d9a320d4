//! What a guest says about audiences.

use hub_model::{Fault, FaultCode, RemoteKey};
use plugin_api::{Container, ContainerPage, Cursor, MemberCounts, MemberOutcome, MemberReport};
use plugin_gateway::Redactor;

use super::{bug, cut, fault, outcome, page};
use crate::limits::{CONTAINERS_MAX, FAULT_TEXT_BYTES_MAX, Limits};
use crate::since_v0_1_0::exported::audience as wit;

/// A page of containers. `asked` is the cursor of the request.
///
/// # Errors
/// `limit-exceeded`, `cursor-stuck`, or `connector-bug` for a container that nobody
/// could refer to.
pub fn containers(
    page: wit::ContainerPage,
    asked: Option<&Cursor>,
    limits: &Limits,
) -> Result<ContainerPage, Fault> {
    if page.items.len() > CONTAINERS_MAX {
        let fault = Fault::new(FaultCode::LimitExceeded).at("containers");
        return Err(fault.with("containers_max", CONTAINERS_MAX));
    }
    let items = page.items.into_iter().map(container).collect::<Result<_, _>>()?;
    let next = page.next.map(|next| page::cursor(next, limits)).transpose()?;
    if next.is_some() && next.as_ref() == asked {
        return Err(Fault::new(FaultCode::CursorStuck));
    }
    Ok(ContainerPage { items, next })
}

/// A container.
///
/// # Errors
/// `connector-bug` when nobody could refer to it.
pub fn container(container: wit::Container) -> Result<Container, Fault> {
    if !hub_model::id::valid(&container.key) {
        return Err(bug("the key of a container is empty, too long or not text"));
    }
    Ok(Container {
        key: RemoteKey::new(container.key),
        title: cut(&container.title, FAULT_TEXT_BYTES_MAX),
        kind: cut(&container.kind, FAULT_TEXT_BYTES_MAX),
        size: container.size,
        ready_after_seconds: container.ready_after_seconds,
    })
}

/// The answer to changes of `members` members.
///
/// # Errors
/// `connector-bug` when outcomes or counts cannot be those of the members: all are
/// then unknown.
pub fn report(
    report: wit::MemberReport,
    members: usize,
    redactor: &Redactor,
) -> Result<MemberReport, Fault> {
    match report.verdict {
        wit::MemberVerdict::Items(outcomes) if outcomes.len() != members => {
            Err(bug("another number of outcomes than members"))
        }
        wit::MemberVerdict::Items(outcomes) => {
            let outcomes = outcomes.into_iter().map(|it| member_outcome(it, redactor)).collect();
            Ok(MemberReport::Items(outcomes))
        }
        wit::MemberVerdict::Aggregate(wit::MemberCounts { received, invalid, matched }) => {
            if received < invalid || matched.is_some_and(|matched| received < matched) {
                return Err(bug("counts of more members than were received"));
            }
            Ok(MemberReport::Aggregate(MemberCounts { received, invalid, matched }))
        }
    }
}

fn member_outcome(given: wit::MemberOutcome, redactor: &Redactor) -> MemberOutcome {
    match given {
        wit::MemberOutcome::Done => MemberOutcome::Done,
        wit::MemberOutcome::Accepted(job) => outcome::job_name(job)
            .map_or(MemberOutcome::Unknown, |job| MemberOutcome::Accepted { job }),
        wit::MemberOutcome::Unmatched => MemberOutcome::Unmatched,
        wit::MemberOutcome::Retry(after_seconds) => MemberOutcome::Retry { after_seconds },
        wit::MemberOutcome::Rejected(reason) => {
            MemberOutcome::Rejected(fault::fault(reason, redactor))
        }
        wit::MemberOutcome::Unknown => MemberOutcome::Unknown,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use hub_model::FaultCode;
    use plugin_api::{Cursor, MemberOutcome, MemberReport};
    use plugin_gateway::Redactor;

    use super::{CONTAINERS_MAX, Limits, container, containers, report, wit};
    use crate::limits::JOB_BYTES_MAX;
    use crate::since_v0_1_0::imported::types::Hints;

    fn named(key: &str) -> wit::Container {
        let (title, kind) = ("t".repeat(1 << 20), "CUSTOM".to_owned());
        wit::Container {
            key: key.to_owned(),
            title,
            kind,
            size: Some(7),
            ready_after_seconds: None,
        }
    }

    fn answered(verdict: wit::MemberVerdict) -> wit::MemberReport {
        wit::MemberReport { verdict, hints: Hints { rates: Vec::new(), notices: Vec::new() } }
    }

    fn counted(received: u64, invalid: u64, matched: Option<u64>) -> wit::MemberVerdict {
        wit::MemberVerdict::Aggregate(wit::MemberCounts { received, invalid, matched })
    }

    #[test]
    fn containers_keep_the_rules_of_pages() {
        let page = |items: Vec<wit::Container>, next: Option<&[u8]>| {
            let next = next.map(<[u8]>::to_vec);
            containers(
                wit::ContainerPage { items, next },
                Some(&Cursor(b"here".to_vec())),
                &Limits::default(),
            )
        };
        let good = page(vec![named("1")], Some(b"there")).unwrap();
        assert!(good.items[0].title.len() < 4_096 && good.items[0].size == Some(7));
        for (items, next, code) in [
            (vec![named("")], None, FaultCode::ConnectorBug),
            (vec![named(&"k".repeat(513))], None, FaultCode::ConnectorBug),
            (vec![named("1"); CONTAINERS_MAX + 1], None, FaultCode::LimitExceeded),
            (Vec::new(), Some(&[0; 70_000][..]), FaultCode::LimitExceeded),
            (Vec::new(), Some(b"here"), FaultCode::CursorStuck),
        ] {
            assert_eq!(page(items, next).unwrap_err().code, code);
        }
        assert_eq!(container(named("a\0b")).unwrap_err().code, FaultCode::ConnectorBug);
    }

    #[test]
    fn outcomes_and_counts_fit_the_members() {
        let items = |count: usize| wit::MemberVerdict::Items(vec![wit::MemberOutcome::Done; count]);
        let judged = |verdict| report(answered(verdict), 3, &Redactor::new());
        assert_eq!(judged(items(3)).unwrap(), MemberReport::Items(vec![MemberOutcome::Done; 3]));
        assert!(judged(counted(3, 1, Some(2))).is_ok());
        let wrong =
            [items(0), items(2), items(4), counted(1, 2, None), counted(1, 0, Some(u64::MAX))];
        for verdict in wrong {
            assert_eq!(judged(verdict).unwrap_err().code, FaultCode::ConnectorBug);
        }
        let jobs = ["", &"j".repeat(JOB_BYTES_MAX + 1), "7"];
        let jobs = jobs.map(|job| wit::MemberOutcome::Accepted(job.to_owned()));
        let kept = judged(wit::MemberVerdict::Items(jobs.to_vec())).unwrap();
        let seven = MemberOutcome::Accepted { job: "7".to_owned() };
        let unknown = || MemberOutcome::Unknown;
        assert_eq!(kept, MemberReport::Items(vec![unknown(), unknown(), seven]));
    }
}
