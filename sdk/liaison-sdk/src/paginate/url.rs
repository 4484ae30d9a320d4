//! Pages by the address of the next one.

use serde::{Deserialize, Serialize};

use super::token::another;
use crate::fault::Fault;
use crate::http::Response;
use crate::page::{Page, ReadRequest};
use crate::row::Row;

/// Pages by an address that the vendor hands out, in the answer's body or in a
/// `Link` header ([`next_link`]). It must lead to the host that was asked: an
/// answer must not choose who receives the connection's credential. (The host
/// would refuse a stranger as well; here it is told what is wrong.)
///
/// ```
/// use liaison_sdk::paginate::NextUrl;
/// use liaison_sdk::{ReadRequest, Row};
///
/// let request = ReadRequest::start("people");
/// let position = NextUrl::of(&request).unwrap();
/// let url = position.or("https://api.x.example/people?limit=2");
/// // ... ask, and find the next address in the answer:
/// let page = position.page(&url, vec![Row::delete("1")], Some("/people?after=1".into())).unwrap();
/// let position = NextUrl::of(&request.after(&page)).unwrap();
/// assert_eq!(position.or("-"), "https://api.x.example/people?after=1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NextUrl {
    /// The address to ask; none = the beginning.
    pub url: Option<String>,
}

impl NextUrl {
    /// The position that a request asks for.
    ///
    /// # Errors
    /// `cursor-expired` for a cursor in another form.
    pub fn of(request: &ReadRequest) -> Result<Self, Fault> {
        Ok(request.cursor()?.unwrap_or_default())
    }

    /// The address to ask, which is `first` at the beginning.
    pub fn or(&self, first: impl Into<String>) -> String {
        self.url.clone().unwrap_or_else(|| first.into())
    }

    /// The page of these rows, that `asked` answered with, and the address that
    /// came along: absolute, or from its path or its query on. Without one the
    /// snapshot is complete and the next one starts anew.
    ///
    /// # Errors
    /// `drift` when the address is the one just used, leads to another host, or is
    /// none.
    pub fn page(self, asked: &str, rows: Vec<Row>, next: Option<String>) -> Result<Page, Fault> {
        let next = next.filter(|next| !next.is_empty());
        let next = next.map(|next| resolved(asked, &next)).transpose()?;
        match another(Some(asked), next)? {
            None => Ok(Page::of(rows).complete()),
            url => Page::of(rows).more_from(&Self { url }),
        }
    }
}

fn resolved(asked: &str, next: &str) -> Result<String, Fault> {
    let drift = || Fault::drift("next page address", "an address at the host that was asked");
    let origin = origin(asked).ok_or_else(drift)?;
    // What comes after a backslash is a path to some readers and a host to others.
    if next.starts_with("//") || next.contains('\\') {
        return Err(drift());
    }
    if next.starts_with('/') {
        return Ok(format!("{origin}{next}"));
    }
    if next.starts_with('?') {
        let path = asked.split(['?', '#']).next().unwrap_or(asked);
        return Ok(format!("{path}{next}"));
    }
    match self::origin(next) {
        Some(other) if other.eq_ignore_ascii_case(origin) => Ok(next.to_owned()),
        _ => Err(drift()),
    }
}

/// `https://host:port` of an absolute address.
fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let known = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())?;
    known.then(|| url.get(..scheme.len() + 3 + host.len())).flatten()
}

/// The address of the next page in the `Link` headers of an answer (RFC 8288):
/// `<https://api.x.example/people?page=2>; rel="next"`.
pub fn next_link(response: &Response) -> Option<String> {
    let links = response.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("link"));
    links.into_iter().find_map(|(_, value)| next_of(value))
}

fn next_of(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, link)) = rest.split_once('<') {
        let (target, parameters) = link.split_once('>')?;
        let (mut parameters, following) = cut(parameters, ',');
        while !parameters.is_empty() {
            let (parameter, others) = cut(parameters, ';');
            if is_next(parameter) {
                return Some(target.trim().to_owned());
            }
            parameters = others;
        }
        rest = following;
    }
    None
}

/// What comes before and after the first of these characters that is not within
/// quotes.
fn cut(text: &str, at: char) -> (&str, &str) {
    let mut quoted = false;
    for (index, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            _ if character == at && !quoted => {
                let (before, after) = text.split_at(index);
                return (before, after.get(at.len_utf8()..).unwrap_or_default());
            }
            _ => {}
        }
    }
    (text, "")
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let mut words = value.trim().trim_matches('"').split_whitespace();
    name.trim().eq_ignore_ascii_case("rel") && words.any(|it| it.eq_ignore_ascii_case("next"))
}
