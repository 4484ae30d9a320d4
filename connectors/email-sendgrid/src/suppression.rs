//! Who must not be written to.
//!
//! SendGrid keeps lists of addresses. Here every address has a row of each list, whose
//! field `suppressed` says whether it is there: so a person can be put on a list and
//! taken off it by writing a field, and no row is ever created by mistake. Reading shows
//! who is on the list. Whoever leaves it leaves no trace, so nothing that is not shown
//! is taken for deleted: a refusal stays until somebody says otherwise.

mod write;

use std::collections::BTreeMap;

use liaison_sdk::{
    EntityKind, Fault, Field, Found, Idempotency, LookupKey, LookupRequest, Page, ReadRequest, Row,
    Stream, http, time,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::api::Api;
use crate::contact;
use crate::settings::is_address;

/// Rows of a page.
const PAGE_ROWS: usize = 500;
/// Rows of a page of a group, whose addresses come all at once.
const GROUP_ROWS: usize = 5_000;
/// What came so long before the newest row is read again: lists are told of late.
const OVERLAP_SECONDS: i64 = 3_600;
/// What stands before the number of a group in a stream's name.
const GROUP: &str = "group_unsubscribes_";

/// A list of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppression {
    /// Unsubscribed from everything.
    Global,
    /// Unsubscribed from a group.
    Group(u64),
    /// The mailbox does not exist.
    Bounces,
    /// The mail was refused.
    Blocks,
    /// It was marked as spam.
    SpamReports,
    /// The address is malformed.
    InvalidEmails,
}

/// The lists that every account has.
pub const ALWAYS: [Suppression; 5] = [
    Suppression::Global,
    Suppression::Bounces,
    Suppression::Blocks,
    Suppression::SpamReports,
    Suppression::InvalidEmails,
];

/// A group that people unsubscribe from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Group {
    id: u64,
    name: String,
}

/// An address on a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Listed {
    email: String,
    created: i64,
    reason: Option<String>,
    status: Option<String>,
    ip: Option<String>,
}

/// Where reading goes on; times are SendGrid's, in seconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    /// From when on rows are read.
    since: Option<i64>,
    /// The newest row so far.
    newest: Option<i64>,
    /// Rows before this page.
    offset: usize,
}

/// The streams of the account's groups.
///
/// # Errors
/// The request's.
pub fn groups(api: &Api) -> Result<Vec<Stream>, Fault> {
    let groups: Vec<Group> = api.reads(api.get("/v3/asm/groups"))?;
    let stream = |group: &Group| Suppression::Group(group.id).stream(Some(&group.name));
    Ok(groups.iter().map(stream).collect())
}

impl Suppression {
    /// The list that a stream is.
    pub fn of(stream: &str) -> Option<Self> {
        if let Some(number) = stream.strip_prefix(GROUP) {
            let own = number.parse().ok().map(Self::Group);
            return own.filter(|group| group.name() == stream);
        }
        ALWAYS.into_iter().find(|list| list.name() == stream)
    }

    /// The stream's name.
    pub fn name(self) -> String {
        match self {
            Self::Global => "global_unsubscribes".to_owned(),
            Self::Group(number) => format!("{GROUP}{number}"),
            Self::Bounces => "bounces".to_owned(),
            Self::Blocks => "blocks".to_owned(),
            Self::SpamReports => "spam_reports".to_owned(),
            Self::InvalidEmails => "invalid_emails".to_owned(),
        }
    }

