//! What a message in the mailbox reports: bounces (delivery status notifications,
//! RFC 3464) and complaints (feedback of mailbox providers, RFC 5965).
//!
//! A report is recognised by its part, not by the type of the whole: OpenSMTPD, for
//! one, calls it `multipart/mixed`. And where the status says no more than "failed",
//! the true one is looked for in the words of the server and in the text for
//! people, where it usually is. A message that reports nothing (an answer of a
//! person, an autoresponder) is nothing.

use liaison_sdk::{EntityKind, Field, Row, Stream};
use serde_json::{Map, Value, json};

use crate::mime::{self, Part, header};
use crate::settings::{REPORTS, is_address};

/// Most recipients of one report.
const RECIPIENTS_MAX: usize = 100;
/// Words of a server are cut here, in bytes.
const DIAGNOSTIC_BYTES_MAX: usize = 500;

type Headers = Vec<(String, String)>;

/// The stream of what came back.
pub fn stream() -> Stream {
    let fields = [
        Field::text("event").title("What: bounce, delay, delivered, complaint"),
        Field::text("email").title("Whose mailbox").pii("email"),
        Field::text("kind").title("hard, soft or transient; for complaints the kind of feedback"),
        Field::text("status").title("Status (RFC 3463)"),
        Field::text("diagnostic").title("The server's words"),
        Field::text("message_id").title("Message-ID of what was sent"),
        Field::text("timestamp").title("When it was delivered here"),
    ];
    Stream::new(REPORTS)
        .title("Bounces and complaints")
        .kind(EntityKind::Event)
        .readable()
        .with_fields(fields)
}

/// The rows of a message.
pub fn rows(unique: &str, at: &str, bytes: &[u8]) -> Vec<Row> {
    let parts = mime::parse(bytes);
    let of = |kind: &str| parts.iter().position(|part| part.kind == kind);
    if let Some(place) = of("message/delivery-status") {
        return statuses(unique, at, &parts, place);
    }
    match of("message/feedback-report").and_then(|place| parts.get(place)) {
        Some(feedback) => vec![complaint(unique, at, &parts, feedback)],
        None => Vec::new(),
    }
}

/// A row for each recipient of a status notification.
fn statuses(unique: &str, at: &str, parts: &[Part], place: usize) -> Vec<Row> {
    let text = parts.get(place).map(|part| part.text.as_str()).unwrap_or_default();
    let sent = sent_headers(parts);
    let told: String =
        parts.iter().take(place).filter(|it| it.kind == "text/plain").map(|it| &*it.text).collect();
    let groups = groups(text).into_iter();
    // The first group is about the message.
    let groups = groups.filter(|group| header(group, "final-recipient").is_some());
    let rows: Vec<Row> = groups
        .take(RECIPIENTS_MAX)
        .enumerate()
        .map(|(number, group)| {
            let key = format!("{unique}/{}", number + 1);
            match status(&group, &told, &sent) {
                Some(mut data) => {
                    data.insert("timestamp".to_owned(), at.into());
                    Row::event(key, data)
                }
                None => Row::invalid(Some(key), unique, "recipient", ""),
            }
        })
        .collect();
    if rows.is_empty() {
        return vec![Row::invalid(Some(unique.to_owned()), unique, "no-recipient", "")];
    }
    rows
}

