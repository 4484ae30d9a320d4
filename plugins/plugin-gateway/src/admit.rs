//! The way in: whether a delivery is the vendor's, judged by the recipe of the
//! manifest.
//!
//! Signatures are of the bytes as they came; what is let in is decompressed and
//! has lost its credential, so that neither the store nor a component ever holds
//! one. A sender is told "no" and never why: the reason is for the log.

use std::borrow::Cow;

use base64::Engine as _;
use hub_model::{Fault, FaultCode, Timestamp};
use plugin_api::recipe::{Algorithm, Recipe, SignedTime, TimeUnit};
use plugin_api::{Admitted, Delivery, InboundDeclaration, Place, Refusal};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::body::BodyReader;
use crate::credential::Credential;
use crate::http::HttpFault;
use crate::signature;
use crate::template::setting;

/// Largest body once decompressed: what the inbox keeps in one piece.
pub const DELIVERY_BYTES_MAX: usize = 1024 * 1024;
/// How many times larger than its compressed form a body may be.
const DELIVERY_RATIO_MAX: usize = 100;
/// Signatures of one header that are tried.
const SIGNATURES_MAX: usize = 8;
/// Longest delivery id that is remembered.
const DELIVERY_ID_BYTES_MAX: usize = 512;

/// Headers that are not let in: they carry credentials, or are about a connection
/// that has ended.
const HEADERS_LEFT: [&str; 9] = [
    "authorization",
    "cookie",
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The credential of a recipe's slot.
pub(crate) type Slot<'c> = dyn Fn(&str) -> Option<&'c Credential> + 'c;

/// Verifies a delivery.
///
/// # Errors
/// [`Refusal`].
pub(crate) fn admit(
    declaration: &InboundDeclaration,
    settings: &Value,
    slot: &Slot<'_>,
    delivery: Delivery,
    now: Timestamp,
) -> Result<Admitted, Refusal> {
    let body = decompressed(&delivery)?;
    let json: Option<Value> = serde_json::from_slice(&body).ok();
    let ask = Ask { settings, declaration, delivery: &delivery, json: json.as_ref(), now };
    let mut reason = Some("no recipe is for this method");
    for recipe in declaration.recipes.iter().filter(|it| it.methods.contains(&delivery.method)) {
        reason = ask.verify(recipe, slot)?.err();
        if reason.is_none() {
            break;
        }
    }
    if let Some(reason) = reason {
        return Err(Refusal::Unverified(reason));
    }
    let id = declaration.delivery_id.as_ref().and_then(|place| ask.text(place));
    let id = id.filter(|id| !id.is_empty() && id.len() <= DELIVERY_ID_BYTES_MAX);
    let id = id.map(Cow::into_owned);
    let delivery = without_credentials(&declaration.recipes, delivery, (body, json));
    Ok(Admitted { delivery, id, handshake: declaration.handshake })
}

fn decompressed(delivery: &Delivery) -> Result<Vec<u8>, Refusal> {
    let read = || {
        let encoding = delivery.header("content-encoding");
        let mut reader = BodyReader::new(encoding, DELIVERY_BYTES_MAX, DELIVERY_RATIO_MAX)?;
        reader.push(&delivery.body)?;
        reader.finish()
    };
    read().map_err(|fault| match fault {
        HttpFault::TooLarge { .. } => Refusal::TooLarge { bytes_max: DELIVERY_BYTES_MAX },
        _ => Refusal::Unreadable,
    })
}

/// A delivery as it came, with what verifying it needs.
struct Ask<'d> {
    settings: &'d Value,
    declaration: &'d InboundDeclaration,
    delivery: &'d Delivery,
    json: Option<&'d Value>,
    now: Timestamp,
}

