//! A package bound to a connection: the port's trait over instances of the guest.

mod again;
mod audience;

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hub_model::{Fault, FaultCode, Timestamp};
use plugin_api::{
    Admitted, Audience, CallContext, Capability, Connector, Delivery, Found, Inbound,
    InboundDeclaration, JobState, Learned, LookupRequest, Manifest, Page, Parsed, ReadRequest,
    Refusal, Reply, StreamInfo, WriteReport, WriteRequest,
};
use plugin_gateway::ConnectionGateway;
use tokio::sync::Semaphore;

use crate::binding::Binding;
use crate::budget::{Budget, Runs};
use crate::decode::{self, fault::of_write};
use crate::encode;
use crate::instance::{Answer, Ask, Instance, Owner};
use crate::limits::{IDLE_SECONDS_MAX, Limits};
use crate::package::Package;
use crate::question::Question;
use crate::recording::{self, Header, Noted, Noting, Said, Tape};
use crate::runtime::GuestRuntime;
use crate::since_v0_1_0::imported::types as wit;
use crate::way::{Outside, Way};

/// What all connectors of a host share.
pub(crate) struct Shared {
    pub(crate) runtime: GuestRuntime,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) idle: Arc<AtomicUsize>,
    pub(crate) idle_max: usize,
}

/// A connector in the sandbox.
pub(crate) struct Sandboxed {
    shared: Arc<Shared>,
    bench: Arc<Bench>,
}

/// Where the calls of one connection are made.
struct Bench {
    package: Arc<Package>,
    binding: Binding,
    owner: Owner,
    limits: Limits,
    slots: Arc<Semaphore>,
    parked: Parking,
    runs: Runs,
    learned: Mutex<Learned>,
}

/// A question on its way to a guest.
struct Asked {
    ask: Ask,
    is_between_runs: bool,
    /// What is to be noted of the call.
    noted: Option<Noted>,
}

/// At most one idle instance, counted in the whole host.
struct Parking {
    place: Mutex<(u64, Option<Instance>)>,
    idle: Arc<AtomicUsize>,
    idle_max: usize,
}

impl Parking {
    fn take(&self) -> Option<Instance> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = place.1.take();
        if taken.is_some() {
            self.idle.fetch_sub(1, Ordering::Relaxed);
        }
        taken
    }

    /// Parks an instance if there is room; the number that it can be expired by.
    fn put(&self, instance: Instance) -> Option<u64> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let room = place.1.is_none() && self.idle.load(Ordering::Relaxed) < self.idle_max;
        if !room {
            return None;
        }
        self.idle.fetch_add(1, Ordering::Relaxed);
        place.0 = place.0.wrapping_add(1);
        place.1 = Some(instance);
        Some(place.0)
    }

    /// Drops the instance that was parked under that number, if it still is there.
    fn expire(&self, number: u64) {
        let current = self.place.lock().unwrap_or_else(PoisonError::into_inner).0;
        if current == number {
            drop(self.take());
        }
    }
}

impl Drop for Parking {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl Sandboxed {
    pub(crate) fn new(
        shared: Arc<Shared>,
        package: Arc<Package>,
        binding: Binding,
        limits: Limits,
    ) -> Self {
        let owner = Owner {
            connection: Arc::from(binding.connection.as_str()),
            connector: Arc::from(package.manifest.id.as_str()),
        };
        let parked = Parking {
            place: Mutex::default(),
            idle: shared.idle.clone(),
            idle_max: shared.idle_max,
        };
        let slots = shared.slots.clone();
        let learned = Mutex::default();
        let runs = Runs::default();
        let bench = Bench { package, binding, owner, limits, slots, parked, runs, learned };
        Self { shared, bench: Arc::new(bench) }
    }

    fn declaration(&self) -> Option<&InboundDeclaration> {
        self.bench.package.manifest.inbound.as_ref()
    }

    /// One call, and what is made of its answer, among the guests.
    async fn call<T: Send + 'static>(
        &self,
        context: &CallContext,
        question: Question<'_>,
        decode: impl FnOnce(&Bench, Answer) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let asked = Asked {
            ask: question.ask()?,
            is_between_runs: question.is_between_runs(),
            noted: self.bench.tape(context).and_then(|tape| Noted::begin(tape, &question)),
        };
        let (bench, context) = (self.bench.clone(), context.clone());
        let work = async move {
            let answer = bench.call(context, asked).await?;
            decode(&bench, answer)
        };
        match self.shared.runtime.run(work).await {
            Ok(result) => result,
            // A panic within a host function or a decoder: ours to mend, but it
            // ends this call and nothing else.
            Err(error) if error.is_panic() => Err(decode::bug("panic in the host")),
            Err(_) => Err(Fault::new(FaultCode::Stopping)),
        }
    }
}

