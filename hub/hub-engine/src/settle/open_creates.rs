//! Creates that nobody has shown yet, and what becomes of them: a page shows the row,
//! the lag of searches is over, or the row was made and is gone already.

use std::collections::BTreeSet;
use std::sync::Arc;

use hub_core::planted::{self, Bug};
use hub_core::quality::StreamRules;
use hub_core::sync;
use hub_model::{
    Fault, FieldName, Object, Pending, PendingKey, PendingState, Record, RecordRef, RemoteKey,
    Word, WriteEnd,
};
use hub_store::WriteSet;
use plugin_api::page::ItemResult;
use plugin_api::{Found, Item, ItemChange, LookupKey, StreamInfo};

use super::{Question, STEP_ITEMS_MAX, answer, jobs, questions};
use crate::delivery::find;
use crate::ledger::{Attempted, Ledger};
use crate::reading::{self, Reading};
use crate::run::RunContext;
use crate::slice;

/// So long after its attempt a create that a search does not find stays open.
/// Searches are known to lag for up to a minute.
const SEARCH_LAG_MICROS_MAX: i64 = 60 * 1_000_000;

/// What was found by the values of creates, without rows that these did not make: one
/// that is somebody else's may have been given such a value since.
pub(super) async fn without_others(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    questions: &[Question<'_>],
    found: Vec<Found>,
) -> Result<Vec<Found>, Fault> {
    let mut rest = Vec::with_capacity(found.len());
    let asked = questions.iter().filter(|question| question.key.is_some());
    for (question, found) in asked.zip(found) {
        let mut keys = match &found {
            Found::One(item) if question.record.is_none() => vec![item.key.clone()],
            Found::Several(keys) if question.record.is_none() => keys.clone(),
            _ => Vec::new(),
        };
        let all = keys.len();
        let others = others(context, question, &keys).await?;
        keys.retain(|key| !others.contains(key));
        rest.push(match keys.as_slice() {
            _ if keys.len() == all => found,
            [] => Found::None,
            [key] => {
                let found = find(context, stream, &[LookupKey::Key(key.clone())]).await?;
                found.into_iter().next().unwrap_or(Found::None)
            }
            _ => Found::Several(keys),
        });
    }
    Ok(rest)
}

/// Those of some rows that a create did not make: they were known before it, or are
/// somebody else's.
async fn others(
    context: &RunContext<'_>,
    question: &Question<'_>,
    keys: &[RemoteKey],
) -> Result<BTreeSet<RemoteKey>, Fault> {
    // The row that the vendor has named is the one.
    if made(question.pending).is_some() {
        return Ok(BTreeSet::new());
    }
    let stream = &context.job.mapping.stream;
    let rows: Vec<RecordRef> =
        keys.iter().map(|key| RecordRef { stream: stream.clone(), key: key.clone() }).collect();
    let known = context.workspace.store.records_by_ref(&rows).await?;
    // Among several that which is new to the hub is the one.
    let known: Vec<Record> = known.into_iter().flatten().collect();
    let is_new_there = known.len() < keys.len();
    let is_other = |record: &Record| {
        is_new_there
            || sync::is_older(record, &question.pending.attempt)
            || question.owner.as_ref().is_some_and(|owner| owner.is_strange(record))
    };
    Ok(known.into_iter().filter(is_other).map(|record| record.at.key).collect())
}

/// Sets creates aside that may only not be found yet; returns the rest, with what
/// was found for those of them that were looked for.
pub(super) fn set_aside<'a>(
    context: &mut RunContext<'_>,
    questions: Vec<Question<'a>>,
    found: Vec<Found>,
) -> (Vec<Question<'a>>, Vec<Found>) {
    let (mut rest, mut answers) = (Vec::new(), Vec::new());
    let mut found = found.into_iter();
    for question in questions {
        let answer = if question.key.is_some() { found.next() } else { None };
        let unseen = question.record.is_none() && answer == Some(Found::None);
        if unseen && !planted::is(Bug::SearchBelieved) {
            context.open_creates.push(question.pending.clone());
            continue;
        }
        answers.extend(answer);
        rest.push(question);
    }
    (rest, answers)
}

