//! A token request: a form over the wire of the connection, and its answer.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hub_model::Timestamp;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use zeroize::Zeroizing;

use super::assertion::{Assertion, ServiceAccount, signed};
use super::recipe::{Client, ClientAuth, OAuthRecipe, Signer};
use super::reply::{self, Reply, ReplyFault};
use crate::credential::{resolve, set_header};
use crate::destination;
use crate::http::{HttpFault, HttpResponse};
use crate::redact::Redactor;
use crate::secret::Secret;
use crate::template::{Template, percent_encode};
use crate::wire::{Prepared, Wire};

/// A clock that is further off than this many seconds is told of.
const CLOCK_OFF_SECONDS: i64 = 60;
/// Bytes of numbers that nobody guesses.
const RANDOM_BYTES: usize = 32;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A form, in order. Wiped when dropped.
pub(crate) struct Form(Zeroizing<String>);

impl Form {
    pub(crate) fn of(grant_type: &str) -> Self {
        let mut form = Self(Zeroizing::default());
        form.add("grant_type", grant_type);
        form
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        percent_encode(name, &mut self.0);
        self.0.push('=');
        percent_encode(value, &mut self.0);
    }
}

/// What a request could not bring.
pub(crate) enum NoToken {
    /// The vendor's answer is a refusal or unusable; seconds that our clock is off.
    Answer(ReplyFault, Option<i64>),
    /// It did not come to an answer.
    Http(HttpFault),
}

impl From<HttpFault> for NoToken {
    fn from(fault: HttpFault) -> Self {
        Self::Http(fault)
    }
}

/// A token request of a recipe, over a wire.
pub(crate) struct Asking<'a> {
    pub(crate) recipe: &'a OAuthRecipe,
    pub(crate) settings: &'a Value,
    pub(crate) wire: &'a Wire,
}

impl Asking<'_> {
    /// Sends a form, with the client's proof where there is one.
    pub(crate) async fn send(
        &self,
        mut form: Form,
        client: Option<&Client>,
    ) -> Result<Reply, NoToken> {
        for (name, text) in &self.recipe.parameters {
            form.add(name, &self.rendered(text)?);
        }
        let url =
            Template::parse(&self.recipe.token_url).and_then(|it| it.render_url(self.settings));
        let url = url.map_err(|error| fault(&error.to_string()))?;
        let destination = destination::check(&url, &self.wire.grants)?;
        let mut headers = HeaderMap::new();
        let kind = "application/x-www-form-urlencoded";
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let (url, port) = (destination.url, destination.port);
        let mut request = Prepared { method: Method::POST, url, port, headers, body: Vec::new() };
        if let Some(client) = client {
            self.prove(client, &mut form, &mut request)?;
        }
        request.body = form.0.as_bytes().to_vec();
        let limit = self.wire.limits.total_timeout;
        let sent = tokio::time::timeout(limit, self.wire.exchange(request)).await;
        let answer = sent.unwrap_or(Err(HttpFault::Timeout)).map_err(|fault| match fault {
            // Nothing of the connector's request was sent, whatever became of this one.
            HttpFault::Broken(reason) => HttpFault::Connect(format!("token request: {reason}")),
            HttpFault::Timeout => {
                HttpFault::Connect("token request: no answer within the time limit".to_owned())
            }
            other => other,
        })?;
        let off = seconds_off(&answer, unix_seconds());
        let body = Zeroizing::new(answer.body);
        reply::read(answer.status, &body, self.recipe.reply_hosts.keys())
            .map_err(|fault| NoToken::Answer(fault, off))
    }

    fn prove(
        &self,
        client: &Client,
        form: &mut Form,
        request: &mut Prepared,
    ) -> Result<(), HttpFault> {
        let redactor = &self.wire.redactor;
        let id = plain(&client.id)?;
        let Some(secret) = &client.secret else {
            form.add("client_id", &id);
            return Ok(());
        };
        let secret = resolve(secret, redactor)?;
        match self.recipe.client_auth {
            ClientAuth::Post => {
                form.add("client_id", &id);
                form.add("client_secret", &secret);
                Ok(())
            }
            ClientAuth::Basic => {
                let mut pair = Zeroizing::new(String::new());
                percent_encode(&id, &mut pair);
                pair.push(':');
                percent_encode(&secret, &mut pair);
                redactor.learn(&pair);
                let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
                set_header(request, AUTHORIZATION, &value)
            }
        }
    }

    /// An assertion of a signer.
    pub(crate) fn assertion(
        &self,
        signer: &Signer,
        subject: Option<&Secret>,
    ) -> Result<Zeroizing<String>, HttpFault> {
        let asked = self.recipe.jwt_bearer.as_ref();
        let asked = asked.ok_or_else(|| fault("the recipe has no `jwt-bearer`"))?;
        let redactor = &self.wire.redactor;
        let (issuer, key, key_id) = match signer {
            Signer::Client { id, key } => (plain(id)?, resolve(key, redactor)?, None),
            Signer::ServiceAccount(file) => {
                // Not learnt as a whole: it holds names, and lines that are no secret.
                let file = ServiceAccount::parse(&plain(file)?);
                let file = file.ok_or_else(|| {
                    fault("`service_account` is not a key file: JSON with `client_email` and `private_key`")
                })?;
                let key = Zeroizing::new(file.private_key);
                redactor.learn(&key);
                (Zeroizing::new(file.client_email), key, file.private_key_id)
            }
        };
        let audience = Template::parse(&asked.audience).and_then(|it| it.render_url(self.settings));
        let audience = audience.map_err(|error| fault(&error.to_string()))?;
        let (subject, scope) = (subject.map(plain).transpose()?, self.scope());
        let assertion = Assertion {
            issuer: &issuer,
            subject: subject.as_ref().map(|it| it.as_str()),
            audience: &audience,
            scope: scope.as_deref().filter(|_| asked.scope_claim),
            now: unix_seconds(),
            lifetime_seconds: asked.lifetime_seconds,
            id: &random_text()?,
        };
        let assertion = signed(&assertion, asked.algorithm, (&key, key_id.as_deref()));
        let assertion = assertion
            .ok_or_else(|| fault("the key is not an unencrypted PKCS#8 key of the algorithm"))?;
        redactor.learn(&assertion);
        Ok(assertion)
    }

    /// What is asked for, as one text; none asks for nothing in particular.
    pub(crate) fn scope(&self) -> Option<String> {
        (!self.recipe.scopes.is_empty()).then(|| self.recipe.scopes.join(" "))
    }

    pub(crate) fn rendered(&self, text: &str) -> Result<String, HttpFault> {
        let rendered = Template::parse(text).and_then(|it| it.render_settings(self.settings));
        rendered.map_err(|error| fault(&error.to_string()))
    }
}

