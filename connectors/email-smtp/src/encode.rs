//! The forms of the mail format: words of headers, bodies, dates.

use liaison_sdk::time::{self, DAY_MICROS, Day, SECOND_MICROS};

/// Longest encoded word (RFC 2047, 2).
const WORD_BYTES_MAX: usize = 75;
/// Longest line of a quoted-printable body (RFC 2045, 6.7), its `=` left out.
const LINE_BYTES_MAX: usize = 75;
/// Longest word that is left as it is.
const PLAIN_WORD_BYTES_MAX: usize = 500;

/// A text as the value of a header: as it is, or in encoded words (RFC 2047).
pub fn words(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        && !text.contains("=?")
        && text.split(' ').all(|word| word.len() <= PLAIN_WORD_BYTES_MAX);
    if plain { text.to_owned() } else { encoded_words(text) }
}

/// A name before an address: quoted, or in encoded words.
pub fn phrase(name: &str) -> String {
    if name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') && !name.contains("=?") {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        encoded_words(name)
    }
}

fn encoded_words(text: &str) -> String {
    const BEGIN: &str = "=?utf-8?Q?";
    const END: &str = "?=";
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        let mut buffer = [0; 4];
        let form: String = match c {
            ' ' => "_".to_owned(),
            _ if c.is_ascii_alphanumeric() => c.to_string(),
            _ => c.encode_utf8(&mut buffer).bytes().map(|byte| format!("={byte:02X}")).collect(),
        };
        // A character is never divided among two words.
        if BEGIN.len() + word.len() + form.len() + END.len() > WORD_BYTES_MAX {
            words.push(std::mem::take(&mut word));
        }
        word.push_str(&form);
    }
    words.push(word);
    let words: Vec<String> = words.iter().map(|word| format!("{BEGIN}{word}{END}")).collect();
    words.join(" ")
}

/// A body in quoted-printable, with line ends as mail has them.
pub fn quoted_printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.replace("\r\n", "\n").replace('\r', "\n").lines() {
        let mut length = 0;
        let last = line.len().saturating_sub(1);
        for (at, byte) in line.bytes().enumerate() {
            let form = match byte {
                b'=' => "=3D".to_owned(),
                // A space at the end of a line may be lost on the way.
                b' ' | b'\t' if at < last => char::from(byte).to_string(),
                _ if byte.is_ascii_graphic() => char::from(byte).to_string(),
                _ => format!("={byte:02X}"),
            };
            if length + form.len() > LINE_BYTES_MAX {
                out.push_str("=\r\n");
                length = 0;
            }
            length += form.len();
            out.push_str(&form);
        }
        out.push_str("\r\n");
    }
    out
}

/// An instant as the header `Date` has it: `Mon, 02 Mar 2026 10:00:00 +0000`.
/// `None` outside of the years 0 to 9999.
pub fn date(instant: i64) -> Option<String> {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Day { year, month, day } = Day::of(instant)?;
    // 1970 began on a Thursday.
    let weekday = usize::try_from(instant.div_euclid(DAY_MICROS).rem_euclid(7)).ok()?;
    let month = MONTHS.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    let text = time::format(instant - instant.rem_euclid(SECOND_MICROS));
    let clock = text.get(11..19)?;
    Some(format!("{}, {day:02} {month} {year:04} {clock} +0000", DAYS.get(weekday)?))
}
