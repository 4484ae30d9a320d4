//! The English of every code, as one table, so that another language is
//! another table.
//!
//! A template names arguments in braces. Of the ways to mend, the first whose
//! arguments are all there is taken: a near name if there is one, else the list.

use crate::fault::{ConfigFault, code};

struct Sentence {
    code: &'static str,
    problem: &'static str,
    mends: &'static [&'static str],
}

const fn say(
    code: &'static str,
    problem: &'static str,
    mends: &'static [&'static str],
) -> Sentence {
    Sentence { code, problem, mends }
}

const NEAR: &str = "did you mean `{near}`?";

const SENTENCES: &[Sentence] = &[
    say(
        code::FILE_MISSING,
        "the file is missing",
        &["create it with at least `version = 1` and a table `[workspace]`"],
    ),
    say(
        code::FILE_UNREADABLE,
        "the file cannot be read: {error}",
        &["check that it is a file and that the hub's user may read it"],
    ),
    say(
        code::FILE_TOO_LARGE,
        "the file is larger than {limit_bytes} bytes",
        &["a configuration is small; is this another file by mistake?"],
    ),
    say(
        code::TOO_MANY_FILES,
        "the folder holds more than {limit} files",
        &["remove what is not a sync"],
    ),
    say(
        code::ENCODING,
        "the file is {found}, and UTF-8 is expected",
        &["save it as UTF-8; a byte order mark does no harm"],
    ),
    say(code::SYNTAX, "this is not TOML: {message}", &[]),
    say(code::DUPLICATE_KEY, "`{key}` is written twice", &["keep one of them"]),
    say(
        code::UNKNOWN_KEY,
        "unknown key `{key}` in {table}",
        &[
            "it belongs to the file itself: write `{top}` above the first table",
            NEAR,
            "known keys: {known}",
        ],
    ),
    say(code::MISSING_KEY, "`{key}` is missing in {table}", &["add `{example}`"]),
    say(
        code::WRONG_TYPE,
        "`{place}` is {found}, and {expected} is expected",
        &["write `{example}`"],
    ),
    say(
        code::OUT_OF_RANGE,
        "`{place}` is {found}, and a whole number from {min} to {max} is expected",
        &[],
    ),
    say(code::EMPTY, "`{place}` is empty, and {expected} is expected", &[]),
    say(
        code::CONTROL_CHARACTER,
        "`{place}` holds a control character (U+{codepoint})",
        &["remove it"],
    ),
    say(
        code::NEWER_VERSION,
        "the file has version {found}, and this Liaison reads version {reads}",
        &["use the Liaison that wrote it, or a newer one"],
    ),
    say(code::UNKNOWN_WORD, "`{place}` is `{found}`, and one of {known} is expected", &[NEAR]),
    say(
        code::NOT_SUPPORTED,
        "`{place}` is `{found}`, which is not supported yet",
        &["write one of {known}"],
    ),
    say(
        code::KIND,
        "`{found}` would be a kind of objects, whose rows are part of no profile",
        &[NEAR],
    ),
    say(code::OBJECT, "the rows are objects of kind `{kind}`, which {why}", &[]),
    say(code::RELATION, "this is no usable relation: {why}", &[]),
    say(
        code::UNKNOWN_STREAM,
        "no sync reads the stream `{name}`",
        &[NEAR, "streams that are read: {known}", "write a sync that reads it"],
    ),
    say(
        code::UNKNOWN_KIND,
        "no sync reads objects of kind `{name}`",
        &[NEAR, "kinds that are read: {known}", "write a sync with `kind = \"{name}\"`"],
    ),
    say(
        code::UNKNOWN_EVENT,
        "no sync reads events named `{name}`",
        &[NEAR, "events that are read: {known}", "write a sync with `kind = \"event\"`"],
    ),
    say(
        code::UNKNOWN_SEGMENT,
        "there is no segment `{name}`",
        &[NEAR, "segments: {known}", "write a table `[segments.{name}]` in liaison.toml"],
    ),
    say(code::CONDITION, "this is no usable condition: {why}", &[]),
    say(
        code::ID,
        "`{found}` cannot be {what}",
        &[
            "use 1 to {limit} lower-case letters, digits, `-` and `_`, beginning with a letter or digit",
        ],
    ),
    say(
        code::NAME,
        "`{place}` is not a usable name",
        &["use 1 to {limit} bytes without control characters"],
    ),
    say(
        code::LISTEN,
        "`{found}` is not an address to listen on",
        &["write address and port, the port from 1 to 65535, for example `127.0.0.1:8420`"],
    ),
    say(
        code::NOT_LOOPBACK,
        "`{found}` can be reached from other machines, and the hub has no TLS of its own yet: tokens and personal data would travel in clear",
        &["listen on `127.0.0.1:{port}` and put a TLS proxy in front"],
    ),
    say(
        code::HOST,
        "`{found}` is not a host: {why}",
        &["write `{example}`", "write a host such as `api.example.com` or `127.0.0.1:8000`"],
    ),
    say(
        code::PRIVATE,
        "`{found}` is not a private network: {why}",
        &["write address, prefix and port, for example `127.0.0.1/32:8000`"],
    ),
    say(
        code::COUNTRY,
        "`{found}` is not a country",
        &["write the two capital letters of ISO 3166, for example `FR`"],
    ),
    say(
        code::FOLDER_HOLDS_DATA,
        "the folder `{found}` is or contains {what}, which no connector may see",
        &["grant a folder beside or below it, for example `data/in`"],
    ),
    say(
        code::LITERAL_SECRET,
        "`{place}` must say where the secret is, not what it is",
        &[
            "put the value into an environment variable and write `env:NAME`, or into a file that only the hub's user may read and write `file:path`",
        ],
    ),
    say(
        code::SECRET_REFERENCE,
        "`{place}` is not a usable reference: {why}",
        &["write `env:NAME` or `file:path`"],
    ),
    say(
        code::UNKNOWN_CONNECTION,
        "there is no connection `{name}`",
        &[NEAR, "known connections: {known}", "add a table `[connections.{name}]` to liaison.toml"],
    ),
    say(
        code::UNKNOWN_NAMESPACE,
        "there is no namespace `{name}`",
        &[NEAR, "known namespaces: {known}", "add a table `[namespaces.{name}]` to liaison.toml"],
    ),
    say(
        code::UNKNOWN_FIELD,
        "`{name}` is not a mapped field of this sync",
        &[NEAR, "mapped fields: {known}", "map it in a table `[[fields]]`"],
    ),
    say(
        code::DUPLICATE_FIELD,
        "the field `{field}` is mapped twice, first in line {first_line}",
        &["a field is one trait; keep one of them"],
    ),
    say(
        code::DUPLICATE_STREAM,
        "the stream `{stream}` of `{connection}` already has the sync `{other}`",
        &["a stream has one sync; put all its fields into one file"],
    ),
    say(
        code::NO_FIELDS,
        "the sync maps no field",
        &["add a table `[[fields]]` with `field` and `trait`"],
    ),
    say(
        code::NO_MATCHING,
        "the sync creates rows but cannot find those that exist, so it would make duplicates",
        &[
            "name fields in `matching`, give a field an `identity`, or write `create = \"update-only\"`",
        ],
    ),
    say(code::NO_EFFECT, "`{place}` has no effect: {why}", &[]),
    say(code::CONTRADICTION, "`{place}` contradicts {there}: {why}", &[]),
    say(
        code::TOO_MANY,
        "`{place}` has more than {limit} entries",
        &["keep those that are needed, or split what they belong to"],
    ),
    say(code::NAMESPACE_USE, "the namespace `{name}` is {found}, and {expected} belongs here", &[]),
    say(
        code::UNKNOWN_TRAIT,
        "the trait `{name}` is read from {nowhere}",
        &[NEAR, "traits that are read: {known}", "map a field to it in a table `[[fields]]`"],
    ),
    say(
        code::UNKNOWN_SYNC,
        "no sync `{name}` reads the trait",
        &[NEAR, "syncs that read it: {known}", "name syncs that map a field to it"],
    ),
    say(
        code::UNKNOWN_PURPOSE,
        "there is no purpose `{name}`",
        &[NEAR, "known purposes: {known}", "add a table `[purposes.{name}]` to liaison.toml"],
    ),
    say(
        code::UNKNOWN_CHANNEL,
        "the purpose has no channel `{name}`",
        &[NEAR, "its channels: {known}"],
    ),
    say(
        code::NOT_READ,
        "the field `{name}` is written and never read, so it says nothing",
        &["map it with `direction = \"->\"` or `\"<->\"`"],
    ),
    say(
        code::CONSENT_KEY,
        "`{found}` is not a purpose on a channel",
        &["write purpose and channel, for example `newsletter/email`"],
    ),
    say(
        code::PERIOD,
        "`{found}` is not a period",
        &["write a number of days, months or years, for example `90 days` or `13 months`"],
    ),
    say(
        code::TIME_FORMAT,
        "`{found}` is no form of dates here: {why}",
        &["write for example `DD/MM/YYYY`, `YYYY-MM-DD hh:mm:ss` or `rfc3339`"],
    ),
    say(
        code::SEPARATOR,
        "`{found}` cannot separate the parts of a number",
        &["write one character that is no letter, digit or sign, for example `,`"],
    ),
    say(
        code::SCHEMA,
        "the schema is unusable: {why}",
        &[
            "write JSON Schema 2020-12 that refers to nothing outside, with patterns without look-around",
        ],
    ),
    say(
        code::TEMPLATE,
        "`{found}` is no template: {why}",
        &["put each field, or trait, in braces; a brace that is meant is written twice"],
    ),
    say(
        code::FACTOR,
        "`{found}` cannot divide: 1/{found} has no exact decimals",
        &["divide by a number made of twos and fives, such as 100, or multiply"],
    ),
    say(
        code::STEP_KIND,
        "`{step}` takes {takes}, and what comes to it is {gives}",
        &["put a step before it that gives {takes}, or leave it out"],
    ),
    say(code::NOT_INVERTIBLE, "`{step}` cannot be undone, and {need}: {why}", &[]),
    say(
        code::SETTINGS,
        "`{place}` does not fit the connector: {why}",
        &["see `liaison connector inspect`"],
    ),
    say(
        code::SETTINGS_KEY,
        "the connector has no setting `{key}`",
        &[NEAR, "known settings: {known}"],
    ),
    say(
        code::CONNECTOR_SCHEMA,
        "the connector's schema of settings is unusable: {why}",
        &["tell the connector's author; the settings were not checked"],
    ),
];

