//! Bringing everything derived up to changed rules, or showing what that would
//! do.
//!
//! Who is who is a function of facts and rules. When namespaces or limits change,
//! every record is restated under the new rules, all facts are replayed, and the
//! groups that come out otherwise are written. When only traits change, every
//! profile is derived again where it stands. Either way the streams are then read
//! from their beginning (a field that is newly mapped was never compared), and
//! deliveries look at everybody once more.
//!
//! The work is resumable. What it works towards is kept before its first step,
//! together with the rules that the facts were told under. A start that finds it
//! unfinished computes the same again (restating twice is restating once) and
//! writes what still differs.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::identity::preview::Preview;
use hub_core::identity::regroup::{Group, Regrouped, groups};
use hub_core::identity::{current_identities, fold, resolves_alike, restate};
use hub_core::mapping::forget_forms;
use hub_model::{
    Identity, IdentityFact, Object, PositionName, Profile, ProfileId, Record, RecordNo, Rules,
};
use hub_store::{Error, PositionChange, WriteSet};
use serde::{Deserialize, Serialize};

use super::regroup::{Carriers, cut, load, set_of};
use crate::delivery::mirror_positions;
use crate::everybody::Everybody;
use crate::job;
use crate::objects;
use crate::workspace::{Workspace, settled};

/// Records per step when groups are derived: their rows are in memory whole.
const STEP_RECORDS: usize = 500;

/// Where the work stands: what the profiles follow, or are about to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The rules, as text: compared whole, so that no hash can hide a change.
    rules: String,
    /// The rules that the facts were told under while the work is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    done: bool,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Whether the rules differed from those that were applied before.
    pub changed: bool,
    /// Profiles that became another's.
    pub merged: usize,
    /// Profiles that were split off, or lost records.
    pub separated: usize,
    /// Profiles with the same records and other contents, or more records.
    pub updated: usize,
}

/// What these rules would do to people and destinations. Nothing is changed; as
/// nobody else decides meanwhile, what is shown belongs to one moment.
///
/// # Errors
/// When the store cannot answer.
pub async fn preview(workspace: &Workspace, after: &Rules) -> Result<Preview, Error> {
    let after = settled(after);
    let _guard = workspace.decide().await;
    // What the people in the store follow, which a configuration that was edited
    // since need not be.
    let applied = applied(workspace).await?;
    let before = applied.as_ref().unwrap_or(&workspace.rules);
    let mut preview = Preview::default();
    let mut target = Target::of(workspace, before, &after).await?;
    while let Some(step) = target.step(workspace).await? {
        for mut group in load(workspace, &step, |record| target.facts(record), &after).await? {
            forget(&mut group, before, &after);
            preview.extend(group.preview(before, &after));
        }
    }
    Ok(preview)
}

/// Brings everything up to the workspace's rules, if they differ from those that
/// were applied last.
///
/// # Errors
/// When the store cannot be read or written; the next start goes on.
pub async fn apply(workspace: &Workspace) -> Result<Applied, Error> {
    let _guard = workspace.decide().await;
    let name = PositionName::new("rules");
    let wanted = text(&workspace.rules)?;
    let kept = workspace.store.position(&name).await?;
    let place = kept.as_deref().and_then(|bytes| serde_json::from_slice::<Place>(bytes).ok());
    let before = match place {
        Some(place) if place.done && place.rules == wanted => return Ok(Applied::default()),
        Some(place) if place.done => Some(place.rules),
        Some(place) if place.rules == wanted => place.before,
        // Begun and not ended, and the rules have changed again: the facts may be
        // told under either, so what was begun is ended first.
        Some(Place { rules, before, .. }) => {
            if let Ok(then) = serde_json::from_str::<Rules>(&rules) {
                let former = parsed(before.as_deref()).unwrap_or_else(|| then.clone());
                bring(workspace, &former, &then).await?;
            }
            Some(rules)
        }
        None => None,
    };
    let former = parsed(before.as_deref()).unwrap_or_else(|| (*workspace.rules).clone());
    let begun = Place { rules: wanted.clone(), before, done: false };
    let kept = move_to(workspace, &name, kept, &begun, WriteSet::default()).await?;
    let mut applied = bring(workspace, &former, &workspace.rules).await?;
    let ended = Place { rules: wanted, before: None, done: true };
    move_to(workspace, &name, kept, &ended, start_over(workspace).await?).await?;
    applied.changed = true;
    Ok(applied)
}

