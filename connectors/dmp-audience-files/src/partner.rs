//! The forms of the partners: names of files, and what is in them.
//!
//! | | Audience Manager | LiveRamp |
//! |---|---|---|
//! | a file holds | ids of one data source, with the numbers of traits | identifiers, and a column with the name of the segment |
//! | somebody joins | `d_sid=` | `1` |
//! | somebody leaves | `d_unsid=` | `0` |
//! | name | `ftp_dpm_<source>[_<target>]_<seconds>.sync`, `.overwrite` | free; here `<name>_<segment>_<day>_<clock>.csv` |

use liaison_sdk::{MemberChange, csv, time};

use crate::identifier::Identifier;
use crate::settings::{AudienceManager, Outbound, Partner};

/// Data sources of Adobe's own: ids of devices.
const GAID_SOURCE: &str = "20914";
const IDFA_SOURCE: &str = "20915";
/// Characters of an instant in a name of Audience Manager's.
const SECONDS_DIGITS: usize = 10;
/// `2026-11-30_221500`.
const CLOCK_CHARS: usize = 17;

/// Whether a file changes a segment or is all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Who joins and who leaves.
    Changes,
    /// Everybody.
    Full,
}

/// The files of one segment, or of one data source: those among which the newest is
/// looked for.
#[derive(Debug, Clone)]
pub struct Series<'a> {
    out: &'a Outbound,
    segment: &'a str,
    begin: String,
}

impl<'a> Series<'a> {
    /// The files of a segment.
    pub fn of(out: &'a Outbound, segment: &'a str) -> Self {
        let begin = match &out.partner {
            Partner::AudienceManager(form) => audience_manager_begin(form, &out.identifiers),
            Partner::LiveRamp(form) => format!("{}_{segment}_", form.name),
        };
        Self { out, segment, begin }
    }

    /// The name of a file: its second, and its number where there are several.
    pub fn name(&self, second: i64, extent: Extent, part: Option<u32>) -> String {
        let begin = &self.begin;
        let gzip = if self.out.gzip { ".gz" } else { "" };
        match &self.out.partner {
            Partner::AudienceManager(_) => {
                let extent = if extent == Extent::Full { "overwrite" } else { "sync" };
                let part = part.map_or(String::new(), |part| format!(".{part}"));
                format!("{begin}{second:0SECONDS_DIGITS$}.{extent}{part}{gzip}")
            }
            Partner::LiveRamp(_) => {
                let extent = if extent == Extent::Full { "_full" } else { "" };
                let part = part.map_or(String::new(), |part| format!("_part-{part}"));
                format!("{begin}{}{extent}{part}.csv{gzip}", clock(second))
            }
        }
    }

    /// The second of a file, if it is one of these.
    pub fn second_of(&self, name: &str) -> Option<i64> {
        let rest = name.strip_prefix(&self.begin)?;
        match &self.out.partner {
            Partner::AudienceManager(_) => {
                let (digits, extent) = rest.split_once('.')?;
                let known = extent.starts_with("sync") || extent.starts_with("overwrite");
                digits.parse().ok().filter(|_| known && digits.len() == SECONDS_DIGITS)
            }
            Partner::LiveRamp(_) => second_of_clock(rest.get(..CLOCK_CHARS)?),
        }
    }

    /// What every file begins with.
    pub fn head(&self) -> Vec<u8> {
        match &self.out.partner {
            Partner::AudienceManager(_) => Vec::new(),
            Partner::LiveRamp(_) => {
                let columns = self.out.identifiers.iter().map(|it| match it {
                    Identifier::Email => "EMAIL1_SHA-256",
                    Identifier::Phone => "PHONE1_SHA-1",
                    _ => "CUSTOMERID",
                });
                let columns: Vec<&str> = columns.chain([self.segment]).collect();
                line(columns.into_iter())
            }
        }
    }

    /// The lines of one person, whose values are in the order of the identifiers.
    pub fn lines(&self, values: &[Vec<String>], change: MemberChange) -> Vec<u8> {
        match &self.out.partner {
            Partner::AudienceManager(_) => {
                let word = if change == MemberChange::Add { "d_sid" } else { "d_unsid" };
                let line = |id: &String| format!("{id}\t{word}={}\n", self.segment);
                values.iter().flatten().map(line).collect::<String>().into_bytes()
            }
            Partner::LiveRamp(_) => {
                let is_in = if change == MemberChange::Add { "1" } else { "0" };
                let rows = values.iter().map(Vec::len).max().unwrap_or_default();
                let row = |number: usize| {
                    let cells = values.iter().zip(&self.out.identifiers).map(|(own, it)| {
                        // Who it is is said in each row.
                        let number = if *it == Identifier::CustomerId { 0 } else { number };
                        own.get(number).map_or("", String::as_str)
                    });
                    let cells: Vec<&str> = cells.chain([is_in]).collect();
                    line(cells.into_iter())
                };
                (0..rows).flat_map(row).collect()
            }
        }
    }
}

fn audience_manager_begin(form: &AudienceManager, identifiers: &[Identifier]) -> String {
    let source = match (identifiers, &form.source) {
        ([Identifier::Idfa], _) => IDFA_SOURCE,
        ([Identifier::Gaid], _) => GAID_SOURCE,
        (_, source) => source.as_deref().unwrap_or_default(),
    };
    let target = form.target.as_ref().map_or(String::new(), |target| format!("_{target}"));
    format!("ftp_dpm_{source}{target}_")
}

fn line<'c>(cells: impl ExactSizeIterator<Item = &'c str>) -> Vec<u8> {
    let mut line = Vec::new();
    csv::write_record(&mut line, b',', cells);
    line.push(b'\n');
    line
}

/// `2026-11-30_221500`, in UTC.
fn clock(second: i64) -> String {
    let written = time::format(time::from_seconds(second));
    let (day, clock) = written.split_once('T').unwrap_or((&written, ""));
    let digits: String = clock.chars().filter(char::is_ascii_digit).take(6).collect();
    format!("{day}_{digits}")
}

fn second_of_clock(text: &str) -> Option<i64> {
    let (day, clock) = text.split_once('_')?;
    let (hours, minutes, seconds) = (clock.get(..2)?, clock.get(2..4)?, clock.get(4..6)?);
    let instant = time::parse(&format!("{day}T{hours}:{minutes}:{seconds}Z"))?;
    Some(instant.div_euclid(time::SECOND_MICROS))
}