    /// Where addresses with their times are; groups have none.
    const fn path(self) -> &'static str {
        match self {
            Self::Global | Self::Group(_) => "/v3/suppression/unsubscribes",
            Self::Bounces => "/v3/suppression/bounces",
            Self::Blocks => "/v3/suppression/blocks",
            Self::SpamReports => "/v3/suppression/spam_reports",
            Self::InvalidEmails => "/v3/suppression/invalid_emails",
        }
    }

    /// Fields that say more than that somebody is on the list.
    const fn details(self) -> &'static [&'static str] {
        match self {
            Self::Group(_) => &[],
            Self::Global => &["created_at"],
            Self::Bounces | Self::Blocks => &["created_at", "reason", "status"],
            Self::SpamReports => &["created_at", "ip"],
            Self::InvalidEmails => &["created_at", "reason"],
        }
    }

    /// The stream as discovery describes it.
    pub fn stream(self, title: Option<&str>) -> Stream {
        let title = title.unwrap_or(match self {
            Self::Global => "Global unsubscribes",
            Self::Group(_) => "Unsubscribes",
            Self::Bounces => "Bounces",
            Self::Blocks => "Blocks",
            Self::SpamReports => "Spam reports",
            Self::InvalidEmails => "Invalid e-mails",
        });
        let details = self.details().iter().map(|name| {
            let field = Field::text(*name).read_only();
            if *name == "ip" { field.pii("id") } else { field }
        });
        let email = Field::text("email").title("E-mail").pii("email");
        Stream::new(self.name())
            .title(title)
            .kind(EntityKind::Person)
            .readable()
            .writable(write::BATCH_ITEMS_MAX)
            .atomic_batches()
            .primary_key(["email"])
            .idempotency(Idempotency::ExternalId)
            .field(email.create_only().required().unique().matchable())
            .field(Field::flag("suppressed").title("Suppressed"))
            .with_fields(details)
    }

    /// One page.
    ///
    /// # Errors
    /// What SendGrid answers, or `cursor-expired`.
    pub fn read(self, api: &Api, request: &ReadRequest) -> Result<Page, Fault> {
        let position: Position = request.cursor()?.unwrap_or_default();
        if let Self::Group(_) = self {
            return self.group_page(api, position, &request.fields);
        }
        let mut ask = api.get(self.path()).query("limit", PAGE_ROWS);
        if position.offset > 0 {
            ask = ask.query("offset", position.offset);
        }
        if let Some(since) = position.since {
            ask = ask.query("start_time", since);
        }
        let listed: Vec<Listed> = api.reads(ask)?;
        let newest = listed.iter().map(|it| it.created).chain(position.newest).max();
        let rows = listed.iter().map(|it| self.row(&it.email, Some(it), true, &request.fields));
        let page = Page::of(rows.collect());
        if listed.len() >= PAGE_ROWS {
            let offset = position.offset + listed.len();
            return page.more_from(&Position { newest, offset, ..position });
        }
        let since = newest.map(|newest| newest - OVERLAP_SECONDS).or(position.since);
        page.next_from(&Position { since, ..Position::default() })
    }

    /// A part of a group. Nothing says when somebody came, so each reading is anew.
    fn group_page(self, api: &Api, position: Position, fields: &[String]) -> Result<Page, Fault> {
        let mut emails: Vec<String> = api.reads(api.get(&self.list_path()))?;
        emails.sort_unstable();
        let shown = emails.iter().skip(position.offset).take(GROUP_ROWS);
        let page = Page::of(shown.map(|email| self.row(email, None, true, fields)).collect());
        let offset = position.offset + GROUP_ROWS;
        if offset >= emails.len() {
            return Ok(page);
        }
        page.more_from(&Position { offset, ..position })
    }

    fn row(self, email: &str, listed: Option<&Listed>, suppressed: bool, fields: &[String]) -> Row {
        let email = email.to_lowercase();
        let mut data = data(&email, suppressed);
        let created = listed.map(|it| time::format(time::from_seconds(it.created)));
        for name in self.details() {
            let value = match *name {
                "created_at" => created.clone(),
                "reason" => listed.and_then(|it| it.reason.clone()),
                "status" => listed.and_then(|it| it.status.clone()),
                _ => listed.and_then(|it| it.ip.clone()),
            };
            data.insert((*name).to_owned(), json!(value));
        }
        if !fields.is_empty() {
            data.retain(|name, _| fields.contains(name));
        }
        let row = Row::upsert(email, data);
        match created {
            Some(created) => row.time(created),
            None => row,
        }
    }

    /// Answers a lookup: every address has a row.
    ///
    /// # Errors
    /// What SendGrid answers; `not-supported` for another field.
    pub fn lookup(self, api: &Api, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        let email = |key: &LookupKey| match key {
            LookupKey::Key(key) => Ok(is_address(key).then(|| key.to_lowercase())),
            LookupKey::Fields(fields) => contact::address(fields),
        };
        let asked: Vec<Option<String>> =
            request.keys.iter().map(email).collect::<Result<_, Fault>>()?;
        let listed = self.listed(api, &asked.iter().flatten().cloned().collect::<Vec<_>>())?;
        let found = |email: Option<String>| {
            let Some(email) = email else { return Found::None };
            let known = listed.get(&email);
            let row =
                self.row(&email, known.and_then(Option::as_ref), known.is_some(), &request.fields);
            Found::One(row)
        };
        Ok(asked.into_iter().map(found).collect())
    }

    /// Those of these addresses that are on the list, with what is known of them.
    fn listed(
        self,
        api: &Api,
        emails: &[String],
    ) -> Result<BTreeMap<String, Option<Listed>>, Fault> {
        let mut found = BTreeMap::new();
        if let Self::Group(_) = self {
            if emails.is_empty() {
                return Ok(found);
            }
            let ask = api.ask("POST", &format!("{}/search", self.list_path()));
            let known: Vec<String> = api.reads(ask.json(&json!({ "recipient_emails": emails })))?;
            found.extend(known.into_iter().map(|email| (email.to_lowercase(), None)));
            return Ok(found);
        }
        for email in emails {
            let ask = api.get(self.path()).query("limit", PAGE_ROWS).query("email", email);
            let known: Vec<Listed> = api.reads(ask)?;
            let own = known.into_iter().find(|it| it.email.eq_ignore_ascii_case(email));
            found.extend(own.map(|listed| (email.clone(), Some(listed))));
        }
        Ok(found)
    }

    /// Where addresses are put on the list and taken off it.
    fn list_path(self) -> String {
        match self {
            Self::Global => "/v3/asm/suppressions/global".to_owned(),
            Self::Group(number) => format!("/v3/asm/groups/{number}/suppressions"),
            _ => self.path().to_owned(),
        }
    }

    /// The path of an address on the list.
    fn address_path(self, email: &str) -> String {
        format!("{}/{}", self.list_path(), http::percent_encode(email))
    }
}

/// What every row holds.
fn data(email: &str, suppressed: bool) -> Map<String, Value> {
    let members = [("email", json!(email)), ("suppressed", json!(suppressed))];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
