//! Parties of a Tryton ERP (8.x), two-way.
//!
//! A row of the stream `parties` is a party with its first contact mechanism
//! of each type and its first two addresses, flattened ([`fields`]). Everything
//! here follows from how Tryton behaves:
//!
//! | what Tryton does | what follows |
//! |---|---|
//! | Errors come with HTTP 200 and an `error` member | [`rpc`] classifies; a status says nothing of the content |
//! | Login is `common.db.login`, then a header `Session base64(user:id:token)`; an expired session is a 401 with an empty body | the recipe in `connector.json`, run by the host, which logs in again |
//! | Deletions leave no trace, and a change of a child does not touch the party's date | [`read`] always takes a snapshot of everything |
//! | `active = false` is the soft delete | `archive` on reading, and on writing |
//! | The wizard "Replace" fills `replaced_by` | `merged-into` |
//! | One call is one transaction for all its parties, and does not tell which one it refuses | the stream is atomic; [`write`](mod@write) answers `rejected` and the hub bisects |
//! | `_timestamp` in the context is an optimistic lock on the rows that the call touches, no others | a version covers the party and its children, is compared just before the write, and the lock closes the gap ([`plan`]) |
//! | A missing right, a business rule and a missing row are all `UserError` with a translated sentence | [`rights`] asks the access table, [`write`](mod@write) looks before it writes; no sentence is read |
//! | The error text quotes the refused content | it is blotted out ([`rpc::Refusal`]) |
//! | `code` can be set on creation only | the field is create-only |
//! | A number as a name, a phone of one digit, "not-an-email": all accepted | values are checked for their type here, for sense in the hub's rules |
//! | Text fields are stripped, phone numbers reformatted where the server has `phonenumbers` | every write is read back |
//! | Orders and invoices point to addresses and mechanisms | a cleared one is deactivated, not deleted |
//! | A rank of none sorts first | new addresses get the next rank, so that they come last |
//! | An answer above 1,400 bytes is labelled `Content-Encoding: gzip` even when the request did not accept that, and is plain text then | the host must always accept gzip, as it does |
//! | A transaction may take long: 50 parties with children take 0.7 s on an idle machine | [`write::BATCH_ITEMS_MAX`] |
//! | SQLite checks no references: a party may name a language that does not exist, and then every read of it fails | such a read is a fault; PostgreSQL never gets there |
//! | SQLite answers `active: 1`, PostgreSQL `true` | both are true |
//! | Countries are an empty table until imported | an unknown country is a rejected item naming the field |

pub mod fields;
pub mod party;
pub mod stamp;

pub mod rights;
pub mod rpc;

pub mod fetch;
pub mod find;
pub mod read;

pub mod plan;
pub mod write;

#[cfg(test)]
mod recording;
#[cfg(test)]
mod tests;

use liaison_sdk::{
    Call, Connector, Destination, Fault, Field, Found, Idempotency, Lookup, LookupRequest, Page,
    ReadRequest, Report, Source, Stream, WriteRequest,
};
use serde_json::json;

use crate::rpc::Server;

/// The one stream.
pub const STREAM: &str = "parties";

/// The connector.
pub struct Tryton;

impl Connector for Tryton {
    /// Logs in, reads one party and looks at the user's rights. Read access is
    /// enough: a connection may be used in one direction only.
    fn check(call: &Call) -> Result<(), Fault> {
        let server = Server::of(call)?;
        if let Some(right) = rights::missing(&server, &["read"])? {
            return Err(rights::permission(&right));
        }
        fetch::parties(&server, json!([]), Some(1))?;
        Ok(())
    }

    fn discover(call: &Call) -> Result<Vec<Stream>, Fault> {
        rights::fields_exist(&Server::of(call)?)?;
        Ok(vec![stream()])
    }
}

impl Source for Tryton {
    fn read(call: &Call, request: &ReadRequest) -> Result<Page, Fault> {
        known(&request.stream)?;
        read::read(&Server::of(call)?, request)
    }
}

impl Lookup for Tryton {
    fn lookup(call: &Call, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        known(&request.stream)?;
        find::lookup(&Server::of(call)?, request)
    }
}

impl Destination for Tryton {
    fn write(call: &Call, request: &WriteRequest) -> Result<Report, Fault> {
        known(&request.stream)?;
        write::write(&Server::of(call)?, request)
    }
}

fn known(stream: &str) -> Result<(), Fault> {
    if stream == STREAM { Ok(()) } else { Err(Fault::config("stream", STREAM)) }
}

/// The stream as discovery describes it.
fn stream() -> Stream {
    Stream::new(STREAM)
        .title("Parties")
        .readable()
        .writable(write::BATCH_ITEMS_MAX)
        .complete_snapshots()
        .conditional_writes()
        .idempotency(Idempotency::IfVersion)
        .atomic_batches()
        .archives()
        .with_fields(fields::FIELDS.iter().map(describe))
}

fn describe(field: &fields::Field) -> Field {
    let described = match field.home {
        fields::Home::Active => Field::new(field.name, json!({"type": "boolean"})),
        _ => Field::text(field.name),
    };
    let described = described.title(field.title).pii(field.pii);
    let described = if field.read_only() { described.read_only() } else { described };
    let described = if field.create_only() { described.create_only() } else { described };
    let described = if field.unique() { described.unique() } else { described };
    if field.matchable() { described.matchable() } else { described }
}

liaison_sdk::export_connector!(Tryton: source, lookup, destination);
