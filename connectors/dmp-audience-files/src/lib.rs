//! Segments as files for data management platforms and onboarding partners, and the
//! segments, look-alike audiences and match ids that they give back.
//!
//! Nothing but files goes to and fro, and everything follows from that:
//!
//! | what a folder is | what follows |
//! |---|---|
//! | Nobody answers | a member is `done` when his file is there; what the partner makes of it is seen at the partner |
//! | Nothing can be asked for or made | segments are named in the settings ([`segments`]) |
//! | A file that is there twice is worked on twice | changes of members say what somebody *is*, so that saying it again changes nothing, and a repetition finds its files ([`outbox`]) |
//! | A partner takes files while others are written | a file is there whole or not at all; names grow ([`partner`]) |
//! | Partners agree on nothing | names, lines, digests and what "everybody" means are the partner's ([`partner`], [`identifier`], [`members`]) |
//! | What comes in is somebody else's, for a time | the values of a file whose time is over are brought once more, empty ([`ending`]) |
//! | A file may be broken in one row | that row is invalid, and the file goes on ([`table`]) |

pub mod identifier;
pub mod settings;

pub mod parcel;
pub mod partner;

pub mod outbox;

pub mod members;
pub mod segments;

pub mod table;
pub mod text;

pub mod ending;
pub mod progress;
pub mod read;

#[cfg(test)]
mod tests;

use liaison_sdk::{
    Audience, Call, Connector, Container, ContainerPage, ContainerWish, Fault, Field, Idempotency,
    MemberReport, MemberRequest, Page, ReadRequest, Source, Stream, files,
};

use crate::settings::{Inbound, Outbound, Settings};

/// The stream of memberships.
pub const MEMBERS: &str = "members";
/// Most members of one write.
pub const MEMBERS_MAX: u32 = 10_000;
/// Most bytes of one write, in clear.
const BATCH_BYTES_MAX: u32 = 2 * 1024 * 1024;
/// What a person must have agreed to.
const PURPOSE: &str = "advertising";

/// The connector.
pub struct AudienceFiles;

impl Connector for AudienceFiles {
    fn discover(call: &Call) -> Result<Vec<Stream>, Fault> {
        let settings = Settings::of(call)?;
        let mut streams: Vec<Stream> = settings.outbound.iter().map(members).collect();
        for (name, stream) in &settings.streams {
            streams.push(describe(name, stream)?);
        }
        Ok(streams)
    }

    fn check(call: &Call) -> Result<(), Fault> {
        let settings = Settings::of(call)?;
        let out = settings.outbound.iter().map(|out| &out.folder);
        for folder in out.chain(settings.streams.values().map(|stream| &stream.folder)) {
            files::list(folder)?;
        }
        Ok(())
    }
}

fn members(out: &Outbound) -> Stream {
    Stream::members(MEMBERS, MEMBERS_MAX)
        .title("Members of segments at the partner")
        .idempotency(Idempotency::ExternalId)
        .batch_bytes_max(BATCH_BYTES_MAX)
        .purposes([PURPOSE])
        .with_fields(out.fields())
}

/// The columns are those of the newest file.
fn describe(name: &str, stream: &Inbound) -> Result<Stream, Fault> {
    let columns = match read::newest(stream)? {
        Some(stat) => table::Table::open(stream, &stat)?.columns().to_vec(),
        None => vec![stream.key.clone()],
    };
    let fields = columns.into_iter().map(|column| Field::text(column).read_only());
    Ok(Stream::new(name)
        .title(&stream.files)
        .kind(stream.kind())
        .readable()
        .primary_key([&stream.key])
        .open()
        .with_fields(fields))
}

impl Source for AudienceFiles {
    fn read(call: &Call, request: &ReadRequest) -> Result<Page, Fault> {
        let settings = Settings::of(call)?;
        read::read(settings.stream(&request.stream)?, request)
    }
}

impl Audience for AudienceFiles {
    fn containers(call: &Call, _: Option<&[u8]>) -> Result<ContainerPage, Fault> {
        Ok(segments::page(Settings::of(call)?.out()?))
    }

    fn ensure_container(call: &Call, wish: &ContainerWish) -> Result<Container, Fault> {
        segments::ensure(Settings::of(call)?.out()?, wish)
    }

    fn delete_container(call: &Call, key: &str) -> Result<(), Fault> {
        segments::delete(Settings::of(call)?.out()?, key)
    }

    fn write_members(call: &Call, request: &MemberRequest) -> Result<MemberReport, Fault> {
        members::write(Settings::of(call)?.out()?, request)
    }
}

liaison_sdk::export_connector!(AudienceFiles: source, audience);
