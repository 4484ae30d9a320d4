//! Subscriptions (communication preferences): a stream for each type of
//! subscription, with a row for each contact that has an e-mail address.
//!
//! HubSpot keeps the status by address; a row is keyed by the contact, so that
//! it survives a changed address. A row is there as soon as the contact is:
//! nothing is ever created. Changes of a status change no contact, so reading
//! is always a snapshot.

mod write;

use std::collections::HashMap;

use liaison_sdk::paginate::NextToken;
use liaison_sdk::{
    EntityKind, Fault, Field, Found, Idempotency, LookupKey, LookupRequest, Page, ReadRequest, Row,
    Stream,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::api::{Api, Effect, Trouble, VERSION};
use crate::object::CONTACTS;
use crate::record::{self, BATCH_RECORDS_MAX, Record, is_id};
use crate::refusal::Refusal;
use crate::time;

/// Most statuses of one write.
pub const BATCH_ITEMS_MAX: u32 = 100;
/// What stands before the number of the type in a stream's name.
const PREFIX: &str = "subscription_";
/// The only channel that the API knows.
const CHANNEL: &str = "EMAIL";
const STATUSES: [&str; 2] = ["SUBSCRIBED", "UNSUBSCRIBED"];
/// A status that nobody has set.
const UNSET: &str = "NOT_SPECIFIED";
const LEGAL_BASES: [&str; 7] = [
    "CONSENT_WITH_NOTICE",
    "LEGITIMATE_INTEREST_CLIENT",
    "LEGITIMATE_INTEREST_OTHER",
    "LEGITIMATE_INTEREST_PQL",
    "NON_GDPR",
    "PERFORMANCE_OF_CONTRACT",
    "PROCESS_AND_STORE",
];

/// A type of subscription, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscription(u64);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    id: String,
    name: String,
    #[serde(default)]
    is_active: bool,
}

#[derive(Deserialize)]
struct Defined {
    results: Vec<Definition>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    subscription_id: Value,
    status: String,
    subscriber_id_string: String,
    source: Option<String>,
    timestamp: Option<String>,
    legal_basis: Option<String>,
    legal_basis_explanation: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfAddress {
    subscriber_id_string: String,
    #[serde(default)]
    statuses: Vec<Status>,
}

#[derive(Deserialize)]
struct Answer<T> {
    results: Vec<T>,
    #[serde(default)]
    errors: Vec<Refusal>,
}

/// The streams of the account's types of subscription.
///
/// # Errors
/// [`Trouble`] of the request.
pub fn streams(api: &Api) -> Result<Vec<Stream>, Trouble> {
    let path = format!("/communication-preferences/{VERSION}/definitions");
    let defined: Defined = api.call(Effect::Reads, api.get(&path))?;
    let active = defined.results.into_iter().filter(|definition| definition.is_active);
    Ok(active.map(|definition| stream(&definition)).collect())
}

fn stream(definition: &Definition) -> Stream {
    let text = |name, title: &str| Field::text(name).title(title);
    let options = |name, title: &str, options: &[&str]| {
        Field::new(name, json!({"type": ["string", "null"], "x-options": options})).title(title)
    };
    Stream::new(format!("{PREFIX}{}", definition.id))
        .title(&definition.name)
        .kind(EntityKind::Person)
        .readable()
        .writable(BATCH_ITEMS_MAX)
        .complete_snapshots()
        .idempotency(Idempotency::ExternalId)
        .field(text("email", "E-mail").pii("email").read_only().unique().matchable())
        .field(options("status", "Status", &STATUSES))
        .field(options("legal_basis", "Legal basis", &LEGAL_BASES))
        .field(text("legal_basis_explanation", "Explanation of the legal basis"))
        .field(text("source", "Source").read_only())
        .field(text("changed_at", "Changed at").read_only())
}

impl Subscription {
    /// The type that a stream is about.
    pub fn of(stream: &str) -> Option<Self> {
        let id = stream.strip_prefix(PREFIX).filter(|id| is_id(id))?;
        id.parse().ok().map(Self)
    }

    /// One page.
    ///
    /// # Errors
    /// What HubSpot answers, `cursor-expired`, or `schema-drift`.
    pub fn read(self, api: &Api, request: &ReadRequest) -> Result<Page, Fault> {
        let position = NextToken::of(request)?;
        let after = position.token.as_deref();
        let listed = record::list(api, &CONTACTS, after, false, BATCH_RECORDS_MAX, &["email"])?;
        let next = listed.next(after)?;
        let rows = self.rows(api, &listed.results, &request.fields)?;
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        Ok(position.page(rows, next)?.hints(api.hints()))
    }