/// The rules that the store follows, if it does wholly.
async fn applied(workspace: &Workspace) -> Result<Option<Rules>, Error> {
    let kept = workspace.store.position(&PositionName::new("rules")).await?;
    let place = kept.as_deref().and_then(|bytes| serde_json::from_slice::<Place>(bytes).ok());
    Ok(place.filter(|place| place.done).and_then(|place| parsed(Some(&place.rules))))
}

/// Whether people in the store follow the workspace's rules. A store that never
/// followed any has nobody.
pub(super) async fn is_applied(workspace: &Workspace) -> Result<bool, Error> {
    let kept = workspace.store.position(&PositionName::new("rules")).await?;
    let applied = applied(workspace).await?;
    // How long history is kept, and who is in a segment, is nothing that people follow.
    let (history, segments) = (workspace.rules.history, &workspace.rules.segments);
    let is_same =
        |rules| Rules { history, segments: segments.clone(), ..rules } == *workspace.rules;
    Ok(kept.is_none() || applied.is_some_and(is_same))
}

fn parsed(text: Option<&str>) -> Option<Rules> {
    serde_json::from_str(text?).ok()
}

fn text(rules: &Rules) -> Result<String, Error> {
    serde_json::to_string(rules).map_err(|error| Error::Refused(error.to_string()))
}

async fn move_to(
    workspace: &Workspace,
    name: &PositionName,
    expected: Option<Vec<u8>>,
    place: &Place,
    mut set: WriteSet,
) -> Result<Option<Vec<u8>>, Error> {
    let new = serde_json::to_vec(place).map_err(|error| Error::Refused(error.to_string()))?;
    let new = Some(new);
    if new != expected {
        set.positions.push(PositionChange { name: name.clone(), expected, new: new.clone() });
    }
    workspace.commit(set).await?;
    Ok(new)
}

/// What was told in a form of other rules is due again in the new one.
fn forget(group: &mut Regrouped, before: &Rules, after: &Rules) {
    forget_forms((&group.before, before), (&mut group.after, after));
}

/// Writes every group that is not as it would be.
async fn bring(workspace: &Workspace, before: &Rules, after: &Rules) -> Result<Applied, Error> {
    objects::forget_other_kinds(workspace, before, after).await?;
    objects::relate_anew(workspace, before, after).await?;
    let mut target = Target::of(workspace, before, after).await?;
    let mut applied = Applied::default();
    while let Some(step) = target.step(workspace).await? {
        let mut loaded = load(workspace, &step, |record| target.facts(record), after).await?;
        loaded.iter_mut().for_each(|group| forget(group, before, after));
        for (_, kind) in loaded.iter().flat_map(|group| group.changes()) {
            match kind {
                hub_model::ChangeKind::Merged => applied.merged += 1,
                hub_model::ChangeKind::Separated => applied.separated += 1,
                hub_model::ChangeKind::Created | hub_model::ChangeKind::Updated => {
                    applied.updated += 1;
                }
            }
        }
        let carriers = match &target.replayed {
            Some(replayed) => Carriers::Counted(&replayed.carriers),
            None => Carriers::AsStored,
        };
        for part in cut(set_of(workspace, &loaded, carriers).await?) {
            workspace.commit(part).await?;
        }
    }
    Ok(applied)
}

/// What people come to under other rules, some groups at a time.
struct Target {
    /// What the replay said; `None` where everybody stays who they are.
    replayed: Option<Replayed>,
    everybody: Everybody,
}

