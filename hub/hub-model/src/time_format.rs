//! Forms of dates and times. They are declared, never guessed: `03/04/2026` is
//! two different days, and only its source knows which.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Longest pattern, in bytes.
pub const PATTERN_BYTES_MAX: usize = 64;

/// What a piece of a pattern stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Literal(char),
}

/// A declared form of dates or times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TimeFormat {
    /// `2026-03-29T02:30:00+02:00`.
    Rfc3339,
    /// Seconds since 1970, as a number or digits.
    UnixSeconds,
    /// Milliseconds since 1970, as a number or digits.
    UnixMilliseconds,
    /// A pattern of `YYYY`, `MM`, `DD`, `hh`, `mm`, `ss` and other characters,
    /// each once. It has no zone.
    Pattern(Pattern),
}

/// A pattern such as `DD/MM/YYYY hh:mm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    pieces: Vec<Piece>,
}

/// A text that is no form of dates or times.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a form is `rfc3339`, `unix-seconds`, `unix-milliseconds`, or a pattern with YYYY, MM and DD, and perhaps hh, mm and ss"
)]
pub struct NotAFormat;

const RFC3339: &str = "rfc3339";
const UNIX_SECONDS: &str = "unix-seconds";
const UNIX_MILLISECONDS: &str = "unix-milliseconds";

impl TimeFormat {
    /// Reads a form from its words or its pattern.
    ///
    /// # Errors
    /// [`NotAFormat`].
    pub fn parse(text: &str) -> Result<Self, NotAFormat> {
        Ok(match text {
            RFC3339 => Self::Rfc3339,
            UNIX_SECONDS => Self::UnixSeconds,
            UNIX_MILLISECONDS => Self::UnixMilliseconds,
            _ => Self::Pattern(Pattern::parse(text).ok_or(NotAFormat)?),
        })
    }

    /// Whether what it reads has a time of day.
    pub fn has_time(&self) -> bool {
        match self {
            Self::Rfc3339 | Self::UnixSeconds | Self::UnixMilliseconds => true,
            Self::Pattern(pattern) => pattern.pieces.contains(&Piece::Hour),
        }
    }

    /// Whether what it reads is an instant, and not a date or a local time.
    pub const fn has_zone(&self) -> bool {
        !matches!(self, Self::Pattern(_))
    }

    /// Reads a text as a date (`2026-03-29`) or local date-time
    /// (`2026-03-29T02:30:00`) by a pattern; `None` for what does not fit it to
    /// the letter, for days that no calendar has, and for the other forms.
    pub fn local(&self, text: &str) -> Option<String> {
        let Self::Pattern(pattern) = self else { return None };
        let time = pattern.read(text)?;
        let form = if self.has_time() { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%d" };
        Some(time.format(form).to_string())
    }

    /// Reads a text as an instant. A pattern, having no zone, is taken as UTC.
    pub fn instant(&self, text: &str) -> Option<Timestamp> {
        match self {
            Self::Rfc3339 => Timestamp::parse_rfc3339(text),
            Self::UnixSeconds => unix(text, 1_000_000),
            Self::UnixMilliseconds => unix(text, 1_000),
            Self::Pattern(pattern) => {
                Some(Timestamp(pattern.read(text)?.and_utc().timestamp_micros()))
            }
        }
    }
}

impl TimeFormat {
    /// Writes a date or local date-time in its ISO form by a pattern: what
    /// [`TimeFormat::local`] reads. `None` for what the pattern has no room for,
    /// and for the other forms.
    pub fn write_local(&self, iso: &str) -> Option<String> {
        let Self::Pattern(pattern) = self else { return None };
        let day =
            || Some(NaiveDate::parse_from_str(iso, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN));
        let time = NaiveDateTime::parse_from_str(iso, "%Y-%m-%dT%H:%M:%S").ok().or_else(day)?;
        let text = pattern.write(&time)?;
        (self.local(&text).as_deref() == Some(iso)).then_some(text)
    }

    /// Writes an instant: what [`TimeFormat::instant`] reads. `None` for one that
    /// the form has no room for, such as parts of a second.
    pub fn write_instant(&self, time: Timestamp) -> Option<String> {
        let text = match self {
            Self::Rfc3339 => time.to_string(),
            Self::UnixSeconds => (time.0 / 1_000_000).to_string(),
            Self::UnixMilliseconds => (time.0 / 1_000).to_string(),
            Self::Pattern(pattern) => {
                pattern.write(&DateTime::<Utc>::from_timestamp_micros(time.0)?.naive_utc())?
            }
        };
        (self.instant(&text) == Some(time)).then_some(text)
    }
}

fn unix(text: &str, micros: i64) -> Option<Timestamp> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let count: i64 = text.parse().ok().filter(|_| plain)?;
    count.checked_mul(micros).map(Timestamp)
}

