//! A connector of the API of contacts (`tests/doubles`) that uses neither versions
//! nor idempotency keys: with `upsert` a create that is made twice makes one
//! contact, without it two.

use liaison_sdk::http::{self, Request, Response};
use liaison_sdk::paginate::NextToken;
use liaison_sdk::stream::Idempotency;
use liaison_sdk::{
    Action, Call, Connector, Destination, Fault, Field, Found, Lookup, LookupKey, LookupRequest,
    Outcome, Page, ReadRequest, Report, Row, Source, Stored, Stream, WriteItem, WriteRequest,
};
use serde::Deserialize;
use serde_json::{Map, Value};

struct Plain;

/// The only stream.
const STREAM: &str = "contacts";
/// Rows of a page.
const PAGE_ROWS: u32 = 100;
/// Items of one write: few, so that a hub that dies leaves few open.
const BATCH_ITEMS_MAX: u32 = 5;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    url: String,
    #[serde(default)]
    upsert: bool,
}

#[derive(Deserialize)]
struct Contact(Map<String, Value>);

#[derive(Deserialize)]
struct List {
    contacts: Vec<Contact>,
    next: Option<String>,
}

impl Connector for Plain {
    fn discover(call: &Call) -> Result<Vec<Stream>, Fault> {
        let settings: Settings = call.settings()?;
        let offers = if settings.upsert { Idempotency::ExternalId } else { Idempotency::None };
        let stream = Stream::new(STREAM)
            .readable()
            .complete_snapshots()
            .writable(BATCH_ITEMS_MAX)
            .idempotency(offers)
            .primary_key(["id"])
            .field(Field::text("id").read_only().pii("id"))
            .field(Field::text("name").pii("name"))
            .field(Field::text("city").pii("address"))
            .field(Field::text("email").matchable().pii("email"));
        Ok(vec![stream])
    }
}

impl Source for Plain {
    fn read(call: &Call, request: &ReadRequest) -> Result<Page, Fault> {
        let position = NextToken::of(request)?;
        let mut ask = self::request(call, "GET", "")?.query("limit", PAGE_ROWS);
        if let Some(token) = &position.token {
            ask = ask.query("after", token);
        }
        let list: List = ask.send()?.expect_success()?.json()?;
        let rows = list.contacts.into_iter().map(Contact::row).collect::<Result<_, _>>()?;
        position.page(rows, list.next)
    }
}

impl Lookup for Plain {
    fn lookup(call: &Call, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        request.keys.iter().map(|key| find(call, key)).collect()
    }
}

fn find(call: &Call, key: &LookupKey) -> Result<Found, Fault> {
    match key {
        LookupKey::Key(id) => {
            let answer = request(call, "GET", id)?.send()?;
            if answer.status == 404 {
                return Ok(Found::None);
            }
            Ok(Found::One(answer.expect_success()?.json::<Contact>()?.row()?))
        }
        LookupKey::Fields(fields) => {
            let ask = request(call, "GET", "")?.query("email", email(fields.get("email"))?);
            let list: List = ask.send()?.expect_success()?.json()?;
            let rows = list.contacts.into_iter().map(Contact::row).collect::<Result<_, _>>()?;
            Ok(Found::from_rows(rows))
        }
    }
}

impl Destination for Plain {
    fn write(call: &Call, request: &WriteRequest) -> Result<Report, Fault> {
        Report::of_each(&request.items, |item| write(call, item))
    }
}

fn write(call: &Call, item: &WriteItem) -> Result<Outcome, Fault> {
    let settings: Settings = call.settings()?;
    let key = || item.key.clone().ok_or_else(|| Fault::bug("an item without a key"));
    match item.action {
        Action::Create if settings.upsert => {
            let email = email(item.patch.get("email"))?;
            let ask = request(call, "PUT", "by-email")?.query("email", email).json(&item.patch);
            Ok(Outcome::Created(stored(ask.send()?)?))
        }
        Action::Create => {
            let ask = request(call, "POST", "")?.json(&item.patch);
            Ok(Outcome::Created(stored(ask.send()?)?))
        }
        Action::Update => {
            let ask = request(call, "PATCH", &key()?)?.json(&item.patch);
            Ok(Outcome::Updated(stored(ask.send()?)?))
        }
        Action::Delete => {
            request(call, "DELETE", &key()?)?.send()?.expect_success()?;
            Ok(Outcome::Deleted)
        }
        Action::Archive => Err(Fault::not_supported("archiving")),
    }
}

fn email(value: Option<&Value>) -> Result<String, Fault> {
    let email = value.and_then(Value::as_str);
    email.map(str::to_owned).ok_or_else(|| Fault::not_supported("contacts without an address"))
}

fn stored(answer: Response) -> Result<Stored, Fault> {
    let contact: Contact = answer.expect_success()?.json()?;
    Ok(Stored::key(contact.id()?).row(contact.fields()))
}

impl Contact {
    fn id(&self) -> Result<String, Fault> {
        let id = self.0.get("id").and_then(Value::as_str);
        id.map(str::to_owned).ok_or_else(|| Fault::drift("id", "text"))
    }

    fn fields(mut self) -> Map<String, Value> {
        self.0.remove("version");
        self.0
    }

    fn row(self) -> Result<Row, Fault> {
        let id = self.id()?;
        Ok(Row::upsert(id, self.fields()))
    }
}

fn request(call: &Call, method: &str, id: &str) -> Result<Request, Fault> {
    let settings: Settings = call.settings()?;
    let url = match id {
        "" => format!("{}/contacts", settings.url),
        id => format!("{}/contacts/{}", settings.url, http::percent_encode(id)),
    };
    Ok(Request::new(method, url).credential("token"))
}

liaison_sdk::export_connector!(Plain: source, lookup, destination);
