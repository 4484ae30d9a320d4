//! An authorisation server that is stricter than any: a form to the letter, the client's
//! proof in one place only, codes and refresh tokens once, and whoever shows a used one
//! loses everything. In front of data that want its newest token.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use plugin_api::CredentialSlot;
use plugin_gateway::{Credential, Secret};
use ring::signature;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::server::{Reply, Seen, Server};

pub const CLIENT: &str = "hub client";
pub const SECRET: &str = "s3cret&of+the=client";
pub const REDIRECT: &str = "http://127.0.0.1:8420/oauth/callback";

#[derive(Default)]
pub struct Book {
    /// Token requests that came, by grant type.
    pub asked: Vec<String>,
    /// Access tokens with a number below this one are no longer accepted.
    pub valid_from: usize,
    /// No token is accepted.
    pub refuse_all: bool,
    /// Answers to the next token requests.
    pub next: Vec<(u16, String)>,
    /// Answers of token requests wait so long.
    pub delay: Duration,
    /// What a token's answer says besides.
    pub more: Value,
    /// Refresh tokens stay the same.
    pub keeps: bool,
    /// Claims of assertions, in order.
    pub claims: Vec<Value>,
    /// The form of the last request.
    pub form: BTreeMap<String, String>,
    access: usize,
    refresh: BTreeSet<String>,
    used: BTreeSet<String>,
    codes: BTreeMap<String, BTreeMap<String, String>>,
}

/// The server and what it knows.
pub struct Vendor {
    pub server: Server,
    pub book: Arc<Mutex<Book>>,
}

impl Vendor {
    pub async fn start() -> Self {
        let book =
            Arc::new(Mutex::new(Book { refresh: ["first".to_owned()].into(), ..Book::default() }));
        let answering = book.clone();
        let server = Server::start(move |seen| answering.lock().unwrap().answer(seen)).await;
        Self { server, book }
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// How many token requests came.
    pub fn asked(&self) -> usize {
        self.book().asked.len()
    }

    /// Somebody opens an address and agrees: `state` and code of the way back.
    pub fn consent(&self, address: &str) -> (String, String) {
        let url = Url::parse(address).unwrap();
        let given: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let query: BTreeMap<String, String> = given.iter().cloned().collect();
        assert_eq!(given.len(), query.len(), "doubled: {address}");
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], CLIENT);
        assert_eq!(query["redirect_uri"], REDIRECT);
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(query["code_challenge"].len(), 43);
        assert_eq!(query["access_type"], "offline");
        assert!(query["state"].len() >= 43 && query["scope"] == "read write");
        let mut book = self.book();
        let code = format!("code-{}", book.codes.len());
        book.codes.insert(code.clone(), query.clone());
        (query["state"].clone(), code)
    }
}

impl Book {
    fn answer(&mut self, seen: &Seen) -> Reply {
        if seen.target == "/token" {
            let mut reply = self.token(seen);
            reply.delay = self.delay;
            return reply;
        }
        let token =
            seen.header("authorization").and_then(|it| it.strip_prefix("Bearer access-token-"));
        match token.and_then(|number| number.parse::<usize>().ok()) {
            Some(number) if number >= self.valid_from && !self.refuse_all => {
                Reply::new(200, format!("{} by {number}", seen.target))
            }
            _ => Reply::new(401, ""),
        }
    }

    fn token(&mut self, seen: &Seen) -> Reply {
        let form = form(seen);
        self.form.clone_from(&form);
        self.asked.push(form.get("grant_type").cloned().unwrap_or_default());
        if !self.next.is_empty() {
            let (status, body) = self.next.remove(0);
            return Reply::new(status, body);
        }
        match self.judge(seen, &form) {
            Ok(body) => Reply::new(200, body.to_string()),
            Err(error) => {
                Reply::new(400, json!({"error": error, "error_description": "No"}).to_string())
            }
        }
    }

