//! A call whose answer was lost comes again, and nothing is sent twice by it.

use liaison_sdk::{FaultCode, MemberOutcome};

use super::*;

fn names() -> Vec<String> {
    shown("out").into_iter().map(|(name, _)| name).collect()
}

#[test]
fn the_same_call_leaves_the_same_files() {
    for (settings, segment) in [(adobe(), "12345"), (liveramp(), "REGULARS")] {
        let settings = with(settings, |s| s["gzip"] = json!(true));
        let ((), script) = script().run_then(|| {
            assert_eq!(
                write(&settings, segment, vec![joins("ana@x.example")]),
                [MemberOutcome::Done]
            );
        });
        // Later, as after a crash.
        script.now(now() + time::from_seconds(60)).run(|| {
            let before = shown("out");
            assert_eq!(
                write(&settings, segment, vec![joins("ana@x.example")]),
                [MemberOutcome::Done]
            );
            assert_eq!(shown("out"), before);
        });
    }
}

/// Whoever joins, leaves and joins again has joined: only the newest file can be the
/// one that is asked for again.
#[test]
fn what_was_said_before_something_else_is_said_again() {
    script().run(|| {
        for member in [joins("ana@x.example"), leaves("ana@x.example"), joins("ana@x.example")] {
            write(&adobe(), "12345", vec![member]);
        }
        let words: Vec<bool> =
            shown("out").iter().map(|(_, text)| text.contains("d_sid")).collect();
        assert_eq!(words, [true, false, true]);
    });
}

/// Two calls of one second have names in their order, whatever the clock does.
#[test]
fn names_grow() {
    let ((), script) = script().run_then(|| {
        write(&adobe(), "12345", vec![joins("ana@x.example")]);
        write(&adobe(), "678", vec![joins("ana@x.example")]);
    });
    script.now(now() - time::from_seconds(3_600)).run(|| {
        write(&adobe(), "678", vec![leaves("ana@x.example")]);
        let named = |second: i64| format!("ftp_dpm_21_{second}.sync");
        assert_eq!(names(), [named(SECOND), named(SECOND + 1), named(SECOND + 2)]);
    });
}

/// The first of three files was written before the hub died.
#[test]
fn a_beginning_is_completed() {
    let settings = with(adobe(), |s| s["split_bytes"] = json!(10_000));
    let people = || (0..300).map(|number| joins(&format!("p{number}@x.example"))).collect();
    let (first, _) = script().run_then(|| {
        write(&settings, "12345", people());
        shown("out")
    });
    let (name, content) = first[0].clone();
    let later = now() + time::from_seconds(60);
    script().file("out", &name, content).now(later).run(|| {
        assert_eq!(write(&settings, "12345", people()), vec![MemberOutcome::Done; 300]);
        assert_eq!(shown("out"), first);
    });
    // What begins otherwise is another call.
    script().file("out", &name, "x").now(later).run(|| {
        write(&settings, "12345", people());
        assert_eq!(names().len(), 4);
    });
}

#[test]
fn files_of_others_are_left_alone() {
    let others = ["ftp_dpm_2_1796076999.sync", "ftp_dpm_21_1796076999.txt", "ftp_dpm_21_x.sync"];
    let mut script = script();
    for name in others {
        script = script.file("out", name, "theirs");
    }
    script.run(|| {
        write(&adobe(), "12345", vec![joins("ana@x.example")]);
        let files = shown("out");
        assert_eq!(files.len(), 4);
        assert_eq!(files.iter().filter(|(_, text)| text == "theirs").count(), 3);
        assert!(names().contains(&format!("ftp_dpm_21_{SECOND}.sync")));
    });
}

#[test]
fn nothing_is_named_by_a_clock_that_is_not_set() {
    for now in [0, i64::MAX, i64::MIN] {
        script().now(now).run(|| {
            let fault = ask(&adobe(), "678", vec![joins("ana@x.example")], None).unwrap_err();
            assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Transient, "clock"));
            assert!(shown("out").is_empty());
        });
    }
}
