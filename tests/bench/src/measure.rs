//! Running a program and counting what it uses, its children included.
//!
//! A program is waited for without being reaped: its entry under `/proc` then
//! still holds the final count of processor time, to which the system has added
//! that of every child it waited for. Memory is sampled while it runs.

use std::fs;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use serde::Serialize;

use crate::clock::{self, Memory};

/// Between two looks at a program that runs.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Between two samples that are told to whoever watches.
const SAMPLE_EVERY: Duration = Duration::from_millis(200);
/// Ticks of `/proc/<pid>/stat` in a second: fixed on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a program used.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Used {
    /// User and system, of the process and all of its children.
    pub cpu_seconds: f64,
    /// On the wall clock.
    pub wall_seconds: f64,
    /// Resident memory at most.
    pub peak_bytes: u64,
}

/// A moment of a program that runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Since its start.
    pub wall_seconds: f64,
    /// Used so far.
    pub cpu_seconds: f64,
    /// Resident now.
    pub resident_bytes: u64,
}

/// Runs a program to its end; returns what it wrote to standard output and
/// what it used.
///
/// # Errors
/// It cannot be started or does not end with 0.
pub fn run(mut command: Command, mut watch: impl FnMut(&Sample)) -> Result<(Vec<u8>, Used)> {
    let begun = Instant::now();
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("start {command:?}"))?;
    let mut stdout = child.stdout.take().context("no standard output")?;
    let reader = thread::spawn(move || {
        let mut output = Vec::new();
        stdout.read_to_end(&mut output).map(|_| output)
    });
    let mut peak_bytes = 0;
    let mut told = begun;
    while !has_ended(&child)? {
        if let Some(memory) = clock::memory(child.id()) {
            peak_bytes = peak_bytes.max(memory.peak_bytes);
            if told.elapsed() >= SAMPLE_EVERY {
                told = Instant::now();
                watch(&sample(child.id(), begun, memory)?);
            }
        }
        thread::sleep(LOOK_EVERY);
    }
    let wall_seconds = begun.elapsed().as_secs_f64();
    let cpu_seconds = cpu_seconds(child.id())?;
    let status = child.wait()?;
    let Ok(output) = reader.join() else { bail!("the reader of {command:?} panicked") };
    let output = output?;
    if !status.success() {
        bail!("{command:?} ended with {status}: {}", String::from_utf8_lossy(&output));
    }
    Ok((output, Used { cpu_seconds, wall_seconds, peak_bytes }))
}

fn sample(process: u32, begun: Instant, memory: Memory) -> Result<Sample> {
    Ok(Sample {
        wall_seconds: begun.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds(process)?,
        resident_bytes: memory.resident_bytes,
    })
}

/// Whether it has ended; it stays there to be looked at.
fn has_ended(child: &Child) -> Result<bool> {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process id")?;
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(id), look)?.is_some())
}

/// User and system time of a process and of the children it has waited for, to
/// a hundredth of a second.
///
/// # Errors
/// There is no such process.
pub fn cpu_seconds(process: u32) -> Result<f64> {
    let path = format!("/proc/{process}/stat");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    let ticks = ticks(&text).with_context(|| format!("{path} has another form"))?;
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// Fields 14 to 17: utime, stime, cutime, cstime. The second field is a name
/// in parentheses that may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{run, ticks};

    #[test]
    fn a_program_and_its_children_are_counted() {
        let mut command = Command::new("sh");
        let busy = "n=0; while [ $n -lt 150000 ]; do n=$((n+1)); done";
        command.args(["-c", &format!("sh -c '{busy}'; echo done")]);
        let (output, used) = run(command, |_| {}).unwrap();
        assert_eq!(output, b"done\n");
        assert!(used.cpu_seconds > 0.0, "{used:?}");
        assert!(used.wall_seconds > 0.0 && used.peak_bytes > 0, "{used:?}");
    }

    #[test]
    fn a_failing_program_is_named() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo why; exit 3"]);
        let error = format!("{:#}", run(command, |_| {}).unwrap_err());
        assert!(error.contains("exit status: 3: why"), "{error}");
    }

    #[test]
    fn a_name_in_parentheses_confuses_nobody() {
        let stat = "7 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 100 20 3 4 20 0 9";
        assert_eq!(ticks(stat), Some(127));
        assert_eq!(ticks("7 (a) S 1 2"), None);
    }
}