struct Replayed {
    groups: std::vec::IntoIter<Group>,
    facts: BTreeMap<RecordNo, Vec<IdentityFact>>,
    carriers: BTreeMap<Identity, u32>,
}

impl Target {
    async fn of(workspace: &Workspace, before: &Rules, after: &Rules) -> Result<Self, Error> {
        let mut target = Self { replayed: None, everybody: Everybody::default() };
        if !resolves_alike(before, after) {
            target.replayed = Some(Replayed::of(workspace, before, after).await?);
        }
        Ok(target)
    }

    /// Groups with about as many records as are in memory at once.
    async fn step(&mut self, workspace: &Workspace) -> Result<Option<Vec<Group>>, Error> {
        if let Some(replayed) = &mut self.replayed {
            let (mut step, mut records) = (Vec::new(), 0);
            while records < STEP_RECORDS
                && let Some(group) = replayed.groups.next()
            {
                records += group.after.values().map(BTreeSet::len).sum::<usize>();
                step.push(group);
            }
            return Ok((!step.is_empty()).then_some(step));
        }
        let profiles = self.everybody.profiles(&*workspace.store).await?;
        let alone = |profile: Profile| Group {
            before: BTreeSet::from([profile.id]),
            after: BTreeMap::from([(profile.id, profile.records.into_iter().collect())]),
        };
        Ok(profiles.map(|profiles| profiles.into_iter().map(alone).collect()))
    }

    fn facts(&self, record: &Record) -> Vec<IdentityFact> {
        let Some(replayed) = &self.replayed else { return record.identities.clone() };
        replayed.facts.get(&record.number).cloned().unwrap_or_default()
    }
}

impl Replayed {
    /// Restates every record and replays what they say.
    async fn of(workspace: &Workspace, before: &Rules, after: &Rules) -> Result<Self, Error> {
        let mut owners: BTreeMap<RecordNo, ProfileId> = BTreeMap::new();
        let mut bare: Vec<Record> = Vec::new();
        let mut everybody = Everybody::default();
        while let Some(profiles) = everybody.profiles(&*workspace.store).await? {
            let numbers: Vec<RecordNo> =
                profiles.iter().flat_map(|profile| profile.records.iter().copied()).collect();
            for profile in &profiles {
                owners.extend(profile.records.iter().map(|number| (*number, profile.id)));
            }
            // The replay needs no values: what it is told of a million people has
            // to fit into memory.
            let records = workspace.store.records(&numbers).await?.into_iter().flatten();
            bare.extend(records.map(|record| Record {
                identities: restate(&record, before, after),
                raw: Object::new(),
                fields: BTreeMap::new(),
                version: None,
                ..record
            }));
        }
        let partition = fold(&bare, &workspace.store.decisions().await?, after);
        let groups = groups(&owners, partition.profiles).into_iter();
        let (mut facts, mut carriers) = (BTreeMap::new(), BTreeMap::new());
        for mut record in bare {
            for fact in &mut record.identities {
                fact.contested = partition.contested.contains(&(record.number, fact.stamp));
            }
            if record.is_live() {
                for identity in current_identities(&record) {
                    *carriers.entry(identity.clone()).or_default() += 1;
                }
            }
            facts.insert(record.number, record.identities);
        }
        Ok(Self { groups, facts, carriers })
    }
}

/// Forgets how far streams were read and delivered.
async fn start_over(workspace: &Workspace) -> Result<WriteSet, Error> {
    let mut set = WriteSet::default();
    for mapping in &workspace.rules.mappings {
        let names = [job::cursor_position(mapping), job::delivery_position(mapping)];
        for name in names.into_iter().chain(mirror_positions(mapping)) {
            let expected = workspace.store.position(&name).await?;
            if expected.is_some() {
                set.positions.push(PositionChange { name, expected, new: None });
            }
        }
    }
    Ok(set)
}
