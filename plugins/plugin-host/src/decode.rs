//! From what a guest said to what the hub takes for said.
//!
//! Every function here is total: whatever the bytes are, the answer is a value
//! under the limits of the data model or a typed fault. A row that is wrong
//! becomes a bad item of its page; a page that is wrong becomes a fault of the
//! call. No customer's value goes into a fault's arguments.

pub mod audience;
pub mod delivery;
pub mod fault;
pub mod learned;
pub mod outcome;
pub mod page;
pub mod row;
pub mod stream;

use hub_model::{Fault, FaultCode};

/// Text of at most so many bytes, cut between characters.
pub(crate) fn cut(text: &str, bytes_max: usize) -> String {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default().to_owned()
}

/// The answer broke the contract in a way that only the connector's author can mend.
pub(crate) fn bug(what: &str) -> Fault {
    Fault::new(FaultCode::ConnectorBug).with("what", what)
}

/// The page broke the contract.
pub(crate) fn malformed(what: &str) -> Fault {
    Fault::new(FaultCode::PageMalformed).with("what", what)
}
