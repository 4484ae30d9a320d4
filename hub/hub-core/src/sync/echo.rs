//! Our own echo after an unknown outcome: did the request that got no answer
//! arrive?

use std::collections::BTreeMap;

use hub_model::{Attempt, FieldName, Mapping, Object, Record, Stamp, Value};

use super::delivered::{Birth, created};

/// Settles an attempt whose outcome is unknown against the row read back:
/// where the field changed and now holds what we tried, in whatever form, it is
/// our echo. To the letter, it counts as delivered; in another form it stays
/// due, because the form may be the vendor's own or somebody who typed nearly
/// the same, and writing once more tells. Give the result to
/// [`super::observe()`] together with the same row; what is left there is
/// somebody else's edit.
///
/// A field that still shows the old form is left alone, even if it resembles
/// the attempt: either the request was lost or repeating it does no harm.
/// Otherwise a shorter old value ("Ana") would pass for a truncated new one
/// ("Ana Maria") and the write would be lost.
pub fn settle_echo(record: &Record, attempt: &Attempt, row: &Object, mapping: &Mapping) -> Record {
    let mut settled = record.clone();
    for (field, (wanted, stamp)) in &attempt.fields {
        if mapping.field(field.as_str()).is_none() {
            continue;
        }
        let shown = shown(row, field);
        let moved = form_there(&settled, field) != Some(shown);
        let state = settled.fields.entry(field.clone()).or_default();
        if shown == wanted {
            state.remote = Some(shown.clone());
            state.sent = *stamp;
            if state.dispute.is_some() {
                state.revise_dispute(|kept| kept.told = None);
            }
        } else if moved && resembles(shown, wanted) {
            state.remote = Some(shown.clone());
            // Due whatever is golden by now: it may have gone back to what was
            // delivered before the attempt.
            state.sent = Stamp(0);
        }
    }
    settled
}

/// The record of a row that a create with an unknown outcome made, as
/// [`looks_like`] found. As in [`settle_echo`], only what it shows to the letter
/// counts as delivered; what it does not show in any form is left to
/// [`super::observe()`].
pub fn settle_birth(
    birth: Birth,
    attempt: &Attempt,
    row: &Object,
    version: Option<&str>,
    mapping: &Mapping,
) -> Record {
    let mut record = created(birth, attempt, None, version, mapping);
    for (field, state) in &mut record.fields {
        let Some((wanted, _)) = attempt.fields.get(field) else { continue };
        let shown = shown(row, field);
        if shown != wanted && resembles(shown, wanted) {
            state.remote = Some(shown.clone());
            state.sent = Stamp(0);
        }
    }
    record
}

/// Whether a row was known before a create was attempted, which then did not make it:
/// what was tried had become golden only after that.
pub fn is_older(record: &Record, attempt: &Attempt) -> bool {
    attempt.fields.values().any(|(_, stamp)| record.born <= *stamp)
}

/// Whether a row may be the one that a create with an unknown outcome made: it
/// shows some value of the attempt, in some form, besides those by which it was
/// found. Only meaningful for a row that the hub did not know before the
/// attempt. Not every value has to fit: a new row may have been edited before
/// it is read back, and taking it for a stranger's would turn our own values,
/// in the vendor's form, into evidence.
pub fn looks_like(attempt: &Attempt, row: &Object, matching: &[FieldName]) -> bool {
    let telling = |field: &FieldName| !matching.contains(field);
    let only_found_by = !attempt.fields.keys().any(telling);
    attempt.fields.iter().any(|(field, (wanted, _))| {
        (telling(field) || only_found_by) && resembles(shown(row, field), wanted)
    })
}

/// Whether a row is one that a search by these values means: as they are, or in
/// other case and white space, as vendors compare them.
pub fn found_by(fields: &BTreeMap<FieldName, Value>, row: &Object) -> bool {
    let same = |(field, wanted): (&FieldName, &Value)| {
        let shown = shown(row, field);
        let told = loose(wanted).filter(|wanted| !wanted.is_empty());
        shown == wanted || told.is_some_and(|wanted| loose(shown) == Some(wanted))
    };
    !fields.is_empty() && fields.iter().all(same)
}

