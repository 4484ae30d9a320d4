//! UID2 and The Trade Desk.
//!
//! Source: "Normalization and Encoding" of the UID2 documentation, with its table of
//! examples: an address in small letters, at `gmail.com` (and not `googlemail.com`)
//! without dots and tag; a telephone number as E.164; both as the Base64 of the
//! digest's bytes.

use super::rule::{Rule, email_without_tags, phone_e164};
use super::{Form, Kind};

pub(super) fn rule(kind: Kind) -> Option<Rule> {
    let form = Form::Sha256Base64;
    match kind {
        Kind::Email => {
            Some(Rule { normalise: |value| email_without_tags(value, &["gmail.com"]), form })
        }
        Kind::Phone => Some(Rule { normalise: phone_e164, form }),
        _ => None,
    }
}
