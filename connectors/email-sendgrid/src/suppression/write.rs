//! Putting addresses on a list and taking them off. Both can be done twice without harm.

use liaison_sdk::{
    Action, Effect, Fault, FaultCode, Outcome, Report, Stored, Verdict, WriteItem, WriteRequest,
};
use serde_json::{Value, json};

use super::{Suppression, data};
use crate::api::Api;
use crate::settings::is_address;

/// Most addresses of one write: each that leaves the list is a request.
pub const BATCH_ITEMS_MAX: u32 = 100;

/// What an item asks for.
enum Wish {
    On(String),
    Off(String),
}

impl Suppression {
    /// Writes who is on the list.
    ///
    /// # Errors
    /// A fault as long as nothing is written; `timeout` when nobody knows.
    pub fn write(self, api: &Api, request: &WriteRequest) -> Result<Report, Fault> {
        if request.dry_run {
            return Err(Fault::not_supported("dry-run"));
        }
        let wishes: Vec<Result<Wish, Outcome>> =
            request.items.iter().map(|item| self.decide(item)).collect();
        let on: Vec<&str> = wishes
            .iter()
            .filter_map(|wish| match wish {
                Ok(Wish::On(email)) => Some(email.as_str()),
                _ => None,
            })
            .collect();
        if !on.is_empty() {
            let ask = api.ask("POST", &self.list_path()).json(&json!({"recipient_emails": on}));
            api.send(Effect::Writes, ask)?;
        }
        let begun = !on.is_empty();
        let mut off = request.items.iter().zip(&wishes).filter_map(|(item, wish)| match wish {
            Ok(Wish::Off(email)) => Some((item, email)),
            _ => None,
        });
        let items: Vec<WriteItem> = off.clone().map(|(item, _)| item.clone()).collect();
        let lifted = Report::of_each(&items, |_| {
            let (item, email) =
                off.next().ok_or_else(|| Fault::bug("an item without an address"))?;
            self.lift(api, email)?;
            Ok(stored(item.action, email, false))
        });
        let lifted = match lifted {
            Ok(Report { verdict: Verdict::Items(lifted), .. }) => lifted,
            Err(fault) if begun => vec![Outcome::Retry(None, fault); items.len()],
            other => return other,
        };
        let mut lifted = lifted.into_iter();
        let outcomes = wishes.into_iter().zip(&request.items).map(|(wish, item)| match wish {
            Ok(Wish::On(email)) => stored(item.action, &email, true),
            Ok(Wish::Off(_)) => lifted.next().unwrap_or(Outcome::Unknown),
            Err(outcome) => outcome,
        });
        Ok(outcomes.collect::<Vec<_>>().into())
    }

    fn lift(self, api: &Api, email: &str) -> Result<(), Fault> {
        match api.deletes(api.ask("DELETE", &self.address_path(email))) {
            // It is not there, as it shall be.
            Err(fault) if fault.code == FaultCode::NotFound => Ok(()),
            other => other,
        }
    }

    fn decide(self, item: &WriteItem) -> Result<Wish, Outcome> {
        let rejected = |place: &str, reason: &str| {
            let fault = Fault::new(FaultCode::Rejected).at(place).with("reason", reason);
            Err(Outcome::Rejected(fault))
        };
        if matches!(item.action, Action::Delete | Action::Archive) {
            // Whoever is forgotten must not be written to again.
            let what = "a suppression ends by writing false into it, and not with its row";
            return Err(Outcome::Rejected(Fault::not_supported(what)));
        }
        let known = ["email", "suppressed"];
        if let Some(name) = item.patch.keys().find(|name| !known.contains(&name.as_str())) {
            let reason =
                if self.details().contains(&name.as_str()) { "read-only" } else { "unknown-field" };
            return rejected(name, reason);
        }
        let named = item.patch.get("email").or_else(|| item.matching.get("email"));
        let named = named.and_then(Value::as_str).or(item.key.as_deref()).map(str::trim);
        let email = match (item.key.as_deref(), named) {
            // A key that is no address is none of this list.
            (Some(key), _) if !is_address(key) => return Err(Outcome::Conflict),
            (_, Some(email)) if !is_address(email) => return rejected("email", "address"),
            (Some(key), Some(email)) if !key.eq_ignore_ascii_case(email) => {
                return rejected("email", "cannot-be-changed");
            }
            (_, Some(email)) => email.to_lowercase(),
            (_, None) => return rejected("email", "required"),
        };
        let can_be_set = matches!(self, Self::Global | Self::Group(_));
        match (item.patch.get("suppressed"), item.action) {
            (Some(Value::Bool(true)), _) if !can_be_set => {
                rejected("suppressed", "set-by-sendgrid")
            }
            (Some(Value::Bool(true)), _) => Ok(Wish::On(email)),
            (None, Action::Update) => Err(Outcome::Unchanged),
            // It is there as soon as there is an address.
            (Some(Value::Bool(false) | Value::Null) | None, Action::Create) => {
                Err(stored(item.action, &email, false))
            }
            (Some(Value::Bool(false) | Value::Null), _) => Ok(Wish::Off(email)),
            (Some(_), _) => rejected("suppressed", "type"),
            (None, _) => Err(Outcome::Unchanged),
        }
    }
}

fn stored(action: Action, email: &str, suppressed: bool) -> Outcome {
    let stored = Stored::key(email).row(data(email, suppressed));
    if action == Action::Create { Outcome::Created(stored) } else { Outcome::Updated(stored) }
}
