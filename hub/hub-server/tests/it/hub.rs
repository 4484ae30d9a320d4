//! A running `liaison serve`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::place::Place;

/// How long a hub may take to start on a busy machine.
const START_SECONDS_MAX: u64 = 120;

/// A running hub; killed when dropped.
pub struct Hub {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Hub {
    /// Starts it and waits until it serves.
    pub fn start(place: &Place) -> Self {
        Self::start_with(place, &[])
    }

    /// The same, with variables of its environment.
    pub fn start_with(place: &Place, variables: &[(&str, &str)]) -> Self {
        let mut command = place.command(&["serve"]);
        command.envs(variables.iter().copied());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut hub = Self { child, lines, seen: Vec::new() };
        hub.wait_for(" serves http://");
        hub
    }

    /// Waits for a line of its talk and returns it.
    pub fn wait_for(&mut self, part: &str) -> String {
        if let Some(line) = self.seen.iter().find(|line| line.contains(part)) {
            return line.clone();
        }
        loop {
            match self.lines.recv_timeout(Duration::from_secs(START_SECONDS_MAX)) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(part) {
                        return line;
                    }
                }
                Err(error) => panic!("no `{part}` ({error}) in {:#?}", self.seen),
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop and waits; returns its exit code and all its talk.
    pub fn stop(mut self) -> (i32, Vec<String>) {
        let kill = std::process::Command::new("kill").arg(self.pid().to_string()).status();
        assert!(kill.unwrap().success());
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        self.seen.extend(self.lines.iter());
        (code, std::mem::take(&mut self.seen))
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
