//! An audience at a vendor as a stream of rows, so that members are delivered by the
//! same steps as everything else: planned, guarded, durable before they leave, tried
//! again, in the ledger, taken back.
//!
//! A row is a member. Its key is the hub's own, and what it shows is what the hub has
//! brought in ([`hub_core::sync::member`]): the vendor is never asked for it.

mod going;
mod holders;

use std::sync::Arc;

use async_trait::async_trait;
use hub_model::{
    EntityKind, Fault, FaultCode, Mapping, Object, RecordRef, RemoteKey, StreamRef, SyncId,
    Timestamp,
};
use hub_store::Store;
use plugin_api::stream::MEMBERSHIP_KIND;
use plugin_api::{
    Aggregate, Audience, CallContext, Connector, ContainerWish, Found, Item, ItemChange, JobState,
    Learned, LookupKey, LookupRequest, Manifest, Member, MemberChange, MemberOutcome, MemberReport,
    MemberRequest, Outcome, Page, ReadRequest, StreamInfo, WriteItem, WriteReport, WriteRequest,
};
use tokio::sync::Mutex;

pub(super) use self::going::identities;
use self::going::{Going, asked};
use self::holders::Holders;
use crate::delivery::is_unknown;

/// A container of a connection, found or made by its title.
pub(crate) struct Members {
    connector: Arc<dyn Connector>,
    store: Arc<dyn Store>,
    sync: SyncId,
    stream: StreamRef,
    kind: EntityKind,
    known: Mutex<Known>,
}

/// What earlier calls have found.
#[derive(Default)]
struct Known {
    container: Option<Ready>,
    holders: Option<Holders>,
}

/// The container, and since when it can be filled.
#[derive(Clone)]
struct Ready {
    key: RemoteKey,
    from: Timestamp,
}

impl Members {
    /// Of the stream of a mapping that is an audience.
    pub fn new(connector: Arc<dyn Connector>, store: Arc<dyn Store>, mapping: &Mapping) -> Self {
        let (sync, kind) = (mapping.sync.clone(), mapping.kind.clone());
        let stream = mapping.stream.clone();
        Self { connector, store, sync, stream, kind, known: Mutex::default() }
    }

    fn of_vendor(&self) -> Result<&dyn Audience, Fault> {
        self.connector.audience().ok_or_else(|| {
            let fault = Fault::new(FaultCode::NotSupported);
            fault.at(self.stream.connection.to_string()).with("lacks", "audience")
        })
    }

    /// The container; none is filled before its vendor is ready for it.
    async fn container(&self, call: &CallContext, known: &mut Known) -> Result<RemoteKey, Fault> {
        if known.container.is_none() {
            let title = self.stream.stream.to_string();
            let wish = ContainerWish { title, ..ContainerWish::default() };
            let found = self.of_vendor()?.ensure_container(call, &wish).await?;
            let after = found.ready_after_seconds.map_or(0, i64::from);
            let from = call.now.plus_seconds(after);
            known.container = Some(Ready { key: found.key, from });
        }
        match &known.container {
            Some(ready) if ready.from > call.now => {
                let seconds = (ready.from.0 - call.now.0) / 1_000_000 + 1;
                Err(Fault::new(FaultCode::Transient).with("after_seconds", seconds))
            }
            Some(ready) => Ok(ready.key.clone()),
            None => Err(Fault::new(FaultCode::NotFound)),
        }
    }

    /// What the hub knows of the members that items are about.
    async fn rows(&self, items: &[WriteItem]) -> Result<Vec<Object>, Fault> {
        let at = |key: &RemoteKey| RecordRef { stream: self.stream.clone(), key: key.clone() };
        let keys: Vec<RecordRef> =
            items.iter().filter_map(|item| item.key.as_ref()).map(at).collect();
        let mut found = self.store.records_by_ref(&keys).await?.into_iter();
        let row = |item: &WriteItem| {
            let record = item.key.as_ref().and_then(|_| found.next().flatten());
            // Of somebody who was erased the item says what he was brought in with.
            record.map_or_else(|| item.patch.clone(), |record| record.raw)
        };
        Ok(items.iter().map(row).collect())
    }

