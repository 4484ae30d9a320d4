//! `liaison connector install`, `upgrade`, `approve` and `remove`: what the lock file
//! says. Everything that was offered is judged before anything is written.

use std::path::{Path, PathBuf};

use hub_engine::{Env as _, SystemEnv};
use plugin_install::lock::{Lock, Locked};
use plugin_install::signature::SignerKey;
use plugin_install::{Capabilities, Refusal, Step, Verb, Wish, approve as held_of, judge};
use serde_json::{Value, json};

use super::fetch;
use crate::cli::Package;
use crate::commands::identity::AUTHOR;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, talk};
use crate::package::{self, Found, Unfit};
use crate::shelf::Shelf;
use crate::trouble::{Item, Trouble};

/// Lets in the packages of a file, a folder or an address.
///
/// # Errors
/// Every package that is refused; then nothing is changed.
pub async fn offer(
    loaded: &Loaded,
    verb: Verb,
    asked: &Package,
    out: Out,
) -> Result<Exit, Trouble> {
    let shelf = Shelf::of(loaded);
    let wish = wish(verb, asked)?;
    let digest = asked.digest.as_deref().map(digest).transpose()?;
    let offered = match fetch::address(&asked.from) {
        Some(address) => vec![fetch::fetch(address, digest.as_deref()).await?],
        None => offered(&asked.from, digest.as_deref())?,
    };
    let change = shelf.change()?;
    let lock = shelf.lock()?;
    if lock.is_none() {
        left_out(loaded, &shelf, &offered)?;
    }
    let lock = lock.unwrap_or_default();
    let steps = judged(&lock, &offered, &wish)?;
    let mut next = lock;
    for (found, step) in offered.iter().zip(&steps) {
        change.put(found)?;
        enter(&mut next, &found.manifest.id, step);
    }
    change.commit(&next)?;
    show(&offered, &steps, verb, out)
}

/// Shows what a held version asks for, and approves it when told to.
///
/// # Errors
/// When nothing is held, or it is not what was offered.
pub fn approve(loaded: &Loaded, id: &str, yes: bool, out: Out) -> Result<Exit, Trouble> {
    let shelf = Shelf::of(loaded);
    let change = shelf.change()?;
    let refused =
        |refusal: &Refusal| Trouble::from(Unfit::refused(shelf.lock_file().display(), refusal));
    let mut lock = shelf.lock()?.unwrap_or_default();
    let (held, wider) = held_of(&lock, id).map_err(|refusal| refused(&refusal))?;
    let (mut held, from) = (held.clone(), lock.connectors[id].runs.version.clone());
    shelf.release(id, &held)?;
    if yes {
        (held.by, held.at) = (who(), SystemEnv::default().now().to_string());
        let locked = Locked { runs: held.clone(), held: None };
        lock.connectors.insert(id.to_owned(), locked);
        change.commit(&lock)?;
    }
    let view = json!({
        "id": id, "from": from, "version": held.version, "digest": held.digest,
        "wider": wider, "approved": yes,
    });
    out.data(&view, || asks(&wider))?;
    talk(if yes {
        format!("{id} {} runs from now on, in place of {from}", held.version)
    } else {
        format!("{id} {} waits; {from} runs. Approve it with --yes", held.version)
    });
    Ok(Exit::Ok)
}

/// Takes a connector out of the lock file.
///
/// # Errors
/// When it is not installed, or a connection uses it.
pub fn remove(loaded: &Loaded, id: &str, out: Out) -> Result<Exit, Trouble> {
    let shelf = Shelf::of(loaded);
    let change = shelf.change()?;
    let mut lock = shelf.lock()?.unwrap_or_default();
    let place = shelf.lock_file().display().to_string();
    let Some(removed) = lock.connectors.remove(id) else {
        return Err(Unfit::refused(place, &Refusal::NotInstalled(id.to_owned())).into());
    };
    let mut users = loaded.config.connections.iter().filter(|it| *it.connector.value == *id);
    if let Some(user) = users.next() {
        let what = format!("the connection `{}` uses `{id}`", user.id);
        let mend = "remove the connection first, with its syncs";
        return Err(Trouble::new(Exit::Usage, "connector/in-use", &user.location, what, mend));
    }
    change.commit(&lock)?;
    let view = json!({ "id": id, "version": removed.runs.version, "removed": true });
    out.data(&view, || format!("{id} {} is removed\n", removed.runs.version))?;
    Ok(Exit::Ok)
}

/// The packages of a file or a folder.
fn offered(from: &Path, digest: Option<&str>) -> Result<Vec<Found>, Trouble> {
    let paths = if from.is_dir() { package::files(from) } else { vec![PathBuf::from(from)] };
    if paths.is_empty() {
        let what = "there is no component file in it";
        let mend = "name a folder with files that end in .wasm";
        return Err(Trouble::new(Exit::Usage, "connector/empty", from.display(), what, mend));
    }
    all(paths.iter().map(|path| Found::read_itself(path, digest)))
}

/// A digest as the lock file has it, of 64 hexadecimal digits as others write them.
fn digest(text: &str) -> Result<String, Trouble> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
    if digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Ok(format!("sha256:{digits}"));
    }
    let mend =
        "a digest is sha256: and 64 hexadecimal digits, as `liaison connector inspect` shows";
    Err(Trouble::new(Exit::Usage, "connector/digest", "--digest", "it is no digest", mend))
}

