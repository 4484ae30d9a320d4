//! A package bound to a connection: the port's trait over instances of the guest.

mod audience;

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
use crate::runtime::GuestRuntime;
use crate::since_v0_1_0::imported::types as wit;

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
        ask: Ask,
        decode: impl FnOnce(&Bench, Answer) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (bench, context) = (self.bench.clone(), context.clone());
        let work = async move {
            let answer = bench.call(context, ask).await?;
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
    async fn call(self: &Arc<Self>, context: CallContext, ask: Ask) -> Result<Answer, Fault> {
        let slot = self.slots.clone().acquire_owned().await;
        let slot = slot.map_err(|_| Fault::new(FaultCode::Stopping))?;
        // Questions between runs are asked under one name for ever.
        let run = (!ask.is_between_runs()).then(|| context.purpose.clone());
        let spent = run.as_ref().map_or(Duration::ZERO, |run| self.runs.spent(run));
        let budget = Budget::new(&self.limits, spent)?;
        let meter = budget.meter();
        let counting = run.as_ref().map(|run| self.runs.count(run, meter.clone()));
        let work = meter.metered(self.call_metered(context, ask, budget));
        let answer = tokio::time::timeout(self.limits.wall, work).await;
        drop((slot, counting));
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
        answer
    }

    /// The instance comes back unless it trapped.
    async fn call_metered(
        &self,
        context: CallContext,
        ask: Ask,
        budget: Budget,
    ) -> Result<(Result<Answer, Fault>, Instance), Fault> {
        let call = encode::call(&self.binding, &context);
        let gateway = self.binding.gateway.begin_call();
        let requests = Arc::clone(&gateway);
        let (package, owner, limits) = (&self.package, &self.owner, &self.limits);
        let parked = self.parked.take().filter(|it| it.fits(&context.purpose));
        let mut instance = match parked {
            Some(mut instance) => {
                instance.begin(limits, context, gateway, budget);
                instance
            }
            None => Instance::start(package, owner, limits, context, gateway, budget).await?,
        };
        let answer = instance.call(limits, &call, ask).await;
        let said = answer.as_ref().ok().and_then(|answer| answer.as_ref().ok());
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        decode::learned::note(&mut learned, said, requests.calls());
        drop(learned);
        let answer = answer?.map_err(|fault| self.said(fault, &requests));
        Ok((answer, instance))
    }

    /// A guest's own fault. That it may send no more it tells without a number.
    fn said(&self, fault: wit::Fault, requests: &ConnectionGateway) -> Fault {
        let fault = decode::fault::fault(fault, requests.redactor());
        match requests.calls_exceeded() {
            Some(max) if fault.code == FaultCode::LimitExceeded => {
                fault.with("http_calls_max", max)
            }
            _ => fault,
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
        self.call(call, Ask::Check, |_, answer| match answer {
            Answer::Checked => Ok(()),
            _ => Err(mixed_up()),
        })
        .await
    }

    async fn discover(&self, call: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        self.call(call, Ask::Discover, |_, answer| match answer {
            Answer::Streams(streams) => decode::stream::streams(streams),
            _ => Err(mixed_up()),
        })
        .await
    }

    async fn read(&self, call: &CallContext, request: &ReadRequest) -> Result<Page, Fault> {
        let asked = request.cursor.clone();
        self.call(call, Ask::Read(encode::read(request)), move |_, answer| match answer {
            Answer::Page(page) => decode::page::page(page, asked.as_ref()),
            _ => Err(mixed_up()),
        })
        .await
    }

    async fn lookup(
        &self,
        call: &CallContext,
        request: &LookupRequest,
    ) -> Result<Vec<Found>, Fault> {
        let keys = request.keys.len();
        let ask = Ask::Lookup(encode::lookup(request)?);
        self.call(call, ask, move |_, answer| match answer {
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
        let ask = Ask::Write(encode::write(request)?);
        let report = self.call(call, ask, move |bench, answer| match answer {
            Answer::Report(report) => {
                decode::outcome::report(report, Some(items), bench.binding.gateway.redactor())
            }
            _ => Err(mixed_up()),
        });
        report.await.map_err(of_write)
    }

    async fn poll_job(&self, call: &CallContext, job: &str) -> Result<JobState, Fault> {
        self.call(call, Ask::PollJob(job.to_owned()), |bench, answer| match answer {
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
        let ask = Ask::Handshake(encode::delivery(delivery));
        self.call(call, ask, |_, answer| match answer {
            Answer::Reply(reply) => decode::delivery::reply(reply),
            _ => Err(mixed_up()),
        })
        .await
    }

    async fn parse(&self, call: &CallContext, delivery: &Delivery) -> Result<Vec<Parsed>, Fault> {
        let ask = Ask::Parse(encode::delivery(delivery));
        self.call(call, ask, |_, answer| match answer {
            Answer::Parsed(parsed) => decode::delivery::parsed(parsed),
            _ => Err(mixed_up()),
        })
        .await
    }
}