fn status(group: &Headers, told: &str, sent: &Headers) -> Option<Map<String, Value>> {
    let action = header(group, "action").unwrap_or("failed").to_ascii_lowercase();
    // What was written to, where it was forwarded from there.
    let named = [header(group, "original-recipient"), header(group, "final-recipient")];
    let email = named.into_iter().flatten().find_map(address)?;
    let declared = header(group, "status").and_then(|value| value.split_whitespace().next());
    let declared = declared.filter(|status| is_status(status));
    let diagnostic = header(group, "diagnostic-code").unwrap_or_default();
    let telling = |status: &&str| !status.ends_with(".0.0");
    let status = declared.filter(telling).or_else(|| found_in(diagnostic));
    let status = status.or_else(|| found_in(told)).or(declared);
    let (event, kind) = match action.as_str() {
        "delayed" => ("delay", "transient"),
        "delivered" | "relayed" | "expanded" => ("delivered", ""),
        // A server that gave up on a transient failure; and a mailbox that is full
        // is somebody's all the same.
        _ if status.is_some_and(|it| it.starts_with('4') || it == "5.2.2") => ("bounce", "soft"),
        _ => ("bounce", "hard"),
    };
    let words = diagnostic.split_once(';').map_or(diagnostic, |(_, words)| words).trim();
    let words = words.get(..words.floor_char_boundary(DIAGNOSTIC_BYTES_MAX)).unwrap_or_default();
    Some(object(json!({
        "event": event,
        "email": email,
        "kind": filled(kind),
        "status": status,
        "diagnostic": filled(words),
        "message_id": message_id(sent),
    })))
}

fn complaint(unique: &str, at: &str, parts: &[Part], feedback: &Part) -> Row {
    let (fields, _) = mime::split(feedback.text.trim_start());
    let sent = sent_headers(parts);
    let kind = header(&fields, "feedback-type").unwrap_or("abuse").to_ascii_lowercase();
    // Many providers take the address away; what was sent may still have it.
    let named = [header(&fields, "original-rcpt-to"), header(&sent, "to")];
    let Some(email) = named.into_iter().flatten().find_map(address) else {
        return Row::invalid(Some(unique.to_owned()), unique, "recipient", "");
    };
    let data = json!({
        // The only kind that is no complaint.
        "event": if kind == "not-spam" { "not-spam" } else { "complaint" },
        "email": email,
        "kind": kind,
        "status": null,
        "diagnostic": null,
        "message_id": message_id(&sent),
        "timestamp": at,
    });
    Row::event(unique, data)
}

/// Groups of fields, separated by empty lines.
fn groups(text: &str) -> Vec<Headers> {
    let mut rest = text.trim_start_matches('\n');
    let mut groups = Vec::new();
    while !rest.is_empty() && groups.len() <= RECIPIENTS_MAX {
        let (group, after) = mime::split(rest);
        groups.push(group);
        rest = after.trim_start_matches('\n');
    }
    groups
}

/// The headers of the message that was sent, if it was sent back.
fn sent_headers(parts: &[Part]) -> Headers {
    let back = ["message/rfc822", "text/rfc822-headers", "message/rfc822-headers"];
    let part = parts.iter().find(|part| back.contains(&part.kind.as_str()));
    part.map(|part| mime::split(part.text.trim_start_matches('\n')).0).unwrap_or_default()
}

fn message_id(sent: &Headers) -> Option<String> {
    let id = header(sent, "message-id")?.trim().trim_start_matches('<').trim_end_matches('>');
    Some(id.to_owned()).filter(|id| !id.is_empty())
}

/// `rfc822; <ana@x.example>` or `Ana <ana@x.example>`: the address.
fn address(value: &str) -> Option<String> {
    let value = match value.split_once(';') {
        Some((kind, rest)) if kind.trim().eq_ignore_ascii_case("rfc822") => rest,
        _ => value,
    };
    let value = value.rsplit_once('<').map_or(value, |(_, rest)| rest);
    let value = value.split('>').next().unwrap_or_default().trim();
    is_address(value).then(|| value.to_owned())
}

/// Whether a word is an enhanced status (RFC 3463): `5.1.1`.
pub fn is_status(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let number = |part: &&str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    parts.len() == 3
        && parts.iter().all(number)
        && matches!(parts.first(), Some(&("2" | "4" | "5")))
}

/// The first telling status of a text, but no success: that would be an address
/// of a server or a version.
fn found_in(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
        .map(|word| word.trim_matches('.'))
        .find(|word| is_status(word) && !word.starts_with('2') && !word.ends_with(".0.0"))
}

fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
