//! Records leave, and everybody who hung together with them is derived anew from
//! what remains.
//!
//! The joins that a record had made are no facts any more once it is gone. So all
//! records that hang together with those that leave are replayed without them,
//! and what differs is committed, slice by slice, the leaving ones last: whoever
//! is interrupted finds them again, and begins anew.
//!
//! Call it under [`Workspace::decide`], and hold on until it returns.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::identity::rebuild::{Rebuilt, connected, rebuild};
use hub_core::retention::emptied;
use hub_model::{
    Change, ChangeKind, Claim, CommitSeq, Decision, Identity, Origin, ProfileId, Record, RecordNo,
    RecordRef, RunId, Stamp,
};
use hub_store::{Counters, Error, Store, WriteSet};

use crate::everybody::Everybody;
use crate::ledger;
use crate::slices::Slices;
use crate::workspace::Workspace;

/// Most records that one step may hang together with: all are in memory at once.
const CONNECTED_RECORDS_MAX: usize = 1_000_000;

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its time is over: the node stays, empty, until nothing hangs on it.
    Emptied,
    /// It leaves for ever.
    Erased,
}

/// Lets records go. Returns the profiles that were derived anew.
///
/// # Errors
/// When the store cannot be read or written, or too many hang together.
pub(crate) async fn reform(
    workspace: &Workspace,
    fates: &BTreeMap<RecordNo, Fate>,
    run: &RunId,
) -> Result<BTreeSet<ProfileId>, Error> {
    let store = &*workspace.store;
    ledger::forget(workspace, fates.keys().copied()).await?;
    let decisions = store.decisions().await?;
    let before = around(store, fates, &decisions).await?;
    let mut counters = store.counters().await?;
    let facts = before.values().filter_map(|record| match fates.get(&record.number) {
        None => Some(record.clone()),
        Some(Fate::Erased) => None,
        Some(Fate::Emptied) => {
            counters.stamp += 1;
            Some(emptied(record, Stamp(counters.stamp), run))
        }
    });
    let after = rebuild(facts.collect(), &decisions, &workspace.rules);
    commit(workspace, counters, fates, &before, &after).await?;
    Ok(after.profiles.into_keys().collect())
}

/// Everybody who hangs together with those that leave.
async fn around(
    store: &dyn Store,
    fates: &BTreeMap<RecordNo, Fate>,
    decisions: &[Decision],
) -> Result<BTreeMap<RecordNo, Record>, Error> {
    let start: BTreeSet<RecordNo> = fates.keys().copied().collect();
    let mut found = together(store, &start).await?;
    if !is_closed(store, &found, decisions).await? {
        scan(store, &mut found, decisions).await?;
    }
    let among: Vec<Record> = found.values().cloned().collect();
    // Those who are in one profile today are told so even if nothing bears on them.
    let start: BTreeSet<RecordNo> = together(store, &start).await?.into_keys().collect();
    let wanted = connected(&start, &among, decisions);
    found.retain(|number, _| wanted.contains(number));
    Ok(found)
}

/// Records with everybody who is in one profile with them.
async fn together(
    store: &dyn Store,
    numbers: &BTreeSet<RecordNo>,
) -> Result<BTreeMap<RecordNo, Record>, Error> {
    let numbers: Vec<RecordNo> = numbers.iter().copied().collect();
    let records = store.records(&numbers).await?;
    let ids: BTreeSet<ProfileId> = records.iter().flatten().map(|record| record.profile).collect();
    let ids: Vec<ProfileId> = ids.into_iter().collect();
    let profiles = store.profiles(&ids).await?;
    let members: BTreeSet<RecordNo> =
        profiles.into_iter().flatten().flat_map(|profile| profile.records).collect();
    let members: Vec<RecordNo> = members.into_iter().collect();
    let members = store.records(&members).await?.into_iter().flatten();
    Ok(members.chain(records.into_iter().flatten()).map(|r| (r.number, r)).collect())
}

fn values(records: &BTreeMap<RecordNo, Record>) -> BTreeSet<Identity> {
    let facts = records.values().flat_map(|record| &record.identities);
    facts.filter_map(|fact| fact.identity.clone()).collect()
}

/// Whether nobody else can hang together with these: what the store keeps of
/// their values, and what people decided, speaks of no others. Usually so, and
/// then nobody else has to be looked at.
async fn is_closed(
    store: &dyn Store,
    records: &BTreeMap<RecordNo, Record>,
    decisions: &[Decision],
) -> Result<bool, Error> {
    let stranger = |number: &RecordNo| !records.contains_key(number);
    let decided = decisions.iter().any(|decision| {
        let named = decision.kind.records();
        named.iter().any(|number| !stranger(number)) && named.iter().any(stranger)
    });
    let made = records.values().any(|record| match record.origin {
        Origin::Created { for_record } => stranger(&for_record),
        Origin::Received => false,
    });
    // A value that was ever contested bears on others without listing them.
    let contested = records.values().flat_map(|r| &r.identities).any(|fact| fact.contested);
    if decided || made || contested {
        return Ok(false);
    }
    let values = values(records);
    let profiles: BTreeSet<ProfileId> = {
        let ids: Vec<_> = records.values().map(|record| record.profile).collect();
        store.profiles(&ids).await?.into_iter().flatten().map(|profile| profile.id).collect()
    };
    let mut carriers: BTreeMap<&Identity, u32> = BTreeMap::new();
    for record in records.values().filter(|record| record.is_live()) {
        for identity in hub_core::identity::current_identities(record) {
            *carriers.entry(identity).or_default() += 1;
        }
    }
    let asked: Vec<Identity> = values.iter().cloned().collect();
    for (identity, claim) in asked.iter().zip(store.claims(&asked).await?) {
        let own = carriers.get(identity).copied().unwrap_or_default();
        if claim.carriers != own || !claim.profiles.iter().all(|id| profiles.contains(id)) {
            return Ok(false);
        }
    }
    let reviews = store.reviews(usize::MAX).await?;
    Ok(!reviews.iter().any(|review| values.contains(&review.identity)))
}

