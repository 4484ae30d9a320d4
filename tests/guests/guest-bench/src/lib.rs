//! The connector that figures are measured with: an ordinary one, written as
//! the SDK's front page teaches, for the API of `liaison-bench`.
//!
//! `customers` is read by position, so that a later sync asks only for what was
//! appended; `contacts` takes batches and answers with an outcome per item.

use liaison_sdk::{
    Action, Call, Connector, Destination, Fault, Field, Found, Idempotency, Lookup, LookupKey,
    LookupRequest, Outcome, Page, ReadRequest, Report, Row, Source, Stored, Stream, Verbatim,
    WriteItem, WriteRequest, http,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

struct Bench;

/// Rows of one page, unless the hub wants fewer.
const PAGE_ROWS: u32 = 1_000;
/// Items of one batch.
const BATCH_ITEMS_MAX: u32 = 1_000;

/// The connection's settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    url: String,
    #[serde(default)]
    again: bool,
}

/// How far the table was read.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Position {
    rows: u64,
    /// There was nothing more.
    end: bool,
}

#[derive(Deserialize)]
struct Answer {
    customers: Vec<Verbatim>,
    more: bool,
}

impl Connector for Bench {
    fn discover(_: &Call) -> Result<Vec<Stream>, Fault> {
        let customers =
            Stream::new("customers").readable().primary_key(["id"]).with_fields(fields());
        let contacts = Stream::new("contacts")
            .readable()
            .writable(BATCH_ITEMS_MAX)
            .idempotency(Idempotency::Key)
            .with_fields(fields());
        Ok(vec![customers, contacts])
    }
}

fn fields() -> Vec<Field> {
    vec![
        Field::text("id").read_only().pii("id"),
        Field::text("first_name").pii("name"),
        Field::text("last_name").pii("name"),
        Field::text("email").matchable().pii("email"),
        Field::text("phone").pii("phone"),
        Field::text("street").pii("address"),
        Field::text("postcode").pii("address"),
        Field::text("city").pii("address"),
        Field::text("country").pii("address"),
        Field::text("birth_date"),
        Field::text("company"),
        Field::text("stage"),
        Field::flag("consent_email"),
        Field::flag("consent_sms"),
        Field::text("created_at"),
        Field::text("updated_at"),
    ]
}

impl Source for Bench {
    fn read(call: &Call, request: &ReadRequest) -> Result<Page, Fault> {
        let settings: Settings = call.settings()?;
        let mut position: Position = request.cursor()?.unwrap_or_default();
        if position.end && settings.again {
            position = Position::default();
        }
        let limit = match request.rows_wanted {
            0 => PAGE_ROWS,
            wanted => wanted.min(PAGE_ROWS),
        };
        let answer: Answer = http::get(format!("{}/customers", settings.url))
            .query("after", position.rows)
            .query("limit", limit)
            .send()?
            .expect_success()?
            .json()?;
        let read = u64::try_from(answer.customers.len()).map_err(Fault::bug)?;
        let rows = answer.customers.into_iter().map(row).collect::<Result<_, _>>()?;
        let next = Position { rows: position.rows + read, end: !answer.more };
        if answer.more { Page::of(rows).more_from(&next) } else { Page::of(rows).next_from(&next) }
    }
}

fn row(row: Verbatim) -> Result<Row, Fault> {
    Row::verbatim(row.text("id")?, row)
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<Option<String>>,
}

impl Lookup for Bench {
    /// By e-mail address, the field that discovery marks as matchable.
    fn lookup(call: &Call, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        let settings: Settings = call.settings()?;
        let emails: Vec<&Value> = request.keys.iter().map(email).collect::<Result<_, _>>()?;
        let answer: Keys = http::post(format!("{}/contacts/find", settings.url))
            .json(&json!({ "emails": emails }))
            .send()?
            .expect_success()?
            .json()?;
        let found = |(key, email): (Option<String>, &Value)| match key {
            Some(key) => Found::One(Row::upsert(key, json!({ "email": email }))),
            None => Found::None,
        };
        Ok(answer.keys.into_iter().zip(emails).map(found).collect())
    }
}

