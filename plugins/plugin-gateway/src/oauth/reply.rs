//! What a token address answered, read as a value. Hostile until proven: a page, half an
//! answer, a number that is none.

use std::collections::BTreeMap;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::recipe::wipe;
use crate::template::scalar_text;

/// Largest answer that is read, in bytes.
pub const REPLY_BYTES_MAX: usize = 64 * 1024;
/// Longest token in bytes.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Most characters of a vendor's own words in a fault.
const WORDS_CHARS_MAX: usize = 200;
/// A token is not called good for longer than that, whatever its vendor says.
const LIFETIME_SECONDS_MAX: u64 = 366 * 86_400;

/// A token and what came with it.
pub struct Reply {
    /// The access token.
    pub access_token: Zeroizing<String>,
    /// A new refresh token, where one was given.
    pub refresh_token: Option<Zeroizing<String>>,
    /// How long the access token is good. None = not said, as Salesforce does: it is used
    /// until it is refused.
    pub lifetime_seconds: Option<u64>,
    /// The texts that were asked for by name.
    pub texts: BTreeMap<String, String>,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyFault {
    /// The vendor is in trouble; later it may work.
    #[error("the token address answered with status {0}")]
    Trouble(u16),
    /// The vendor refused, in the words of RFC 6749.
    #[error("the vendor refused: {error}{}", after_colon(.description))]
    Refused {
        /// Its word.
        error: String,
        /// Its own explanation.
        description: String,
    },
    /// The answer is none that can be used.
    #[error("the token address gave no usable answer (status {status}): {reason}")]
    Unusable {
        /// The status.
        status: u16,
        /// What is wrong.
        reason: String,
    },
}

impl ReplyFault {
    /// Whether what was handed in (a refresh token, a code, an assertion) is not accepted
    /// (any more).
    #[must_use]
    pub fn is_grant_refused(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if error == "invalid_grant")
    }
}

/// Reads an answer; `names` are the texts that are wanted from it.
///
/// # Errors
///
/// See [`ReplyFault`].
pub fn read<'n>(
    status: u16,
    body: &[u8],
    names: impl Iterator<Item = &'n String>,
) -> Result<Reply, ReplyFault> {
    if status == 429 || status >= 500 {
        return Err(ReplyFault::Trouble(status));
    }
    let unusable = |reason: &str| ReplyFault::Unusable { status, reason: reason.to_owned() };
    if body.len() > REPLY_BYTES_MAX {
        return Err(unusable(&format!("it is larger than {REPLY_BYTES_MAX} bytes")));
    }
    let mut value: Value = serde_json::from_slice(body).map_err(|error| {
        unusable(match (body.trim_ascii_start().first(), error.is_eof()) {
            (None, _) => "it is empty",
            (Some(b'<'), _) => "it is a page, not JSON; is the address right?",
            (_, true) => "its JSON breaks off",
            (_, false) => "it is not JSON",
        })
    })?;
    let read = judge(status, &value, names);
    wipe(&mut value);
    read
}

fn judge<'n>(
    status: u16,
    value: &Value,
    names: impl Iterator<Item = &'n String>,
) -> Result<Reply, ReplyFault> {
    let unusable = |reason: &str| ReplyFault::Unusable { status, reason: reason.to_owned() };
    if let Some(error) = value.get("error") {
        // Some vendors put an object here.
        let error = error.as_str().or_else(|| error.get("code")?.as_str()).unwrap_or("error");
        let description = value.get("error_description").or_else(|| value.get("message"));
        let description = description.and_then(Value::as_str).unwrap_or_default();
        return Err(ReplyFault::Refused { error: words(error), description: words(description) });
    }
    if !(200..300).contains(&status) {
        return Err(unusable("it is a refusal without a reason"));
    }
    let kind = value.get("token_type").and_then(Value::as_str).unwrap_or("bearer");
    if ["mac", "dpop"].iter().any(|bound| kind.eq_ignore_ascii_case(bound)) {
        return Err(unusable(&format!("tokens of the type `{}` are not supported", words(kind))));
    }
    let access = token(value, "access_token").map_err(unusable)?;
    let access_token = access.ok_or_else(|| unusable("it has no `access_token`"))?;
    Ok(Reply {
        access_token,
        refresh_token: token(value, "refresh_token").map_err(unusable)?,
        lifetime_seconds: lifetime(value).map_err(unusable)?,
        texts: names
            .filter_map(|name| Some((name.clone(), scalar_text(value.get(name)?)?)))
            .collect(),
    })
}

fn token(value: &Value, name: &'static str) -> Result<Option<Zeroizing<String>>, &'static str> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text.len() > TOKEN_BYTES_MAX => Err("a token is too long"),
        Some(Value::String(text)) if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) => {
            Ok(Some(Zeroizing::new(text.clone())))
        }
        Some(_) => Err("a token is no text, or holds characters that no header may hold"),
    }
}

/// `expires_in`: seconds as a number, or as digits in a text, which many vendors send.
fn lifetime(value: &Value) -> Result<Option<u64>, &'static str> {
    const WRONG: &str = "`expires_in` is not a positive number of seconds";
    let given = match value.get("expires_in") {
        None | Some(Value::Null) => return Ok(None),
        Some(given) => scalar_text(given).ok_or(WRONG)?,
    };
    // Exact: the part after a decimal point is dropped, never rounded up.
    let (whole, fraction) = given.trim().split_once('.').unwrap_or((given.trim(), ""));
    let seconds: u64 = whole.parse().map_err(|_| WRONG)?;
    if seconds == 0 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(WRONG);
    }
    Ok(Some(seconds.min(LIFETIME_SECONDS_MAX)))
}

fn after_colon(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

/// A vendor's words for a fault: cut, in one line.
pub(crate) fn words(text: &str) -> String {
    let cut: String = text.trim().chars().take(WORDS_CHARS_MAX).collect();
    cut.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