    /// Leaves out what may not be taken out because another has it, and puts off what
    /// another may come to have. Whoever stays does not wait for those who come by the
    /// same request: they are brought in after him.
    async fn spare(
        &self,
        call: &CallContext,
        going: &mut [Going<'_>],
        known: &mut Known,
    ) -> Result<(), Fault> {
        let is_known = known.holders.as_ref().is_some_and(|kept| kept.is_of(&call.purpose));
        if !is_known && going.iter().all(|going| going.step.out.is_empty()) {
            known.holders = None;
            return Ok(());
        }
        let mut holders = match known.holders.take().filter(|_| is_known) {
            Some(holders) => holders,
            None => Holders::of(&*self.store, (&self.sync, &self.stream), &call.purpose).await?,
        };
        for going in going.iter() {
            let changes = going.step.out.iter().chain(&going.step.into);
            changes.for_each(|values| holders.forget(values, going.who()));
        }
        let (leaving, staying): (Vec<_>, Vec<_>) =
            going.iter_mut().partition(|going| going.is_leaving());
        for going in staying {
            going.spare(&mut holders);
        }
        for going in leaving {
            going.spare(&mut holders);
        }
        known.holders = Some(holders);
        Ok(())
    }

    /// Takes members out or brings them in; one outcome for each.
    async fn change(
        &self,
        call: &CallContext,
        container: &RemoteKey,
        members: Vec<Member>,
        counted: &mut Option<Aggregate>,
    ) -> Result<Vec<MemberOutcome>, Fault> {
        if members.is_empty() {
            return Ok(Vec::new());
        }
        let asked = members.len();
        let request = MemberRequest { container: container.clone(), members, session: None };
        match self.of_vendor()?.write_members(call, &request).await? {
            MemberReport::Items(outcomes) if outcomes.len() == asked => Ok(outcomes),
            MemberReport::Items(outcomes) => Err(Fault::new(FaultCode::ConnectorBug)
                .with("items", asked)
                .with("outcomes", outcomes.len())),
            MemberReport::Aggregate(counts) => {
                let counted = counted.get_or_insert(Aggregate { received: 0, invalid: 0 });
                let invalid = u32::try_from(counts.invalid).unwrap_or(u32::MAX);
                counted.invalid = counted.invalid.saturating_add(invalid);
                Ok(vec![MemberOutcome::Done; asked])
            }
        }
    }
}

#[async_trait]
impl Connector for Members {
    fn manifest(&self) -> &Manifest {
        self.connector.manifest()
    }

    fn digest(&self) -> Option<String> {
        self.connector.digest()
    }

    fn learned(&self) -> Learned {
        self.connector.learned()
    }

    fn audience(&self) -> Option<&dyn Audience> {
        self.connector.audience()
    }

    async fn check(&self, call: &CallContext) -> Result<(), Fault> {
        self.connector.check(call).await
    }

    /// The stream of memberships that the connector declares, under the name of the
    /// audience.
    async fn discover(&self, call: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        let streams = self.connector.discover(call).await?.into_iter();
        let mut members = streams.filter(|s| s.kind.as_str() == MEMBERSHIP_KIND);
        let Some(declared) = members.next() else {
            self.of_vendor()?;
            let fault = Fault::new(FaultCode::NotSupported);
            return Err(fault.at(self.stream.connection.to_string()).with("lacks", "memberships"));
        };
        Ok(vec![StreamInfo {
            name: self.stream.stream.clone(),
            kind: self.kind.clone(),
            readable: false,
            writable: true,
            // Nobody else changes a member, and to bring one in twice changes nothing.
            conditional_writes: true,
            upsert_by_key: true,
            schema: serde_json::json!({ "type": "object" }),
            ..declared
        }])
    }

    async fn read(&self, _: &CallContext, _: &ReadRequest) -> Result<Page, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }

    /// Members by key, as the hub knows them.
    async fn lookup(&self, _: &CallContext, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        let mut found = Vec::with_capacity(request.keys.len());
        for key in &request.keys {
            let LookupKey::Key(key) = key else {
                found.push(Found::None);
                continue;
            };
            let at = RecordRef { stream: self.stream.clone(), key: key.clone() };
            let record = self.store.records_by_ref(&[at]).await?.into_iter().flatten().next();
            found.push(match record.filter(|record| record.is_live()) {
                Some(record) => Found::One(Item {
                    key: key.clone(),
                    change: ItemChange::Upsert(record.raw.into()),
                    version: record.version,
                    time: None,
                }),
                None => Found::None,
            });
        }
        Ok(found)
    }

