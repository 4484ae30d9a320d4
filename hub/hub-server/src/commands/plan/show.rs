//! Plans as text and as JSON, write by write.

use std::fmt::Write;

use hub_engine::plans::{How, Moved};
use hub_model::{PlannedField, SyncId};
use serde_json::{Value, json};

use crate::out::{Out, print, table, text};
use crate::trouble::Trouble;

/// A plan that is being printed while it is walked.
pub(super) struct Shown {
    out: Out,
    any: bool,
}

impl Shown {
    /// Begins.
    pub fn begin(sync: &SyncId, out: Out) -> Result<Self, Trouble> {
        if out.json {
            print(&format!("{{\"sync\":{},\"writes\":[", json!(sync)))?;
        }
        Ok(Self { out, any: false })
    }

    /// The next write.
    pub fn write(&mut self, write: &Value) -> Result<(), Trouble> {
        let comma = if self.any { "," } else { "" };
        self.any = true;
        print(&if self.out.json { format!("{comma}\n{write}") } else { lines(write) })
    }

    /// The end: hash, counts, what protects from doubles, and whether a run would be
    /// held.
    pub fn end(self, head: &Value) -> Result<(), Trouble> {
        let counts = head["counts"].clone();
        if self.out.json {
            let [plan, held, awaiting, delivery, forecast] =
                ["plan", "held", "awaiting", "delivery", "forecast"].map(|name| &head[name]);
            return print(&format!(
                "\n],\n\"plan\":{plan},\n\"counts\":{counts},\n\"held\":{held},\n\"awaiting\":{awaiting},\n\"delivery\":{delivery},\n\"forecast\":{forecast}}}\n"
            ));
        }
        let [creates, updates, deletes] =
            ["/creates", "/updates", "/deletes"].map(|pointer| text(&counts, pointer));
        let awaiting = match head["awaiting"].as_u64() {
            None | Some(0) => String::new(),
            Some(number) => format!("{number} more wait for a row that they refer to\n"),
        };
        let held = if head["held"] == json!(true) { "\na run would be held with it" } else { "" };
        print(&format!(
            "{creates} creates, {updates} updates, {deletes} deletes\n{awaiting}{}delivery {}\nplan {}{held}\n",
            foretold(&head["forecast"]),
            text(head, "/delivery"),
            text(head, "/plan")
        ))
    }
}

/// What it takes of the vendor's allowance, as a line; nothing where none is known.
pub(in crate::commands) fn foretold(forecast: &Value) -> String {
    if forecast.is_null() {
        return String::new();
    }
    let n = |name: &str| forecast.get(name).and_then(Value::as_u64).unwrap_or(0);
    let window = match n("window_seconds") {
        86_400 => "a day".to_owned(),
        3_600 => "an hour".to_owned(),
        seconds => format!("{seconds} seconds"),
    };
    format!(
        "uses {} % of the {} calls of {window} ({} calls), ends {}\n",
        n("percent"),
        n("of"),
        n("calls"),
        text(forecast, "/ends")
    )
}

/// A write as lines: what it is about, then field by field.
pub(in crate::commands) fn lines(write: &Value) -> String {
    let mut out = format!("{} profile {}", text(write, "/action"), text(write, "/profile"));
    if write.get("record").is_some() {
        let _ = write!(out, ", record {}, row {}", text(write, "/record"), text(write, "/key"));
    }
    out.push('\n');
    for (name, field) in write.get("fields").and_then(Value::as_object).into_iter().flatten() {
        let before = field.get("before").map(|before| format!("{before} ")).unwrap_or_default();
        let _ = writeln!(out, "    {name}: {before}-> {}", field["after"]);
    }
    out
}

/// What became of a plan that was applied, with what had moved.
pub(super) fn applied(run: &Value, moved: &[Moved], out: Out) -> Result<(), Trouble> {
    let rows: Vec<Value> = moved.iter().map(difference).collect();
    let mut view = json!({ "run": run });
    if !rows.is_empty() {
        view["moved"] = rows.iter().cloned().collect();
    }
    out.data(&view, || {
        let counts = ["created", "updated", "removed", "rejected", "retried"]
            .map(|name| format!("{name} {}", text(run, &format!("/counts/{name}"))));
        let mut told = format!("{}  {}\n", text(run, "/status"), counts.join(", "));
        if !rows.is_empty() {
            let cells = |row: &Value| {
                ["/profile", "/record", "/what", "/planned", "/now"].map(|p| text(row, p)).to_vec()
            };
            let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
            told.push_str(&table(&["PROFILE", "RECORD", "MOVED", "PLANNED", "NOW"], &cells));
        }
        told
    })
}

fn difference(moved: &Moved) -> Value {
    let (what, planned, now) = match &moved.how {
        How::Gone => ("write".to_owned(), json!("due"), Value::Null),
        How::New => ("write".to_owned(), Value::Null, json!("due")),
        How::Action { planned, now } => {
            ("action".to_owned(), json!(planned.as_str()), json!(now.as_str()))
        }
        How::Field { field, planned, now } => {
            (field.to_string(), shown(planned.as_ref()), shown(now.as_ref()))
        }
    };
    json!({
        "profile": moved.profile, "record": moved.record, "what": what, "planned": planned,
        "now": now,
    })
}

fn shown(field: Option<&PlannedField>) -> Value {
    let Some(field) = field else { return Value::Null };
    let before = field.before.as_ref().map(|before| format!("{} ", before.to_json()));
    json!(format!("{}-> {}", before.unwrap_or_default(), field.after.to_json()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{foretold, lines};

    #[test]
    fn a_forecast_is_a_line() {
        let forecast = json!({
            "calls": 1_230, "of": 1_500, "window_seconds": 86_400, "percent": 82,
            "ends": "2026-12-03T14:10:00Z",
        });
        let line = "uses 82 % of the 1500 calls of a day (1230 calls), ends 2026-12-03T14:10:00Z\n";
        assert_eq!(foretold(&forecast), line);
        assert_eq!(foretold(&json!(null)), "");
    }

    #[test]
    fn a_write_is_shown_field_by_field() {
        let update = json!({
            "action": "update", "profile": 1, "record": 2, "key": "42",
            "fields": {
                "city": { "before": "Lyon", "after": null, "stamp": 3 },
                "name": { "after": "Ana", "stamp": 4 },
            },
        });
        let text = "update profile 1, record 2, row 42\n    city: \"Lyon\" -> null\n    name: -> \"Ana\"\n";
        assert_eq!(lines(&update), text);
        assert_eq!(lines(&json!({ "action": "create", "profile": 7 })), "create profile 7\n");
    }
}
