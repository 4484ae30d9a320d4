//! Putting files where the partner takes them from.
//!
//! A file appears whole or not at all, under a name that no other has. When the answer
//! to a write is lost the hub asks again, and then the newest files of the series are
//! what it asks for: they stay as they are, and what is missing of them is added. So a
//! repetition makes no second file; and where the partner was faster and took the first
//! one away, the second says the same once more, which changes nothing.

use liaison_sdk::files::{self, Stat};
use liaison_sdk::{Fault, FaultCode, clock, time};

use crate::partner::{Extent, Series};

/// So much is asked from the host at once.
const RANGE_BYTES: u32 = 4 * 1024 * 1024;
/// Seconds that have ten digits.
const SECONDS: std::ops::Range<i64> = 1_000_000_000..9_999_999_999;

/// What was put there.
#[derive(Debug)]
pub struct Put {
    /// Files that are there, from the first on.
    pub files: usize,
    /// Why the others are not.
    pub fault: Option<Fault>,
}

/// Puts files of changes, or of everybody, into the folder.
///
/// # Errors
/// Nothing was put there: those of the host; `transient` while the clock is not set.
pub fn put(
    folder: &str,
    series: &Series<'_>,
    extent: Extent,
    own: &[Vec<u8>],
) -> Result<Put, Fault> {
    let there = files::list(folder)?;
    let seconds = there.iter().filter_map(|stat| series.second_of(&stat.name));
    let newest = seconds.max();
    if let Some(newest) = newest
        && let Some(missing) =
            repeated(folder, series, &there, &names(series, newest, extent, own), own)?
    {
        let names = names(series, newest, extent, own);
        return Ok(write(folder, &names, own, missing));
    }
    let now = clock::now().div_euclid(time::SECOND_MICROS);
    let second = newest.map_or(now, |newest| now.max(newest.saturating_add(1)));
    if !SECONDS.contains(&second) {
        let expected = "a clock that is set";
        return Err(Fault::new(FaultCode::Transient).at("clock").with("expected", expected));
    }
    let put = write(folder, &names(series, second, extent, own), own, 0);
    match put {
        Put { files: 0, fault: Some(fault) } => Err(fault),
        put => Ok(put),
    }
}

/// Puts one file of a known name there, in place of one that has another content.
///
/// # Errors
/// Those of the host; `transient` when somebody else writes it at the same time.
pub fn put_as(folder: &str, name: &str, content: &[u8]) -> Result<(), Fault> {
    let there = match files::stat(folder, name) {
        Ok(stat) if is_same(folder, &stat, content)? => return Ok(()),
        Ok(stat) => Some(stat.version),
        Err(fault) if fault.code == FaultCode::NotFound => None,
        Err(fault) => return Err(fault),
    };
    files::write(folder, name, content, there.as_deref()).map_err(of_race)?;
    Ok(())
}

fn names(series: &Series<'_>, second: i64, extent: Extent, own: &[Vec<u8>]) -> Vec<String> {
    match own {
        [_] => vec![series.name(second, extent, None)],
        _ => (1..).zip(own).map(|(part, _)| series.name(second, extent, Some(part))).collect(),
    }
}

/// How many of our files the newest ones are, if they are the first of ours and no
/// others.
fn repeated(
    folder: &str,
    series: &Series<'_>,
    there: &[Stat],
    names: &[String],
    own: &[Vec<u8>],
) -> Result<Option<usize>, Fault> {
    let second = names.first().and_then(|name| series.second_of(name));
    let newest = there.iter().filter(|stat| series.second_of(&stat.name) == second).count();
    for (number, (name, content)) in names.iter().zip(own).enumerate().take(newest) {
        let Some(stat) = there.iter().find(|stat| stat.name == *name) else { return Ok(None) };
        if !is_same(folder, stat, content)? {
            return Ok(None);
        }
        if number + 1 == newest {
            return Ok(Some(newest));
        }
    }
    Ok(None)
}

/// Writes the files from one on, up to the first that cannot be written.
fn write(folder: &str, names: &[String], own: &[Vec<u8>], from: usize) -> Put {
    for (number, (name, content)) in names.iter().zip(own).enumerate().skip(from) {
        if let Err(fault) = files::write(folder, name, content, None) {
            return Put { files: number, fault: Some(of_race(fault)) };
        }
    }
    Put { files: own.len(), fault: None }
}

/// A name that somebody else took just now is another one the next time.
fn of_race(fault: Fault) -> Fault {
    match fault.code {
        FaultCode::Conflict => Fault { code: FaultCode::Transient, ..fault },
        _ => fault,
    }
}

fn is_same(folder: &str, stat: &Stat, content: &[u8]) -> Result<bool, Fault> {
    if stat.size != content.len() as u64 {
        return Ok(false);
    }
    let mut rest = content;
    while !rest.is_empty() {
        let offset = (content.len() - rest.len()) as u64;
        let part = match files::read(folder, &stat.name, offset, RANGE_BYTES) {
            Ok(part) => part.data,
            // The partner took it just now.
            Err(fault) if fault.code == FaultCode::NotFound => return Ok(false),
            Err(fault) => return Err(fault),
        };
        match rest.strip_prefix(part.as_slice()) {
            Some(behind) if !part.is_empty() => rest = behind,
            _ => return Ok(false),
        }
    }
    Ok(true)
}
