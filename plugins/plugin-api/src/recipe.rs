//! How a vendor's deliveries are verified, as data in the manifest: the host runs
//! it at the door, before anything of a delivery is kept or parsed.
//!
//! ```json
//! "inbound": {
//!   "recipes": [{
//!     "algorithm": "hmac-sha256", "encoding": "base64", "slot": "webhook",
//!     "at": "header:X-HubSpot-Signature-v3", "signed": "{method}{url}{body}{timestamp}",
//!     "timestamp": { "at": "header:X-HubSpot-Request-Timestamp", "unit": "milliseconds" }
//!   }],
//!   "delivery-id": "header:X-Request-Id",
//!   "address": "public_address"
//! }
//! ```
//!
//! A delivery is let in when one recipe of its method holds. Three forms cover the
//! vendors that are known: a keyed hash, a signature by the vendor's key, and a
//! token that is only compared. A header may carry several signatures, as vendors
//! do while they change a key: `prefix` says how each of ours begins.

use serde::{Deserialize, Serialize};

/// How old or how far ahead a signed time may be when the recipe names no other.
pub const TOLERANCE_SECONDS_DEFAULT: u32 = 300;

/// The ways in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InboundDeclaration {
    /// One of them must hold.
    pub recipes: Vec<Recipe>,
    /// Where the vendor's own id of a delivery is, to recognise repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<Place>,
    /// The component may answer a verified delivery at once, before it is kept:
    /// a challenge.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub handshake: bool,
    /// The setting with the origins of web pages that may deliver (a list of
    /// texts); without it no page may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origins: Option<String>,
    /// The setting with the address that the vendor calls, up to the path, where
    /// the address is signed: a proxy in front of the hub has another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// One way to verify a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Recipe {
    /// The methods that it is for.
    #[serde(default = "post")]
    pub methods: Vec<String>,
    /// How the signature is made.
    pub algorithm: Algorithm,
    /// How it is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// Where it is.
    pub at: Place,
    /// What stands before it there, such as `sha256=`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// What is signed: a text with `{method}`, `{url}`, `{target}`, `{body}`,
    /// `{timestamp}` and `{header:<name>}`.
    #[serde(default = "body", skip_serializing_if = "String::is_empty")]
    pub signed: String,
    /// Where the signed time is, if one is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<SignedTime>,
    /// How old, or how far ahead, the signed time may be.
    #[serde(default = "tolerance")]
    pub tolerance_seconds: u32,
    /// The credential slot, of kind `webhook`, that holds the key or token.
    pub slot: String,
    /// How the key is written.
    #[serde(default)]
    pub key: KeyForm,
}

fn post() -> Vec<String> {
    vec!["POST".to_owned()]
}

fn body() -> String {
    "{body}".to_owned()
}

const fn tolerance() -> u32 {
    TOLERANCE_SECONDS_DEFAULT
}

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// HMAC-SHA-1, where a vendor insists.
    HmacSha1,
    /// HMAC-SHA-256.
    HmacSha256,
    /// RSASSA-PKCS1-v1_5 with SHA-256; the key is the vendor's public one.
    RsaSha256,
    /// ECDSA on P-256 with SHA-256, in DER; the key is the vendor's public one.
    EcdsaP256,
    /// A fixed token.
    Token,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Hexadecimal.
    #[default]
    Hex,
    /// Base 64.
    Base64,
    /// As it is; for tokens.
    Plain,
}

/// How a key is written in the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyForm {
    /// Its bytes are the text; a public key is PEM or the Base 64 within.
    #[default]
    Text,
    /// Base 64, perhaps after a label such as `whsec_`.
    Base64,
}

/// Where a signed time is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignedTime {
    /// The place.
    pub at: Place,
    /// What stands before it there, such as `t=`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// What it counts since 1970.
    #[serde(default)]
    pub unit: TimeUnit,
}

/// What a signed time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeUnit {
    /// Seconds.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// A place in a delivery, written `header:<name>`, `query:<name>`,
/// `body:<JSON pointer>` or `basic-user` (of basic authentication).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Place {
    /// A header, by its name in any case.
    Header(String),
    /// A parameter of the address.
    Query(String),
    /// A member of a JSON body.
    Body(String),
    /// The user name of basic authentication.
    BasicUser,
}

/// A place that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no place in a delivery; write `header:<name>`, `query:<name>`, `body:/<pointer>` or `basic-user`"
)]
pub struct NoPlace(String);

impl TryFrom<String> for Place {
    type Error = NoPlace;

    fn try_from(text: String) -> Result<Self, NoPlace> {
        match text.split_once(':') {
            Some(("header", name)) if !name.is_empty() => Ok(Self::Header(name.to_owned())),
            Some(("query", name)) if !name.is_empty() => Ok(Self::Query(name.to_owned())),
            Some(("body", pointer)) if pointer.starts_with('/') => {
                Ok(Self::Body(pointer.to_owned()))
            }
            None if text == "basic-user" => Ok(Self::BasicUser),
            _ => Err(NoPlace(text)),
        }
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        match place {
            Place::Header(name) => format!("header:{name}"),
            Place::Query(name) => format!("query:{name}"),
            Place::Body(pointer) => format!("body:{pointer}"),
            Place::BasicUser => "basic-user".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{InboundDeclaration, Place};

    #[test]
    fn a_place_is_written_in_one_way() {
        for text in ["header:X-Sig", "query:token", "body:/writeKey", "basic-user"] {
            let place = Place::try_from(text.to_owned()).unwrap();
            assert_eq!(String::from(place), text);
        }
        for text in ["", "header:", "header", "body:writeKey", "basic-user:x", "cookie:a"] {
            assert!(Place::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_left_out_is_the_usual() {
        let text = r#"{"recipes":[{"algorithm":"hmac-sha256","at":"header:X-Sig","slot":"key"}]}"#;
        let usual: InboundDeclaration = serde_json::from_str(text).unwrap();
        assert_eq!(usual.recipes[0].signed, "{body}");
        assert_eq!(usual.recipes[0].tolerance_seconds, 300);
        let slip = text.replace("algorithm", "algorythm");
        assert!(serde_json::from_str::<InboundDeclaration>(&slip).is_err());
    }
}
