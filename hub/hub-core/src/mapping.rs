//! What a value becomes on its way between a field and a trait.
//!
//! A record keeps what its system shows in the system's own form: that is what
//! an echo is told by. The other form is made where it is needed, and never
//! stored beside it: [`said`] where an assertion competes for a trait, [`form`]
//! where a golden value is to be written. So a changed mapping needs no new
//! reading to change what profiles show, and nothing that was believed before can
//! disagree with it.
//!
//! Every step is total. What it cannot take is null or a reject, as configured;
//! on the way back it is always a reject. Where nothing is converted nothing is
//! copied.

mod steps;

mod said;

mod form;

mod outdated;

mod preview;

#[cfg(test)]
mod steps_tests;

pub use form::{carried, form, golden};
pub use outdated::{forget_forms, same_reading};
pub use preview::{Tried, tried};
pub use said::{Said, identity_in, said};
pub use steps::{Misfit, convert};

pub(crate) use form::{form_of_own, held, nowhere};
pub(crate) use said::{as_said, reading};
pub(crate) use steps::holds;
