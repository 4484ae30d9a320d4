//! A connector that misbehaves in the way that `settings.kind` names, and
//! behaves when it names none. It speaks the contract without the comfort of the
//! SDK's types, because those would not let it lie.
#![allow(
    clippy::panic,
    clippy::infinite_loop,
    reason = "misbehaving is what this connector is for"
)]

mod attack;

use std::sync::atomic::{AtomicU32, Ordering};

use liaison_sdk::contract::{audience, destination, inbound, source, types};
use liaison_sdk::{Call, Connector, Fault, FaultCode, Field, Stream, http, log};
use serde::Deserialize;

struct Hostile;

#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    credential: String,
    #[serde(default)]
    body: String,
}

fn settings(call: types::Call) -> Result<Settings, Fault> {
    Call::from(call).settings()
}

impl Connector for Hostile {
    fn discover(call: &Call) -> Result<Vec<Stream>, Fault> {
        let settings: Settings = call.settings()?;
        let streams = |count: usize| {
            (0..count)
                .map(|number| Stream::new(format!("s{number}")).readable().field(Field::text("a")))
                .collect()
        };
        match settings.kind.as_str() {
            "many-streams" => Ok(streams(100_000)),
            "same-stream" => Ok(vec![Stream::new("s"), Stream::new("s")]),
            "nameless-stream" => Ok(vec![Stream::new("")]),
            "huge-fault" => Err(attack::huge_fault()),
            "huge-result" => Ok(vec![Stream::new("s".repeat(200 << 20))]),
            "moody" => {
                static ASKED: AtomicU32 = AtomicU32::new(0);
                Ok(streams(10_usize.pow(ASKED.fetch_add(1, Ordering::Relaxed))))
            }
            _ => Ok(streams(1)),
        }
    }
}

impl source::Guest for Hostile {
    fn read(call: types::Call, request: source::ReadRequest) -> Result<source::Page, types::Fault> {
        let settings = settings(call)?;
        let mut page =
            attack::page(&["{\"key\":\"1\",\"change\":\"upsert\",\"data\":{\"a\":\"b\"}}"]);
        match settings.kind.as_str() {
            "loop" => attack::spin(),
            "short-loops" => attack::dawdle(),
            "host-calls" => attack::ask_for_ever(),
            "memory" => attack::fill_memory(),
            "recursion" => {
                attack::recurse(1);
            }
            "deep-calls" => {
                let depth = std::hint::black_box(u64::MAX);
                page.rows.count = u32::from(attack::descend(depth) == 7);
            }
            "panic" => panic!("on purpose"),
            "trap" => attack::trap(),
            "huge-page" => page.rows.data = vec![b'x'; 30 << 20],
            "huger-page" => page.rows.data = vec![b'x'; 100 << 20],
            "tiny-rows" => page.rows = attack::batch(10_000_000, b"{}\n".repeat(10_000_000)),
            "many-rows" => page = attack::page(&vec!["{}"; 20_000]),
            "count-lie" => page.rows.count = u32::MAX,
            "invalid-rows" => page = attack::invalid_rows(),
            "huge-cursor" => page.next = Some(vec![7; 70_000]),
            "huger-cursor" => page.next = Some(vec![7; 1 << 20]),
            "stuck-cursor" => {
                page.next = Some(request.cursor.unwrap_or_else(|| b"here".to_vec()));
                page.more = true;
            }
            "endless-cursor" => {
                let number = request.cursor.map_or(0, |cursor| cursor.len() + 1);
                page.next = Some(vec![b'x'; number]);
                page.more = true;
            }
            "more-without-cursor" => page.more = true,
            "log-flood" => (0..1_000_000).for_each(|_| log::info("spam")),
            "log-line" => log::info("x".repeat(5 << 20)),
            "longer-log-line" => log::info("x".repeat(100 << 20)),
            "log-forgery" => log::info("fine\n2026-01-01 ERROR forged \u{1b}[2J"),
            "huge-fault" => return Err(attack::huge_fault().into()),
            "tell" => attack::tell(&settings.url, settings.credential, settings.body)?,
            "http" => {
                let response = http::get(settings.url).send()?;
                log::info(format!("answered {}", response.status));
            }
            "http-flood" => loop {
                // Whatever comes of it, until the host has had enough.
                if let Err(fault) = http::get(settings.url.clone()).send()
                    && fault.code == FaultCode::Limit
                {
                    return Err(fault.into());
                }
            },
            "host-header" => {
                http::get(settings.url).header("Host", "inside.example").send()?;
            }
            "files" => {
                liaison_sdk::files::read("anything", "../../etc/passwd", 0, 100)?;
            }
            "unsupported" => attack::ask_for_what_is_not_there()?,
            _ => {}
        }
        Ok(page)
    }
}

