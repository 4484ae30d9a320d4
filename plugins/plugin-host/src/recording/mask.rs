//! Masking: other values of the same form in place of those that systems gave.
//!
//! The same value has the same mask all over a recording, whatever its case. A letter
//! stays a letter of its case and length, a digit a digit, and what stands between words
//! stays, so an address stays one and an id of seven digits too. No two values get one
//! mask: each character is moved by as much as those before it say, under a key that is
//! thrown away. That also says what a mask is worth: lengths, equalities and equal
//! beginnings show through. It is for handing a recording to a colleague, not for
//! publishing it.
//!
//! Left alone are names (members of objects, and every word of the settings, the stream
//! and the mapped fields, so the head of a table stays), instants, since order and cursors
//! hang on them, and numbers below a million, which are mostly counts and states.
//!
//! A connector's requests are not masked but made anew: it is run on the masked answers,
//! and asks for what it makes of them, from the cursors that it gives. Where it then takes another way than it did, there
//! is no masked recording of it.

use std::collections::{BTreeSet, HashMap};

use plugin_gateway::{HttpResponse, MailDelivery, MailFault};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::form::Header;
use super::gave::Gave;
use super::walk;
use crate::question::Question;
use crate::way::Reply;

/// Why there is no masked recording.
#[derive(Debug, thiserror::Error)]
pub enum MaskRefused {
    /// The component takes another way on masked values.
    #[error("on masked values call {call} gives {gave} in place of {recorded}")]
    OtherWay {
        /// The call.
        call: u32,
        /// What it had given.
        recorded: Box<Gave>,
        /// What it gives on masked values.
        gave: Box<Gave>,
    },
    /// It asks for something else.
    #[error("on masked values call {call} makes other requests than recorded")]
    OtherErrands {
        /// The call.
        call: u32,
    },
    /// The host cannot run it.
    #[error("it cannot be run: {0}")]
    Host(String),
    /// It cannot be written.
    #[error("it cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

/// Numbers of fewer digits are left alone.
const DIGITS_MIN: usize = 7;
/// Words that are values of their own.
const WORDS: [&str; 3] = ["true", "false", "null"];
/// Members of a question that are the hub's own words.
const OWN_MEMBERS: [&str; 13] = [
    "stream",
    "fields",
    "action",
    "change",
    "idempotency_key",
    "if_version",
    "since",
    "purpose",
    "session",
    "received",
    "method",
    "container",
    "ttl_seconds",
];
/// Members of a question, objects, whose members are fields.
const DATA_MEMBERS: [&str; 4] = ["patch", "matching", "fields", "settings"];
/// Headers of answers that say nothing of anybody.
const OWN_HEADERS: [&str; 4] = ["content-type", "date", "retry-after", "etag"];

/// A mask under a key.
pub(crate) struct Mask {
    key: [u8; 32],
    kept: BTreeSet<String>,
    known: HashMap<String, String>,
}

impl Mask {
    /// The mask of a recording: names that its configuration uses are left alone.
    pub(crate) fn new<'q>(
        key: [u8; 32],
        header: &Header,
        questions: impl Iterator<Item = &'q Question<'static>>,
    ) -> Self {
        let mut kept: BTreeSet<String> = WORDS.iter().map(|word| (*word).to_owned()).collect();
        let mut keep = |text: &str| kept.extend(runs(text).map(|(_, run)| run.to_owned()));
        names(&header.settings, &mut keep);
        for question in questions {
            let (stream, fields): (&str, &[String]) = match question {
                Question::Read(it) => (it.stream.as_str(), &it.fields),
                Question::Lookup(it) => (it.stream.as_str(), &it.fields),
                Question::Write(it) => (it.stream.as_str(), &[]),
                _ => ("", &[]),
            };
            keep(stream);
            fields.iter().for_each(|field| keep(field));
        }
        Self { key, kept, known: HashMap::new() }
    }

