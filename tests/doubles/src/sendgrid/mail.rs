//! Messages that were taken in.

use serde_json::{Value, json};

use super::{SendGrid, invalid};
use crate::http::Answer;

/// A message to one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The number that its request was answered with.
    pub id: String,
    /// To whom.
    pub to: String,
    /// The template.
    pub template: String,
    /// What the template was filled with.
    pub data: Value,
    /// What its events will carry.
    pub custom_args: Value,
    /// The group that it can be unsubscribed from.
    pub group: Value,
}

impl SendGrid {
    pub(super) fn send(&mut self, body: &Value) -> Answer {
        let people = body["personalizations"].as_array().map(Vec::as_slice).unwrap_or_default();
        if people.is_empty() || people.len() > 1_000 {
            return invalid("personalizations", "the number of them is out of range");
        }
        let template = body["template_id"].as_str().unwrap_or_default();
        if !template.starts_with("d-") {
            return invalid("template_id", "The template_id must be a valid GUID");
        }
        for (place, person) in people.iter().enumerate() {
            let email = person["to"][0]["email"].as_str().unwrap_or_default();
            let sound = email.rsplit_once('@').is_some_and(|(_, domain)| domain.contains('.'));
            if !sound {
                let field = format!("personalizations.{place}.to.0.email");
                let message = format!("Does not contain a valid address: {email}");
                return invalid(&field, &message);
            }
        }
        if body["mail_settings"]["sandbox_mode"]["enable"] == true {
            return Answer::json(202, &Value::Null);
        }
        let id = format!("double-{}", self.messages.len() + 1);
        for person in people {
            self.messages.push(Message {
                id: id.clone(),
                to: person["to"][0]["email"].as_str().unwrap_or_default().to_owned(),
                template: template.to_owned(),
                data: person["dynamic_template_data"].clone(),
                custom_args: person["custom_args"].clone(),
                group: body["asm"]["group_id"].clone(),
            });
        }
        Answer::json(202, &json!(null)).header("x-message-id", id)
    }
}
