//! The seam's functions, answered by the script of this thread.

use super::mailbox::Mailbox;
use super::{MemoryFile, Script, with_script};
use crate::bindings::host::liaison::connector::{files, http, log, mail};

pub fn http_send(request: &http::Request) -> Result<http::Response, http::Error> {
    // The script is released first: a panic here must not find it borrowed.
    let (expected, vendor) =
        with_script(|script| (script.exchanges.pop_front(), script.vendor.clone()));
    match (expected, vendor) {
        (Some(exchange), _) => exchange.answer(request),
        (None, Some(vendor)) => Ok(vendor.answer(request)),
        (None, None) => {
            panic!("no request is expected any more, made: {} {}", request.method, request.url)
        }
    }
}

fn mailbox() -> Result<Mailbox, mail::Error> {
    let denied = || mail::Error::Denied("no server for mail is granted".to_owned());
    with_script(|script| script.mailbox.clone()).ok_or_else(denied)
}

pub fn mail_send(
    server: &mail::Server,
    message: &mail::Message,
) -> Result<Vec<mail::Delivery>, mail::Error> {
    mailbox()?.answer(server, message)
}

pub fn mail_check(server: &mail::Server) -> Result<(), mail::Error> {
    let nothing = mail::Message {
        sender: String::new(),
        recipients: Vec::new(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    mailbox()?.answer(server, &nothing).map(|_| ())
}

type Files = std::collections::BTreeMap<String, MemoryFile>;

fn folder<'a>(script: &'a mut Script, alias: &str) -> Result<&'a mut Files, files::Error> {
    let denied = || files::Error::Denied(format!("folder {alias} is not granted"));
    script.folders.get_mut(alias).ok_or_else(denied)
}

fn checked_name(name: &str) -> Result<(), files::Error> {
    let outside = name.is_empty() || name.starts_with('/') || name.split('/').any(|it| it == "..");
    if outside { Err(files::Error::Denied(format!("{name} leads outside"))) } else { Ok(()) }
}

fn state(name: &str, file: &MemoryFile) -> files::FileState {
    files::FileState {
        name: name.to_owned(),
        size: file.data.len() as u64,
        version: file.version.to_string(),
        modified: None,
    }
}

pub fn files_list(alias: &str) -> Result<Vec<files::FileState>, files::Error> {
    with_script(|script| {
        Ok(folder(script, alias)?.iter().map(|(name, file)| state(name, file)).collect())
    })
}

pub fn files_stat(alias: &str, name: &str) -> Result<files::FileState, files::Error> {
    checked_name(name)?;
    with_script(|script| {
        let file = folder(script, alias)?.get(name).ok_or(files::Error::NotFound)?;
        Ok(state(name, file))
    })
}

pub fn files_read(
    alias: &str,
    name: &str,
    offset: u64,
    bytes_max: u32,
) -> Result<files::Part, files::Error> {
    checked_name(name)?;
    with_script(|script| {
        let file = folder(script, alias)?.get(name).ok_or(files::Error::NotFound)?;
        let rest = usize::try_from(offset).ok().and_then(|offset| file.data.get(offset..));
        let rest = rest.unwrap_or_default();
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        let data = rest.get(..bytes_max).unwrap_or(rest).to_vec();
        Ok(files::Part { data, version: file.version.to_string() })
    })
}

pub fn files_write(
    alias: &str,
    name: &str,
    data: &[u8],
    expected: Option<&str>,
) -> Result<files::FileState, files::Error> {
    checked_name(name)?;
    with_script(|script| {
        let files = folder(script, alias)?;
        let current = files.get(name).map(|file| file.version.to_string());
        if current.as_deref() != expected {
            return Err(files::Error::Conflict);
        }
        script.writes += 1;
        let file = MemoryFile { data: data.to_vec(), version: script.writes };
        let stat = state(name, &file);
        folder(script, alias)?.insert(name.to_owned(), file);
        Ok(stat)
    })
}

pub fn log(level: log::Level, message: &str) {
    let level = format!("{level:?}").to_lowercase();
    let level = level.rsplit("::").next().unwrap_or_default();
    with_script(|script| script.log.push(format!("{level}: {message}")));
}

pub fn now() -> i64 {
    with_script(|script| script.now)
}

/// SplitMix64: the same bytes in every run.
pub fn random(count: u32) -> Vec<u8> {
    with_script(|script| {
        let words = std::iter::repeat_with(|| {
            script.random = script.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = script.random;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^ (word >> 31)
        });
        let count = usize::try_from(count).unwrap_or_default();
        words.flat_map(u64::to_le_bytes).take(count).collect()
    })
}
