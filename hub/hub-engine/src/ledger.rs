//! The ledger of writes: what each run wrote, kept by the commit that keeps what
//! became of it.
//!
//! The attempt is durable before its request leaves, among the deliveries under way
//! ([`crate::delivery`]); there it stays as long as its end is not known, whichever
//! run learns of it. Its entry belongs to the run whose request it was.
//!
//! The ledger holds values of people, so it is bounded: by time (`[history]
//! keep_writes`), by erasure, and in what it keeps at all. What takes back what a
//! destination may not have any more leaves an entry without values: they are not
//! brought there again, so nobody has to know them. Erasures write receipts of
//! their own.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::sync::{self, Witness};
use hub_model::{
    Attempt, DeletePolicy, FaultCode, LedgerEntry, LedgerPlace, Mapping, Pending, ProfileId,
    Record, RecordNo, RunId, SyncId, Timestamp, WriteEnd, WriteKind,
};
use hub_store::{Error, Store, WriteSet};

use crate::run::{self, RunContext};
use crate::workspace::Workspace;

/// Entries that are looked at, or leave, at once.
const STEP_ENTRIES: usize = 500;

/// What was asked of a destination.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempted<'a> {
    /// The run whose request it was, if it is not the one that learns of its end.
    pub run: Option<&'a RunId>,
    pub kind: WriteKind,
    pub profile: ProfileId,
    pub attempt: &'a Attempt,
    /// Whether the destination may have what was written.
    pub keeps_values: bool,
}

impl<'a> Attempted<'a> {
    /// Of a write whose outcome was not known. What a destination may not have any
    /// more is deleted there even where other rows are archived.
    pub fn of(pending: &'a Pending, keeps_values: bool, deletes: DeletePolicy) -> Self {
        let archives = keeps_values && deletes == DeletePolicy::Archive;
        let kind = match pending.key.record {
            Some(_) if pending.attempt.fields.is_empty() && archives => WriteKind::Archive,
            Some(_) if pending.attempt.fields.is_empty() => WriteKind::Delete,
            Some(_) => WriteKind::Update,
            None => WriteKind::Create,
        };
        let (run, profile, attempt) = (pending.run.as_ref(), pending.key.profile, &pending.attempt);
        Self { run, kind, profile, attempt, keeps_values }
    }
}

/// Gathers the entries of a commit.
pub(crate) struct Ledger<'a> {
    mapping: &'a Mapping,
    run: RunId,
    now: Timestamp,
    about: BTreeMap<ProfileId, Vec<RecordNo>>,
    entries: Vec<LedgerEntry>,
}

impl<'a> Ledger<'a> {
    /// Of a run that learns what became of writes about these profiles.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn of(
        context: &RunContext<'a>,
        profiles: BTreeSet<ProfileId>,
    ) -> Result<Self, Error> {
        let ids: Vec<ProfileId> = profiles.into_iter().collect();
        let found = context.workspace.store.profiles(&ids).await?;
        let about = ids.into_iter().zip(found);
        Ok(Self {
            mapping: &context.job.mapping,
            run: context.id.clone(),
            now: context.workspace.env.now(),
            about: about.filter_map(|(id, profile)| Some((id, profile?.records))).collect(),
            entries: Vec::new(),
        })
    }

    /// A write has ended.
    pub fn end(
        &mut self,
        attempted: Attempted<'_>,
        end: WriteEnd,
        before: Option<&Record>,
        after: Option<&Record>,
    ) {
        let entry = {
            let witness = self.witness(&attempted, before, after);
            sync::ledgered(attempted.kind, end, &witness, self.mapping)
        };
        self.push(&attempted, entry);
    }

    /// A vendor refused a write.
    pub fn refuse(&mut self, attempted: Attempted<'_>, before: Option<&Record>, fault: FaultCode) {
        self.end(attempted, WriteEnd::Rejected, before, None);
        if let Some(entry) = self.entries.last_mut() {
            entry.fault = Some(fault);
        }
    }

    /// The row of a write without an answer was read back; `after` where it shows
    /// the write.
    pub fn settle(
        &mut self,
        attempted: Attempted<'_>,
        before: Option<&Record>,
        after: Option<&Record>,
    ) {
        let entry = {
            let witness = self.witness(&attempted, before, after);
            sync::settled_entry(attempted.kind, &witness, self.mapping)
        };
        self.push(&attempted, entry);
    }

    fn witness<'b>(
        &'b self,
        attempted: &Attempted<'b>,
        before: Option<&'b Record>,
        after: Option<&'b Record>,
    ) -> Witness<'b> {
        let of = (attempted.run.unwrap_or(&self.run), &self.mapping.sync);
        Witness { of, attempt: attempted.attempt, before, after }
    }

    fn push(&mut self, attempted: &Attempted<'_>, entry: LedgerEntry) {
        let about = self.about.get(&attempted.profile).cloned().unwrap_or_default();
        let entry = LedgerEntry { profile: attempted.profile, about, at: self.now, ..entry };
        self.entries.push(if attempted.keeps_values { entry } else { entry.without_values() });
    }

    /// What was gathered since this was asked last.
    pub fn take_entries(&mut self) -> Vec<LedgerEntry> {
        std::mem::take(&mut self.entries)
    }

    /// What was gathered.
    pub fn into_entries(self) -> Vec<LedgerEntry> {
        self.entries
    }
}

