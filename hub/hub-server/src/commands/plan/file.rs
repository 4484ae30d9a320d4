//! The plan that is to be applied: a file that `liaison plan --json` wrote, or
//! the hash alone.

use std::fmt::Display;
use std::path::Path;

use hub_model::{PlannedWrite, SyncId};
use serde::Deserialize;

use crate::exit::Exit;
use crate::trouble::Trouble;

/// Digits of a hash.
const HASH_DIGITS: usize = 32;

/// What is to be applied.
pub(super) struct Wanted {
    /// The hash of the plan.
    pub hash: String,
    /// Its writes, if its file was given.
    pub writes: Option<Vec<PlannedWrite>>,
}

#[derive(Deserialize)]
struct File {
    sync: SyncId,
    plan: String,
    writes: Vec<PlannedWrite>,
}

/// Reads what was typed.
///
/// # Errors
/// When it is neither, or a plan of another sync.
pub(super) fn read(id: &SyncId, typed: &str) -> Result<Wanted, Trouble> {
    if typed.len() == HASH_DIGITS && typed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Wanted { hash: typed.to_owned(), writes: None });
    }
    let text = std::fs::read(Path::new(typed)).map_err(|error| {
        let what =
            format!("no hash of {HASH_DIGITS} digits, and no file that can be read: {error}");
        wrong("plan/unreadable", typed, &what)
    })?;
    let file: File =
        serde_json::from_slice(&text).map_err(|error| wrong("plan/broken", typed, &error))?;
    if file.sync != *id {
        let what = format!("it is a plan of `{}`, not of `{id}`", file.sync);
        return Err(wrong("plan/other-sync", typed, &what));
    }
    Ok(Wanted { hash: file.plan, writes: Some(file.writes) })
}

fn wrong(code: &str, place: &str, what: &dyn Display) -> Trouble {
    let mend = "make one with `liaison plan <sync> --json > plan.json`";
    Trouble::new(Exit::Usage, code, place, what, mend)
}

/// A write that came from a hub of another version.
pub(super) fn broken(error: &dyn Display) -> Trouble {
    let mend = "use the command line of the hub's own version";
    Trouble::new(Exit::Finding, "plan/broken", "the hub", error, mend)
}

#[cfg(test)]
mod tests {
    use super::{SyncId, read};

    #[test]
    fn a_plan_is_a_hash_or_a_file_of_its_sync() {
        let people = SyncId::new("people");
        let hash = "26531e7992503b9eb45edc77f813dd53";
        assert!(read(&people, hash).is_ok_and(|wanted| wanted.writes.is_none()));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.json");
        let path = path.to_str().unwrap();
        let code = |typed: &str| read(&people, typed).err().unwrap().items[0].code.clone();
        assert_eq!(code(path), "plan/unreadable");
        assert_eq!(code(&hash[1..]), "plan/unreadable");
        std::fs::write(path, "{").unwrap();
        assert_eq!(code(path), "plan/broken");
        let plan = |sync: &str| format!(r#"{{"sync":"{sync}","writes":[],"plan":"{hash}"}}"#);
        std::fs::write(path, plan("orders")).unwrap();
        assert_eq!(code(path), "plan/other-sync");
        std::fs::write(path, plan("people")).unwrap();
        let wanted = read(&people, path).unwrap();
        assert_eq!((wanted.hash.as_str(), wanted.writes), (hash, Some(vec![])));
    }
}
