//! Signing in to a connection at its vendor: an operator begins, a browser comes back.
//!
//! The way back is open to anybody, because the vendor sends the browser there without a
//! credential of ours. What opens it is `state`: it was given to whoever began, is good
//! once and for ten minutes, and belongs to one connection. Where the browser runs on
//! another machine its way back leads nowhere; then the address that it shows is handed
//! in by whoever began, with his credential.

use async_trait::async_trait;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract;
use crate::lang::Lang;
use crate::login::Nothing;
use crate::problem::{Code, Problem};
use crate::state::AppState;

/// Where a browser comes back to.
pub const CALLBACK: &str = "/oauth/callback";
/// Longest address of a way back that is taken, in bytes.
const ADDRESS_BYTES_MAX: usize = 16 * 1024;

/// How a connection stands that somebody signs in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInView {
    /// Why somebody must; none = nobody must, as far as is known.
    pub needed: Option<String>,
    /// How many sign-ins have ended since the hub started, well or not.
    pub ended: u64,
    /// What became of the last one, if it went wrong.
    pub failure: Option<String>,
}

/// Why a sign-in did not begin or end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInRefused {
    /// Nobody signs in to this connection.
    NotNeeded,
    /// The sign-in is unknown, was used, or is too old.
    Unknown,
    /// It went wrong; in technical words.
    Failed(String),
}

/// What comes back with a browser: the vendor's code, or its word for why there is none.
pub type Brought = Result<String, String>;

/// The connections that somebody signs in to.
#[async_trait]
pub trait SignIns: Send + Sync {
    /// How a connection stands; none = nobody signs in to it.
    fn standing(&self, connection: &str) -> Option<SignInView>;

    /// The address to open, which leads back to `redirect`.
    ///
    /// # Errors
    /// See [`SignInRefused`].
    fn begin(&self, connection: &str, redirect: &str) -> Result<String, SignInRefused>;

    /// Ends the sign-in that `state` belongs to.
    ///
    /// # Errors
    /// See [`SignInRefused`].
    async fn finish(&self, state: &str, brought: Brought) -> Result<(), SignInRefused>;
}

impl From<SignInRefused> for Problem {
    fn from(refused: SignInRefused) -> Self {
        match refused {
            SignInRefused::NotNeeded => Self::new(Code::NoSignIn),
            SignInRefused::Unknown => Self::new(Code::UnknownSignIn),
            SignInRefused::Failed(reason) => Self::new(Code::SignInFailed).with(reason),
        }
    }
}

/// Where the browser comes back to. `localhost` by name: that is the one address without
/// TLS that vendors take.
#[must_use]
pub fn redirect(port: u16) -> String {
    format!("http://localhost:{port}{CALLBACK}")
}

/// `GET /connections/{id}/sign-in`.
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    known(&state, &id)?;
    let standing = state.sign_ins().standing(&id).ok_or(SignInRefused::NotNeeded)?;
    Ok(Json(json!({
        "connection": id, "needed": standing.needed, "ended": standing.ended,
        "failure": standing.failure,
    })))
}

/// `POST /connections/{id}/sign-in`: the address to open.
pub(crate) async fn begin(
    State(state): State<AppState>,
    Path(id): Path<String>,
    extract::Json(Nothing {}): extract::Json<Nothing>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    known(&state, &id)?;
    let redirect = redirect(state.port());
    let address = state.sign_ins().begin(&id, &redirect)?;
    tracing::info!(connection = %id, "a sign-in was begun");
    let body = json!({ "connection": id, "address": address, "redirect": redirect });
    Ok((StatusCode::CREATED, Json(body)))
}

fn known(state: &AppState, id: &str) -> Result<(), Problem> {
    let known = state.connections().iter().any(|connection| connection.id == id);
    let unknown = || Problem::new(Code::UnknownConnection).at(format!("connections/{id}"));
    known.then_some(()).ok_or_else(unknown)
}

/// The address that a browser was sent back to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pasted {
    address: String,
}

/// `POST /sign-ins`: the way back, by hand.
pub(crate) async fn paste(
    State(state): State<AppState>,
    extract::Json(pasted): extract::Json<Pasted>,
) -> Result<Json<Value>, Problem> {
    let (key, brought) = brought(pasted.address.trim())
        .ok_or_else(|| Problem::new(Code::UnknownSignIn).at("address"))?;
    state.sign_ins().finish(&key, brought).await?;
    Ok(Json(json!({ "status": "signed-in" })))
}

/// `GET /oauth/callback`: a page of two sentences, for whoever sits at the browser.
pub(crate) async fn callback(
    State(state): State<AppState>,
    lang: Lang,
    uri: axum::http::Uri,
) -> Response {
    let ended = match brought(&uri.to_string()) {
        Some((key, brought)) => state.sign_ins().finish(&key, brought).await,
        None => Err(SignInRefused::Unknown),
    };
    let (status, text) = match ended {
        Ok(()) => (StatusCode::OK, done(lang).to_owned()),
        Err(refused) => {
            let detail = match &refused {
                SignInRefused::Failed(reason) => format!("\n\n{reason}"),
                _ => String::new(),
            };
            let code = match &refused {
                SignInRefused::Failed(_) => Code::SignInFailed,
                _ => Code::UnknownSignIn,
            };
            let (title, mend) = code.words(lang);
            tracing::warn!(code = code.parts().0, "a sign-in was refused");
            (code.parts().1, format!("{title}.{detail}\n\n{mend}"))
        }
    };
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

const fn done(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "You are signed in. The hub goes on by itself; this page can be closed.",
        Lang::Fr => "Vous êtes connecté. Le hub continue seul ; cette page peut être fermée.",
    }
}

/// `state`, and what came with it, from the address of a way back. A parameter that is
/// there twice may be somebody's trick: then it is none.
pub fn brought(address: &str) -> Option<(String, Brought)> {
    if address.len() > ADDRESS_BYTES_MAX {
        return None;
    }
    let query = address.split_once('?')?.1.split('#').next()?;
    let own = format!("/?{query}").parse().ok()?;
    let axum::extract::Query(pairs) =
        axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&own).ok()?;
    let one = |name: &str| {
        let mut values = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (Some(value), None) if !value.is_empty() => Some(value.clone()),
            _ => None,
        }
    };
    let state = one("state")?;
    let refused = |error: String| match one("error_description") {
        Some(words) => format!("{error}: {words}"),
        None => error,
    };
    let brought = match (one("code"), one("error")) {
        (Some(code), None) => Ok(code),
        (_, Some(error)) => Err(refused(error)),
        (None, None) => return None,
    };
    Some((state, brought))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_read_strictly() {
        let good = brought("http://localhost:8420/oauth/callback?code=a%2Fb&state=s&scope=x#_=_");
        assert_eq!(good, Some(("s".to_owned(), Ok("a/b".to_owned()))));
        let denied = brought("/oauth/callback?error=access_denied&error_description=No&state=s");
        assert_eq!(denied, Some(("s".to_owned(), Err("access_denied: No".to_owned()))));
        for wrong in [
            "",
            "x",
            "/?",
            "/?code=a",
            "/?state=s",
            "/?state=&code=a",
            "/?state=s&code=a&code=b",
            "/?state=s&state=t&code=a",
        ] {
            assert_eq!(brought(wrong), None, "{wrong}");
        }
        assert_eq!(brought(&format!("/?state=s&code={}", "a".repeat(ADDRESS_BYTES_MAX))), None);
    }
}
