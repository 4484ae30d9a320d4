//! Compaction: the rows into a new engine, then on with that one. The engine
//! does not give back the space of what was overwritten; a copy has none. Blocks
//! of which no row is wanted are left out, one that holds a wanted row is
//! copied without the others ([`crate::scrub`]), and the log of the index is
//! written anew: of what was erased or replaced before, nothing is left.
//!
//! Until the file `current` names the new folder, a kill leaves the old store
//! and a folder to be removed; from then on the new one, which holds the same
//! rows to the byte, and the old folder to be removed. No commit is taken in
//! between, and the witness speaks of both.

use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use hub_store::Error;
use hub_store::upkeep::{Compacted, Progress, Step};

use crate::copy::{Copying, Still, Tell};
use crate::open::{self, Mode};
use crate::place::Place;
use crate::scrub::Alive;
use crate::store::{Live, Shared};

/// How long to wait for readers of the old files before they are left to be
/// removed at the next opening.
const READERS_LOOKS: u32 = 500;
const READERS_PAUSE: Duration = Duration::from_millis(10);

/// Compacts a store that is in use.
pub(crate) fn compact(live: &Live, tell: Tell<'_>) -> Result<Compacted, Error> {
    let old = Arc::clone(&live.current.read().unwrap_or_else(PoisonError::into_inner));
    let bytes_before = old.place.disk_bytes();
    let next = old.place.next();
    let alive = Alive::of(&old)?;
    let keep = move |key: &[u8], value| alive.keep(key, value);
    let copying = Copying { shared: &old, jobs: &live.jobs, keep: &keep, index_anew: true };
    let switched = copying.run(&next, tell, |still, tell| switch(live, &old, &next, still, tell));
    let (new, mut told) = match switched {
        Ok(switched) => switched,
        Err(error) => {
            give_up(&old, &next);
            return Err(error);
        }
    };
    remove(old);
    let bytes_after = new.place.disk_bytes();
    told.step = Step::Done;
    // All is done: nobody can stop it any more.
    let _ = tell(told);
    Ok(Compacted { bytes_before, bytes_after })
}

/// Opens the copy and makes it the store; the writer stands still.
fn switch(
    live: &Live,
    old: &Arc<Shared>,
    next: &Place,
    still: Still,
    tell: Tell<'_>,
) -> Result<(Arc<Shared>, Progress), Error> {
    let workspace = old.state().meta.workspace.clone();
    let opened = open::open_place(next.clone(), Some(&workspace), Mode::Existing, true)?;
    if opened.meta != old.state().meta || opened.index.counts() != old.state().index.counts() {
        return Err(Error::Corrupt("the copy opens as another store".to_owned()));
    }
    let rows = opened.rows.tree.len() as u64;
    let told = Progress { step: Step::Switched, rows, of_rows: rows };
    tell(Progress { step: Step::Checked, ..told })?;
    // From here on it is not known which of the two the next opening finds, until
    // the switch is made: an error must end the use of both.
    old.fail_on_error(next.make_current())?;
    let (new, writer) = Shared::of(opened);
    *live.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&new);
    still.go_on_with(writer);
    let _ = tell(told);
    Ok((new, told))
}

/// Takes away what was copied, unless it may have become the store.
fn give_up(old: &Shared, next: &Place) {
    if old.may_read().is_ok()
        && let Err(error) = next.remove_engine()
    {
        tracing::warn!(%error, "an unfinished copy stays until the store is opened again");
    }
}

/// Closes and removes the old files, once nobody reads them any more.
fn remove(mut old: Arc<Shared>) {
    for _ in 0..READERS_LOOKS {
        match Arc::try_unwrap(old) {
            Ok(shared) => {
                let place = shared.place.clone();
                drop(shared);
                if let Err(error) = place.remove_engine() {
                    tracing::warn!(%error, "the old files stay until the store is opened again");
                }
                return;
            }
            Err(shared) => old = shared,
        }
        thread::sleep(READERS_PAUSE);
    }
    tracing::warn!("the old files are still read; they stay until the store is opened again");
}
