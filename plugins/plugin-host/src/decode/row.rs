//! One line of a page.

use hub_model::limits::VALUE_BYTES_MAX;
use hub_model::{Fault, FaultCode, Object, RemoteKey, Timestamp};
use plugin_api::page::{BadItem, ItemResult};
use plugin_api::{Item, ItemChange, Row};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::cut;
use crate::limits::{FAULT_TEXT_BYTES_MAX, ROW_BYTES_MAX, VERSION_BYTES_MAX};

/// A line as its grammar has it. Unknown members are refused: they are typing
/// errors of the connector's author, or belong to a later contract.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Line<'a> {
    #[serde(default)]
    key: Option<String>,
    change: Change,
    /// Text as it stands there: known rows are known by it.
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    into: Option<String>,
    #[serde(default)]
    container: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    time: Option<String>,
    /// Accepted and not used yet: echoes are told by value.
    #[serde(default, rename = "origin")]
    _origin: Option<String>,
    #[serde(default)]
    raw: Option<String>,
    #[serde(default)]
    place: Option<String>,
    #[serde(default)]
    problem: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Change {
    Upsert,
    Archive,
    Delete,
    MergedInto,
    Event,
    MemberAdd,
    MemberRemove,
    Invalid,
}

/// One line; `number` counts from 1 and is for the place of a fault.
pub fn row(line: &[u8], number: usize) -> ItemResult {
    let bad = |key, fault: Fault| BadItem {
        key,
        fault: if fault.place.is_empty() { fault.at(format!("row {number}")) } else { fault },
        raw: cut(&String::from_utf8_lossy(line), VALUE_BYTES_MAX),
    };
    if line.len() > ROW_BYTES_MAX {
        return Err(bad(
            None,
            Fault::new(FaultCode::RowLimit).with("row_bytes_max", ROW_BYTES_MAX),
        ));
    }
    let line: Line<'_> = match serde_json::from_slice(line) {
        Ok(line) => line,
        // The parser's message may quote the row, so only its kind is told.
        Err(error) => {
            let fault = Fault::new(FaultCode::PageMalformed);
            return Err(bad(None, fault.with("expected", kind_of(&error))));
        }
    };
    let key = line.key.as_deref().filter(|key| hub_model::id::valid(key)).map(RemoteKey::from);
    if matches!(line.change, Change::Invalid) {
        return Err(declared_bad(key, line, number));
    }
    let Some(key) = key else {
        return Err(bad(None, Fault::new(FaultCode::RowKey)));
    };
    item(key.clone(), line).map_err(|fault| bad(Some(key), fault))
}

fn kind_of(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "a row with the members of the contract",
        _ => "JSON",
    }
}

fn item(key: RemoteKey, line: Line<'_>) -> Result<Item, Fault> {
    if line.version.as_ref().is_some_and(|version| version.len() > VERSION_BYTES_MAX) {
        return Err(Fault::new(FaultCode::RowLimit).with("version_bytes_max", VERSION_BYTES_MAX));
    }
    let change = match line.change {
        Change::Upsert => ItemChange::Upsert(fields(line.data)?),
        Change::Archive => ItemChange::Archive(object(line.data)?),
        Change::Event => ItemChange::Event(object(line.data)?),
        Change::MergedInto => ItemChange::MergedInto(RemoteKey::new(name(line.into, "into")?)),
        Change::MemberAdd => {
            ItemChange::MemberAdd { container: name(line.container, "container")? }
        }
        Change::MemberRemove => {
            ItemChange::MemberRemove { container: name(line.container, "container")? }
        }
        // `Invalid` has been answered before.
        Change::Delete | Change::Invalid => ItemChange::Delete,
    };
    // Evidence only: a time that is none is left out rather than held against the row.
    let time = line.time.filter(|text| Timestamp::parse_rfc3339(text).is_some());
    Ok(Item { key, change, version: line.version, time })
}

fn fields(data: Option<&RawValue>) -> Result<Row, Fault> {
    let text = given(data, "data")?.get();
    // Anything else would only be told apart from a row when it is taken apart.
    if text.starts_with('{') {
        Ok(Row::Text(text.into()))
    } else {
        Err(Fault::new(FaultCode::RowInvalid).at("data").with("expected", "object"))
    }
}

fn object(data: Option<&RawValue>) -> Result<Object, Fault> {
    Ok(fields(data)?.fields()?.into_owned())
}

fn given<T>(member: Option<T>, place: &str) -> Result<T, Fault> {
    member.ok_or_else(|| Fault::new(FaultCode::PageMalformed).at(place).with("expected", "present"))
}

fn name(member: Option<String>, place: &str) -> Result<String, Fault> {
    let name = given(member, place)?;
    if hub_model::id::valid(&name) {
        Ok(name)
    } else {
        Err(Fault::new(FaultCode::RowKey).at(place))
    }
}