/// Whether a text is a day of the calendar in the form `YYYY-MM-DD`.
pub fn is_iso_date(text: &str) -> bool {
    let part = |range| {
        let digits: &str = text.get(range)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u32>().ok()).flatten()
    };
    let day = || {
        let year = i32::try_from(part(0..4)?).ok()?;
        NaiveDate::from_ymd_opt(year, part(5..7)?, part(8..10)?)
    };
    let bytes = text.as_bytes();
    text.len() == 10
        && bytes.get(4) == Some(&b'-')
        && bytes.get(7) == Some(&b'-')
        && day().is_some()
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        const TOKENS: [(&str, Piece); 6] = [
            ("YYYY", Piece::Year),
            ("MM", Piece::Month),
            ("DD", Piece::Day),
            ("hh", Piece::Hour),
            ("mm", Piece::Minute),
            ("ss", Piece::Second),
        ];
        if text.len() > PATTERN_BYTES_MAX {
            return None;
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let token = TOKENS.iter().find(|(token, _)| rest.starts_with(token));
            let (piece, width) = match token {
                Some((token, piece)) => (*piece, token.len()),
                // Any other letter or digit is more likely a slip than meant,
                // but for the `T` and `Z` of ISO 8601.
                None if next.is_alphanumeric() && !"TZ".contains(next) => return None,
                None => (Piece::Literal(next), next.len_utf8()),
            };
            if token.is_some() && pieces.contains(&piece) {
                return None;
            }
            pieces.push(piece);
            rest = rest.get(width..)?;
        }
        let has = |piece| pieces.contains(&piece);
        let date = has(Piece::Year) && has(Piece::Month) && has(Piece::Day);
        let time = !has(Piece::Second) || has(Piece::Minute);
        let sound = date && time && has(Piece::Hour) == has(Piece::Minute);
        sound.then(|| Self { text: text.to_owned(), pieces })
    }

    fn read(&self, text: &str) -> Option<NaiveDateTime> {
        let (mut year, mut month, mut day) = (0, 0, 0);
        let (mut hour, mut minute, mut second) = (0, 0, 0);
        let mut rest = text;
        for piece in &self.pieces {
            let into = match piece {
                Piece::Literal(expected) => {
                    rest = rest.strip_prefix(*expected)?;
                    continue;
                }
                Piece::Year => &mut year,
                Piece::Month => &mut month,
                Piece::Day => &mut day,
                Piece::Hour => &mut hour,
                Piece::Minute => &mut minute,
                Piece::Second => &mut second,
            };
            let width = if *piece == Piece::Year { 4 } else { 2 };
            let digits = rest.get(..width)?;
            if !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            *into = digits.parse::<u32>().ok()?;
            rest = rest.get(width..)?;
        }
        let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
        let time = NaiveTime::from_hms_opt(hour, minute, second)?;
        rest.is_empty().then(|| date.and_time(time))
    }

    /// `None` for a year that has not four digits.
    fn write(&self, time: &NaiveDateTime) -> Option<String> {
        let year = u32::try_from(time.year()).ok().filter(|year| *year <= 9_999)?;
        let mut text = String::with_capacity(self.text.len());
        for piece in &self.pieces {
            let number = match piece {
                Piece::Literal(literal) => {
                    text.push(*literal);
                    continue;
                }
                Piece::Year => {
                    text.push_str(&format!("{year:04}"));
                    continue;
                }
                Piece::Month => time.month(),
                Piece::Day => time.day(),
                Piece::Hour => time.hour(),
                Piece::Minute => time.minute(),
                Piece::Second => time.second(),
            };
            text.push_str(&format!("{number:02}"));
        }
        Some(text)
    }
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rfc3339 => RFC3339,
            Self::UnixSeconds => UNIX_SECONDS,
            Self::UnixMilliseconds => UNIX_MILLISECONDS,
            Self::Pattern(pattern) => &pattern.text,
        })
    }
}

impl TryFrom<String> for TimeFormat {
    type Error = NotAFormat;

    fn try_from(text: String) -> Result<Self, NotAFormat> {
        Self::parse(&text)
    }
}