impl<'d> Ask<'d> {
    /// Whether a recipe holds, and if not, why.
    fn verify(
        &self,
        recipe: &Recipe,
        slot: &Slot<'_>,
    ) -> Result<Result<(), &'static str>, Refusal> {
        let Some(place) = self.text(&recipe.at) else { return Ok(Err("no signature")) };
        let timestamp = match &recipe.timestamp {
            None => None,
            Some(signed) => match self.timestamp(signed, recipe.tolerance_seconds) {
                Ok(text) => Some(text),
                Err(why) => return Ok(Err(why)),
            },
        };
        let signed = match recipe.algorithm {
            Algorithm::Token => Vec::new(),
            _ => match self.signed(&recipe.signed, timestamp.as_deref()) {
                Some(signed) => signed,
                None => return Ok(Err("a part that is signed is missing")),
            },
        };
        let keys = keys(recipe, slot)?;
        let holds = pieces(&place, &recipe.prefix).take(SIGNATURES_MAX).any(|text| {
            signature::decode(text, recipe.encoding).is_some_and(|given| {
                keys.iter().any(|key| {
                    let key = (key.expose_secret(), recipe.key);
                    signature::holds(recipe.algorithm, key, &signed, &given)
                })
            })
        });
        Ok(if holds { Ok(()) } else { Err("the signature is another") })
    }

    /// The text at a place.
    fn text(&self, place: &Place) -> Option<Cow<'d, str>> {
        match place {
            Place::Header(name) => self.delivery.header(name).map(Cow::Borrowed),
            Place::Query(name) => {
                let (_, query) = self.delivery.target.split_once('?')?;
                let mut pairs = url::form_urlencoded::parse(query.as_bytes());
                pairs.find(|(key, _)| key == name).map(|(_, value)| value)
            }
            Place::Body(pointer) => match self.json?.pointer(pointer)? {
                Value::String(text) => Some(Cow::Borrowed(text)),
                Value::Number(number) => Some(Cow::Owned(number.to_string())),
                _ => None,
            },
            Place::BasicUser => {
                let (kind, digits) = self.delivery.header("authorization")?.split_once(' ')?;
                let basic = kind.eq_ignore_ascii_case("basic").then_some(digits.trim())?;
                let pair = base64::engine::general_purpose::STANDARD.decode(basic).ok()?;
                let pair = String::from_utf8(pair).ok()?;
                Some(Cow::Owned(pair.split_once(':')?.0.to_owned()))
            }
        }
    }

    /// The signed time as it is written, if it is of now.
    fn timestamp(&self, signed: &SignedTime, seconds_max: u32) -> Result<String, &'static str> {
        let text = self.text(&signed.at).ok_or("no signed time")?;
        let text = pieces(&text, &signed.prefix).next().ok_or("no signed time")?;
        let count: i64 = text.parse().map_err(|_| "the signed time is no number")?;
        let micros = match signed.unit {
            TimeUnit::Seconds => count.saturating_mul(1_000_000),
            TimeUnit::Milliseconds => count.saturating_mul(1_000),
        };
        let apart = self.now.0.saturating_sub(micros).unsigned_abs();
        if apart > u64::from(seconds_max) * 1_000_000 {
            return Err("the signed time is too far from now");
        }
        Ok(text.to_owned())
    }

    /// What is signed. Nothing is put in twice: a body with braces stays a body.
    fn signed(&self, template: &str, timestamp: Option<&str>) -> Option<Vec<u8>> {
        let mut signed = Vec::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            signed.extend_from_slice(before.as_bytes());
            let (name, after) = after.split_once('}')?;
            rest = after;
            match name {
                "method" => signed.extend_from_slice(self.delivery.method.as_bytes()),
                "target" => signed.extend_from_slice(self.delivery.target.as_bytes()),
                "url" => signed.extend_from_slice(self.url()?.as_bytes()),
                "body" => signed.extend_from_slice(&self.delivery.body),
                "timestamp" => signed.extend_from_slice(timestamp?.as_bytes()),
                name => {
                    let header = self.delivery.header(name.strip_prefix("header:")?)?;
                    signed.extend_from_slice(header.as_bytes());
                }
            }
        }
        signed.extend_from_slice(rest.as_bytes());
        Some(signed)
    }

    /// The address that the vendor called.
    fn url(&self) -> Option<String> {
        let name = self.declaration.address.as_ref()?;
        let address = setting(self.settings, &format!("settings.{name}"))?;
        Some(format!("{}{}", address.trim_end_matches('/'), self.delivery.target))
    }
}

/// The signatures in a text: `a`, `v1,a v1,b`, `t=1,v1=a,v1=b`.
fn pieces<'t>(text: &'t str, prefix: &'t str) -> impl Iterator<Item = &'t str> {
    let words = text.split_ascii_whitespace();
    words.flat_map(move |word| {
        let parts = word.split(',').filter_map(move |part| part.strip_prefix(prefix));
        parts.chain(word.strip_prefix(prefix).filter(|_| word.contains(',')))
    })
}

/// The keys of a recipe's slot: the one in use, and the one before it while both
/// are given.
fn keys(recipe: &Recipe, slot: &Slot<'_>) -> Result<Vec<SecretString>, Refusal> {
    let not_ready = |reason: String| {
        let fault = Fault::new(FaultCode::Config).at(format!("credentials/{}", recipe.slot));
        Refusal::NotReady(fault.with("reason", reason))
    };
    let Some(Credential::Webhook { key, previous }) = slot(&recipe.slot) else {
        return Err(not_ready("no credential of kind webhook".to_owned()));
    };
    std::iter::once(key)
        .chain(previous)
        .map(|secret| secret.resolve().map_err(|error| not_ready(error.to_string())))
        .collect()
}

/// The delivery as it is kept: without anything that any recipe looks at, since a
/// sender may give its token at several places at once.
fn without_credentials(
    recipes: &[Recipe],
    delivery: Delivery,
    (mut body, mut json): (Vec<u8>, Option<Value>),
) -> Delivery {
    let Delivery { method, mut target, mut headers, received, .. } = delivery;
    headers.retain(|(name, _)| !HEADERS_LEFT.contains(&&*name.to_ascii_lowercase()));
    for recipe in recipes {
        match &recipe.at {
            Place::Header(own) => headers.retain(|(name, _)| !own.eq_ignore_ascii_case(name)),
            Place::Query(token) => {
                if let Some((path, query)) = target.split_once('?') {
                    let pairs = url::form_urlencoded::parse(query.as_bytes());
                    let mut left = url::form_urlencoded::Serializer::new(String::new());
                    left.extend_pairs(pairs.filter(|(key, _)| key != token));
                    target = format!("{path}?{}", left.finish());
                }
            }
            Place::Body(pointer) => {
                if let Some(json) = &mut json
                    && let Some(token) = json.pointer_mut(pointer)
                {
                    *token = Value::Null;
                    body = json.to_string().into_bytes();
                }
            }
            // With the header.
            Place::BasicUser => {}
        }
    }
    Delivery { method, target, headers, body, received }
}

#[cfg(test)]
mod tests;
