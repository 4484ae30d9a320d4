//! After a job of the vendor's has ended that took a write in: the outcome is known,
//! the row has to be read.
//!
//! A row that is read back after a write without an answer shows an echo only where
//! it holds what was tried to the letter ([`super::echo`]): another form may be
//! anybody's. Here the vendor has said that it wrote; so what resembles the attempt
//! is the form that it made of it. What does not was edited after the job, were it
//! back to what was there before it, and is left to [`super::observe()`].
//!
//! A vendor that only counts has said less: the old value may be that of the one item
//! that it did not write.

use hub_model::{Attempt, Mapping, Object, Record};

use super::delivered::Birth;
use super::echo::{resembles, settle_birth, settle_echo, shown};

/// Settles an attempt that the vendor has said to have written.
pub fn settle_told(record: &Record, attempt: &Attempt, row: &Object, mapping: &Mapping) -> Record {
    let mut settled = settle_counted(record, attempt, row, mapping);
    for (field, (wanted, stamp)) in &attempt.fields {
        let Some(state) = settled.fields.get_mut(field) else { continue };
        // An edit that was read while the job went on is known already.
        let is_known = state
            .asserted
            .as_ref()
            .is_some_and(|edit| edit.stamp > *stamp && edit.value == *shown(row, field));
        if state.sent != *stamp && !is_known {
            state.remote = Some(wanted.clone());
            state.sent = *stamp;
        }
    }
    settled
}

/// Settles an attempt among those that the vendor has counted as written.
pub fn settle_counted(
    record: &Record,
    attempt: &Attempt,
    row: &Object,
    mapping: &Mapping,
) -> Record {
    confirmed(settle_echo(record, attempt, row, mapping), attempt, row)
}

/// The record of a row that the vendor has said to have created.
pub fn settle_told_birth(
    birth: Birth,
    attempt: &Attempt,
    row: &Object,
    version: Option<&str>,
    mapping: &Mapping,
) -> Record {
    confirmed(settle_birth(birth, attempt, row, version, mapping), attempt, row)
}

fn confirmed(mut record: Record, attempt: &Attempt, row: &Object) -> Record {
    for (field, (wanted, stamp)) in &attempt.fields {
        let Some(shown) = row.get(field.as_str()).filter(|shown| resembles(shown, wanted)) else {
            continue;
        };
        let Some(state) = record.fields.get_mut(field) else { continue };
        state.remote = Some(shown.clone());
        state.sent = *stamp;
    }
    record
}

#[cfg(test)]
mod tests {
    use hub_model::{
        Assertion, Attempt, FieldName, ProfileId, Record, RecordNo, RunId, Stamp, Value,
    };

    use super::{settle_counted, settle_told, settle_told_birth};
    use crate::fixture::{at, mapping, row};
    use crate::sync::{Birth, created};

    fn birth(crm: &hub_model::Mapping) -> Birth {
        Birth {
            number: RecordNo(1),
            stamp: Stamp(1),
            at: at(crm, "k"),
            for_record: RecordNo(1),
            profile: ProfileId(1),
            run: RunId::new("run"),
        }
    }

    fn attempt(name: &str) -> Attempt {
        let fields = [(FieldName::new("name"), (Value::text(name), Stamp(9)))].into();
        Attempt { fields, idempotency_key: String::new() }
    }

    #[test]
    fn the_vendors_form_is_delivered_and_an_edit_after_it_is_not() {
        let crm = mapping("crm", &["name <-> name"]);
        // (shown before, written, shown now, delivered)
        let cases = [
            ("Bob", "Ana Maria", "Ana Maria", true),
            ("Bob", "Ana Maria", "ANA MARIA", true),
            ("Bob", "Ana Maria", "ANA M", true),
            // Nothing moved, but the vendor says that it wrote.
            ("ANA", "Ana", "ANA", true),
            ("Bob", "Ana Maria", "Carl", false),
            ("Bob", "Ana Maria", "Bob", false),
        ];
        for (before, written, now, echo) in cases {
            let shows = row(&[("name", before)]);
            let mut record = created(birth(&crm), &attempt(before), Some(&shows), None, &crm);
            record.fields.get_mut("name").unwrap().sent = Stamp(3);
            let shows = row(&[("name", now)]);
            let said = |settled: Record| {
                let state = &settled.fields["name"];
                (state.remote.clone(), state.sent)
            };
            let told = said(settle_told(&record, &attempt(written), &shows, &crm));
            // What is not our echo differs from what was delivered: an edit.
            let remote = if echo { now } else { written };
            let case = format!("{before:?} {written:?} {now:?}");
            assert_eq!(told, (Some(Value::text(remote)), Stamp(9)), "{case}");
            let counted = said(settle_counted(&record, &attempt(written), &shows, &crm));
            let lost = (Some(Value::text(before)), Stamp(3));
            assert_eq!(counted, if echo { told } else { lost }, "{case}");
        }
    }

    #[test]
    fn an_edit_that_was_read_meanwhile_is_not_made_anew() {
        let crm = mapping("crm", &["name <-> name"]);
        let shows = row(&[("name", "Carl")]);
        // (when the edit was read, whether the write is known to be over it)
        for (read, delivered) in [(10, false), (8, true)] {
            let mut record = created(birth(&crm), &attempt("Bob"), Some(&shows), None, &crm);
            let state = record.fields.get_mut("name").unwrap();
            let value = Value::text("Carl");
            let (stamp, source_time, seen) = (Stamp(read), None, None);
            state.asserted = Some(Assertion { value, stamp, source_time, seen });
            state.sent = Stamp(read);
            let settled = settle_told(&record, &attempt("Ana"), &shows, &crm);
            assert_eq!(settled.fields["name"].sent == Stamp(9), delivered, "{read}");
        }
    }

    #[test]
    fn a_row_that_the_vendor_made_is_not_written_once_more() {
        let crm = mapping("crm", &["name <-> name", "city <-> city"]);
        let mut tried = attempt("Ana");
        tried.fields.insert(FieldName::new("city"), (Value::text("Lyon"), Stamp(9)));
        let shows = row(&[("name", "ANA"), ("city", "Nice")]);
        let record = settle_told_birth(birth(&crm), &tried, &shows, None, &crm);
        let name = &record.fields["name"];
        assert_eq!((name.remote.clone(), name.sent), (Some(Value::text("ANA")), Stamp(9)));
        assert_eq!(record.fields["city"].remote, None, "an edit, left to the reading");
    }
}
