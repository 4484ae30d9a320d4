//! Kills a writer at random moments, its opening included, and checks.

#![allow(clippy::unwrap_used, reason = "a test that cannot run its writer has failed")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use hub_store::conformance::Random;

const KILLS: u64 = 12;
/// The writer lives at most so long; loaded machines need longer to start.
const LIFE_MS_MAX: u64 = 2_500;
/// Decides the commits and the moments of the kills.
const SEED: u64 = 20_261_122;

fn soak(command: &str, dir: &Path) -> Command {
    let mut soak = Command::new(env!("CARGO_BIN_EXE_store-soak"));
    soak.arg(command).arg("--dir").arg(dir).arg("--seed").arg(SEED.to_string());
    soak
}

/// Writes for a while, is killed; the last commit that was acknowledged.
fn written_until_killed(dir: &Path, life: Duration) -> u64 {
    let mut writer = soak("write", dir).stdout(Stdio::piped()).spawn().unwrap();
    let out = BufReader::new(writer.stdout.take().unwrap());
    let reader = thread::spawn(move || {
        let acks = out.lines().map_while(Result::ok);
        acks.filter_map(|line| line.strip_prefix("ack ")?.parse().ok()).last().unwrap_or(0)
    });
    thread::sleep(life);
    assert!(writer.try_wait().unwrap().is_none(), "the writer ended by itself");
    writer.kill().unwrap();
    writer.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn what_was_acknowledged_survives_kills() {
    println!("seed {SEED}");
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random::new(SEED);
    let mut acked = 0;
    for kill in 1..=KILLS {
        // A fifth of the kills hit the opening.
        let limit = if random.percent(20) { 60 } else { LIFE_MS_MAX };
        let life = Duration::from_millis(random.below(limit));
        // A kill before the first acknowledgement leaves the earlier one.
        acked = written_until_killed(dir.path(), life).max(acked);
        let acked_text = acked.to_string();
        let check = soak("check", dir.path()).args(["--acked", &acked_text]).output().unwrap();
        let said = String::from_utf8_lossy(&check.stderr);
        assert!(check.status.success(), "kill {kill} after {life:?}, acked {acked}: {said}");
        let said = String::from_utf8_lossy(&check.stdout);
        println!("kill {kill} after {life:?}, acked {acked}: {}", said.trim());
        // The commit under way may have been written; it counts from now on.
        acked = said.split([' ', ',']).nth(1).and_then(|seq| seq.parse().ok()).unwrap_or(acked);
    }
    assert!(acked > 0, "no commit was ever acknowledged: the writer lives too short");
}

#[test]
fn the_checker_notices_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    assert!(soak("write", dir.path()).args(["--until", "5"]).output().unwrap().status.success());
    let check = |seed: &str, acked: &str| {
        let mut check = Command::new(env!("CARGO_BIN_EXE_store-soak"));
        check.args(["check", "--seed", seed, "--acked", acked, "--dir"]).arg(dir.path());
        check.output().unwrap().status.success()
    };
    let seed = SEED.to_string();
    assert!(check(&seed, "5"));
    assert!(check(&seed, "4"));
    assert!(!check(&seed, "6"), "a lost commit");
    assert!(!check(&seed, "3"), "a commit that nobody made");
    assert!(!check("1", "5"), "other contents");
}

/// The file system refuses to let `db` grow, as a full disk would.
#[test]
fn after_an_error_of_the_disk_nothing_is_acknowledged() {
    // In blocks of 512 bytes: more than the reserve, soon reached by `db`.
    const LIMITED: &str = "trap '' XFSZ; ulimit -f 40960; exec \"$0\" \"$@\"";
    let dir = tempfile::tempdir().unwrap();
    let mut limited = Command::new("sh");
    limited.arg("-c").arg(LIMITED).arg(env!("CARGO_BIN_EXE_store-soak"));
    limited.args(["write", "--until", "5000", "--seed", &SEED.to_string(), "--dir"]);
    let writer = limited.arg(dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&writer.stderr);
    assert_eq!(writer.status.code(), Some(1), "{said}");
    assert!(said.contains("File too large"), "{said}");
    let acks = String::from_utf8_lossy(&writer.stdout);
    let acked =
        acks.lines().filter_map(|line| line.strip_prefix("ack ")).next_back().unwrap_or("0");
    let check = soak("check", dir.path()).args(["--acked", acked]).output().unwrap();
    let said = String::from_utf8_lossy(&check.stderr);
    assert!(check.status.success(), "acked {acked}: {said}");
    println!("{}", String::from_utf8_lossy(&check.stdout).trim());
}
