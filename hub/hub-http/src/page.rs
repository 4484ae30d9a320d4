//! The page: one HTML file, one style sheet, two small modules and a mark,
//! all inside the binary. It holds no data; what it shows it asks of the API.

use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::lang::Lang;

const INDEX: &str = include_str!("page/index.html");
const CSS: &str = include_str!("page/page.css");
const JS: &str = include_str!("page/page.js");
const WORDS: &str = include_str!("page/words.js");
const MARK: &str = include_str!("page/mark.svg");

/// `GET /` and `GET /login`: the same page; its module looks at the address.
pub(crate) async fn index(lang: Lang) -> Response {
    let html = INDEX.replacen("<html lang=\"en\">", &format!("<html lang=\"{}\">", lang.tag()), 1);
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_LANGUAGE, lang.tag()),
    ];
    (headers, html).into_response()
}

/// `GET /assets/page.css`.
pub(crate) async fn css() -> Response {
    file("text/css; charset=utf-8", CSS)
}

/// `GET /assets/page.js`.
pub(crate) async fn js() -> Response {
    file("text/javascript; charset=utf-8", JS)
}

/// `GET /assets/words.js`.
pub(crate) async fn words() -> Response {
    file("text/javascript; charset=utf-8", WORDS)
}

/// `GET /assets/mark.svg`.
pub(crate) async fn mark() -> Response {
    file("image/svg+xml", MARK)
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_nothing_inline_that_the_policy_would_block() {
        for forbidden in
            ["<style", " style=", "<script>", " onclick", "javascript:", "http://", "https://"]
        {
            let found = INDEX.replace("http://www.w3.org", "").contains(forbidden);
            assert!(!found, "{forbidden} in index.html");
        }
        assert!(INDEX.contains("<html lang=\"en\">"));
    }

    #[test]
    fn every_word_exists_in_both_languages() {
        let section = |start: &str| {
            let body = WORDS.split(start).nth(1).unwrap().split("\n  },").next().unwrap();
            body.lines()
                .filter_map(|line| line.trim().split_once(':').map(|(key, _)| key.to_owned()))
                .collect::<std::collections::BTreeSet<_>>()
        };
        let (en, fr) = (section("  en: {"), section("  fr: {"));
        assert_eq!(en, fr);
        assert!(en.len() > 30);
        let keys = INDEX.split("data-word=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        for key in keys {
            assert!(en.contains(key), "{key} has no words");
        }
    }
}