fn judged(lock: &Lock, offered: &[Found], wish: &Wish) -> Result<Vec<Step>, Trouble> {
    let judge = |found: &Found| {
        let same = |other: &&Found| other.manifest.id == found.manifest.id;
        if offered.iter().filter(same).count() > 1 {
            return Err(Unfit {
                code: "connector/twice",
                place: found.place.clone(),
                what: format!("`{}` is offered more than once", found.manifest.id),
                mend: "offer one version of each connector".to_owned(),
            });
        }
        judge(lock, &found.offer(), wish).map_err(|refusal| Unfit::refused(&found.place, &refusal))
    };
    all(offered.iter().map(judge)).map_err(|mut trouble| {
        // What only lacks a yes is an answer, not a mistake.
        if trouble.items.iter().all(|item| item.code == "connector/not-approved") {
            trouble.exit = Exit::Finding;
        }
        trouble
    })
}

/// All of it, or everything that is wrong.
fn all<T>(each: impl Iterator<Item = Result<T, Unfit>>) -> Result<Vec<T>, Trouble> {
    let (mut good, mut items): (Vec<T>, Vec<Item>) = (Vec::new(), Vec::new());
    for one in each {
        match one {
            Ok(one) => good.push(one),
            Err(unfit) => items.extend(Trouble::from(unfit).items),
        }
    }
    if items.is_empty() { Ok(good) } else { Err(Trouble { exit: Exit::Usage, items }) }
}

/// The first install makes the lock file, and from then on what merely lies in the
/// folder is not loaded: no connection may lose its connector by that.
fn left_out(loaded: &Loaded, shelf: &Shelf, offered: &[Found]) -> Result<(), Trouble> {
    let plain = shelf.plain_files();
    let used = loaded.config.connections.iter().map(|it| it.connector.as_str());
    let lost = used.filter(|id| {
        let lies_there = plain.iter().any(|path| path.file_stem().is_some_and(|stem| stem == *id));
        lies_there && !offered.iter().any(|found| found.manifest.id == **id)
    });
    let mut lost: Vec<&str> = lost.collect();
    lost.sort_unstable();
    lost.dedup();
    if lost.is_empty() {
        return Ok(());
    }
    let what = format!(
        "with the first install only installed connectors are loaded, and connections use {}",
        lost.join(", ")
    );
    let folder = loaded.connectors_dir();
    let mend = format!("install the folder: `liaison connector install {}`", folder.display());
    Err(Trouble::new(Exit::Usage, "connector/left-out", shelf.lock_file().display(), what, mend))
}

fn enter(lock: &mut Lock, id: &str, step: &Step) {
    match step {
        Step::Unchanged => {}
        Step::Runs(release) => {
            let locked = Locked { runs: release.clone(), held: None };
            lock.connectors.insert(id.to_owned(), locked);
        }
        Step::Held { release, .. } => {
            if let Some(locked) = lock.connectors.get_mut(id) {
                locked.held = Some(release.clone());
            }
        }
    }
}

fn wish(verb: Verb, asked: &Package) -> Result<Wish, Trouble> {
    let key = asked.key.as_deref().map(SignerKey::parse).transpose().map_err(|error| {
        let mend = "a public key of minisign begins with RW and has 56 letters";
        Trouble::new(Exit::Usage, "connector/key", "--key", error, mend)
    })?;
    Ok(Wish {
        verb,
        approve: asked.approve,
        allow_unsigned: asked.allow_unsigned,
        allow_downgrade: asked.allow_downgrade,
        key,
        by: who(),
        at: SystemEnv::default().now().to_string(),
    })
}

/// Who stands at the command line, as the system knows him.
fn who() -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"].iter().filter_map(|name| std::env::var(name).ok());
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| AUTHOR.to_owned())
}

fn asks(wider: &Capabilities) -> String {
    let rows: Vec<Vec<String>> = wider
        .lines()
        .into_iter()
        .map(|(kind, word)| vec![kind.to_owned(), word.to_owned()])
        .collect();
    table(&["ASKS FOR MORE", "WHAT"], &rows)
}

fn show(offered: &[Found], steps: &[Step], verb: Verb, out: Out) -> Result<Exit, Trouble> {
    let mut exit = Exit::Ok;
    let mut rows = Vec::new();
    let mut views = Vec::new();
    for (found, step) in offered.iter().zip(steps) {
        let (id, version) = (&found.manifest.id, &found.manifest.version);
        let (state, key, wider) = match (step, verb) {
            (Step::Unchanged, _) => ("unchanged", None, None),
            (Step::Runs(release), Verb::Install) => ("installed", release.key.as_ref(), None),
            (Step::Runs(release), Verb::Upgrade) => ("upgraded", release.key.as_ref(), None),
            (Step::Held { release, wider }, _) => ("held", release.key.as_ref(), Some(wider)),
        };
        let signer = key.cloned().unwrap_or_else(|| "-".to_owned());
        rows.push(vec![id.clone(), version.clone(), state.to_owned(), signer]);
        let view: Value = json!({
            "id": id, "version": version, "digest": found.digest, "state": state,
            "signed_by": key, "wider": wider,
        });
        views.push(view);
        if let Some(wider) = wider {
            exit = Exit::Finding;
            talk(format!("{id} {version} asks for more than was approved, and is held:"));
            talk(asks(wider).trim_end());
            talk(format!("approve it with: liaison connector approve {id} --yes"));
        }
        if !matches!(step, Step::Unchanged) && key.is_none() {
            talk(format!("{id} {version} is signed by nobody"));
        }
    }
    let head = ["CONNECTOR", "VERSION", "STATE", "SIGNED BY"];
    out.data(&json!({ "connectors": views }), || table(&head, &rows))?;
    Ok(exit)
}
