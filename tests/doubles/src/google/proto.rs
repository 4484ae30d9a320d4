//! The official definitions of the messages that are sent (`google/ads/datamanager/v1`
//! of `googleapis`), as far as they can be: a body is held against them strictly, as a
//! parser of protocol buffers would from JSON.

use serde_json::{Map, Value};

use crate::http::Request;

/// The message that a request is, by its name and as JSON: its body, or for one without
/// a body its path and parameters. What a request to Google is not, is none.
#[must_use]
pub fn message_of(request: &Request) -> Option<(&'static str, Value)> {
    let name = request.path().strip_prefix("/v1/")?;
    let asked = |more: Option<(&str, &str)>| {
        let query = request.query().into_iter();
        let query = query.map(|(name, value)| (name, Value::from(value)));
        let more = more.map(|(name, value)| (name.to_owned(), Value::from(value)));
        Value::Object(query.chain(more).collect::<Map<_, _>>())
    };
    let lists = name.strip_suffix("/userLists");
    Some(match (request.method.as_str(), name) {
        ("POST", "audienceMembers:ingest") => ("IngestAudienceMembersRequest", request.json()),
        ("POST", "audienceMembers:remove") => ("RemoveAudienceMembersRequest", request.json()),
        ("POST", "events:ingest") => ("IngestEventsRequest", request.json()),
        ("GET", "requestStatus:retrieve") => ("RetrieveRequestStatusRequest", asked(None)),
        ("POST", _) if lists.is_some() => ("UserList", request.json()),
        ("GET", _) if lists.is_some() => {
            ("ListUserListsRequest", asked(lists.map(|parent| ("parent", parent))))
        }
        ("GET", _) => ("GetUserListRequest", asked(Some(("name", name)))),
        ("DELETE", _) => ("DeleteUserListRequest", asked(Some(("name", name)))),
        _ => return None,
    })
}

/// What a field holds.
enum Kind {
    Text,
    Flag,
    Number,
    /// One of these words.
    Word(&'static [&'static str]),
    Message(&'static str),
    Words(&'static [&'static str]),
    Messages(&'static str),
}

use Kind::{Flag, Message, Messages, Number, Text, Word, Words};

const CONSENT: &[&str] = &["CONSENT_STATUS_UNSPECIFIED", "CONSENT_GRANTED", "CONSENT_DENIED"];
const ACCOUNTS: &[&str] =
    &["GOOGLE_ADS", "DISPLAY_VIDEO_PARTNER", "DISPLAY_VIDEO_ADVERTISER", "DATA_PARTNER"];
const SOURCES: &[&str] = &[
    "DATA_SOURCE_TYPE_FIRST_PARTY",
    "DATA_SOURCE_TYPE_THIRD_PARTY_CREDIT_BUREAU",
    "DATA_SOURCE_TYPE_THIRD_PARTY_VOTER_FILE",
    "DATA_SOURCE_TYPE_THIRD_PARTY_PARTNER_DATA",
];
const EVENT_SOURCES: &[&str] = &["WEB", "APP", "IN_STORE", "PHONE", "MESSAGE", "OTHER"];
const KEYS: &[&str] = &["CONTACT_ID", "MOBILE_ID", "USER_ID", "PAIR_ID", "PSEUDONYMOUS_ID"];