/// What we wrote there and have not seen there yet.
pub(super) fn unconfirmed<'a>(record: &'a Record, field: &FieldName) -> Option<&'a Value> {
    let state = record.fields.get(field)?;
    let told = state.remote.is_none() && state.sent != Stamp(0);
    if told { record.raw.get(field.as_str()) } else { None }
}

/// The form that a field has there, as far as we know: seen, else as sent.
pub(super) fn form_there<'a>(record: &'a Record, field: &FieldName) -> Option<&'a Value> {
    let seen = record.fields.get(field).and_then(|state| state.remote.as_ref());
    seen.or_else(|| unconfirmed(record, field))
}

pub(super) fn shown<'a>(row: &'a Object, field: &FieldName) -> &'a Value {
    row.get(field.as_str()).unwrap_or(&Value::Null)
}

/// Equal in content, or in a form that vendors are known to make of text:
/// other case, other white space, cut short.
pub(super) fn resembles(shown: &Value, wanted: &Value) -> bool {
    if shown == wanted {
        return true;
    }
    match (loose(shown), loose(wanted)) {
        (Some(shown), Some(wanted)) if shown.is_empty() => wanted.is_empty(),
        (Some(shown), Some(wanted)) => wanted.starts_with(&shown),
        _ => false,
    }
}

