//! The access token of programs and the note that a running hub leaves about
//! where it is: two small files in the data directory.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hub_http::token::Secret;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::private;
use crate::trouble::Trouble;

/// Prefix of access tokens, for scanners of leaked secrets.
const PREFIX: &str = "hub_";

/// The access token, and whether it was made just now.
pub struct Token {
    /// In clear: its owner's own file holds it so.
    pub text: String,
    /// Whether this is the first start.
    pub fresh: bool,
}

fn token_path(data_dir: &Path) -> PathBuf {
    data_dir.join("api-token")
}

fn note_path(data_dir: &Path) -> PathBuf {
    data_dir.join("serve.json")
}

/// The access token; made when there is none.
///
/// # Errors
/// When the file cannot be used, or others may read it.
pub fn token(data_dir: &Path) -> Result<Token, Trouble> {
    match known_token(data_dir)? {
        Some(text) => Ok(Token { text, fresh: false }),
        None => Ok(Token { text: new_token(data_dir)?, fresh: true }),
    }
}

/// The access token, if there is one.
///
/// # Errors
/// When the file cannot be used, or others may read it.
pub fn known_token(data_dir: &Path) -> Result<Option<String>, Trouble> {
    let path = token_path(data_dir);
    let text = private::read(&path).map_err(|error| unusable(&path, &error))?;
    Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
}

/// Replaces the access token.
///
/// # Errors
/// When the file cannot be written.
pub fn new_token(data_dir: &Path) -> Result<String, Trouble> {
    let path = token_path(data_dir);
    let secret = Secret::random(PREFIX).map_err(|error| unusable(&path, &error))?;
    private::folder(data_dir)
        .and_then(|()| private::write(&path, &format!("{}\n", secret.reveal())))
        .map_err(|error| unusable(&path, &error))?;
    Ok(secret.reveal().to_owned())
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Trouble {
    Trouble::new(
        Exit::Usage,
        "serve/private-file",
        path.display(),
        format!("the file cannot be used: {error}"),
        "check owner and permissions: only the hub's user may read it (chmod 600)",
    )
}

/// What a running hub says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Its process.
    pub pid: u32,
    /// Where its API is.
    pub address: SocketAddr,
}

/// Leaves the note; it is taken away when the guard is dropped.
///
/// # Errors
/// When it cannot be written.
pub fn leave_note(data_dir: &Path, note: &Note) -> Result<NoteGuard, Trouble> {
    let path = note_path(data_dir);
    let text = serde_json::to_string(note).unwrap_or_default();
    private::write(&path, &text).map_err(|error| unusable(&path, &error))?;
    Ok(NoteGuard(path))
}

/// Takes the note away.
pub struct NoteGuard(PathBuf);

impl Drop for NoteGuard {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, "the note of the running hub could not be removed");
        }
    }
}

/// The note of a hub, if there is one. It may be left over from a hub that was
/// killed: only the store's lock says that a hub runs.
pub fn note(data_dir: &Path) -> Option<Note> {
    serde_json::from_str(&private::read(&note_path(data_dir)).ok()??).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_made_once_and_replaced_on_request() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        assert_eq!(known_token(&data).unwrap(), None);
        let first = token(&data).unwrap();
        let again = token(&data).unwrap();
        assert!(first.fresh && !again.fresh);
        assert_eq!(first.text, again.text);
        assert_ne!(new_token(&data).unwrap(), first.text);
    }

    #[test]
    fn the_note_goes_with_its_guard() {
        let dir = tempfile::tempdir().unwrap();
        let left = Note { pid: 7, address: "127.0.0.1:8420".parse().unwrap() };
        let guard = leave_note(dir.path(), &left).unwrap();
        assert_eq!(note(dir.path()), Some(left));
        drop(guard);
        assert_eq!(note(dir.path()), None);
    }
}