impl From<TimeFormat> for String {
    fn from(format: TimeFormat) -> Self {
        format.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{NotAFormat, TimeFormat, is_iso_date};

    #[test]
    fn days_of_the_calendar() {
        for day in ["2024-02-29", "1957-01-10", "0001-01-01"] {
            assert!(is_iso_date(day), "{day}");
        }
        for none in
            ["", "2023-02-29", "2024-2-29", "2024/02/29", "2024-02-29T", "+024-02-29", "é024-02-2"]
        {
            assert!(!is_iso_date(none), "{none}");
        }
    }

    #[test]
    fn patterns_read_to_the_letter() {
        let cases = [
            ("DD/MM/YYYY", "03/04/2026", Some("2026-04-03")),
            ("MM/DD/YYYY", "03/04/2026", Some("2026-03-04")),
            ("YYYYMMDD", "19570110", Some("1957-01-10")),
            ("YYYY-MM-DDThh:mm:ssZ", "2026-03-29T02:30:00Z", Some("2026-03-29T02:30:00")),
            ("DD.MM.YYYY hh:mm", "29.03.2026 23:59", Some("2026-03-29T23:59:00")),
            ("DD/MM/YYYY", "31/02/2026", None),
            ("DD/MM/YYYY", "29/02/2024", Some("2024-02-29")),
            ("DD/MM/YYYY", "3/4/2026", None),
            ("DD/MM/YYYY", "03/04/26", None),
            ("DD/MM/YYYY", "03/04/2026 ", None),
            ("DD/MM/YYYY", "+3/04/2026", None),
            ("DD/MM/YYYY", "\u{661}\u{661}/04/2026", None),
            ("DD/MM/YYYY hh:mm", "03/04/2026 24:00", None),
            ("rfc3339", "2026-03-29T02:30:00Z", None),
        ];
        for (format, text, read) in cases {
            let format = TimeFormat::parse(format).unwrap();
            assert_eq!(format.local(text).as_deref(), read, "{format} {text}");
        }
    }

    #[test]
    fn instants() {
        let cases = [
            ("rfc3339", "2026-03-29T02:30:00+02:00", Some("2026-03-29T00:30:00Z")),
            ("unix-seconds", "1774744200", Some("2026-03-29T00:30:00Z")),
            ("unix-milliseconds", "1774744200000", Some("2026-03-29T00:30:00Z")),
            ("YYYY-MM-DD hh:mm", "2026-03-29 00:30", Some("2026-03-29T00:30:00Z")),
            ("unix-seconds", "+1774744200", None),
            ("unix-seconds", "99999999999999999999", None),
            ("unix-seconds", "9223372036854775807", None),
            ("rfc3339", "2026-03-29", None),
        ];
        for (format, text, read) in cases {
            let format = TimeFormat::parse(format).unwrap();
            let got = format.instant(text).map(|time| time.to_string());
            assert_eq!(got.as_deref(), read, "{format} {text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let locals = [
            ("DD/MM/YYYY", "2026-04-03", Some("03/04/2026")),
            ("YYYYMMDD", "0987-01-10", Some("09870110")),
            ("DD.MM.YYYY hh:mm", "2026-03-29T23:59:00", Some("29.03.2026 23:59")),
            // No room for the time, the second, the year; no date at all.
            ("DD/MM/YYYY", "2026-04-03T00:00:00", None),
            ("DD.MM.YYYY hh:mm", "2026-03-29T23:59:01", None),
            ("DD.MM.YYYY hh:mm", "2026-03-29", None),
            ("DD/MM/YYYY", "+12026-04-03", None),
            ("DD/MM/YYYY", "03/04/2026", None),
            ("rfc3339", "2026-04-03", None),
        ];
        for (format, iso, text) in locals {
            let format = TimeFormat::parse(format).unwrap();
            assert_eq!(format.write_local(iso).as_deref(), text, "{format} {iso}");
        }
        let instants = [
            ("rfc3339", "2026-03-29T00:30:00.250Z", Some("2026-03-29T00:30:00.250Z")),
            ("unix-seconds", "2026-03-29T00:30:00Z", Some("1774744200")),
            ("unix-seconds", "1969-12-31T23:59:59Z", Some("-1")),
            ("unix-milliseconds", "2026-03-29T00:30:00.250Z", Some("1774744200250")),
            ("YYYY-MM-DD hh:mm", "2026-03-29T00:30:00Z", Some("2026-03-29 00:30")),
            ("unix-seconds", "2026-03-29T00:30:00.250Z", None),
            ("YYYY-MM-DD", "2026-03-29T00:30:00Z", None),
        ];
        for (format, instant, text) in instants {
            let format = TimeFormat::parse(format).unwrap();
            let time = crate::time::Timestamp::parse_rfc3339(instant).unwrap();
            assert_eq!(format.write_instant(time).as_deref(), text, "{format} {instant}");
        }
    }

    #[test]
    fn what_is_no_form_is_refused() {
        let long = format!("YYYYMMDD{}", "-".repeat(64));
        for text in
            ["", "DD/MM", "DD/MM/YY", "%d/%m/%Y", "YYYY-MM-DD-DD", "YYYY-MM-DD ss", "iso", &long]
        {
            assert_eq!(TimeFormat::parse(text), Err(NotAFormat), "{text}");
        }
        let json = serde_json::to_string(&TimeFormat::parse("DD/MM/YYYY").unwrap()).unwrap();
        assert_eq!(json, "\"DD/MM/YYYY\"");
        assert!(serde_json::from_str::<TimeFormat>("\"DD\"").is_err());
    }
}