    /// The question with other values.
    pub(crate) fn question(&mut self, question: &Question<'static>) -> serde_json::Result<Value> {
        let mut value = serde_json::to_value(question)?;
        // A question without anything in it is its own name.
        if !value.is_string() {
            self.members(&mut value, &OWN_MEMBERS);
        }
        Ok(value)
    }

    /// The answer with other values.
    pub(crate) fn reply(&mut self, reply: &mut Reply) {
        match reply {
            Reply::Http(Ok(HttpResponse { headers, body, .. })) => {
                *body = self.bytes(body);
                for (name, value) in headers {
                    let own = OWN_HEADERS.contains(&name.as_str()) || name.contains("limit");
                    *value = if own { std::mem::take(value) } else { self.text(value) };
                }
            }
            Reply::Part(Ok(range)) => range.bytes = self.bytes(&range.bytes),
            // What was opened is text; what was made of a key is not.
            Reply::Made(Ok(made)) if std::str::from_utf8(&made.0).is_ok() => {
                made.0 = self.bytes(&made.0);
            }
            Reply::Mail(Ok(deliveries)) => {
                for delivery in deliveries {
                    let (MailDelivery::Accepted(text)
                    | MailDelivery::Deferred(text)
                    | MailDelivery::Refused(text)
                    | MailDelivery::Unknown(text)) = delivery;
                    *text = self.text(text);
                }
            }
            Reply::Mail(Err(fault)) | Reply::Checked(Err(fault)) => {
                if let MailFault::Deferred(text) | MailFault::Refused(text) = fault {
                    *text = self.text(text);
                }
            }
            // Names and states of files, and the host's own words.
            Reply::Http(Err(_)) | Reply::Part(Err(_)) | Reply::Checked(Ok(())) => {}
            Reply::Files(_) | Reply::File(_) | Reply::Made(_) => {}
        }
    }

    /// Every value but those of some members, down to where the values of people begin.
    fn members(&mut self, value: &mut Value, own: &[&str]) {
        match value {
            Value::Object(members) if !members.contains_key(plugin_api::bytes::BASE64) => {
                for (name, value) in members {
                    if value.is_object() && DATA_MEMBERS.contains(&name.as_str()) {
                        self.members(value, &[]);
                    } else if !own.contains(&name.as_str()) {
                        self.members(value, own);
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.members(value, own)),
            Value::Number(number) => {
                if let Ok(masked) = serde_json::from_str(&self.number(&number.to_string())) {
                    *number = masked;
                }
            }
            // One text, or bytes that are none.
            other => {
                walk::change(other, &mut |bytes| Some(self.bytes(bytes)));
            }
        }
    }

    /// Bytes that are no text are taken for Latin-1.
    fn bytes(&mut self, bytes: &[u8]) -> Vec<u8> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(text).into_bytes(),
            Err(_) => {
                let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
                let masked = self.words(&text);
                masked.chars().map(|c| u8::try_from(c).unwrap_or(b'x')).collect()
            }
        }
    }

    /// JSON, lines of JSON, or words.
    fn text(&mut self, text: &str) -> String {
        let is_json = |text: &str| text.starts_with('{') || text.starts_with('[');
        if is_json(text.trim_start())
            && let Ok(mut value) = serde_json::from_str(text)
        {
            self.members(&mut value, &[]);
            return value.to_string();
        }
        let mut lines = text.lines().filter(|line| !line.is_empty());
        if text.contains('\n') && lines.clone().count() > 1 && lines.all(is_json) {
            let lines = text.split_inclusive('\n');
            return lines.map(|line| self.line(line)).collect();
        }
        self.words(text)
    }

    fn line(&mut self, line: &str) -> String {
        let inner = line.trim_end_matches(['\r', '\n']);
        let end = line.get(inner.len()..).unwrap_or_default();
        match serde_json::from_str(inner) {
            Ok(mut value) => {
                self.members(&mut value, &[]);
                format!("{value}{end}")
            }
            Err(_) => self.words(line),
        }
    }

