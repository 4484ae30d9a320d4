//! Keeps secrets out of text that people or logs see.
//!
//! A vendor may echo a key in an error, a client library may print a URL with a
//! key in its query. Every secret that was used is remembered here, in each form
//! in which it travels, and replaced.

use std::fmt;
use std::sync::Mutex;

use base64::Engine as _;
use memchr::memmem;
use zeroize::Zeroizing;

use crate::template::percent_encode;

/// What stands in place of a secret.
pub const MASK: &str = "***";

/// Shorter values are not replaced: they would turn every text into stars and
/// are guessable anyway.
const SECRET_BYTES_MIN: usize = 3;

/// Shorter forms stay in bodies: there they may be a customer's value by chance.
const BODY_FORM_BYTES_MIN: usize = 16;

/// Most forms remembered; the oldest are forgotten first (rotated sessions).
const FORMS_MAX: usize = 256;

/// The secrets of one connection, for replacing. `Debug` shows nothing of them.
#[derive(Default)]
pub struct Redactor {
    forms: Mutex<Vec<Zeroizing<String>>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(***)")
    }
}

impl Redactor {
    /// Nothing known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers a secret: as it is, percent-encoded, JSON-escaped, Base64.
    pub fn learn(&self, secret: &str) {
        if secret.len() < SECRET_BYTES_MIN {
            return;
        }
        let mut forms = self.forms.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut percent = String::new();
        percent_encode(secret, &mut percent);
        let json = json_escaped(secret);
        let base64 = base64::engine::general_purpose::STANDARD.encode(secret);
        for form in [Zeroizing::new(secret.to_owned()), percent.into(), json, base64.into()] {
            // A form in use counts as new, so that only unused ones are forgotten.
            forms.retain(|known| *known != form);
            forms.push(form);
        }
        let excess = forms.len().saturating_sub(FORMS_MAX);
        forms.drain(..excess);
    }

    /// The text with every known secret replaced by [`MASK`].
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let forms = self.forms.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Longest first, so that a secret that contains another leaves no rest.
        let mut found: Vec<&str> =
            forms.iter().map(|form| form.as_str()).filter(|form| text.contains(*form)).collect();
        found.sort_by_key(|form| std::cmp::Reverse(form.len()));
        found.iter().fold(text.to_owned(), |text, form| text.replace(form, MASK))
    }

    /// The body of an answer with every long secret replaced by [`MASK`]: a vendor
    /// that repeats a request does not hand the connector its key.
    #[must_use]
    pub fn redact_body(&self, body: Vec<u8>) -> Vec<u8> {
        let forms = self.forms.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let long = forms.iter().map(|form| form.as_bytes());
        let long = long.filter(|form| form.len() >= BODY_FORM_BYTES_MIN);
        let mut found: Vec<&[u8]> =
            long.filter(|form| memmem::find(&body, form).is_some()).collect();
        found.sort_by_key(|form| std::cmp::Reverse(form.len()));
        found.into_iter().fold(body, |body, form| masked(&body, form))
    }
}

fn masked(body: &[u8], form: &[u8]) -> Vec<u8> {
    let (mut rest, mut masked) = (0, Vec::with_capacity(body.len()));
    for at in memmem::find_iter(body, form) {
        masked.extend_from_slice(&body[rest..at]);
        masked.extend_from_slice(MASK.as_bytes());
        rest = at + form.len();
    }
    masked.extend_from_slice(&body[rest..]);
    masked
}

/// The inside of a JSON string, without its quotes.
pub(crate) fn json_escaped(text: &str) -> Zeroizing<String> {
    let quoted = Zeroizing::new(serde_json::Value::from(text).to_string());
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    Zeroizing::new(inner.unwrap_or_default().to_owned())
}
