//! Small text templates for declarative recipes.
//!
//! `{name}` inserts a value, `{settings.name}` a setting of the connection,
//! `{base64(...)}` the Base64 of what the template in the parentheses gives,
//! `{hmac-sha256(name,...)}` its HMAC-SHA-256 under the value of that name, in
//! hexadecimal; `{{` and `}}` stand for the braces themselves. There is nothing else: a
//! recipe comes from a connector and is run by the host with secrets in hand.

use base64::Engine as _;
use ring::hmac;
use serde_json::Value;
use zeroize::Zeroizing;

/// Longest template in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 8 * 1024;

/// Deepest nesting of functions.
const NESTING_MAX: usize = 4;

/// A template that cannot be read or filled in. Never holds a filled-in value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The template's text is wrong.
    #[error("template `{template}`: {reason}")]
    Syntax {
        /// The text.
        template: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name that nothing was given for.
    #[error("nothing is known under the name `{0}`")]
    Unknown(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(String),
    Base64(Vec<Part>),
    Hmac(String, Vec<Part>),
}

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// The text is longer than [`TEMPLATE_BYTES_MAX`], a brace is not closed, or
    /// a function is not known.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let syntax =
            |reason| TemplateError::Syntax { template: text.chars().take(80).collect(), reason };
        if text.len() > TEMPLATE_BYTES_MAX {
            return Err(syntax("it is too long"));
        }
        let mut rest = text;
        let parts = parse_parts(&mut rest, 0).map_err(syntax)?;
        Ok(Self { parts })
    }

    /// Every name that the template mentions.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        fn collect<'t>(parts: &'t [Part], into: &mut Vec<&'t str>) {
            for part in parts {
                match part {
                    Part::Text(_) => {}
                    Part::Name(name) => into.push(name),
                    Part::Base64(inner) => collect(inner, into),
                    Part::Hmac(key, inner) => {
                        into.push(key);
                        collect(inner, into);
                    }
                }
            }
        }
        let mut names = Vec::new();
        collect(&self.parts, &mut names);
        names
    }

    /// Fills the template in. The result is wiped from memory when dropped.
    ///
    /// # Errors
    ///
    /// `lookup` does not know a name.
    pub fn render<'v>(
        &self,
        lookup: &dyn Fn(&str) -> Option<std::borrow::Cow<'v, str>>,
    ) -> Result<Zeroizing<String>, TemplateError> {
        let mut out = Zeroizing::new(String::new());
        render_parts(&self.parts, lookup, &mut out)?;
        Ok(out)
    }

    /// Fills in settings only.
    ///
    /// # Errors
    ///
    /// A name is not `settings.<name>` or the setting is absent.
    pub fn render_settings(&self, settings: &Value) -> Result<String, TemplateError> {
        let text = self.render(&|name| setting(settings, name).map(Into::into))?;
        Ok(text.as_str().to_owned())
    }

    /// Fills in settings for a URL: a setting at the very start is taken as it
    /// is (a base URL, trailing `/` removed), any other is percent-encoded as one
    /// path segment, so that a setting cannot move the request elsewhere.
    ///
    /// # Errors
    ///
    /// As [`Template::render_settings`].
    pub fn render_url(&self, settings: &Value) -> Result<String, TemplateError> {
        let mut out = String::new();
        for (at, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Name(name) => {
                    let value = setting(settings, name)
                        .ok_or_else(|| TemplateError::Unknown(name.clone()))?;
                    if at == 0 {
                        out.push_str(value.trim_end_matches('/'));
                    } else {
                        percent_encode(&value, &mut out);
                    }
                }
                Part::Base64(_) => return Err(TemplateError::Unknown("base64".to_owned())),
                Part::Hmac(..) => return Err(TemplateError::Unknown("hmac-sha256".to_owned())),
            }
        }
        Ok(out)
    }
}