impl destination::Guest for Hostile {
    fn write(
        call: types::Call,
        request: destination::WriteRequest,
    ) -> Result<destination::Report, types::Fault> {
        let settings = settings(call)?;
        let count = usize::try_from(request.items.count).unwrap_or_default();
        let mut outcomes = vec![destination::Outcome::Unchanged; count];
        match settings.kind.as_str() {
            "loop" => attack::spin(),
            "tell" => attack::tell(&settings.url, settings.credential, settings.body)?,
            "outcome-count" => outcomes.push(destination::Outcome::Unchanged),
            "no-outcomes" => outcomes.clear(),
            "bad-outcomes" => outcomes = attack::bad_outcomes(count),
            "limit" => return Err(Fault::new(FaultCode::Limit).into()),
            _ => {}
        }
        let hints = types::Hints { rates: Vec::new(), notices: Vec::new() };
        Ok(destination::Report { verdict: destination::Verdict::Items(outcomes), hints })
    }

    fn poll_job(call: types::Call, _: String) -> Result<destination::JobState, types::Fault> {
        Ok(match settings(call)?.kind.as_str() {
            "never-sent" => attack::done_with_more(),
            _ => destination::JobState::Running(1),
        })
    }
}

impl audience::Guest for Hostile {
    fn containers(
        call: types::Call,
        cursor: Option<Vec<u8>>,
    ) -> Result<audience::ContainerPage, types::Fault> {
        let kind = settings(call)?.kind;
        Ok(attack::containers(&kind, cursor))
    }

    fn ensure_container(
        call: types::Call,
        wish: audience::ContainerWish,
    ) -> Result<audience::Container, types::Fault> {
        match settings(call)?.kind.as_str() {
            "loop" => attack::spin(),
            "no-key" => Ok(attack::container("", &wish.title)),
            _ => Ok(attack::container("1", &wish.title)),
        }
    }

    fn delete_container(call: types::Call, _: String) -> Result<(), types::Fault> {
        match settings(call)?.kind.as_str() {
            "loop" => attack::spin(),
            _ => Err(Fault::new(FaultCode::NotFound).into()),
        }
    }

    fn write_members(
        call: types::Call,
        _: String,
        members: Vec<audience::Member>,
        _: Option<audience::ReplaceSession>,
    ) -> Result<audience::MemberReport, types::Fault> {
        match settings(call)?.kind.as_str() {
            "loop" => attack::spin(),
            "limit" => Err(Fault::new(FaultCode::Limit).into()),
            kind => Ok(attack::members(kind, members.len())),
        }
    }
}

impl inbound::Guest for Hostile {
    fn handshake(
        call: types::Call,
        _: inbound::Delivery,
    ) -> Result<Option<inbound::Reply>, types::Fault> {
        let status = if settings(call)?.kind == "redirect" { 302 } else { 200 };
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![header("content-type", "text/html"), header("set-cookie", "a=b")];
        Ok(Some(inbound::Reply { status, headers, body: b"<script>".to_vec() }))
    }

    fn parse(
        call: types::Call,
        _: inbound::Delivery,
    ) -> Result<Vec<inbound::Parsed>, types::Fault> {
        Ok(match settings(call)?.kind.as_str() {
            "loop" => attack::spin(),
            "panic" => panic!("on purpose"),
            kind => attack::meanings(kind),
        })
    }

    fn register(
        _: types::Call,
        _: String,
        _: Vec<String>,
    ) -> Result<inbound::Subscription, types::Fault> {
        Err(Fault::not_supported("subscriptions").into())
    }

    fn renew(_: types::Call, _: String) -> Result<inbound::Subscription, types::Fault> {
        Err(Fault::not_supported("subscriptions").into())
    }

    fn unregister(_: types::Call, _: String) -> Result<(), types::Fault> {
        Err(Fault::not_supported("subscriptions").into())
    }
}

liaison_sdk::export_connector!(Hostile: source, destination, audience, inbound);
