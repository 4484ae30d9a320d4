//! Recording: a tape per run, and what notes a call for it.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use flate2::Compression;
use flate2::write::GzEncoder;
use plugin_api::CallContext;
use plugin_gateway::ConnectionGateway;
use serde_json::Value;
use serde_json::value::to_raw_value;
use sha2::{Digest as _, Sha256};

use super::form::{
    CALL_BYTES_MAX, CALLS_MAX, Call, Ending, Exchange, Header, Line, LogLine, RECORDING_BYTES_MAX,
    Sealed, hex, seal,
};
use super::gave::{Gave, Said};
use super::walk;
use crate::question::Question;
use crate::way::{Errand, Level, Reply, Way};

/// Decides which runs are recorded, and where to.
pub trait Recorder: fmt::Debug + Send + Sync {
    /// The tape of a run; none = it is not recorded. The header is made when one begins.
    fn tape(&self, run: &str, header: &dyn Fn() -> Header) -> Option<Arc<Tape>>;
}

/// The recording of a run while it is made.
pub struct Tape {
    state: Mutex<State>,
}

struct State {
    /// None once nothing more can be written.
    out: Option<GzEncoder<Box<dyn Write + Send>>>,
    seal: String,
    bytes: usize,
    begun: u32,
    calls: u32,
    outputs: Sha256,
    faults: u32,
    stopped: Option<String>,
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape").field("calls", &self.state().calls).finish_non_exhaustive()
    }
}

impl Tape {
    /// A tape that begins with this header.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(to: Box<dyn Write + Send>, header: Header) -> io::Result<Self> {
        let mut state = State {
            out: Some(GzEncoder::new(to, Compression::fast())),
            seal: String::new(),
            bytes: 0,
            begun: 0,
            calls: 0,
            outputs: Sha256::new(),
            faults: 0,
            stopped: None,
        };
        state.line(&Line::<Value>::Header(header))?;
        Ok(Self { state: Mutex::new(state) })
    }

    /// Adds a call. What is too much for a recording ends it.
    pub fn add(&self, call: Call<Value>) {
        let mut state = self.state();
        if state.stopped.is_some() {
            return;
        }
        let (output, fault) = (call.gave.output.clone(), call.gave.fault.is_some());
        match state.line(&Line::Call(Box::new(call))) {
            Ok(()) if state.stopped.is_none() => {
                state.calls += 1;
                state.faults += u32::from(fault);
                state.outputs.update(output);
            }
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, "a recording cannot be written");
                state.stopped = Some(error.to_string());
                state.out = None;
            }
        }
    }

    /// Calls that ended with a fault.
    #[must_use]
    pub fn faults(&self) -> u32 {
        self.state().faults
    }

    /// Ends it.
    ///
    /// # Errors
    /// It could not be written: what there is of it is of no use.
    pub fn end(&self) -> io::Result<Ending> {
        let mut state = self.state();
        let ending = Ending {
            calls: state.calls,
            output: hex(state.outputs.clone()),
            stopped: state.stopped.clone(),
        };
        state.line(&Line::<Value>::Ending(ending.clone()))?;
        let gone = || io::Error::other("it could not be written before");
        let mut to = state.out.take().ok_or_else(gone)?.finish()?;
        to.flush()?;
        Ok(ending)
    }

    /// The number of a call that begins; none = nothing is recorded any more.
    fn number(&self) -> Option<u32> {
        let mut state = self.state();
        if state.begun == CALLS_MAX {
            state.stop("calls_max", CALLS_MAX as usize);
        }
        if state.stopped.is_some() {
            return None;
        }
        state.begun += 1;
        Some(state.begun)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn stop(&mut self, limit: &str, value: usize) {
        self.stopped.get_or_insert_with(|| format!("{limit} {value}"));
    }

    /// Writes a line; one too many stops the recording, and the ending always fits.
    fn line(&mut self, line: &Line<Value>) -> io::Result<()> {
        let json = to_raw_value(line)?;
        let bytes = self.bytes.saturating_add(json.get().len());
        if bytes > RECORDING_BYTES_MAX && matches!(line, Line::Call(_)) {
            self.stop("recording_bytes_max", RECORDING_BYTES_MAX);
            return Ok(());
        }
        let sealed = seal(&self.seal, json.get());
        let Some(out) = &mut self.out else { return Ok(()) };
        serde_json::to_writer(&mut *out, &Sealed { seal: sealed.clone(), line: &json })?;
        out.write_all(b"\n")?;
        (self.bytes, self.seal) = (bytes, sealed);
        Ok(())
    }
}

