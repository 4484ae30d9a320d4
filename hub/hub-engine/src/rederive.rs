//! Bringing derived values up to changed rules.
//!
//! Profiles are functions of facts and rules. When the rules change, every
//! profile is derived again, the streams are read from their beginning (a field
//! that is newly mapped was never compared), and deliveries look at everybody
//! once more. The work is resumable: its place is kept with each step, and the
//! rules count as applied only when all of it is done.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::profile;
use hub_model::{Change, ChangeKind, CommitSeq, PositionName, ProfileId, Record};
use hub_store::{Error, PositionChange, WriteSet};
use serde::{Deserialize, Serialize};

use crate::job::SyncJob;
use crate::workspace::Workspace;

/// Profiles per step: a commit of whole profiles must stay within its limit.
const STEP_PROFILES: usize = 50;

#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Place {
    rules: String,
    /// `None` when all profiles follow these rules.
    after: Option<u64>,
    done: bool,
}

/// Derives every profile again if the rules differ from those last applied.
///
/// # Errors
/// When the store cannot be read or written; the next start goes on.
pub(crate) async fn rederive(workspace: &Workspace, jobs: &[SyncJob]) -> Result<(), Error> {
    let name = PositionName::new("rules");
    let rules = fingerprint(workspace)?;
    let mut kept = workspace.store.position(&name).await?;
    let place = kept.as_deref().and_then(|bytes| serde_json::from_slice::<Place>(bytes).ok());
    let mut after = match place {
        Some(place) if place.rules == rules && place.done => return Ok(()),
        Some(place) if place.rules == rules => place.after,
        _ => None,
    };
    loop {
        let scanned = workspace.store.scan_profiles(after.map(ProfileId), STEP_PROFILES).await?;
        let done = scanned.is_empty();
        after = scanned.last().map(|profile| profile.id.0).or(after);
        let mut set = if done { start_over(workspace, jobs).await? } else { WriteSet::default() };
        let numbers: BTreeSet<_> = scanned.iter().flat_map(|p| p.records.iter().copied()).collect();
        let numbers: Vec<_> = numbers.into_iter().collect();
        let records: BTreeMap<_, Record> = workspace
            .store
            .records(&numbers)
            .await?
            .into_iter()
            .flatten()
            .map(|record| (record.number, record))
            .collect();
        for old in scanned {
            let members: Vec<&Record> = old.records.iter().filter_map(|n| records.get(n)).collect();
            let new = profile::derive(old.id, old.kind, &members, &workspace.rules);
            if new != old {
                let kind = ChangeKind::Updated;
                set.changes.push(Change { seq: CommitSeq(0), profile: new.id, kind });
                set.profiles.push(new);
            }
        }
        let place = Place { rules: rules.clone(), after, done };
        let new = serde_json::to_vec(&place).ok();
        let expected = std::mem::replace(&mut kept, new.clone());
        set.positions.push(PositionChange { name: name.clone(), expected, new });
        workspace.store.commit(set).await?;
        if done {
            return Ok(());
        }
    }
}

/// Forgets how far streams were read and delivered.
async fn start_over(workspace: &Workspace, jobs: &[SyncJob]) -> Result<WriteSet, Error> {
    let mut set = WriteSet::default();
    for job in jobs {
        for name in [job.cursor_position(), job.delivery_position()] {
            let expected = workspace.store.position(&name).await?;
            if expected.is_some() {
                set.positions.push(PositionChange { name, expected, new: None });
            }
        }
    }
    Ok(set)
}

/// The rules as text: compared whole, so that no hash can hide a change.
fn fingerprint(workspace: &Workspace) -> Result<String, Error> {
    serde_json::to_string(&*workspace.rules).map_err(|error| Error::Refused(error.to_string()))
}
