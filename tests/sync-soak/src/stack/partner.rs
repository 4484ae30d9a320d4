//! The data partner: takes a segment as files in the form of a data management platform,
//! and gives ids back that it knows people by.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};
use xtask::demo::data::{Row, write_rows};
use xtask::place::Place;
use xtask::tools::fields;

use super::SCHEDULE;
use crate::people::Person;

/// Its connection, and the sync of what it gives.
pub(super) const ID: &str = "partner";
/// The sync of what it takes.
pub(super) const ONBOARDING: &str = "onboarding";
/// What it gives.
pub(super) const GIVEN: &str = "match_id";
/// Every so manieth person is known to it.
const KNOWN_EVERY: usize = 2;
/// The number of the segment there.
const TRAIT: &str = "12345";

/// Connects it, with ids of the people that it knows.
///
/// # Errors
/// Something cannot be written.
pub(super) fn open(place: &Place, audience: &str, people: usize) -> Result<()> {
    for folder in ["takes", "gives"] {
        fs::create_dir_all(place.work.join(ID).join(folder))?;
    }
    let rows: Vec<Row> = (0..people)
        .step_by(KNOWN_EVERY)
        .map(|number| {
            let values = [("email", Person::of(number).email), (GIVEN, format!("m-{number}"))];
            values.map(|(column, value)| (column.to_owned(), value)).into_iter().collect()
        })
        .collect();
    write_rows(&place.work.join(ID).join("gives/match_1.csv"), &["email", GIVEN], &rows)?;
    place.configure(&format!(
        "[connections.{ID}]\nconnector = \"dmp-audience-files\"\norigin = \"third\"\n\
         folders.takes = {{ path = \"{ID}/takes\", writable = true }}\n\
         folders.gives = {{ path = \"{ID}/gives\" }}\n\
         [connections.{ID}.settings]\nfolder = \"takes\"\ngzip = false\n\
         identifiers = [\"email\"]\naudience_manager = {{ source = \"21\" }}\n\
         segments = {{ \"{audience}\" = \"{TRAIT}\" }}\n\
         [connections.{ID}.settings.streams.matches]\nfolder = \"gives\"\n\
         files = \"match_*.csv\"\nkey = \"email\"\ntime_to_live_days = 30\n"
    ))?;
    place.write(
        &format!("syncs/{ID}.toml"),
        &format!(
            "connection = \"{ID}\"\nstream = \"matches\"\nschedule = \"{SCHEDULE}\"\n{}",
            fields(&["email", GIVEN], "->")
        ),
    )?;
    place.write(
        &format!("syncs/{ONBOARDING}.toml"),
        &format!(
            "connection = \"{ID}\"\nstream = \"{audience}\"\nschedule = \"{SCHEDULE}\"\n\
             audience = true\nsegment = \"regulars\"\nmatching = [\"email\"]\n{}",
            fields(&["email"], "<-")
        ),
    )
}

/// How many people it knows.
pub(super) const fn known(people: usize) -> usize {
    people.div_ceil(KNOWN_EVERY)
}

/// Who is in the segment there, by what the files say one after the other.
///
/// # Errors
/// A line is not of the form.
pub(super) fn members(place: &Place) -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(place.work.join(ID).join("takes"))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let hidden = |path: &std::path::PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
    };
    files.retain(|path| !hidden(path));
    files.sort();
    let mut members = BTreeSet::new();
    for file in files {
        for line in fs::read_to_string(&file)?.lines() {
            let (id, change) = line.split_once('\t').with_context(|| format!("{line:?}"))?;
            match change.split_once('=') {
                Some(("d_sid", TRAIT)) => drop(members.insert(id.to_owned())),
                Some(("d_unsid", TRAIT)) => drop(members.remove(id)),
                _ => anyhow::bail!("{line:?} in {}", file.display()),
            }
        }
    }
    Ok(members)
}
