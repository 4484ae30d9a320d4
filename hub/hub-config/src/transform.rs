//! One step of `transform` or `write`. Words and options that cleaning has too
//! mean the same here.

use hub_model::conversion::TRANSFORM_STEPS_MAX;
use hub_model::{Cleaner, CodeForm, Number, Otherwise, Step, Test, Transform, Value};
use toml::de::DeValue;

use crate::cleaning;
use crate::fault::code;
use crate::located::{Located, Location};
use crate::namespace;
use crate::settings;
use crate::table::{TableReader, shown, wrong_type};

/// The keys of a step.
pub(crate) const KEYS: &[&str] = &[
    "do",
    "text",
    "find",
    "with",
    "by",
    "at",
    "format",
    "form",
    "decimal",
    "group",
    "yes",
    "no",
    "country",
    "table",
    "value",
    "equals",
    "one_of",
    "empty",
    "then",
    "else",
    "otherwise",
];

/// What is done, before its options are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Trim,
    Squeeze,
    Lower,
    Upper,
    Title,
    EmptyToNull,
    AddPrefix,
    StripPrefix,
    AddSuffix,
    StripSuffix,
    Replace,
    Split,
    Join,
    Part,
    Multiply,
    Divide,
    Number,
    FormatNumber,
    Boolean,
    FormatBoolean,
    Date,
    FormatDate,
    Instant,
    FormatInstant,
    Country,
    FormatCountry,
    Language,
    FormatLanguage,
    Email,
    Phone,
    Map,
    Default,
    When,
}

/// The words for what is done.
pub(crate) const STEPS: &[(&str, Word)] = &[
    ("trim", Word::Trim),
    ("squeeze", Word::Squeeze),
    ("lower", Word::Lower),
    ("upper", Word::Upper),
    ("title", Word::Title),
    ("empty-to-null", Word::EmptyToNull),
    ("add-prefix", Word::AddPrefix),
    ("strip-prefix", Word::StripPrefix),
    ("add-suffix", Word::AddSuffix),
    ("strip-suffix", Word::StripSuffix),
    ("replace", Word::Replace),
    ("split", Word::Split),
    ("join", Word::Join),
    ("part", Word::Part),
    ("multiply", Word::Multiply),
    ("divide", Word::Divide),
    ("number", Word::Number),
    ("format-number", Word::FormatNumber),
    ("boolean", Word::Boolean),
    ("format-boolean", Word::FormatBoolean),
    ("date", Word::Date),
    ("format-date", Word::FormatDate),
    ("instant", Word::Instant),
    ("format-instant", Word::FormatInstant),
    ("country", Word::Country),
    ("format-country", Word::FormatCountry),
    ("language", Word::Language),
    ("format-language", Word::FormatLanguage),
    ("email", Word::Email),
    ("phone", Word::Phone),
    ("map", Word::Map),
    ("default", Word::Default),
    ("when", Word::When),
];

/// The words for what happens to what a step cannot take. It cannot stay as it
/// is: the next step counts on its kind.
pub(crate) const OTHERWISE: &[(&str, Otherwise)] =
    &[("reject", Otherwise::Reject), ("null", Otherwise::Null)];

/// The words for how a code is written.
pub(crate) const FORMS: &[(&str, CodeForm)] =
    &[("alpha-2", CodeForm::Two), ("alpha-3", CodeForm::Three)];

/// The longest position of a part.
const PARTS_MAX: u32 = 1_000;