/// A name that is no secret: it is not learnt, or every text with it would be full of stars.
pub(crate) fn plain(secret: &Secret) -> Result<Zeroizing<String>, HttpFault> {
    resolve(secret, &Redactor::new())
}

pub(crate) fn fault(reason: &str) -> HttpFault {
    HttpFault::Credential(reason.to_owned())
}

/// A text that nobody guesses.
pub(crate) fn random_text() -> Result<Zeroizing<String>, HttpFault> {
    let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| fault("the system gave no random bytes"))?;
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}

/// The vendor's clock is the world's: an assertion says when it was made.
#[expect(clippy::disallowed_methods, reason = "a rim: an assertion tells the vendor our time")]
fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// How far our clock is off by the answer's `Date`, where that matters.
fn seconds_off(answer: &HttpResponse, now: i64) -> Option<i64> {
    let date = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("date"));
    let off = now.saturating_sub(http_date(&date?.1)?);
    (off.abs() > CLOCK_OFF_SECONDS).then_some(off)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` as Unix time.
fn http_date(text: &str) -> Option<i64> {
    let mut words = text.split_ascii_whitespace().skip(1);
    let (day, month) = (words.next()?, words.next()?);
    let (year, time) = (words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    Timestamp::parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z")).map(Timestamp::seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_seen() {
        let answer = |date: &str| HttpResponse {
            status: 400,
            headers: vec![("Date".to_owned(), date.to_owned())],
            body: Vec::new(),
        };
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(http_date(date), Some(784_111_777));
        assert_eq!(seconds_off(&answer(date), 784_111_777 + 30), None);
        assert_eq!(seconds_off(&answer(date), 784_111_777 + 3_600), Some(3_600));
        assert_eq!(seconds_off(&answer(date), 784_111_777 - 86_400), Some(-86_400));
        assert_eq!(seconds_off(&answer("yesterday"), 0), None);
    }

    #[test]
    fn a_form_holds_what_it_was_given() {
        let mut form = Form::of("authorization_code");
        form.add("code", "a b&c=d+é");
        assert_eq!(form.0.as_str(), "grant_type=authorization_code&code=a%20b%26c%3Dd%2B%C3%A9");
    }
}
