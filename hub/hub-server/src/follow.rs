//! A hub that runs takes up what is installed, upgraded, mended or removed: it looks at
//! the lock file and gives the connections of what has changed their connector anew. A
//! run that is under way ends with the version that it began with. The result is always
//! what a restart would have given.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use hub_engine::Engine;
use hub_http::AppState;
use plugin_install::Lock;

use crate::load::Loaded;
use crate::out::talk;
use crate::shelf::{Mark, Shelf};
use crate::trouble::Trouble;
use crate::wire::Wiring;

/// Between two looks at the lock file, in milliseconds.
const LOOK_MILLIS: u64 = 1_000;

/// Where it stands.
pub struct Follower<'l> {
    loaded: &'l Loaded,
    shelf: Shelf,
    mark: Mark,
    lock: Option<Lock>,
}

impl<'l> Follower<'l> {
    /// Begins where the connectors are about to be loaded.
    pub fn begin(loaded: &'l Loaded) -> Self {
        let shelf = Shelf::of(loaded);
        // What changes from here on is seen, if only to be loaded twice.
        let mark = shelf.mark();
        let lock = shelf.lock().ok().flatten();
        Self { loaded, shelf, mark, lock }
    }

    /// Follows for ever.
    pub async fn follow(
        mut self,
        wiring: &Wiring<'_>,
        engine: &Engine,
        state: &AppState,
    ) -> Infallible {
        loop {
            tokio::time::sleep(Duration::from_millis(LOOK_MILLIS)).await;
            let mark = self.shelf.mark();
            if mark == self.mark {
                continue;
            }
            self.mark = mark;
            match self.shelf.lock() {
                Ok(lock) => self.take_up(lock, wiring, engine, state).await,
                Err(unfit) => {
                    talk("the lock file has changed and cannot be used; everything stays as it is");
                    talk(Trouble::from(unfit));
                }
            }
        }
    }

    async fn take_up(
        &mut self,
        lock: Option<Lock>,
        wiring: &Wiring<'_>,
        engine: &Engine,
        state: &AppState,
    ) {
        let before = std::mem::replace(&mut self.lock, lock);
        let views = state.connections();
        let is_broken = |id: &str| views.iter().any(|view| view.id == id && view.fault.is_some());
        let touched = self.loaded.config.connections.iter().filter(|connection| {
            let id = connection.connector.as_str();
            release(before.as_ref(), id) != release(self.lock.as_ref(), id)
                || is_broken(connection.id.as_str())
        });
        let touched: Vec<_> = touched.collect();
        let connectors: BTreeSet<&str> = touched.iter().map(|it| it.connector.as_str()).collect();
        for connector in connectors {
            wiring.forget(connector).await;
        }
        for connection in touched {
            let (connector, view) = wiring.wired(connection).await;
            engine.exchange(&connection.id, &connector);
            state.exchange(&view);
            if view.fault.is_none() {
                talk(format!(
                    "the connection `{}` runs {} {} from now on; a run that is under way ends \
                     with what it began with",
                    view.id,
                    view.connector,
                    view.version.unwrap_or_default(),
                ));
            }
        }
    }
}

/// What runs of a connector; without a lock file, what lies in the folder.
fn release<'l>(lock: Option<&'l Lock>, id: &str) -> Option<Option<&'l str>> {
    lock.map(|lock| lock.connectors.get(id).map(|locked| locked.runs.digest.as_str()))
}
