//! Meta: Conversions API (`user_data`) and Custom Audiences.
//!
//! Sources: "Customer Information Parameters" of the Conversions API (parameters
//! em, ph, fn, ln, ge, db, ct, st, zp, country, external_id, madid), and the
//! normaliser of Meta's own Business SDK for Python
//! (`facebook_business.adobjects.serverside.normalize`, 26.0.3), to which
//! generated people are compared in tests.
//!
//! Where they differ, and what is done here:
//! - **Names and towns.** The documentation asks for no punctuation; the SDK
//!   leaves it in names, and in towns and states takes away digits, white space,
//!   dots, hyphens and brackets, not apostrophes. A second normaliser of the same
//!   SDK, for Custom Audiences, keeps only `a` to `z`, which loses `é`. Here: the
//!   first, since it is what most integrations send.
//! - **Postcodes.** The documentation asks for no hyphen and the first five digits
//!   in the United States; the SDK cuts at the first hyphen, which leaves `00` of
//!   Warsaw's `00-950`. Here: as the SDK.
//! - **Telephone numbers.** The documentation removes all symbols and letters; the
//!   SDK removes white space, hyphens and brackets, and refuses what is left with a
//!   dot. Here: as documented.
//! - **Date of birth.** The documentation takes year, month and day with or without
//!   punctuation; the SDK hashes what it is given. Here: always `YYYYMMDD`.
//! - **E-mail.** The SDK takes whatever has something before and after an `@` and a
//!   dot; here it must be one address.
//! - **Already hashed.** The SDK guesses from the look; here nothing is guessed.

use super::rule::{
    Rule, birth, country_small, email, phone_digits, small, trimmed, without_spaces,
};
use super::{Kind, Unfit};

pub(super) fn rule(kind: Kind) -> Option<Rule> {
    match kind {
        Kind::Email => Rule::hashed(email),
        Kind::Phone => Rule::hashed(phone_digits),
        Kind::FirstName | Kind::LastName => Rule::hashed(small),
        Kind::FirstInitial => Rule::hashed(initial),
        Kind::Gender => Rule::hashed(gender),
        Kind::BirthDate => Rule::hashed(|value| {
            birth(value).map(|day| format!("{:04}{:02}{:02}", day.year, day.month, day.day))
        }),
        Kind::BirthYear => Rule::hashed(|value| birth(value).map(|day| format!("{:04}", day.year))),
        Kind::BirthMonth => {
            Rule::hashed(|value| birth(value).map(|day| format!("{:02}", day.month)))
        }
        Kind::BirthDay => Rule::hashed(|value| birth(value).map(|day| format!("{:02}", day.day))),
        Kind::City | Kind::Region => Rule::hashed(place),
        Kind::Postcode => Rule::hashed(postcode),
        Kind::Country => Rule::hashed(country_small),
        Kind::ExternalId => Rule::plain(trimmed),
        Kind::DeviceId => Rule::plain(small),
        Kind::Street => None,
    }
}

fn initial(value: &str) -> Result<String, Unfit> {
    Ok(value.trim().to_lowercase().chars().take(1).collect())
}

fn gender(value: &str) -> Result<String, Unfit> {
    let initial = initial(value)?;
    if ["f", "m"].contains(&initial.as_str()) { Ok(initial) } else { Err(Unfit::Gender) }
}

/// A town or a state: without digits, white space, dots, hyphens and brackets.
fn place(value: &str) -> Result<String, Unfit> {
    let dropped = |c: &char| c.is_ascii_digit() || c.is_whitespace() || ".-()".contains(*c);
    Ok(value.to_lowercase().chars().filter(|c| !dropped(c)).collect())
}

/// Without white space, up to the first hyphen.
fn postcode(value: &str) -> Result<String, Unfit> {
    let code = without_spaces(value).to_lowercase();
    Ok(code.split('-').next().unwrap_or_default().to_owned())
}