impl Bench {
    async fn call(self: &Arc<Self>, context: CallContext, asked: Asked) -> Result<Answer, Fault> {
        let slot = self.slots.clone().acquire_owned().await;
        let slot = slot.map_err(|_| Fault::new(FaultCode::Stopping))?;
        // Questions between runs are asked under one name for ever.
        let run = (!asked.is_between_runs).then(|| context.purpose.clone());
        let spent = run.as_ref().map_or(Duration::ZERO, |run| self.runs.spent(run));
        let budget = Budget::new(&self.limits, spent)?;
        let counting = run.as_ref().map(|run| self.runs.count(run, budget.meter()));
        let gateway = self.binding.gateway.begin_call();
        let outside: Arc<dyn Way> = Arc::new(Outside(gateway.clone()));
        let noting = asked.noted.map(|noted| Arc::new(Noting::new(noted, outside.clone())));
        let way = noting.clone().map_or(outside, |noting| noting);
        let parked = self.parked.take().filter(|it| it.fits(&context.purpose));
        let anew = parked.is_none();
        let answer = self.call_by(way, parked, &context, asked.ask, budget).await;
        drop((slot, counting));
        self.learn(&answer, gateway.calls());
        let answer = match noting {
            Some(noting) => noted(noting, context, anew, answer, gateway.clone()).await?,
            None => answer,
        };
        answer?.map_err(|fault| self.said(fault, &gateway))
    }

    /// One call by that way out, of a kept instance or a new one. The instance is kept
    /// for another one unless it trapped.
    async fn call_by(
        self: &Arc<Self>,
        way: Arc<dyn Way>,
        parked: Option<Instance>,
        context: &CallContext,
        ask: Ask,
        budget: Budget,
    ) -> Said {
        let meter = budget.meter();
        let work = meter.metered(self.call_metered(way, parked, context, ask, budget));
        let answer = tokio::time::timeout(self.limits.wall, work).await;
        let (connection, cpu_ms) = (&*self.owner.connection, meter.used().as_millis());
        tracing::debug!(connection, cpu_ms, "the connector's call ended");
        let Ok(answer) = answer else {
            let seconds = self.limits.wall.as_secs();
            return Err(Fault::new(FaultCode::Timeout).with("wall_seconds_max", seconds));
        };
        let (answer, instance) = answer?;
        if instance.is_fresh(&self.limits) {
            self.park(instance);
        }
        Ok(answer)
    }

    async fn call_metered(
        &self,
        way: Arc<dyn Way>,
        parked: Option<Instance>,
        context: &CallContext,
        ask: Ask,
        budget: Budget,
    ) -> Result<(Result<Answer, wit::Fault>, Instance), Fault> {
        let call = encode::call(&self.binding, context);
        let (package, owner, limits) = (&self.package, &self.owner, &self.limits);
        let context = context.clone();
        let mut instance = match parked {
            Some(mut instance) => {
                instance.begin(limits, context, way, budget);
                instance
            }
            None => Instance::start(package, owner, limits, context, way, budget).await?,
        };
        let answer = instance.call(limits, &call, ask).await?;
        Ok((answer, instance))
    }

    /// Where the calls of a run are recorded, if they are.
    fn tape(&self, context: &CallContext) -> Option<Arc<Tape>> {
        let recorder = self.binding.recorder.as_ref()?;
        let (package, binding) = (&self.package, &self.binding);
        let header = || Header {
            format: recording::FORMAT,
            run: context.purpose.clone(),
            connection: binding.connection.clone(),
            connector: package.manifest.id.clone(),
            version: package.manifest.version.clone(),
            contract: package.manifest.contract.clone(),
            component: package.digest.to_string(),
            environment: binding.environment,
            settings: binding.settings.clone(),
            masked: false,
        };
        recorder.tape(&context.purpose, &header)
    }

    fn learn(&self, said: &Said, requests: u32) {
        let said = said.as_ref().ok().and_then(|answer| answer.as_ref().ok());
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        decode::learned::note(&mut learned, said, requests);
    }

    /// A guest's own fault. What limit of the gateway it ran into it tells without its
    /// name, and what became of the credential it cannot know.
    fn said(&self, fault: wit::Fault, requests: &ConnectionGateway) -> Fault {
        let fault = decode::fault::fault(fault, requests.redactor());
        match requests.exceeded() {
            Some(it) if it.code == fault.code => fault.with(&it.setting, it.max),
            _ if fault.code == FaultCode::Auth => self.signed_out(fault, requests),
            _ => fault,
        }
    }

    /// A refused credential that only somebody who signs in can mend.
    fn signed_out(&self, fault: Fault, requests: &ConnectionGateway) -> Fault {
        match requests.sign_in_standing().and_then(|standing| standing.needed) {
            Some(needed) => fault.with("sign_in", &self.binding.connection).with("reason", needed),
            None => fault,
        }
    }

    fn park(self: &Arc<Self>, instance: Instance) {
        let Some(number) = self.parked.put(instance) else { return };
        let bench = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(IDLE_SECONDS_MAX)).await;
            if let Some(bench) = bench.upgrade() {
                bench.parked.expire(number);
            }
        });
    }
}

