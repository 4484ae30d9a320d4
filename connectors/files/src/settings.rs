//! Settings of a connection: which file is which stream.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The settings as written. The schema in `connector.json` says the same.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Alias of the granted folder, for streams that name none.
    #[serde(default)]
    pub folder: Option<String>,
    /// The streams by name.
    pub streams: BTreeMap<String, StreamSettings>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamSettings {
    /// The file's name, relative to the folder.
    pub file: String,
    /// The column that holds the key.
    pub key: String,
    /// Alias of the granted folder.
    #[serde(default)]
    pub folder: Option<String>,
    /// The format; without it, the name's ending decides.
    #[serde(default)]
    pub format: Option<Format>,
    /// The character between two cells of CSV.
    #[serde(default)]
    pub delimiter: Option<char>,
    /// What a row describes.
    #[serde(default)]
    pub kind: Kind,
    /// Columns of a file that does not exist yet, in order.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Whether cells that a spreadsheet would run are quoted (CSV).
    #[serde(default = "yes")]
    pub escape_formulas: bool,
}

const fn yes() -> bool {
    true
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object per line.
    Ndjson,
}

/// What a row describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A natural person.
    #[default]
    Person,
    /// An organisation.
    Account,
    /// Something else that is and changes: an order, a ticket.
    Object,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingFault {
    /// Where, as a dotted path.
    pub place: String,
    /// A stable word.
    pub reason: &'static str,
}

/// One stream with everything decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// Alias of the granted folder.
    pub folder: String,
    /// The file's name, relative to the folder.
    pub file: String,
    /// The column that holds the key.
    pub key: String,
    /// How rows are written.
    pub layout: Layout,
    /// What a row describes.
    pub kind: Kind,
    /// Columns of a file that does not exist yet, the key among them; empty = not declared.
    pub columns: Vec<String>,
}

/// How rows are written, in detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Comma-separated values with a header.
    Csv {
        /// Between two cells; one byte.
        delimiter: u8,
        /// See [`StreamSettings::escape_formulas`].
        escape_formulas: bool,
    },
    /// One JSON object per line.
    Ndjson,
}

impl Settings {
    /// Every stream, decided.
    ///
    /// # Errors
    /// The first [`SettingFault`].
    pub fn streams(&self) -> Result<Vec<Stream>, SettingFault> {
        self.streams.iter().map(|(name, stream)| self.decide(name, stream)).collect()
    }

    /// One stream, decided.
    ///
    /// # Errors
    /// [`SettingFault`] when there is none of that name or it cannot be used.
    pub fn stream(&self, name: &str) -> Result<Stream, SettingFault> {
        let stream = self.streams.get(name).ok_or_else(|| SettingFault {
            place: format!("settings.streams.{name}"),
            reason: "unknown-stream",
        })?;
        self.decide(name, stream)
    }

    fn decide(&self, name: &str, stream: &StreamSettings) -> Result<Stream, SettingFault> {
        let fault = |setting: &str, reason| SettingFault {
            place: format!("settings.streams.{name}.{setting}"),
            reason,
        };
        let folder = stream.folder.as_ref().or(self.folder.as_ref());
        let folder = folder.cloned().ok_or_else(|| fault("folder", "missing"))?;
        if stream.key.is_empty() {
            return Err(fault("key", "missing"));
        }
        let mut columns = stream.columns.clone();
        if !columns.is_empty() && !columns.contains(&stream.key) {
            columns.insert(0, stream.key.clone());
        }
        if columns.iter().collect::<BTreeSet<_>>().len() < columns.len() {
            return Err(fault("columns", "duplicate-column"));
        }
        let layout = match stream.format.or_else(|| format_of(&stream.file)) {
            Some(Format::Ndjson) => Layout::Ndjson,
            Some(Format::Csv) => Layout::Csv {
                delimiter: delimiter(stream.delimiter)
                    .ok_or_else(|| fault("delimiter", "one-ascii-character"))?,
                escape_formulas: stream.escape_formulas,
            },
            None => return Err(fault("format", "unknown-ending")),
        };
        Ok(Stream {
            name: name.to_owned(),
            folder,
            file: stream.file.clone(),
            key: stream.key.clone(),
            layout,
            kind: stream.kind,
            columns,
        })
    }
}

fn format_of(file: &str) -> Option<Format> {
    let (_, ending) = file.rsplit_once('.')?;
    match ending.to_ascii_lowercase().as_str() {
        "csv" | "tsv" | "txt" => Some(Format::Csv),
        "ndjson" | "jsonl" => Some(Format::Ndjson),
        _ => None,
    }
}

fn delimiter(written: Option<char>) -> Option<u8> {
    let delimiter = u8::try_from(written.unwrap_or(',')).ok()?;
    (delimiter.is_ascii() && !matches!(delimiter, b'"' | b'\r' | b'\n')).then_some(delimiter)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{Layout, Settings};

    fn fault(text: &str) -> (String, &'static str) {
        let settings: Settings = serde_json::from_str(text).unwrap();
        let fault = settings.streams().unwrap_err();
        (fault.place, fault.reason)
    }

    #[test]
    fn what_is_not_written_is_decided() {
        let settings: Settings = serde_json::from_str(
            r#"{"folder":"in","streams":{"p":{"file":"p.CSV","key":"id","columns":["name"]},
                "e":{"file":"e","format":"ndjson","key":"id","folder":"other"}}}"#,
        )
        .unwrap();
        let people = settings.stream("p").unwrap();
        assert_eq!(people.columns, ["id", "name"]);
        assert_eq!(people.layout, Layout::Csv { delimiter: b',', escape_formulas: true });
        assert_eq!(settings.stream("e").unwrap().folder, "other");
    }

    #[test]
    fn settings_that_cannot_be_used_name_their_place() {
        for (text, place, reason) in [
            (
                r#"{"streams":{"p":{"file":"p.csv","key":"id"}}}"#,
                "settings.streams.p.folder",
                "missing",
            ),
            (
                r#"{"folder":"in","streams":{"p":{"file":"p.csv","key":""}}}"#,
                "settings.streams.p.key",
                "missing",
            ),
            (
                r#"{"folder":"in","streams":{"p":{"file":"p.xlsx","key":"id"}}}"#,
                "settings.streams.p.format",
                "unknown-ending",
            ),
            (
                r#"{"folder":"in","streams":{"p":{"file":"p.csv","key":"id","delimiter":"é"}}}"#,
                "settings.streams.p.delimiter",
                "one-ascii-character",
            ),
            (
                r#"{"folder":"in","streams":{"p":{"file":"p.csv","key":"id","delimiter":"\""}}}"#,
                "settings.streams.p.delimiter",
                "one-ascii-character",
            ),
            (
                r#"{"folder":"in","streams":{"p":{"file":"p.csv","key":"id","columns":["a","a"]}}}"#,
                "settings.streams.p.columns",
                "duplicate-column",
            ),
        ] {
            assert_eq!(fault(text), (place.to_owned(), reason));
        }
    }
}
