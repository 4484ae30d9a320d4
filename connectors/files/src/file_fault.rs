//! What can be wrong with a file as a whole. Such a fault ends the read: no
//! row after it may be taken for deleted.

use std::fmt;

/// Longest row in bytes. Longer ones are nearly always a quote that is never
/// closed, and the hub takes no record of that size anyway.
pub const ROW_BYTES_MAX: usize = 1024 * 1024;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFault {
    /// UTF-16, by its byte order mark.
    Utf16,
    /// The header is not UTF-8.
    HeaderEncoding,
    /// No header: the file is empty.
    NoHeader,
    /// A column of the header has no name, or one that cannot be a field's.
    ColumnName {
        /// Counted from 1.
        column: usize,
    },
    /// Two columns of the header have the same name.
    DuplicateColumn {
        /// Counted from 1.
        column: usize,
    },
    /// The header lacks the key column.
    NoKeyColumn {
        /// Its name by the settings.
        key: String,
    },
    /// The quote that is opened in the row beginning at this line is never closed.
    OpenQuote {
        /// Counted from 1.
        line: u64,
    },
    /// A row is longer than [`ROW_BYTES_MAX`].
    RowTooLong {
        /// Counted from 1.
        line: u64,
    },
}

impl FileFault {
    /// A stable word.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Utf16 => "utf-16",
            Self::HeaderEncoding => "not-utf-8",
            Self::NoHeader => "no-header",
            Self::ColumnName { .. } => "column-name",
            Self::DuplicateColumn { .. } => "duplicate-column",
            Self::NoKeyColumn { .. } => "no-key-column",
            Self::OpenQuote { .. } => "open-quote",
            Self::RowTooLong { .. } => "row-too-long",
        }
    }

    /// The line it is about.
    pub const fn line(&self) -> u64 {
        match self {
            Self::OpenQuote { line } | Self::RowTooLong { line } => *line,
            _ => 1,
        }
    }

    /// Named arguments. A column is told by its number: in a file without a
    /// header its name would be a customer's value.
    pub fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::ColumnName { column } | Self::DuplicateColumn { column } => {
                vec![("column", column.to_string())]
            }
            Self::NoKeyColumn { key } => vec![("expected", key.clone())],
            Self::RowTooLong { .. } => vec![("bytes-max", ROW_BYTES_MAX.to_string())],
            Self::Utf16 | Self::HeaderEncoding => vec![("expected", "utf-8".to_owned())],
            Self::NoHeader | Self::OpenQuote { .. } => Vec::new(),
        }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in line {}", self.reason(), self.line())
    }
}

impl std::error::Error for FileFault {}
