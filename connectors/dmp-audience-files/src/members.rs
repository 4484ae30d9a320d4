//! Changes of members: one file, or several where there are many, for each call.

use liaison_sdk::{
    Fault, FaultCode, MemberChange, MemberOutcome, MemberReport, MemberRequest, ReplaceSession,
};

use crate::outbox;
use crate::parcel::Parcel;
use crate::partner::{Extent, Series};
use crate::settings::{Outbound, Partner};
use crate::{MEMBERS_MAX, segments};

/// Numbers that a session can have in the name of a file.
const SESSIONS: u64 = 10_000_000_000;

/// Writes changes of members.
///
/// # Errors
/// `not-found` for a segment that there is not, `not-supported` for a session that
/// cannot be told as files, `rejected` for too many members; otherwise the folder's.
pub fn write(out: &Outbound, request: &MemberRequest) -> Result<MemberReport, Fault> {
    let segment = segments::find(out, &request.container)?;
    request.expect_at_most(MEMBERS_MAX)?;
    let extent = extent(out, request.session)?;
    let series = Series::of(out, segment);
    let (mut outcomes, mut blocks) = (Vec::new(), Vec::new());
    for member in &request.members {
        let values = match (extent, member.change) {
            (Extent::Full, MemberChange::Remove) => Err(Fault::not_supported("leaving a session")),
            _ => out.values(member),
        };
        // Until its file is there.
        outcomes.push(match values {
            Ok(values) => {
                blocks.push(series.lines(&values, member.change));
                MemberOutcome::Unknown
            }
            Err(fault) => MemberOutcome::Rejected(fault),
        });
    }
    if blocks.is_empty() && extent == Extent::Changes {
        return Ok(outcomes.into());
    }
    let parcel = Parcel::pack(&series.head(), blocks, out.split_bytes, out.gzip)?;
    let put = match (&out.partner, request.session) {
        (Partner::AudienceManager(_), Some(session)) => {
            let [file] = parcel.files.as_slice() else {
                return Err(Fault::new(FaultCode::Limit).at("settings.split_bytes"));
            };
            let second = i64::try_from(session.id % SESSIONS).map_err(Fault::bug)?;
            let name = series.name(second, extent, Some(session.sequence));
            outbox::put_as(&out.folder, &name, file)?;
            outbox::Put { files: 1, fault: None }
        }
        _ => outbox::put(&out.folder, &series, extent, &parcel.files)?,
    };
    let packed = outcomes.iter_mut().filter(|it| **it == MemberOutcome::Unknown);
    for (outcome, place) in packed.zip(parcel.places) {
        *outcome = match &put.fault {
            Some(fault) if place >= put.files => MemberOutcome::after(fault.clone()),
            _ => MemberOutcome::Done,
        };
    }
    Ok(outcomes.into())
}

/// What the files of a call are. A column of LiveRamp's is replaced by each file that
/// has it, so everybody must be in one; an `.overwrite` file of Audience Manager's
/// replaces the traits of those in it and leaves everybody else, which only somebody
/// who knows his data source can want.
fn extent(out: &Outbound, session: Option<ReplaceSession>) -> Result<Extent, Fault> {
    match (&out.partner, session) {
        (_, None) => Ok(Extent::Changes),
        (Partner::AudienceManager(form), Some(_)) if form.overwrite => Ok(Extent::Full),
        (Partner::AudienceManager(_), Some(_)) => {
            let fault = Fault::not_supported("replacing everybody in a trait");
            Err(fault.with("expected", "audience_manager.overwrite = true"))
        }
        (Partner::LiveRamp(_), Some(session)) if session.sequence == 1 && session.last => {
            Ok(Extent::Full)
        }
        (Partner::LiveRamp(_), Some(_)) => {
            Err(Fault::not_supported("replacing everybody by several files"))
        }
    }
}