/// Text without case and with single spaces; null is empty text, since many
/// systems know no difference. `None` for what has no loose form.
fn loose(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Text(text) => {
            Some(text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use hub_model::{Attempt, FieldName, Stamp, Value};

    use super::{found_by, is_older, looks_like, settle_birth, settle_echo};
    use crate::fixture::{mapping, row};
    use crate::sync::{Birth, created};

    fn birth(crm: &hub_model::Mapping) -> Birth {
        Birth {
            number: hub_model::RecordNo(1),
            stamp: Stamp(1),
            at: crate::fixture::at(crm, "k"),
            for_record: hub_model::RecordNo(1),
            profile: hub_model::ProfileId(1),
            run: hub_model::RunId::new("run"),
        }
    }

    fn attempt(name: &str) -> Attempt {
        let fields = [(FieldName::new("name"), (Value::text(name), Stamp(9)))].into();
        Attempt { fields, idempotency_key: String::new() }
    }

    #[test]
    fn a_create_made_no_row_that_was_known_before_its_values() {
        let crm = mapping("crm", &["name <-> name"]);
        let tried = attempt("Ana");
        for (born, older) in [(8, true), (9, true), (10, false)] {
            let birth = Birth { stamp: Stamp(born), ..birth(&crm) };
            let record = created(birth, &tried, None, None, &crm);
            assert_eq!(is_older(&record, &tried), older, "{born}");
        }
    }

    #[test]
    fn what_we_tried_is_known_again_in_the_vendors_form() {
        let crm = mapping("crm", &["name <-> name"]);
        // (shown before, tried, shown now, our echo)
        let cases = [
            ("Bob", "Ana Maria", "Ana Maria", true),
            ("Bob", "Ana Maria", "ANA MARIA", true),
            ("Bob", "Ana  Maria ", "Ana Maria", true),
            ("Bob", "Ana Maria", "ANA M", true),
            ("Bob", "", "", true),
            ("Bob", "  ", "", true),
            ("Bob", "Ana Maria", "", false),
            ("Bob", "Ana Maria", "Carl", false),
            ("Bob", "Ana Maria", "Ana Marie", false),
            ("Bob", "Ana Maria", "Ana Maria Lopez", false),
            // Nothing moved: the request was lost, whatever it resembles.
            ("Ana", "Ana Maria", "Ana", false),
            ("Bob", "Ana Maria", "Bob", false),
            // ... unless it is there to the letter.
            ("Ana", "Ana", "Ana", true),
        ];
        for (before, tried, now, ours) in cases {
            let shows = row(&[("name", before)]);
            let mut record = created(birth(&crm), &attempt(before), Some(&shows), None, &crm);
            record.fields.get_mut("name").unwrap().sent = Stamp(3);
            let mut tried = attempt(tried);
            if tried.fields["name"].0 == Value::text("") {
                tried.fields.insert(FieldName::new("name"), (Value::Null, Stamp(9)));
            }
            let settled = settle_echo(&record, &tried, &row(&[("name", now)]), &crm);
            let state = &settled.fields["name"];
            let now = row(&[("name", now)]);
            let shown = now.get("name").unwrap();
            let to_the_letter = *shown == tried.fields[&FieldName::new("name")].0;
            assert_eq!(state.sent == Stamp(9), to_the_letter, "{before:?} {tried:?} {now:?}");
            if ours {
                assert_eq!(state.remote.as_ref(), Some(shown), "{before:?} {tried:?}");
                let sent = if to_the_letter { Stamp(9) } else { Stamp(0) };
                assert_eq!(state.sent, sent, "{before:?} {tried:?}");
            } else {
                assert_eq!(settled, record);
            }
        }
    }

    #[test]
    fn a_row_found_in_another_form_is_ours_and_written_once_more() {
        let crm = mapping("crm", &["name <-> name", "city <-> city", "mail <-> mail"]);
        let mut tried = attempt("Ana Maria");
        tried.fields.insert(FieldName::new("city"), (Value::text("Lyon"), Stamp(9)));
        tried.fields.insert(FieldName::new("mail"), (Value::text("ana@x.fr"), Stamp(9)));
        let shows = row(&[("name", "ANA MARIA"), ("city", "Nice"), ("mail", "ana@x.fr")]);
        let record = settle_birth(birth(&crm), &tried, &shows, None, &crm);
        let state = |field: &str| record.fields[field].clone();
        assert_eq!(state("name").remote, Some(Value::text("ANA MARIA")));
        assert_eq!(state("name").sent, Stamp(0), "still due");
        assert_eq!((state("city").remote, state("city").sent), (None, Stamp(9)), "an edit");
        assert_eq!(state("mail").sent, Stamp(9));
    }

    #[test]
    fn a_search_means_rows_whatever_their_case() {
        let by = |name: &str, value: Value| [(FieldName::new(name), value)].into();
        let shows = row(&[("mail", "Ana@X.fr "), ("name", "Ana"), ("city", "")]);
        let cases = [
            (by("mail", Value::text("ana@x.fr")), true),
            (by("mail", Value::text("Ana@X.fr ")), true),
            (by("mail", Value::text("ana@x.f")), false),
            (by("mail", Value::text("ana@x.fr.org")), false),
            (by("city", Value::text("")), false),
            (by("nick", Value::text("Ana")), false),
            ([].into(), false),
        ];
        for (fields, found) in cases {
            assert_eq!(found_by(&fields, &shows), found, "{fields:?}");
        }
    }

    #[test]
    fn a_found_row_is_ours_if_it_shows_more_than_what_it_was_found_by() {
        let mut tried = attempt("Ana Maria");
        let mail = FieldName::new("mail");
        tried.fields.insert(mail.clone(), (Value::text("ana@x.fr"), Stamp(9)));
        tried.fields.insert(FieldName::new("city"), (Value::text("Lyon"), Stamp(9)));
        let by = [mail];
        let cases = [
            (row(&[("name", "ANA MARIA"), ("mail", "ana@x.fr"), ("id", "1")]), true),
            (row(&[("name", "Bob"), ("mail", "ana@x.fr"), ("city", "LYON")]), true),
            (row(&[("name", "Bob"), ("mail", "ana@x.fr"), ("city", "Nice")]), false),
            (row(&[("mail", "ana@x.fr")]), false),
        ];
        for (row, ours) in cases {
            assert_eq!(looks_like(&tried, &row, &by), ours, "{row:?}");
        }
        tried.fields.clear();
        assert!(!looks_like(&tried, &row(&[]), &by));
    }
}
