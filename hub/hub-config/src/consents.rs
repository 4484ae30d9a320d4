//! `[[consents]]` and `requires`: which fields state a consent, and which
//! consents a destination needs.

use std::collections::BTreeMap;

use hub_model::consent::EVERY_CHANNEL;
use hub_model::{ConsentKey, ConsentMapping, ConsentState, FieldName, TimeField, Value};
use toml::de::DeValue;

use crate::cleaning::time_format;
use crate::fault::{ConfigFault, code};
use crate::located::Located;
use crate::near;
use crate::settings;
use crate::table::{TableReader, shown, wrong_type};
use crate::word;

/// The keys of `[[consents]]`.
pub(crate) const KEYS: &[&str] = &[
    "field",
    "purpose",
    "channel",
    "granted",
    "denied",
    "withdrawn",
    "otherwise",
    "time",
    "text_version",
    "proof",
];
/// The keys of a field with a time.
pub(crate) const TIME_KEYS: &[&str] = &["field", "format"];

/// What a value that is not listed may mean; a grant is always listed.
pub(crate) const OTHERWISE: &[(&str, ConsentState)] = &[
    ("unknown", ConsentState::Unknown),
    ("denied", ConsentState::Denied),
    ("withdrawn", ConsentState::Withdrawn),
];

/// A purpose and a channel that `liaison.toml` must know.
pub(crate) struct KeyDraft {
    pub(crate) purpose: Located<String>,
    pub(crate) channel: Located<String>,
    pub(crate) place: String,
}

/// The consents of a sync, with what other files must confirm.
#[derive(Default)]
pub(crate) struct ConsentDrafts {
    pub(crate) consents: Vec<ConsentMapping>,
    pub(crate) requires: Vec<ConsentKey>,
    pub(crate) purposes: BTreeMap<Box<str>, ConsentKey>,
    pub(crate) keys: Vec<KeyDraft>,
}

/// Reads the consents of a sync. `read` and `mapped` are the fields that are
/// read and mapped; without them nothing is said about fields.
pub(crate) fn read(
    table: &mut TableReader<'_>,
    read: &[&str],
    mapped: Option<&[&str]>,
) -> ConsentDrafts {
    let mut drafts = ConsentDrafts::default();
    for reader in table.list("consents", "[[consents]]") {
        if let Some((consent, key)) = consent(reader, read, mapped) {
            drafts.consents.push(consent);
            drafts.keys.push(key);
        }
    }
    for text in table.texts("requires", "requires = [\"newsletter/email\"]") {
        if let Some((required, key)) = key(table, "requires", &text) {
            drafts.requires.push(required);
            drafts.keys.push(key);
        }
    }
    let example = "purposes = { advertising = \"ads/web\" }";
    let called = table.table("purposes", example);
    for (word, value) in called.iter().flat_map(TableReader::values) {
        let DeValue::String(text) = value.get_ref() else {
            let expected = "a purpose on a channel";
            wrong_type(table.document(), value, &table.place_of("purposes"), expected, example);
            continue;
        };
        let text = Located::new(text.to_string(), table.document().location(&value.span()));
        if let Some((required, key)) = key(table, "purposes", &text) {
            // Whatever it is called, it is required.
            if !drafts.requires.contains(&required) {
                drafts.requires.push(required.clone());
            }
            drafts.purposes.insert(word.value.into(), required);
            drafts.keys.push(key);
        }
    }
    drafts
}

/// A purpose on a channel from its text, and what `liaison.toml` must know of it.
pub(crate) fn key(
    table: &TableReader<'_>,
    key: &str,
    text: &Located<String>,
) -> Option<(ConsentKey, KeyDraft)> {
    let Some((purpose, channel)) = text.split_once('/') else {
        let fault = table.fault(code::CONSENT_KEY, &text.location, key);
        fault.with("found", shown(text)).record();
        return None;
    };
    let located = |part: &str| Located::new(part.to_owned(), text.location.clone());
    let draft = KeyDraft {
        purpose: located(purpose),
        channel: located(channel),
        place: table.place_of(key),
    };
    Some((ConsentKey::new(purpose, channel), draft))
}

