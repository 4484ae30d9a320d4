//! A page of rows.

use hub_model::limits::{CURSOR_BYTES_MAX, PAGE_BYTES_MAX, PAGE_ITEMS_MAX};
use hub_model::{Fault, FaultCode};
use plugin_api::page::ItemResult;
use plugin_api::{Cursor, Page};

use super::{malformed, row};
use crate::since_v0_1_0::exported::source as wit;
use crate::since_v0_1_0::imported::types::{Batch, BatchFormat};

/// A page, or the fault that it is none. `asked` is the cursor of the request.
///
/// # Errors
/// `limit-exceeded`, `page-malformed`, `cursor-stuck` or `not-supported`.
pub fn page(page: wit::Page, asked: Option<&Cursor>) -> Result<Page, Fault> {
    let items = rows(&page.rows)?;
    let next = page.next.map(cursor).transpose()?;
    if page.more && next.is_none() {
        return Err(malformed("more without a cursor"));
    }
    if page.more && page.snapshot_complete.is_some() {
        return Err(malformed("a complete snapshot with more to read"));
    }
    // While a vendor prepares an export the cursor may stand still, but then
    // there are no rows.
    if page.more && !items.is_empty() && next.as_ref() == asked {
        return Err(Fault::new(FaultCode::CursorStuck));
    }
    Ok(Page {
        items,
        next,
        more: page.more,
        snapshot_complete: page.snapshot_complete.is_some(),
        poll_after_seconds: page.poll_after_seconds,
    })
}

/// A cursor.
///
/// # Errors
/// `limit-exceeded`.
pub(super) fn cursor(bytes: Vec<u8>) -> Result<Cursor, Fault> {
    if bytes.len() > CURSOR_BYTES_MAX {
        let fault = Fault::new(FaultCode::LimitExceeded).at("cursor");
        return Err(fault.with("bytes_max", CURSOR_BYTES_MAX));
    }
    Ok(Cursor(bytes))
}

/// The rows of a batch.
///
/// # Errors
/// `limit-exceeded`, `page-malformed` or `not-supported`.
pub fn rows(batch: &Batch) -> Result<Vec<ItemResult>, Fault> {
    if batch.format != BatchFormat::Ndjson {
        return Err(Fault::new(FaultCode::NotSupported).with("what", "pages as MessagePack"));
    }
    let over = |name: &str, limit: usize| {
        Err(Fault::new(FaultCode::LimitExceeded).at("page").with(name, limit))
    };
    if batch.data.len() > PAGE_BYTES_MAX {
        return over("bytes_max", PAGE_BYTES_MAX);
    }
    let count = usize::try_from(batch.count).unwrap_or(usize::MAX);
    if count > PAGE_ITEMS_MAX {
        return over("items_max", PAGE_ITEMS_MAX);
    }
    let lines = batch.data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    // Counted before anything is made of them: empty rows are cheap to send.
    let lines: Vec<&[u8]> = lines.take(PAGE_ITEMS_MAX + 1).collect();
    if lines.len() != count {
        return Err(malformed("another number of rows than announced"));
    }
    Ok(lines.into_iter().zip(1_usize..).map(|(line, number)| row::row(line, number)).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use hub_model::FaultCode;
    use plugin_api::Cursor;

    use super::{Batch, BatchFormat, page, wit};
    use crate::since_v0_1_0::imported::types::Hints;

    fn sample(rows: u32) -> wit::Page {
        let data = "{\"key\":\"1\",\"change\":\"delete\"}\n".repeat(rows as usize);
        wit::Page {
            rows: Batch { format: BatchFormat::Ndjson, count: rows, data: data.into_bytes() },
            next: None,
            more: false,
            snapshot_complete: None,
            watermark: None,
            poll_after_seconds: None,
            hints: Hints { rates: Vec::new(), notices: Vec::new() },
        }
    }

    #[test]
    fn a_page_keeps_its_rules() {
        assert_eq!(page(sample(3), None).unwrap().items.len(), 3);
        type Break = fn(&mut wit::Page);
        let cases: [(&str, Break, FaultCode); 8] = [
            ("count", |it| it.rows.count = 2, FaultCode::PageMalformed),
            ("count", |it| it.rows.count = u32::MAX, FaultCode::LimitExceeded),
            ("bytes", |it| it.rows.data = vec![b' '; 11 << 20], FaultCode::LimitExceeded),
            ("cursor", |it| it.next = Some(vec![0; 70_000]), FaultCode::LimitExceeded),
            ("more", |it| it.more = true, FaultCode::PageMalformed),
            (
                "complete",
                |it| {
                    (it.more, it.next, it.snapshot_complete) = (true, Some(vec![1]), Some(0));
                },
                FaultCode::PageMalformed,
            ),
            ("format", |it| it.rows.format = BatchFormat::Msgpack, FaultCode::NotSupported),
            (
                "stuck",
                |it| (it.more, it.next) = (true, Some(b"here".to_vec())),
                FaultCode::CursorStuck,
            ),
        ];
        for (name, breaks, code) in cases {
            let mut broken = sample(3);
            breaks(&mut broken);
            let asked = Cursor(b"here".to_vec());
            assert_eq!(page(broken, Some(&asked)).unwrap_err().code, code, "{name}");
        }
    }

    #[test]
    fn a_cursor_may_wait_without_rows() {
        let mut waiting = sample(0);
        (waiting.more, waiting.next) = (true, Some(b"job".to_vec()));
        waiting.poll_after_seconds = Some(5);
        assert!(page(waiting, Some(&Cursor(b"job".to_vec()))).is_ok());
    }
}