/// Looks at everybody, as often as somebody more is found.
async fn scan(
    store: &dyn Store,
    found: &mut BTreeMap<RecordNo, Record>,
    decisions: &[Decision],
) -> Result<(), Error> {
    loop {
        let before = found.len();
        let mut values = values(found);
        let mut wanted: BTreeSet<RecordNo> = found.keys().copied().collect();
        for named in decisions.iter().map(|decision| decision.kind.records()) {
            if named.iter().any(|number| found.contains_key(number)) {
                wanted.extend(named);
            }
        }
        let mut everybody = Everybody::default();
        while let Some(records) = everybody.records(store).await? {
            for record in records {
                let own = record.identities.iter().filter_map(|fact| fact.identity.as_ref());
                let own: Vec<Identity> = own.cloned().collect();
                let made = match record.origin {
                    Origin::Created { for_record } => Some(for_record),
                    Origin::Received => None,
                };
                let hangs = wanted.contains(&record.number)
                    || made.is_some_and(|number| found.contains_key(&number))
                    || own.iter().any(|identity| values.contains(identity));
                if hangs {
                    values.extend(own);
                    wanted.extend(made);
                    found.insert(record.number, record);
                }
            }
            if found.len() > CONNECTED_RECORDS_MAX {
                return Err(Error::Refused(format!(
                    "more than {CONNECTED_RECORDS_MAX} records hang together"
                )));
            }
        }
        if found.len() == before {
            return Ok(());
        }
    }
}

/// Commits what differs.
async fn commit(
    workspace: &Workspace,
    counters: Counters,
    fates: &BTreeMap<RecordNo, Fate>,
    before: &BTreeMap<RecordNo, Record>,
    after: &Rebuilt,
) -> Result<(), Error> {
    let store = &*workspace.store;
    let mut slices = Slices::new(workspace, Some(counters));
    // First of all: what was made of them before may not be told any more, and what
    // is derived anew in the same commit or later may.
    let emptied = fates.iter().filter(|(_, fate)| **fate == Fate::Emptied);
    for (number, _) in emptied {
        let forgotten = vec![(*number, None)];
        slices.push(WriteSet { forgotten, ..WriteSet::default() }).await?;
    }
    let ids: Vec<ProfileId> = before.keys().map(|number| ProfileId::from(*number)).collect();
    let known = store.profiles(&ids).await?;
    let refs: Vec<RecordRef> = before.values().map(|record| record.at.clone()).collect();
    let marks: BTreeMap<RecordNo, u64> =
        store.known(&refs).await?.into_iter().flatten().map(|k| (k.number, k.mark)).collect();
    let mut last = Vec::new();
    let mut ever: BTreeSet<ProfileId> = BTreeSet::new();
    for (number, record) in before {
        let mut part = WriteSet::default();
        match after.records.get(number) {
            Some(new) if new != record => {
                part.records.push(new.clone());
                // It shows what it showed: reading that again is no news.
                part.marks.extend(marks.get(number).map(|mark| (*number, *mark)));
            }
            Some(_) => {}
            None => part.erased.push((*number, record.at.clone())),
        }
        if fates.contains_key(number) {
            last.push(part);
        } else {
            slices.push(part).await?;
        }
    }
    for ((id, known), number) in ids.into_iter().zip(&known).zip(before.keys()) {
        let Some(was) = known else { continue };
        ever.insert(id);
        let change = |kind| Change { seq: CommitSeq(0), profile: id, kind };
        let part = match (after.profiles.get(&id), after.records.get(number)) {
            (Some(new), _) if *new == *was => WriteSet::default(),
            (Some(new), _) => {
                let kind = if was.id == id { ChangeKind::Updated } else { ChangeKind::Separated };
                WriteSet {
                    profiles: vec![new.clone()],
                    changes: vec![change(kind)],
                    ..WriteSet::default()
                }
            }
            (None, Some(now)) if was.id == now.profile => WriteSet::default(),
            (None, Some(now)) => WriteSet {
                aliases: vec![(id, now.profile)],
                changes: vec![change(ChangeKind::Merged)],
                ..WriteSet::default()
            },
            // Whoever follows the log finds nobody there any more.
            (None, None) => WriteSet {
                erased_profiles: vec![id],
                changes: vec![change(ChangeKind::Updated)],
                ..WriteSet::default()
            },
        };
        slices.push(part).await?;
    }
    // A record that had joined with its first row stands for itself now.
    for profile in after.profiles.values().filter(|profile| !ever.contains(&profile.id)) {
        let change = Change { seq: CommitSeq(0), profile: profile.id, kind: ChangeKind::Separated };
        let (profiles, changes) = (vec![profile.clone()], vec![change]);
        slices.push(WriteSet { profiles, changes, ..WriteSet::default() }).await?;
    }
    let values: Vec<Identity> = values(before).into_iter().collect();
    for (identity, was) in values.iter().zip(store.claims(&values).await?) {
        let now = after.claims.get(identity).cloned().unwrap_or_default();
        if now != was {
            let claims: Vec<(Identity, Claim)> = vec![(identity.clone(), now)];
            slices.push(WriteSet { claims, ..WriteSet::default() }).await?;
        }
    }
    for part in last {
        slices.push(part).await?;
    }
    slices.flush().await
}
