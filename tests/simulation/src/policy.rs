//! What the sync of a system does where a row is missing and where a person is gone,
//! and what must never be asked of the system then.

use hub_model::{CreatePolicy, DeletePolicy};
use plugin_api::Action;

use crate::dice::Dice;

/// The policies of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// Where a row is missing.
    pub create: CreatePolicy,
    /// Where its person is gone.
    pub deletes: DeletePolicy,
}

impl Policy {
    /// As the dice fall.
    pub fn drawn(dice: &mut Dice) -> Self {
        use CreatePolicy::{CreateOnly, Mirror, UpdateOnly, Upsert};
        use DeletePolicy::{Archive, Ignore, Propagate, Unlink};
        let create = *dice.pick(&[Upsert, Upsert, Upsert, UpdateOnly, CreateOnly, Mirror]);
        let deletes = *dice.pick(&[Ignore, Propagate, Propagate, Archive, Unlink]);
        Self { create, deletes }
    }

    /// How the hub gets rid of a row, where it does.
    pub fn removal(self) -> Option<Action> {
        match (self.create, self.deletes) {
            (_, DeletePolicy::Archive) => Some(Action::Archive),
            (CreatePolicy::Mirror, _) | (_, DeletePolicy::Propagate) => Some(Action::Delete),
            (_, DeletePolicy::Ignore | DeletePolicy::Unlink) => None,
        }
    }

    /// Whether the hub may ask for something at all.
    pub fn allows(self, action: Action) -> bool {
        match action {
            Action::Create => self.create != CreatePolicy::UpdateOnly,
            Action::Update => self.create != CreatePolicy::CreateOnly,
            Action::Archive | Action::Delete => self.removal() == Some(action),
        }
    }
}
