//! An ad platform with audiences: it takes people in and out, never shows them, and
//! fails in every way that its contract allows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use hub_model::{EntityKind, Fault, FaultCode, RemoteKey, StreamName};
use plugin_api::stream::MEMBERSHIP_KIND;
use plugin_api::{
    Audience, CallContext, Connector, Container, ContainerPage, ContainerWish, Cursor, Found,
    Identity, JobState, LookupRequest, Manifest, Member, MemberChange, MemberCounts, MemberOutcome,
    MemberReport, MemberRequest, Outcome, Page, ReadRequest, ReplaceSession, StreamInfo,
    WriteReport, WriteRequest,
};

use crate::dice::Dice;

/// Members of one write.
const BATCH_ITEMS_MAX: u32 = 4;

/// What the platform holds.
#[derive(Debug)]
pub struct Platform {
    /// Who is in which container, by its title: each by what he was named by.
    containers: BTreeMap<String, BTreeSet<Vec<Identity>>>,
    /// How many of a hundred writes it troubles; none if 0.
    trouble_percent: u32,
    /// It takes writes and gives no answer while this is set.
    pub loses_answers: bool,
    /// It never deletes an audience.
    pub keeps_containers: bool,
    /// Writes that reached it.
    pub writes: u64,
    /// Those who are to replace everybody, by session.
    replacing: BTreeMap<u64, BTreeSet<Vec<Identity>>>,
    jobs: BTreeMap<String, usize>,
    dice: Dice,
}

impl Default for Platform {
    fn default() -> Self {
        Self {
            containers: BTreeMap::new(),
            trouble_percent: 0,
            loses_answers: false,
            keeps_containers: false,
            writes: 0,
            replacing: BTreeMap::new(),
            jobs: BTreeMap::new(),
            dice: Dice::new(0),
        }
    }
}

impl Platform {
    /// Lets it be in trouble, by a seed.
    pub fn trouble(&mut self, percent: u32, seed: u64) {
        self.trouble_percent = percent;
        self.dice = Dice::new(seed);
    }

    /// The values by which the people of a container were named.
    pub fn names(&self, title: &str) -> Vec<String> {
        let people = self.containers.get(title).into_iter().flatten();
        people.flatten().map(|identity| identity.value.clone()).collect()
    }

    /// Whether it has a container.
    pub fn has(&self, title: &str) -> bool {
        self.containers.contains_key(title)
    }

    /// Somebody is brought in or taken out by hand.
    pub fn edit(&mut self, title: &str, change: MemberChange, namespace: &str, value: &str) {
        let one = Identity { namespace: namespace.to_owned(), value: value.to_owned() };
        let people = self.containers.entry(title.to_owned()).or_default();
        match change {
            MemberChange::Add => people.insert(vec![one]),
            MemberChange::Remove => people.remove([one].as_slice()),
        };
    }

    /// A part of everybody who is to remain; the last call replaces.
    fn replace(&mut self, request: &MemberRequest, session: ReplaceSession) {
        if session.sequence == 1 {
            self.replacing.insert(session.id, BTreeSet::new());
        }
        // One that lost its beginning is none.
        let Some(people) = self.replacing.get_mut(&session.id) else { return };
        people.extend(request.members.iter().map(|member| member.identities.clone()));
        if session.last {
            let people = self.replacing.remove(&session.id).unwrap_or_default();
            self.containers.insert(request.container.as_str().to_owned(), people);
        }
    }

    fn take(&mut self, container: &str, member: &Member) {
        let people = self.containers.entry(container.to_owned()).or_default();
        match member.change {
            MemberChange::Add => {
                people.insert(member.identities.clone());
            }
            // Whoever has any of the values is meant.
            MemberChange::Remove => {
                people.retain(|person| member.identities.iter().all(|one| !person.contains(one)));
            }
        }
    }

