//! Customer Match lists of Google Ads, filled from segments, and conversions sent,
//! through the Data Manager API v1.
//!
//! Everything here follows from how that API behaves:
//!
//! | what Google does | what follows |
//! |---|---|
//! | People are matched by digests of addresses and numbers, and by a name with postcode and country as one | [`member`] puts together what belongs together; an address that lacks a part is left out |
//! | One invalid record fails its whole request | values are judged and hashed before they are sent; the stream says `atomic`, so that the hub halves what is refused all the same |
//! | A request is taken in and worked on later, for hours | every member is `accepted` into the request, whose status is asked for ([`status`]) |
//! | A conversion belongs to one conversion action, and counts once by its transaction id | [`conversions`] sends one request for each action; without an id it is one that stays the same when the hub sends again |
//! | The status counts records and errors by reason, never by person | the result of a job is counts |
//! | A person's consents to the use of data and to personalised advertising go along | they are the hub's consents for two purposes; who refused is not sent |
//! | Terms must be accepted in every request | they are; the guide says what that means |
//! | A test is a request that is only validated | that is how a connection to a sandbox sends people |
//! | A name is used once in an account, whatever the kind of list | [`lists`] looks for the name before it makes one; one that another kind has is to be changed |
//! | 64-bit numbers are texts in JSON | they are read as such |
//! | A list is emptied as of an instant, never replaced by another | a session is `not-supported`: the hub sends who joins and who leaves |

pub mod settings;

pub mod refusal;

pub mod api;

pub mod lists;
pub mod member;
pub mod members;

pub mod conversion;
pub mod conversions;

pub mod status;

#[cfg(test)]
mod tests;

use liaison_sdk::{
    Audience, Call, Connector, Container, ContainerPage, ContainerWish, Destination, EntityKind,
    Fault, Idempotency, JobState, MemberReport, MemberRequest, Report, Stream, WriteRequest,
};

use crate::api::Api;

/// The stream of memberships.
pub const MEMBERS: &str = "members";
/// The stream of conversions.
pub const CONVERSIONS: &str = "conversions";
/// Most conversions of one write.
pub const CONVERSIONS_MAX: u32 = 2_000;
/// Most members of one write.
pub const MEMBERS_MAX: u32 = 10_000;
/// Most bytes of one write, in clear: their digests must fit into a request.
const BATCH_BYTES_MAX: u32 = 2 * 1024 * 1024;
/// What a person must have agreed to.
const PURPOSE: &str = "advertising";

/// The connector.
pub struct Google;

impl Connector for Google {
    fn discover(_: &Call) -> Result<Vec<Stream>, Fault> {
        let members = Stream::members(MEMBERS, MEMBERS_MAX)
            .title("Members of Customer Match lists")
            .idempotency(Idempotency::ExternalId)
            .batch_bytes_max(BATCH_BYTES_MAX)
            .atomic_batches()
            .purposes([PURPOSE])
            .with_fields(member::fields());
        let conversions = Stream::new(CONVERSIONS)
            .title("Conversions")
            .kind(EntityKind::Event)
            .writable(CONVERSIONS_MAX)
            .primary_key(["transaction_id"])
            .idempotency(Idempotency::Key)
            .batch_bytes_max(BATCH_BYTES_MAX)
            .atomic_batches()
            .dry_run()
            .purposes([PURPOSE])
            .with_fields(conversion::fields());
        Ok(vec![members, conversions])
    }

    /// Asks for one list: the least that tells whether log-in, account and permission
    /// are right.
    fn check(call: &Call) -> Result<(), Fault> {
        lists::check(&Api::of(call)?)
    }
}

impl Audience for Google {
    fn containers(call: &Call, cursor: Option<&[u8]>) -> Result<ContainerPage, Fault> {
        lists::page(&Api::of(call)?, cursor, None)
    }

    fn ensure_container(call: &Call, wish: &ContainerWish) -> Result<Container, Fault> {
        lists::ensure(&Api::of(call)?, wish)
    }

    fn delete_container(call: &Call, key: &str) -> Result<(), Fault> {
        lists::delete(&Api::of(call)?, key)
    }

    fn write_members(call: &Call, request: &MemberRequest) -> Result<MemberReport, Fault> {
        members::write(&Api::of(call)?, request)
    }
}

/// Jobs of members are asked for here too.
impl Destination for Google {
    fn write(call: &Call, request: &WriteRequest) -> Result<Report, Fault> {
        match request.stream.as_str() {
            CONVERSIONS => conversions::write(&Api::of(call)?, request),
            _ => Err(Fault::not_supported("writing records of this stream")),
        }
    }

    fn poll_job(call: &Call, job: &str) -> Result<JobState, Fault> {
        status::ask(&Api::of(call)?, job)
    }
}

liaison_sdk::export_connector!(Google: audience, destination);