/// The connector itself says that the row cannot be read.
fn declared_bad(key: Option<RemoteKey>, line: Line<'_>, number: usize) -> BadItem {
    let place = line.place.unwrap_or_else(|| format!("row {number}"));
    let problem = line.problem.unwrap_or_default();
    BadItem {
        key,
        fault: Fault::new(FaultCode::RowInvalid)
            .at(cut(&place, FAULT_TEXT_BYTES_MAX))
            .with("problem", cut(&problem, FAULT_TEXT_BYTES_MAX)),
        raw: cut(&line.raw.unwrap_or_default(), VALUE_BYTES_MAX),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use hub_model::FaultCode;
    use plugin_api::{ItemChange, Row};

    use super::row;

    #[test]
    fn every_change_has_its_form() {
        let cases = [
            (r#"{"key":"1","change":"delete"}"#, ItemChange::Delete),
            (
                r#"{"key":"1","change":"merged-into","into":"2"}"#,
                ItemChange::MergedInto("2".into()),
            ),
            (
                r#"{"key":"1","change":"member-add","container":"vip"}"#,
                ItemChange::MemberAdd { container: "vip".to_owned() },
            ),
        ];
        for (line, change) in cases {
            assert_eq!(row(line.as_bytes(), 1).unwrap().change, change, "{line}");
        }
        let line = r#"{"key":"1","change":"upsert","data":{"n":9007199254740993.10},"time":"x"}"#;
        let item = row(line.as_bytes(), 1).unwrap();
        let ItemChange::Upsert(row) = item.change else { panic!("{item:?}") };
        assert_eq!(row, Row::Text(r#"{"n":9007199254740993.10}"#.into()));
        assert_eq!(item.time, None);
    }

    #[test]
    fn a_bad_row_is_a_bad_item() {
        let long_key = format!(r#"{{"key":"{}","change":"delete"}}"#, "k".repeat(600));
        let deep = format!(
            r#"{{"key":"1","change":"archive","data":{{"d":{}1{}}}}}"#,
            "[".repeat(40),
            "]".repeat(40)
        );
        let deeper_than_the_parser = "[".repeat(5_000);
        let large =
            format!(r#"{{"key":"1","change":"archive","data":{{"t":"{}"}}}}"#, "x".repeat(40_000));
        let fields: Vec<_> = (0..1_001).map(|n| format!(r#""f{n}":1"#)).collect();
        let wide = format!(r#"{{"key":"1","change":"archive","data":{{{}}}}}"#, fields.join(","));
        let huge = " ".repeat(2 << 20);
        let cases: Vec<(&str, FaultCode)> = vec![
            ("not json", FaultCode::PageMalformed),
            ("[]", FaultCode::PageMalformed),
            (&deeper_than_the_parser, FaultCode::PageMalformed),
            (r#"{"key":"1","change":"explode"}"#, FaultCode::PageMalformed),
            (r#"{"key":"1","change":"delete","surprise":1}"#, FaultCode::PageMalformed),
            (r#"{"key":1,"change":"delete"}"#, FaultCode::PageMalformed),
            (r#"{"change":"delete"}"#, FaultCode::RowKey),
            (r#"{"key":"","change":"delete"}"#, FaultCode::RowKey),
            ("{\"key\":\"a\\u0000b\",\"change\":\"delete\"}", FaultCode::RowKey),
            (&long_key, FaultCode::RowKey),
            (r#"{"key":"1","change":"upsert"}"#, FaultCode::PageMalformed),
            (r#"{"key":"1","change":"upsert","data":[]}"#, FaultCode::RowInvalid),
            (r#"{"key":"1","change":"archive","data":{"":1}}"#, FaultCode::RowInvalid),
            (r#"{"key":"1","change":"archive","data":{"n":1e999999}}"#, FaultCode::RowInvalid),
            (r#"{"key":"1","change":"merged-into"}"#, FaultCode::PageMalformed),
            (r#"{"key":"1","change":"merged-into","into":""}"#, FaultCode::RowKey),
            (r#"{"change":"invalid","raw":"a;b","place":"line 3"}"#, FaultCode::RowInvalid),
            (&deep, FaultCode::RowLimit),
            (&large, FaultCode::RowLimit),
            (&wide, FaultCode::RowLimit),
            (&huge, FaultCode::RowLimit),
        ];
        for (line, code) in cases {
            let bad = row(line.as_bytes(), 7).unwrap_err();
            let shown: String = line.chars().take(80).collect();
            assert_eq!(bad.fault.code, code, "{shown}");
            assert!(!bad.fault.place.is_empty(), "{shown}");
            assert!(bad.raw.len() <= hub_model::limits::VALUE_BYTES_MAX);
        }
        let declared = row(br#"{"change":"invalid","raw":"a;b","place":"line 3"}"#, 7).unwrap_err();
        assert_eq!((declared.raw.as_str(), declared.fault.place.as_str()), ("a;b", "line 3"));
        assert!(row(&[0xff, 0xfe], 1).is_err());
    }
}
