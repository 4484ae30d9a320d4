//! Who is in a list: whoever joins becomes a contact if he is none, whoever leaves the
//! list stays one.

use std::collections::BTreeMap;

use liaison_sdk::write::settle;
use liaison_sdk::{
    Fault, FaultCode, Field, Idempotency, Member, MemberChange, MemberOutcome, MemberReport,
    MemberRequest, Stream,
};
use serde_json::{Value, json};

use crate::MEMBERS;
use crate::api::Api;
use crate::contact::{self, by_emails};
use crate::lists;
use crate::settings::is_address;
use crate::upsert::job;

/// Most members of one write.
pub const MEMBERS_MAX: u32 = 1_000;
/// Most members of one removal: their numbers go into the address.
const LEAVING_MAX: usize = 100;

/// The stream of memberships.
pub fn stream() -> Stream {
    Stream::members(MEMBERS, MEMBERS_MAX)
        .title("Members of lists")
        .idempotency(Idempotency::ExternalId)
        .atomic_batches()
        .field(Field::text("email").title("E-mail").pii("email"))
}

/// Writes changes of members.
///
/// # Errors
/// `not-found` for a list that there is not, `not-supported` for a session, `rejected`
/// for too many members; otherwise the first request's.
pub fn write(api: &Api, request: &MemberRequest) -> Result<MemberReport, Fault> {
    if request.session.is_some() {
        return Err(Fault::not_supported("replacing everybody in a list"));
    }
    request.expect_at_most(MEMBERS_MAX)?;
    lists::find(api, &request.container)?;
    let mut outcomes = vec![MemberOutcome::Unknown; request.members.len()];
    let mut people: BTreeMap<bool, Vec<(usize, String)>> = BTreeMap::new();
    for (place, (member, outcome)) in request.members.iter().zip(&mut outcomes).enumerate() {
        match address(member) {
            Ok(email) => {
                let joins = member.change == MemberChange::Add;
                people.entry(joins).or_default().push((place, email));
            }
            Err(fault) => *outcome = MemberOutcome::Rejected(fault),
        }
    }
    // Who leaves first, then who joins.
    let leaving = people.remove(&false).unwrap_or_default();
    let joining = people.remove(&true).unwrap_or_default();
    let mut begun = leave(api, &request.container, &leaving, &mut outcomes)?;
    if !joining.is_empty() {
        let own = joining.into_iter().map(|(place, email)| (place, json!({ "email": email })));
        let (places, contacts): (Vec<usize>, Vec<Value>) = own.unzip();
        let body = json!({"list_ids": [request.container], "contacts": contacts});
        let taken = job(api, api.ask("PUT", "/v3/marketing/contacts").json(&body));
        let taken = taken.map(MemberOutcome::Accepted);
        settle(&mut outcomes, places, taken, MemberOutcome::after, &mut begun)?;
    }
    Ok(outcomes.into())
}

fn leave(
    api: &Api,
    list: &str,
    leaving: &[(usize, String)],
    outcomes: &mut [MemberOutcome],
) -> Result<bool, Fault> {
    let emails: Vec<String> = leaving.iter().map(|(_, email)| email.clone()).collect();
    let known = by_emails(api, &emails)?;
    let mut found = Vec::new();
    for (place, email) in leaving {
        match known.get(email).and_then(contact::id) {
            Some(id) => found.push((*place, id)),
            // Who is no contact is in no list.
            None => {
                if let Some(slot) = outcomes.get_mut(*place) {
                    *slot = MemberOutcome::Done;
                }
            }
        }
    }
    let mut begun = false;
    for some in found.chunks(LEAVING_MAX) {
        let (places, ids): (Vec<usize>, Vec<&str>) = some.iter().copied().unzip();
        let ask = api.ask("DELETE", &format!("/v3/marketing/lists/{list}/contacts"));
        let taken = job(api, ask.query("contact_ids", ids.join(",")));
        let taken = taken.map(MemberOutcome::Accepted);
        settle(outcomes, places, taken, MemberOutcome::after, &mut begun)?;
    }
    Ok(begun)
}

fn address(member: &Member) -> Result<String, Fault> {
    let email = member.identity("email").unwrap_or_default().trim();
    if is_address(email) {
        return Ok(email.to_lowercase());
    }
    let reason = if email.is_empty() { "required" } else { "address" };
    Err(Fault::new(FaultCode::Rejected).at("email").with("reason", reason))
}