/// A setting as text, for a name of the form `settings.a.b`.
pub(crate) fn setting(settings: &Value, name: &str) -> Option<String> {
    let mut value = settings;
    for step in name.strip_prefix("settings.")?.split('.') {
        value = value.get(step)?;
    }
    scalar_text(value)
}

/// Text, number or truth value as text; anything else is not insertable.
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub(crate) fn percent_encode(text: &str, out: &mut String) {
    const HEX: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                out.push('%');
                out.extend(HEX.get(usize::from(byte >> 4)));
                out.extend(HEX.get(usize::from(byte & 15)));
            }
        }
    }
}

fn parse_parts(rest: &mut &str, depth: usize) -> Result<Vec<Part>, &'static str> {
    let mut parts = Vec::new();
    let mut text = String::new();
    while let Some(next) = rest.chars().next() {
        if depth > 0 && rest.starts_with(")}") {
            break;
        }
        if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
            text.push(next);
            *rest = after;
        } else if let Some(after) = rest.strip_prefix("{base64(") {
            flush(&mut text, &mut parts);
            *rest = after;
            parts.push(Part::Base64(parse_inner(rest, depth)?));
        } else if let Some(after) = rest.strip_prefix("{hmac-sha256(") {
            flush(&mut text, &mut parts);
            let (key, after) = after.split_once(',').ok_or("`{hmac-sha256(` lacks `name,`")?;
            let key = parse_name(key)?;
            *rest = after;
            parts.push(Part::Hmac(key, parse_inner(rest, depth)?));
        } else if let Some(after) = rest.strip_prefix('{') {
            flush(&mut text, &mut parts);
            let (name, after) = after.split_once('}').ok_or("`{` is not closed by `}`")?;
            parts.push(Part::Name(parse_name(name)?));
            *rest = after;
        } else if next == '}' {
            return Err("`}` without `{`; write `}}` for a brace");
        } else {
            text.push(next);
            *rest = rest.get(next.len_utf8()..).unwrap_or_default();
        }
    }
    flush(&mut text, &mut parts);
    Ok(parts)
}

/// What a function is given, up to the end of its call.
fn parse_inner(rest: &mut &str, depth: usize) -> Result<Vec<Part>, &'static str> {
    if depth >= NESTING_MAX {
        return Err("functions are nested too deeply");
    }
    let inner = parse_parts(rest, depth + 1)?;
    *rest = rest.strip_prefix(")}").ok_or("a function is not closed by `)}`")?;
    Ok(inner)
}

fn flush(text: &mut String, parts: &mut Vec<Part>) {
    if !text.is_empty() {
        parts.push(Part::Text(std::mem::take(text)));
    }
}

fn parse_name(name: &str) -> Result<String, &'static str> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || !name.chars().all(good) {
        return Err(
            "a name has letters, digits, `_`, `-` and `.`; functions are `base64(...)` and `hmac-sha256(name,...)`",
        );
    }
    Ok(name.to_owned())
}

fn render_parts<'v>(
    parts: &[Part],
    lookup: &dyn Fn(&str) -> Option<std::borrow::Cow<'v, str>>,
    out: &mut String,
) -> Result<(), TemplateError> {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Name(name) => {
                let value = lookup(name).ok_or_else(|| TemplateError::Unknown(name.clone()))?;
                out.push_str(&value);
            }
            Part::Base64(inner) => {
                let mut plain = Zeroizing::new(String::new());
                render_parts(inner, lookup, &mut plain)?;
                base64::engine::general_purpose::STANDARD.encode_string(plain.as_bytes(), out);
            }
            Part::Hmac(key, inner) => {
                let value = lookup(key).ok_or_else(|| TemplateError::Unknown(key.clone()))?;
                let mut plain = Zeroizing::new(String::new());
                render_parts(inner, lookup, &mut plain)?;
                let key = hmac::Key::new(hmac::HMAC_SHA256, value.as_bytes());
                let tag = hmac::sign(&key, plain.as_bytes());
                out.extend(tag.as_ref().iter().map(|byte| format!("{byte:02x}")));
            }
        }
    }
    Ok(())
}
