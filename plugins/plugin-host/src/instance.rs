//! One instance of a guest: made for the calls of one run, replaced early,
//! thrown away when it trapped.

mod audience;
mod ended;

use std::sync::Arc;

use hub_model::Fault;
use plugin_api::CallContext;
use serde::Serialize;
use wasmtime::{Store, UpdateDeadline};

use crate::budget::Budget;
use crate::limits::Limits;
use crate::package::Package;
use crate::since_v0_1_0::imported::types as wit;
use crate::since_v0_1_0::{GuestState, exported};
use crate::way::Way;

pub(crate) use audience::{AudienceAnswer, AudienceAsk};

/// What a call asks of a guest, in the contract's types.
pub(crate) enum Ask {
    Check,
    Discover,
    Read(exported::source::ReadRequest),
    Lookup(exported::lookup::LookupRequest),
    Write(exported::destination::WriteRequest),
    PollJob(String),
    Audience(AudienceAsk),
    Handshake(exported::inbound::Delivery),
    Parse(exported::inbound::Delivery),
}

/// What a guest answered.
#[derive(Serialize)]
pub(crate) enum Answer {
    Checked,
    Streams(Vec<exported::connection::StreamInfo>),
    Page(exported::source::Page),
    Found(Vec<exported::lookup::Found>),
    Report(exported::destination::Report),
    Job(exported::destination::JobState),
    Audience(AudienceAnswer),
    Reply(Option<exported::inbound::Reply>),
    Parsed(Vec<exported::inbound::Parsed>),
}

/// Who a guest works for.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) connection: Arc<str>,
    pub(crate) connector: Arc<str>,
}

/// A running instance. Its store is dropped with it.
pub(crate) struct Instance {
    store: Store<GuestState>,
    guest: Guest,
    run: String,
    calls: u32,
}

/// What it exports.
struct Guest {
    connection: exported::connection::Guest,
    source: Option<exported::source::Guest>,
    lookup: Option<exported::lookup::Guest>,
    destination: Option<exported::destination::Guest>,
    audience: Option<exported::audience::Guest>,
    inbound: Option<exported::inbound::Guest>,
}

