//! The misbehaving guests of the specification, twenty of them. Each row of the
//! table below is a test: its name says what the guest does, and the rest which
//! guest it is, what is asked of it, within which limits, and how it ends. Every
//! one is stopped or cut in time, while another guest of the same host keeps its
//! answers, and the memory is given back.

use std::time::Duration;

use hub_model::FaultCode::{ConnectorBug, CursorStuck, LimitExceeded};
use plugin_host::Limits;

use crate::arena::Ask::{Discover, PollJob, Read, Write};
use crate::arena::Ends::{Cut, Stopped};
use crate::arena::attack;
use crate::logs;
use crate::support::limits;

/// More memory than by default, for guests that hand over more than that.
fn roomy() -> Limits {
    Limits { memory_bytes_max: 512 << 20, cpu: Duration::from_secs(5), ..limits() }
}

/// Less time for a run than its calls would take together.
fn short_run() -> Limits {
    Limits { cpu_of_run: Duration::from_millis(600), ..limits() }
}

macro_rules! twenty {
    ($($name:ident: $guest:literal, $ask:ident, $limits:ident => $ends:expr;)*) => {
        const _: [&str; 20] = [$(stringify!($name)),*];
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                attack($guest, $ask, $limits(), $ends).happens().await;
            }
        )*
    };
}

twenty! {
    endless_loop: "loop", Read, limits => Stopped(LimitExceeded, "cpu_ms_max=300");
    loop_inside_many_short_calls: "short-loops", Read, short_run => Stopped(LimitExceeded, "cpu_of_run_ms_max=600");
    endless_recursion: "deep-calls", Read, limits => Stopped(LimitExceeded, "stack_bytes_max");
    memory_growth: "memory", Read, limits => Stopped(LimitExceeded, "memory_bytes_max");
    table_growth: "table", Read, limits => Stopped(LimitExceeded, "table_elements_max=10000");
    result_of_200_megabytes: "huge-result", Discover, roomy => Stopped(LimitExceeded, "copied_bytes_max");
    page_of_100_megabytes: "huger-page", Read, roomy => Stopped(LimitExceeded, "copied_bytes_max");
    page_of_ten_million_tiny_records: "tiny-rows", Read, roomy => Stopped(LimitExceeded, "bytes_max");
    a_million_log_lines: "log-flood", Read, roomy => Cut(lines_are_counted);
    a_log_line_of_100_megabytes: "longer-log-line", Read, roomy => Stopped(LimitExceeded, "copied_bytes_max");
    control_characters_in_logs: "log-forgery", Read, limits => Cut(lines_are_escaped);
    host_call_storm: "host-calls", Read, limits => Stopped(LimitExceeded, "cpu_ms_max=300");
    http_storm: "http-flood", Read, limits => Stopped(LimitExceeded, "http_calls_max=20");
    cursor_that_never_advances: "stuck-cursor", Read, limits => Stopped(CursorStuck, "");
    cursor_of_one_megabyte: "huger-cursor", Read, limits => Stopped(LimitExceeded, "bytes_max=65536");
    outcomes_of_the_wrong_count: "outcome-count", Write, limits => Stopped(ConnectorBug, "outcomes than items");
    outcomes_for_items_never_sent: "never-sent", PollJob, limits => Stopped(ConnectorBug, "never sent");
    panic_inside_a_host_call: "host-panic", Read, limits => Stopped(ConnectorBug, "panic in the host");
    re_entrant_call: "re-entrant", Read, limits => Stopped(ConnectorBug, "cannot leave component");
    another_description_each_time: "moody", Discover, limits => Stopped(LimitExceeded, "streams_max=1000");
}

/// A table that is too large already when the guest starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_begins_too_large() {
    let ends = Stopped(LimitExceeded, "table_elements_max");
    attack("huge-table", Read, limits(), ends).happens().await;
}

fn lines_are_counted(guest: &str) {
    let lines = logs::about(guest);
    let spam = lines.iter().filter(|line| line.contains(": spam ")).count();
    assert_eq!(spam, 1_000);
    let dropped = "dropped=999000";
    assert!(lines.iter().any(|line| line.contains(dropped)), "{:?}", lines.last());
}

fn lines_are_escaped(guest: &str) {
    let lines = logs::about(guest);
    let forged: Vec<_> = lines.iter().filter(|line| line.contains("forged")).collect();
    assert_eq!(forged.len(), 1, "{lines:?}");
    assert!(forged[0].contains("fine\\n2026-01-01 ERROR forged"), "{forged:?}");
    assert!(!forged[0].contains('\u{1b}'), "{forged:?}");
}
