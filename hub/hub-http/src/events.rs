//! Live runs as server-sent events.
//!
//! `run-started`, `run-progress` and `run-ended` carry what the name says;
//! `ready` opens the stream, so that a page can fetch the state *after* it
//! began to listen and miss nothing; `lagged` tells a watcher that was too slow
//! to fetch the state again.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use hub_engine::Event;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};

use crate::lang::Lang;
use crate::limits::KEEP_ALIVE_SECONDS;
use crate::problem::{Code, Problem};
use crate::state::AppState;
use crate::views;

struct Watcher {
    events: broadcast::Receiver<Event>,
    closing: watch::Receiver<bool>,
    lang: Lang,
    greeted: bool,
    _place: OwnedSemaphorePermit,
}

/// `GET /events`.
pub(crate) async fn watch(State(state): State<AppState>, lang: Lang) -> Result<Response, Problem> {
    let place = state.watchers().clone().try_acquire_owned();
    let place = place.map_err(|_| Problem::new(Code::TooManyWatchers))?;
    let watcher = Watcher {
        events: state.engine().subscribe(),
        closing: state.closing(),
        lang,
        greeted: false,
        _place: place,
    };
    let stream = stream::unfold(watcher, next);
    let alive = KeepAlive::new().interval(Duration::from_secs(KEEP_ALIVE_SECONDS));
    let mut response = Sse::new(stream).keep_alive(alive).into_response();
    // A proxy that gathers the stream would make it look dead.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.tag()));
    Ok(response)
}

async fn next(mut watcher: Watcher) -> Option<(Result<Message, Infallible>, Watcher)> {
    if !watcher.greeted {
        watcher.greeted = true;
        return Some((Ok(message("ready", &json!({}))), watcher));
    }
    let event = tokio::select! {
        _ = watcher.closing.wait_for(|closing| *closing) => return None,
        event = watcher.events.recv() => event,
    };
    let message = match event {
        Ok(event) => tell(&event, watcher.lang),
        Err(RecvError::Lagged(missed)) => message("lagged", &json!({ "missed": missed })),
        Err(RecvError::Closed) => return None,
    };
    Some((Ok(message), watcher))
}

fn tell(event: &Event, lang: Lang) -> Message {
    match event {
        Event::Started(run) => message("run-started", &views::run(run, lang)),
        Event::Progress { run, sync, counts } => {
            let counts = views::counts(counts);
            message("run-progress", &json!({ "id": run, "sync": sync, "counts": counts }))
        }
        Event::Ended(run) => message("run-ended", &views::run(run, lang)),
    }
}

fn message(name: &str, data: &Value) -> Message {
    Message::default().event(name).data(data.to_string())
}
