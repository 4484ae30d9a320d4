//! One item of a write to an audience: what is taken out and brought in for it, and
//! what became of that.

use hub_core::sync::member::{self, Step};
use hub_model::{Fault, FaultCode, Object, RemoteKey, Value};
use plugin_api::{Action, Identity, Member, MemberChange, MemberOutcome, Outcome, WriteItem};

use super::holders::Holders;

/// One item of a write, on its way.
pub(super) struct Going<'a> {
    pub item: &'a WriteItem,
    /// What the hub knows of him.
    row: Object,
    pub step: Step,
    /// The vendor takes his old values out later, and may fail to.
    may_stay: bool,
    /// What became of it, if it is not simply done.
    pub outcome: Option<Outcome>,
}

/// What the vendor is to know somebody by.
pub(crate) fn identities(values: &Object) -> Vec<Identity> {
    let named = values.iter().flat_map(|(field, value)| {
        let texts = match value {
            Value::Text(text) => vec![text.to_string()],
            Value::Number(number) => vec![number.to_string()],
            Value::List(several) => {
                several.iter().filter_map(Value::as_text).map(str::to_owned).collect()
            }
            Value::Null | Value::Bool(_) | Value::Object(_) => Vec::new(),
        };
        texts.into_iter().map(|value| Identity { namespace: field.to_string(), value })
    });
    named.collect()
}

/// What the vendor is asked about one set of values.
pub(super) fn asked(change: MemberChange, values: &Object, item: &WriteItem) -> Member {
    Member {
        change,
        key: None,
        identities: identities(values),
        consents: item.consents.clone(),
        ttl_seconds: item.ttl_seconds,
        idempotency_key: item.idempotency_key.clone(),
    }
}

/// What became of an item whose values were not taken out or brought in.
fn held_up(outcome: MemberOutcome) -> Option<Outcome> {
    match outcome {
        MemberOutcome::Done | MemberOutcome::Unmatched => None,
        MemberOutcome::Accepted { job } => Some(Outcome::Accepted { job }),
        MemberOutcome::Retry { after_seconds } => {
            Some(Outcome::Retry { after_seconds, fault: Fault::new(FaultCode::Transient) })
        }
        MemberOutcome::Rejected(fault) => Some(Outcome::Rejected(fault)),
        MemberOutcome::Unknown => Some(Outcome::Unknown),
    }
}

impl<'a> Going<'a> {
    /// An item about somebody of whom the hub knows a row.
    pub fn new(item: &'a WriteItem, row: Object) -> Self {
        let step = match item.action {
            Action::Create => Step::put(&Object::new(), &item.patch),
            Action::Update => Step::put(&row, &item.patch),
            Action::Archive | Action::Delete => Step::remove(&row),
        };
        Self { item, row, step, may_stay: false, outcome: None }
    }

    /// Whether he is to be taken out for good.
    pub fn is_leaving(&self) -> bool {
        self.item.action == Action::Delete || self.item.action == Action::Archive
    }

    /// The key of his row, also before it is there.
    pub fn who(&self) -> &str {
        self.item.key.as_ref().map_or(self.item.idempotency_key.as_str(), RemoteKey::as_str)
    }

    /// Leaves out what another has, and puts all off where another may come to have it.
    pub fn spare(&mut self, holders: &mut Holders) {
        let others: Vec<Option<bool>> =
            self.step.out.iter().map(|values| holders.other(values, self.who())).collect();
        if others.contains(&Some(false)) {
            // He stays as he is until it is known.
            holders.note(&member::sure(&self.row), self.who(), true);
            let fault = Fault::new(FaultCode::Transient);
            self.outcome = Some(Outcome::Retry { after_seconds: None, fault });
            self.step = Step::default();
            return;
        }
        let mut others = others.into_iter();
        self.step.out.retain(|_| others.next().flatten().is_none());
        if let Some(into) = &self.step.into {
            holders.note(into, self.who(), false);
        }
    }

    /// Keeps what became of the values that were to be brought in.
    pub fn tell(&self, holders: &mut Holders) {
        match (&self.step.into, &self.outcome) {
            (None, _) | (_, Some(Outcome::Unknown | Outcome::Accepted { .. })) => {}
            (Some(into), Some(Outcome::Retry { .. } | Outcome::Rejected(_))) => {
                holders.forget(into, self.who());
            }
            (Some(into), _) => holders.note(into, self.who(), true),
        }
    }

    /// A set of values was asked to be taken out. Whoever leaves waits until all are;
    /// who stays is only not brought in while it is not known.
    pub fn taken_out(&mut self, outcome: MemberOutcome) {
        let stays = !self.is_leaving();
        let several = self.step.out.len() > 1;
        self.outcome = match held_up(outcome) {
            // The vendor does not take such values, so they are not in.
            Some(Outcome::Rejected(_)) if stays => return,
            Some(Outcome::Accepted { .. }) if stays => {
                self.may_stay = true;
                return;
            }
            // Others of his values may be out already.
            Some(Outcome::Retry { .. } | Outcome::Rejected(_)) if several => Some(Outcome::Unknown),
            Some(outcome) => self.outcome.take().or(Some(outcome)),
            None => return,
        };
    }

    /// The values were asked to be brought in.
    pub fn brought_in(&mut self, outcome: MemberOutcome) {
        self.outcome = Some(match held_up(outcome) {
            // What was taken out before is not there any more.
            Some(Outcome::Retry { .. }) if !self.step.out.is_empty() => Outcome::Unknown,
            Some(outcome) => outcome,
            None => self.done(),
        });
    }

    /// Whether all of it was done.
    pub fn is_made(&self) -> bool {
        self.outcome.as_ref().is_none_or(|outcome| *outcome == self.done())
    }

    /// What it is when all of it was done.
    pub fn done(&self) -> Outcome {
        let row = Some(self.step.shows(&self.row, &self.item.patch, self.may_stay));
        match self.item.action {
            Action::Create => {
                let key = RemoteKey::new(self.item.idempotency_key.as_str());
                Outcome::Created { key, row, version: None }
            }
            Action::Update => Outcome::Updated { row, version: None },
            Action::Archive | Action::Delete => Outcome::Deleted,
        }
    }
}
