//! From a template and a row to a message.

use liaison_sdk::{Fault, FaultCode, mail};
use serde_json::{Map, Value};

use crate::encode;
use crate::settings::{Settings, TO, Template, is_address};
use crate::template::{Hole, Place, Text};

/// Largest body in bytes, encoded. Servers take 10 MiB and more, and no letter needs it.
const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Longest address to unsubscribe at, in bytes: it must fit on a line.
const UNSUBSCRIBE_BYTES_MAX: usize = 900;

/// A message and what it will be known by.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Its `Message-ID`, without the brackets.
    pub id: String,
    /// The message.
    pub message: mail::Message,
}

/// The message for a row. The same key makes the same `Message-ID`.
///
/// # Errors
/// `rejected` at the field that keeps it from being written.
pub fn write(
    settings: &Settings,
    template: &Template,
    row: &Map<String, Value>,
    (key, date): (&str, &str),
) -> Result<Letter, Fault> {
    let to = row.get(TO).and_then(Value::as_str).map(str::trim).unwrap_or_default();
    if !is_address(to) {
        let reason = if to.is_empty() { "no-value" } else { "address" };
        return Err(rejected(TO, reason));
    }
    let filled = |text: &Text, into| {
        text.fill(row, into).map_err(|Hole { field, reason }| rejected(&field, reason))
    };
    let domain = settings.from.rsplit_once('@').map_or("", |(_, domain)| domain);
    let id = format!("{key}@{domain}");
    let mut headers = Headers(Vec::new());
    let from = match &settings.from_name {
        Some(name) => format!("{} <{}>", encode::phrase(name), settings.from),
        None => settings.from.clone(),
    };
    headers.add("From", from);
    headers.add("To", to);
    headers.add("Subject", encode::words(&filled(&template.subject, Place::Header)?));
    headers.add("Date", date);
    headers.add("Message-ID", format!("<{id}>"));
    if let Some(reply_to) = &settings.reply_to {
        headers.add("Reply-To", reply_to);
    }
    if let Some(unsubscribe) = &template.unsubscribe {
        let address = filled(unsubscribe, Place::Address)?;
        let odd = |byte: u8| !byte.is_ascii_graphic() || byte == b'<' || byte == b'>';
        if address.len() > UNSUBSCRIBE_BYTES_MAX || address.bytes().any(odd) {
            return Err(rejected("unsubscribe", "address"));
        }
        headers.add("List-Unsubscribe", format!("<{address}>"));
        headers.add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
    }
    // No machine should answer to it (RFC 3834).
    headers.add("Auto-Submitted", "auto-generated");
    headers.add("MIME-Version", "1.0");
    let text = template.text.as_ref().map(|text| filled(text, Place::Plain)).transpose()?;
    let html = template.html.as_ref().map(|text| filled(text, Place::Html)).transpose()?;
    let body = headers.body(key, text.as_deref(), html.as_deref());
    if body.len() > BODY_BYTES_MAX {
        return Err(rejected("", "too-large").with("bytes-max", BODY_BYTES_MAX));
    }
    let message = mail::Message {
        sender: settings.return_path().to_owned(),
        recipients: vec![to.to_owned()],
        headers: headers.0,
        body: body.into_bytes(),
    };
    Ok(Letter { id, message })
}

fn rejected(field: &str, reason: &str) -> Fault {
    Fault::new(FaultCode::Rejected).at(field).with("reason", reason)
}

struct Headers(Vec<(String, String)>);

impl Headers {
    fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// The body, and the headers that say what it is.
    fn body(&mut self, key: &str, text: Option<&str>, html: Option<&str>) -> String {
        const ENCODING: &str = "Content-Transfer-Encoding";
        let kind = |kind: &str| format!("text/{kind}; charset=utf-8");
        let (text, html) = match (text, html) {
            (Some(text), Some(html)) => (text, html),
            (text, html) => {
                self.add("Content-Type", kind(if text.is_some() { "plain" } else { "html" }));
                self.add(ENCODING, "quoted-printable");
                return encode::quoted_printable(text.or(html).unwrap_or_default());
            }
        };
        // No line of quoted-printable holds these two bytes one after the other.
        let border = format!("=_{key}");
        self.add("Content-Type", format!("multipart/alternative; boundary=\"{border}\""));
        let mut body = String::new();
        for (of, part) in [("plain", text), ("html", html)] {
            let head = format!("Content-Type: {}\r\n{ENCODING}: quoted-printable\r\n", kind(of));
            body += &format!("--{border}\r\n{head}\r\n{}", encode::quoted_printable(part));
        }
        body + &format!("--{border}--\r\n")
    }
}
