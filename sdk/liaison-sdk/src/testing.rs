//! A host that follows a script: connectors are tested natively, without a
//! WebAssembly target and without a network.
//!
//! A [`Script`] holds the requests that are expected, in order, with their
//! responses, and files in memory. A request that differs panics and names the
//! difference; so does a script that was not used up. (Panicking is right here:
//! this module exists in tests only.) Where a test double of the vendor exists,
//! [`Script::vendor`] lets it answer whatever no exchange expects.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

mod deliveries;
mod exchange;
pub(crate) mod host;
mod mailbox;
mod vendor;

pub use deliveries::parse;
pub use exchange::Exchange;
pub use vendor::Sent;

use crate::http::Response;
use crate::mail::{Delivery, Message, Server, Trouble};
use mailbox::Mailbox;
use vendor::Vendor;

/// A file in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MemoryFile {
    data: Vec<u8>,
    version: u64,
}

/// What a connector meets during a test.
#[derive(Debug, Clone, Default)]
pub struct Script {
    exchanges: VecDeque<Exchange>,
    vendor: Option<Vendor>,
    mailbox: Option<Mailbox>,
    folders: BTreeMap<String, BTreeMap<String, MemoryFile>>,
    log: Vec<String>,
    now: i64,
    random: u64,
    writes: u64,
}

thread_local! {
    static CURRENT: RefCell<Option<Script>> = const { RefCell::new(None) };
}

impl Script {
    /// A host that expects no request and has no folders.
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects one more request.
    #[must_use]
    pub fn exchange(mut self, exchange: Exchange) -> Self {
        self.exchanges.push_back(exchange);
        self
    }

    /// Requests that no exchange expects are answered by this.
    #[must_use]
    pub fn vendor(mut self, answer: impl FnMut(Sent) -> Response + 'static) -> Self {
        self.vendor = Some(Vendor::new(answer));
        self
    }

    /// With a server for mail, which answers to each message with a word about
    /// every recipient; a message without recipients is a check.
    #[must_use]
    pub fn mail(
        mut self,
        answer: impl FnMut(&Server, &Message) -> Result<Vec<Delivery>, Trouble> + 'static,
    ) -> Self {
        self.mailbox = Some(Mailbox::new(answer));
        self
    }

    /// With a granted folder.
    #[must_use]
    pub fn folder(mut self, alias: impl Into<String>) -> Self {
        self.folders.entry(alias.into()).or_default();
        self
    }

    /// With a file in a granted folder.
    #[must_use]
    pub fn file(mut self, alias: &str, name: &str, data: impl Into<Vec<u8>>) -> Self {
        self.writes += 1;
        let file = MemoryFile { data: data.into(), version: self.writes };
        self.folders.entry(alias.to_owned()).or_default().insert(name.to_owned(), file);
        self
    }

    /// With the host's time: microseconds since 1970.
    #[must_use]
    pub fn now(mut self, micros: i64) -> Self {
        self.now = micros;
        self
    }

    /// Runs a piece of the connector under this script.
    ///
    /// # Panics
    /// When a request differs from the one expected, or when expected requests
    /// were not made.
    pub fn run<R>(self, test: impl FnOnce() -> R) -> R {
        self.run_then(test).0
    }

    /// Like [`Self::run`], and gives the script back: its files as the
    /// connector left them, and its log.
    ///
    /// # Panics
    /// As [`Self::run`].
    pub fn run_then<R>(self, test: impl FnOnce() -> R) -> (R, Self) {
        /// Takes the script away also when the test panics.
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                CURRENT.with_borrow_mut(Option::take);
            }
        }

        let before = CURRENT.replace(Some(self));
        assert!(before.is_none(), "a script runs inside another script");
        let leave = Leave;
        let result = test();
        let script = CURRENT.take().unwrap_or_default();
        drop(leave);
        let missing: Vec<_> = script.exchanges.iter().map(Exchange::title).collect();
        assert!(missing.is_empty(), "requests that were expected and not made: {missing:#?}");
        (result, script)
    }

    /// A file's content.
    pub fn content(&self, alias: &str, name: &str) -> Option<&[u8]> {
        Some(self.folders.get(alias)?.get(name)?.data.as_slice())
    }

    /// The lines that were logged: `warn: ...`.
    pub fn log(&self) -> &[String] {
        &self.log
    }
}

