//! TikTok: Customer File audiences and Events API.
//!
//! Sources: "List of supported IDs and formats for a customer file" (address in
//! small letters without spaces, telephone number as E.164 with its plus, device
//! identifier in one case, each as SHA-256), and the Events API for `external_id`
//! (SHA-256). The digest that the first prints for an address and the one for a
//! device belong to what it calls normalised; the one for a telephone number belongs
//! to neither of the two numbers beside it, so it is no vector here.

use super::Kind;
use super::rule::{Rule, email_without_spaces, phone_e164, small, trimmed};

pub(super) fn rule(kind: Kind) -> Option<Rule> {
    match kind {
        Kind::Email => Rule::hashed(email_without_spaces),
        Kind::Phone => Rule::hashed(phone_e164),
        Kind::DeviceId => Rule::hashed(small),
        Kind::ExternalId => Rule::hashed(trimmed),
        _ => None,
    }
}
