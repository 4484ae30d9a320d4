//! Exports: files of compressed JSON lines, fetched from a store of files that wants no
//! key and refuses one.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::{SendGrid, invalid, refusal};
use crate::http::{Answer, Request};
use crate::hubspot::clock::rfc3339;

/// Milliseconds until the files of an export are gone.
const KEPT_MILLIS: i64 = 72 * 3_600_000;

/// An export.
#[derive(Debug)]
pub(super) struct Export {
    id: String,
    files: Vec<String>,
    pub(super) left: u32,
    failed: bool,
}

impl SendGrid {
    pub(super) fn export(&mut self, body: &Value) -> Answer {
        if body["file_type"] != "json" {
            return invalid("file_type", "only json is known here");
        }
        let lines: Vec<String> =
            self.contacts.all().map(|contact| contact.line().to_string() + "\n").collect();
        let files = lines.chunks(self.file_contacts.max(1)).map(<[String]>::concat).collect();
        let number = self.exports.len() + 1;
        let id = format!("{number:08x}-77aa-4b1d-b0c4-{number:012x}");
        // Its own request counts too.
        let left = self.work_requests + 1;
        self.exports.push(Export { id: id.clone(), files, left, failed: false });
        Answer::json(202, &json!({"id": id, "_metadata": {}}))
    }

    pub(super) fn export_status(&self, id: &str) -> Answer {
        let Some(export) = self.exports.iter().find(|export| export.id == id) else {
            return refusal(404, None, "export not found");
        };
        let time = rfc3339(self.now * 1_000);
        let mut shown = json!({
            "id": export.id, "created_at": time, "updated_at": time, "status": "pending",
            "expires_at": rfc3339(self.now * 1_000 + KEPT_MILLIS), "urls": [],
        });
        match (export.failed, export.left) {
            (true, _) => {
                shown["status"] = "failure".into();
                shown["message"] = "the export could not be made".into();
            }
            (false, 0) => {
                let url = |number| format!("{}/exports/{id}/{number}?signed=1", self.files_url);
                shown["status"] = "ready".into();
                shown["urls"] = (0..export.files.len()).map(url).collect();
                shown["contact_count"] = export.files.concat().lines().count().into();
            }
            _ => {}
        }
        Answer::json(200, &shown)
    }

    /// Every export under way fails.
    pub fn fail_exports(&mut self) {
        self.exports.iter_mut().for_each(|export| export.failed = true);
    }

    /// The files of every export are gone.
    pub fn expire_exports(&mut self) {
        self.exports.clear();
    }

    /// The answer of the store of files, if that is what is asked.
    pub(super) fn file(&self, request: &Request) -> Option<Answer> {
        let path: Vec<&str> = request.path().trim_matches('/').split('/').collect();
        let text = match (request.method.as_str(), path.as_slice()) {
            ("GET", ["exports", id, number]) => {
                let export = self.exports.iter().find(|export| export.id == *id);
                export.and_then(|it| it.files.get(number.parse::<usize>().ok()?).cloned())
            }
            ("GET", ["errors", id]) => self.errors(id),
            _ => return None,
        };
        if request.find("authorization").is_some() {
            return Some(Answer::page(400));
        }
        Some(text.map_or_else(
            || Answer {
                status: 403,
                body: b"<Error><Code>AccessDenied</Code></Error>".to_vec(),
                ..Answer::default()
            },
            |text| {
                Answer { status: 200, headers: Vec::new(), body: gzip(&text) }
                    .header("content-type", "application/gzip")
            },
        ))
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing into memory does not fail.
    let written = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}
