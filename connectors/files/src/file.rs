//! A stream's file as the host shows it.

use liaison_sdk::files::{self, Stat};
use liaison_sdk::{Call, Fault, FaultCode};

use crate::file_fault::FileFault;
use crate::row::{self, Broken, Header, Row};
use crate::settings::{Layout, SettingFault, Settings, Stream};
use crate::window::{Position, Record, Window};

/// Largest file that is read. It is read in ranges: the limit is about time.
pub const READ_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Largest file that is written. Old and new content are in memory at once.
pub const WRITE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// So much is asked from the host at once for a whole file.
const RANGE_BYTES: u32 = 1024 * 1024;

/// The settings of a connection.
///
/// # Errors
/// `config`.
pub fn settings(call: &Call) -> Result<Settings, Fault> {
    call.settings()
}

/// A stream of a connection.
///
/// # Errors
/// `config`.
pub fn stream(call: &Call, name: &str) -> Result<Stream, Fault> {
    Ok(settings(call)?.stream(name)?)
}

impl Stream {
    /// The file's state; `None` when there is none.
    ///
    /// # Errors
    /// `host-denied`, `transient`, or `limit` for a file that is too large.
    pub fn stat(&self, bytes_max: u64) -> Result<Option<Stat>, Fault> {
        match files::stat(&self.folder, &self.file) {
            Ok(stat) if stat.size > bytes_max => {
                Err(self.fault(FaultCode::Limit).with("bytes-max", bytes_max))
            }
            Ok(stat) => Ok(Some(stat)),
            Err(fault) if fault.code == FaultCode::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// A file that must exist, unless its columns are declared: then the hub
    /// creates it with the first write.
    ///
    /// # Errors
    /// As [`Self::stat`]; `config` when it is missing.
    pub fn stat_or_declared(&self, bytes_max: u64) -> Result<Option<Stat>, Fault> {
        match self.stat(bytes_max)? {
            None if self.columns.is_empty() => Err(Fault::config(
                format!("settings.streams.{}.file", self.name),
                "a file that exists, or declared columns",
            )
            .with("missing", &self.file)),
            stat => Ok(stat),
        }
    }

    /// A range of the file.
    ///
    /// # Errors
    /// Those of the host; `conflict` when the file is no longer the one that
    /// `stat` speaks of: ranges of two versions do not belong together.
    pub fn range(&self, stat: &Stat, offset: u64, bytes_max: u32) -> Result<Vec<u8>, Fault> {
        let part = files::read(&self.folder, &self.file, offset, bytes_max)?;
        if part.version == stat.version && !part.data.is_empty() {
            Ok(part.data)
        } else {
            Err(self.fault(FaultCode::Conflict))
        }
    }

    /// The file's whole content.
    ///
    /// # Errors
    /// As [`Self::range`].
    pub fn content(&self, stat: &Stat) -> Result<Vec<u8>, Fault> {
        let mut content = Vec::new();
        while (content.len() as u64) < stat.size {
            content.extend(self.range(stat, content.len() as u64, RANGE_BYTES)?);
        }
        Ok(content)
    }

    /// A fault about this file.
    pub fn fault(&self, code: FaultCode) -> Fault {
        Fault::new(code).at(&self.file)
    }

    /// A fault of the file's content, with the line.
    pub fn content_fault(&self, fault: &FileFault) -> Fault {
        let place = format!("{} line {}", self.file, fault.line());
        let told = Fault::new(FaultCode::SchemaDrift).at(place).with("reason", fault.reason());
        fault.args().into_iter().fold(told, |told, (name, value)| told.with(name, value))
    }
}

impl From<SettingFault> for Fault {
    fn from(fault: SettingFault) -> Self {
        Self::config(fault.place, fault.reason)
    }
}

/// Why rows stopped coming.
#[derive(Debug)]
pub enum ReadFault {
    /// The host's answer.
    Host(Fault),
    /// The content.
    Content(FileFault),
}

impl From<FileFault> for ReadFault {
    fn from(fault: FileFault) -> Self {
        Self::Content(fault)
    }
}

/// One record: its line, and the row or what is wrong with it.
pub type NumberedRow = (u64, Result<(String, Row), Broken>);

type Range<'a> = Box<dyn FnMut(u64, u32) -> Result<Vec<u8>, ReadFault> + 'a>;

/// The rows of a file, from a position on.
pub struct Rows<'a> {
    stream: &'a Stream,
    header: Header,
    window: Window<Range<'a>>,
}

impl<'a> Rows<'a> {
    /// Opens the file. The header is read whatever the position.
    ///
    /// # Errors
    /// Those of the host, and faults of the header.
    pub fn open(stream: &'a Stream, stat: &'a Stat, from: Option<Position>) -> Result<Self, Fault> {
        let window = |at| {
            let range: Range<'a> = Box::new(move |offset, bytes| {
                stream.range(stat, offset, bytes).map_err(ReadFault::Host)
            });
            Window::new(range, stream.layout, stat.size, at)
        };
        let mut rows = Self {
            stream,
            header: Header { columns: Vec::new() },
            window: window(Position::START),
        };
        if matches!(stream.layout, Layout::Csv { .. }) {
            let first = rows.record()?.ok_or_else(|| stream.content_fault(&FileFault::NoHeader))?;
            rows.header = Header::parse(&first.cells, &stream.key)
                .map_err(|fault| stream.content_fault(&fault))?;
        }
        if let Some(at) = from {
            rows.window = window(at);
        }
        Ok(rows)
    }

    /// The columns, for CSV.
    pub fn columns(&self) -> &[String] {
        &self.header.columns
    }

    /// Where the next row begins.
    pub fn position(&self) -> Position {
        self.window.position()
    }

    /// The next row.
    ///
    /// # Errors
    /// Those of the host, and faults that concern the whole file.
    pub fn next_row(&mut self) -> Result<Option<NumberedRow>, Fault> {
        let Some(Record { raw, cells, line }) = self.record()? else { return Ok(None) };
        let row = match self.stream.layout {
            Layout::Csv { .. } => row::from_cells(&cells, &self.header, self.stream, &raw),
            Layout::Ndjson => row::from_json(&raw, &self.stream.key),
        };
        Ok(Some((line, row)))
    }

    fn record(&mut self) -> Result<Option<Record>, Fault> {
        self.window.next_record().map_err(|fault| match fault {
            ReadFault::Host(fault) => fault,
            ReadFault::Content(fault) => self.stream.content_fault(&fault),
        })
    }
}
