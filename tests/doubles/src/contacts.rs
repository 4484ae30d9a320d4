//! A small REST API of contacts: the one that the connector of `sdk/README.md`
//! speaks to, with tokens, versions and an address that is taken once.
//!
//! What it offers against writes that are made twice can be switched off, one by
//! one, and its search can be behind. So it is also the vendor at which a hub is
//! killed: it knows every contact that was ever made.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::http::{Answer, Request, Vendor, Waits};

/// Rows of a page, if nobody says otherwise.
const PAGE_ROWS: usize = 100;

/// How long a write takes.
pub type Patience = Box<dyn FnMut() -> Waits + Send>;

/// An account.
pub struct Contacts {
    /// Rows of a page, whatever is asked for.
    pub page_rows: usize,
    /// An address is taken once.
    pub unique: bool,
    /// A create that is repeated is known by its `idempotency-key`.
    pub keys: bool,
    /// How long the search does not know of every second contact.
    pub lag: Duration,
    /// The first row of a page that begins after this contact or a later one is
    /// passed over.
    pub loses_after: Option<u64>,
    /// How long each write takes; none unless set.
    pub patience: Option<Patience>,
    /// Writes that have come in.
    pub begun: u64,
    /// Writes that changed something.
    pub done: u64,
    token: String,
    contacts: BTreeMap<u64, Contact>,
    made: BTreeMap<String, u64>,
    next_id: u64,
}

struct Contact {
    values: Map<String, Value>,
    since: Instant,
}

impl Contacts {
    /// An account without contacts, for those who bring the token.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self {
            page_rows: PAGE_ROWS,
            unique: true,
            keys: true,
            lag: Duration::ZERO,
            loses_after: None,
            patience: None,
            begun: 0,
            done: 0,
            token: token.to_owned(),
            contacts: BTreeMap::new(),
            made: BTreeMap::new(),
            next_id: 1,
        }
    }

    /// Every contact, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Map<String, Value>> {
        self.contacts.values().map(|contact| &contact.values)
    }

    /// Somebody enters a contact.
    #[expect(clippy::disallowed_methods, reason = "an account lives in the time of its test")]
    pub fn enter(&mut self, fields: &Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let mut values = Map::from_iter([
            ("id".to_owned(), json!(id.to_string())),
            ("version".to_owned(), json!(1)),
            ("name".to_owned(), Value::Null),
            ("email".to_owned(), Value::Null),
        ]);
        values.extend(fields.as_object().cloned().unwrap_or_default());
        self.contacts.insert(id, Contact { values, since: Instant::now() });
        id
    }

    /// Somebody edits the contacts that have an address.
    pub fn edit(&mut self, email: &str, fields: &Value) {
        for contact in self.contacts.values_mut().filter(|it| it.values["email"] == email) {
            contact.change(fields);
        }
    }

    fn found(&self, email: &str) -> Option<u64> {
        let has = |(_, contact): &(&u64, &Contact)| contact.values["email"] == email;
        self.contacts.iter().find(has).map(|(id, _)| *id)
    }

    fn shown(&self, id: u64, status: u16) -> Answer {
        match self.contacts.get(&id) {
            Some(contact) => Answer::json(status, &Value::Object(contact.values.clone())),
            None => Answer::json(404, &Value::Null),
        }
    }

    fn list(&self, request: &Request) -> Answer {
        if let Some(email) = request.parameter("email") {
            let known = |(id, contact): &(&u64, &Contact)| {
                *id % 2 == 0 || contact.since.elapsed() >= self.lag
            };
            let known = self.contacts.iter().filter(known).map(|(_, contact)| &contact.values);
            let found: Vec<_> = known.filter(|values| values["email"] == email.as_str()).collect();
            return Answer::json(200, &json!({ "contacts": found }));
        }
        let after = request.parameter("after").and_then(|token| token.parse().ok());
        let limit = request.parameter("limit").and_then(|limit| limit.parse().ok());
        let limit = limit.unwrap_or(self.page_rows).min(self.page_rows);
        let passed_over = usize::from(self.loses_after.is_some_and(|id| after > Some(id)));
        let rest = self.contacts.range(after.unwrap_or(0) + 1..).skip(passed_over);
        let page: Vec<(&u64, &Contact)> = rest.clone().take(limit).collect();
        let last = page.last().map(|(id, _)| id.to_string());
        let next = last.filter(|_| rest.count() > limit);
        let contacts: Vec<_> = page.iter().map(|(_, contact)| &contact.values).collect();
        Answer::json(200, &json!({ "contacts": contacts, "next": next }))
    }

    fn create(&mut self, request: &Request) -> Answer {
        let fields = request.json();
        let key = request.find("idempotency-key").filter(|_| self.keys);
        if let Some(id) = key.and_then(|key| self.made.get(key)) {
            return self.shown(*id, 201);
        }
        let email = fields["email"].as_str().filter(|_| self.unique);
        if let Some(id) = email.and_then(|email| self.found(email)) {
            return Answer::json(409, &json!({ "id": id.to_string() }));
        }
        let id = self.enter(&fields);
        self.made.extend(key.map(|key| (key.to_owned(), id)));
        self.done += 1;
        self.shown(id, 201)
    }

    /// Creates, or changes who has the address already.
    fn upsert(&mut self, email: &str, request: &Request) -> Answer {
        self.done += 1;
        match self.found(email) {
            Some(id) => {
                self.edit(email, &request.json());
                self.shown(id, 200)
            }
            None => {
                let id = self.enter(&request.json());
                self.shown(id, 201)
            }
        }
    }

    fn change(&mut self, id: u64, request: &Request) -> Answer {
        let Some(contact) = self.contacts.get_mut(&id) else {
            return Answer::json(404, &Value::Null);
        };
        let version = contact.values["version"].to_string();
        if request.find("if-match").is_some_and(|known| known != version) {
            return Answer::json(412, &Value::Null);
        }
        self.done += 1;
        if request.method == "DELETE" {
            self.contacts.remove(&id);
            return Answer::json(204, &Value::Null);
        }
        contact.change(&request.json());
        self.shown(id, 200)
    }
}

impl Contact {
    fn change(&mut self, fields: &Value) {
        self.values.extend(fields.as_object().cloned().unwrap_or_default());
        let version = self.values["version"].as_u64().unwrap_or(0);
        self.values.insert("version".to_owned(), json!(version + 1));
    }
}

impl Vendor for Contacts {
    fn answer(&mut self, request: &Request) -> Answer {
        if request.find("authorization") != Some(&format!("Bearer {}", self.token)) {
            return Answer::json(401, &Value::Null);
        }
        let path: Vec<&str> = request.path().trim_matches('/').split('/').collect();
        let number = |id: &str| id.parse().unwrap_or(0);
        match (request.method.as_str(), path.as_slice()) {
            ("GET", ["contacts"]) => self.list(request),
            ("POST", ["contacts"]) => self.create(request),
            ("PUT", ["contacts", "by-email"]) => {
                let email = request.parameter("email").unwrap_or_default();
                self.upsert(&email, request)
            }
            ("GET", ["contacts", id]) => self.shown(number(id), 200),
            ("PATCH" | "DELETE", ["contacts", id]) => self.change(number(id), request),
            (_, ["contacts", ..]) => Answer::json(405, &Value::Null),
            _ => Answer::json(404, &Value::Null),
        }
    }

    fn waits(&mut self, request: &Request) -> Waits {
        if request.method == "GET" {
            return Waits::default();
        }
        self.begun += 1;
        self.patience.as_mut().map(|patience| patience()).unwrap_or_default()
    }
}
