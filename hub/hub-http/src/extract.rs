//! Bodies and parameters, taken strictly: unknown and doubled names, trailing
//! data, other content types and larger bodies are refused, each with its code.

use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use serde::de::DeserializeOwned;

use crate::limits::{BODY_SECONDS_MAX, INBOX_BYTES_MAX, JSON_BYTES_MAX, ROWS_DEFAULT, ROWS_MAX};
use crate::problem::{Code, Problem};

/// A body in JSON.
pub(crate) struct Json<T>(pub T);

/// A body as it came.
pub(crate) struct Raw(pub Bytes);

/// The parameters of the address.
pub(crate) struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers());
        let body = whole(request, JSON_BYTES_MAX).await?;
        // Nothing sent is the same as nothing asked: `{}`.
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        if !json && !body.is_empty() {
            return Err(Problem::new(Code::WrongContentType).at("Content-Type"));
        }
        // A list would pass for an object: serde takes its items for fields in order.
        if text.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(Problem::new(Code::BadBody).at("1:1").with("expected an object"));
        }
        serde_json::from_slice(text).map(Self).map_err(|error| {
            let place = format!("{}:{}", error.line(), error.column());
            Problem::new(Code::BadBody).at(place).with(expectation(&error.to_string()))
        })
    }
}

impl<S: Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        whole(request, INBOX_BYTES_MAX).await.map(Self)
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let own = without_lang(parts.uri.query().unwrap_or_default());
        axum::extract::Query::try_from_uri(&own)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|error| {
                Problem::new(Code::BadParameter).at("query").with(expectation(&error.body_text()))
            })
    }
}

/// The parameters without `lang`, which every address takes.
fn without_lang(query: &str) -> Uri {
    let rest: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("lang=")).collect();
    format!("/?{}", rest.join("&")).parse().unwrap_or_default()
}

/// The parser's sentence, cut: it may quote what was sent.
fn expectation(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    text.chars().take(CHARS_MAX).collect()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

async fn whole(request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(Code::BodyTooLarge).with(format!("at most {bytes_max} bytes"));
    let declared = request.headers().get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|bytes| bytes > bytes_max) {
        return Err(too_large());
    }
    let patience = Duration::from_secs(BODY_SECONDS_MAX);
    let read = tokio::time::timeout(patience, to_bytes(request.into_body(), bytes_max));
    match read.await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_length_limit(&error) => Err(too_large()),
        Ok(Err(_)) | Err(_) => Err(Problem::new(Code::BodyIncomplete)),
    }
}

fn is_length_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|s| s.is::<http_body_util::LengthLimitError>())
}

/// How many rows to answer with.
pub(crate) fn rows(asked: Option<usize>) -> Result<usize, Problem> {
    match asked {
        None => Ok(ROWS_DEFAULT),
        Some(rows) if (1..=ROWS_MAX).contains(&rows) => Ok(rows),
        Some(_) => {
            Err(Problem::new(Code::BadParameter).at("limit").with(format!("1 to {ROWS_MAX}")))
        }
    }
}
