//! From a stated message to the bytes on the wire.
//!
//! A connector fills customers' values into headers, and whoever gets a line break
//! in there writes headers of his own, or a second message. So it never writes the
//! head itself: names and values are checked one by one, and the only line breaks
//! are those made here. In the body a bare CR or LF is refused, because servers
//! differ on whether a lone dot between two of them ends the message (SMTP smuggling).

use crate::mail::{
    ADDRESS_BYTES_MAX, LINE_BYTES_MAX, MAIL_HEADERS_MAX, MESSAGE_BYTES_MAX, MailFault, MailMessage,
    RECIPIENTS_MAX,
};

/// Headers that belong to the servers on the way.
const SERVER_HEADERS: [&str; 5] =
    ["received", "return-path", "delivered-to", "bcc", "authentication-results"];

/// Headers that a message has at most once (RFC 5322, 3.6; RFC 8058, 3.1).
const ONCE: [&str; 14] = [
    "date",
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "message-id",
    "in-reply-to",
    "references",
    "subject",
    "mime-version",
    "content-type",
    "list-unsubscribe",
    "list-unsubscribe-post",
];

/// Headers that a message needs.
const NEEDED: [&str; 3] = ["from", "date", "message-id"];

/// Where a line is folded if it can be (RFC 5322, 2.1.1).
const FOLD_BYTES: usize = 78;

/// The message as it is sent, before dots are doubled.
///
/// # Errors
/// [`MailFault::Invalid`] or [`MailFault::TooLarge`].
pub(crate) fn content(message: &MailMessage) -> Result<Vec<u8>, MailFault> {
    check_address(&message.sender)?;
    if message.recipients.is_empty() || message.recipients.len() > RECIPIENTS_MAX {
        return Err(invalid(format!("a message has 1 to {RECIPIENTS_MAX} recipients")));
    }
    message.recipients.iter().try_for_each(|address| check_address(address))?;
    let mut content = head(&message.headers)?;
    content.extend_from_slice(b"\r\n");
    check_body(&message.body)?;
    content.extend_from_slice(&message.body);
    if !content.ends_with(b"\r\n") {
        content.extend_from_slice(b"\r\n");
    }
    if content.len() > MESSAGE_BYTES_MAX {
        return Err(MailFault::TooLarge { limit_bytes: MESSAGE_BYTES_MAX });
    }
    Ok(content)
}

fn invalid(why: impl Into<String>) -> MailFault {
    MailFault::Invalid(why.into())
}

/// An address of the plain form, which needs no quoting on the wire. It is not
/// repeated in the fault: it is a customer's.
fn check_address(address: &str) -> Result<(), MailFault> {
    let local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    let domain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    let sound = |part: &str, good: &dyn Fn(char) -> bool| {
        !part.is_empty() && part.chars().all(good) && !part.starts_with('.') && !part.ends_with('.')
    };
    let plain = address.rsplit_once('@').is_some_and(|(name, host)| {
        sound(name, &local) && sound(host, &domain) && address.len() <= ADDRESS_BYTES_MAX
    });
    if plain { Ok(()) } else { Err(invalid("an address is not of the plain form `local@domain`")) }
}

fn head(headers: &[(String, String)]) -> Result<Vec<u8>, MailFault> {
    if headers.len() > MAIL_HEADERS_MAX {
        return Err(invalid(format!("more than {MAIL_HEADERS_MAX} headers")));
    }
    let mut seen: Vec<String> = Vec::with_capacity(headers.len());
    let mut head = Vec::new();
    for (name, value) in headers {
        let shown: String = name.chars().take(80).collect();
        let shown = shown.escape_debug();
        // RFC 5322, 3.6.8: printable ASCII without the colon.
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
            return Err(invalid(format!("`{shown}` is not a header name")));
        }
        let lower = name.to_ascii_lowercase();
        if SERVER_HEADERS.contains(&lower.as_str()) {
            return Err(MailFault::Denied(format!("the header `{shown}` belongs to the servers")));
        }
        if ONCE.contains(&lower.as_str()) && seen.contains(&lower) {
            return Err(invalid(format!("the header `{shown}` is there twice")));
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(invalid(format!(
                "the value of the header `{shown}` holds a line break or something else that is \
                 not printable ASCII"
            )));
        }
        let line = folded(&format!("{name}: {value}"))
            .ok_or_else(|| invalid(format!("the header `{shown}` has a word that is too long")))?;
        head.extend_from_slice(line.as_bytes());
        seen.push(lower);
    }
    match NEEDED.iter().find(|name| !seen.iter().any(|given| given == *name)) {
        Some(name) => Err(invalid(format!("the message has no header `{name}`"))),
        None => Ok(head),
    }
}

/// A header with line ends, broken before a space where it would be too long.
/// `None` if a word does not fit on a line.
fn folded(header: &str) -> Option<String> {
    let mut out = String::with_capacity(header.len() + 8);
    let mut line = 0;
    for (at, word) in header.split(' ').enumerate() {
        // A line of spaces alone would end the head for some.
        if line + 1 + word.len() > FOLD_BYTES && at > 1 && !word.is_empty() {
            out.push_str("\r\n");
            line = 0;
        }
        if at > 0 {
            out.push(' ');
            line += 1;
        }
        out.push_str(word);
        line += word.len();
        if line > LINE_BYTES_MAX {
            return None;
        }
    }
    out.push_str("\r\n");
    Some(out)
}

