//! A known value in place of a secret, to be looked for where no secret belongs:
//! as it stands, and in every form that it may take on its way, wherever in a
//! longer text that form begins.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::memmem;

/// A value that is looked for.
#[derive(Debug)]
pub struct Canary {
    forms: Vec<String>,
}

impl Canary {
    /// Looks for this value; ASCII text of a dozen characters or more.
    #[must_use]
    pub fn new(value: &str) -> Self {
        let (mut percent, mut hex) = (String::new(), String::new());
        for byte in value.bytes() {
            let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            // Writing to a String does not fail.
            let _ = match plain {
                true => write!(percent, "{}", char::from(byte)),
                false => write!(percent, "%{byte:02X}"),
            };
            let _ = write!(hex, "{byte:02x}");
        }
        let mut forms = vec![
            value.to_owned(),
            value.replace('/', "\\/"),
            value.replace('&', "\\u0026"),
            percent.replace("%2F", "%2f"),
            percent,
            hex.to_uppercase(),
            hex,
        ];
        for before in 0..3 {
            let standard = base64_inside(value, before);
            forms.push(standard.replace('+', "-").replace('/', "_"));
            forms.push(standard);
        }
        Self { forms }
    }

    /// Whether it is in there.
    #[must_use]
    pub fn sings(&self, bytes: &[u8]) -> bool {
        self.forms.iter().any(|form| holds(bytes, form.as_bytes()))
    }
}

/// Whether a part is in there.
#[must_use]
pub fn holds(bytes: &[u8], part: &[u8]) -> bool {
    memmem::find(bytes, part).is_some()
}

/// The part of a longer text's Base64 that tells of the value alone, when so many
/// bytes (modulo three) stand before it.
fn base64_inside(value: &str, before: usize) -> String {
    let text = [&vec![0; before], value.as_bytes()].concat();
    let encoded = STANDARD_NO_PAD.encode(&text);
    let (from, to) = ((before * 8).div_ceil(6), text.len() * 8 / 6);
    encoded.get(from..to).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Canary, STANDARD_NO_PAD};
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE;

    #[test]
    fn it_is_heard_in_every_form_and_nowhere_else() {
        let canary = Canary::new("c4n4ry-in-the-m1ne/&+");
        let told = [
            "key c4n4ry-in-the-m1ne/&+7 refused",
            "?k=c4n4ry-in-the-m1ne%2F%26%2B7",
            "?k=c4n4ry-in-the-m1ne%2f%26%2B7",
            "0x63346e3472792d696e2d7468652d6d316e652f262b37",
            "63346E3472792D696E2D7468652D6D316E652F262B37",
            r"c4n4ry-in-the-m1ne\/&+7",
            r"c4n4ry-in-the-m1ne/\u0026+7",
        ];
        for text in told {
            assert!(canary.sings(text.as_bytes()), "{text}");
        }
        for user in ["", "a", "an", "ana"] {
            let plain = format!("{user}:c4n4ry-in-the-m1ne/&+7");
            for text in [STANDARD_NO_PAD.encode(&plain), URL_SAFE.encode(&plain)] {
                assert!(canary.sings(text.as_bytes()), "{text}");
            }
        }
        assert!(!canary.sings(b"c4n4ry-in-the-m1ne/ and then some"));
    }
}
