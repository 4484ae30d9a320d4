//! Values: a byte for the kind, then what it needs.

use hub_model::limits::DEPTH_LEVELS_MAX;
use hub_model::{Number, Object, Value};

use super::bytes::{Bytes, Damaged, put_len, put_text};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const NUMBER: u8 = 3;
const TEXT: u8 = 4;
const LIST: u8 = 5;
const OBJECT: u8 = 6;

/// Appends a value.
pub fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(false) => out.push(FALSE),
        Value::Bool(true) => out.push(TRUE),
        Value::Number(number) => {
            out.push(NUMBER);
            put_text(out, &number.to_string());
        }
        Value::Text(text) => {
            out.push(TEXT);
            put_text(out, text);
        }
        Value::List(items) => {
            out.push(LIST);
            put_len(out, items.len());
            items.iter().for_each(|item| put(out, item));
        }
        Value::Object(entries) => {
            out.push(OBJECT);
            put_len(out, entries.len());
            for (key, item) in entries {
                put_text(out, key);
                put(out, item);
            }
        }
    }
}

/// Reads a value.
pub fn read(bytes: &mut Bytes<'_>) -> Result<Value, Damaged> {
    below(bytes, DEPTH_LEVELS_MAX + 1)
}

fn below(bytes: &mut Bytes<'_>, levels_left: usize) -> Result<Value, Damaged> {
    let below_this = levels_left.checked_sub(1).ok_or(Damaged)?;
    Ok(match bytes.byte()? {
        NULL => Value::Null,
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        NUMBER => Value::Number(Number::parse(bytes.text()?).ok_or(Damaged)?),
        // It was in normal form when it was packed.
        TEXT => Value::Text(bytes.text()?.into()),
        LIST => {
            let count = bytes.count()?;
            Value::List((0..count).map(|_| below(bytes, below_this)).collect::<Result<_, _>>()?)
        }
        OBJECT => {
            let count = bytes.count()?;
            let entry = |_| Ok((bytes.text()?.into(), below(bytes, below_this)?));
            Value::Object((0..count).map(entry).collect::<Result<Object, _>>()?)
        }
        _ => return Err(Damaged),
    })
}

#[cfg(test)]
mod tests {
    use hub_model::Value;

    use super::{Bytes, put, read};

    #[test]
    fn values_come_back() {
        let texts = [
            "null",
            "true",
            "false",
            "-12.5e-7",
            "9007199254740993",
            r#""caf\u00e9 \u0000""#,
            r#"[[],{},"",0,{"a":[null,{"b":1e300}]}]"#,
        ];
        for text in texts {
            let value: Value = serde_json::from_str(text).unwrap();
            let mut out = Vec::new();
            put(&mut out, &value);
            assert_eq!(read(&mut Bytes(&out)), Ok(value), "{text}");
            for len in 0..out.len() {
                assert!(read(&mut Bytes(&out[..len])).is_err(), "{text} cut at {len}");
            }
        }
        assert!(read(&mut Bytes(&[9])).is_err(), "an unknown kind");
        assert!(read(&mut Bytes(&[5, 1].repeat(100))).is_err(), "too deep");
    }
}
