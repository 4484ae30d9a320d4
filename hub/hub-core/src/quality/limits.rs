//! The limits of the data model, checked once more behind the sandbox: rows
//! also come from files and doors that no sandbox guards.

use hub_model::limits::{DEPTH_LEVELS_MAX, RECORD_FIELDS_MAX, VALUE_BYTES_MAX};
use hub_model::{Fault, FaultCode, Object, Value, id};

/// Longest part of a field's name that a fault repeats, in characters.
const PLACE_CHARS_MAX: usize = 64;

/// Checks the number of fields, their names, and each value's size and depth.
///
/// # Errors
/// [`FaultCode::RowLimit`] at the first field (in order of name) that breaks a
/// limit, with `rule` and `expected`.
pub fn accept(row: &Object) -> Result<(), Fault> {
    if row.len() > RECORD_FIELDS_MAX {
        return Err(fault("fields", RECORD_FIELDS_MAX));
    }
    for (name, value) in row {
        let broken = if !id::valid(name) {
            Some(fault("name", hub_model::limits::KEY_BYTES_MAX))
        } else if depth(value) > DEPTH_LEVELS_MAX {
            Some(fault("depth", DEPTH_LEVELS_MAX))
        } else if value.size_bytes() > VALUE_BYTES_MAX {
            Some(fault("bytes", VALUE_BYTES_MAX))
        } else {
            None
        };
        if let Some(fault) = broken {
            let shown = name.chars().filter(|c| !c.is_control()).take(PLACE_CHARS_MAX);
            return Err(fault.at(shown.collect::<String>()));
        }
    }
    Ok(())
}

fn fault(rule: &str, expected: usize) -> Fault {
    Fault::new(FaultCode::RowLimit).with("rule", rule).with("expected", expected)
}

/// Levels of nesting, a scalar being one. Values are bounded when they are
/// parsed, so the recursion is.
fn depth(value: &Value) -> usize {
    match value {
        Value::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(entries) => 1 + entries.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use hub_model::{FaultCode, Object, Value};

    use super::accept;

    fn row(name: &str, value: Value) -> Object {
        Object::from([(name.into(), value)])
    }

    fn nested(levels: usize) -> Value {
        (1..levels).fold(Value::Null, |inner, _| Value::List(vec![inner]))
    }

    #[test]
    fn each_limit_has_its_border() {
        let many =
            |n: i64| (0..n).map(|i| (format!("f{i}").into(), Value::from(i))).collect::<Object>();
        let cases = [
            (many(1_000), None),
            (many(1_001), Some("fields")),
            (row("f", nested(16)), None),
            (row("f", nested(17)), Some("depth")),
            (row("f", Value::text("x".repeat(32 * 1024 - 2))), None),
            (row("f", Value::text("x".repeat(32 * 1024 - 1))), Some("bytes")),
            (row("", Value::Null), Some("name")),
            (row("a\nb", Value::Null), Some("name")),
            (row(&"n".repeat(513), Value::Null), Some("name")),
        ];
        for (row, rule) in cases {
            let fault = accept(&row).err();
            assert!(fault.iter().all(|fault| fault.code == FaultCode::RowLimit));
            let got = fault.as_ref().and_then(|fault| fault.args.get("rule")).map(String::as_str);
            assert_eq!(got, rule);
        }
    }
}
