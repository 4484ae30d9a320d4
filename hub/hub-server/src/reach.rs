//! Where a command finds its data: in the store, or, while a hub runs, with
//! that hub. The store's lock alone says whether one runs: a note of a killed
//! hub may name a port that belongs to somebody else by now, and the token
//! must not be sent there.

use std::sync::Arc;
use std::time::Duration;

use hub_store::{MemoryStore, Store};
use hub_store_sled::SledStore;

use crate::access;
use crate::client::Client;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::private;
use crate::trouble::Trouble;

/// How often to look for the note of a hub that has just been started.
const NOTE_LOOKS: u32 = 20;
/// How long to wait between two looks.
const NOTE_PAUSE: Duration = Duration::from_millis(250);

/// Where the data are.
pub enum Data {
    /// In the store, which is ours now.
    Store(Arc<dyn Store>),
    /// With a running hub.
    Hub(Client),
}

/// Finds the data. A workspace that has none yet is empty; nothing is created.
///
/// # Errors
/// When the store cannot be opened for another reason than a running hub, or
/// when that hub does not say where it is.
pub async fn find(loaded: &Loaded) -> Result<Data, Trouble> {
    if !loaded.store_dir().exists() {
        return Ok(Data::Store(Arc::new(MemoryStore::default())));
    }
    or_hub(loaded, open(loaded).await).await
}

/// Like [`find`], and creates the store when there is none.
///
/// # Errors
/// As for [`find`].
pub async fn find_or_create(loaded: &Loaded) -> Result<Data, Trouble> {
    or_hub(loaded, open(loaded).await).await
}

async fn or_hub(loaded: &Loaded, opened: Result<Arc<dyn Store>, Trouble>) -> Result<Data, Trouble> {
    match opened {
        Ok(store) => Ok(Data::Store(store)),
        Err(trouble) if is_locked(&trouble) => hub(loaded, trouble).await.map(Data::Hub),
        Err(trouble) => Err(trouble),
    }
}

/// Opens the store for this process alone; creates it when there is none.
///
/// # Errors
/// When it is locked, damaged or cannot be written.
pub async fn open(loaded: &Loaded) -> Result<Arc<dyn Store>, Trouble> {
    let (dir, data_dir) = (loaded.store_dir(), loaded.data_dir());
    let workspace = loaded.config.workspace.clone();
    opened(loaded, move || {
        private::folder(&data_dir)
            .map_err(|error| cannot_use(&data_dir.display().to_string(), &error))?;
        SledStore::open(&dir, &workspace).map_err(Trouble::from)
    })
    .await
}

/// Opens the store to look at it, even when it would refuse to be worked with.
///
/// # Errors
/// When it is locked or no store.
pub async fn inspect(loaded: &Loaded) -> Result<Arc<dyn Store>, Trouble> {
    let dir = loaded.store_dir();
    opened(loaded, move || SledStore::inspect(&dir).map_err(Trouble::from)).await
}

/// Opening blocks: it gets a thread of its own.
async fn opened(
    loaded: &Loaded,
    opening: impl FnOnce() -> Result<SledStore, Trouble> + Send + 'static,
) -> Result<Arc<dyn Store>, Trouble> {
    let place = loaded.store_dir().display().to_string();
    match tokio::task::spawn_blocking(opening).await {
        Ok(Ok(store)) => Ok(Arc::new(store)),
        Ok(Err(mut trouble)) => {
            for item in trouble.items.iter_mut().filter(|item| item.place == "store") {
                item.place.clone_from(&place);
            }
            Err(trouble)
        }
        Err(error) => Err(cannot_use(&place, &error)),
    }
}

fn cannot_use(place: &str, error: &dyn std::fmt::Display) -> Trouble {
    Trouble::new(
        Exit::Store,
        "store/folder",
        place,
        format!("the folder cannot be used: {error}"),
        "check owner, permissions and free space, or write another `data_dir` in liaison.toml",
    )
}

fn is_locked(trouble: &Trouble) -> bool {
    trouble.items.iter().any(|item| item.code == "store/locked")
}

/// The hub that holds the store. One that has just been started has the lock
/// before it listens: it is waited for.
async fn hub(loaded: &Loaded, locked: Trouble) -> Result<Client, Trouble> {
    let data_dir = loaded.data_dir();
    for _ in 0..NOTE_LOOKS {
        let note = access::note(&data_dir);
        let token = access::known_token(&data_dir)?;
        if let (Some(note), Some(token)) = (note, token)
            && is_holder(note.pid, &locked)
        {
            return Ok(Client::new(note.address, token));
        }
        tokio::time::sleep(NOTE_PAUSE).await;
    }
    Err(locked)
}

/// Whether the note is of the process that the lock names, not of a hub that
/// was killed before it.
fn is_holder(pid: u32, locked: &Trouble) -> bool {
    let word = pid.to_string();
    let named = |text: &str| text.split(|c: char| !c.is_ascii_digit()).any(|part| part == word);
    locked.items.iter().any(|item| named(&item.what))
}
