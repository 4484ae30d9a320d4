//! What `liaison identity` shows to people.

use std::fmt::Write as _;

use serde_json::Value;

use crate::out::{table, text};

/// A list of a view.
pub fn rows<'v>(view: &'v Value, name: &str) -> &'v [Value] {
    view.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
}

/// The reports, one a line.
pub fn reviews(view: &Value) -> String {
    let head = ["LEFT", "RIGHT", "REASON", "VALUE", "RECORDS", "SETTLED"];
    let line = |review: &Value| {
        vec![
            side(review, "left"),
            side(review, "right"),
            text(review, "/reason"),
            format!("{}:{}", text(review, "/namespace"), text(review, "/value")),
            text(review, "/carriers"),
            text(review, "/settled"),
        ]
    };
    table(&head, &rows(view, "reviews").iter().map(line).collect::<Vec<_>>())
}

/// A profile's number and the keys that tell it from others.
fn side(review: &Value, name: &str) -> String {
    let Some(profile) = review.get(name) else { return "-".to_owned() };
    const NAMED_MAX: usize = 2;
    let named = rows(profile, "identities").iter().take(NAMED_MAX);
    let named: Vec<String> =
        named.map(|id| format!("{}:{}", text(id, "/namespace"), text(id, "/value"))).collect();
    format!("{} ({})", text(profile, "/id"), named.join(", "))
}

/// What a decision does, or did.
pub fn outcome(view: &Value) -> String {
    let mut page = String::new();
    let done = view.get("applied").and_then(Value::as_bool).unwrap_or_default();
    // Writing into a text cannot fail.
    let _ = writeln!(page, "{}", if done { "done:" } else { "would do:" });
    for (title, name) in [("before", "before"), ("after", "after")] {
        for profile in rows(view, name) {
            let _ = writeln!(page, "  {title}  {}", profile_line(profile));
        }
    }
    if let Some(preview) = view.get("preview") {
        page.push_str(&writes(preview));
    }
    page
}

fn profile_line(profile: &Value) -> String {
    let of = |name: &str, one: &dyn Fn(&Value) -> String| {
        rows(profile, name).iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let identities =
        of("identities", &|id| format!("{}:{}", text(id, "/namespace"), text(id, "/value")));
    let records = of("records", &|record| {
        format!(
            "{}/{} {}",
            text(record, "/connection"),
            text(record, "/stream"),
            text(record, "/key")
        )
    });
    format!("{} [{identities}] from {records}", text(profile, "/id"))
}

/// What other rules would do.
pub fn preview(view: &Value) -> String {
    let mut page = String::new();
    for merge in rows(view, "merges") {
        let _ = writeln!(page, "merge  {} into {}", text(merge, "/from"), text(merge, "/into"));
    }
    for split in rows(view, "splits") {
        let _ = writeln!(page, "split  {} into {}", text(split, "/profile"), text(split, "/into"));
    }
    page.push_str(&writes(view));
    let changed = rows(view, "changed").len();
    let _ = writeln!(
        page,
        "{} merges, {} splits, {changed} changed, {} unchanged",
        rows(view, "merges").len(),
        rows(view, "splits").len(),
        text(view, "/unchanged"),
    );
    page
}

fn writes(preview: &Value) -> String {
    let mut page = String::new();
    let writes = preview.get("writes").and_then(Value::as_object).into_iter().flatten();
    for (sync, counts) in writes {
        let (updates, creates) = (text(counts, "/updates"), text(counts, "/creates"));
        let _ = writeln!(page, "  {sync}: {updates} rows to update, {creates} to create");
    }
    page
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{outcome, preview, reviews};

    #[test]
    fn both_sides_of_a_report_are_on_its_line() {
        let side = |id: u64, value: &str| json!({ "id": id, "identities": [{ "namespace": "crm", "value": value }] });
        let view = json!({ "reviews": [{
            "namespace": "email", "value": "a@x.fr", "reason": "cardinality", "carriers": 2,
            "settled": "open", "left": side(2, "b"), "right": side(1, "a"),
        }] });
        let text = reviews(&view);
        let line = text.lines().nth(1).unwrap();
        let words: Vec<&str> = line.split("  ").filter(|w| !w.is_empty()).map(str::trim).collect();
        assert_eq!(words, ["2 (crm:b)", "1 (crm:a)", "cardinality", "email:a@x.fr", "2", "open"]);
    }

    #[test]
    fn a_plan_says_what_becomes_of_whom_and_what_is_written() {
        let profile = |id: u64, key: &str| {
            json!({ "id": id, "identities": [{ "namespace": "crm", "value": key }],
                    "records": [{ "connection": "crm", "stream": "people", "key": key }] })
        };
        let view = json!({
            "applied": false, "before": [profile(1, "a"), profile(2, "b")],
            "after": [profile(1, "a")], "preview": { "writes": { "shop": { "updates": 1, "creates": 0 } } },
        });
        let text = outcome(&view);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "would do:",
                "  before  1 [crm:a] from crm/people a",
                "  before  2 [crm:b] from crm/people b",
                "  after  1 [crm:a] from crm/people a",
                "  shop: 1 rows to update, 0 to create",
            ]
        );
        let view = json!({ "merges": [{ "into": 1, "from": [1, 2] }], "splits": [],
                           "changed": [4], "unchanged": 7, "writes": {} });
        assert_eq!(
            preview(&view),
            "merge  [1,2] into 1\n1 merges, 0 splits, 1 changed, 7 unchanged\n"
        );
    }
}
