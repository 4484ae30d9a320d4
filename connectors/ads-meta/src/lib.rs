//! Custom audiences of Meta (Facebook, Instagram), filled from segments; conversions
//! sent; leads read. By the Marketing API v26.0 and the Conversions API.
//!
//! Everything here follows from how Meta behaves:
//!
//! | what Meta does | what follows |
//! |---|---|
//! | People are matched by digests, each kind normalised by rules of its own | [`member`] makes a row of a person with the SDK's profile; nothing leaves in clear that Meta wants hashed |
//! | A request has one schema, and a blank where a person lacks a value | [`batch`] takes the columns that somebody of the batch has |
//! | It says how many rows were received and how many invalid, never which | [`members`] answers with counts once there are invalid ones |
//! | Adding again and removing again change nothing | what nobody knows is simply sent again |
//! | A replacement comes in several requests of one session and counts what came so far | the hub's session is Meta's; the counts are passed on as they are |
//! | Audiences have no unique names | [`audiences`] looks for the name before it makes one, and takes the oldest |
//! | Any number that the token may see is an object: an ad, a page | an audience is looked at before it is deleted |
//! | One event that cannot be taken has all of its request refused | [`conversion`] refuses it alone, before the request; the stream says `atomic` for the rest |
//! | Events of one name and number count once | the number is the row's, or one that stays the same when the hub sends again |
//! | Leads are told by a webhook that holds none of their data, and kept for 90 days | [`hook`] names them, and [`leads`] reads them: those, the new ones, and now and then all |
//! | A webhook is set up by a challenge | its token is compared by the host, and the answer is [`hook::handshake`] |
//! | An error is a member of the body, under whatever status | [`refusal`] reads its code; the status counts only where there is no body of Meta's |
//! | Limits are percentages of an hour, in headers | [`usage`] tells the hub when nothing is left, and for how long |
//! | An audience may be blocked for its name or its people | the fault is `blocked`: a person must appeal |

pub mod settings;

pub mod refusal;
pub mod usage;

pub mod graph;

pub mod audiences;
pub mod batch;
pub mod member;
pub mod members;

pub mod conversion;
pub mod conversions;

pub mod hook;
pub mod lead;
pub mod leads;

#[cfg(test)]
mod tests;

use liaison_sdk::{
    Audience, Call, Connector, Container, ContainerPage, ContainerWish, Delivery, Destination,
    EntityKind, Fault, Found, Idempotency, Inbound, Lookup, LookupRequest, MemberReport,
    MemberRequest, Page, Parsed, ReadRequest, Reply, Report, Source, Stream, WriteRequest,
};

use crate::graph::Graph;

/// The stream of memberships.
pub const MEMBERS: &str = "members";
/// The stream of conversions.
pub const CONVERSIONS: &str = "conversions";
/// Most conversions of one write.
pub const CONVERSIONS_MAX: u32 = 1_000;
/// The stream of leads.
pub const LEADS: &str = "leads";
/// Most members of one write.
pub const MEMBERS_MAX: u32 = 10_000;
/// Most bytes of one write, in clear: their digests must fit into a request.
const BATCH_BYTES_MAX: u32 = 2 * 1024 * 1024;
/// What a person must have agreed to.
const PURPOSE: &str = "advertising";

/// The connector.
pub struct Meta;

impl Connector for Meta {
    /// Conversions and leads are there once the settings say of what.
    fn discover(call: &Call) -> Result<Vec<Stream>, Fault> {
        let settings = Graph::of(call)?.settings;
        let members = Stream::members(MEMBERS, MEMBERS_MAX)
            .title("Members of custom audiences")
            .idempotency(Idempotency::ExternalId)
            .batch_bytes_max(BATCH_BYTES_MAX)
            .purposes([PURPOSE])
            .with_fields(member::fields());
        let conversions = settings.dataset.map(|_| {
            Stream::new(CONVERSIONS)
                .title("Conversions")
                .kind(EntityKind::Event)
                .writable(CONVERSIONS_MAX)
                .primary_key(["event_id"])
                .idempotency(Idempotency::Key)
                .atomic_batches()
                .purposes([PURPOSE])
                .with_fields(conversion::fields())
        });
        let leads = Some(settings.forms).filter(|forms| !forms.is_empty()).map(|_| {
            let leads = Stream::new(LEADS).title("Leads of forms").readable().open();
            leads.primary_key(["id"]).with_fields(lead::fields())
        });
        Ok([Some(members), conversions, leads].into_iter().flatten().collect())
    }

    /// Asks for one audience: the least that tells whether the account and the
    /// permission are right. And for whatever else the settings name.
    fn check(call: &Call) -> Result<(), Fault> {
        let graph = Graph::of(call)?;
        audiences::check(&graph)?;
        let dataset = graph.settings.dataset.iter().map(|number| ("settings.dataset", number));
        let forms = graph.settings.forms.iter().map(|number| ("settings.forms", number));
        dataset.chain(forms).try_for_each(|(setting, number)| graph.exists(number, setting))
    }
}

impl Source for Meta {
    fn read(call: &Call, request: &ReadRequest) -> Result<Page, Fault> {
        match request.stream.as_str() {
            LEADS => leads::read(&Graph::of(call)?, request),
            _ => Err(Fault::not_supported("reading this stream")),
        }
    }
}

impl Lookup for Meta {
    fn lookup(call: &Call, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        match request.stream.as_str() {
            LEADS => leads::lookup(&Graph::of(call)?, request),
            _ => Err(Fault::not_supported("finding rows of this stream")),
        }
    }
}

impl Destination for Meta {
    fn write(call: &Call, request: &WriteRequest) -> Result<Report, Fault> {
        match request.stream.as_str() {
            CONVERSIONS => conversions::write(&Graph::of(call)?, call, request),
            _ => Err(Fault::not_supported("writing records of this stream")),
        }
    }
}

impl Inbound for Meta {
    fn parse(call: &Call, delivery: &Delivery) -> Result<Vec<Parsed>, Fault> {
        hook::parse(&Graph::of(call)?, delivery)
    }

    fn handshake(_: &Call, delivery: &Delivery) -> Result<Option<Reply>, Fault> {
        Ok(hook::handshake(delivery))
    }
}

impl Audience for Meta {
    fn containers(call: &Call, cursor: Option<&[u8]>) -> Result<ContainerPage, Fault> {
        audiences::page(&Graph::of(call)?, cursor)
    }

    fn ensure_container(call: &Call, wish: &ContainerWish) -> Result<Container, Fault> {
        audiences::ensure(&Graph::of(call)?, wish)
    }

    fn delete_container(call: &Call, key: &str) -> Result<(), Fault> {
        audiences::delete(&Graph::of(call)?, key)
    }

    fn write_members(call: &Call, request: &MemberRequest) -> Result<MemberReport, Fault> {
        members::write(&Graph::of(call)?, request)
    }
}

liaison_sdk::export_connector!(Meta: source, lookup, destination, audience, inbound);
