//! What a rule found.

use hub_model::Fault;

/// A rule that a connector broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{must}: {found}")]
pub struct Breach {
    /// The rule, as a sentence.
    pub must: &'static str,
    /// What was found instead.
    pub found: String,
}

/// A rule under examination: makes its breaches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Must(pub(crate) &'static str);

impl Must {
    /// The breach of this rule.
    pub(crate) fn broken(self, found: impl Into<String>) -> Breach {
        Breach { must: self.0, found: found.into() }
    }

    /// A call that should have succeeded.
    pub(crate) fn succeed<T>(self, called: &str, result: Result<T, Fault>) -> Result<T, Breach> {
        result.map_err(|fault| self.broken(format!("{called} failed: {fault}")))
    }

    /// A condition that should hold.
    pub(crate) fn hold(
        self,
        condition: bool,
        found: impl FnOnce() -> String,
    ) -> Result<(), Breach> {
        if condition { Ok(()) } else { Err(self.broken(found())) }
    }
}