    /// Takes out first, then brings in: whoever changes some of his values is one
    /// person to the vendor.
    async fn write(
        &self,
        call: &CallContext,
        request: &WriteRequest,
    ) -> Result<WriteReport, Fault> {
        let mut known = self.known.lock().await;
        let container = self.container(call, &mut known).await?;
        let rows = self.rows(&request.items).await?;
        let mut going: Vec<Going<'_>> =
            request.items.iter().zip(rows).map(|(item, row)| Going::new(item, row)).collect();
        self.spare(call, &mut going, &mut known).await?;
        let mut counted = None;
        let result = self.write_all(call, &container, &mut going, &mut counted).await;
        if let Err(fault) = result {
            // The same items may come again in this run.
            known.holders = None;
            if fault.code == FaultCode::NotFound {
                known.container = None;
            }
            return Err(fault);
        }
        if let Some(holders) = &mut known.holders {
            going.iter().for_each(|going| going.tell(holders));
        }
        let all_made = going.iter().all(Going::is_made);
        if let Some(counted) = counted.filter(|_| all_made) {
            let received = u32::try_from(going.len()).unwrap_or(u32::MAX);
            return Ok(WriteReport::Aggregate(Aggregate { received, ..counted }));
        }
        let outcome = |going: Going<'_>| going.outcome.clone().unwrap_or_else(|| going.done());
        Ok(WriteReport::Items(going.into_iter().map(outcome).collect()))
    }

    async fn poll_job(&self, call: &CallContext, job: &str) -> Result<JobState, Fault> {
        self.connector.poll_job(call, job).await
    }
}

impl Members {
    async fn write_all(
        &self,
        call: &CallContext,
        container: &RemoteKey,
        going: &mut [Going<'_>],
        counted: &mut Option<Aggregate>,
    ) -> Result<(), Fault> {
        // Those who leave come first and once, in their order: by that the items of a
        // job are numbered.
        let leaving = |at: &usize| going[*at].is_leaving();
        let (first, staying): (Vec<usize>, Vec<usize>) = (0..going.len()).partition(leaving);
        let firsts = first.iter().filter(|at| !going[**at].step.out.is_empty());
        let mut out: Vec<(usize, usize)> = firsts.map(|at| (*at, 0)).collect();
        let others = |at: &usize, from: usize| {
            let at = *at;
            (from..going[at].step.out.len()).map(move |place| (at, place))
        };
        out.extend(first.iter().flat_map(|at| others(at, 1)));
        out.extend(staying.iter().flat_map(|at| others(at, 0)));
        let member = |(at, place): &(usize, usize)| {
            let going = &going[*at];
            asked(MemberChange::Remove, &going.step.out[*place], going.item)
        };
        let members = out.iter().map(member).collect();
        let outcomes = self.change(call, container, members, counted).await?;
        let took_out = !outcomes.is_empty();
        for ((at, _), outcome) in out.iter().zip(outcomes) {
            going[*at].taken_out(outcome);
        }
        let into = |at: &usize| Some((*at, going[*at].step.into.as_ref()?));
        let into = staying.iter().filter(|at| going[**at].outcome.is_none()).filter_map(into);
        let into: Vec<(usize, Member)> =
            into.map(|(at, set)| (at, asked(MemberChange::Add, set, going[at].item))).collect();
        let (places, members): (Vec<usize>, Vec<Member>) = into.into_iter().unzip();
        match self.change(call, container, members, counted).await {
            Ok(outcomes) => {
                for (at, outcome) in places.into_iter().zip(outcomes) {
                    going[at].brought_in(outcome);
                }
            }
            // Nothing was changed by this request, nor by another.
            Err(fault) if !took_out => return Err(fault),
            Err(fault) => {
                for at in places {
                    let open = is_unknown(fault.code) || !going[at].step.out.is_empty();
                    let retry = || Outcome::Retry { after_seconds: None, fault: fault.clone() };
                    going[at].outcome = Some(if open { Outcome::Unknown } else { retry() });
                }
            }
        }
        Ok(())
    }
}
