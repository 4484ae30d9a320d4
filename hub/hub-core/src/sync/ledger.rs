//! What a write that has ended leaves in the ledger: field by field what the row
//! showed before, what was sent, and what the vendor made of it.

use std::collections::BTreeMap;

use hub_model::{
    Attempt, FieldName, LedgerEntry, LedgerField, Mapping, Record, RunId, Stamp, SyncId, Value,
    WriteEnd, WriteKind,
};

use super::echo::form_there;

/// What is known of a write that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Witness<'a> {
    /// Whose request it was: run and sync.
    pub of: (&'a RunId, &'a SyncId),
    /// What was tried.
    pub attempt: &'a Attempt,
    /// The row as it was known before.
    pub before: Option<&'a Record>,
    /// The row as it is known since.
    pub after: Option<&'a Record>,
}

/// The entry of a write. Of a row that was deleted it keeps what the mapped fields
/// showed, so that it can be made again.
pub fn ledgered(
    kind: WriteKind,
    end: WriteEnd,
    witness: &Witness<'_>,
    mapping: &Mapping,
) -> LedgerEntry {
    let known = witness.after.or(witness.before);
    let fields = match kind {
        WriteKind::Delete | WriteKind::Archive => deleted(witness.before, mapping),
        WriteKind::Create | WriteKind::Update => written(witness),
    };
    let entry = LedgerEntry {
        record: known.map(|record| record.number),
        key: known.map(|record| record.at.key.clone()),
        fields,
        end,
        ..LedgerEntry::of(kind, witness.attempt, witness.of)
    };
    entry.within_limits()
}

fn deleted(record: Option<&Record>, mapping: &Mapping) -> BTreeMap<FieldName, LedgerField> {
    let shown = |record: &Record, name| form_there(record, name).cloned();
    let fields = mapping.fields.iter().filter_map(|pair| {
        let before = Some(shown(record?, &pair.field)?);
        Some((pair.field.clone(), LedgerField { before, ..LedgerField::default() }))
    });
    fields.collect()
}

fn written(witness: &Witness<'_>) -> BTreeMap<FieldName, LedgerField> {
    let field = |(name, (sent, stamp)): (&FieldName, &(Value, Stamp))| {
        let shown = witness.after.and_then(|record| form_there(record, name));
        let field = LedgerField {
            before: witness.before.and_then(|record| form_there(record, name)).cloned(),
            sent: Some(sent.clone()),
            shown: shown.filter(|shown| *shown != sent).cloned(),
            stamp: *stamp,
        };
        (name.clone(), field)
    };
    witness.attempt.fields.iter().map(field).collect()
}

/// The entry of a write without an answer, once its row was read back. `after` is
/// the row if it shows the attempt in any field; fields that did not move were not
/// written, or were so already.
pub fn settled_entry(kind: WriteKind, witness: &Witness<'_>, mapping: &Mapping) -> LedgerEntry {
    let Some(after) = witness.after else {
        let mut lost = ledgered(kind, WriteEnd::Lost, witness, mapping);
        if matches!(kind, WriteKind::Delete | WriteKind::Archive) {
            lost.fields.clear();
        }
        return lost;
    };
    let mut found = ledgered(kind, WriteEnd::Found, witness, mapping);
    if let (WriteKind::Update, Some(before)) = (kind, witness.before) {
        found.fields.retain(|name, _| form_there(before, name) != form_there(after, name));
        if found.fields.is_empty() {
            found.end = WriteEnd::Unchanged;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use hub_model::{
        Attempt, FieldName, LedgerField, ProfileId, Record, RecordNo, RunId, Stamp, SyncId, Value,
        WriteEnd, WriteKind,
    };

    use super::{Witness, ledgered, settled_entry};
    use crate::fixture::{at, mapping, row};
    use crate::sync::{Birth, created, delivered};

    fn attempt(fields: &[(&str, &str)]) -> Attempt {
        let field =
            |(name, value): &(&str, &str)| (FieldName::new(*name), (Value::text(*value), Stamp(9)));
        Attempt { fields: fields.iter().map(field).collect(), idempotency_key: "k".to_owned() }
    }

    fn made(shows: &[(&str, &str)]) -> Record {
        let crm = mapping("crm", &["name <-> name", "city <-> city"]);
        let birth = Birth {
            number: RecordNo(2),
            stamp: Stamp(1),
            at: at(&crm, "k2"),
            for_record: RecordNo(1),
            profile: ProfileId(1),
            run: RunId::new("run"),
        };
        created(birth, &attempt(shows), Some(&row(shows)), None, &crm)
    }

    #[test]
    fn an_entry_tells_before_sent_and_shown() {
        let crm = mapping("crm", &["name <-> name", "city <-> city"]);
        let (run, sync) = (RunId::new("1-crm"), SyncId::new("crm"));
        let before = made(&[("name", "ana"), ("city", "Metz")]);
        let tried = attempt(&[("name", "Ana"), ("city", "Lyon")]);
        let shows = row(&[("name", "ANA"), ("city", "Lyon")]);
        let after = delivered(&before, &tried, Some(&shows), None, &crm);
        let of = (&run, &sync);
        let witness = Witness { of, attempt: &tried, before: Some(&before), after: Some(&after) };
        let entry = ledgered(WriteKind::Update, WriteEnd::Made, &witness, &crm);
        assert_eq!((entry.record, entry.key.clone()), (Some(RecordNo(2)), Some("k2".into())));
        let text = |text| Some(Value::text(text));
        let name = LedgerField {
            before: text("ana"),
            sent: text("Ana"),
            shown: text("ANA"),
            stamp: Stamp(9),
        };
        assert_eq!(entry.fields["name"], name);
        let city = LedgerField { before: text("Metz"), sent: text("Lyon"), shown: None, ..name };
        assert_eq!(entry.fields["city"], city);
        // A row that went keeps what it showed.
        let witness = Witness { after: None, ..witness };
        let gone = ledgered(WriteKind::Delete, WriteEnd::Made, &witness, &crm);
        assert_eq!(gone.fields["city"].before, text("Metz"));
        assert_eq!(gone.fields["city"].after(), None);
        // A new row had nothing before.
        let witness = Witness { of, attempt: &tried, before: None, after: Some(&after) };
        let new = ledgered(WriteKind::Create, WriteEnd::Made, &witness, &crm);
        assert_eq!((new.fields["name"].before.clone(), new.fields.len()), (None, 2));
    }

    #[test]
    fn of_a_write_without_an_answer_the_row_decides() {
        let crm = mapping("crm", &["name <-> name", "city <-> city"]);
        let (run, sync) = (RunId::new("1-crm"), SyncId::new("crm"));
        let before = made(&[("name", "ana"), ("city", "Metz")]);
        let tried = attempt(&[("name", "Ana"), ("city", "Metz")]);
        let after = delivered(&before, &tried, Some(&row(&[("name", "Ana")])), None, &crm);
        let witness = Witness {
            of: (&run, &sync),
            attempt: &tried,
            before: Some(&before),
            after: Some(&after),
        };
        let found = settled_entry(WriteKind::Update, &witness, &crm);
        assert_eq!((found.end, found.fields.len()), (WriteEnd::Found, 1), "the city was so");
        let still = Witness { after: Some(&before), ..witness };
        assert_eq!(settled_entry(WriteKind::Update, &still, &crm).end, WriteEnd::Unchanged);
        let lost = settled_entry(WriteKind::Update, &Witness { after: None, ..witness }, &crm);
        assert_eq!((lost.end, lost.fields.len()), (WriteEnd::Lost, 2));
    }
}