impl Word {
    /// Options that it needs, and options that it may have.
    const fn options(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::AddPrefix | Self::StripPrefix | Self::AddSuffix | Self::StripSuffix => {
                (&["text"], &[])
            }
            Self::Replace => (&["find", "with"], &[]),
            Self::Split | Self::Join | Self::Multiply | Self::Divide => (&["by"], &[]),
            Self::Part => (&["by", "at"], &[]),
            Self::Number => (&[], &["decimal", "group"]),
            Self::FormatNumber => (&[], &["decimal"]),
            Self::Boolean | Self::FormatBoolean => (&["yes", "no"], &[]),
            Self::Date | Self::FormatDate | Self::Instant | Self::FormatInstant => {
                (&["format"], &[])
            }
            Self::Country | Self::Language => (&[], &["form"]),
            Self::FormatCountry | Self::FormatLanguage => (&["form"], &[]),
            Self::Phone => (&[], &["country"]),
            Self::Map => (&["table"], &[]),
            Self::Default => (&["value"], &[]),
            Self::When => (&["then"], &["equals", "one_of", "empty", "else"]),
            _ => (&[], &[]),
        }
    }

    fn example(self, key: &str) -> &'static str {
        match key {
            "text" => "text = \"FR-\"",
            "find" => "find = \"Street\"",
            "with" => "with = \"St.\"",
            "by" if matches!(self, Self::Multiply | Self::Divide) => "by = 100",
            "by" => "by = \";\"",
            "at" => "at = 1",
            "yes" if self == Self::Boolean => "yes = [\"oui\"]",
            "yes" => "yes = \"oui\"",
            "no" if self == Self::Boolean => "no = [\"non\"]",
            "no" => "no = \"non\"",
            "format" => "format = \"DD/MM/YYYY\"",
            "form" => "form = \"alpha-3\"",
            "table" => "table = { M = \"male\" }",
            "then" => "then = \"male\"",
            _ => "value = \"unknown\"",
        }
    }
}

/// A step and where it is written.
pub(crate) struct StepDraft {
    pub(crate) step: Step,
    pub(crate) location: Location,
    pub(crate) place: String,
}

/// Reads the steps below a key, in order, and whether all could be read.
pub(crate) fn read(table: &mut TableReader<'_>, key: &'static str) -> (Vec<StepDraft>, bool) {
    let location = table.key_location(key);
    let example = format!("{key} = [{{ do = \"trim\" }}]");
    let steps = table.list(key, &example);
    if steps.len() > TRANSFORM_STEPS_MAX {
        table.fault(code::TOO_MANY, &location, key).with("limit", TRANSFORM_STEPS_MAX).record();
        return (Vec::new(), false);
    }
    let count = steps.len();
    let steps: Vec<StepDraft> = steps.into_iter().filter_map(step).collect();
    let sound = steps.len() == count && (count > 0 || table.peek_is_empty(key));
    (steps, sound)
}

