//! Where processor time goes: a program under `perf`, its dearest functions.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::measure;

/// Samples per second of processor time.
const SAMPLES_PER_SECOND: u32 = 997;
/// Functions shown.
pub const FUNCTIONS: usize = 30;

/// Runs a program under `perf`; returns what its functions cost, dearest first,
/// each with its share in per cent. `file` holds the samples afterwards.
///
/// # Errors
/// There is no `perf`, or the program fails under it.
pub fn functions(program: &Command, file: &Path) -> Result<Vec<String>> {
    let mut record = Command::new("perf");
    // The software clock: virtual machines often have no counters.
    record.args(["record", "--quiet", "--event", "cpu-clock"]);
    record.args(["--freq", &SAMPLES_PER_SECOND.to_string(), "--output"]).arg(file).arg("--");
    record.arg(program.get_program()).args(program.get_args());
    measure::run(record, |_| {}).context("`perf record`; is perf installed?")?;
    let mut report = Command::new("perf");
    report
        .args(["report", "--stdio", "--no-children", "--no-inline", "--sort", "symbol", "--input"])
        .arg(file);
    let (text, _) = measure::run(report, |_| {}).context("`perf report`")?;
    let functions = shares(&String::from_utf8_lossy(&text));
    if functions.is_empty() {
        bail!("perf took no samples of {}", program.get_program().display());
    }
    Ok(functions)
}

/// The lines of a report that hold a share and a symbol.
fn shares(report: &str) -> Vec<String> {
    let share = |line: &&str| {
        let first = line.split_whitespace().next().unwrap_or_default();
        first.strip_suffix('%').is_some_and(|number| number.parse::<f64>().is_ok())
    };
    report.lines().map(str::trim).filter(share).map(str::to_owned).take(FUNCTIONS).collect()
}

#[cfg(test)]
mod tests {
    use super::shares;

    #[test]
    fn only_lines_with_a_share_are_functions() {
        let report =
            "# Overhead  Symbol\n\n    12.50%  [.] sled::apply\n  x 3%\n  1.00%  [k] read\n";
        assert_eq!(shares(report), ["12.50%  [.] sled::apply", "1.00%  [k] read"]);
    }
}
