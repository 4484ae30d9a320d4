//! Contacts, lists, suppressions and templated mail of SendGrid by its Web API v3, and
//! what became of the mail by its signed event webhook.
//!
//! Everything here follows from how SendGrid behaves:
//!
//! | what SendGrid does | what follows |
//! |---|---|
//! | Contacts cannot be listed; an export makes files of them | [`export`] starts one, keeps its number in the cursor, waits, and reads file after file |
//! | Contacts are written by jobs, whose results are counts | a batch is `accepted` ([`upsert`]); [`job`] asks for the counts, and the hub finds the rows again by their addresses |
//! | A contact is known by its identifiers; the number does not write it, and an identifier cannot be changed | identifiers are create-only, and go along with every update |
//! | A value that cannot be has the whole request refused, or its row left out of the job | values are judged before they are sent ([`field`]); the stream is `atomic`, so that the hub halves what is refused all the same |
//! | Custom fields are written by their number and read by their name | [`field`] asks for the definitions with every call |
//! | A suppression is an address on a list, newest first; who leaves a list is told nowhere | [`suppression`]: every address has a row, which says whether it is on the list; nothing is taken for deleted |
//! | Sending knows no repetition | a message is a row of its template's stream that is only ever created ([`message`]) |
//! | Events come several at a time, again and in any order, each with a number | [`event`]: a row each under that number, and a look at the list that it is about |
//! | Limits are told in headers, for each kind of call | they go to the hub as hints ([`api`]) |
//! | Files are fetched from a store of files that wants no key | they are asked for without the credential, at a host of its own |

pub mod settings;

pub mod refusal;

pub mod api;

pub mod contact;
pub mod field;

pub mod export;
pub mod job;
pub mod upsert;

pub mod lists;
pub mod members;

pub mod event;
pub mod message;
pub mod suppression;

#[cfg(test)]
mod tests;

use liaison_sdk::{
    Audience, Call, Connector, Container, ContainerPage, ContainerWish, Delivery, Destination,
    Fault, FaultCode, Found, Inbound, JobState, Lookup, LookupRequest, MemberReport, MemberRequest,
    Page, Parsed, ReadRequest, Report, Source, Stream, WriteRequest, log,
};
use serde::Deserialize;

use crate::api::Api;
use crate::field::Fields;
use crate::settings::{Settings, Template};
use crate::suppression::Suppression;

/// The stream of contacts.
pub const CONTACTS: &str = "contacts";
/// The stream of memberships.
pub const MEMBERS: &str = "members";

/// The connector.
pub struct SendGrid;

/// What a key may do.
#[derive(Deserialize)]
struct Scopes {
    scopes: Vec<String>,
}

impl Connector for SendGrid {
    /// Asks what the key may do: every key may ask that.
    fn check(call: &Call) -> Result<(), Fault> {
        let api = Api::of(call, "discover")?;
        let scopes: Scopes = api.reads(api.get("/v3/scopes"))?;
        match scopes.scopes.is_empty() {
            true => Err(Fault::new(FaultCode::Permission).at("scopes")),
            false => Ok(()),
        }
    }

    fn discover(call: &Call) -> Result<Vec<Stream>, Fault> {
        let api = Api::of(call, "discover")?;
        let fields = permitted(CONTACTS, Fields::of(&api))?;
        let mut streams = vec![contact::stream(fields.as_ref()), members::stream()];
        streams.extend(suppression::ALWAYS.iter().map(|it| it.stream(None)));
        let groups = permitted("group_unsubscribes", suppression::groups(&api))?;
        streams.extend(groups.into_iter().flatten());
        streams.extend(api.settings.templates.iter().map(|(name, it)| message::stream(name, it)));
        streams.push(event::stream());
        Ok(streams)
    }
}

/// What a request answered, or nothing where the key may not ask.
fn permitted<T>(what: &str, asked: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(fault) if fault.code == FaultCode::Permission => {
            log::warn(format!("{what}: the key lacks an access: {}", fault.place));
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
}

/// What a stream is made of.
enum Kind<'s> {
    Contacts,
    Suppression(Suppression),
    Template(&'s Template),
    Events,
}

impl<'s> Kind<'s> {
    fn of(settings: &'s Settings, stream: &str) -> Result<Self, Fault> {
        match stream {
            CONTACTS => return Ok(Self::Contacts),
            event::EVENTS => return Ok(Self::Events),
            _ => {}
        }
        if let Some(suppression) = Suppression::of(stream) {
            return Ok(Self::Suppression(suppression));
        }
        let template = settings.templates.get(stream).map(Self::Template);
        template.ok_or_else(|| Fault::config("stream", "a stream that discovery lists"))
    }
}

impl Source for SendGrid {
    fn read(call: &Call, request: &ReadRequest) -> Result<Page, Fault> {
        let api = Api::of(call, "read")?;
        let page = match Kind::of(&api.settings, &request.stream)? {
            Kind::Contacts => export::read(&api, request)?,
            Kind::Suppression(suppression) => suppression.read(&api, request)?,
            // What was sent cannot be read. That says nothing about rows that are
            // not shown.
            Kind::Template(_) => Page::default(),
            // Events are pushed: reading them has no cursor.
            Kind::Events if request.cursor.is_some() => {
                return Err(Fault::new(FaultCode::CursorExpired));
            }
            Kind::Events => Page::default(),
        };
        Ok(page.hints(api.hints()))
    }
}

impl Lookup for SendGrid {
    fn lookup(call: &Call, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        let api = Api::of(call, "lookup")?;
        match Kind::of(&api.settings, &request.stream)? {
            Kind::Contacts => contact::lookup(&api, request),
            Kind::Suppression(suppression) => suppression.lookup(&api, request),
            Kind::Template(_) | Kind::Events => {
                Ok(request.keys.iter().map(|_| Found::None).collect())
            }
        }
    }
}

impl Destination for SendGrid {
    fn write(call: &Call, request: &WriteRequest) -> Result<Report, Fault> {
        let api = Api::of(call, "write")?;
        let report = match Kind::of(&api.settings, &request.stream)? {
            Kind::Contacts => upsert::write(&api, request)?,
            Kind::Suppression(suppression) => suppression.write(&api, request)?,
            Kind::Template(template) => message::write(&api, template, request)?,
            Kind::Events => return Err(Fault::not_supported("writing events")),
        };
        Ok(Report { hints: api.hints(), ..report })
    }

    fn poll_job(call: &Call, job: &str) -> Result<JobState, Fault> {
        job::ask(&Api::of(call, "poll-job")?, job)
    }
}

impl Audience for SendGrid {
    fn containers(call: &Call, cursor: Option<&[u8]>) -> Result<ContainerPage, Fault> {
        lists::page(&Api::of(call, "read")?, cursor)
    }

    fn ensure_container(call: &Call, wish: &ContainerWish) -> Result<Container, Fault> {
        lists::ensure(&Api::of(call, "write")?, wish)
    }

    fn delete_container(call: &Call, key: &str) -> Result<(), Fault> {
        lists::delete(&Api::of(call, "write")?, key)
    }

    fn write_members(call: &Call, request: &MemberRequest) -> Result<MemberReport, Fault> {
        let api = Api::of(call, "write")?;
        Ok(members::write(&api, request)?.with_hints(api.hints()))
    }
}

impl Inbound for SendGrid {
    fn parse(_: &Call, delivery: &Delivery) -> Result<Vec<Parsed>, Fault> {
        event::parse(delivery)
    }
}

liaison_sdk::export_connector!(SendGrid: source, lookup, destination, audience, inbound);
