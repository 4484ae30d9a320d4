//! `liaison serve`: the hub itself.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::Arc;

use hub_http::{AccessToken, AppState, HttpOptions, router};

use crate::access::{self, Note, Token};
use crate::exit::Exit;
use crate::follow::Follower;
use crate::load::Loaded;
use crate::out::talk;
use crate::recordings::Recordings;
use crate::signals::{Closing, closed};
use crate::tokens::StoredTokens;
use crate::trouble::Trouble;
use crate::wire::Wiring;
use crate::{port, reach};

/// Runs until a signal.
///
/// # Errors
/// When the address or the store cannot be had.
pub async fn run(loaded: &Loaded) -> Result<Exit, Trouble> {
    let closing = Closing::listen().map_err(|error| cannot_start(&error))?;
    let listener = port::listen(loaded).await?;
    let address = listener.local_addr().map_err(|error| cannot_start(&error))?;
    let store = reach::open(loaded).await?;
    let token = access::token(&loaded.data_dir())?;
    let recordings = Recordings::open(loaded, false)?;
    let wiring = Wiring::kept(loaded, Arc::new(StoredTokens(store.clone())))?;
    let wiring = wiring.recorded_by(recordings.clone());
    let follower = Follower::begin(loaded);
    let hub = wiring.all().await;
    let engine = wiring.engine(store.clone(), Some(store.clone()), hub.jobs).await?;
    if let Some(recordings) = recordings.clone() {
        tokio::spawn(recordings.follow(engine.subscribe()));
    }
    let state = AppState::new(HttpOptions {
        engine: engine.clone(),
        upkeep: store,
        connections: hub.connections,
        token: AccessToken::of(&token.text),
        port: address.port(),
        version: env!("CARGO_PKG_VERSION"),
        sign_ins: wiring.desk(),
        closing: closing.receiver(),
    });
    let note = Note { pid: std::process::id(), address };
    let _note = access::leave_note(&loaded.data_dir(), &note)?;
    greet(&state, &token, address);
    let engine_ended = engine.serve(closed(closing.receiver()));
    let http_ended = async {
        let ended =
            hub_http::serve(listener, router(state.clone()), closed(closing.receiver())).await;
        // Without its face the hub would run unseen: it stops as a whole.
        closing.stop();
        ended
    };
    let followed = async {
        tokio::select! {
            () = closed(closing.receiver()) => {}
            never = follower.follow(&wiring, &engine, &state) => match never {},
        }
    };
    let ((), served, ()) = tokio::join!(engine_ended, http_ended, followed);
    if let Some(recordings) = recordings {
        recordings.end_rest();
    }
    talk("stopped");
    served.map(|()| Exit::Ok).map_err(|error| cannot_start(&error))
}

fn greet(state: &AppState, token: &Token, address: SocketAddr) {
    talk(format!("liaison {} serves http://{address}", env!("CARGO_PKG_VERSION")));
    // Into a log file a link goes only once, at the first start.
    if !token.fresh && !std::io::stderr().is_terminal() {
        talk("open the page with a link from: liaison token link");
        return;
    }
    match state.login_link() {
        Ok(secret) => {
            talk(format!("open once: http://{address}/login?token={}", secret.reveal()));
        }
        Err(error) => talk(format!("no login link could be made: {error}")),
    }
}

fn cannot_start(error: &std::io::Error) -> Trouble {
    Trouble::new(
        Exit::Usage,
        "serve/cannot-start",
        "",
        format!("the hub cannot serve: {error}"),
        "look at the limits of the system for this user (open files, memory)",
    )
}