/// The fields of a message, by their names in JSON, and whether they are required.
fn fields(message: &str) -> &'static [(&'static str, Kind, bool)] {
    match message {
        "IngestAudienceMembersRequest" => &[
            ("destinations", Messages("Destination"), true),
            ("audienceMembers", Messages("AudienceMember"), true),
            ("consent", Message("Consent"), false),
            ("validateOnly", Flag, false),
            ("encoding", Word(&["HEX", "BASE64"]), true),
            ("termsOfService", Message("TermsOfService"), false),
        ],
        "RemoveAudienceMembersRequest" => &[
            ("destinations", Messages("Destination"), true),
            ("audienceMembers", Messages("AudienceMember"), true),
            ("validateOnly", Flag, false),
            ("encoding", Word(&["HEX", "BASE64"]), true),
        ],
        "IngestEventsRequest" => &[
            ("destinations", Messages("Destination"), true),
            ("events", Messages("Event"), true),
            ("consent", Message("Consent"), false),
            ("validateOnly", Flag, false),
            ("encoding", Word(&["HEX", "BASE64"]), false),
        ],
        "Event" => &[
            ("destinationReferences", Words(&[]), false),
            ("transactionId", Text, false),
            ("eventTimestamp", Text, true),
            ("lastUpdatedTimestamp", Text, false),
            ("userData", Message("UserData"), false),
            ("consent", Message("Consent"), false),
            ("adIdentifiers", Message("AdIdentifiers"), false),
            ("currency", Text, false),
            ("conversionValue", Number, false),
            ("conversionCount", Number, false),
            ("eventSource", Word(EVENT_SOURCES), false),
            ("eventName", Text, false),
            ("clientId", Text, false),
            ("userId", Text, false),
        ],
        "AdIdentifiers" => &[
            ("sessionAttributes", Text, false),
            ("gclid", Text, false),
            ("gbraid", Text, false),
            ("wbraid", Text, false),
        ],
        "Destination" => &[
            ("reference", Text, false),
            ("loginAccount", Message("ProductAccount"), false),
            ("linkedAccount", Message("ProductAccount"), false),
            ("operatingAccount", Message("ProductAccount"), true),
            ("productDestinationId", Text, true),
        ],
        "ProductAccount" => &[("accountType", Word(ACCOUNTS), true), ("accountId", Text, true)],
        "AudienceMember" => {
            &[("userData", Message("UserData"), true), ("consent", Message("Consent"), false)]
        }
        "UserData" => &[("userIdentifiers", Messages("UserIdentifier"), true)],
        "UserIdentifier" => &[
            ("emailAddress", Text, false),
            ("phoneNumber", Text, false),
            ("address", Message("AddressInfo"), false),
        ],
        "AddressInfo" => &[
            ("givenName", Text, true),
            ("familyName", Text, true),
            ("regionCode", Text, true),
            ("postalCode", Text, true),
        ],
        "Consent" => {
            &[("adUserData", Word(CONSENT), false), ("adPersonalization", Word(CONSENT), false)]
        }
        "TermsOfService" => {
            &[("customerMatchTermsOfServiceStatus", Word(&["ACCEPTED", "REJECTED"]), false)]
        }
        "UserList" => &[
            ("displayName", Text, true),
            ("description", Text, false),
            ("membershipStatus", Word(&["OPEN", "CLOSED"]), false),
            ("integrationCode", Text, false),
            ("membershipDuration", Text, false),
            ("ingestedUserListInfo", Message("IngestedUserListInfo"), false),
        ],
        "IngestedUserListInfo" => &[
            ("uploadKeyTypes", Words(KEYS), true),
            ("contactIdInfo", Message("ContactIdInfo"), false),
        ],
        "ContactIdInfo" => &[("dataSourceType", Word(SOURCES), false)],
        _ => &[],
    }
}

/// Whether a body is such a message.
///
/// # Errors
/// The path of what is not.
pub fn check(message: &str, body: &Value) -> Result<(), String> {
    let given = body.as_object().ok_or_else(|| message.to_owned())?;
    let fields = fields(message);
    let known = |name: &String| fields.iter().any(|(field, _, _)| field == name);
    if let Some(unknown) = given.keys().find(|name| !known(name)) {
        return Err(format!("{message}.{unknown}"));
    }
    for (name, kind, required) in fields {
        let place = format!("{message}.{name}");
        match given.get(*name) {
            None if *required => return Err(place),
            None => {}
            Some(value) => check_field(kind, value).map_err(|rest| format!("{place}{rest}"))?,
        }
    }
    Ok(())
}

fn check_field(kind: &Kind, value: &Value) -> Result<(), String> {
    let holds = |good: bool| if good { Ok(()) } else { Err(String::new()) };
    let each = |check: &dyn Fn(&Value) -> Result<(), String>| {
        let values = value.as_array().filter(|values| !values.is_empty());
        values.ok_or_else(String::new)?.iter().try_for_each(check)
    };
    let word = |words: &[&str], value: &Value| {
        holds(value.as_str().is_some_and(|word| words.contains(&word)))
    };
    match kind {
        Text => holds(value.is_string()),
        Flag => holds(value.is_boolean()),
        Number => holds(value.is_number()),
        Word(words) => word(words, value),
        Message(message) => check(message, value).map_err(|rest| format!(" > {rest}")),
        Words(words) => each(&|value| word(words, value)),
        Messages(message) => {
            each(&|value| check(message, value).map_err(|rest| format!(" > {rest}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;

    #[test]
    fn a_body_is_held_against_the_definitions() {
        let good = || {
            json!({
                "destinations": [{
                    "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "1"},
                    "productDestinationId": "2",
                }],
                "audienceMembers": [{
                    "userData": {"userIdentifiers": [{"emailAddress": "00"}]},
                    "consent": {"adUserData": "CONSENT_GRANTED"},
                }],
                "encoding": "HEX",
            })
        };
        assert_eq!(check("IngestAudienceMembersRequest", &good()), Ok(()));
        let set = |pointer: &str, value: serde_json::Value| {
            let mut body = good();
            if let Some(place) = body.pointer_mut(pointer) {
                *place = value;
            }
            check("IngestAudienceMembersRequest", &body)
        };
        for (pointer, value) in [
            ("/encoding", json!("hex")),
            ("/destinations", json!([])),
            ("/destinations/0/productDestinationId", json!(2)),
            ("/destinations/0/operatingAccount", json!({"accountId": "1"})),
            ("/audienceMembers/0/userData", json!({"user_identifiers": []})),
            ("/audienceMembers/0/consent/adUserData", json!("GRANTED")),
            ("", json!([])),
        ] {
            assert!(set(pointer, value.clone()).is_err(), "{pointer} {value} passes");
        }
        let mut more = good();
        more["terms"] = json!({});
        assert_eq!(
            check("IngestAudienceMembersRequest", &more),
            Err("IngestAudienceMembersRequest.terms".to_owned())
        );
    }
}