fn email(key: &LookupKey) -> Result<&Value, Fault> {
    match key {
        LookupKey::Fields(fields) => fields.get("email"),
        LookupKey::Key(_) => None,
    }
    .ok_or_else(|| Fault::not_supported("look-ups by anything but the e-mail address"))
}

#[derive(Serialize)]
struct Items<'a> {
    items: &'a [WriteItem],
}

#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<Done>,
}

#[derive(Deserialize)]
struct Done {
    status: String,
    key: String,
}

impl Destination for Bench {
    fn write(call: &Call, request: &WriteRequest) -> Result<Report, Fault> {
        let settings: Settings = call.settings()?;
        let answer: Outcomes = http::post(format!("{}/contacts/batch", settings.url))
            .json(&Items { items: &request.items })
            .send()?
            .expect_success()?
            .json()?;
        let outcomes: Vec<Outcome> = answer
            .outcomes
            .into_iter()
            .zip(&request.items)
            .map(|(done, item)| match (done.status.as_str(), item.action) {
                ("created", _) => Outcome::Created(Stored::key(done.key)),
                ("updated", Action::Archive | Action::Delete) => Outcome::Deleted,
                ("updated", _) => Outcome::Updated(Stored::key(done.key)),
                ("missing", _) => Outcome::Conflict,
                (status, _) => Outcome::Rejected(Fault::drift("status", status)),
            })
            .collect();
        Ok(outcomes.into())
    }
}

liaison_sdk::export_connector!(Bench: source, lookup, destination);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use liaison_sdk::testing::{Exchange, Script};
    use liaison_sdk::{
        Action, Call, Destination as _, ReadRequest, Source as _, WriteItem, WriteRequest,
    };
    use serde_json::json;

    use super::Bench;

    fn page(after: u64, rows: serde_json::Value, more: bool) -> Exchange {
        let url = format!("http://x.test/customers?after={after}&limit=1000");
        let answer = json!({ "customers": rows, "more": more });
        Exchange::new("GET", url).reply_json(200, answer)
    }

    #[test]
    fn it_goes_on_after_the_end_or_begins_anew() {
        for (again, third) in [(false, 2), (true, 0)] {
            let call = Call::with_settings(json!({ "url": "http://x.test", "again": again }));
            let start = ReadRequest::start("customers");
            Script::new()
                .exchange(page(0, json!([{ "id": "C0" }]), true))
                .exchange(page(1, json!([{ "id": "C1" }]), false))
                .exchange(page(third, json!([]), false))
                .run(|| {
                    let first = Bench::read(&call, &start).unwrap();
                    assert_eq!((first.rows[0].key.as_deref(), first.more), (Some("C0"), true));
                    let second = Bench::read(&call, &start.after(&first)).unwrap();
                    assert!(!second.more && second.snapshot_complete.is_none());
                    let third = Bench::read(&call, &start.after(&second)).unwrap();
                    assert!(third.rows.is_empty());
                });
        }
    }

    #[test]
    fn every_item_has_its_outcome() {
        let call = Call::with_settings(json!({ "url": "http://x.test" }));
        let items = vec![
            WriteItem::new(Action::Create, None, json!({ "email": "a@x.test" })),
            WriteItem::new(Action::Update, Some("S1"), json!({ "city": "Lyon" })),
        ];
        let request = WriteRequest { stream: "contacts".to_owned(), items, dry_run: false };
        let outcomes = json!({ "outcomes": [
            { "status": "created", "key": "S2" },
            { "status": "missing", "key": "S1" },
        ]});
        let exchange =
            Exchange::new("POST", "http://x.test/contacts/batch").reply_json(200, outcomes);
        let report =
            Script::new().exchange(exchange).run(|| Bench::write(&call, &request).unwrap());
        let text = format!("{report:?}");
        assert!(text.contains("Created") && text.contains("Conflict"), "{text}");
    }
}
