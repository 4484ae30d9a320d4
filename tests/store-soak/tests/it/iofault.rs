//! Disks that fail.

use std::process::Command;

use store_soak::iofault::{KINDS, Options, run};
use store_soak::{Plan, write};

use crate::{SEED, program, recorder};

/// Calls of each kind that fail, of a new store and of an old one.
const CALLS: u64 = 4;

#[test]
fn a_failing_call_stops_the_writer_with_one_line_and_loses_nothing() {
    let options = Options { calls: Some(CALLS), seed: SEED };
    let report = run(&recorder(), options, |_| {}).unwrap();
    println!("{report}seed {SEED}");
    assert_eq!(report.failures(), Vec::<String>::new(), "seed {SEED}");
    assert!(report.runs >= KINDS.len() as u64 * CALLS);
    assert!(report.stopped > 0 && report.opened_full > 0, "{report}");
}

/// The system itself refuses to let `db` grow, without the recorder.
#[test]
fn after_an_error_of_the_disk_nothing_is_acknowledged() {
    // In blocks of 512 bytes: more than the reserve, soon reached by `db`.
    const LIMITED: &str = "trap '' XFSZ; ulimit -f 40960; exec \"$0\" \"$@\"";
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("store");
    let plan = Plan::pages(SEED);
    let mut limited = Command::new("sh");
    limited.arg("-c").arg(LIMITED).arg(&program().binary);
    limited.args(["write", "--until", "5000", "--dir"]).arg(&dir).args(plan.arguments());
    let writer = limited.output().unwrap();
    let said = String::from_utf8_lossy(&writer.stderr);
    assert_eq!(writer.status.code(), Some(1), "{said}");
    assert!(said.contains("File too large"), "{said}");
    let acked = write::last_acked(&String::from_utf8_lossy(&writer.stdout)).unwrap();
    let verdict = program().check(&dir, &plan, acked).unwrap();
    assert!(verdict.is_sound(), "acked {acked}: {verdict}");
}