    fn write(&mut self, request: &MemberRequest) -> Result<MemberReport, Fault> {
        self.writes += 1;
        let container = request.container.as_str();
        if let Some(session) = request.session {
            return match self.dice.percent(self.trouble_percent) {
                true => Err(Fault::new(FaultCode::Transient)),
                false => {
                    self.replace(request, session);
                    let received = request.members.len() as u64;
                    let counts = MemberCounts { received, invalid: 0, matched: None };
                    Ok(MemberReport::Aggregate(counts))
                }
            };
        }
        if self.loses_answers {
            request.members.iter().for_each(|member| self.take(container, member));
            return Err(Fault::new(FaultCode::Timeout));
        }
        if !self.dice.percent(self.trouble_percent) {
            request.members.iter().for_each(|member| self.take(container, member));
            let received = request.members.len() as u64;
            return Ok(match self.dice.percent(20) {
                true => {
                    MemberReport::Aggregate(MemberCounts { received, invalid: 0, matched: None })
                }
                false => MemberReport::Items(vec![MemberOutcome::Done; request.members.len()]),
            });
        }
        match self.dice.below(4) {
            0 => Err(Fault::new(FaultCode::Transient)),
            1 => {
                // It stops in the middle.
                let done = self.dice.below(request.members.len() + 1);
                request.members[..done].iter().for_each(|member| self.take(container, member));
                Err(Fault::new(FaultCode::Timeout))
            }
            2 => {
                let job = format!("job-{}", self.writes);
                request.members.iter().for_each(|member| self.take(container, member));
                self.jobs.insert(job.clone(), request.members.len());
                let accepted = MemberOutcome::Accepted { job };
                Ok(MemberReport::Items(vec![accepted; request.members.len()]))
            }
            _ => {
                let outcome = |member: &Member| match self.dice.below(4) {
                    0 => MemberOutcome::Retry { after_seconds: None },
                    1 => MemberOutcome::Unknown,
                    2 => {
                        self.take(container, member);
                        MemberOutcome::Unknown
                    }
                    _ => {
                        self.take(container, member);
                        MemberOutcome::Done
                    }
                };
                Ok(MemberReport::Items(request.members.iter().map(outcome).collect()))
            }
        }
    }
}

/// The way to a platform: what the engine holds.
pub(crate) struct Desk {
    pub(crate) platform: Arc<Mutex<Platform>>,
    pub(crate) manifest: Manifest,
}

impl Desk {
    fn enter(&self) -> MutexGuard<'_, Platform> {
        self.platform.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn container(title: &str) -> Container {
    Container {
        key: RemoteKey::new(title),
        title: title.to_owned(),
        kind: "list".to_owned(),
        size: None,
        ready_after_seconds: None,
    }
}

fn not_supported<T>() -> Result<T, Fault> {
    Err(Fault::new(FaultCode::NotSupported))
}

#[async_trait]
impl Connector for Desk {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn audience(&self) -> Option<&dyn Audience> {
        Some(self)
    }

    async fn check(&self, _: &CallContext) -> Result<(), Fault> {
        Ok(())
    }

    async fn discover(&self, _: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        Ok(vec![StreamInfo {
            name: StreamName::new("members"),
            kind: EntityKind::object(MEMBERSHIP_KIND),
            readable: false,
            writable: true,
            conditional_writes: false,
            upsert_by_key: false,
            archives: false,
            purposes: Vec::new(),
            sends: None,
            idempotency_keys: false,
            atomic_batches: false,
            batch_items_max: BATCH_ITEMS_MAX,
            batch_bytes_max: 1_000_000,
            schema: serde_json::json!({ "type": "object" }),
            fields: Vec::new(),
        }])
    }

    async fn read(&self, _: &CallContext, _: &ReadRequest) -> Result<Page, Fault> {
        not_supported()
    }

    async fn lookup(&self, _: &CallContext, _: &LookupRequest) -> Result<Vec<Found>, Fault> {
        not_supported()
    }

    async fn write(&self, _: &CallContext, _: &WriteRequest) -> Result<WriteReport, Fault> {
        not_supported()
    }

    async fn poll_job(&self, _: &CallContext, job: &str) -> Result<JobState, Fault> {
        let mut platform = self.enter();
        let Some(members) = platform.jobs.get(job).copied() else {
            return Err(Fault::new(FaultCode::NotFound));
        };
        if platform.trouble_percent > 0 && platform.dice.percent(30) {
            return Ok(JobState::Running { poll_after_seconds: 5 });
        }
        Ok(JobState::Done(WriteReport::Items(vec![Outcome::Unchanged; members])))
    }
}

#[async_trait]
impl Audience for Desk {
    async fn containers(
        &self,
        _: &CallContext,
        _: Option<&Cursor>,
    ) -> Result<ContainerPage, Fault> {
        let titles: Vec<String> = self.enter().containers.keys().cloned().collect();
        Ok(ContainerPage {
            items: titles.iter().map(|title| container(title)).collect(),
            next: None,
        })
    }

    async fn ensure_container(
        &self,
        _: &CallContext,
        wish: &ContainerWish,
    ) -> Result<Container, Fault> {
        self.enter().containers.entry(wish.title.clone()).or_default();
        Ok(container(&wish.title))
    }

    async fn delete_container(&self, _: &CallContext, key: &RemoteKey) -> Result<(), Fault> {
        let mut platform = self.enter();
        if platform.keeps_containers {
            return not_supported();
        }
        let gone = platform.containers.remove(key.as_str());
        gone.map(drop).ok_or_else(|| Fault::new(FaultCode::NotFound))
    }

    async fn write_members(
        &self,
        _: &CallContext,
        request: &MemberRequest,
    ) -> Result<MemberReport, Fault> {
        self.enter().write(request)
    }
}
