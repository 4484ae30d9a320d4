//! The one way in: host, origin, credential, permission; and the headers that
//! every answer carries out.
//!
//! A browser on the same machine can be made to send requests here by any page
//! that it shows. `Host` is checked against names that a hostile resolver
//! cannot point here, `Origin` and `Sec-Fetch-Site` against pages of others;
//! a session cookie counts for a change only together with a header that no
//! foreign page can add without asking first.

use std::net::IpAddr;

use axum::extract::{MatchedPath, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::inbox::DOORS;
use crate::lang::Lang;
use crate::problem::{Code, Problem, render};
use crate::routes::Permission;
use crate::state::AppState;

/// The header that a page of ours adds to requests that change something.
pub const OWN_HEADER: &str = "x-liaison";

/// Who asks. There is one owner today; the kinds differ in what a browser could
/// be tricked into, and a browser does not look after files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Principal {
    /// A program with the access token.
    Token,
    /// A browser with a session.
    Session,
}

impl Principal {
    /// What this credential may do.
    const fn holds(self, permission: Permission) -> bool {
        match (self, permission) {
            (
                Self::Token | Self::Session,
                Permission::Public
                | Permission::Deliver
                | Permission::Read
                | Permission::Operate
                | Permission::Pii
                | Permission::Decide,
            )
            | (Self::Token, Permission::Manage | Permission::Privacy) => true,
            (Self::Session, Permission::Manage | Permission::Privacy) => false,
        }
    }
}

/// Around everything: host and origin in, words and headers out.
pub(crate) async fn outer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let lang = Lang::of(request.uri().query(), request.headers());
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let response = match admit(&state, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let mut response = render(response, lang);
    harden(response.headers_mut());
    let status = response.status().as_u16();
    // The path as the table writes it: an address may hold an identity.
    let path = matched.as_ref().map_or("-", MatchedPath::as_str);
    tracing::debug!(%method, path, status, "request");
    response
}

/// Before a route's handler: credential and permission.
pub(crate) async fn route(
    State((state, permission)): State<(AppState, Permission)>,
    request: Request,
    next: Next,
) -> Response {
    match authorise(&state, permission, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            let path = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
            let status = problem.status().as_u16();
            tracing::warn!(method = %request.method(), path, status, "request refused");
            problem.into_response()
        }
    }
}

fn admit(state: &AppState, request: &Request) -> Result<(), Problem> {
    let host = check_host(state.port(), request)?;
    let headers = request.headers();
    if request.uri().path().starts_with(DOORS) {
        // Pages of others may deliver where the connection grants it.
        return Ok(());
    }
    if let Some(origin) = headers.get(header::ORIGIN)
        && origin.to_str().ok() != Some(&format!("http://{host}"))
    {
        return Err(Problem::new(Code::CrossSite).at("Origin"));
    }
    let api = request.uri().path().starts_with("/api/");
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    match site {
        // Following a link to the page is harmless: it shows nothing by itself.
        Some(b"cross-site" | b"same-site") if api => {
            Err(Problem::new(Code::CrossSite).at("Sec-Fetch-Site"))
        }
        _ => Ok(()),
    }
}

fn check_host(port: u16, request: &Request) -> Result<Authority, Problem> {
    let wrong = || Problem::new(Code::WrongHost).at("Host");
    let headers = request.headers();
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).ok_or_else(wrong)?;
    let host: Authority = host.parse().map_err(|_| wrong())?;
    let agrees = request.uri().authority().is_none_or(|authority| *authority == host);
    let known = host.port_u16().unwrap_or(80) == port && is_loopback(host.host());
    let bare = !host.as_str().contains('@');
    if hosts.next().is_none() && agrees && known && bare { Ok(host) } else { Err(wrong()) }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn authorise(state: &AppState, permission: Permission, request: &Request) -> Result<(), Problem> {
    if matches!(permission, Permission::Public | Permission::Deliver) {
        return Ok(());
    }
    let headers = request.headers();
    let principal = identify(state, headers)?;
    if principal == Principal::Session && !request.method().is_safe() {
        check_own_page(request.method(), headers)?;
    }
    if principal.holds(permission) {
        Ok(())
    } else {
        Err(Problem::new(Code::Forbidden).with(permission.as_str()))
    }
}

fn identify(state: &AppState, headers: &HeaderMap) -> Result<Principal, Problem> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
        return match token {
            Some(token) if state.token().opens(token.trim()) => Ok(Principal::Token),
            _ => Err(Problem::new(Code::Unauthenticated).at("Authorization")),
        };
    }
    let now = state.now();
    match session_cookie(state, headers) {
        Some(secret) if state.sessions().check(secret, now) => Ok(Principal::Session),
        _ => Err(Problem::new(Code::Unauthenticated)),
    }
}

/// The session's secret that the browser sent, if any.
pub(crate) fn session_cookie<'h>(state: &AppState, headers: &'h HeaderMap) -> Option<&'h str> {
    let name = state.cookie_name();
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// A change that a browser asks for must come from our own page: `Origin` (or
/// at least `Sec-Fetch-Site: same-origin`) and our own header. That `Origin`
/// is ours was checked before.
pub(crate) fn check_own_page(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let same = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    let proven = headers.contains_key(header::ORIGIN) || same;
    if !proven {
        return Err(Problem::new(Code::CrossSite).at("Origin").with(method.as_str()));
    }
    if !headers.contains_key(OWN_HEADER) {
        return Err(Problem::new(Code::CrossSite).at("X-Liaison").with(method.as_str()));
    }
    Ok(())
}

/// Headers of every answer (ASVS 3.4). HSTS is absent because there is no TLS.
const HARDENING: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

fn harden(headers: &mut HeaderMap) {
    for (name, value) in HARDENING {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