    fn words(&mut self, text: &str) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut done = 0;
        for (at, run) in runs(text) {
            if at < done {
                continue;
            }
            masked.push_str(text.get(done..at).unwrap_or_default());
            let rest = text.get(at..).unwrap_or_default();
            let bytes = instant_bytes(rest);
            if bytes > 0 {
                masked.push_str(rest.get(..bytes).unwrap_or_default());
                done = at + bytes;
            } else if let Some(date) = rest.get(..DATE_BYTES).filter(|it| is_date(it)) {
                masked.push_str(&self.date(date));
                done = at + DATE_BYTES;
            } else {
                masked.push_str(&self.word(run));
                done = at + run.len();
            }
        }
        masked.push_str(text.get(done..).unwrap_or_default());
        masked
    }

    fn word(&mut self, word: &str) -> String {
        if self.kept.contains(word) || is_epoch(word) {
            return word.to_owned();
        }
        if let Some(known) = self.known.get(word) {
            return known.clone();
        }
        let mut before = Sha256::new().chain_update(self.key);
        let mut masked = String::with_capacity(word.len());
        for c in word.chars() {
            masked.push(moved(c, &before));
            let lower: String = c.to_lowercase().collect();
            before.update(lower);
        }
        self.known.insert(word.to_owned(), masked.clone());
        masked
    }

    /// A number keeps its sign and length, and does not begin with nought.
    fn number(&mut self, number: &str) -> String {
        let digits = number.strip_prefix('-').unwrap_or(number);
        let whole = digits.len() >= DIGITS_MIN && digits.bytes().all(|b| b.is_ascii_digit());
        if !whole || is_epoch(digits) {
            return number.to_owned();
        }
        let masked = self.word(digits);
        let sign = number.strip_suffix(digits).unwrap_or_default();
        match masked.strip_prefix('0') {
            Some(rest) => format!("{sign}9{rest}"),
            None => format!("{sign}{masked}"),
        }
    }

    /// Another day of the same year.
    fn date(&self, date: &str) -> String {
        let hash = Sha256::new().chain_update(self.key).chain_update(date).finalize();
        let year = date.get(..4).unwrap_or_default();
        let (month, day) = (hash.first().map_or(0, |b| b % 12), hash.get(1).map_or(0, |b| b % 28));
        format!("{year}-{:02}-{:02}", month + 1, day + 1)
    }
}

/// A character of the same kind, case and length, by what comes before it.
fn moved(c: char, before: &Sha256) -> char {
    let (first, count) = match c {
        '0'..='9' => ('0', 10),
        'a'..='z' => ('a', 26),
        'A'..='Z' => ('A', 26),
        _ => match c.len_utf8() {
            2 => ('\u{e0}', 23),
            3 => ('\u{4e00}', 20_000),
            _ => ('\u{20000}', 40_000),
        },
    };
    let hash = before.clone().finalize();
    let by = hash.iter().take(4).fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
    let first = u32::from(first);
    let place = u32::from(c).wrapping_sub(first) % count;
    let moved = (u64::from(place) + u64::from(by)) % u64::from(count);
    u32::try_from(moved).ok().and_then(|moved| char::from_u32(first + moved)).unwrap_or(c)
}

const DATE_BYTES: usize = 10;

