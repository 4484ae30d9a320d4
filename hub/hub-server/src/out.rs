//! Output: data on stdout, talk on stderr.
//!
//! A closed stdout (`| head`) is an ordinary end, not an error.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use crate::exit::Exit;
use crate::trouble::Trouble;

/// How a command talks.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    /// Data as JSON.
    pub json: bool,
}

impl Out {
    /// Data: as JSON, or as the table.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn data(self, json: &Value, table: impl FnOnce() -> String) -> Result<(), Trouble> {
        let text = if self.json { format!("{json:#}\n") } else { table() };
        print(&text)
    }
}

/// Text on stdout.
///
/// # Errors
/// When stdout cannot be written; a reader that went away ends the process.
pub fn print(text: &str) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Trouble::new(
            Exit::Finding,
            "cli/output",
            "stdout",
            format!("the output could not be written: {error}"),
            "check the disk or the program that reads it",
        )),
    }
}

/// A line of talk on stderr. Nobody listening is fine.
pub fn talk(text: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A line that replaces itself while work goes on; nothing when stderr is not
/// a terminal.
#[derive(Debug)]
pub struct Progress {
    live: bool,
    width: usize,
}

impl Progress {
    /// On stderr, if it is a terminal.
    pub fn new() -> Self {
        Self { live: io::stderr().is_terminal(), width: 0 }
    }

    /// Shows how far the work is.
    pub fn show(&mut self, text: &str) {
        if self.live {
            let width = text.chars().count();
            let pad = " ".repeat(self.width.saturating_sub(width));
            let mut err = io::stderr().lock();
            let _ = write!(err, "\r{text}{pad}").and_then(|()| err.flush());
            self.width = width;
        }
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if self.live && self.width > 0 {
            let mut err = io::stderr().lock();
            let _ = write!(err, "\r{}\r", " ".repeat(self.width)).and_then(|()| err.flush());
            self.width = 0;
        }
    }
}

/// Rows under a head, in columns as wide as their widest cell.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|h| h.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> =
            cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(&mut head.iter().copied());
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// A text of a view, or a dash.
pub fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_cleanly() {
        let rows = vec![vec!["a".to_owned(), "ée".to_owned()], vec!["long".into(), "-".into()]];
        assert_eq!(table(&["ID", "X"], &rows), "ID    X\na     ée\nlong  -\n");
    }
}
