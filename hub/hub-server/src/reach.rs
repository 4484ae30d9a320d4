//! Where a command finds its data: in the store, or, while a hub runs, with
//! that hub. The store's lock alone says whether one runs: a note of a killed
//! hub may name a port that belongs to somebody else by now, and the token
//! must not be sent there.

use std::path::Path;
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

/// Who looks after the store.
pub enum Kept {
    /// We do: it is ours now.
    Store(Arc<SledStore>),
    /// A running hub.
    Hub(Client),
}

/// Finds who looks after the store; it is created when there is none.
///
/// # Errors
/// As for [`find`].
pub async fn kept(loaded: &Loaded) -> Result<Kept, Trouble> {
    match open(loaded).await {
        Ok(store) => Ok(Kept::Store(store)),
        Err(trouble) if is_locked(&trouble) => hub(loaded, trouble).await.map(Kept::Hub),
        Err(trouble) => Err(trouble),
    }
}

/// Finds the data. A workspace that has none yet is empty; nothing is created.
///
/// # Errors
/// When the store cannot be opened for another reason than a running hub, or
/// when that hub does not say where it is.
pub async fn find(loaded: &Loaded) -> Result<Data, Trouble> {
    if !loaded.store_dir().exists() {
        refuse_unfinished_restore(loaded)?;
        return Ok(Data::Store(Arc::new(MemoryStore::default())));
    }
    find_or_create(loaded).await
}

/// Like [`find`], and creates the store when there is none.
///
/// # Errors
/// As for [`find`].
pub async fn find_or_create(loaded: &Loaded) -> Result<Data, Trouble> {
    Ok(match kept(loaded).await? {
        Kept::Store(store) => Data::Store(store),
        Kept::Hub(client) => Data::Hub(client),
    })
}

/// Opens the store for this process alone; creates it when there is none.
///
/// # Errors
/// When it is locked, damaged or cannot be written.
pub async fn open(loaded: &Loaded) -> Result<Arc<SledStore>, Trouble> {
    refuse_unfinished_restore(loaded)?;
    open_or_create(loaded, &loaded.store_dir()).await
}

/// A store that was moved aside and not yet replaced must not come up empty.
///
/// # Errors
/// When it was.
pub fn refuse_unfinished_restore(loaded: &Loaded) -> Result<(), Trouble> {
    let aside = ["restore", "replaced"].map(|what| loaded.beside_store(what));
    match aside.iter().find(|aside| aside.exists()) {
        Some(aside) if !loaded.store_dir().exists() => Err(Trouble::new(
            Exit::Store,
            "store/restore-unfinished",
            aside.display(),
            "a restore or import was begun and not ended: the store is not in its place",
            "run the restore (or import) again, or move the folder away",
        )),
        _ => Ok(()),
    }
}

/// Opens the store in a folder for this process alone; creates it when there is
/// none.
///
/// # Errors
/// As for [`open`].
pub async fn open_or_create(loaded: &Loaded, dir: &Path) -> Result<Arc<SledStore>, Trouble> {
    let (dir, data_dir) = (dir.to_owned(), loaded.data_dir());
    let workspace = loaded.config.workspace.clone();
    let place = dir.display().to_string();
    opened(place, move || {
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
pub async fn inspect(loaded: &Loaded) -> Result<Arc<SledStore>, Trouble> {
    let dir = loaded.store_dir();
    let place = dir.display().to_string();
    opened(place, move || SledStore::inspect(&dir).map_err(Trouble::from)).await
}

/// Opens a copy of the store, such as a backup.
///
/// # Errors
/// When it is locked, no store, or of another workspace.
pub async fn open_copy(loaded: &Loaded, dir: &Path) -> Result<Arc<SledStore>, Trouble> {
    let (dir, workspace) = (dir.to_owned(), loaded.config.workspace.clone());
    let place = dir.display().to_string();
    opened(place, move || SledStore::open_existing(&dir, &workspace).map_err(Trouble::from)).await
}

/// Opening blocks: it gets a thread of its own.
async fn opened(
    place: String,
    opening: impl FnOnce() -> Result<SledStore, Trouble> + Send + 'static,
) -> Result<Arc<SledStore>, Trouble> {
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