/// Settles creates that were left open by the rows of a page, before these are
/// read in the ordinary way: read first, our own values would pass for the
/// vendor's word.
pub(crate) async fn recognise(
    context: &mut RunContext<'_>,
    rules: &Arc<StreamRules>,
    items: &[ItemResult],
) -> Result<(), Fault> {
    if context.open_creates.is_empty() {
        return Ok(());
    }
    let open = std::mem::take(&mut context.open_creates);
    let (mut seen, mut found) = (Vec::new(), Vec::new());
    for question in questions(context, &open).await? {
        let shows = |item: &&Item| match (&item.change, &question.key) {
            (ItemChange::Upsert(_), Some(LookupKey::Key(key))) => item.key == *key,
            (ItemChange::Upsert(row), Some(LookupKey::Fields(fields))) => row
                .fields()
                .is_ok_and(|row| sync::found_by(fields, &reading::comparable(rules, &row))),
            _ => false,
        };
        let shown: Vec<&Item> = items.iter().flatten().filter(shows).collect();
        let keys: Vec<RemoteKey> = shown.iter().map(|item| item.key.clone()).collect();
        let others = others(context, &question, &keys).await?;
        if let Some(item) = shown.into_iter().find(|item| !others.contains(&item.key)) {
            found.push(Found::One(item.clone()));
            seen.push(question);
        }
    }
    let settled: BTreeSet<PendingKey> =
        seen.iter().map(|question| question.pending.key.clone()).collect();
    if !seen.is_empty() {
        // The rows come with their page.
        answer(context, rules, &seen, found).await?;
    }
    context.open_creates = open.into_iter().filter(|p| !settled.contains(&p.key)).collect();
    Ok(())
}

/// Attempts that may have come to a row that is known, although they were to make one:
/// where a create writes over the row that has its value, that may be anybody's.
pub(super) fn over<'a>(
    context: &'a RunContext<'_>,
    row: &'a Object,
) -> impl Iterator<Item = &'a Pending> {
    let writes_over = context.stream.as_ref().is_some_and(|stream| stream.upsert_by_key);
    let open = context.open_creates.iter().filter(move |_| writes_over);
    open.filter(|pending| {
        let sent =
            |name: &FieldName| Some((name.clone(), pending.attempt.fields.get(name)?.0.clone()));
        let by = context.job.mapping.matching.iter().find_map(sent);
        by.is_some_and(|by| sync::found_by(&[by].into(), row))
    })
}

/// Gives up creates that neither a search nor the pages that were read since have
/// shown, if the lag of searches is over: they are due again. Others wait.
pub(crate) async fn give_up(context: &mut RunContext<'_>) -> Result<(), Fault> {
    let now = context.workspace.env.now();
    let open = std::mem::take(&mut context.open_creates);
    let is_over = |pending: &Pending| {
        pending.job().is_none() && now.0 - pending.due.0 >= SEARCH_LAG_MICROS_MAX
    };
    let (over, waiting): (Vec<Pending>, Vec<Pending>) = open.into_iter().partition(is_over);
    context.counts.retried += waiting.len() as u64;
    context.open_creates = waiting;
    let (gone, over): (Vec<Pending>, Vec<Pending>) =
        over.into_iter().partition(|pending| made(pending).is_some());
    bury(context, &gone).await?;
    if over.is_empty() {
        return Ok(());
    }
    // Where a create that is made twice makes one row, this one did not arrive as
    // far as it matters.
    let creates_once = reading::stream_info(context).await?.delivery_class().creates_once();
    let end = if creates_once { WriteEnd::Lost } else { WriteEnd::Unknown };
    let again = |pending| Pending { state: PendingState::Retry, due: now, word: None, ..pending };
    let deletes = context.job.mapping.deletes;
    for over in over.chunks(STEP_ITEMS_MAX) {
        let mut ledger = Ledger::of(context, over.iter().map(|p| p.key.profile).collect()).await?;
        over.iter()
            .for_each(|pending| ledger.end(Attempted::of(pending, true, deletes), end, None, None));
        let pending = over.iter().cloned().map(again).collect();
        let written = ledger.into_entries();
        let set = WriteSet { pending, written, ..WriteSet::default() };
        context.workspace.store.commit(set).await?;
    }
    Ok(())
}

/// The row that a job has said to have made of a create.
pub(super) fn made(pending: &Pending) -> Option<&RemoteKey> {
    match &pending.word {
        Some(Word::Written { key }) => key.as_ref(),
        _ => None,
    }
}

/// Rows that were made, and are not there any more: somebody deleted them before the
/// hub saw them. Made once more they would come back.
async fn bury(context: &mut RunContext<'_>, gone: &[Pending]) -> Result<(), Fault> {
    for gone in gone.chunks(STEP_ITEMS_MAX) {
        let asked = questions(context, gone).await?;
        jobs::take_at_word(context, asked).await?;
        let rows = gone.iter().filter_map(made).cloned().map(Reading::gone).collect();
        for rows in slice::cut(rows) {
            slice::apply(context, rows, None).await?;
        }
    }
    Ok(())
}