fn step(mut table: TableReader<'_>) -> Option<StepDraft> {
    if !table.has("do") {
        table.missing("do", "do = \"trim\"");
    }
    let word = table.word("do", STEPS).map(|word| word.value);
    let mut sound = word.is_some_and(|word| check_options(&table, word));
    let text = written(&mut table, "text", false);
    let find = written(&mut table, "find", false);
    let with = written(&mut table, "with", true);
    let by = by(&mut table, word);
    let at = table.integer("at", (1, PARTS_MAX), 1).map(|at| at.value);
    let local = matches!(word, Some(Word::Date | Word::FormatDate));
    let format = cleaning::format(&mut table, local);
    let form = table.word("form", FORMS).map(|form| form.value);
    let decimal = cleaning::separator(&mut table, "decimal", "decimal = \",\"");
    let group = cleaning::separator(&mut table, "group", "group = \" \"");
    sound &= cleaning::check_separators(&table, decimal, group);
    let yes = words(&mut table, "yes", word);
    let no = words(&mut table, "no", word);
    let country = namespace::country(&mut table);
    let replacements = cleaning::replacements(&mut table);
    let value = any(&mut table, "value");
    let test = test(&mut table, word);
    let then = any(&mut table, "then");
    let or = any(&mut table, "else");
    let otherwise = table.word("otherwise", OTHERWISE).map(|word| word.value).unwrap_or_default();
    let (location, place) = (table.location().clone(), table.place().to_owned());
    if let (Some(Word::Divide), Some(By::Number(number))) = (word, &by)
        && number.value.reciprocal().is_none()
    {
        let fault = table.fault(code::FACTOR, &number.location, "by");
        fault.with("found", &number.value).record();
        sound = false;
    }
    table.finish(KEYS);
    if !sound {
        return None;
    }
    let single = |words: Option<Vec<String>>| words.and_then(|words| words.into_iter().next());
    let transform = match word? {
        Word::Trim => Transform::Clean(Cleaner::Trim),
        Word::Squeeze => Transform::Clean(Cleaner::Squeeze),
        Word::Lower => Transform::Clean(Cleaner::Lower),
        Word::Upper => Transform::Clean(Cleaner::Upper),
        Word::EmptyToNull => Transform::Clean(Cleaner::EmptyToNull),
        Word::Email => Transform::Clean(Cleaner::Email),
        Word::Phone => Transform::Clean(Cleaner::Phone { country }),
        Word::Map => Transform::Clean(Cleaner::Map { table: replacements? }),
        Word::Date => Transform::Clean(Cleaner::Date { format: format? }),
        Word::Instant => Transform::Clean(Cleaner::Instant { format: format? }),
        Word::Number => {
            Transform::Clean(Cleaner::Number { decimal: decimal.unwrap_or('.'), group })
        }
        Word::Title => Transform::Title,
        Word::AddPrefix => Transform::AddPrefix { text: text? },
        Word::StripPrefix => Transform::StripPrefix { text: text? },
        Word::AddSuffix => Transform::AddSuffix { text: text? },
        Word::StripSuffix => Transform::StripSuffix { text: text? },
        Word::Replace => Transform::Replace { find: find?, with: with? },
        Word::Split => Transform::Split { by: by?.text()? },
        Word::Join => Transform::Join { by: by?.text()? },
        Word::Part => Transform::Part { by: by?.text()?, at: at? },
        Word::Multiply => Transform::Multiply { by: by?.number()? },
        Word::Divide => Transform::Divide { by: by?.number()? },
        Word::FormatNumber => Transform::FormatNumber { decimal: decimal.unwrap_or('.') },
        Word::Boolean => Transform::Boolean { yes: yes?, no: no? },
        Word::FormatBoolean => Transform::FormatBoolean { yes: single(yes)?, no: single(no)? },
        Word::FormatDate => Transform::FormatDate { format: format? },
        Word::FormatInstant => Transform::FormatInstant { format: format? },
        Word::Country => Transform::Country { form: form.unwrap_or_default() },
        Word::FormatCountry => Transform::FormatCountry { form: form? },
        Word::Language => Transform::Language { form: form.unwrap_or_default() },
        Word::FormatLanguage => Transform::FormatLanguage { form: form? },
        Word::Default => Transform::Default { value: value? },
        Word::When => Transform::When { test: test?, then: then?, or },
    };
    Some(StepDraft { step: Step { transform, otherwise }, location, place })
}

/// What it needs is there, and an option of another step is a slip.
fn check_options(table: &TableReader<'_>, word: Word) -> bool {
    let (needed, allowed) = word.options();
    let name = STEPS.iter().find(|(_, other)| *other == word).map_or("", |(name, _)| *name);
    let mut sound = true;
    for key in KEYS.iter().copied().filter(|key| !["do", "otherwise"].contains(key)) {
        if table.has(key) && !needed.contains(&key) && !allowed.contains(&key) {
            let fault = table.fault(code::NO_EFFECT, &table.key_location(key), key);
            let fault = fault.with("why", format!("`{name}` does not look at it"));
            fault.with("mend", "remove it").record();
            sound = false;
        }
        if needed.contains(&key) && !table.has(key) {
            table.missing(key, word.example(key));
            sound = false;
        }
    }
    sound
}

/// A text of any characters, perhaps of none.
fn written(table: &mut TableReader<'_>, key: &'static str, may_be_empty: bool) -> Option<String> {
    let text = table.text(key, "a text", &format!("{key} = \"FR-\""))?;
    if text.is_empty() && !may_be_empty {
        table.fault(code::EMPTY, &text.location, key).with("expected", "a text").record();
        return None;
    }
    Some(text.value)
}

