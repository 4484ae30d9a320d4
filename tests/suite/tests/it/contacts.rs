//! The small REST API that the connector of the tutorial speaks to: contacts in
//! memory, with tokens, versions and an address that is taken once.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Map, Value, json};

/// Rows of a page, whatever is asked for.
const PAGE_ROWS: usize = 3;

/// A running API. It ends with the process.
pub struct Contacts {
    pub port: u16,
    loses: Arc<AtomicBool>,
}

struct Account {
    token: String,
    contacts: BTreeMap<u64, Map<String, Value>>,
    next_id: u64,
    loses: Arc<AtomicBool>,
}

struct Request {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Value,
}

impl Contacts {
    /// Begins to answer, to those who bring the token.
    pub fn begin(token: &str) -> Self {
        let loses = Arc::new(AtomicBool::new(false));
        let mut account = Account {
            token: token.to_owned(),
            contacts: BTreeMap::new(),
            next_id: 1,
            loses: loses.clone(),
        };
        for number in 1..=7 {
            account.create(
                &json!({ "name": format!("N{number}"), "email": format!("n{number}@x.fr") }),
            );
        }
        let account = Mutex::new(account);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that went away has no use for an answer.
                let _ = serve(stream, &account);
            }
        });
        Self { port, loses }
    }

    /// From now on the first row of each page but the first is passed over.
    pub fn lose_rows_at_the_border(&self) {
        self.loses.store(true, Ordering::Relaxed);
    }
}

fn serve(mut stream: TcpStream, account: &Mutex<Account>) -> std::io::Result<()> {
    let Some(request) = receive(&mut stream)? else { return Ok(()) };
    let (status, body) = account.lock().unwrap().answer(&request);
    let body = if body.is_null() { String::new() } else { body.to_string() };
    write!(
        stream,
        "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn receive(stream: &mut TcpStream) -> std::io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let request = parsed(head, body);
            let length = request.headers.get("content-length").map_or(0, |it| it.parse().unwrap());
            if body.len() >= length {
                return Ok(Some(request));
            }
        }
        match stream.read(&mut part)? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&part[..count]),
        }
    }
}

fn parsed(head: &str, body: &str) -> Request {
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let headers = lines.filter_map(|line| line.split_once(": "));
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect(),
        headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

fn decoded(text: &str) -> String {
    text.replace("%40", "@").replace("%2B", "+").replace("%20", " ")
}

impl Account {
    fn answer(&mut self, request: &Request) -> (u16, Value) {
        let wanted = format!("Bearer {}", self.token);
        if request.headers.get("authorization") != Some(&wanted) {
            return (401, Value::Null);
        }
        let id = match request.path.strip_prefix("/contacts") {
            Some("") => None,
            Some(rest) => Some(rest.trim_start_matches('/').parse::<u64>().unwrap_or(0)),
            None => return (404, Value::Null),
        };
        match (request.method.as_str(), id) {
            ("GET", None) => (200, self.list(request)),
            ("POST", None) => self.create(&request.body),
            ("GET", Some(id)) => match self.contacts.get(&id) {
                Some(contact) => (200, Value::Object(contact.clone())),
                None => (404, Value::Null),
            },
            ("PATCH" | "DELETE", Some(id)) => self.change(id, request),
            _ => (405, Value::Null),
        }
    }

    fn list(&self, request: &Request) -> Value {
        if let Some(email) = request.query.get("email") {
            let has = |contact: &&Map<String, Value>| contact["email"] == email.as_str();
            return json!({ "contacts": self.contacts.values().filter(has).collect::<Vec<_>>() });
        }
        let after: u64 = request.query.get("after").map_or(0, |token| token.parse().unwrap_or(0));
        let passed_over = usize::from(after > 7 && self.loses.load(Ordering::Relaxed));
        let rest = self.contacts.range(after + 1..).skip(passed_over);
        let page: Vec<_> = rest.clone().take(PAGE_ROWS).collect();
        let last = page.last().map(|(id, _)| id.to_string());
        let next = last.filter(|_| rest.count() > PAGE_ROWS);
        let contacts: Vec<_> = page.iter().map(|(_, contact)| contact).collect();
        json!({ "contacts": contacts, "next": next })
    }

    fn create(&mut self, fields: &Value) -> (u16, Value) {
        let email = &fields["email"];
        let taken = self.contacts.iter().find(|(_, it)| !email.is_null() && it["email"] == *email);
        if let Some((id, _)) = taken {
            return (409, json!({ "id": id.to_string() }));
        }
        let id = self.next_id;
        self.next_id += 1;
        let mut contact: Map<String, Value> = Map::new();
        contact.insert("id".to_owned(), id.to_string().into());
        contact.insert("version".to_owned(), 1.into());
        for name in ["name", "email"] {
            contact.insert(name.to_owned(), fields[name].clone());
        }
        self.contacts.insert(id, contact.clone());
        (201, Value::Object(contact))
    }

    fn change(&mut self, id: u64, request: &Request) -> (u16, Value) {
        let Some(contact) = self.contacts.get_mut(&id) else { return (404, Value::Null) };
        let version = contact["version"].as_u64().unwrap_or(0);
        if request.headers.get("if-match").is_some_and(|it| *it != version.to_string()) {
            return (412, Value::Null);
        }
        if request.method == "DELETE" {
            self.contacts.remove(&id);
            return (204, Value::Null);
        }
        for (name, value) in request.body.as_object().into_iter().flatten() {
            contact.insert(name.clone(), value.clone());
        }
        contact.insert("version".to_owned(), (version + 1).into());
        (200, Value::Object(contact.clone()))
    }
}
