//! Contacts, companies, deals, their associations and subscriptions of
//! HubSpot, two-way, by the dated API 2026-03.
//!
//! Everything here follows from how HubSpot behaves:
//!
//! | what HubSpot does | what follows |
//! |---|---|
//! | Every account has properties of its own, and they change | [`property`] asks for them with every call; a read of one that is gone would answer without a word, so it is refused here |
//! | Every value is text | types come from the definitions; numbers stay decimal text |
//! | The list is up to date, the search lags and ends at 10,000 hits | [`read`] takes snapshots from the one and changes from the other, without ever turning a page |
//! | A batch with an error in it answers 207, results in any order | [`batch`] knows items again by the trace id that it sends along |
//! | An invalid value has the whole batch refused | values are checked before they are sent, and [`write`](mod@write) halves what is refused all the same |
//! | A merge makes a new record of two and lists both in it | a row `merged-into` for each; a lookup of the old id answers so |
//! | Archived is what people call deleted | it is read as deleted; `archive` and `delete` both write it |
//! | Associations and statuses tell no changes | [`links`] and [`subscriptions`] are snapshots |
//! | Records are not locked | no conditional writes: the hub looks before it writes |
//! | The address is refused a second time, a company's domain is not | a refused create answers with whoever has the value |
//! | The sentence of a refusal quotes the value | it is blotted out ([`refusal`]) |
//! | A token may lack the scope of one kind of record | its stream is listed all the same, and says so when it is read |

pub mod refusal;
pub mod settings;
pub mod time;

pub mod api;

pub mod object;
pub mod property;
pub mod record;

pub mod find;
pub mod read;

pub mod batch;
pub mod write;

pub mod links;
pub mod subscriptions;

#[cfg(test)]
mod tests;

use liaison_sdk::{
    Call, Connector, Destination, Fault, FaultCode, Found, Idempotency, Lookup, LookupRequest,
    Page, ReadRequest, Report, Source, Stream, WriteRequest, log,
};

use crate::api::{Api, Trouble};
use crate::links::{LINKS, Link};
use crate::object::{OBJECTS, Object};
use crate::property::Properties;
use crate::subscriptions::Subscription;

/// Most records of one write.
const BATCH_ITEMS_MAX: u32 = 100;

/// The connector.
pub struct HubSpot;

impl Connector for HubSpot {
    /// Asks for the properties of each kind of record. A token that may see
    /// none of them is of no use; one that may see some is.
    fn check(call: &Call) -> Result<(), Fault> {
        let api = Api::of(call)?;
        let mut refused = None;
        for object in &OBJECTS {
            match Properties::of(&api, object).map_err(Fault::from) {
                Ok(_) => return Ok(()),
                Err(fault) if fault.code == FaultCode::Permission => {
                    refused.get_or_insert(fault);
                }
                Err(fault) => return Err(fault),
            }
        }
        refused.map_or(Ok(()), Err)
    }

    fn discover(call: &Call) -> Result<Vec<Stream>, Fault> {
        let api = Api::of(call)?;
        let mut streams = Vec::new();
        for object in &OBJECTS {
            let properties = permitted(object.stream, Properties::of(&api, object))?;
            streams.push(stream(&api, object, properties.as_ref())?);
        }
        streams.extend(LINKS.iter().map(Link::stream));
        let subscriptions = permitted("subscriptions", subscriptions::streams(&api))?;
        streams.extend(subscriptions.into_iter().flatten());
        Ok(streams)
    }
}

impl Source for HubSpot {
    fn read(call: &Call, request: &ReadRequest) -> Result<Page, Fault> {
        let api = Api::of(call)?;
        match Kind::of(&request.stream)? {
            Kind::Object(object) => read::read(&api, object, request),
            Kind::Link(link) => link.read(&api, request),
            Kind::Subscription(subscription) => subscription.read(&api, request),
        }
    }
}

impl Lookup for HubSpot {
    fn lookup(call: &Call, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        let api = Api::of(call)?;
        match Kind::of(&request.stream)? {
            Kind::Object(object) => find::lookup(&api, object, request),
            Kind::Link(link) => link.lookup(&api, request),
            Kind::Subscription(subscription) => subscription.lookup(&api, request),
        }
    }
}

impl Destination for HubSpot {
    fn write(call: &Call, request: &WriteRequest) -> Result<Report, Fault> {
        let api = Api::of(call)?;
        match Kind::of(&request.stream)? {
            Kind::Object(object) => write::write(&api, object, request),
            Kind::Link(link) => link.write(&api, request),
            Kind::Subscription(subscription) => subscription.write(&api, request),
        }
    }
}

/// What a stream is made of.
enum Kind {
    Object(&'static Object),
    Link(&'static Link),
    Subscription(Subscription),
}

impl Kind {
    fn of(stream: &str) -> Result<Self, Fault> {
        let object = Object::of(stream).map(Self::Object);
        let kind = object.or_else(|| Link::of(stream).map(Self::Link));
        let kind = kind.or_else(|| Subscription::of(stream).map(Self::Subscription));
        kind.ok_or_else(|| Fault::config("stream", "a stream that discovery lists"))
    }
}

/// What a request answered, or nothing where the token may not ask.
fn permitted<T>(what: &str, asked: Result<T, Trouble>) -> Result<Option<T>, Fault> {
    match asked.map_err(Fault::from) {
        Ok(answer) => Ok(Some(answer)),
        Err(fault) if fault.code == FaultCode::Permission => {
            log::warn(format!("{what}: the token lacks a scope: {}", fault.place));
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
}

/// A stream of records as discovery describes it. Without its properties it is
/// open: what keeps them from us is told by reading it.
fn stream(api: &Api, object: &Object, properties: Option<&Properties>) -> Result<Stream, Fault> {
    let stream = Stream::new(object.stream)
        .title(object.title)
        .kind(object.kind)
        .readable()
        .writable(BATCH_ITEMS_MAX)
        .complete_snapshots();
    let Some(properties) = properties else { return Ok(stream.open()) };
    let stream = match api.settings.upsert_by.get(object.stream) {
        None => stream,
        Some(name) => {
            let property = properties.get(name);
            if !property.is_some_and(|property| property.is_unique(object)) {
                let setting = format!("settings.upsert_by.{}", object.stream);
                return Err(Fault::config(setting, "a property with unique values"));
            }
            stream.idempotency(Idempotency::ExternalId)
        }
    };
    let stream = if properties.is_cut() { stream.open() } else { stream };
    let listed = properties.listed();
    Ok(stream.with_fields(listed.into_iter().map(|property| property.field(object))))
}

liaison_sdk::export_connector!(HubSpot: source, lookup, destination);
