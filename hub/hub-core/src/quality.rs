//! Whether a row is acceptable, and its clean form: limits that protect the
//! hub, the schema of its stream, declared cleaners, and what the organisation
//! requires. A row that is not goes to quarantine with the field, the rule,
//! what was expected and what class of value was met; never with the value,
//! which may be personal.

mod limits;

mod plain;
mod rules;

pub(crate) mod codes;

mod clean;

mod stream;

pub use limits::accept;
pub use rules::{RowRules, SCHEMA_BYTES_MAX};
pub use stream::StreamRules;

pub(crate) use clean::{Unfit, expected, one as clean_one};
