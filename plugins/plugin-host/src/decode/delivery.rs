//! What a guest says about a delivery.

use hub_model::{Fault, FaultCode, RemoteKey, StreamName};
use plugin_api::{Parsed, Reply};

use super::{malformed, page};
use crate::limits::{Limits, MEANINGS_MAX, REPLY_BYTES_MAX};
use crate::since_v0_1_0::exported::inbound as wit;

/// The header of a reply that counts: the others frame an answer, or speak about
/// the hub.
const CONTENT_TYPE: &str = "content-type";
/// What a reply may be: nothing that a browser would run.
const REPLY_TYPES: [&str; 2] = ["text/plain", "application/json"];

/// The meanings of one delivery, with as many rows and keys in all as a page may
/// have.
///
/// # Errors
/// `limit-exceeded`, `page-malformed` or `not-supported`: then none of it counts.
pub fn parsed(parsed: Vec<wit::Parsed>, limits: &Limits) -> Result<Vec<Parsed>, Fault> {
    let over = |name: &str, limit: usize| {
        Fault::new(FaultCode::LimitExceeded).at("delivery").with(name, limit)
    };
    if parsed.len() > MEANINGS_MAX {
        return Err(over("meanings_max", MEANINGS_MAX));
    }
    let mut left = limits.page_items_max;
    let mut meanings = Vec::with_capacity(parsed.len());
    for meaning in parsed {
        let (meaning, items) = match meaning {
            wit::Parsed::Rows((name, batch)) => {
                let rows = page::rows(&batch, limits)?;
                let count = rows.len();
                (Parsed::Rows(stream(name)?, rows), count)
            }
            wit::Parsed::Refetch((name, keys)) => {
                let count = keys.len();
                let keys = keys.into_iter().map(key).collect::<Result<_, _>>()?;
                (Parsed::Refetch(stream(name)?, keys), count)
            }
            wit::Parsed::Read(name) => (Parsed::Read(stream(name)?), 0),
            wit::Parsed::Ignored => (Parsed::Ignored, 0),
        };
        let over = || over("page_items_max", limits.page_items_max);
        left = left.checked_sub(items).ok_or_else(over)?;
        meanings.push(meaning);
    }
    Ok(meanings)
}

fn stream(name: String) -> Result<StreamName, Fault> {
    let valid = hub_model::id::valid(&name);
    if valid { Ok(StreamName::new(name)) } else { Err(malformed("a stream without a name")) }
}

fn key(key: String) -> Result<RemoteKey, Fault> {
    let valid = hub_model::id::valid(&key);
    if valid { Ok(RemoteKey::new(key)) } else { Err(malformed("a key that is none")) }
}

/// The answer to a challenge: a status that answers, a type and a short body.
///
/// # Errors
/// `limit-exceeded` or `page-malformed`.
pub fn reply(reply: Option<wit::Reply>) -> Result<Option<Reply>, Fault> {
    let Some(wit::Reply { status, headers, body }) = reply else { return Ok(None) };
    if !(200..=499).contains(&status) || (300..=399).contains(&status) {
        return Err(malformed("a reply with such a status"));
    }
    if body.len() > REPLY_BYTES_MAX {
        let fault = Fault::new(FaultCode::LimitExceeded).at("reply");
        return Err(fault.with("bytes_max", REPLY_BYTES_MAX));
    }
    let named = headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(CONTENT_TYPE));
    let content_type = named.map(|(_, value)| value);
    let content_type = content_type.filter(|value| REPLY_TYPES.contains(&value.as_str()));
    Ok(Some(Reply { status, content_type, body }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use hub_model::FaultCode;
    use plugin_api::Parsed;

    use hub_model::limits::PAGE_ITEMS_MAX;

    use super::{Limits, MEANINGS_MAX, REPLY_BYTES_MAX, parsed, reply, wit};
    use crate::since_v0_1_0::imported::types::{Batch, BatchFormat};

    fn rows(stream: &str, count: u32, data: &str) -> wit::Parsed {
        let data = data.as_bytes().to_vec();
        wit::Parsed::Rows((stream.to_owned(), Batch { format: BatchFormat::Ndjson, count, data }))
    }

    #[test]
    fn meanings_keep_the_rules_of_pages() {
        let row = "{\"key\":\"1\",\"change\":\"event\",\"data\":{}}\n";
        let good = vec![
            rows("events", 2, &format!("{row}not json\n")),
            wit::Parsed::Refetch(("people".to_owned(), vec!["7".to_owned()])),
            wit::Parsed::Read("people".to_owned()),
            wit::Parsed::Ignored,
        ];
        let decoded = parsed(good, &Limits::default()).unwrap();
        let Parsed::Rows(_, items) = &decoded[0] else { panic!("{decoded:?}") };
        assert!(items[0].is_ok() && items[1].is_err());
        let keys = |keys: Vec<String>| vec![wit::Parsed::Refetch(("people".to_owned(), keys))];
        let bad = [
            (vec![rows("events", 3, row)], FaultCode::PageMalformed),
            (vec![rows("", 1, row)], FaultCode::PageMalformed),
            (keys(vec![String::new()]), FaultCode::PageMalformed),
            (keys(vec!["k".repeat(513)]), FaultCode::PageMalformed),
            (keys(vec!["k".to_owned(); PAGE_ITEMS_MAX + 1]), FaultCode::LimitExceeded),
            (vec![wit::Parsed::Ignored; MEANINGS_MAX + 1], FaultCode::LimitExceeded),
        ];
        for (meanings, code) in bad {
            assert_eq!(parsed(meanings, &Limits::default()).unwrap_err().code, code);
        }
    }

    #[test]
    fn a_reply_says_little() {
        let with = |status: u16, headers: &[(&str, &str)], body: usize| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let headers = headers.iter().map(own).collect();
            reply(Some(wit::Reply { status, headers, body: vec![b'x'; body] }))
        };
        let good = with(200, &[("Set-Cookie", "a=b"), ("Content-Type", "text/plain")], 3);
        let good = good.unwrap().unwrap();
        assert_eq!((good.status, good.content_type.as_deref()), (200, Some("text/plain")));
        let split = with(200, &[("content-type", "a\r\nset-cookie: b")], 0).unwrap().unwrap();
        assert_eq!(split.content_type, None);
        for (status, body) in [(100, 0), (302, 0), (500, 0), (200, REPLY_BYTES_MAX + 1)] {
            assert!(with(status, &[], body).is_err(), "{status} {body}");
        }
        assert_eq!(reply(None).unwrap(), None);
    }
}