    fn judge(
        &mut self,
        seen: &Seen,
        form: &BTreeMap<String, String>,
    ) -> Result<Value, &'static str> {
        let text = |name: &str| form.get(name).map_or("", String::as_str);
        if seen.header("content-type") != Some("application/x-www-form-urlencoded") {
            return Err("invalid_request");
        }
        let mut body = json!({"token_type": "Bearer", "expires_in": 3600});
        match text("grant_type") {
            "client_credentials" => proven(seen, form)?,
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
                let claims = verified(text("assertion")).ok_or("invalid_grant")?;
                self.claims.push(claims);
            }
            "refresh_token" => {
                proven(seen, form)?;
                let given = text("refresh_token").to_owned();
                if self.used.contains(&given) {
                    // Somebody has a copy: nobody's word counts any more.
                    self.refresh.clear();
                }
                if !self.refresh.contains(&given) {
                    return Err("invalid_grant");
                }
                if !self.keeps {
                    self.refresh.remove(&given);
                    self.used.insert(given);
                    body["refresh_token"] = self.new_refresh().into();
                }
            }
            "authorization_code" => {
                proven(seen, form)?;
                let asked = self.codes.remove(text("code")).ok_or("invalid_grant")?;
                let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(text("code_verifier")));
                if challenge != asked["code_challenge"]
                    || text("redirect_uri") != asked["redirect_uri"]
                {
                    return Err("invalid_grant");
                }
                body["refresh_token"] = self.new_refresh().into();
            }
            _ => return Err("unsupported_grant_type"),
        }
        self.access += 1;
        body["access_token"] = format!("access-token-{}", self.access).into();
        for (name, value) in self.more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        Ok(body)
    }

    fn new_refresh(&mut self) -> String {
        let token =
            format!("refresh-token-of-{}", self.used.len() + self.codes.len() + self.access);
        self.refresh.insert(token.clone());
        token
    }
}

fn form(seen: &Seen) -> BTreeMap<String, String> {
    let pairs: Vec<_> = url::form_urlencoded::parse(&seen.body).into_owned().collect();
    let form: BTreeMap<String, String> = pairs.iter().cloned().collect();
    assert_eq!(pairs.len(), form.len(), "doubled parameters");
    form
}

/// The client's proof: in one of the two places, never in both.
fn proven(seen: &Seen, form: &BTreeMap<String, String>) -> Result<(), &'static str> {
    let pair = seen.header("authorization").and_then(|it| it.strip_prefix("Basic "));
    let fits = match pair.and_then(|pair| STANDARD.decode(pair).ok()) {
        Some(pair) if !form.contains_key("client_secret") => {
            pair == b"hub%20client:s3cret%26of%2Bthe%3Dclient"
        }
        Some(_) => false,
        None => {
            form.get("client_id").is_some_and(|it| it == CLIENT)
                && form.get("client_secret").is_some_and(|it| it == SECRET)
        }
    };
    if fits { Ok(()) } else { Err("invalid_client") }
}

/// The claims of an assertion under a key of RFC 7515's examples, if it is signed.
fn verified(assertion: &str) -> Option<Value> {
    let (text, signature) = assertion.rsplit_once('.')?;
    let (header, claims) = text.split_once('.')?;
    let part =
        |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let header = part(header)?;
    match header["alg"].as_str()? {
        "RS256" => {
            let n = URL_SAFE_NO_PAD.decode(RSA_N).ok()?;
            let key = signature::RsaPublicKeyComponents { n, e: vec![1, 0, 1] };
            key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, text.as_bytes(), &signature).ok()?;
        }
        "ES256" => {
            let (x, y) = (URL_SAFE_NO_PAD.decode(EC_X).ok()?, URL_SAFE_NO_PAD.decode(EC_Y).ok()?);
            let point = [&[4][..], &x, &y].concat();
            let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point);
            key.verify(text.as_bytes(), &signature).ok()?;
        }
        _ => return None,
    }
    part(claims)
}

/// The public halves of `rfc7515-a2.pem` and `rfc7515-a3.pem`, from the RFC.
const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const EC_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const EC_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

/// A recipe's common half.
pub fn recipe(more: Value) -> Value {
    let mut recipe = json!({ "token-url": "{settings.url}/token", "scopes": ["read", "write"] });
    for (name, value) in more.as_object().unwrap() {
        recipe[name] = value.clone();
    }
    recipe
}

/// A recipe that somebody signs in for.
pub fn code_recipe() -> Value {
    recipe(json!({
        "client-auth": "post",
        "authorization-code": {
            "url": "{settings.url}/authorize", "parameters": {"access_type": "offline"},
        },
    }))
}

pub fn slot(recipe: Value) -> CredentialSlot {
    CredentialSlot {
        name: "main".into(),
        kind: "oauth2".into(),
        title: String::new(),
        recipe: Some(recipe),
        optional: false,
    }
}

pub fn credential(recipe: Value, parts: &[(&str, &str)]) -> Credential {
    let parts = parts.iter().map(|(name, part)| ((*name).to_owned(), Secret::from(*part)));
    Credential::from_slot(&slot(recipe), parts.collect()).unwrap()
}