/// Puts a call on its tape. Packing takes time, so it has a thread of its own.
async fn noted(
    noting: Arc<Noting>,
    context: CallContext,
    anew: bool,
    answer: Said,
    gateway: Arc<ConnectionGateway>,
) -> Result<Said, Fault> {
    let work = move || {
        noting.end(&context, anew, &answer, &gateway);
        answer
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| Fault::new(FaultCode::Stopping))
}

/// The answer to another question: impossible, and still no reason to panic.
fn mixed_up() -> Fault {
    decode::bug("the answer is to another question")
}

#[async_trait]
impl Connector for Sandboxed {
    fn manifest(&self) -> &Manifest {
        &self.bench.package.manifest
    }

    fn digest(&self) -> Option<String> {
        Some(self.bench.package.digest.to_string())
    }

    fn learned(&self) -> Learned {
        let mut learned = self.bench.learned.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut learned)
    }

    fn inbound(&self) -> Option<&dyn Inbound> {
        self.declaration().map(|_| self as &dyn Inbound)
    }

    fn audience(&self) -> Option<&dyn Audience> {
        let able = self.manifest().capabilities.contains(&Capability::Audience);
        able.then_some(self as &dyn Audience)
    }

    async fn check(&self, call: &CallContext) -> Result<(), Fault> {
        self.call(call, Question::Check, |_, answer| match answer {
            Answer::Checked => Ok(()),
            _ => Err(mixed_up()),
        })
        .await
    }

    async fn discover(&self, call: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        self.call(call, Question::Discover, |_, answer| match answer {
            Answer::Streams(streams) => decode::stream::streams(streams),
            _ => Err(mixed_up()),
        })
        .await
    }

    async fn read(&self, call: &CallContext, request: &ReadRequest) -> Result<Page, Fault> {
        let asked = request.cursor.clone();
        let question = Question::Read(Cow::Borrowed(request));
        let page = self.call(call, question, move |bench, answer| match answer {
            Answer::Page(page) => decode::page::page(page, asked.as_ref(), &bench.limits),
            _ => Err(mixed_up()),
        });
        page.await
    }

    async fn lookup(
        &self,
        call: &CallContext,
        request: &LookupRequest,
    ) -> Result<Vec<Found>, Fault> {
        let keys = request.keys.len();
        self.call(call, Question::Lookup(Cow::Borrowed(request)), move |_, answer| match answer {
            Answer::Found(found) => decode::outcome::found(found, keys),
            _ => Err(mixed_up()),
        })
        .await
    }

    async fn write(
        &self,
        call: &CallContext,
        request: &WriteRequest,
    ) -> Result<WriteReport, Fault> {
        let items = request.items.len();
        let question = Question::Write(Cow::Borrowed(request));
        let report = self.call(call, question, move |bench, answer| match answer {
            Answer::Report(report) => {
                decode::outcome::report(report, Some(items), bench.binding.gateway.redactor())
            }
            _ => Err(mixed_up()),
        });
        report.await.map_err(of_write)
    }

    async fn poll_job(&self, call: &CallContext, job: &str) -> Result<JobState, Fault> {
        self.call(call, Question::PollJob(Cow::Borrowed(job)), |bench, answer| match answer {
            Answer::Job(state) => decode::outcome::job(state, bench.binding.gateway.redactor()),
            _ => Err(mixed_up()),
        })
        .await
    }
}

#[async_trait]
impl Inbound for Sandboxed {
    fn origins(&self) -> Vec<String> {
        let named = self.declaration().and_then(|declared| declared.origins.as_ref());
        let given = named.and_then(|name| self.bench.binding.settings.get(name)?.as_array());
        let texts = given.into_iter().flatten().filter_map(|origin| origin.as_str());
        texts.map(str::to_owned).collect()
    }

    fn admit(&self, delivery: Delivery, now: Timestamp) -> Result<Admitted, Refusal> {
        let binding = &self.bench.binding;
        let declaration = self.declaration();
        let declaration = declaration.ok_or(Refusal::Unverified("nothing is declared"))?;
        binding.gateway.admit(declaration, &binding.settings, delivery, now)
    }

    async fn handshake(
        &self,
        call: &CallContext,
        delivery: &Delivery,
    ) -> Result<Option<Reply>, Fault> {
        self.call(call, Question::Handshake(Cow::Borrowed(delivery)), |_, answer| match answer {
            Answer::Reply(reply) => decode::delivery::reply(reply),
            _ => Err(mixed_up()),
        })
        .await
    }

    async fn parse(&self, call: &CallContext, delivery: &Delivery) -> Result<Vec<Parsed>, Fault> {
        let question = Question::Parse(Cow::Borrowed(delivery));
        let parsed = self.call(call, question, |bench, answer| match answer {
            Answer::Parsed(parsed) => decode::delivery::parsed(parsed, &bench.limits),
            _ => Err(mixed_up()),
        });
        parsed.await
    }
}
