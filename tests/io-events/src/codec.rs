//! Bytes: a kind, numbers as little-endian `u64`, texts behind their length.

use crate::Event;

/// Appends an event.
pub fn encode(event: &Event, out: &mut Vec<u8>) {
    let mut put = Put(out);
    match event {
        Event::Open { path, file, created } => {
            put.kind(1).text(path.as_bytes()).number(*file).number(u64::from(*created));
        }
        Event::Write { file, offset, data, zeros } => {
            put.kind(2).number(*file).number(*offset).text(data).number(*zeros);
        }
        Event::Truncate { file, bytes } => {
            put.kind(3).number(*file).number(*bytes);
        }
        Event::Sync { file, began } => {
            put.kind(4).number(*file).number(*began);
        }
        Event::RangeSync { file } => {
            put.kind(5).number(*file);
        }
        Event::Rename { from, to } => {
            put.kind(6).text(from.as_bytes()).text(to.as_bytes());
        }
        Event::Remove { path } => {
            put.kind(7).text(path.as_bytes());
        }
        Event::Folder { path, file } => {
            put.kind(8).text(path.as_bytes()).number(*file);
        }
        Event::Said { text } => {
            put.kind(9).text(text);
        }
    }
}

/// Reads events; ends at the first that is not whole, as a kill leaves it.
#[must_use]
pub fn decode(bytes: &[u8]) -> Vec<Event> {
    let mut take = Take(bytes);
    std::iter::from_fn(|| take.event()).collect()
}

struct Put<'a>(&'a mut Vec<u8>);

impl Put<'_> {
    fn kind(&mut self, kind: u8) -> &mut Self {
        self.0.push(kind);
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn text(&mut self, text: &[u8]) -> &mut Self {
        self.number(text.len() as u64);
        self.0.extend(text);
        self
    }
}

struct Take<'a>(&'a [u8]);

impl Take<'_> {
    fn event(&mut self) -> Option<Event> {
        let (kind, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(match kind {
            1 => Event::Open {
                path: self.path()?,
                file: self.number()?,
                created: self.number()? != 0,
            },
            2 => Event::Write {
                file: self.number()?,
                offset: self.number()?,
                data: self.text()?,
                zeros: self.number()?,
            },
            3 => Event::Truncate { file: self.number()?, bytes: self.number()? },
            4 => Event::Sync { file: self.number()?, began: self.number()? },
            5 => Event::RangeSync { file: self.number()? },
            6 => Event::Rename { from: self.path()?, to: self.path()? },
            7 => Event::Remove { path: self.path()? },
            8 => Event::Folder { path: self.path()?, file: self.number()? },
            9 => Event::Said { text: self.text()? },
            _ => return None,
        })
    }

    fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    fn text(&mut self) -> Option<Vec<u8>> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(text.to_vec())
    }

    fn path(&mut self) -> Option<String> {
        String::from_utf8(self.text()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, decode, encode};

    fn every_kind() -> Vec<Event> {
        vec![
            Event::Open { path: "a/b".to_owned(), file: 7, created: true },
            Event::Open { path: String::new(), file: u64::MAX, created: false },
            Event::write(7, 3, b"\0data\0\0"),
            Event::write(7, 3, &[0; 9]),
            Event::write(7, 3, b""),
            Event::Truncate { file: 7, bytes: 1 },
            Event::Sync { file: 7, began: 2 },
            Event::RangeSync { file: 7 },
            Event::Rename { from: "a".to_owned(), to: "é".to_owned() },
            Event::Remove { path: "a".to_owned() },
            Event::Folder { path: "a".to_owned(), file: 1 },
            Event::Said { text: b"ack 1\n".to_vec() },
        ]
    }

    #[test]
    fn every_event_is_read_as_written_and_a_torn_one_is_none() {
        let events = every_kind();
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for event in &events {
            encode(event, &mut bytes);
            ends.push(bytes.len());
        }
        assert_eq!(decode(&bytes), events);
        for length in 0..bytes.len() {
            let whole = ends.iter().filter(|end| **end <= length).count();
            assert_eq!(decode(&bytes[..length]), events[..whole], "{length} bytes");
        }
    }

    #[test]
    fn zeros_at_the_end_are_counted() {
        let wanted = Event::Write { file: 1, offset: 0, data: b"\0a".to_vec(), zeros: 2 };
        assert_eq!(Event::write(1, 0, b"\0a\0\0"), wanted);
    }
}
