//! A well-behaved connector over rows from its settings: the reference that the
//! conformance suite and the tests of the host run against. What is written is
//! kept in a file of a granted folder, because a guest has no memory of its own.

mod table;

use liaison_sdk::{
    Action, Call, Connector, Destination, Fault, FaultCode, Field, Found, Lookup, LookupKey,
    LookupRequest, Outcome, Page, ReadRequest, Report, Row, Source, Stored, Stream, WriteItem,
    WriteRequest,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use table::{Entry, Table};

struct Simple;

/// The connection's settings.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    rows: Vec<Map<String, Value>>,
    folder: Option<String>,
    page: Option<usize>,
}

/// Rows of one page unless the settings say otherwise.
const PAGE_ROWS: usize = 100;

#[derive(Serialize, Deserialize)]
struct Position {
    after: String,
}

impl Connector for Simple {
    fn discover(call: &Call) -> Result<Vec<Stream>, Fault> {
        let _: Settings = call.settings()?;
        Ok(vec![
            Stream::new("people")
                .title("People")
                .readable()
                .complete_snapshots()
                .writable(100)
                .conditional_writes()
                .primary_key(["id"])
                .field(Field::text("id").read_only().pii("id"))
                .field(Field::text("name").pii("name"))
                .field(Field::text("email").matchable().pii("email")),
        ])
    }
}

impl Source for Simple {
    fn read(call: &Call, request: &ReadRequest) -> Result<Page, Fault> {
        let settings = known_stream(call, &request.stream)?;
        let (table, _) = Table::open(&settings)?;
        let page_rows = settings.page.unwrap_or(PAGE_ROWS).max(1);
        let after = request.cursor::<Position>()?.map(|position| position.after);
        let mut rest =
            table.rows.iter().filter(|(key, _)| after.as_ref().is_none_or(|it| *key > it));
        let rows: Vec<Row> = rest.by_ref().take(page_rows).map(|(key, it)| it.row(key)).collect();
        let last = rows.last().and_then(|row| row.key.clone());
        match (rest.next(), last) {
            (Some(_), Some(after)) => Page::of(rows).more_from(&Position { after }),
            _ => Ok(Page::of(rows).complete()),
        }
    }
}

impl Lookup for Simple {
    fn lookup(call: &Call, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        let settings = known_stream(call, &request.stream)?;
        let (table, _) = Table::open(&settings)?;
        Ok(request.keys.iter().map(|key| find(&table, key)).collect())
    }
}

fn find(table: &Table, key: &LookupKey) -> Found {
    let fits = |(key_of_row, entry): &(&String, &Entry)| match key {
        LookupKey::Key(key) => *key_of_row == key,
        LookupKey::Fields(fields) => {
            fields.iter().all(|(name, value)| entry.data.get(name) == Some(value))
        }
    };
    Found::from_rows(table.rows.iter().filter(fits).map(|(key, it)| it.row(key)).collect())
}

impl Destination for Simple {
    fn write(call: &Call, request: &WriteRequest) -> Result<Report, Fault> {
        let settings = known_stream(call, &request.stream)?;
        let (mut table, version) = Table::open(&settings)?;
        let outcomes: Vec<Outcome> =
            request.items.iter().map(|item| apply(&mut table, item)).collect();
        if !request.dry_run {
            table.save(&settings, version.as_deref())?;
        }
        Ok(outcomes.into())
    }
}

fn apply(table: &mut Table, item: &WriteItem) -> Outcome {
    if item.action == Action::Create {
        let key = table.next_key();
        let entry = table.put(key.clone(), &item.patch);
        return Outcome::Created(stored(&key, entry));
    }
    let Some(key) = item.key.clone() else {
        return Outcome::Rejected(Fault::new(FaultCode::Rejected).at("key"));
    };
    let Some(entry) = table.rows.get(&key) else { return Outcome::Conflict };
    if item.if_version.as_ref().is_some_and(|version| *version != entry.version()) {
        return Outcome::Conflict;
    }
    match item.action {
        Action::Update if entry.holds(&item.patch) => Outcome::Unchanged,
        Action::Update => Outcome::Updated(stored(&key, table.put(key.clone(), &item.patch))),
        Action::Create | Action::Archive | Action::Delete => {
            table.rows.remove(&key);
            Outcome::Deleted
        }
    }
}

fn stored(key: &str, entry: &Entry) -> Stored {
    Stored::key(key).row(entry.data.clone()).version(entry.version())
}

fn known_stream(call: &Call, stream: &str) -> Result<Settings, Fault> {
    let settings = call.settings()?;
    if stream == "people" { Ok(settings) } else { Err(Fault::new(FaultCode::NotFound).at(stream)) }
}

liaison_sdk::export_connector!(Simple: source, lookup, destination);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{Simple, Source as _};
    use liaison_sdk::testing::Script;
    use liaison_sdk::{Action, Call, Destination as _, ReadRequest, WriteItem, WriteRequest};
    use serde_json::json;

    #[test]
    fn it_pages_to_the_end() {
        let call = Call::with_settings(json!({ "page": 2, "rows": [{}, {}, {}] }));
        let start = ReadRequest::start("people");
        let (first, second) = Script::new().run(|| {
            let first = Simple::read(&call, &start).unwrap();
            let second = Simple::read(&call, &start.after(&first)).unwrap();
            (first, second)
        });
        assert_eq!((first.rows.len(), first.more), (2, true));
        assert_eq!((second.rows.len(), second.more), (1, false));
        assert!(second.snapshot_complete.is_some());
    }

    #[test]
    fn what_is_written_is_kept() {
        let call = Call::with_settings(json!({ "folder": "data" }));
        let item = WriteItem::new(Action::Create, None, json!({ "name": "Ana" }));
        let request =
            WriteRequest { stream: "people".to_owned(), items: vec![item], dry_run: false };
        let page = Script::new().folder("data").run(|| {
            let report = Simple::write(&call, &request).unwrap();
            assert!(format!("{report:?}").contains("Created"));
            Simple::read(&call, &ReadRequest::start("people")).unwrap()
        });
        assert_eq!(page.rows[0].fields().unwrap()["name"], "Ana");
    }
}