/// The script of this thread.
fn with_script<R>(use_it: impl FnOnce(&mut Script) -> R) -> R {
    CURRENT.with_borrow_mut(|current| match current {
        Some(script) => use_it(script),
        None => panic!("the host was called outside of Script::run"),
    })
}

#[cfg(test)]
mod tests {
    use super::{Exchange, Script};
    use crate::fault::FaultCode;
    use crate::http::Response;
    use crate::{clock, files, http, log, random};

    #[test]
    fn the_script_answers_in_order() {
        let script = Script::new()
            .exchange(Exchange::new("GET", "https://x.test/1").reply(200, "one"))
            .exchange(Exchange::new("GET", "https://x.test/2").fails_to_connect());
        let (first, second) = script
            .run(|| (http::get("https://x.test/1").send(), http::get("https://x.test/2").send()));
        assert_eq!(first.unwrap().text(), "one");
        assert_eq!(second.unwrap_err().code, FaultCode::Unreachable);
    }

    #[test]
    fn a_vendor_answers_what_no_exchange_expects() {
        let script = Script::new()
            .exchange(Exchange::new("GET", "https://x.test/1").reply(503, ""))
            .vendor(|sent| Response { status: 200, headers: Vec::new(), body: sent.body });
        let ask = || http::post("https://x.test/2").body("two").send().unwrap();
        let (first, second) = script.run(|| (http::get("https://x.test/1").send(), ask()));
        assert_eq!((first.unwrap().status, second.text()), (503, "two".to_owned()));
    }

    #[test]
    #[should_panic(expected = "https://x.test/other")]
    fn another_request_is_named() {
        let script = Script::new().exchange(Exchange::new("GET", "https://x.test/1"));
        let _ = script.run(|| http::get("https://x.test/other").send());
    }

    #[test]
    #[should_panic(expected = "not made")]
    fn a_script_must_be_used_up() {
        Script::new().exchange(Exchange::new("GET", "https://x.test/1")).run(|| ());
    }

    #[test]
    #[should_panic(expected = "/params/0")]
    fn a_different_json_body_is_named_by_its_place() {
        let expected = serde_json::json!({ "params": [1] });
        let script =
            Script::new().exchange(Exchange::new("POST", "https://x.test/").json(expected));
        let body = serde_json::json!({ "params": [2] });
        let _ = script.run(|| http::post("https://x.test/").json(&body).send());
    }

    #[test]
    fn files_are_replaced_under_their_version() {
        let script = Script::new().file("in", "a.csv", "abc").folder("out").now(7);
        let ((), script) = script.run_then(|| {
            let stat = files::stat("in", "a.csv").unwrap();
            assert_eq!(files::read("in", "a.csv", 1, 10).unwrap().data, b"bc");
            let old = Some(stat.version.as_str());
            files::write("in", "a.csv", b"new", old).unwrap();
            let again = files::write("in", "a.csv", b"newer", old).unwrap_err();
            assert_eq!(again.code, FaultCode::Conflict);
            files::write("out", "b.csv", b"", None).unwrap();
            assert_eq!(files::list("out").unwrap().len(), 1);
            let outside = files::write("out", "../b", b"", None).unwrap_err();
            assert_eq!(outside.code, FaultCode::HostDenied);
            assert_eq!(files::stat("other", "b").unwrap_err().code, FaultCode::HostDenied);
            assert_eq!(clock::now(), 7);
            assert_ne!(random::bytes(8), random::bytes(8));
            log::warn("odd");
        });
        assert_eq!(script.content("in", "a.csv"), Some(&b"new"[..]));
        assert_eq!(script.log(), ["warn: odd"]);
    }
}
