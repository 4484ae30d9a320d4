//! Setting statuses. Setting one twice does no harm, so a batch that is refused
//! in part is tried again one by one.

use liaison_sdk::{
    Action, Fault, FaultCode, LookupKey, Outcome, Report, Stored, WriteItem, WriteRequest,
};
use serde_json::{Map, Value, json};

use super::{Answer, CHANNEL, LEGAL_BASES, STATUSES, Status, Subscription, UNSET, contacts, data};
use crate::api::{Api, Effect, Trouble, VERSION};
use crate::record::Record;
use crate::refusal::Refusal;

impl Subscription {
    /// Sets statuses.
    ///
    /// # Errors
    /// A fault as long as nothing is written.
    pub fn write(self, api: &Api, request: &WriteRequest) -> Result<Report, Fault> {
        if request.dry_run {
            return Err(Fault::not_supported("dry-run"));
        }
        let contacts = contacts(api, &request.items.iter().map(asked).collect::<Vec<_>>())?;
        let mut outcomes = Vec::with_capacity(request.items.len());
        let mut jobs = Vec::new();
        for (index, (item, contact)) in request.items.iter().zip(&contacts).enumerate() {
            match self.decide(item, contact.as_ref()) {
                Ok(input) => {
                    jobs.push((index, input));
                    outcomes.push(Outcome::Unknown);
                }
                Err(outcome) => outcomes.push(outcome),
            }
        }
        let mut sending = Sending { subscription: self, api, contacts, outcomes, begun: false };
        sending.send(&jobs)?;
        Ok(Report { hints: api.hints(), ..Report::from(sending.outcomes) })
    }

    /// What an item asks of HubSpot, or its outcome.
    fn decide(self, item: &WriteItem, contact: Option<&Record>) -> Result<Value, Outcome> {
        let rejected = |place: &str, reason: &str| {
            let fault = Fault::new(FaultCode::Rejected).at(place).with("reason", reason);
            Outcome::Rejected(fault)
        };
        let email = contact.and_then(|contact| contact.text("email"));
        let email = match (item.action, contact, email) {
            (Action::Archive | Action::Delete, None, _) => return Err(Outcome::Deleted),
            // It goes with its contact, and with nothing else.
            (Action::Archive | Action::Delete, Some(_), _) => {
                return Err(rejected("", "goes-with-its-contact"));
            }
            (Action::Create, Some(contact), Some(_)) => {
                return Err(Outcome::DuplicateOf(contact.id.clone()));
            }
            (Action::Create, _, _) => return Err(rejected("email", "no-contact")),
            (Action::Update, Some(_), Some(email)) => email,
            (Action::Update, _, _) => return Err(Outcome::Conflict),
        };
        let mut input = json!({
            "subscriberIdString": email, "channel": CHANNEL, "subscriptionId": self.0,
        });
        for (name, value) in &item.patch {
            let (member, text) = match (name.as_str(), value) {
                ("status", Value::Null) => ("statusState", UNSET),
                ("status", Value::String(text)) if STATUSES.contains(&text.as_str()) => {
                    ("statusState", text.as_str())
                }
                ("legal_basis", Value::String(text)) if LEGAL_BASES.contains(&text.as_str()) => {
                    ("legalBasis", text.as_str())
                }
                ("status" | "legal_basis", Value::String(_)) => {
                    return Err(rejected(name, "invalid-value"));
                }
                ("legal_basis_explanation", Value::String(text)) => {
                    ("legalBasisExplanation", text.as_str())
                }
                ("legal_basis" | "legal_basis_explanation", Value::Null) => continue,
                ("email" | "source" | "changed_at", _) => return Err(rejected(name, "read-only")),
                ("status" | "legal_basis" | "legal_basis_explanation", _) => {
                    return Err(rejected(name, "type"));
                }
                _ => return Err(rejected(name, "unknown-field")),
            };
            input[member] = json!(text);
        }
        match (item.patch.is_empty(), input.get("statusState")) {
            (true, _) => Err(Outcome::Unchanged),
            (false, None) => Err(rejected("legal_basis", "needs-a-status")),
            (false, Some(_)) => Ok(input),
        }
    }
}

