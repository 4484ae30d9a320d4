//! Custom audiences of Meta (Facebook, Instagram), filled from segments, by the
//! Marketing API v26.0.
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

#[cfg(test)]
mod tests;

use liaison_sdk::{
    Audience, Call, Connector, Container, ContainerPage, ContainerWish, Fault, Idempotency,
    MemberReport, MemberRequest, Stream,
};

use crate::graph::Graph;

/// The stream of memberships.
pub const MEMBERS: &str = "members";
/// Most members of one write.
pub const MEMBERS_MAX: u32 = 10_000;
/// Most bytes of one write, in clear: their digests must fit into a request.
const BATCH_BYTES_MAX: u32 = 2 * 1024 * 1024;
/// What a person must have agreed to.
const PURPOSE: &str = "advertising";

/// The connector.
pub struct Meta;

impl Connector for Meta {
    fn discover(_: &Call) -> Result<Vec<Stream>, Fault> {
        let members = Stream::members(MEMBERS, MEMBERS_MAX)
            .title("Members of custom audiences")
            .idempotency(Idempotency::ExternalId)
            .batch_bytes_max(BATCH_BYTES_MAX)
            .purposes([PURPOSE])
            .with_fields(member::fields());
        Ok(vec![members])
    }

    /// Asks for one audience: the least that tells whether the account and the
    /// permission are right.
    fn check(call: &Call) -> Result<(), Fault> {
        audiences::check(&Graph::of(call)?)
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

liaison_sdk::export_connector!(Meta: audience);
