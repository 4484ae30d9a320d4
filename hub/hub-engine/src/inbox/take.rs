//! Taking what was delivered, in a run of its sync.
//!
//! A sync takes in its own run and nowhere else: while one of its writes is under
//! way nobody could tell a pushed echo from an edit, and a run has settled its
//! writes before it takes anything.

use std::collections::BTreeSet;

use hub_model::{Fault, FaultCode, RemoteKey, limits};
use hub_store::{InboxEntry, PositionChange, WriteSet};
use plugin_api::page::{BadItem, ItemResult};
use plugin_api::{Delivery, Found, Inbound, Item, ItemChange, LookupKey, Page, Parsed};

use super::envelope::Envelope;
use super::{STEP_BODIES, done, moved, patch, place_of};
use crate::delivery::find;
use crate::intake;
use crate::reading;
use crate::retry;
use crate::run::RunContext;

/// What deliveries mean for one stream.
#[derive(Default)]
struct Meaning {
    rows: Vec<ItemResult>,
    /// Rows to look up.
    keys: BTreeSet<RemoteKey>,
    /// The stream is to be read.
    read: bool,
    /// The last of them; none = there is none of the sync's connection.
    through: Option<u64>,
}

/// Takes everything that waits for the sync. Returns whether its stream is to be
/// read besides.
pub(crate) async fn take(context: &mut RunContext<'_>) -> Result<bool, Fault> {
    let job = context.job;
    let Some(inbound) = job.connector.inbound() else { return Ok(false) };
    let place = place_of(job.id());
    let (mut after, mut kept) = done(context.workspace, &place).await?;
    let mut read = false;
    loop {
        context.go_on()?;
        let entries = context.workspace.store.inbox(after, STEP_BODIES).await?;
        let Some(last) = entries.last() else { return Ok(read) };
        after = last.seq;
        let (meaning, stuck) = understand(context, inbound, &entries).await;
        read |= meaning.read;
        // What came before a delivery that cannot be understood at present is taken.
        if let Some(through) = meaning.through {
            let change = moved(place.clone(), kept.take(), through);
            kept.clone_from(&change.new);
            read |= apply(context, meaning, change).await?;
            context.report();
        }
        if let Some(fault) = stuck {
            return Err(fault);
        }
    }
}

/// What a step of deliveries means, up to the last that could be understood; and
/// why the next could not, if one could not.
async fn understand(
    context: &RunContext<'_>,
    inbound: &dyn Inbound,
    entries: &[InboxEntry],
) -> (Meaning, Option<Fault>) {
    let stream = &context.job.mapping.stream;
    let mut meaning = Meaning::default();
    for entry in entries {
        let own = Envelope::open(&entry.body).filter(|it| it.connection == stream.connection);
        let Some(delivery) = own.and_then(|envelope| envelope.delivery) else { continue };
        let call = context.call();
        match retry::reading(context, None, || inbound.parse(&call, &delivery)).await {
            Ok(parsed) => meaning.add(context, parsed),
            Err(fault) if is_its_own(fault.code) => meaning.reject(&delivery, fault),
            Err(fault) => return (meaning, Some(fault)),
        }
        meaning.through = Some(entry.seq);
    }
    (meaning, None)
}

/// Whether a delivery is not understood for what is in it: it goes to quarantine,
/// and others go on. Anything else may be mended, and the delivery waits.
const fn is_its_own(code: FaultCode) -> bool {
    matches!(
        code,
        FaultCode::ConnectorBug
            | FaultCode::LimitExceeded
            | FaultCode::PageMalformed
            | FaultCode::SchemaDrift
            | FaultCode::Rejected
            | FaultCode::RowInvalid
            | FaultCode::NotSupported
            | FaultCode::NotFound
            | FaultCode::Conflict
    )
}

impl Meaning {
    fn add(&mut self, context: &RunContext<'_>, parsed: Vec<Parsed>) {
        let own = &context.job.mapping.stream.stream;
        for parsed in parsed {
            match parsed {
                Parsed::Rows(stream, rows) if stream == *own => self.rows.extend(rows),
                Parsed::Refetch(stream, keys) if stream == *own => self.keys.extend(keys),
                Parsed::Read(stream) => self.read |= stream == *own,
                // Of a stream that is another sync's, or nobody's.
                Parsed::Rows(..) | Parsed::Refetch(..) | Parsed::Ignored => {}
            }
        }
    }

    fn reject(&mut self, delivery: &Delivery, fault: Fault) {
        let mut raw = String::from_utf8_lossy(&delivery.body).into_owned();
        raw.truncate(raw.floor_char_boundary(limits::VALUE_BYTES_MAX));
        self.rows.push(Err(BadItem { key: None, fault, raw }));
    }
}

/// Takes rows and looked-up rows in like a page, with the place behind them.
/// Returns whether the stream is to be read, because its rows cannot be looked up.
async fn apply(
    context: &mut RunContext<'_>,
    meaning: Meaning,
    position: PositionChange,
) -> Result<bool, Fault> {
    let Meaning { mut rows, keys, .. } = meaning;
    if context.job.mapping.event.is_none() {
        let stream = &context.job.mapping.stream;
        rows = patch::whole(&*context.workspace.store, stream, rows).await?;
    }
    // Looked up last: what is found is newer than what was pushed.
    let found = looked_up(context, keys).await?;
    let read = found.is_none();
    rows.extend(found.into_iter().flatten());
    if rows.is_empty() {
        let set = WriteSet { positions: vec![position], ..WriteSet::default() };
        context.workspace.commit(set).await?;
        return Ok(read);
    }
    let rules = reading::row_rules(context).await?;
    context.counts.pages += 1;
    context.counts.read += rows.len() as u64;
    let page = Page {
        items: rows,
        next: None,
        more: false,
        snapshot_complete: false,
        poll_after_seconds: None,
    };
    intake::apply_page(context, &rules, page, Some(position)).await?;
    Ok(read)
}

/// Rows by their keys: one that is not found is gone. `None` where the connector
/// cannot look up.
async fn looked_up(
    context: &mut RunContext<'_>,
    keys: BTreeSet<RemoteKey>,
) -> Result<Option<Vec<ItemResult>>, Fault> {
    if keys.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let stream = reading::stream_info(context).await?;
    let asked: Vec<LookupKey> = keys.iter().cloned().map(LookupKey::Key).collect();
    let found = match find(context, &stream, &asked).await {
        Err(fault) if fault.code == FaultCode::NotSupported => return Ok(None),
        found => found?,
    };
    let gone = |key| Item { key, change: ItemChange::Delete, version: None, time: None };
    let row = |(found, key)| match found {
        Found::One(item) => Some(Ok(item)),
        Found::None => Some(Ok(gone(key))),
        Found::Several(_) => None,
    };
    Ok(Some(found.into_iter().zip(keys).filter_map(row).collect()))
}
