//! Rules about finding rows.

use plugin_api::{Found, LookupKey};

use crate::Verdict;
use crate::breach::Must;
use crate::subject::{Subject, items, row};

/// A key that no vendor hands out.
pub(crate) const UNKNOWN_KEY: &str = "00000000-conformance-unknown";
/// Rows of a snapshot that are looked up.
const ROWS_LOOKED_UP: usize = 20;

/// What a read showed, a lookup by key MUST find, and show the same way.
///
/// # Errors
/// The breach.
pub async fn read_rows_are_found(subject: &Subject<'_>) -> Verdict {
    let must = Must("a lookup shows a row as reading does");
    let pages = subject.snapshot(must).await?;
    for item in items(&pages).filter(|item| row(item).is_some()).take(ROWS_LOOKED_UP) {
        let found = subject.find_one(must, &item.key).await?;
        let found = found.ok_or_else(|| must.broken(format!("{} is not found", item.key)))?;
        must.hold(found.key == item.key && row(&found) == row(item), || {
            format!("{} looks different", item.key)
        })?;
    }
    Ok(())
}

/// Answers MUST come one per key, in the order of the keys.
///
/// # Errors
/// The breach.
pub async fn answers_keep_their_order(subject: &Subject<'_>) -> Verdict {
    let must = Must("a lookup answers in the order of its keys");
    let info = subject.info(must).await?;
    let most = usize::try_from(info.batch_items_max).unwrap_or(usize::MAX).min(ROWS_LOOKED_UP);
    let pages = subject.snapshot(must).await?;
    let mut keys: Vec<_> = items(&pages).map(|item| item.key.clone()).take(most).collect();
    keys.reverse();
    let asked = keys.iter().cloned().map(LookupKey::Key).collect();
    let answers = subject.find(must, asked).await?;
    for (key, answer) in keys.iter().zip(answers) {
        let fits = matches!(&answer, Found::One(item) if item.key == *key);
        must.hold(fits, || format!("the answer to {key} is about another row"))?;
    }
    Ok(())
}

/// A key that does not exist MUST be answered with none, not with a fault.
///
/// # Errors
/// The breach.
pub async fn an_unknown_key_is_none(subject: &Subject<'_>) -> Verdict {
    let must = Must("an unknown key is answered with none");
    let found = subject.find_one(must, &UNKNOWN_KEY.into()).await?;
    found.map_or(Ok(()), |item| Err(must.broken(format!("it is answered with {}", item.key))))
}
