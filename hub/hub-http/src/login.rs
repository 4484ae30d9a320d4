//! Sessions of browsers: opened by a one-time link, held by a cookie that no
//! script can read.
//!
//! The link (`/login?token=`) only shows the page; the page posts the token,
//! because a `GET` must not change anything: link previews would burn it.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract;
use crate::guard::{check_own_page, session_cookie};
use crate::limits::SESSION_SECONDS_MAX;
use crate::problem::{Code, Problem};
use crate::session::LoginRefused;
use crate::state::AppState;

/// What opens a session: a link's token, or the access token itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    token: String,
}

/// `POST /session`.
pub(crate) async fn open(
    State(state): State<AppState>,
    headers: HeaderMap,
    extract::Json(login): extract::Json<Login>,
) -> Result<Response, Problem> {
    check_own_page(&Method::POST, &headers)?;
    let now = state.now();
    let opened = state.sessions().open(login.token.trim(), state.token(), now);
    match opened {
        Ok(secret) => {
            tracing::info!("a session was opened");
            Ok(with_cookie(&state, secret.reveal(), SESSION_SECONDS_MAX))
        }
        Err(LoginRefused::Unknown) => {
            tracing::warn!("a login was refused");
            Err(Problem::new(Code::Unauthenticated).at("token"))
        }
        Err(LoginRefused::TooMany) => {
            tracing::warn!("a login was refused: too many failures");
            Err(Problem::new(Code::TooManyLogins))
        }
        Err(LoginRefused::NoRandomness(error)) => {
            tracing::error!(%error, "no session could be opened");
            Err(Problem::new(Code::Stopping))
        }
    }
}

/// `GET /session`: 200 for who is in.
pub(crate) async fn show(State(state): State<AppState>) -> Json<Value> {
    Json(json!({ "version": state.version() }))
}

/// `DELETE /session`.
pub(crate) async fn close(State(state): State<AppState>, headers: HeaderMap) -> Response {
    if let Some(secret) = session_cookie(&state, &headers) {
        state.sessions().close(secret);
    }
    with_cookie(&state, "", 0)
}

/// `POST /login-links`: a fresh one-time link, for an owner whose session ended.
pub(crate) async fn link(
    State(state): State<AppState>,
    extract::Json(Nothing {}): extract::Json<Nothing>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    match state.login_link() {
        Ok(secret) => {
            let path = format!("/login?token={}", secret.reveal());
            Ok((StatusCode::CREATED, Json(json!({ "path": path }))))
        }
        Err(error) => {
            tracing::error!(%error, "no link could be made");
            Err(Problem::new(Code::Stopping))
        }
    }
}

/// A body without fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

fn with_cookie(state: &AppState, secret: &str, seconds: i64) -> Response {
    // Not `Secure`: there is no TLS on loopback, and Safari would drop it.
    let cookie = format!(
        "{}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}",
        state.cookie_name()
    );
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}
