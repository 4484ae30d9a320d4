//! Whether a row is acceptable: limits that protect the hub, and the schema of
//! its stream. A row that is not goes to quarantine with the field, the rule
//! and what was expected; never with its value, which may be personal.

mod limits;

mod rules;

pub use limits::accept;
pub use rules::{RowRules, SCHEMA_BYTES_MAX};
