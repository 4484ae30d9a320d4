//! Reading a recording: whole, or not at all.

use std::io::{BufRead as _, BufReader, Read};

use flate2::read::MultiGzDecoder;

use super::form::{CALLS_MAX, Call, Ending, FORMAT, Header, Line, RECORDING_BYTES_MAX, Sealed};
use super::form::{seal, whole};

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// What all calls have in common.
    pub header: Header,
    /// The calls, in order of their beginning.
    pub calls: Vec<Call>,
    /// How it ends.
    pub ending: Ending,
}

/// Why a file is no recording, or no whole one. Lines are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It cannot be read or unpacked.
    #[error("line {line} cannot be unpacked: {source}")]
    Unpacked {
        /// The line.
        line: usize,
        /// Why.
        source: std::io::Error,
    },
    /// A line is none of a recording.
    #[error("line {line} is none of a recording: {problem}")]
    Line {
        /// The line.
        line: usize,
        /// Why.
        problem: String,
    },
    /// A line was changed, or one before it is missing.
    #[error("line {line} is not what was recorded: its seal is broken")]
    Seal {
        /// The line.
        line: usize,
    },
    /// The end is missing.
    #[error("it was cut off after line {lines}: its ending is missing")]
    CutOff {
        /// Lines that there are.
        lines: usize,
    },
    /// It is of a later version.
    #[error("it has format {found}, and this version reads up to {FORMAT}")]
    Newer {
        /// Its format.
        found: u32,
    },
    /// More than a recording may hold.
    #[error("it holds more than {RECORDING_BYTES_MAX} bytes or {CALLS_MAX} calls")]
    TooLarge,
}

/// More than a recording's own limit: seals and escapes come on top.
const UNPACKED_BYTES_MAX: u64 = (RECORDING_BYTES_MAX as u64) + (8 << 20);

impl Recording {
    /// Reads one.
    ///
    /// # Errors
    /// [`Damage`], with its place.
    pub fn read(from: impl Read) -> Result<Self, Damage> {
        let mut unpacked = BufReader::new(MultiGzDecoder::new(from)).take(UNPACKED_BYTES_MAX);
        let (mut header, mut calls, mut before) = (None, Vec::new(), String::new());
        let (mut text, mut number) = (String::new(), 0);
        loop {
            text.clear();
            let unpacking = |source| Damage::Unpacked { line: number + 1, source };
            if unpacked.read_line(&mut text).map_err(unpacking)? == 0 {
                let full = unpacked.limit() == 0;
                return Err(if full { Damage::TooLarge } else { Damage::CutOff { lines: number } });
            }
            number += 1;
            match (line(&text, &mut before, number)?, &header) {
                (Line::Header(it), None) if it.format > FORMAT => {
                    return Err(Damage::Newer { found: it.format });
                }
                (Line::Header(it), None) => header = Some(it),
                (Line::Call(_), Some(_)) if calls.len() == CALLS_MAX as usize => {
                    return Err(Damage::TooLarge);
                }
                (Line::Call(call), Some(_)) => calls.push(*call),
                (Line::Ending(ending), Some(it)) => {
                    // Unpacking ends with a checksum: it is judged once all was read.
                    text.clear();
                    let unpacking = |source| Damage::Unpacked { line: number + 1, source };
                    if unpacked.read_line(&mut text).map_err(unpacking)? > 0 {
                        let problem = "it comes after the ending".to_owned();
                        return Err(Damage::Line { line: number + 1, problem });
                    }
                    calls.sort_by_key(|call| call.number);
                    return Ok(Self { header: it.clone(), calls, ending });
                }
                _ => {
                    let problem = "the header must come first, and once".to_owned();
                    return Err(Damage::Line { line: number, problem });
                }
            }
        }
    }

    /// The hash of all outputs.
    #[must_use]
    pub fn output(&self) -> String {
        whole(self.calls.iter().map(|call| &call.gave))
    }
}

fn line(text: &str, before: &mut String, number: usize) -> Result<Line, Damage> {
    let wrong =
        |error: serde_json::Error| Damage::Line { line: number, problem: error.to_string() };
    if !text.ends_with('\n') {
        return Err(Damage::CutOff { lines: number.saturating_sub(1) });
    }
    let sealed: Sealed<'_> = serde_json::from_str(text).map_err(wrong)?;
    *before = seal(before, sealed.line.get());
    if *before != sealed.seal {
        return Err(Damage::Seal { line: number });
    }
    serde_json::from_str(sealed.line.get()).map_err(wrong)
}
