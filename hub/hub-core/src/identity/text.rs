//! Text as it is compared: composed, trimmed, without characters that do not
//! show.

use unicode_normalization::UnicodeNormalization;

/// NFC without format characters (zero-width, direction marks, tags) and
/// without white space at the ends. Two texts that look alike because of such
/// characters become one; look-alike letters of other scripts stay different.
pub(super) fn clean(text: &str) -> String {
    if text.is_ascii() {
        return text.trim().to_owned(); // composed, and without format characters
    }
    let shown: String = text.chars().filter(|c| !is_format(*c)).nfc().collect();
    shown.trim().to_owned()
}

/// Unicode's general category Cf, variation selectors and Hangul fillers: they
/// change how text is laid out, never what it names.
const fn is_format(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{115f}'..='\u{1160}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn what_does_not_show_does_not_count() {
        let cases = [
            (" a b\u{a0}", "a b"),
            ("e\u{301}", "\u{e9}"),
            ("e\u{200d}\u{301}", "\u{e9}"),
            ("\u{feff}ana\u{200b}@x.fr\u{202e}", "ana@x.fr"),
            ("\u{200b}\u{2060}", ""),
        ];
        for (text, cleaned) in cases {
            assert_eq!(clean(text), cleaned, "{text:?}");
        }
    }
}
