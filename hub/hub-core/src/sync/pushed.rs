//! A pushed row is a patch: it says what changed, where a row that is read says
//! how everything is.
//!
//! Deliveries come late, twice and in any order. A row whose version is older than
//! the one that is known fills in what nobody has told yet, and changes nothing
//! else.

use hub_model::Object;

/// A row as far as it is known, with its version.
pub type Known = (Object, Option<String>);

/// What a row shows after a pushed one: fields that it does not name stay.
pub fn patched(known: Option<&Known>, pushed: Known) -> Known {
    let Some((row, version)) = known else { return pushed };
    let (patch, newer) = pushed;
    let is_older = matches!((&newer, version), (Some(newer), Some(version)) if newer < version);
    if is_older {
        let mut merged = patch;
        merged.extend(row.clone());
        return (merged, version.clone());
    }
    let mut merged = row.clone();
    merged.extend(patch);
    (merged, newer.or_else(|| version.clone()))
}

#[cfg(test)]
mod tests {
    use hub_model::{Object, Value};

    use super::{Known, patched};

    fn row(fields: &[(&str, Option<&str>)], version: &str) -> Known {
        let value = |text: Option<&str>| text.map_or(Value::Null, Value::text);
        let object: Object =
            fields.iter().map(|(name, text)| ((*name).into(), value(*text))).collect();
        (object, Some(version.to_owned()).filter(|version| !version.is_empty()))
    }

    #[test]
    fn a_patch_is_laid_over_what_is_known() {
        let known = row(&[("a", Some("1")), ("b", Some("2"))], "5");
        let table = [
            (row(&[("b", Some("3"))], "6"), row(&[("a", Some("1")), ("b", Some("3"))], "6")),
            (row(&[("b", None)], "5"), row(&[("a", Some("1")), ("b", None)], "5")),
            (row(&[("b", Some("3"))], ""), row(&[("a", Some("1")), ("b", Some("3"))], "5")),
            (
                row(&[("b", Some("9")), ("c", Some("4"))], "4"),
                row(&[("a", Some("1")), ("b", Some("2")), ("c", Some("4"))], "5"),
            ),
        ];
        for (pushed, expected) in table {
            assert_eq!(patched(Some(&known), pushed.clone()), expected, "{pushed:?}");
            assert_eq!(patched(None, pushed.clone()), pushed);
            let twice = patched(Some(&expected), pushed.clone());
            assert_eq!(twice, expected, "twice: {pushed:?}");
        }
    }
}
