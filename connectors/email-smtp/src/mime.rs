//! Messages taken apart, as far as reports need it: headers and parts. Lenient,
//! because whoever writes bounces does not read standards; bounded, because what
//! arrives in a mailbox is anybody's.

/// Deepest nesting of parts.
const DEPTH_MAX: usize = 4;
/// Most parts of a message, those within parts included.
const PARTS_MAX: usize = 50;
/// Most headers of a part.
const HEADERS_MAX: usize = 500;

/// A part without parts of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its headers: names in small letters, values unfolded.
    pub headers: Vec<(String, String)>,
    /// Its type in small letters: `text/plain`.
    pub kind: String,
    /// Its text, decoded; broken UTF-8 is replaced.
    pub text: String,
}

/// The parts of a message, in order.
pub fn parse(bytes: &[u8]) -> Vec<Part> {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let (headers, body) = split(&text);
    let mut parts = Vec::new();
    take_apart(&headers, body, 0, &mut parts);
    parts
}

/// The first header of that name.
pub fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Headers, and what follows the first empty line.
pub fn split(text: &str) -> (Vec<(String, String)>, &str) {
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        if line.is_empty() {
            return (headers, after);
        }
        rest = after;
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':')
            && headers.len() < HEADERS_MAX
        {
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    (headers, rest)
}

fn take_apart(headers: &[(String, String)], body: &str, depth: usize, parts: &mut Vec<Part>) {
    let content = header(headers, "content-type").unwrap_or("text/plain");
    let kind = content.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let border = parameter(content, "boundary").filter(|_| kind.starts_with("multipart/"));
    let Some(border) = border.filter(|border| !border.is_empty() && depth < DEPTH_MAX) else {
        if parts.len() < PARTS_MAX {
            let encoding = header(headers, "content-transfer-encoding").unwrap_or_default();
            let text = decoded(body, &encoding.to_ascii_lowercase());
            parts.push(Part { headers: headers.to_vec(), kind, text });
        }
        return;
    };
    let border = format!("--{border}");
    // What is before the first border is for programs without MIME.
    let mut part: Option<String> = None;
    for line in body.split_inclusive('\n').chain([border.as_str()]) {
        let is_border = line
            .strip_prefix(border.as_str())
            .is_some_and(|rest| matches!(rest.trim_end(), "" | "--"));
        if !is_border {
            if let Some(part) = &mut part {
                part.push_str(line);
            }
            continue;
        }
        if let Some(text) = part.take().filter(|text| !text.is_empty()) {
            let (headers, body) = split(&text);
            take_apart(&headers, body, depth + 1, parts);
        }
        part = Some(String::new());
    }
}

/// `multipart/report; boundary="x"`: the parameter, without its quotes.
pub fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let fits = key.trim().eq_ignore_ascii_case(name);
        fits.then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn decoded(body: &str, encoding: &str) -> String {
    match encoding {
        "quoted-printable" => from_quoted_printable(body),
        "base64" => from_base64(body),
        _ => body.to_owned(),
    }
}

fn from_quoted_printable(body: &str) -> String {
    let mut out = Vec::with_capacity(body.len());
    let mut bytes = body.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'=' {
            out.push(byte);
            continue;
        }
        let mut ahead = bytes.clone();
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match ahead.next() {
            // A line that goes on.
            Some(b'\n') => bytes = ahead,
            first => match (digit(first), digit(ahead.next())) {
                (Some(high), Some(low)) => {
                    out.extend(u8::try_from(high * 16 + low));
                    bytes = ahead;
                }
                _ => out.push(byte),
            },
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn from_base64(body: &str) -> String {
    let mut out = Vec::with_capacity(body.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in body.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.extend(u8::try_from(bits >> count & 0xff));
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
