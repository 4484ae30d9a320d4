//! Who must not be written to: unsubscribed from everything or from a group, bounced,
//! blocked, reported as spam, invalid.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::refusal;
use crate::http::{self, Answer, Request};

/// A group that people unsubscribe from.
#[derive(Debug, Clone)]
struct Group {
    name: String,
    emails: Vec<String>,
}

/// Suppressions.
#[derive(Debug, Default)]
pub struct Suppressions {
    /// By kind (`unsubscribes`, `bounces`, ...) and address.
    dated: BTreeMap<String, BTreeMap<String, Value>>,
    groups: BTreeMap<u64, Group>,
}

impl Suppressions {
    /// Somebody on a list: `unsubscribes`, `bounces`, `blocks`, `spam_reports`,
    /// `invalid_emails`.
    pub fn enter(&mut self, kind: &str, email: &str, created: i64, more: &Value) {
        let mut shown = json!({"email": email, "created": created});
        if let (Some(shown), Some(more)) = (shown.as_object_mut(), more.as_object()) {
            shown.extend(more.clone());
        }
        self.dated.entry(kind.to_owned()).or_default().insert(email.to_owned(), shown);
    }

    /// Whether an address is on a list.
    #[must_use]
    pub fn has(&self, kind: &str, email: &str) -> bool {
        self.dated.get(kind).is_some_and(|list| list.contains_key(email))
    }

    /// A group; its number.
    pub fn make_group(&mut self, name: &str) -> u64 {
        let number = 101 + self.groups.len() as u64;
        self.groups.insert(number, Group { name: name.to_owned(), emails: Vec::new() });
        number
    }

    /// Who has unsubscribed from a group.
    #[must_use]
    pub fn group(&self, number: u64) -> &[String] {
        self.groups.get(&number).map(|group| group.emails.as_slice()).unwrap_or_default()
    }

    /// Unsubscribes somebody from a group.
    pub fn leave_group(&mut self, number: u64, email: &str) {
        if let Some(group) = self.groups.get_mut(&number) {
            group.emails.retain(|known| known != email);
            group.emails.push(email.to_owned());
        }
    }

    pub(super) fn answer(
        &mut self,
        method: &str,
        path: &[&str],
        request: &Request,
        body: &Value,
        now: i64,
    ) -> Answer {
        match (method, path) {
            ("GET", ["suppression", kind]) => self.page(kind, request),
            ("DELETE", ["suppression", kind, email]) => self.lift(kind, email),
            ("POST", ["asm", "suppressions", "global"]) => {
                let emails = recipients(body);
                for email in &emails {
                    self.enter("unsubscribes", email, now, &json!({}));
                }
                Answer::json(201, &json!({ "recipient_emails": emails }))
            }
            ("DELETE", ["asm", "suppressions", "global", email]) => {
                self.lift("unsubscribes", email)
            }
            ("GET", ["asm", "groups"]) => {
                let shown = |(id, group): (&u64, &Group)| {
                    json!({
                        "id": id, "name": group.name, "description": group.name,
                        "is_default": false, "unsubscribes": group.emails.len(),
                    })
                };
                Answer::json(200, &self.groups.iter().map(shown).collect())
            }
            (_, ["asm", "groups", number, "suppressions", rest @ ..]) => {
                let group = number.parse().ok().and_then(|it: u64| self.groups.get_mut(&it));
                group.map_or_else(
                    || refusal(404, None, "group not found"),
                    |group| group.answer(method, rest, body),
                )
            }
            _ => refusal(404, None, "not found"),
        }
    }

    fn lift(&mut self, kind: &str, email: &str) -> Answer {
        let email = decoded(email);
        match self.dated.get_mut(kind).and_then(|list| list.remove(&email)) {
            Some(_) => Answer::json(204, &Value::Null),
            None => refusal(404, None, "resource not found"),
        }
    }

    /// Newest first.
    fn page(&self, kind: &str, request: &Request) -> Answer {
        let asked = |name: &str| request.parameter(name)?.parse::<i64>().ok();
        let created = |it: &Value| it["created"].as_i64().unwrap_or_default();
        let from = asked("start_time").unwrap_or(i64::MIN);
        let of = request.parameter("email");
        let list = self.dated.get(kind).into_iter().flat_map(BTreeMap::values);
        let mut found: Vec<&Value> = list
            .filter(|it| created(it) >= from)
            .filter(|it| of.as_ref().is_none_or(|email| it["email"] == email.as_str()))
            .collect();
        found.sort_by_key(|it| std::cmp::Reverse(created(it)));
        let count = |name: &str, otherwise: i64| {
            usize::try_from(asked(name).unwrap_or(otherwise)).unwrap_or_default()
        };
        let shown = found.into_iter().skip(count("offset", 0)).take(count("limit", 500));
        Answer::json(200, &shown.cloned().collect())
    }
}

impl Group {
    fn answer(&mut self, method: &str, rest: &[&str], body: &Value) -> Answer {
        match (method, rest) {
            ("GET", []) => Answer::json(200, &json!(self.emails)),
            ("POST", []) => {
                let emails = recipients(body);
                self.emails.retain(|known| !emails.contains(known));
                self.emails.extend(emails.clone());
                Answer::json(201, &json!({ "recipient_emails": emails }))
            }
            ("POST", ["search"]) => {
                let asked = recipients(body);
                let found = self.emails.iter().filter(|known| asked.contains(known));
                Answer::json(200, &found.cloned().map(Value::from).collect())
            }
            ("DELETE", [email]) => {
                let email = decoded(email);
                let before = self.emails.len();
                self.emails.retain(|known| *known != email);
                match self.emails.len() < before {
                    true => Answer::json(204, &Value::Null),
                    false => refusal(404, None, "resource not found"),
                }
            }
            _ => refusal(404, None, "not found"),
        }
    }
}

fn recipients(body: &Value) -> Vec<String> {
    let emails = body["recipient_emails"].as_array().into_iter().flatten();
    emails.filter_map(|email| Some(email.as_str()?.to_lowercase())).collect()
}

/// A part of a path, decoded.
fn decoded(part: &str) -> String {
    http::decoded(&part.replace('+', "%2B"))
}
