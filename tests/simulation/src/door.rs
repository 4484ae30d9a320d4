//! The way to a fake system: what the engine holds, and what fails on it.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use hub_model::{EntityKind, Fault, FaultCode, RemoteKey, StreamName, Timestamp};
use plugin_api::{
    Admitted, CallContext, Connector, Delivery, FieldInfo, Found, Inbound, JobState, LookupRequest,
    Manifest, Outcome, Page, Parsed, ReadRequest, Refusal, Reply, StreamInfo, WriteItem,
    WriteReport, WriteRequest,
};

use crate::calls::Allowance;
use crate::character::FIELDS;
use crate::crash::Fuse;
use crate::fleet::lock;
use crate::system::{Broken, System};

/// What the engine holds of a system.
pub struct Door {
    system: Arc<Mutex<System>>,
    fuse: Arc<Fuse>,
    manifest: Manifest,
    between: Box<Between>,
}

/// Called before each request: users do not wait for the hub. Told whether the
/// request is a look-up: only then a row may appear, since one that appears between
/// a search and the create has a double in any system without external ids.
pub type Between = dyn Fn(bool) + Send + Sync;

impl Door {
    /// A door to a system; `between` runs before every request.
    pub fn new(system: Arc<Mutex<System>>, fuse: Arc<Fuse>, between: Box<Between>) -> Self {
        let allows = lock(&system).character.allows;
        let budgets = allows.map(Allowance::budget).into_iter().collect();
        let manifest = Manifest {
            id: "fake".to_owned(),
            version: "0.1.0".to_owned(),
            contract: "0.1.0".to_owned(),
            title: String::new(),
            capabilities: vec![],
            hosts: vec![],
            credentials: vec![],
            settings: serde_json::json!({}),
            streams: vec![],
            budgets,
            inbound: None,
            api_version: None,
            api_sunset: None,
        };
        Self { system, fuse, manifest, between }
    }

    /// Fails the request before it takes effect, as often as the system does.
    /// Other runs go on while it is under way.
    async fn enter(&self, looks_up: bool) -> Result<MutexGuard<'_, System>, Fault> {
        tokio::task::yield_now().await;
        self.fuse.burn()?;
        (self.between)(looks_up);
        let mut system = lock(&self.system);
        system.count_call()?;
        if system.broken == Some(Broken::Down) {
            system.tally.faults += 1;
            return Err(Fault::new(FaultCode::Transient));
        }
        let percent = system.fault_percent;
        if system.dice.percent(percent) {
            system.tally.faults += 1;
            return Err(match system.dice.below(5) {
                0 => Fault::new(FaultCode::Transient),
                1 => Fault::new(FaultCode::Timeout),
                2 => Fault::new(FaultCode::Unreachable),
                3 => Fault::new(FaultCode::RateLimited),
                _ => system.leave_alone(7),
            });
        }
        Ok(system)
    }

    /// Loses the answer after the request took effect: no answer in time, or
    /// the connection was reset.
    fn leave(&self, system: &mut System) -> Result<(), Fault> {
        let percent = system.fault_percent / 3;
        if system.dice.percent(percent) {
            system.tally.faults += 1;
            return Err(Fault::new(FaultCode::Timeout));
        }
        self.fuse.burn()
    }
}

#[async_trait]
impl Connector for Door {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn inbound(&self) -> Option<&dyn Inbound> {
        Some(self)
    }

    async fn check(&self, _call: &CallContext) -> Result<(), Fault> {
        Ok(())
    }

    async fn discover(&self, _call: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        let system = lock(&self.system);
        let field = |name: &&str| FieldInfo { matchable: true, ..FieldInfo::new(*name) };
        Ok(vec![StreamInfo {
            name: StreamName::from("people"),
            kind: EntityKind::Person,
            readable: true,
            writable: true,
            conditional_writes: system.character.conditional,
            upsert_by_key: system.character.creates == crate::character::Creates::Upsert,
            idempotency_keys: false,
            archives: true,
            purposes: Vec::new(),
            sends: None,
            atomic_batches: system.character.atomic,
            batch_items_max: system.character.batch_items,
            batch_bytes_max: 1_000_000,
            schema: serde_json::json!({"type": "object"}),
            fields: FIELDS.iter().map(field).collect(),
        }])
    }