impl Instance {
    /// Makes an instance for a call. A component may run code while it starts,
    /// so this must be metered just as a call.
    ///
    /// # Errors
    /// A trap while it starts, as in a call.
    pub(crate) async fn start(
        package: &Package,
        owner: &Owner,
        limits: &Limits,
        context: CallContext,
        way: Arc<dyn Way>,
        budget: Budget,
    ) -> Result<Self, Fault> {
        let run = context.purpose.clone();
        let state = GuestState::new(
            owner.connection.clone(),
            owner.connector.clone(),
            way,
            limits,
            context,
            budget,
        );
        let mut store = Store::new(package.pre.engine(), state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(limits.copied_bytes_max);
        interrupt(&mut store);
        match Self::instantiate(package, &mut store).await {
            Ok(guest) => Ok(Self { store, guest, run, calls: 0 }),
            Err(error) => Err(ended::fault(&error, limits, store.data_mut())),
        }
    }

    async fn instantiate(
        package: &Package,
        store: &mut Store<GuestState>,
    ) -> wasmtime::Result<Guest> {
        let instance = package.pre.instantiate_async(&mut *store).await?;
        let exports = &package.exports;
        Ok(Guest {
            connection: exports.connection.load(&mut *store, &instance)?,
            source: exports
                .source
                .as_ref()
                .map(|it| it.load(&mut *store, &instance))
                .transpose()?,
            lookup: exports
                .lookup
                .as_ref()
                .map(|it| it.load(&mut *store, &instance))
                .transpose()?,
            destination: exports
                .destination
                .as_ref()
                .map(|it| it.load(&mut *store, &instance))
                .transpose()?,
            audience: exports
                .audience
                .as_ref()
                .map(|it| it.load(&mut *store, &instance))
                .transpose()?,
            inbound: exports
                .inbound
                .as_ref()
                .map(|it| it.load(&mut *store, &instance))
                .transpose()?,
        })
    }

    /// Whether it may serve another call of that run.
    pub(crate) fn fits(&self, run: &str) -> bool {
        self.run == run
    }

    /// Whether it should be kept for another call.
    pub(crate) fn is_fresh(&self, limits: &Limits) -> bool {
        self.calls < limits.calls_per_instance_max
            && self.store.data().limiter.memory_bytes() <= limits.recycle_above_bytes
    }

    /// Prepares a kept instance for its next call.
    pub(crate) fn begin(
        &mut self,
        limits: &Limits,
        context: CallContext,
        way: Arc<dyn Way>,
        budget: Budget,
    ) {
        self.store.data_mut().begin(limits, context, way, budget);
        self.store.set_epoch_deadline(1);
    }

    /// Makes the call. The outer error is a trap: the instance must be thrown
    /// away. The inner one is the guest's own fault.
    pub(crate) async fn call(
        &mut self,
        limits: &Limits,
        call: &wit::Call,
        ask: Ask,
    ) -> Result<Result<Answer, wit::Fault>, Fault> {
        self.calls = self.calls.saturating_add(1);
        let answer = self.dispatch(call, ask).await;
        let state = self.store.data_mut();
        if state.log.dropped() > 0 {
            let (connection, dropped) = (&*state.connection, state.log.dropped());
            tracing::warn!(connection, dropped, "log lines of the connector were dropped");
        }
        answer.map_err(|error| ended::fault(&error, limits, state))
    }

    async fn dispatch(
        &mut self,
        call: &wit::Call,
        ask: Ask,
    ) -> wasmtime::Result<Result<Answer, wit::Fault>> {
        let (store, guest) = (&mut self.store, &self.guest);
        Ok(match ask {
            Ask::Check => {
                let checked = guest.connection.call_check(store, call).await?;
                checked.map(|()| Answer::Checked)
            }
            Ask::Discover => {
                guest.connection.call_discover(store, call).await?.map(Answer::Streams)
            }
            Ask::Read(request) => match &guest.source {
                Some(it) => it.call_read(store, call, &request).await?.map(Answer::Page),
                None => Err(not_supported("source")),
            },
            Ask::Lookup(request) => match &guest.lookup {
                Some(it) => it.call_lookup(store, call, &request).await?.map(Answer::Found),
                None => Err(not_supported("lookup")),
            },
            Ask::Write(request) => match &guest.destination {
                Some(it) => it.call_write(store, call, &request).await?.map(Answer::Report),
                None => Err(not_supported("destination")),
            },
            Ask::PollJob(job) => match &guest.destination {
                Some(it) => it.call_poll_job(store, call, &job).await?.map(Answer::Job),
                None => Err(not_supported("destination")),
            },
            Ask::Audience(ask) => match &guest.audience {
                Some(it) => ask.of(it, store, call).await?.map(Answer::Audience),
                None => Err(not_supported("audience")),
            },
            Ask::Handshake(delivery) => match &guest.inbound {
                Some(it) => it.call_handshake(store, call, &delivery).await?.map(Answer::Reply),
                None => Err(not_supported("inbound")),
            },
            Ask::Parse(delivery) => match &guest.inbound {
                Some(it) => it.call_parse(store, call, &delivery).await?.map(Answer::Parsed),
                None => Err(not_supported("inbound")),
            },
        })
    }
}

fn not_supported(interface: &str) -> wit::Fault {
    wit::Fault {
        code: wit::FaultCode::NotSupported,
        place: String::new(),
        args: vec![("interface".to_owned(), interface.to_owned())],
    }
}

/// Every tick: give the thread back, or stop a guest that has used its budget.
fn interrupt(store: &mut Store<GuestState>) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |mut context| {
        let state = context.data_mut();
        if let Some(exceeded) = state.budget.exceeded_within() {
            state.interrupted = Some(exceeded.clone());
            return Ok(UpdateDeadline::Interrupt);
        }
        Ok(UpdateDeadline::Yield(1))
    });
}
