//! Spreadsheet formulas in CSV cells.
//!
//! A cell that begins with `=`, `+`, `-`, `@`, tab or carriage return is run as
//! a formula by the usual spreadsheets, and a customer may have typed it into
//! a web form. The usual defence is an apostrophe in front; done blindly it
//! breaks every phone number (`+33 1 23 45`) and every negative amount. So a
//! cell is left alone when all that follows its sign is digits, spaces and
//! `().,/-`: without a letter there is neither a function nor a reference.
//!
//! [`unguard`] undoes [`guard`] exactly: a value that itself begins with
//! apostrophes before such a character gets one more.

const APOSTROPHE: char = '\'';

/// The cell's text for a value.
pub fn guard(value: &str) -> String {
    let bare = value.trim_start_matches(APOSTROPHE);
    let quoted_already = bare.len() < value.len();
    if starts_formula(bare) && (quoted_already || !is_number_like(bare)) {
        format!("{APOSTROPHE}{value}")
    } else {
        value.to_owned()
    }
}

/// The value of a cell's text.
pub fn unguard(cell: &str) -> &str {
    match cell.strip_prefix(APOSTROPHE) {
        Some(rest) if starts_formula(rest.trim_start_matches(APOSTROPHE)) => rest,
        _ => cell,
    }
}

fn starts_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn is_number_like(text: &str) -> bool {
    let signless = text.strip_prefix(['+', '-']);
    signless.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || " ().,/-".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::{guard, unguard};

    #[test]
    fn formulas_are_defused_and_numbers_stay_readable() {
        for (value, cell) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+SUM(1)", "'+SUM(1)"),
            ("-A1", "'-A1"),
            ("\tx", "'\tx"),
            ("+33 (0)1 23 45", "+33 (0)1 23 45"),
            ("-12.50", "-12.50"),
            ("+", "+"),
            ("o'neil", "o'neil"),
            ("'quoted'", "'quoted'"),
            ("'=1", "''=1"),
            ("'+33", "''+33"),
            ("", ""),
        ] {
            assert_eq!(guard(value), cell, "{value}");
            assert_eq!(unguard(cell), value, "{cell}");
        }
    }

    #[test]
    fn a_phone_that_another_tool_has_quoted_is_unquoted() {
        assert_eq!(unguard("'+33 1 23 45"), "+33 1 23 45");
    }
}