    async fn read(&self, _call: &CallContext, request: &ReadRequest) -> Result<Page, Fault> {
        let mut system = self.enter(false).await?;
        let cursor = request.cursor.as_ref().and_then(|cursor| {
            let text = String::from_utf8(cursor.0.clone()).ok()?;
            let (tick, key) = text.split_once('|')?;
            Some((tick.parse().ok()?, key.to_owned()))
        });
        let before = system.sight();
        let page = system.page(cursor);
        if let Err(fault) = self.leave(&mut system) {
            system.unsee(before);
            return Err(fault);
        }
        Ok(page)
    }

    async fn lookup(
        &self,
        _call: &CallContext,
        request: &LookupRequest,
    ) -> Result<Vec<Found>, Fault> {
        let mut system = self.enter(true).await?;
        let before = system.sight();
        let found = request.keys.iter().map(|key| system.look(key)).collect();
        if let Err(fault) = self.leave(&mut system) {
            system.unsee(before);
            return Err(fault);
        }
        Ok(found)
    }

    async fn write(
        &self,
        _call: &CallContext,
        request: &WriteRequest,
    ) -> Result<WriteReport, Fault> {
        let mut system = match self.enter(false).await {
            Ok(system) => system,
            Err(fault) => {
                let mut system = lock(&self.system);
                request.items.iter().for_each(|item| system.turned_away(item));
                return Err(fault);
            }
        };
        for item in &request.items {
            system.notice(item);
        }
        if system.character.jobs {
            let job = system.take_in(&request.items);
            if let Err(fault) = self.leave(&mut system) {
                system.do_all();
                return Err(fault);
            }
            return Ok(WriteReport::Items(vec![Outcome::Accepted { job }; request.items.len()]));
        }
        let before = system.tally.writes;
        let items = cut(&mut system, &request.items);
        let done = system.execute(items);
        let took_effect = system.tally.writes - before;
        if items.len() < request.items.len() {
            system.tally.faults += 1;
            system.tally.unanswered += took_effect;
            return Err(Fault::new(FaultCode::Timeout));
        }
        let mut outcomes = match done {
            Ok(outcomes) => outcomes,
            Err(fault) => {
                system.refused(items, &fault);
                return Err(fault);
            }
        };
        if let Err(fault) = self.leave(&mut system) {
            system.tally.unanswered += took_effect;
            return Err(fault);
        }
        let percent = system.fault_percent / 10;
        if system.dice.percent(percent) {
            system.tally.faults += 1;
            system.tally.unanswered += took_effect;
            outcomes.pop(); // a connector that cannot count
        } else {
            system.reported(items, &outcomes, took_effect);
        }
        Ok(system.report(outcomes))
    }

    async fn poll_job(&self, _call: &CallContext, job: &str) -> Result<JobState, Fault> {
        let mut system = self.enter(false).await?;
        let state = system.job(job)?;
        self.leave(&mut system)?;
        system.was_told(job);
        Ok(state)
    }
}

/// What of a batch arrives, if its connection breaks in the midst of it.
fn cut<'a>(system: &mut System, items: &'a [WriteItem]) -> &'a [WriteItem] {
    let percent = system.fault_percent / 4;
    let breaks = system.character.cuts && !system.character.atomic && system.dice.percent(percent);
    if breaks { &items[..system.dice.below(items.len().max(1))] } else { items }
}

/// A delivery that names rows.
pub fn delivery(keys: &[String], received: Timestamp) -> Delivery {
    Delivery {
        method: "POST".to_owned(),
        target: String::new(),
        headers: Vec::new(),
        body: keys.join("\n").into_bytes(),
        received,
    }
}

#[async_trait]
impl Inbound for Door {
    fn origins(&self) -> Vec<String> {
        Vec::new()
    }

    fn admit(&self, delivery: Delivery, _now: Timestamp) -> Result<Admitted, Refusal> {
        Ok(Admitted { delivery, id: None, handshake: false })
    }

    async fn handshake(&self, _: &CallContext, _: &Delivery) -> Result<Option<Reply>, Fault> {
        Ok(None)
    }

    /// Each line names a row that may have changed.
    async fn parse(&self, _: &CallContext, delivery: &Delivery) -> Result<Vec<Parsed>, Fault> {
        let body = String::from_utf8_lossy(&delivery.body);
        let keys = body.lines().map(RemoteKey::from).collect();
        Ok(vec![Parsed::Refetch(StreamName::from("people"), keys)])
    }
}
