//! A page of rows.

use hub_model::{Fault, FaultCode};
use plugin_api::page::ItemResult;
use plugin_api::{Cursor, Page};

use super::{malformed, row};
use crate::limits::Limits;
use crate::since_v0_1_0::exported::source as wit;
use crate::since_v0_1_0::imported::types::{Batch, BatchFormat};

/// A page, or the fault that it is none. `asked` is the cursor of the request.
///
/// # Errors
/// `limit-exceeded`, `page-malformed`, `cursor-stuck` or `not-supported`.
pub fn page(page: wit::Page, asked: Option<&Cursor>, limits: &Limits) -> Result<Page, Fault> {
    let items = rows(&page.rows, limits)?;
    let next = page.next.map(|next| cursor(next, limits)).transpose()?;
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
pub(super) fn cursor(bytes: Vec<u8>, limits: &Limits) -> Result<Cursor, Fault> {
    if bytes.len() > limits.cursor_bytes_max {
        let fault = Fault::new(FaultCode::LimitExceeded).at("cursor");
        return Err(fault.with("cursor_bytes_max", limits.cursor_bytes_max));
    }
    Ok(Cursor(bytes))
}

/// The rows of a batch.
///
/// # Errors
/// `limit-exceeded`, `page-malformed` or `not-supported`.
pub fn rows(batch: &Batch, limits: &Limits) -> Result<Vec<ItemResult>, Fault> {
    if batch.format != BatchFormat::Ndjson {
        return Err(Fault::new(FaultCode::NotSupported).with("what", "pages as MessagePack"));
    }
    let over = |name: &str, limit: usize| {
        Err(Fault::new(FaultCode::LimitExceeded).at("page").with(name, limit))
    };
    if batch.data.len() > limits.page_bytes_max {
        return over("page_bytes_max", limits.page_bytes_max);
    }
    let count = usize::try_from(batch.count).unwrap_or(usize::MAX);
    if count > limits.page_items_max {
        return over("page_items_max", limits.page_items_max);
    }
    let lines = batch.data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    // Counted before anything is made of them: empty rows are cheap to send.
    let lines: Vec<&[u8]> = lines.take(limits.page_items_max + 1).collect();
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

    use super::{Batch, BatchFormat, Limits, page, wit};
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
        let limits = Limits::default();
        assert_eq!(page(sample(3), None, &limits).unwrap().items.len(), 3);
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
            assert_eq!(page(broken, Some(&asked), &limits).unwrap_err().code, code, "{name}");
        }
    }

    #[test]
    fn a_cursor_may_wait_without_rows() {
        let mut waiting = sample(0);
        (waiting.more, waiting.next) = (true, Some(b"job".to_vec()));
        waiting.poll_after_seconds = Some(5);
        assert!(page(waiting, Some(&Cursor(b"job".to_vec())), &Limits::default()).is_ok());
    }

    #[test]
    fn a_limit_that_was_lowered_is_named() {
        let usual = Limits::default;
        for (limits, setting) in [
            (Limits { page_items_max: 2, ..usual() }, "page_items_max"),
            (Limits { page_bytes_max: 9, ..usual() }, "page_bytes_max"),
            (Limits { cursor_bytes_max: 3, ..usual() }, "cursor_bytes_max"),
        ] {
            let mut large = sample(3);
            (large.more, large.next) = (true, Some(b"there".to_vec()));
            let fault = page(large, None, &limits).unwrap_err();
            assert_eq!(fault.code, FaultCode::LimitExceeded);
            assert!(fault.args.contains_key(setting), "{setting}: {fault}");
        }
    }
}
