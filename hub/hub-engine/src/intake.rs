//! Intake: from pages to records and profiles.
//!
//! A page is applied in slices; the cursor moves with the last one. A page
//! that is read again finds its records as they are and writes nothing. Hard
//! deletes are inferred only from a snapshot that this very run saw from its
//! first page to its last, and only if the loss is plausible.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hub_core::planted::{self, Bug};
use hub_core::quality::StreamRules;
use hub_core::sync;
use hub_model::{Fault, FaultCode, RecordNo, RemoteKey, Stamp, limits};
use hub_store::{PositionChange, WriteSet};
use plugin_api::{Cursor, Page, ReadRequest};

use crate::budget::Call;
use crate::reading::{self, Reading};
use crate::retry;
use crate::run::RunContext;
use crate::settle;
use crate::slice;

/// A cursor that stays the same for so many pages with rows is stuck.
const STUCK_PAGES_MAX: u32 = 3;
/// So many pages in a row without a row end the run.
const EMPTY_PAGES_MAX: u32 = 1_000;
/// Longest pause that a vendor may ask for between two pages.
const PAUSE_SECONDS_MAX: u32 = 60;
/// How often one run starts a snapshot anew because the cursor expired.
const RESTARTS_MAX: u32 = 2;
/// Records per step when a snapshot is compared with what is known.
const SCAN_RECORDS: usize = 1_000;

/// Reads the stream from its cursor until there is nothing more. Returns whether
/// everything was shown that had changed since the last time: not where a snapshot
/// was gone on with in its middle.
pub(crate) async fn intake(context: &mut RunContext<'_>) -> Result<bool, Fault> {
    let mut restarts = 0;
    loop {
        match read_on(context).await {
            Err(fault) if fault.code == FaultCode::CursorExpired && restarts < RESTARTS_MAX => {
                restarts += 1;
                tracing::info!(run = %context.id, "the cursor expired; a new snapshot starts");
                forget_cursor(context).await?;
            }
            other => return other,
        }
    }
}

async fn read_on(context: &mut RunContext<'_>) -> Result<bool, Fault> {
    let rules = reading::row_rules(context).await?;
    let mut kept = context.workspace.store.position(&context.job.cursor_position()).await?;
    let is_of_events = context.job.mapping.event.is_some();
    // What a snapshot has shown; only a run that saw its beginning may judge it.
    let mut seen: Option<BTreeSet<RecordNo>> = kept.is_none().then(BTreeSet::new);
    let mut still = 0;
    let mut empty = 0;
    loop {
        context.go_on()?;
        let page = read_page(context, kept.clone()).await?;
        context.counts.pages += 1;
        context.counts.read += page.items.len() as u64;
        let next = page.next.as_ref().map(|cursor| cursor.0.clone());
        check_progress(&page, kept.as_ref() == next.as_ref(), &mut still, &mut empty)?;

        let change = PositionChange {
            name: context.job.cursor_position(),
            expected: kept.clone(),
            new: next.clone(),
        };
        // Events that are not shown any more happened all the same.
        let complete = page.snapshot_complete && !is_of_events;
        let (more, pause) = (page.more, page.poll_after_seconds);
        // Inferred deletes come before the cursor moves past the snapshot, so
        // that a crash in between repeats them.
        let mut moved = (kept != next).then_some(change);
        if planted::is(Bug::CursorFirst)
            && let Some(position) = moved.take()
        {
            let set = WriteSet { positions: vec![position], ..WriteSet::default() };
            context.workspace.store.commit(set).await?;
        }
        let numbers =
            apply_page(context, &rules, page, if complete { None } else { moved.clone() }).await?;
        if let Some(seen) = &mut seen {
            seen.extend(numbers);
        }
        if complete {
            match seen.take() {
                Some(seen) => infer_deletes(context, &seen).await?,
                // Resumed in the middle: what is missing cannot be judged, so
                // the next run takes a whole snapshot.
                None => {
                    forget_cursor(context).await?;
                    return Ok(false);
                }
            }
            if let Some(position) = moved {
                let set = WriteSet { positions: vec![position], ..WriteSet::default() };
                context.workspace.commit(set).await?;
            }
        }
        context.report();
        kept = next;
        if !more {
            return Ok(true);
        }
        if let Some(seconds) = pause {
            let seconds = u64::from(seconds.min(PAUSE_SECONDS_MAX));
            context.pause(Duration::from_secs(seconds)).await;
        }
    }
}

