//! Rules about reading.

use std::borrow::Cow;
use std::collections::BTreeSet;

use hub_model::FaultCode;
use plugin_api::page::ItemResult;
use plugin_api::{Cursor, Item, ItemChange, ReadRequest};

use crate::Verdict;
use crate::breach::{Breach, Must};
use crate::subject::{Subject, items, row};

/// Bytes that no connector writes: neither JSON nor text.
const FOREIGN_CURSOR: &[u8] = b"\xff a cursor of somebody else";

/// Reading MUST come to an end.
///
/// # Errors
/// The breach.
pub async fn a_snapshot_ends(subject: &Subject<'_>) -> Verdict {
    let must = Must("reading from the beginning comes to an end");
    subject.snapshot(must).await.map(|_| ())
}

/// A cursor MUST move whenever rows came with it.
///
/// # Errors
/// The breach.
pub async fn cursors_advance(subject: &Subject<'_>) -> Verdict {
    let must = Must("the cursor moves with every page of rows");
    let pages = subject.snapshot(must).await?;
    let mut seen = BTreeSet::new();
    for page in pages.iter().filter(|page| page.more && !page.items.is_empty()) {
        let cursor = page.next.clone().ok_or_else(|| must.broken("more without a cursor"))?;
        must.hold(seen.insert(cursor.0), || "a cursor came twice".to_owned())?;
    }
    Ok(())
}

/// A cursor that the connector did not write (or that an older version wrote in
/// another form) MUST be answered with `cursor-expired`: the hub then takes a new
/// snapshot, where another fault would stop the sync for good.
///
/// # Errors
/// The breach.
pub async fn a_cursor_of_another_form_expires(subject: &Subject<'_>) -> Verdict {
    let must = Must("a cursor of another form is answered with cursor-expired");
    let cursor = Some(Cursor(FOREIGN_CURSOR.to_vec()));
    let stream = subject.stream.clone();
    let request = ReadRequest { stream, cursor, fields: Vec::new() };
    match subject.connector.read(&subject.call, &request).await {
        Err(fault) if fault.code == FaultCode::CursorExpired => Ok(()),
        Err(fault) => Err(must.broken(format!("it was answered with {}", fault.code))),
        Ok(_) => Err(must.broken("it was answered with a page")),
    }
}

/// Rows of a healthy account MUST be readable.
///
/// # Errors
/// The breach.
pub async fn rows_are_readable(subject: &Subject<'_>) -> Verdict {
    let must = Must("every row has a valid key and keeps the limits");
    let pages = subject.snapshot(must).await?;
    let fault = |item: &ItemResult| match item {
        Err(bad) => Some(bad.fault.clone()),
        Ok(Item { change: ItemChange::Upsert(row), .. }) => row.fields().err(),
        Ok(_) => None,
    };
    let fault = pages.iter().flat_map(|page| &page.items).find_map(fault);
    fault.map_or(Ok(()), |fault| Err(must.broken(fault.to_string())))
}

/// A key MUST stand for one row of a snapshot.
///
/// # Errors
/// The breach.
pub async fn keys_are_unique(subject: &Subject<'_>) -> Verdict {
    let must = Must("no key comes twice in a snapshot");
    let pages = subject.snapshot(must).await?;
    let mut seen = BTreeSet::new();
    for item in items(&pages) {
        must.hold(seen.insert(&item.key), || format!("{} came twice", item.key))?;
    }
    Ok(())
}

/// Two snapshots of the same rows MUST show the same.
///
/// # Errors
/// The breach.
pub async fn a_snapshot_repeats(subject: &Subject<'_>) -> Verdict {
    let must = Must("a second snapshot shows the same rows");
    let first = rows_of(subject, must).await?;
    let second = rows_of(subject, must).await?;
    must.hold(first == second, || {
        let differing = first.symmetric_difference(&second).map(|(key, _)| key.as_str());
        format!("they differ in {:?}", differing.collect::<BTreeSet<_>>())
    })
}

async fn rows_of(
    subject: &Subject<'_>,
    must: Must,
) -> Result<BTreeSet<(String, Option<hub_model::Object>)>, Breach> {
    let pages = subject.snapshot(must).await?;
    let entry =
        |item: &plugin_api::Item| (item.key.as_str().to_owned(), row(item).map(Cow::into_owned));
    Ok(items(&pages).map(entry).collect())
}

/// The hub rereads a page after a crash: a cursor MUST lead to the same rows again.
///
/// # Errors
/// The breach.
pub async fn a_page_can_be_read_again(subject: &Subject<'_>) -> Verdict {
    let must = Must("a cursor that was used leads to the same rows again");
    let pages = subject.snapshot(must).await?;
    // An export that was being made may be ready when it is asked for again.
    let first = pages.iter().find(|page| page.more && !page.items.is_empty());
    let Some(cursor) = first.and_then(|page| page.next.clone()) else { return Ok(()) };
    let keys = |page: &plugin_api::Page| {
        items(std::slice::from_ref(page)).map(|item| item.key.clone()).collect::<Vec<_>>()
    };
    let once = subject.page(must, Some(cursor.clone())).await?;
    let again = subject.page(must, Some(cursor)).await?;
    must.hold(keys(&once) == keys(&again), || "it led to other rows".to_owned())
}

/// Rows MUST hold no field that the schema does not know.
///
/// # Errors
/// The breach.
pub async fn rows_fit_the_schema(subject: &Subject<'_>) -> Verdict {
    let must = Must("the schema knows every field of every row");
    let info = subject.info(must).await?;
    if info.schema.get("additionalProperties") == Some(&serde_json::Value::Bool(true)) {
        return Ok(());
    }
    let pages = subject.snapshot(must).await?;
    let properties = info.schema.get("properties").and_then(serde_json::Value::as_object);
    let unknown = items(&pages)
        .filter_map(row)
        .flat_map(|row| row.keys().cloned().collect::<Vec<_>>())
        .find(|name| !properties.is_some_and(|properties| properties.contains_key(name.as_str())));
    unknown.map_or(Ok(()), |name| Err(must.broken(format!("it does not know {name}"))))
}
