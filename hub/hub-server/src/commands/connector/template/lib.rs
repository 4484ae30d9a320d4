//! A two-way connector of a small REST API of contacts.
//!
//! The API pages by a token, checks versions (`If-Match`), refuses an address
//! that is taken already (409, with the contact that has it), and takes a bearer
//! token. `README.md` lists its requests.

use liaison_sdk::http::{self, Request, Response};
use liaison_sdk::paginate::NextToken;
use liaison_sdk::stream::Idempotency;
use liaison_sdk::{
    Action, Call, Connector, Destination, Fault, Field, Found, Lookup, LookupKey, LookupRequest,
    Outcome, Page, ReadRequest, Report, Row, Source, Stored, Stream, WriteItem, WriteRequest,
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The connector.
pub struct Contacts;

/// The only stream.
const STREAM: &str = "contacts";
/// Rows of a page.
const PAGE_ROWS: u32 = 100;

/// The connection's settings, as `connector.json` describes them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    url: String,
}

/// A page of the API, and the answer to a search.
#[derive(Deserialize)]
struct Contact(Map<String, Value>);

/// See [`Contact`].
#[derive(Deserialize)]
struct List {
    contacts: Vec<Contact>,
    next: Option<String>,
}

impl Connector for Contacts {
    fn discover(_: &Call) -> Result<Vec<Stream>, Fault> {
        let stream = Stream::new(STREAM)
            .title("Contacts")
            .readable()
            .complete_snapshots()
            .writable(50)
            .conditional_writes()
            .idempotency(Idempotency::Key)
            .primary_key(["id"])
            .field(Field::text("id").read_only().pii("id"))
            .field(Field::text("name").title("Name").pii("name"))
            .field(Field::text("email").title("E-mail").matchable().unique().pii("email"));
        Ok(vec![stream])
    }

    fn check(call: &Call) -> Result<(), Fault> {
        let ask = request(call, "GET", "")?.query("limit", 1);
        let _: List = ask.send()?.expect_success()?.json()?;
        Ok(())
    }
}

impl Source for Contacts {
    fn read(call: &Call, request: &ReadRequest) -> Result<Page, Fault> {
        known(&request.stream)?;
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

impl Lookup for Contacts {
    fn lookup(call: &Call, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        known(&request.stream)?;
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
            let email = fields.get("email").and_then(Value::as_str);
            let email = email.ok_or_else(|| Fault::not_supported("a search by other fields"))?;
            let ask = request(call, "GET", "")?.query("email", email);
            let list: List = ask.send()?.expect_success()?.json()?;
            let rows = list.contacts.into_iter().map(Contact::row).collect::<Result<_, _>>()?;
            Ok(Found::from_rows(rows))
        }
    }
}

impl Destination for Contacts {
    fn write(call: &Call, request: &WriteRequest) -> Result<Report, Fault> {
        known(&request.stream)?;
        Report::of_each(&request.items, |item| write(call, item))
    }
}

fn write(call: &Call, item: &WriteItem) -> Result<Outcome, Fault> {
    let key = || item.key.clone().ok_or_else(|| Fault::bug("an item without a key"));
    match item.action {
        Action::Create => {
            let ask = request(call, "POST", "")?
                .header("idempotency-key", &item.idempotency_key)
                .json(&item.patch);
            let answer = ask.send()?;
            if answer.status == 409 {
                let taken: Contact = answer.json()?;
                return Ok(Outcome::DuplicateOf(taken.text("id")?));
            }
            Ok(Outcome::Created(stored(answer)?))
        }
        Action::Update => {
            let ask = bound(request(call, "PATCH", &key()?)?, item).json(&item.patch);
            Ok(Outcome::Updated(stored(ask.send()?)?))
        }
        Action::Delete => {
            let answer = bound(request(call, "DELETE", &key()?)?, item).send()?.expect_success()?;
            match answer.status {
                204 => Ok(Outcome::Deleted),
                status => Err(Fault::drift("status", "204").with("status", status)),
            }
        }
        Action::Archive => Err(Fault::not_supported("archiving")),
    }
}

/// Only if the contact still has the version that the hub knows.
fn bound(request: Request, item: &WriteItem) -> Request {
    match &item.if_version {
        Some(version) => request.header("if-match", version),
        None => request,
    }
}

/// The contact as the API stored it. What it normalised is seen here.
fn stored(answer: Response) -> Result<Stored, Fault> {
    let contact: Contact = answer.expect_success()?.json()?;
    let (key, version) = (contact.text("id")?, contact.text("version")?);
    Ok(Stored::key(key).row(contact.fields()).version(version))
}

impl Contact {
    fn text(&self, name: &str) -> Result<String, Fault> {
        match self.0.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            _ => Err(Fault::drift(name, "text or a number")),
        }
    }

    /// What discovery names. The version travels beside the row, not in it.
    fn fields(mut self) -> Map<String, Value> {
        self.0.remove("version");
        self.0
    }

    fn row(self) -> Result<Row, Fault> {
        let (key, version) = (self.text("id")?, self.text("version")?);
        Ok(Row::upsert(key, self.fields()).version(version))
    }
}

/// A request to the contacts, or to one of them.
fn request(call: &Call, method: &str, id: &str) -> Result<Request, Fault> {
    let settings: Settings = call.settings()?;
    let base = settings.url.trim_end_matches('/');
    let url = match id {
        "" => format!("{base}/contacts"),
        id => format!("{base}/contacts/{}", http::percent_encode(id)),
    };
    Ok(Request::new(method, url).credential("token"))
}

fn known(stream: &str) -> Result<(), Fault> {
    if stream == STREAM { Ok(()) } else { Err(Fault::config("stream", STREAM)) }
}

liaison_sdk::export_connector!(Contacts: source, lookup, destination);

#[cfg(test)]
mod tests;
