//! Record and replay: the calls of a run with everything that their outputs depend on,
//! and the same component run on it again, elsewhere.
//!
//! **What is kept.** A call is a function of its component, its settings, its question,
//! its clock and seed, what its instance did before, and the answers to its errands
//! ([`way`](crate::way)). All of it is in a recording but the component, which is named
//! by its digest. The output is kept as a hash over the contract's own answer, rows and
//! cursor, outcomes or fault, so that neither time nor machine is in it.
//!
//! **Secrets never.** Errands are noted before the gateway adds a credential, and what is
//! kept passes the redactor that faults pass. The guest gets the answer as the gateway
//! lets it through, since recording must not change what a run does; so a call in whose
//! answers a short secret was echoed, which the gateway leaves in bodies, is marked, and
//! may give another output when it is replayed without it.
//!
//! **Damage shows.** Each line is sealed with the hash of all lines before it, and the
//! last says that it is the last ([`read`]). That finds damage, not forgery: a recording
//! is no evidence against whoever holds it.
//!
//! **It never costs a run.** What is too large or cannot be written ends the recording,
//! which says so; the run goes on.

mod form;
mod gave;

mod tape;
mod walk;

mod read;

mod replay;

mod mask;
mod run;

mod shadow;

#[cfg(test)]
mod tests;

pub use form::{
    CALL_BYTES_MAX, CALLS_MAX, Call, Ending, Exchange, FORMAT, Header, LogLine, RECORDING_BYTES_MAX,
};
pub use gave::Gave;
pub use mask::MaskRefused;
pub use read::{Damage, Recording};
pub use replay::{Difference, Replayed, Verdict};
pub use shadow::{Change, RequestChange, Shadowed};
pub use tape::{Recorder, Tape};

pub(crate) use gave::Said;
pub(crate) use replay::{Answers, Replaying};
pub(crate) use tape::{Noted, Noting};
