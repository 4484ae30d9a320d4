//! People in a list, known by their identifiers, and the records that name them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::invalid;
use crate::http::Answer;

/// Records of one request.
const RECORDS_MAX: usize = 10_000;
/// Identifiers of one record.
const IDENTIFIERS_MAX: usize = 10;

/// The people of a list.
#[derive(Debug, Clone, Default)]
pub struct People(BTreeSet<BTreeSet<String>>);

impl People {
    /// Somebody joins.
    pub fn join(&mut self, identifiers: &BTreeSet<String>) {
        self.0.insert(identifiers.clone());
    }

    /// Whoever shares an identifier leaves.
    pub fn leave(&mut self, identifiers: &BTreeSet<String>) {
        self.0.retain(|person| person.is_disjoint(identifiers));
    }

    /// Each person on a line.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(|it| it.iter().cloned().collect::<Vec<_>>().join(" ")).collect()
    }
}

/// The records of a request whose form is right.
///
/// # Errors
/// The refusal of the whole request, for one record that is wrong.
pub fn records(body: &Value) -> Result<Vec<BTreeSet<String>>, Answer> {
    let members = body["audienceMembers"].as_array().map(Vec::as_slice).unwrap_or_default();
    if members.len() > RECORDS_MAX {
        return Err(invalid("audience_members", "TOO_MANY_AUDIENCE_MEMBERS"));
    }
    members.iter().enumerate().map(|(number, member)| record(number, member)).collect()
}

fn record(number: usize, member: &Value) -> Result<BTreeSet<String>, Answer> {
    check_identifiers(&format!("audience_members[{number}].user_data"), &member["userData"])
}

/// The identifiers of somebody.
///
/// # Errors
/// The refusal of the whole request, for one that is wrong.
pub fn check_identifiers(place: &str, user: &Value) -> Result<BTreeSet<String>, Answer> {
    let place = format!("{place}.user_identifiers");
    let given = user["userIdentifiers"].as_array();
    let given = given.map(Vec::as_slice).unwrap_or_default();
    if given.len() > IDENTIFIERS_MAX {
        return Err(invalid(&place, "TOO_MANY_USER_IDENTIFIERS"));
    }
    let one = |identifier: &Value| identifier.as_object().is_some_and(|it| it.len() == 1);
    let mut identifiers = BTreeSet::new();
    for identifier in given {
        if !one(identifier) {
            return Err(invalid(&place, "INVALID_AUDIENCE_MEMBER"));
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (email, phone) = (&identifier["emailAddress"], &identifier["phoneNumber"]);
        let address = &identifier["address"];
        let hashed = [email, phone, &address["givenName"], &address["familyName"]];
        if hashed.iter().any(|value| value.is_string() && !is_digest(&text(value))) {
            return Err(invalid(&place, "INVALID_SHA256_FORMAT"));
        }
        let region = text(&address["regionCode"]);
        if address.is_object() && (region.len() != 2 || region != region.to_uppercase()) {
            return Err(invalid(&place, "INVALID_REGION_CODE"));
        }
        identifiers.insert(identifier.to_string());
    }
    Ok(identifiers)
}

fn is_digest(text: &str) -> bool {
    text.len() == 64
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
