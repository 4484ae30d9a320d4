//! Taking connections: few at a time, each with limits on how slow and how
//! large its requests may be, and none that is cut off in the middle of an
//! answer when the hub stops.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::limits::{
    CONNECTIONS_MAX, DRAIN_SECONDS_MAX, HEAD_BYTES_MAX, HEAD_SECONDS_MAX, HEADERS_MAX,
};

/// How long to wait after the system refused to hand over a connection, which
/// happens when the process has no file handles left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves until `shutdown` resolves, then lets open answers end.
///
/// # Errors
/// When the listener is not on loopback: without TLS a credential must not
/// leave the machine.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        let reason = format!("{address} is not a loopback address, and there is no TLS");
        return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, reason));
    }
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        // Further connections wait in the system's queue until there is a place.
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut shutdown => break,
            next = accepted => next,
        };
        match (place, accepted) {
            (Ok(place), Ok((stream, _))) => {
                let talk = talk(stream, router.clone(), &graceful);
                tokio::spawn(async move {
                    talk.await;
                    drop(place);
                });
            }
            (_, Err(error)) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            (Err(_), Ok(_)) => break,
        }
    }
    drop(listener);
    let drained = tokio::time::timeout(Duration::from_secs(DRAIN_SECONDS_MAX), graceful.shutdown());
    if drained.await.is_err() {
        tracing::warn!("answers still open were cut off");
    }
    Ok(())
}

fn talk(
    stream: TcpStream,
    router: Router,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_SECONDS_MAX))
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let watched = graceful.watch(connection);
    async move {
        if let Err(error) = watched.await {
            // The other side went away or sent nonsense: its business.
            tracing::debug!(%error, "a connection ended badly");
        }
    }
}
