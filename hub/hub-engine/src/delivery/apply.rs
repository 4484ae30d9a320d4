//! Executing a plan that somebody has looked at: exactly that, or nothing.
//!
//! The plan is made again and must have the same hash. Then every row that it
//! touches is looked at, before the first is written: whatever the system did
//! meanwhile is taken in, and the plan must still be the same. Only then is it
//! written, item by item as in any delivery. What moves from there on, between
//! one item and the next, stops the rest.

use std::collections::BTreeMap;

use hub_core::sync::plan::fingerprint;
use hub_core::sync::{Fingerprint, PlanSummary};
use hub_model::{Fault, FaultCode, PendingKey, PlannedWrite, ProfileId, RecordNo};
use plugin_api::StreamInfo;

use super::plan::{self, Work};
use super::{look, survey, write_due};
use crate::permission;
use crate::run::RunContext;

/// Profiles whose rows are looked at at once.
const STEP_PROFILES: usize = 200;

/// What may be written, by what it is about.
pub(crate) type Allowed = BTreeMap<(ProfileId, Option<RecordNo>), Fingerprint>;

/// Writes what was planned under a hash.
///
/// # Errors
/// [`FaultCode::PlanMoved`] when something else is due, and whatever a delivery
/// fails with.
pub(crate) async fn apply(context: &mut RunContext<'_>, hash: &str) -> Result<(), Fault> {
    context.plan = Some(hash.to_owned());
    let stream = permission::destination(context).await?;
    let (found, planned) = prints(context, &stream).await?;
    if found.hash != hash {
        return Err(moved(context).with("planned", hash).with("now", found.hash));
    }
    look_everywhere(context, &stream, &planned).await?;
    let (found, now) = prints(context, &stream).await?;
    if found.hash != hash {
        return Err(differ(context, &planned, &now).with("planned", hash).with("now", found.hash));
    }
    context.allowed = Some(now);
    write_due(context, &stream).await
}

async fn prints(
    context: &RunContext<'_>,
    stream: &StreamInfo,
) -> Result<(PlanSummary, Allowed), Fault> {
    let mut prints = Allowed::new();
    let mut note = |write: PlannedWrite| {
        prints.insert((write.profile, write.record), fingerprint(&write));
    };
    let (found, _) = survey::survey(context, stream, &mut note).await?;
    Ok((found, prints))
}

/// Looks at the rows of everything that is planned; a row in the place of one
/// that is to be created is not what was planned.
async fn look_everywhere(
    context: &mut RunContext<'_>,
    stream: &StreamInfo,
    planned: &Allowed,
) -> Result<(), Fault> {
    let mut profiles: Vec<ProfileId> = planned.keys().map(|(profile, _)| *profile).collect();
    profiles.dedup();
    for ids in profiles.chunks(STEP_PROFILES) {
        context.go_on()?;
        let (mut works, _) = plan::dry(context, stream, ids).await?;
        for work in &mut works {
            // Also where the vendor checks versions: it would do so too late.
            work.look_first = true;
        }
        let looked = look::look(context, stream, &works).await?;
        if let Some(work) = works.iter().find(|work| !looked.is_clear(&work.key)) {
            return Err(at(moved(context), &work.key));
        }
    }
    Ok(())
}

/// Whether works are among those that may be written, where that is limited.
///
/// # Errors
/// [`FaultCode::PlanMoved`] that names the first that is not.
pub(super) fn check(context: &RunContext<'_>, works: &[Work]) -> Result<(), Fault> {
    let Some(allowed) = &context.allowed else { return Ok(()) };
    let is_allowed = |work: &&Work| {
        let print = allowed.get(&(work.key.profile, work.key.record));
        print == Some(&fingerprint(&work.planned()))
    };
    match works.iter().find(|work| !is_allowed(work)) {
        Some(work) => Err(at(moved(context), &work.key)),
        None => Ok(()),
    }
}

fn moved(context: &RunContext<'_>) -> Fault {
    Fault::new(FaultCode::PlanMoved).at(format!("syncs/{}", context.job.id()))
}

fn at(fault: Fault, key: &PendingKey) -> Fault {
    let fault = fault.with("profile", key.profile);
    match key.record {
        Some(record) => fault.with("record", record),
        None => fault,
    }
}

/// The fault that names the first difference, and how many there are.
fn differ(context: &RunContext<'_>, planned: &Allowed, now: &Allowed) -> Fault {
    let one_sided = |one: &Allowed, other: &Allowed| -> Vec<(ProfileId, Option<RecordNo>)> {
        let differs = |(place, print): &(&(ProfileId, Option<RecordNo>), &Fingerprint)| {
            other.get(*place) != Some(*print)
        };
        one.iter().filter(differs).map(|(place, _)| *place).collect()
    };
    let mut all = one_sided(planned, now);
    all.extend(one_sided(now, planned));
    all.sort_unstable();
    all.dedup();
    let fault = moved(context).with("moved", all.len());
    match all.first() {
        Some((profile, record)) => {
            let (sync, profile, record) = (context.job.id().clone(), *profile, *record);
            at(fault, &PendingKey { sync, profile, record })
        }
        None => fault,
    }
}
