//! The doors for what systems push: a body is durable before its sender hears
//! "yes", so a "yes" is never a lie.
//!
//! A vendor has no token of the hub. Its door, `/inbox/{connection}`, is opened by
//! what the connector's recipe verifies and by nothing else, and a web page gets
//! there only from an origin that the connection's settings grant. Whoever is not
//! let in is told so and no more: the reason is in the hub's log.

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hub_engine::inbox::{Delivery, NotReceived, Received, Refusal, Reply};
use hub_model::ConnectionId;
use serde_json::{Value, json};

use crate::extract::Raw;
use crate::problem::{Code, Problem};
use crate::state::AppState;

/// The folder of all doors.
pub(crate) const DOORS: &str = "/inbox/";
/// What a web page may send along.
const PAGE_HEADERS: &str = "authorization, content-type, content-encoding";
/// How long a browser need not ask again, in seconds.
const PAGE_ASKS_AGAIN_SECONDS: &str = "600";
/// After so many seconds a sender that was put off may come again.
const COME_AGAIN_SECONDS: &str = "1";

/// `POST /api/v1/inbox/{connection}`: at most 1 MiB of anything. It is a hint: the
/// syncs of the connection are read soon.
pub(crate) async fn accept(
    State(state): State<AppState>,
    Path(connection): Path<String>,
    Raw(body): Raw,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if !state.connections().iter().any(|known| known.id == connection) {
        return Err(Problem::new(Code::UnknownConnection).at("inbox/{connection}"));
    }
    state.engine().accept(&ConnectionId::new(connection), &body).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "bytes": body.len() }))))
}

/// `/inbox/{connection}` and everything below it: what a vendor delivers, at most
/// 1 MiB.
pub(crate) async fn deliver(State(state): State<AppState>, request: Request) -> Response {
    let connection = connection_of(&request);
    let page = match page(&state, &connection, request.headers()) {
        Ok(page) => page,
        Err(problem) => return problem.into_response(),
    };
    let mut response = match take(&state, &connection, request).await {
        Ok(response) => response,
        Err(not_received) => refused(not_received),
    };
    if let Some(origin) = page {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}

/// `OPTIONS`: a browser asks whether a page may deliver.
pub(crate) async fn preflight(State(state): State<AppState>, request: Request) -> Response {
    let connection = connection_of(&request);
    match page(&state, &connection, request.headers()) {
        Ok(Some(origin)) => {
            let headers = [
                (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin),
                (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST")),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(PAGE_HEADERS)),
                (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PAGE_ASKS_AGAIN_SECONDS)),
                (header::VARY, HeaderValue::from_static("origin")),
            ];
            (StatusCode::NO_CONTENT, headers).into_response()
        }
        Ok(None) => Problem::new(Code::NoSuchPath).into_response(),
        Err(problem) => problem.into_response(),
    }
}

fn connection_of(request: &Request) -> ConnectionId {
    let path = request.uri().path().strip_prefix(DOORS).unwrap_or_default();
    ConnectionId::new(path.split('/').next().unwrap_or_default())
}

/// The origin of the page that delivers, if a page does and may.
fn page(
    state: &AppState,
    connection: &ConnectionId,
    headers: &HeaderMap,
) -> Result<Option<HeaderValue>, Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(None) };
    let origins = state.engine().origins(connection);
    let granted = origins.iter().any(|granted| granted.as_bytes() == origin.as_bytes());
    if granted { Ok(Some(origin.clone())) } else { Err(Problem::new(Code::CrossSite).at("Origin")) }
}

async fn take(
    state: &AppState,
    connection: &ConnectionId,
    request: Request,
) -> Result<Response, Answer> {
    let delivery = delivery(state, connection, request).await?;
    Ok(match state.engine().receive(connection, delivery).await? {
        Received::Kept | Received::Known => Json(json!({ "success": true })).into_response(),
        Received::Replied(Reply { status, content_type, body }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            let kind = content_type.and_then(|kind| HeaderValue::try_from(kind).ok());
            let kind = kind.unwrap_or(HeaderValue::from_static("text/plain"));
            (status, [(header::CONTENT_TYPE, kind)], Body::from(body)).into_response()
        }
    })
}

async fn delivery(
    state: &AppState,
    connection: &ConnectionId,
    request: Request,
) -> Result<Delivery, Problem> {
    let whole = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let target = whole.strip_prefix(DOORS).and_then(|t| t.strip_prefix(connection.as_str()));
    let target = target.unwrap_or_default().to_owned();
    let method = request.method().to_string();
    // A value that is no text is no signature that a vendor writes.
    let text = |(name, value): (&header::HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers = request.headers().iter().filter_map(text).collect();
    let body = match *request.method() {
        Method::GET | Method::HEAD => Vec::new(),
        _ => Raw::from_request(request, state).await?.0.to_vec(),
    };
    Ok(Delivery { method, target, headers, body, received: state.now() })
}

/// Why a delivery is answered with "no".
enum Answer {
    Problem(Problem),
    NotReceived(NotReceived),
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<NotReceived> for Answer {
    fn from(not_received: NotReceived) -> Self {
        Self::NotReceived(not_received)
    }
}

fn refused(answer: Answer) -> Response {
    let not_received = match answer {
        Answer::Problem(problem) => return problem.into_response(),
        Answer::NotReceived(not_received) => not_received,
    };
    let later = [(header::RETRY_AFTER, COME_AGAIN_SECONDS)];
    match not_received {
        // Of a connection without a door as of one that is not there.
        NotReceived::NoDoor => Problem::new(Code::NoSuchPath).into_response(),
        NotReceived::Refused(Refusal::Unverified(_)) => {
            Problem::new(Code::NotVerified).into_response()
        }
        NotReceived::Refused(Refusal::Unreadable) => {
            Problem::new(Code::NotDecompressed).into_response()
        }
        NotReceived::Refused(Refusal::TooLarge { bytes_max }) => {
            let limit = format!("at most {bytes_max} bytes");
            Problem::new(Code::BodyTooLarge).with(limit).into_response()
        }
        NotReceived::TooMany => (later, Problem::new(Code::TooManyDeliveries)).into_response(),
        NotReceived::Full | NotReceived::Refused(Refusal::NotReady(_)) => {
            (later, Problem::new(Code::DoorClosed)).into_response()
        }
        NotReceived::Handshake(fault) => {
            tracing::warn!(%fault, "a challenge could not be answered");
            (later, Problem::new(Code::DoorClosed)).into_response()
        }
        NotReceived::Store(error) => Problem::from(error).into_response(),
    }
}
