//! Changes of members: who leaves first, then who joins. Google takes each request in
//! and works on it later.

use liaison_sdk::write::settle;
use liaison_sdk::{Fault, FaultCode, MemberChange, MemberOutcome, MemberReport, MemberRequest};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::MEMBERS_MAX;
use crate::api::{Api, Effect};
use crate::member;
use crate::settings::is_number;

/// The answer to what was taken in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    #[serde(default)]
    request_id: String,
}

impl Taken {
    /// The number of the request; none for one that was only validated.
    ///
    /// # Errors
    /// `timeout` without a number: nobody can ask what became of it.
    pub fn job(self, validate_only: bool) -> Result<Option<String>, Fault> {
        if validate_only {
            return Ok(None);
        }
        if self.request_id.is_empty() {
            return Err(Fault::new(FaultCode::Timeout)
                .at("requestId")
                .with("expected", "a number"));
        }
        Ok(Some(self.request_id))
    }
}

/// Where something goes: a list or a conversion action of the account.
pub fn destination(api: &Api, number: &str) -> Value {
    let account = |number: &str| json!({"accountType": "GOOGLE_ADS", "accountId": number});
    let mut destination = json!({
        "operatingAccount": account(&api.settings.account),
        "productDestinationId": number,
    });
    if let Some(login) = &api.settings.login_account {
        destination["loginAccount"] = account(login);
    }
    destination
}

/// Writes changes of members.
///
/// # Errors
/// `not-found` for a container that there is not, `not-supported` for a session,
/// `rejected` for too many members; otherwise the first request's.
pub fn write(api: &Api, request: &MemberRequest) -> Result<MemberReport, Fault> {
    if request.session.is_some() {
        return Err(Fault::not_supported("replacing everybody in a list"));
    }
    if !is_number(&request.container) {
        return Err(Fault::new(FaultCode::NotFound).at("container"));
    }
    request.expect_at_most(MEMBERS_MAX)?;
    let mut outcomes = vec![MemberOutcome::Unknown; request.members.len()];
    let mut sent = false;
    for change in [MemberChange::Remove, MemberChange::Add] {
        let (mut places, mut people) = (Vec::new(), Vec::new());
        let own = request.members.iter().zip(&mut outcomes).enumerate();
        for (place, (member, outcome)) in own.filter(|(_, (it, _))| it.change == change) {
            let person = match change {
                MemberChange::Add => member::joining(&api.settings, member),
                MemberChange::Remove => member::leaving(member),
            };
            match person {
                Ok(person) => {
                    places.push(place);
                    people.push(person);
                }
                Err(fault) => *outcome = MemberOutcome::Rejected(fault),
            }
        }
        if people.is_empty() {
            continue;
        }
        let taken = send(api, &request.container, change, people);
        settle(&mut outcomes, places, taken, MemberOutcome::after, &mut sent)?;
    }
    Ok(outcomes.into())
}

fn send(
    api: &Api,
    list: &str,
    change: MemberChange,
    people: Vec<Value>,
) -> Result<MemberOutcome, Fault> {
    let mut body = json!({
        "destinations": [destination(api, list)],
        "audienceMembers": people,
        "encoding": "HEX",
        "validateOnly": api.validate_only,
    });
    let path = match change {
        MemberChange::Add => {
            body["termsOfService"] = json!({"customerMatchTermsOfServiceStatus": "ACCEPTED"});
            "audienceMembers:ingest"
        }
        MemberChange::Remove => "audienceMembers:remove",
    };
    let taken: Taken = api.call(Effect::Writes, api.request("POST", path).json(&body))?;
    Ok(taken.job(api.validate_only)?.map_or(MemberOutcome::Done, MemberOutcome::Accepted))
}
