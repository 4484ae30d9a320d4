//! Changes of members: who leaves first, then who joins; or everybody anew within a
//! session.
//!
//! Meta answers with counts. While none is invalid, every row that it was given was
//! received, and that is each member's outcome. Once some are invalid nobody knows
//! which, and the answer is the counts, with the members that were not sent counted
//! among the invalid ones.

use liaison_sdk::{
    Fault, FaultCode, MemberChange, MemberCounts, MemberOutcome, MemberReport, MemberRequest,
    ReplaceSession, random,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::graph::{Effect, Graph};
use crate::member::{self, Row};
use crate::settings::is_number;
use crate::{MEMBERS_MAX, batch};

/// Sessions are numbered by 63 bits.
const SESSION_MASK: u64 = i64::MAX as u64;

/// What Meta answers.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Counted {
    num_received: u64,
    num_invalid_entries: u64,
}

/// Members of a request that go to Meta together, by their places in it.
struct Part<'a> {
    change: MemberChange,
    places: Vec<usize>,
    rows: Vec<&'a Row>,
}

/// Writes changes of members.
///
/// # Errors
/// `not-found` for a container that there is not, `rejected` for too many members;
/// otherwise the first request's.
pub fn write(graph: &Graph, request: &MemberRequest) -> Result<MemberReport, Fault> {
    if !is_number(&request.container) {
        return Err(Fault::new(FaultCode::NotFound).at("container"));
    }
    request.expect_at_most(MEMBERS_MAX)?;
    let rows: Vec<Result<Row, Fault>> = request.members.iter().map(member::row).collect();
    let mut outcomes: Vec<MemberOutcome> = rows
        .iter()
        .map(|row| match row {
            // Until it is sent: who leaves need not be named in a session.
            Ok(_) => MemberOutcome::Done,
            Err(fault) => MemberOutcome::Rejected(fault.clone()),
        })
        .collect();
    let part = |change| part(request, &rows, change);
    let parts = match request.session {
        Some(_) => vec![part(MemberChange::Add)],
        None => [MemberChange::Remove, MemberChange::Add].map(part).into_iter().collect(),
    };
    let sent = parts.iter().filter(|part| request.session.is_some() || !part.rows.is_empty());
    let mut counted: Vec<(&Part<'_>, Counted)> = Vec::new();
    let mut failed = false;
    for part in sent {
        match send(graph, request, part) {
            Ok(counts) => counted.push((part, counts)),
            Err(fault) if counted.is_empty() => return Err(fault),
            Err(fault) => {
                failed = true;
                set(&mut outcomes, part, &MemberOutcome::after(fault));
            }
        }
    }
    let unclear = counted.iter().filter(|(part, counts)| !all_received(part, counts));
    let unclear: Vec<&Part<'_>> = unclear.map(|(part, _)| *part).collect();
    let report = if unclear.is_empty() || failed {
        for part in unclear {
            set(&mut outcomes, part, &MemberOutcome::Unknown);
        }
        MemberReport::from(outcomes)
    } else {
        let refused = rows.iter().filter(|row| row.is_err()).count();
        totals(&counted, u64::try_from(refused).unwrap_or(u64::MAX)).into()
    };
    Ok(report.with_hints(graph.hints()))
}

fn part<'a>(
    request: &MemberRequest,
    rows: &'a [Result<Row, Fault>],
    change: MemberChange,
) -> Part<'a> {
    let own = request.members.iter().zip(rows).enumerate();
    let own = own.filter(|(_, (member, _))| member.change == change);
    let fit = own.filter_map(|(place, (_, row))| Some((place, row.as_ref().ok()?)));
    let (places, rows) = fit.unzip();
    Part { change, places, rows }
}

fn send(graph: &Graph, request: &MemberRequest, part: &Part<'_>) -> Result<Counted, Fault> {
    let (method, edge) = match (request.session, part.change) {
        (Some(_), _) => ("POST", "usersreplace"),
        (None, MemberChange::Add) => ("POST", "users"),
        (None, MemberChange::Remove) => ("DELETE", "users"),
    };
    let body = json!({
        "payload": batch::payload(&part.rows),
        "session": session(request.session, part.rows.len()),
    });
    let ask = graph.request(method, &format!("{}/{edge}", request.container)).json(&body);
    graph.call(Effect::Writes, ask)
}

/// A session of Meta's: the hub's, or one of a single request.
fn session(session: Option<ReplaceSession>, rows: usize) -> Value {
    let Some(session) = session else {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(random::bytes(8)).for_each(|(byte, random)| *byte = random);
        return json!({
            "session_id": u64::from_be_bytes(bytes) & SESSION_MASK,
            "batch_seq": 1,
            "last_batch_flag": true,
            "estimated_num_total": rows,
        });
    };
    let mut told = json!({
        "session_id": session.id & SESSION_MASK,
        "batch_seq": session.sequence,
        "last_batch_flag": session.last,
    });
    if let Some(total) = session.total {
        told["estimated_num_total"] = total.into();
    }
    told
}

/// Whether every row was received and taken for one.
fn all_received(part: &Part<'_>, counts: &Counted) -> bool {
    let rows = u64::try_from(part.rows.len()).unwrap_or(u64::MAX);
    counts.num_invalid_entries == 0 && counts.num_received >= rows
}

fn set(outcomes: &mut [MemberOutcome], part: &Part<'_>, outcome: &MemberOutcome) {
    for place in &part.places {
        if let Some(known) = outcomes.get_mut(*place) {
            known.clone_from(outcome);
        }
    }
}

fn totals(counted: &[(&Part<'_>, Counted)], refused: u64) -> MemberCounts {
    let sum = |count: fn(&Counted) -> u64| {
        counted.iter().fold(refused, |sum, (_, counts)| sum.saturating_add(count(counts)))
    };
    let received = sum(|counts| counts.num_received);
    let invalid = sum(|counts| counts.num_invalid_entries).min(received);
    MemberCounts { received, invalid, matched: None }
}
