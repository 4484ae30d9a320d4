//! Faults in words: what happened, what it means, how to mend it.
//!
//! The words live in one table per language, each a `match` without a
//! wildcard: a code that is added to the model does not compile until both
//! languages have words for it. A sentence may name arguments of the fault as
//! `{name}`; a clause in `[...]` is left out when one of its arguments is
//! missing, so that no reader ever sees an empty place.

mod en;
mod fr;

use hub_model::{Fault, FaultCode};
use serde::Serialize;

use crate::lang::Lang;

/// The argument that names the connection that somebody must sign in to.
pub const SIGN_IN: &str = "sign_in";

/// The words of a code before its arguments are put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// What happened, in a few words without a full stop.
    pub title: &'static str,
    /// What it means, and what is safe.
    pub means: &'static str,
    /// How to mend it.
    pub mend: &'static str,
}

/// A fault in a reader's language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sentence {
    /// The stable code.
    pub code: &'static str,
    /// What happened.
    pub title: String,
    /// What it means, with everything that is known.
    pub detail: String,
    /// Where; empty = at no particular place.
    pub place: String,
    /// How to mend it.
    pub mend: String,
}

/// The words of a code.
pub const fn words(code: FaultCode, lang: Lang) -> Words {
    match lang {
        Lang::En => en::words(code),
        Lang::Fr => fr::words(code),
    }
}

/// The words of a fault: those of its code, unless somebody must sign in, which only its
/// argument says.
fn words_of(fault: &Fault, lang: Lang) -> Words {
    match (fault.args.contains_key(SIGN_IN), lang) {
        (false, _) => words(fault.code, lang),
        (true, Lang::En) => en::SIGN_IN,
        (true, Lang::Fr) => fr::SIGN_IN,
    }
}

/// A fault in words.
pub fn sentence(fault: &Fault, lang: Lang) -> Sentence {
    let words = words_of(fault, lang);
    let mut detail = fill(words.means, fault);
    let said = |name: &str| [words.title, words.means, words.mend].iter().any(|t| names(t, name));
    let rest: Vec<String> = fault
        .args
        .iter()
        .filter(|(name, _)| !said(name))
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    if !rest.is_empty() {
        detail.push_str(" (");
        detail.push_str(&rest.join("; "));
        detail.push(')');
    }
    Sentence {
        code: fault.code.as_str(),
        title: fill(words.title, fault),
        detail,
        place: fault.place.clone(),
        mend: fill(words.mend, fault),
    }
}

/// Whether a template names an argument.
fn names(template: &str, name: &str) -> bool {
    template.match_indices('{').any(|(at, _)| {
        template.get(at + 1..).and_then(|rest| rest.split_once('}')).is_some_and(|(n, _)| n == name)
    })
}

/// Puts the arguments in; drops the clauses in brackets that lack one.
fn fill(template: &str, fault: &Fault) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('[') {
        let (clause, beyond) = after.split_once(']').unwrap_or((after, ""));
        out.push_str(&substitute(before, fault).unwrap_or_default());
        out.push_str(&substitute(clause, fault).unwrap_or_default());
        rest = beyond;
    }
    out.push_str(&substitute(rest, fault).unwrap_or_default());
    out
}

/// The text with its arguments, or `None` when one is missing.
fn substitute(text: &str, fault: &Fault) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, beyond) = after.split_once('}')?;
        out.push_str(before);
        match name {
            "place" if !fault.place.is_empty() => out.push_str(&fault.place),
            _ => out.push_str(fault.args.get(name)?),
        }
        rest = beyond;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arguments may stand only inside brackets: outside, a missing one would
    /// swallow the whole sentence.
    fn outside_brackets(template: &str) -> String {
        let mut out = String::new();
        let mut depth = 0;
        for c in template.chars() {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ if depth == 0 => out.push(c),
                _ => {}
            }
        }
        assert_eq!(depth, 0, "unbalanced brackets: {template}");
        out
    }

    #[test]
    fn every_code_has_words_in_every_language() {
        for &code in FaultCode::ALL {
            let [en, fr] = Lang::ALL.map(|lang| words(code, lang));
            for text in [en.title, en.means, en.mend, fr.title, fr.means, fr.mend] {
                assert!(text.chars().count() > 5, "{code}: too short: {text:?}");
                assert!(!outside_brackets(text).contains('{'), "{code}: bare argument: {text}");
            }
            for text in [en.means, en.mend, fr.means, fr.mend] {
                assert!(text.ends_with('.'), "{code}: not a sentence: {text}");
            }
            assert_ne!(en.title, fr.title, "{code} is not translated");
            assert_ne!(en.means, fr.means, "{code} is not translated");
            assert_ne!(en.mend, fr.mend, "{code} is not translated");
        }
    }

    #[test]
    fn titles_tell_codes_apart() {
        for lang in Lang::ALL {
            let titles: std::collections::BTreeSet<_> =
                FaultCode::ALL.iter().map(|&code| words(code, lang).title).collect();
            assert_eq!(titles.len(), FaultCode::ALL.len(), "{lang:?}");
        }
    }

    #[test]
    fn arguments_are_put_in_and_missing_ones_leave_no_hole() {
        let with = Fault::new(FaultCode::RateLimited).with("after_seconds", 30);
        let without = Fault::new(FaultCode::RateLimited);
        assert!(sentence(&with, Lang::En).detail.contains("30"));
        for lang in Lang::ALL {
            let text = sentence(&without, lang);
            for part in [&text.title, &text.detail, &text.mend] {
                assert!(!part.contains(['{', '}', '[', ']']), "{part}");
            }
        }
    }

    #[test]
    fn an_argument_that_no_sentence_names_is_still_shown() {
        let fault = Fault::new(FaultCode::Stopping).at("syncs/people").with("odd", "42");
        let text = sentence(&fault, Lang::Fr);
        assert!(text.detail.ends_with("(odd: 42)"), "{}", text.detail);
        assert_eq!(text.place, "syncs/people");
    }
}