/// Which entries somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Only those of a sync.
    pub sync: Option<SyncId>,
    /// Only those of a run.
    pub run: Option<RunId>,
    /// Only possible duplicates: writes of which nobody knows whether they arrived.
    pub unknown: bool,
}

/// Entries after a place, in order of run and of writing: so many, fewer at the
/// end.
///
/// # Errors
/// When the store cannot answer.
pub async fn page(
    store: &dyn Store,
    wanted: &Wanted,
    mut after: Option<LedgerPlace>,
    limit: usize,
) -> Result<Vec<(LedgerPlace, LedgerEntry)>, Error> {
    let fits = |entry: &LedgerEntry| {
        wanted.sync.as_ref().is_none_or(|sync| entry.sync == *sync)
            && (!wanted.unknown || entry.end == WriteEnd::Unknown)
    };
    let mut found = Vec::new();
    while found.len() < limit {
        let run = wanted.run.as_ref();
        let entries = store.scan_written(run, after.as_ref(), STEP_ENTRIES).await?;
        let Some((last, _)) = entries.last() else { break };
        after = Some(last.clone());
        found.extend(entries.into_iter().filter(|(_, entry)| fits(entry)));
    }
    found.truncate(limit);
    Ok(found)
}

/// One entry.
///
/// # Errors
/// When the store cannot answer.
pub async fn one(store: &dyn Store, place: &LedgerPlace) -> Result<Option<LedgerEntry>, Error> {
    let Some(before) = place.number.checked_sub(1) else { return Ok(None) };
    let before = LedgerPlace { run: place.run.clone(), number: before };
    let next = store.scan_written(Some(&place.run), Some(&before), 1).await?;
    Ok(next.into_iter().find(|(found, _)| found == place).map(|(_, entry)| entry))
}

/// Lets entries leave whose time is over.
///
/// # Errors
/// When the store cannot be read or written; the next call goes on.
pub(crate) async fn forget_old(workspace: &Workspace) -> Result<(), Error> {
    let horizon = workspace.rules.history.keep_writes.before(workspace.env.now());
    let mut after = None;
    loop {
        let page = workspace.store.scan_written(None, after.as_ref(), STEP_ENTRIES).await?;
        let Some((last, _)) = page.last().cloned() else { return Ok(()) };
        let over = page.into_iter().filter(|(_, entry)| entry.at < horizon);
        leave(workspace, over.map(|(place, _)| place).collect()).await?;
        // Runs stand in order of their start, and nothing ends before it.
        if run::started_of(&last.run).is_none_or(|started| started >= horizon) {
            return Ok(());
        }
        after = Some(last);
    }
}

/// Lets entries leave that records find, and all about the rows that those speak
/// of: what a row showed before a write may have come from them as well.
///
/// # Errors
/// When the store cannot be read or written; done again, it goes on.
pub(crate) async fn forget(
    workspace: &Workspace,
    records: impl Iterator<Item = RecordNo> + Send,
) -> Result<(), Error> {
    let store = &*workspace.store;
    let mut places: BTreeSet<LedgerPlace> = BTreeSet::new();
    for record in records {
        let mut rows: BTreeSet<RecordNo> = BTreeSet::new();
        for (place, entry) in store.written_about(record).await? {
            places.insert(place);
            rows.extend(entry.record);
        }
        for row in rows {
            let about = store.written_about(row).await?.into_iter();
            places.extend(about.filter(|(_, e)| e.record == Some(row)).map(|(place, _)| place));
        }
    }
    leave(workspace, places.into_iter().collect()).await
}

/// Lets entries leave in which any of these texts stands, given in lower case.
///
/// # Errors
/// As for [`forget`].
pub(crate) async fn forget_texts(workspace: &Workspace, texts: &[String]) -> Result<(), Error> {
    let names = |entry: &LedgerEntry| {
        // What is not JSON cannot have been kept.
        let entry = serde_json::to_string(entry).unwrap_or_default().to_lowercase();
        texts.iter().any(|text| entry.contains(text))
    };
    let mut after = None;
    loop {
        let page = workspace.store.scan_written(None, after.as_ref(), STEP_ENTRIES).await?;
        let Some((last, _)) = page.last().cloned() else { return Ok(()) };
        let about = page.into_iter().filter(|(_, entry)| names(entry));
        leave(workspace, about.map(|(place, _)| place).collect()).await?;
        after = Some(last);
    }
}

async fn leave(workspace: &Workspace, places: Vec<LedgerPlace>) -> Result<(), Error> {
    for unwritten in places.chunks(STEP_ENTRIES) {
        let set = WriteSet { unwritten: unwritten.to_vec(), ..WriteSet::default() };
        workspace.commit(set).await?;
    }
    Ok(())
}