/// What is wrong.
pub(crate) fn problem(fault: &ConfigFault) -> String {
    if let Some(problem) = fault.args.get("problem") {
        return problem.clone();
    }
    sentence(fault)
        .and_then(|sentence| fill(sentence.problem, fault))
        .unwrap_or_else(|| format!("`{}` is wrong", fault.place))
}

/// How to mend it; empty if nothing more can be said.
pub(crate) fn mend(fault: &ConfigFault) -> String {
    if let Some(mend) = fault.args.get("mend") {
        return mend.clone();
    }
    sentence(fault)
        .and_then(|sentence| sentence.mends.iter().find_map(|template| fill(template, fault)))
        .unwrap_or_default()
}

fn sentence(fault: &ConfigFault) -> Option<&'static Sentence> {
    SENTENCES.iter().find(|sentence| sentence.code == fault.code)
}

/// The template with its arguments; `None` if one is missing.
fn fill(template: &str, fault: &ConfigFault) -> Option<String> {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        out.push_str(before);
        match name {
            "place" => out.push_str(&fault.place),
            _ => out.push_str(fault.args.get(name)?),
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{SENTENCES, code};

    #[test]
    fn every_code_has_one_sentence() {
        for code in code::ALL {
            assert_eq!(SENTENCES.iter().filter(|s| s.code == *code).count(), 1, "{code}");
        }
        assert_eq!(SENTENCES.len(), code::ALL.len());
    }
}
