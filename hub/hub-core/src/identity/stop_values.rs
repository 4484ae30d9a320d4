//! Values that never identify anybody: what people and programs put where they
//! have nothing to say, and mailboxes that nobody owns.

use hub_model::Normaliser;

/// Words for "there is none", in the languages of the usual sources.
const WORDS: &[&str] = &[
    "null",
    "nil",
    "none",
    "(none)",
    "n/a",
    "na",
    "nan",
    "#n/a",
    "n.a.",
    "tbd",
    "undefined",
    "unknown",
    "inconnu",
    "inconnue",
    "aucun",
    "aucune",
    "sans",
    "anonymous",
    "anonyme",
    "test",
    "dummy",
];

/// Mailboxes of an office or of a machine, whatever the domain.
const MAILBOXES: &[&str] = &[
    "noreply",
    "no-reply",
    "no_reply",
    "donotreply",
    "do-not-reply",
    "nepasrepondre",
    "ne-pas-repondre",
    "info",
    "mailer-daemon",
    "postmaster",
    "abuse",
    "null",
    "none",
    "unknown",
    "anonymous",
];

/// Addresses that people type to get past a form.
const ADDRESSES: &[&str] = &["test@test.com", "test@test.fr", "a@a.com", "a@a.fr", "x@x.com"];

/// Addresses below this top-level domain cannot exist (RFC 2606).
const NO_DOMAIN: &str = "invalid";

/// Days that programs fill in where they know none: the beginnings and ends of
/// their calendars. Who is born on one of them is not found by the date.
const DAYS: &[&str] = &[
    "0001-01-01",
    "1753-01-01",
    "1899-12-30",
    "1899-12-31",
    "1900-01-01",
    "1970-01-01",
    "9999-12-31",
];

/// So many equal digits in a row make a telephone number a placeholder.
const SAME_DIGITS_MIN: usize = 7;
/// So many digits in counting order do too.
const COUNTED_DIGITS_MIN: usize = 8;
/// A code of one repeated character says nothing from this length on.
const SAME_CHARS_MIN: usize = 6;

/// Whether lower-case text is a word for "there is none".
pub(super) fn is_word(lower: &str) -> bool {
    WORDS.contains(&lower)
}

/// Whether a value in the form of a normaliser never identifies anybody.
pub(super) fn is_stop_value(normaliser: Normaliser, value: &str) -> bool {
    is_word(value)
        || match normaliser {
            Normaliser::Email => is_no_mailbox(value),
            Normaliser::Phone => is_no_phone(value),
            Normaliser::Date => DAYS.contains(&value),
            Normaliser::Cookie | Normaliser::Device => {
                is_no_code(&value.replace(|c: char| !c.is_ascii_alphanumeric(), ""))
            }
            Normaliser::Code | Normaliser::Exact | Normaliser::Name => is_no_code(value),
            // Its parts were asked.
            Normaliser::Composite => false,
        }
}

fn is_no_mailbox(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else { return true };
    let top = domain.rsplit('.').next().unwrap_or(domain);
    MAILBOXES.contains(&local) || ADDRESSES.contains(&address) || top == NO_DOMAIN
}

fn is_no_phone(number: &str) -> bool {
    let digits: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).collect();
    longest_run(&digits, |a, b| a == b) >= SAME_DIGITS_MIN
        || longest_run(&digits, |a, b| b == a + 1) >= COUNTED_DIGITS_MIN
}

/// Zeros and dashes of any length, or one character again and again.
fn is_no_code(code: &str) -> bool {
    let lower = code.to_lowercase();
    let mut chars = lower.chars();
    let Some(first) = chars.next() else { return true };
    let same = chars.all(|c| c == first);
    is_word(&lower)
        || !lower.chars().any(char::is_alphanumeric)
        || (same && (first == '0' || lower.chars().count() >= SAME_CHARS_MIN))
}

/// The length of the longest stretch whose neighbours are all `related`.
fn longest_run(digits: &[u8], related: impl Fn(u8, u8) -> bool) -> usize {
    let mut longest = 0;
    let mut run = 0;
    let mut before = None;
    for digit in digits {
        run = if before.is_some_and(|before| related(before, *digit)) { run + 1 } else { 1 };
        longest = longest.max(run);
        before = Some(*digit);
    }
    longest
}