/// A request that is being written, in one batch or in several.
struct Sending<'a> {
    subscription: Subscription,
    api: &'a Api,
    contacts: Vec<Option<Record>>,
    outcomes: Vec<Outcome>,
    /// Something was answered: from then on a fault is an outcome.
    begun: bool,
}

impl Sending<'_> {
    fn send(&mut self, jobs: &[(usize, Value)]) -> Result<(), Fault> {
        if jobs.is_empty() {
            return Ok(());
        }
        let inputs: Vec<&Value> = jobs.iter().map(|(_, input)| input).collect();
        let path = format!("/communication-preferences/{VERSION}/statuses/batch/write");
        let request = self.api.post(&path, &json!({"inputs": inputs}));
        let answer: Answer<Status> = match self.api.call(Effect::Writes, request) {
            Ok(answer) => answer,
            Err(Trouble::Refused(refusal)) => match jobs {
                [(index, input)] => {
                    self.set(*index, refused(&refusal, input));
                    return Ok(());
                }
                jobs => return self.one_by_one(jobs),
            },
            // They are unknown as they are.
            Err(Trouble::Unknown(_)) => return Ok(()),
            Err(Trouble::Fault(fault)) if !self.begun => return Err(fault),
            Err(Trouble::Fault(fault)) => {
                for (index, _) in jobs {
                    self.set(*index, Outcome::Retry(None, fault.clone()));
                }
                return Ok(());
            }
        };
        self.begun = true;
        let mut missing = Vec::new();
        for (index, input) in jobs {
            match self.updated(*index, &answer) {
                Some(outcome) => self.set(*index, outcome),
                None => missing.push((*index, input.clone())),
            }
        }
        match (missing.as_slice(), answer.errors.first()) {
            ([], _) => Ok(()),
            // Told of by itself: nothing more will be said about it.
            ([(index, input)], Some(refusal)) if jobs.len() == 1 => {
                self.set(*index, refused(refusal, input));
                Ok(())
            }
            ([_], None) if jobs.len() == 1 => Ok(()),
            (missing, _) => self.one_by_one(missing),
        }
    }

    fn one_by_one(&mut self, jobs: &[(usize, Value)]) -> Result<(), Fault> {
        jobs.chunks(1).try_for_each(|job| self.send(job))
    }

    /// The outcome of an item whose status is in an answer.
    fn updated(&self, index: usize, answer: &Answer<Status>) -> Option<Outcome> {
        let contact = self.contacts.get(index)?.as_ref()?;
        let email = contact.text("email").unwrap_or_default();
        let fits = |status: &&Status| {
            self.subscription.is(status) && status.subscriber_id_string.eq_ignore_ascii_case(email)
        };
        let status = answer.results.iter().find(fits)?;
        Some(Outcome::Updated(Stored::key(&contact.id).row(data(email, Some(status)))))
    }

    fn set(&mut self, index: usize, outcome: Outcome) {
        if let Some(slot) = self.outcomes.get_mut(index) {
            *slot = outcome;
        }
    }
}

fn refused(refusal: &Refusal, input: &Value) -> Outcome {
    let texts = ["subscriberIdString", "legalBasisExplanation"];
    let texts: Vec<&str> = texts.iter().filter_map(|name| input.get(name)?.as_str()).collect();
    Outcome::Rejected(refusal.rejected(&texts))
}

/// How the contact of an item is found.
fn asked(item: &WriteItem) -> LookupKey {
    let fields = |fields: &Map<String, Value>| {
        let email = fields.get("email").cloned().unwrap_or_default();
        LookupKey::Fields([("email".to_owned(), email)].into_iter().collect())
    };
    match (&item.key, item.action) {
        (Some(key), _) => LookupKey::Key(key.clone()),
        (None, Action::Create) if !item.patch.contains_key("email") => fields(&item.matching),
        (None, Action::Create) => fields(&item.patch),
        (None, _) => fields(&item.matching),
    }
}
