//! A signed statement in place of a password (RFC 7523): who asks, for whom, of whom,
//! until when.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::crypto::{Signing, sign};

/// What is asserted.
pub(crate) struct Assertion<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) subject: Option<&'a str>,
    pub(crate) audience: &'a str,
    /// The scopes, where they are a claim.
    pub(crate) scope: Option<&'a str>,
    /// Unix time in seconds.
    pub(crate) now: i64,
    pub(crate) lifetime_seconds: u32,
    /// A number that no other assertion has.
    pub(crate) id: &'a str,
}

/// The account and key of a Google key file. Its addresses are not looked at: a file
/// does not decide where the hub sends what it signs.
#[derive(Deserialize)]
pub(crate) struct ServiceAccount {
    pub(crate) client_email: String,
    pub(crate) private_key: String,
    pub(crate) private_key_id: Option<String>,
}

impl ServiceAccount {
    /// Reads a key file.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// The assertion as a JWS; none where the key is none of the kind.
pub(crate) fn signed(
    assertion: &Assertion<'_>,
    algorithm: Signing,
    (key, key_id): (&str, Option<&str>),
) -> Option<Zeroizing<String>> {
    let name = match algorithm {
        Signing::Rs256 => "RS256",
        Signing::Es256 => "ES256",
    };
    let mut header = json!({ "alg": name, "typ": "JWT" });
    let mut claims = json!({
        "iss": assertion.issuer,
        "aud": assertion.audience,
        "iat": assertion.now,
        "exp": assertion.now.saturating_add(i64::from(assertion.lifetime_seconds)),
        "jti": assertion.id,
    });
    add(&mut header, "kid", key_id);
    for (name, value) in [("sub", assertion.subject), ("scope", assertion.scope)] {
        add(&mut claims, name, value);
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&header), part(&claims));
    let signature = sign(key, algorithm, text.as_bytes())?;
    Some(Zeroizing::new(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

fn add(into: &mut Value, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        into[name] = value.into();
    }
}