async fn read_page(context: &RunContext<'_>, cursor: Option<Vec<u8>>) -> Result<Page, Fault> {
    let request = ReadRequest {
        stream: context.job.mapping.stream.stream.clone(),
        cursor: cursor.map(Cursor),
        fields: context.job.fields(),
    };
    let call = context.call();
    let read = || context.job.connector.read(&call, &request);
    let page = retry::reading(context, Call::Read, read).await?;
    let cursor_bytes = page.next.as_ref().map_or(0, |cursor| cursor.0.len());
    if page.items.len() > limits::PAGE_ITEMS_MAX || cursor_bytes > limits::CURSOR_BYTES_MAX {
        return Err(Fault::new(FaultCode::PageMalformed)
            .at(context.job.id().to_string())
            .with("items", page.items.len())
            .with("cursor_bytes", cursor_bytes));
    }
    Ok(page)
}

fn check_progress(page: &Page, same: bool, still: &mut u32, empty: &mut u32) -> Result<(), Fault> {
    *still = if same && page.more { *still + 1 } else { 0 };
    *empty = if page.items.is_empty() && page.more { *empty + 1 } else { 0 };
    if (*still >= STUCK_PAGES_MAX && !page.items.is_empty()) || *empty >= EMPTY_PAGES_MAX {
        return Err(Fault::new(FaultCode::CursorStuck).with("pages", (*still).max(*empty)));
    }
    Ok(())
}

/// Applies a page slice by slice; returns the numbers of the rows it showed.
pub(crate) async fn apply_page(
    context: &mut RunContext<'_>,
    rules: &Arc<StreamRules>,
    page: Page,
    mut position: Option<PositionChange>,
) -> Result<Vec<RecordNo>, Fault> {
    let mut numbers = Vec::new();
    settle::open_creates::recognise(context, rules, &page.items).await?;
    let before = context.workspace.store.counters().await?.stamp;
    let rows = reading::take_rows(context, rules, page.items);
    let mut slices = slice::cut(rows).into_iter().peekable();
    while let Some(rows) = slices.next() {
        let last = slices.peek().is_none();
        let position = if last { position.take() } else { None };
        numbers.extend(slice::apply(context, rows, position).await?);
    }
    let last = context.workspace.store.counters().await?.stamp;
    context.receipt.note(context.counts.pages, Stamp(before + 1)..=Stamp(last));
    if let Some(position) = position {
        // A page without rows still moves the cursor.
        let set = WriteSet { positions: vec![position], ..WriteSet::default() };
        context.workspace.commit(set).await?;
    }
    Ok(numbers)
}

/// Marks records as deleted that a complete snapshot did not show.
async fn infer_deletes(
    context: &mut RunContext<'_>,
    seen: &BTreeSet<RecordNo>,
) -> Result<(), Fault> {
    let stream = &context.job.mapping.stream;
    let mut known = 0_u64;
    let mut missing: Vec<RemoteKey> = Vec::new();
    let mut after: Option<RecordNo> = None;
    loop {
        let records = context.workspace.store.scan_records(stream, after, SCAN_RECORDS).await?;
        let Some(last) = records.last() else { break };
        after = Some(last.number);
        for record in records.iter().filter(|record| record.is_live()) {
            known += 1;
            if !seen.contains(&record.number) {
                missing.push(record.at.key.clone());
            }
        }
    }
    let gone = missing.len() as u64;
    let verdict = sync::deletes(known, gone, context.job.mapping.deletes_percent_max);
    if let Some(fault) = verdict.fault() {
        // Every run says so until somebody has looked.
        forget_cursor(context).await?;
        return Err(fault.at(stream.to_string()));
    }
    let rows: Vec<Reading> = missing.into_iter().map(Reading::gone).collect();
    for rows in slice::cut(rows) {
        slice::apply(context, rows, None).await?;
    }
    Ok(())
}

async fn forget_cursor(context: &RunContext<'_>) -> Result<(), Fault> {
    let name = context.job.cursor_position();
    let kept = context.workspace.store.position(&name).await?;
    if kept.is_some() {
        let position = PositionChange { name, expected: kept, new: None };
        let set = WriteSet { positions: vec![position], ..WriteSet::default() };
        context.workspace.commit(set).await?;
    }
    Ok(())
}
