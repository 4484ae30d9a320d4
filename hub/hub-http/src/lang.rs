//! The reader's language: French or English.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

/// A language that the hub speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

impl Lang {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::En, Self::Fr];

    /// The language's tag, as in `Content-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }

    /// The language of a tag such as `fr`, `fr-CA` or `en_GB.UTF-8`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', '.']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|lang| lang.tag().eq_ignore_ascii_case(primary.trim()))
    }

    /// What a request asks for: `?lang=` first, then `Accept-Language` in the
    /// order of its weights, then English.
    pub fn of(query: Option<&str>, headers: &HeaderMap) -> Self {
        asked_in_query(query).or_else(|| accepted(headers)).unwrap_or_default()
    }
}

fn asked_in_query(query: Option<&str>) -> Option<Lang> {
    query?.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(Lang::from_tag)
}

fn accepted(headers: &HeaderMap) -> Option<Lang> {
    let text = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut best: Option<(Lang, u16)> = None;
    for choice in text.split(',') {
        let mut parts = choice.split(';');
        let Some(lang) = parts.next().and_then(Lang::from_tag) else { continue };
        let weight = parts.find_map(|p| p.trim().strip_prefix("q=")).map_or(1_000, per_mille);
        if weight > 0 && best.is_none_or(|(_, known)| weight > known) {
            best = Some((lang, weight));
        }
    }
    best.map(|(lang, _)| lang)
}

/// A weight of RFC 9110 (`0.8`) in thousandths; anything odd counts as least.
fn per_mille(weight: &str) -> u16 {
    let (whole, rest) = weight.split_once('.').unwrap_or((weight, ""));
    let digits: String = rest.chars().chain("000".chars()).take(3).collect();
    match (whole, digits.parse::<u16>()) {
        ("1", _) => 1_000,
        ("0", Ok(thousandths)) => thousandths,
        _ => 1,
    }
}

impl<S: Sync> FromRequestParts<S> for Lang {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts.uri.query(), &parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_gets_the_language_asked_for() {
        let cases = [
            (None, "", Lang::En),
            (None, "de,ja;q=0.5", Lang::En),
            (None, "fr-FR,fr;q=0.9,en;q=0.8", Lang::Fr),
            (None, "en;q=0.8,fr", Lang::Fr),
            (None, "fr;q=0,en;q=0.1", Lang::En),
            (None, "fr;q=0.35,en;q=0.4", Lang::En),
            (Some("a=1&lang=fr"), "en", Lang::Fr),
            (Some("lang=xx"), "fr", Lang::Fr),
        ];
        for (query, accept, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
            assert_eq!(Lang::of(query, &headers), expected, "{query:?} {accept}");
        }
    }
}
