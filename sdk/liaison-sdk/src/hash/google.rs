//! Google: Data Manager API and what it replaces (Customer Match, enhanced
//! conversions).
//!
//! Sources: "Format user data" of the Data Manager API, and Google's own formatter
//! for Python (`google-ads-datamanager-util` 0.4.0), whose published tests give the
//! vectors here and to which generated people are compared in tests.
//!
//! Where they differ, and what is done here:
//! - **White space inside an address.** The documentation removes it, the formatter
//!   refuses the address. Here: refused.
//! - **Tags.** Addresses at `gmail.com` and `googlemail.com` lose dots and what
//!   follows a plus, by documentation and formatter. Earlier versions of both kept
//!   the tag: digests made then do not match those made now.
//! - **Telephone numbers.** The formatter puts a plus before whatever digits there
//!   are; here `00` counts as the plus, and a number that can be no international
//!   one is refused.
//! - **Regions** must be countries here, where the formatter takes any two letters.
//! - **Titles and suffixes** (`Mrs.`, `Jr.`) should not be in names, says the
//!   documentation; neither the formatter nor this takes them away.
//!
//! Digests may be hexadecimal or Base64, as the request declares; here hexadecimal.

use super::rule::{Rule, country, email_without_tags, phone_e164, small, trimmed};
use super::{Kind, Unfit};

pub(super) fn rule(kind: Kind) -> Option<Rule> {
    match kind {
        Kind::Email => {
            Rule::hashed(|value| email_without_tags(value, &["gmail.com", "googlemail.com"]))
        }
        Kind::Phone => Rule::hashed(phone_e164),
        Kind::FirstName | Kind::LastName => Rule::hashed(small),
        Kind::Street => Rule::hashed(place),
        Kind::City | Kind::Region => Rule::plain(place),
        Kind::Postcode => Rule::plain(trimmed),
        Kind::Country => Rule::plain(country),
        _ => None,
    }
}

/// In small letters: letters, digits and the white space between them.
fn place(value: &str) -> Result<String, Unfit> {
    let kept = |c: &char| c.is_alphanumeric() || c.is_whitespace();
    Ok(value.trim().to_lowercase().chars().filter(kept).collect())
}