    /// The rows of contacts, with their ids; contacts without an address have none.
    fn rows(
        self,
        api: &Api,
        contacts: &[Record],
        fields: &[String],
    ) -> Result<Vec<(String, Row)>, Fault> {
        let addressed = contacts.iter().filter_map(|it| Some((it, it.text("email")?)));
        let addressed: Vec<(&Record, &str)> = addressed.collect();
        let mut known: HashMap<String, Status> = HashMap::new();
        for chunk in addressed.chunks(BATCH_RECORDS_MAX) {
            let inputs: Vec<&str> = chunk.iter().map(|(_, email)| *email).collect();
            let path = format!("/communication-preferences/{VERSION}/statuses/batch/read");
            let request = api.post(&path, &json!({"inputs": inputs})).query("channel", CHANNEL);
            let answer: Answer<OfAddress> = api.call(Effect::Reads, request)?;
            if let Some(other) = answer.errors.into_iter().find(|it| !it.is("OBJECT_NOT_FOUND")) {
                return Err(other.rejected(&inputs));
            }
            for of_address in answer.results {
                let mut statuses = of_address.statuses.into_iter();
                if let Some(status) = statuses.find(|status| self.is(status)) {
                    known.insert(of_address.subscriber_id_string.to_lowercase(), status);
                }
            }
        }
        let row = |(contact, email): (&Record, &str)| {
            let status = known.get(&email.to_lowercase());
            let mut data = data(email, status);
            if !fields.is_empty() {
                data.retain(|name, _| fields.contains(name));
            }
            (contact.id.clone(), Row::upsert(&contact.id, data))
        };
        Ok(addressed.into_iter().map(row).collect())
    }

    fn is(self, status: &Status) -> bool {
        let id = match &status.subscription_id {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        id == self.0.to_string()
    }

    /// Answers a lookup, by contact or by address.
    ///
    /// # Errors
    /// What HubSpot answers; `not-supported` for another field.
    pub fn lookup(self, api: &Api, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        let contacts = contacts(api, &request.keys)?;
        let all: Vec<Record> = contacts.iter().flatten().cloned().collect();
        let rows = self.rows(api, &all, &request.fields)?;
        let row = |contact: &Record| rows.iter().find(|(id, _)| *id == contact.id);
        let found = |contact: Option<Record>| match contact.as_ref().and_then(row) {
            Some((_, row)) => Found::One(row.clone()),
            None => Found::None,
        };
        Ok(contacts.into_iter().map(found).collect())
    }
}

/// The contact of each key, with its address. A contact that was merged away
/// has no subscription any more.
fn contacts(api: &Api, keys: &[LookupKey]) -> Result<Vec<Option<Record>>, Fault> {
    let mut ids = Vec::new();
    let mut emails = Vec::new();
    for key in keys {
        match key {
            LookupKey::Key(id) if is_id(id) => ids.push(id.clone()),
            LookupKey::Key(_) => {}
            LookupKey::Fields(fields) => emails.extend(address(fields)?),
        }
    }
    for values in [&mut ids, &mut emails] {
        values.sort_unstable();
        values.dedup();
    }
    let read = |by, values: &[String]| {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        record::read(api, &CONTACTS, by, &values, &["email"])
    };
    let by_id = read(None, &ids)?;
    let by_email = read(Some("email"), &emails)?;
    let found = |key: &LookupKey| match key {
        LookupKey::Key(id) => Ok(by_id.iter().find(|it| it.id == *id).cloned()),
        LookupKey::Fields(fields) => {
            let email = address(fields)?;
            let has = |it: &&Record| email.as_ref().is_some_and(|email| it.has("email", email));
            Ok(by_email.iter().find(has).cloned())
        }
    };
    keys.iter().map(found).collect()
}

/// The address of a set of fields that holds nothing else.
fn address(fields: &Map<String, Value>) -> Result<Option<String>, Fault> {
    if let Some(other) = fields.keys().find(|name| *name != "email") {
        return Err(Fault::not_supported("lookup").at(other.as_str()));
    }
    let email = fields.get("email").and_then(Value::as_str).unwrap_or_default().trim();
    Ok(email.contains('@').then(|| email.to_lowercase()))
}

/// A row.
fn data(email: &str, status: Option<&Status>) -> Map<String, Value> {
    let set = status.map(|status| status.status.as_str()).filter(|status| *status != UNSET);
    let of = |read: fn(&Status) -> &Option<String>| status.and_then(|it| read(it).clone());
    let time = of(|it| &it.timestamp);
    let time = time.as_deref().and_then(time::parse_instant).and_then(time::instant);
    let members = [
        ("email", Some(email.to_owned())),
        ("status", set.map(str::to_owned)),
        ("legal_basis", of(|it| &it.legal_basis)),
        ("legal_basis_explanation", of(|it| &it.legal_basis_explanation)),
        ("source", of(|it| &it.source)),
        ("changed_at", time),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}
