//! Jobs: what is written to contacts is taken in, and done later.

use serde_json::{Map, Value, json};

use super::{SendGrid, refusal};
use crate::http::Answer;

/// A job.
#[derive(Debug)]
pub(super) struct Job {
    id: String,
    what: What,
    /// Requests until it is done.
    left: u32,
    results: Option<Results>,
}

#[derive(Debug, Clone)]
enum What {
    Upsert { contacts: Vec<Map<String, Value>>, lists: Vec<String> },
    Delete { ids: Vec<String> },
    Leave { list: String, ids: Vec<String> },
}

#[derive(Debug, Default)]
struct Results {
    requested: usize,
    created: usize,
    updated: usize,
    deleted: usize,
    errors: Vec<(String, String)>,
}

impl SendGrid {
    fn take(&mut self, what: What) -> String {
        let number = self.jobs.len() + 1;
        let id = format!("{number:08x}-91c2-4f0e-8a77-{number:012x}");
        self.jobs.push(Job { id: id.clone(), what, left: self.work_requests, results: None });
        id
    }

    pub(super) fn take_upsert(&mut self, body: &Value) -> Answer {
        if let Some(refusal) = self.contacts.refuse(body) {
            return refusal;
        }
        let texts = |value: &Value| {
            let items = value.as_array().into_iter().flatten();
            items.filter_map(|item| item.as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        let lists = texts(&body["list_ids"]);
        if lists.iter().any(|id| self.list(id).is_none()) {
            return refusal(404, Some("list_ids"), "list not found");
        }
        let contacts = body["contacts"].as_array().into_iter().flatten();
        let contacts = contacts.filter_map(|contact| contact.as_object().cloned()).collect();
        let job = self.take(What::Upsert { contacts, lists });
        Answer::json(202, &json!({ "job_id": job }))
    }

    pub(super) fn take_delete(&mut self, ids: &str) -> Answer {
        if ids.is_empty() {
            return Answer::json(400, &json!({"errors": [{"message": "ids is required"}]}));
        }
        let ids = ids.split(',').map(str::to_owned).collect();
        let job = self.take(What::Delete { ids });
        Answer::json(202, &json!({ "job_id": job }))
    }

    pub(super) fn take_leave(&mut self, list: &str, ids: &str) -> Answer {
        let ids = ids.split(',').map(str::to_owned).collect();
        let job = self.take(What::Leave { list: list.to_owned(), ids });
        Answer::json(202, &json!({ "job_id": job }))
    }

    /// What one more request means for jobs and exports.
    pub(super) fn work(&mut self) {
        let mut jobs = std::mem::take(&mut self.jobs);
        for job in jobs.iter_mut().filter(|job| job.results.is_none()) {
            match job.left.checked_sub(1) {
                Some(left) => job.left = left,
                None => job.results = Some(self.carry_out(&job.what)),
            }
        }
        self.jobs = jobs;
        self.exports.iter_mut().for_each(|export| export.left = export.left.saturating_sub(1));
    }

    fn carry_out(&mut self, what: &What) -> Results {
        let mut results = Results::default();
        match what {
            What::Upsert { contacts, lists } => {
                results.requested = contacts.len();
                for contact in contacts {
                    match self.contacts.upsert(contact, lists, self.now) {
                        Ok(true) => results.created += 1,
                        Ok(false) => results.updated += 1,
                        Err(error) => {
                            let email = contact.get("email").and_then(Value::as_str);
                            results.errors.push((email.unwrap_or_default().to_owned(), error));
                        }
                    }
                }
            }
            What::Delete { ids } => {
                results.requested = ids.len();
                ids.iter().for_each(|id| self.contacts.remove(id));
                results.deleted = ids.len();
            }
            What::Leave { list, ids } => {
                results.requested = ids.len();
                for id in ids {
                    if let Some(contact) = self.contacts.get_mut(id) {
                        contact.leave(list);
                    }
                }
                results.updated = ids.len();
            }
        }
        results
    }

    pub(super) fn job_status(&self, id: &str) -> Answer {
        let Some(job) = self.jobs.iter().find(|job| job.id == id) else {
            return refusal(404, None, "job not found");
        };
        let kind = if matches!(job.what, What::Delete { .. }) { "delete" } else { "upsert" };
        let mut shown = json!({"id": job.id, "job_type": kind, "status": "pending"});
        if let Some(results) = &job.results {
            let errors = results.errors.len();
            shown["status"] = match errors {
                0 => "completed",
                _ if errors == results.requested => "failed",
                _ => "errored",
            }
            .into();
            shown["results"] = json!({
                "requested_count": results.requested,
                "created_count": results.created,
                "updated_count": results.updated,
                "deleted_count": results.deleted,
                "errored_count": errors,
            });
            if errors > 0 {
                shown["results"]["errors_url"] =
                    format!("{}/errors/{}?signed=1", self.files_url, job.id).into();
            }
        }
        Answer::json(200, &shown)
    }

    /// The file of errors of a job.
    pub(super) fn errors(&self, id: &str) -> Option<String> {
        let job = self.jobs.iter().find(|job| job.id == id)?;
        let errors = job.results.as_ref()?.errors.iter();
        let lines: String = errors
            .map(|(email, error)| format!("{email},\"{}\"\n", error.replace('"', "\"\"")))
            .collect();
        Some(format!("EMAIL,ERROR\n{lines}"))
    }
}
