//! A mapping tried on records that are stored: what each value becomes on its way
//! into the profile, and what would be written back. Nothing is changed.

use std::borrow::Cow;

use hub_core::mapping::{Tried, tried};
use hub_core::profile::derive;
use hub_core::quality::StreamRules;
use hub_model::{
    Fault, FieldMapping, Mapping, Profile, ProfileId, Record, RecordNo, RecordRef, RemoteKey,
    Rules, SyncId,
};
use hub_store::{Error, Store};

use crate::delivery::subject;

/// Records shown unless another number is asked for.
pub const RECORDS: usize = 5;
/// Most records shown at once.
pub const RECORDS_MAX: usize = 500;

/// A mapping, tried on one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The record's key in its stream.
    pub key: RemoteKey,
    /// The record.
    pub record: RecordNo,
    /// The profile that it belongs to.
    pub profile: ProfileId,
    /// Whether the object fulfils what is asked of it; absent where none are made of
    /// others.
    pub is_met: Option<bool>,
    /// Why the row cannot be cleaned; what follows is of the row as received then.
    pub unclean: Option<Fault>,
    /// Each pair, in order.
    pub pairs: Vec<Tried>,
}

/// Tries the mapping of a sync, as these rules have it, on the record of a key, or
/// on the first ones of its stream; where objects are made of others, on these.
/// `None` where the rules have no such sync.
///
/// # Errors
/// When the store cannot answer.
pub async fn preview(
    store: &dyn Store,
    rules: &Rules,
    sync: &SyncId,
    (key, limit): (Option<&RemoteKey>, usize),
) -> Result<Option<Vec<Preview>>, Error> {
    let Some(mapping) = rules.mappings.iter().find(|mapping| mapping.sync == *sync) else {
        return Ok(None);
    };
    let sources = mapping.made_of.as_ref().map(|made_of| &made_of.stream);
    let from = sources.unwrap_or(&mapping.stream);
    let records: Vec<Record> = match key {
        Some(key) => {
            let at = RecordRef { stream: from.clone(), key: key.clone() };
            store.records_by_ref(&[at]).await?.into_iter().flatten().collect()
        }
        None => store.scan_records(from, None, limit.min(RECORDS_MAX)).await?,
    };
    if sources.is_some() {
        return Ok(Some(of_objects(store, (rules, mapping), records).await?));
    }
    // What a row must satisfy is judged when it is read, not here.
    let cleaning = Mapping { schema: None, ..mapping.clone() };
    let stream = StreamRules::compile(None, &cleaning);
    let stream = stream.map_err(|fault| Error::Refused(fault.to_string()))?;
    let mut previews = Vec::with_capacity(records.len());
    for record in records {
        let stored = store.profiles(&[record.profile]).await?.into_iter().flatten().next();
        let members: Vec<Record> = match &stored {
            Some(profile) => store.records(&profile.records).await?.into_iter().flatten().collect(),
            None => Vec::new(),
        };
        let members: Vec<&Record> = members.iter().collect();
        // The golden values as these rules make them, which need not be in force.
        let profile: Profile = derive(record.profile, mapping.kind.clone(), &members, rules);
        let (row, unclean) = match stream.cleaned(&record.raw) {
            Ok(row) => (row, None),
            Err(fault) => (Cow::Borrowed(&record.raw), Some(fault)),
        };
        let pairs = mapping.fields.iter().map(|pair| tried(pair, &row, &profile, &members));
        let pairs = pairs.collect();
        let (key, number) = (record.at.key.clone(), record.number);
        let profile = stored.map_or(record.profile, |profile| profile.id);
        let is_met = None;
        previews.push(Preview { key, record: number, profile, is_met, unclean, pairs });
    }
    Ok(Some(previews))
}

/// What would be made of objects, beside what was made of them before.
async fn of_objects(
    store: &dyn Store,
    (rules, mapping): (&Rules, &Mapping),
    sources: Vec<Record>,
) -> Result<Vec<Preview>, Error> {
    let ids: Vec<ProfileId> = sources.iter().map(|source| source.number.into()).collect();
    let mut subjects = subject::load(store, (rules, mapping), &ids).await?;
    let mut previews = Vec::with_capacity(sources.len());
    for source in sources {
        let profile = ProfileId::from(source.number);
        let Some(subject) = subjects.remove(&profile) else { continue };
        let members = subject.members();
        let mut made = members.iter().filter(|it| it.number != source.number && it.is_live());
        let row = made.next().map(|record| record.raw.clone()).unwrap_or_default();
        let tried = |pair: &FieldMapping| {
            let mut tried = tried(pair, &row, &subject.profile, &members);
            if let Some(why) = subject.missing(&pair.field) {
                tried.writes = Some(Err(why.clone()));
            }
            tried
        };
        let pairs = mapping.fields.iter().map(tried).collect();
        let (key, record, is_met) = (source.at.key, source.number, Some(subject.is_met()));
        previews.push(Preview { key, record, profile, is_met, unclean: None, pairs });
    }
    Ok(previews)
}