/// A call that is to be recorded, before it begins.
pub(crate) struct Noted {
    tape: Arc<Tape>,
    number: u32,
    question: Value,
}

impl Noted {
    /// None = nothing is recorded any more.
    pub(crate) fn begin(tape: Arc<Tape>, question: &Question<'_>) -> Option<Self> {
        let question = serde_json::to_value(question).ok()?;
        Some(Self { number: tape.number()?, question, tape })
    }
}

/// Notes a call while it goes on: the way out, with an ear on it.
pub(crate) struct Noting {
    call: Noted,
    way: Arc<dyn Way>,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    exchanges: Vec<Exchange>,
    log: Vec<LogLine>,
    bytes: usize,
}

impl Noting {
    pub(crate) fn new(call: Noted, way: Arc<dyn Way>) -> Self {
        Self { call, way, heard: Mutex::default() }
    }

    /// Puts the call on the tape, without secrets.
    pub(crate) fn end(
        &self,
        context: &CallContext,
        anew: bool,
        said: &Said,
        gateway: &ConnectionGateway,
    ) {
        let heard = std::mem::take(&mut *self.heard());
        if heard.bytes > CALL_BYTES_MAX {
            self.call.tape.state().stop("call_bytes_max", CALL_BYTES_MAX);
            return;
        }
        let call = Call {
            number: self.call.number,
            anew,
            now: context.now,
            seed: context.seed,
            question: self.call.question.clone(),
            exchanges: heard.exchanges,
            log: heard.log,
            gave: Gave::of(said, gateway.redactor()),
            redacted: false,
        };
        match without_secrets(call, gateway) {
            Ok(call) => self.call.tape.add(call),
            Err(error) => tracing::warn!(%error, "a call cannot be recorded"),
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The call without the connection's secrets, and marked if there was one. The output's
/// hash stays that of what the guest gave.
fn without_secrets(
    mut call: Call<Value>,
    gateway: &ConnectionGateway,
) -> serde_json::Result<Call<Value>> {
    let redactor = gateway.redactor();
    let clean = &mut |bytes: &[u8]| redactor.redact_bytes(bytes);
    call.redacted = walk::change(&mut call.question, clean);
    let mut exchanges = serde_json::to_value(&call.exchanges)?;
    if walk::change(&mut exchanges, clean) {
        call.redacted = true;
        call.exchanges = serde_json::from_value(exchanges)?;
    }
    for line in &mut call.log {
        line.line = redactor.redact(&line.line);
    }
    Ok(call)
}

#[async_trait]
impl Way for Noting {
    async fn go(&self, errand: Errand) -> Reply {
        let asked = errand.clone();
        let reply = self.way.go(errand).await;
        let exchange = Exchange { errand: asked, reply: reply.clone() };
        let mut heard = self.heard();
        heard.bytes = heard.bytes.saturating_add(exchange.bytes());
        if heard.bytes > CALL_BYTES_MAX {
            heard.exchanges = Vec::new();
        } else {
            heard.exchanges.push(exchange);
        }
        drop(heard);
        reply
    }

    fn told(&self, level: Level, line: &str) -> String {
        let line = self.way.told(level, line);
        self.heard().log.push(LogLine { level, line: line.clone() });
        line
    }
}

impl Exchange {
    /// About how many bytes it takes.
    fn bytes(&self) -> usize {
        const FRAME_BYTES: usize = 512;
        let asked = match &self.errand {
            Errand::Http(request) => request.url.len().saturating_add(request.body.len()),
            Errand::Write { data, .. } => data.len(),
            Errand::Mail { message, .. } => message.body.len(),
            Errand::Key { data, associated, .. } => data.len().saturating_add(associated.len()),
            _ => 0,
        };
        let answered = match &self.reply {
            Reply::Http(Ok(response)) => response.body.len(),
            Reply::Part(Ok(range)) => range.bytes.len(),
            Reply::Made(Ok(made)) => made.0.len(),
            Reply::Files(Ok(files)) => files.len().saturating_mul(FRAME_BYTES),
            _ => 0,
        };
        asked.saturating_add(answered).saturating_add(FRAME_BYTES)
    }
}