/// What something is split, joined or multiplied by.
enum By {
    Text(String),
    Number(Located<Number>),
}

impl By {
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) => None,
        }
    }

    fn number(self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(number.value),
            Self::Text(_) => None,
        }
    }
}

fn by(table: &mut TableReader<'_>, word: Option<Word>) -> Option<By> {
    let counts = matches!(word, Some(Word::Multiply | Word::Divide));
    let place = table.place_of("by");
    let value = table.raw("by")?;
    let location = table.document().location(&value.span());
    match value.get_ref() {
        DeValue::Integer(_) | DeValue::Float(_) if counts => {
            let json = settings::json_value(table.document(), value, &place);
            match Value::from_json(json) {
                Ok(Value::Number(number)) => Some(By::Number(Located::new(number, location))),
                _ => None,
            }
        }
        DeValue::String(text) if !counts && !text.is_empty() => Some(By::Text(text.to_string())),
        _ if counts => {
            wrong_type(table.document(), value, &place, "a number", "by = 100");
            None
        }
        DeValue::String(_) => {
            table.fault(code::EMPTY, &location, "by").with("expected", "a separator").record();
            None
        }
        _ => {
            wrong_type(table.document(), value, &place, "a separator", "by = \";\"");
            None
        }
    }
}

/// Words for a truth value: a list to read by, a single one to write.
fn words(
    table: &mut TableReader<'_>,
    key: &'static str,
    word: Option<Word>,
) -> Option<Vec<String>> {
    if word == Some(Word::FormatBoolean) {
        return written(table, key, true).map(|word| vec![word]);
    }
    let (location, empty) = (table.key_location(key), table.peek_is_empty(key));
    let given = table.has(key);
    let words = table.texts(key, &format!("{key} = [\"oui\", \"o\"]"));
    if given && empty {
        table.fault(code::EMPTY, &location, key).with("expected", "at least one word").record();
    }
    (!words.is_empty()).then(|| words.into_iter().map(|word| word.value).collect())
}

/// A value of any kind.
pub(crate) fn any(table: &mut TableReader<'_>, key: &'static str) -> Option<Value> {
    let place = table.place_of(key);
    let value = table.raw(key)?;
    Value::from_json(settings::json_value(table.document(), value, &place)).ok()
}

/// The one test of a table: `equals`, `one_of` or `empty`.
pub(crate) fn test(table: &mut TableReader<'_>, word: Option<Word>) -> Option<Test> {
    let equals = any(table, "equals");
    let one_of = any(table, "one_of");
    let empty = table.flag("empty");
    let tests = ["equals", "one_of", "empty"].into_iter().filter(|key| table.has(key));
    let tests: Vec<&str> = tests.collect();
    match tests.as_slice() {
        [] if word == Some(Word::When) => table.missing("equals", "equals = \"M\""),
        [_, second, ..] => {
            let fault = table.fault(code::NO_EFFECT, &table.key_location(second), second);
            fault.with("why", "a step has one test").with("mend", "remove it").record();
            return None;
        }
        _ => {}
    }
    match (equals, one_of, empty) {
        (Some(value), _, _) => Some(Test::OneOf(vec![value])),
        (_, Some(Value::List(values)), _) => Some(Test::OneOf(values)),
        (_, Some(other), _) => {
            let location = table.key_location("one_of");
            let fault = table.fault(code::WRONG_TYPE, &location, "one_of");
            let fault = fault.with("found", shown(other.class()));
            fault.with("expected", "a list of values").with("example", "one_of = [\"M\"]").record();
            None
        }
        (_, _, Some(true)) => Some(Test::Empty),
        (_, _, Some(false)) => {
            let fault = table.fault(code::NO_EFFECT, &table.key_location("empty"), "empty");
            let fault = fault.with("why", "it tests nothing");
            fault.with("mend", "write `empty = true`").record();
            None
        }
        _ => None,
    }
}
