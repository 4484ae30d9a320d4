//! Replaying: the same component on the recorded answers, without a network, a
//! credential, or the system that gave them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use plugin_api::Cursor;
use plugin_gateway::{CryptoFault, FileFault, HttpFault, MailFault};

use super::form::{Exchange, LogLine};
use super::gave::Gave;
use crate::way::{Errand, Level, Reply, Way};

/// What a replayed call is answered for which the recording has no answer.
const NOT_RECORDED: &str = "the recording has no answer to this";

/// The first errand in which a replayed call and its recording part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The errand's number in the call, from 1.
    pub errand: usize,
    /// What the guest asked now; none = nothing more.
    pub asked: Option<Errand>,
    /// What it had asked; none = nothing more.
    pub recorded: Option<Errand>,
}

/// Whether a replayed call is like the recorded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It asked the same and gave the same.
    Same,
    /// It asked or gave something else.
    Differs,
    /// It gave something else, but a secret is missing in its recording.
    Unknown,
}

/// A call that was replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Its number in the recording.
    pub number: u32,
    /// What it had given.
    pub recorded: Gave,
    /// What it gives now.
    pub gave: Gave,
    /// Where it asks for something else.
    pub difference: Option<Difference>,
    /// A secret is missing in its recording.
    pub redacted: bool,
    /// What it asked and was answered now.
    pub exchanges: Vec<Exchange>,
    /// What it logs now.
    pub log: Vec<LogLine>,
    /// Where reading goes on after the page that it gives.
    pub next: Option<Cursor>,
}

impl Replayed {
    /// Whether it is like the recorded one.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match (self.difference.is_none() && self.recorded.output == self.gave.output, self.redacted)
        {
            (true, _) => Verdict::Same,
            (false, true) => Verdict::Unknown,
            (false, false) => Verdict::Differs,
        }
    }
}

/// Which errands a recorded answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// The very one that was recorded.
    Exact,
    /// Any of its kind, in order: values were replaced.
    Kind,
    /// The very one; else the next that is nearly the same, which parts from the
    /// recording all the same.
    Nearly,
}

/// The recorded answers in place of the world.
pub(crate) struct Replaying {
    answers: Answers,
    state: Mutex<Script>,
}

struct Script {
    left: Vec<Option<Exchange>>,
    at: usize,
    difference: Option<Difference>,
    made: Vec<Exchange>,
    log: Vec<LogLine>,
}

impl Replaying {
    pub(crate) fn new(exchanges: Vec<Exchange>, answers: Answers) -> Arc<Self> {
        let state = Script {
            left: exchanges.into_iter().map(Some).collect(),
            at: 0,
            difference: None,
            made: Vec::new(),
            log: Vec::new(),
        };
        Arc::new(Self { answers, state: Mutex::new(state) })
    }

    /// Where it parted, what was asked, what was logged.
    pub(crate) fn end(&self) -> (Option<Difference>, Vec<Exchange>, Vec<LogLine>) {
        let mut script = self.script();
        if script.difference.is_none()
            && let Some(left) = script.left.iter().flatten().next()
        {
            let recorded = Some(left.errand.clone());
            script.difference = Some(Difference { errand: script.at + 1, asked: None, recorded });
        }
        let Script { difference, made, log, .. } = &mut *script;
        (difference.take(), std::mem::take(made), std::mem::take(log))
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script {
    /// The answer to an errand. One that comes out of turn parts from the recording, and
    /// is answered all the same if the recording can.
    fn answer(&mut self, errand: &Errand, answers: Answers) -> Reply {
        let fits = |exchange: &Exchange| {
            exchange.errand == *errand
                || (answers == Answers::Kind && exchange.errand.is_alike(errand))
        };
        let next = self.left.get(self.at).and_then(Option::as_ref);
        let in_turn = next.is_some_and(fits);
        if !in_turn && self.difference.is_none() {
            self.difference = Some(Difference {
                errand: self.at + 1,
                asked: Some(errand.clone()),
                recorded: next.map(|exchange| exchange.errand.clone()),
            });
        }
        let found = if in_turn {
            Some(self.at)
        } else {
            let place = |fits: &dyn Fn(&Exchange) -> bool| {
                self.left.iter().position(|left| left.as_ref().is_some_and(fits))
            };
            let nearly = |exchange: &Exchange| exchange.errand.is_nearly(errand);
            place(&fits).or_else(|| place(&nearly).filter(|_| answers == Answers::Nearly))
        };
        self.at += 1;
        let exchange = found.and_then(|index| self.left.get_mut(index)?.take());
        exchange.map_or_else(|| errand.refused(), |exchange| exchange.reply)
    }
}

#[async_trait]
impl Way for Replaying {
    async fn go(&self, errand: Errand) -> Reply {
        let mut script = self.script();
        let reply = script.answer(&errand, self.answers);
        script.made.push(Exchange { errand, reply: reply.clone() });
        reply
    }

    fn told(&self, level: Level, line: &str) -> String {
        self.script().log.push(LogLine { level, line: line.to_owned() });
        line.to_owned()
    }
}

impl Errand {
    fn is_alike(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    fn is_nearly(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Http(one), Self::Http(two)) => one.method == two.method,
            _ => self.is_alike(other),
        }
    }

    fn refused(&self) -> Reply {
        let why = || NOT_RECORDED.to_owned();
        match self {
            Self::Http(_) => Reply::Http(Err(HttpFault::Denied(why()))),
            Self::List { .. } => Reply::Files(Err(FileFault::Denied(why()))),
            Self::Stat { .. } | Self::Write { .. } => Reply::File(Err(FileFault::Denied(why()))),
            Self::Read { .. } => Reply::Part(Err(FileFault::Denied(why()))),
            Self::Mail { .. } => Reply::Mail(Err(MailFault::Denied(why()))),
            Self::CheckMail { .. } => Reply::Checked(Err(MailFault::Denied(why()))),
            Self::Key { .. } => Reply::Made(Err(CryptoFault::Slot(why()))),
        }
    }
}
