//! Lists of contacts.

use serde_json::{Value, json};

use super::{SendGrid, invalid, refusal};
use crate::http::{Answer, Request};

/// A list.
#[derive(Debug, Clone)]
pub(super) struct List {
    id: String,
    name: String,
}

impl SendGrid {
    /// A list, made by hand; its number.
    pub fn make_list(&mut self, name: &str) -> String {
        let number = self.lists.len() + 1;
        let id = format!("{number:08x}-3c11-4e9f-a2b5-{number:012x}");
        self.lists.push(List { id: id.clone(), name: name.to_owned() });
        id
    }

    /// The names of all lists, in the order in which they were made.
    #[must_use]
    pub fn list_names(&self) -> Vec<&str> {
        self.lists.iter().map(|list| list.name.as_str()).collect()
    }

    pub(super) fn list(&self, id: &str) -> Option<&List> {
        self.lists.iter().find(|list| list.id == id)
    }

    fn shown(&self, list: &List) -> Value {
        let count = self.contacts.members(&list.id).len();
        json!({"id": list.id, "name": list.name, "contact_count": count, "_metadata": {}})
    }

    pub(super) fn of_lists(
        &mut self,
        method: &str,
        rest: &[&str],
        request: &Request,
        body: &Value,
    ) -> Answer {
        let missing = || refusal(404, None, "list not found");
        match (method, rest) {
            ("GET", []) => self.list_page(request),
            ("POST", []) => {
                let name = body["name"].as_str().unwrap_or_default();
                if name.is_empty() || name.chars().count() > 100 {
                    return invalid("name", "the length of the name is out of range");
                }
                if self.lists.iter().any(|list| list.name == name) {
                    return invalid("name", &format!("name '{name}' is already in use"));
                }
                let id = self.make_list(name);
                match self.list(&id) {
                    Some(list) => Answer::json(201, &self.shown(list)),
                    None => missing(),
                }
            }
            ("GET", [id]) => match self.list(id) {
                Some(list) => Answer::json(200, &self.shown(list)),
                None => missing(),
            },
            ("DELETE", [id]) if self.list(id).is_some() => {
                self.lists.retain(|list| list.id != *id);
                self.contacts.forget_list(id);
                Answer::json(204, &Value::Null)
            }
            ("DELETE", [id, "contacts"]) if self.list(id).is_some() => {
                let ids = request.parameter("contact_ids").unwrap_or_default();
                self.take_leave(id, &ids)
            }
            _ => missing(),
        }
    }

    fn list_page(&self, request: &Request) -> Answer {
        let asked = |name: &str| request.parameter(name)?.parse::<usize>().ok();
        let size = asked("page_size").unwrap_or(100).min(self.page_lists);
        let from = asked("page_token").unwrap_or_default();
        let shown: Vec<Value> =
            self.lists.iter().skip(from).take(size).map(|list| self.shown(list)).collect();
        let mut metadata = json!({"count": self.lists.len()});
        if from + shown.len() < self.lists.len() {
            let next = from + shown.len();
            metadata["next"] = format!(
                "https://api.sendgrid.com/v3/marketing/lists?page_size={size}&page_token={next}"
            )
            .into();
        }
        Answer::json(200, &json!({"result": shown, "_metadata": metadata}))
    }
}
