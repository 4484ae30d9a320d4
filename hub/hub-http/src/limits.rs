//! Limits of the HTTP face. Each name carries its unit.

/// Largest body of a request in JSON: every one of them is a few words.
pub const JSON_BYTES_MAX: usize = 64 * 1024;
/// Largest body that the inbox takes; larger ones will be uploads of their own.
pub const INBOX_BYTES_MAX: usize = 1024 * 1024;
/// Largest head of a request (line and headers).
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most headers in one request.
pub const HEADERS_MAX: usize = 64;
/// A head that has not arrived by then is given up (slow senders).
pub const HEAD_SECONDS_MAX: u64 = 10;
/// A body that has not arrived by then is given up.
pub const BODY_SECONDS_MAX: u64 = 30;
/// Most connections at once; further ones wait to be accepted.
pub const CONNECTIONS_MAX: usize = 256;
/// Most watchers of events at once.
pub const WATCHERS_MAX: usize = 32;
/// A watcher hears something at least so often, so that proxies and browsers
/// do not take silence for death.
pub const KEEP_ALIVE_SECONDS: u64 = 15;
/// How long open answers may take once the hub stops.
pub const DRAIN_SECONDS_MAX: u64 = 5;
/// Most rows in one answer.
pub const ROWS_MAX: usize = 500;
/// Rows in one answer when nothing is asked.
pub const ROWS_DEFAULT: usize = 50;
/// Most sessions at once; the one idle longest makes room.
pub const SESSIONS_MAX: usize = 64;
/// A session ends after so long without a request.
pub const SESSION_IDLE_SECONDS: i64 = 30 * 60;
/// A session ends after so long in any case.
pub const SESSION_SECONDS_MAX: i64 = 12 * 60 * 60;
/// A one-time link works for so long.
pub const LINK_SECONDS_MAX: i64 = 12 * 60 * 60;
/// Most one-time links that wait to be used; the oldest makes room.
pub const LINKS_MAX: usize = 16;
/// Failed logins in a window before further ones are refused unseen.
pub const LOGIN_FAILURES_MAX: u32 = 20;
/// The window of [`LOGIN_FAILURES_MAX`].
pub const LOGIN_WINDOW_SECONDS: i64 = 15 * 60;
