//! Which rows of a person are written where he has several in a stream.

use hub_model::{FieldName, Several};

use crate::consents::{check_read, values};
use crate::fault::code;
use crate::table::TableReader;

/// The keys of `primary`.
const KEYS: &[&str] = &["field", "is"];
const EXAMPLE: &str = "primary = { field = \"main\", is = [true] }";

/// The words for the rows that are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    All,
    Newest,
    Oldest,
    Primary,
}

const WORDS: &[(&str, Word)] = &[
    ("all", Word::All),
    ("newest", Word::Newest),
    ("oldest", Word::Oldest),
    ("primary", Word::Primary),
];

/// Reads `several`, and `primary` where that is meant.
pub(crate) fn read(
    table: &mut TableReader<'_>,
    read: &[&str],
    mapped: Option<&[&str]>,
    writes: bool,
) -> Several {
    let word = table.word("several", WORDS);
    let useless = |table: &TableReader<'_>, key: &str, why: &str, mend: &str| {
        let fault = table.fault(code::NO_EFFECT, &table.key_location(key), key);
        fault.with("why", why).with("mend", mend).record();
    };
    if !writes && word.is_some() {
        let mend = "write a field with `<-` or `<->`, or remove it";
        useless(table, "several", "nothing is written there", mend);
    }
    let word = word.map_or(Word::All, |word| word.value);
    if word != Word::Primary {
        table.ask("primary");
        if table.has("primary") {
            let mend = "add `several = \"primary\"`, or remove it";
            useless(table, "primary", "`several` means other rows", mend);
        }
        return match word {
            Word::Newest => Several::Newest,
            Word::Oldest => Several::Oldest,
            Word::All | Word::Primary => Several::All,
        };
    }
    if !table.has("primary") {
        table.missing("primary", EXAMPLE);
    }
    primary(table, read, mapped).unwrap_or_default()
}

fn primary(table: &mut TableReader<'_>, read: &[&str], mapped: Option<&[&str]>) -> Option<Several> {
    let mut primary = table.table("primary", EXAMPLE)?;
    let field = primary.required("field", "the name of a field", "field = \"main\"");
    if primary.peek_is_empty("is") {
        primary.missing("is", "is = [true]");
    }
    let is = values(&mut primary, "is", "is = [true]");
    check_read(&primary, field.as_ref(), read, mapped);
    primary.finish(KEYS);
    Some(Several::Primary { field: FieldName::new(field?.as_str()), is })
}