fn consent(
    mut table: TableReader<'_>,
    read: &[&str],
    mapped: Option<&[&str]>,
) -> Option<(ConsentMapping, KeyDraft)> {
    let place = table.place().to_owned();
    let field = table.required("field", "the name of a field", "field = \"newsletter\"");
    let purpose = table.required("purpose", "the name of a purpose", "purpose = \"newsletter\"");
    let channel = table.filled("channel", "the name of a channel", "channel = \"email\"");
    if !table.has("granted") {
        table.missing("granted", "granted = [\"yes\", true]");
    }
    let granted = values(&mut table, "granted", "granted = [\"yes\", true]");
    let denied = values(&mut table, "denied", "denied = [\"no\", false]");
    let withdrawn = values(&mut table, "withdrawn", "withdrawn = [\"unsubscribed\"]");
    let otherwise = table.word("otherwise", OTHERWISE).map(|word| word.value).unwrap_or_default();
    let time = time(&mut table, "time");
    let text_version = name(&mut table, "text_version", "text_version = \"optin_text\"");
    let proof = name(&mut table, "proof", "proof = \"tcf_string\"");
    check_read(&table, field.as_ref(), read, mapped);
    table.finish(KEYS);
    let (field, purpose) = (field?, purpose?);
    let channel =
        channel.unwrap_or_else(|| Located::new(EVERY_CHANNEL.to_owned(), purpose.location.clone()));
    let consent = ConsentMapping {
        field: FieldName::new(field.as_str()),
        key: ConsentKey::new(&purpose, &channel),
        granted,
        denied,
        withdrawn,
        otherwise,
        time,
        text_version,
        proof,
    };
    Some((consent, KeyDraft { purpose, channel, place }))
}

/// A field that something is judged by is mapped and read.
pub(crate) fn check_read(
    table: &TableReader<'_>,
    field: Option<&Located<String>>,
    read: &[&str],
    mapped: Option<&[&str]>,
) {
    let (Some(field), Some(mapped)) = (field, mapped) else { return };
    if read.contains(&field.as_str()) {
        return;
    }
    let at = table.place_of("field");
    let is_mapped = mapped.contains(&field.as_str());
    let code = if is_mapped { code::NOT_READ } else { code::UNKNOWN_FIELD };
    let fault = ConfigFault::new(code, field.location.clone(), at).with("name", shown(field));
    table.document().fault(near::hint(fault, field, mapped.iter().copied()));
}

/// Values of any kind: texts, numbers, true and false.
pub(crate) fn values(table: &mut TableReader<'_>, key: &'static str, example: &str) -> Vec<Value> {
    let place = table.place_of(key);
    let Some(value) = table.raw(key) else { return Vec::new() };
    if !value.get_ref().is_array() {
        crate::table::wrong_type(table.document(), value, &place, "a list of values", example);
        return Vec::new();
    }
    match Value::from_json(settings::json_value(table.document(), value, &place)) {
        Ok(Value::List(values)) => values,
        _ => Vec::new(),
    }
}

fn name(table: &mut TableReader<'_>, key: &'static str, example: &str) -> Option<FieldName> {
    let name = table.filled(key, "the name of a field", example)?;
    let place = table.place_of(key);
    word::check_name(table.document(), &name, &place).then(|| FieldName::new(name.as_str()))
}

/// A field with a time, and the form that it has there.
pub(crate) fn time(table: &mut TableReader<'_>, key: &'static str) -> Option<TimeField> {
    let example = format!("{key} = {{ field = \"updated_at\", format = \"rfc3339\" }}");
    let mut time = table.table(key, &example)?;
    let field = time.required("field", "the name of a field", "field = \"updated_at\"");
    let text = time.required("format", "a form of times", "format = \"rfc3339\"");
    let format = text.and_then(|text| time_format(&time, "format", &text));
    let place = time.place_of("field");
    let field = field.filter(|field| word::check_name(time.document(), field, &place));
    time.finish(TIME_KEYS);
    Some(TimeField { field: FieldName::new(field?.as_str()), format: format? })
}