fn is_date(text: &str) -> bool {
    text.len() == DATE_BYTES
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// How many bytes of the text are an instant: a date, a time, and what belongs to it.
fn instant_bytes(text: &str) -> usize {
    let time = text.get(..DATE_BYTES).filter(|date| is_date(date)).and_then(|_| {
        let rest = text.get(DATE_BYTES..)?.strip_prefix(['T', 't', ' '])?;
        let end = rest.find(|c: char| !(c.is_ascii_digit() || ":.+-Zz".contains(c)));
        let time = rest.get(..end.unwrap_or(rest.len()))?;
        time.contains(':').then_some(time.len())
    });
    time.map_or(0, |time| DATE_BYTES + 1 + time)
}

/// Seconds or milliseconds since 1970, of this century.
fn is_epoch(word: &str) -> bool {
    matches!(word.len(), 10 | 13)
        && word.starts_with('1')
        && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Letters and digits that stand together, and where.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive(|c: char| !c.is_alphanumeric()).filter_map(move |part| {
        let begins = at;
        at += part.len();
        let run = part.trim_end_matches(|c: char| !c.is_alphanumeric());
        (!run.is_empty()).then_some((begins, run))
    })
}

/// Every name and text of the settings.
fn names(value: &Value, keep: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => keep(text),
        Value::Array(values) => values.iter().for_each(|value| names(value, keep)),
        Value::Object(members) => {
            for (name, value) in members {
                keep(name);
                names(value, keep);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::{BTreeSet, HashMap};

    use serde_json::{Value, json};

    use super::{Mask, WORDS};

    fn mask(kept: &[&str]) -> Mask {
        let kept = kept.iter().chain(&WORDS).map(|word| (*word).to_owned()).collect();
        Mask { key: [7; 32], kept, known: HashMap::new() }
    }

    /// The shape of a text: what class each character is of.
    fn shape(text: &str) -> String {
        let class = |c: char| match c {
            '0'..='9' => '9',
            'a'..='z' => 'a',
            'A'..='Z' => 'A',
            c if c.is_alphanumeric() => 'é',
            c => c,
        };
        text.chars().map(class).collect()
    }

    #[test]
    fn a_mask_keeps_the_form_and_hides_the_value() {
        for text in ["ana.martin@x.fr", "+33 6 12 34 56 78", "Zoë O'Neil-日本", "AB-12/c", ""] {
            let masked = mask(&[]).text(text);
            assert_eq!(shape(&masked), shape(text), "{text}: {masked}");
            assert_eq!(masked.len(), text.len(), "{text}: {masked}");
            assert!(text.is_empty() || masked != text, "{text}");
        }
    }

    #[test]
    fn equal_values_stay_equal_and_others_different() {
        let mut mask = mask(&[]);
        assert_eq!(mask.text("Ana").to_lowercase(), mask.text("ANA").to_lowercase());
        let masks: BTreeSet<String> = (0..1_000).map(|n| mask.text(&format!("{n:04}"))).collect();
        assert_eq!(masks.len(), 1_000, "two values have one mask");
    }

    #[test]
    fn names_instants_and_small_numbers_stay() {
        let mut mask = mask(&["id", "email"]);
        for text in ["id,email\n", "true", "2026-11-30T12:00:00.5Z", "1764489600000"] {
            assert_eq!(mask.text(text), text);
        }
        let body = json!({ "email": "ana@x.fr", "n": 200, "phone": 33612345678_u64, "at":
            "2026-11-30 12:00:00", "born": "1984-05-12", "inner": "{\"name\":\"Ana\"}" });
        let masked: Value = serde_json::from_str(&mask.text(&body.to_string())).unwrap();
        for name in ["n", "at"] {
            assert_eq!(masked[name], body[name]);
        }
        for name in ["email", "phone", "born", "inner"] {
            assert_ne!(masked[name], body[name], "{name}");
        }
        assert_eq!(masked["phone"].to_string().len(), 11);
        assert!(masked["inner"].as_str().unwrap().contains("\"name\""));
        assert!(masked["born"].as_str().unwrap().starts_with("1984-"));
        let lines = mask.text("{\"a\":\"Ana\"}\n{\"a\":\"Ana\"}\n");
        let (one, two) = lines.trim().split_once('\n').unwrap();
        assert!(one == two && !one.contains("Ana"), "{lines}");
    }

    #[test]
    fn bytes_that_are_no_text_are_masked_too() {
        let masked = mask(&[]).bytes(b"Jos\xe9;12");
        assert_eq!(masked.len(), 7);
        assert!(masked[4] == b';' && !masked.starts_with(b"Jos"), "{masked:?}");
    }
}