fn check_body(body: &[u8]) -> Result<(), MailFault> {
    let text = std::str::from_utf8(body).ok().filter(|it| it.is_ascii() && !it.contains('\0'));
    let text = text.ok_or_else(|| {
        invalid(
            "the body is not ASCII; encode it (quoted-printable or base64) and say so in a header",
        )
    })?;
    for line in text.split("\r\n") {
        if line.contains(['\r', '\n']) {
            return Err(invalid("a line of the body does not end in CR LF"));
        }
        if line.len() > LINE_BYTES_MAX {
            return Err(invalid(format!("a line of the body exceeds {LINE_BYTES_MAX} bytes")));
        }
    }
    Ok(())
}

/// The content with dots doubled where a line begins with one (RFC 5321, 4.5.2).
pub(crate) fn stuffed(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 16);
    let mut begins = true;
    for byte in content {
        if begins && *byte == b'.' {
            out.push(b'.');
        }
        out.push(*byte);
        begins = *byte == b'\n';
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{MailFault, MailMessage, content, folded, stuffed};

    fn message() -> MailMessage {
        let headers = [
            ("From", "Shop <news@shop.example>"),
            ("Date", "Mon, 02 Mar 2026 10:00:00 +0000"),
            ("Message-ID", "<1@shop.example>"),
        ];
        MailMessage {
            sender: "news@shop.example".to_owned(),
            recipients: vec!["ana@x.example".to_owned()],
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: b"Hello\r\n.\r\nEnd".to_vec(),
        }
    }

    fn with_header(name: &str, value: &str) -> MailMessage {
        let mut message = message();
        message.headers.push((name.to_owned(), value.to_owned()));
        message
    }

    #[test]
    fn head_and_body_are_framed() {
        let text = String::from_utf8(content(&message()).unwrap()).unwrap();
        assert!(text.starts_with("From: Shop <news@shop.example>\r\nDate: "), "{text}");
        assert!(text.ends_with("\r\n\r\nHello\r\n.\r\nEnd\r\n"), "{text}");
        assert_eq!(stuffed(b".a\r\n..\r\nb.\r\n"), b"..a\r\n...\r\nb.\r\n");
    }

    #[test]
    fn nobody_writes_headers_into_headers() {
        let cases = [
            ("Subject", "Hi\r\nBcc: all@x.example"),
            ("Subject", "Hi\nBcc: all@x.example"),
            ("Subject", "Hi\rBcc: all@x.example"),
            ("Subject", "Hi\0"),
            ("Subject", "d\u{e9}j\u{e0} vu"),
            ("X: y\r\nBcc", "all@x.example"),
            ("X Y", "z"),
            ("", "z"),
            ("from", "two@x.example"),
            ("List-Unsubscribe", &"x".repeat(1_000)),
        ];
        for (name, value) in cases {
            let fault = content(&with_header(name, value)).unwrap_err();
            assert!(matches!(fault, MailFault::Invalid(_)), "{name}: {value}: {fault}");
        }
        for name in ["Bcc", "RECEIVED", "Return-Path"] {
            let fault = content(&with_header(name, "x")).unwrap_err();
            assert!(matches!(fault, MailFault::Denied(_)), "{name}: {fault}");
        }
        let mut without = message();
        without.headers.truncate(2);
        assert!(content(&without).unwrap_err().to_string().contains("message-id"));
    }

    #[test]
    fn an_address_ends_where_it_ends() {
        let bad = [
            "",
            "ana",
            "@x.example",
            "ana@",
            "ana@x.example>\r\nRCPT TO:<all@x.example",
            "ana@x.example\n",
            "a na@x.example",
            "<ana@x.example>",
            "ana@[127.0.0.1]",
            ".ana@x.example",
            "ana@x.example.",
            "an\u{e9}@x.example",
            &format!("{}@x.example", "a".repeat(250)),
        ];
        for address in bad {
            let to = MailMessage { recipients: vec![address.to_owned()], ..message() };
            let from = MailMessage { sender: address.to_owned(), ..message() };
            for message in [to, from] {
                let fault = content(&message).unwrap_err();
                assert!(matches!(fault, MailFault::Invalid(_)), "{address}: {fault}");
                assert!(address.is_empty() || !fault.to_string().contains(address), "{fault}");
            }
        }
        for good in ["o'brien+tag@x-y.example", "a.b_c=d@sub.x.example"] {
            content(&MailMessage { recipients: vec![good.to_owned()], ..message() }).unwrap();
        }
        assert!(content(&MailMessage { recipients: Vec::new(), ..message() }).is_err());
    }

    #[test]
    fn a_body_hides_no_second_message() {
        let long = [b'x'; 999];
        let bad: [&[u8]; 6] =
            [b"a\n.\r\nb", b"a\r\n.\rb", b"a\rb", b"\xc3\xa9", b"a\0b", long.as_slice()];
        for body in bad {
            let fault = content(&MailMessage { body: body.to_vec(), ..message() }).unwrap_err();
            assert!(matches!(fault, MailFault::Invalid(_)), "{body:?}: {fault}");
        }
        let body = vec![b'\n'; super::MESSAGE_BYTES_MAX];
        assert!(content(&MailMessage { body, ..message() }).is_err());
        let body = b"0123456789abcdef\r\n".repeat(super::MESSAGE_BYTES_MAX / 16);
        let fault = content(&MailMessage { body, ..message() }).unwrap_err();
        assert!(matches!(fault, MailFault::TooLarge { .. }), "{fault}");
    }

    #[test]
    fn long_headers_are_folded_at_spaces_and_unfold_to_themselves() {
        let value = "word ".repeat(40) + " two  spaces" + &"y".repeat(100) + " end";
        let line = folded(&format!("Subject: {value}")).unwrap();
        assert!(line.lines().count() > 2 && line.lines().all(|line| !line.trim().is_empty()));
        assert_eq!(line.replace("\r\n", ""), format!("Subject: {value}"));
        assert_eq!(folded("To: a@x.example").unwrap(), "To: a@x.example\r\n");
    }
}
