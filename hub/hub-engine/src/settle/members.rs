//! Attempts to bring somebody into an audience, or to take him out, without an answer.
//! Nobody can look: what they may have left is kept with the member
//! ([`hub_core::sync::member`]), and what is due is planned anew.

use std::collections::BTreeSet;

use hub_core::sync::{self, Birth, member};
use hub_model::{Fault, RecordNo, RecordRef, RemoteKey, Stamp, Word, WriteEnd};
use hub_store::WriteSet;

use super::{Question, updated};
use crate::conclude::{Changed, conclude};
use crate::ledger::{Attempted, Ledger};
use crate::run::RunContext;

/// Keeps what the attempts may have left, or what the vendor has said of them since.
pub(super) async fn settle(
    context: &RunContext<'_>,
    questions: Vec<Question<'_>>,
) -> Result<(), Fault> {
    let workspace = context.workspace;
    let _guard = workspace.decide().await;
    let mapping = &context.job.mapping;
    let mut counters = workspace.store.counters().await?;
    let profiles = questions.iter().map(|question| question.pending.key.profile);
    let mut ledger = Ledger::of(context, profiles.collect()).await?;
    let mut set = WriteSet::default();
    let mut changed = Vec::new();
    for question in questions {
        let (pending, attempt) = (question.pending, &question.pending.attempt);
        let attempted = Attempted::of(pending, question.keeps_values, mapping.deletes);
        // To bring somebody in twice changes nothing: what did not arrive was lost.
        let end = match &pending.word {
            None | Some(Word::Accepted { .. }) => WriteEnd::Lost,
            Some(Word::Written { .. }) => WriteEnd::Made,
            Some(Word::Counted) => WriteEnd::Counted,
        };
        counters.stamp += 1;
        let change = match &question.record {
            Some(record) if end == WriteEnd::Lost => {
                let after = member::unanswered(record, attempt);
                ledger.end(attempted, end, Some(record), None);
                Changed::States(after)
            }
            Some(record) if attempt.fields.is_empty() => {
                let stamp = Stamp(counters.stamp);
                let gone = sync::removed(record, stamp, &context.id, mapping);
                ledger.end(attempted, end, Some(record), Some(&gone));
                Changed::Deleted(gone)
            }
            Some(record) => {
                let after = member::taken_in(record, attempt, mapping);
                ledger.end(attempted, end, Some(record), Some(&after));
                Changed::States(after)
            }
            None => {
                let owner = question.owner.as_ref();
                let owner = owner.and_then(|owner| Some((owner.profile, owner.for_record?)));
                // As long as nobody is known whose it is, it stays open.
                let Some((profile, for_record)) = owner else { continue };
                counters.record += 1;
                let key = RemoteKey::new(attempt.idempotency_key.as_str());
                let birth = Birth {
                    number: RecordNo(counters.record),
                    stamp: Stamp(counters.stamp),
                    at: RecordRef { stream: mapping.stream.clone(), key },
                    for_record,
                    profile,
                    run: context.id.clone(),
                };
                let record = match end {
                    WriteEnd::Lost => member::unanswered_birth(birth, attempt, mapping),
                    _ => sync::created(birth, attempt, None, None, mapping),
                };
                ledger.end(attempted, end, None, Some(&record));
                Changed::Created(record)
            }
        };
        changed.push(change);
        set.settled.push(pending.key.clone());
        // As long as it was open nothing else was planned, for whomever it is now.
        let owner = question.record.as_ref().map(|record| record.profile);
        let owners = BTreeSet::from_iter(owner.into_iter().chain([pending.key.profile]));
        set.changes.extend(owners.into_iter().map(updated));
    }
    if changed.is_empty() {
        return Ok(());
    }
    set.counters = Some(counters);
    set.written = ledger.into_entries();
    conclude(workspace, changed, &mut set).await?;
    workspace.commit(set).await?;
    Ok(())
}
