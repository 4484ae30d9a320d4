//! After a job of the vendor's has ended that took a write in: the outcome is known,
//! the row has to be read.
//!
//! A row that is read back after a write without an answer shows an echo only where
//! it holds what was tried to the letter ([`super::echo`]): another form may be
//! anybody's. Here the vendor has said that it wrote; so what resembles the attempt
//! is the form that it made of it. What does not was edited after the job, and is
//! left to [`super::observe()`].

use hub_model::{Attempt, Mapping, Object, Record};

use super::delivered::Birth;
use super::echo::{resembles, settle_birth, settle_echo};

/// Settles an attempt that the vendor has said to have written.
pub fn settle_told(record: &Record, attempt: &Attempt, row: &Object, mapping: &Mapping) -> Record {
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
    use hub_model::{Attempt, FieldName, ProfileId, RecordNo, RunId, Stamp, Value};

    use super::{settle_told, settle_told_birth};
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
        for (before, written, now, told) in cases {
            let shows = row(&[("name", before)]);
            let mut record = created(birth(&crm), &attempt(before), Some(&shows), None, &crm);
            record.fields.get_mut("name").unwrap().sent = Stamp(3);
            let settled = settle_told(&record, &attempt(written), &row(&[("name", now)]), &crm);
            let state = &settled.fields["name"];
            assert_eq!(state.sent == Stamp(9), told, "{before:?} {written:?} {now:?}");
            let remote = if told { now } else { before };
            assert_eq!(state.remote, Some(Value::text(remote)), "{before:?} {written:?} {now:?}");
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
