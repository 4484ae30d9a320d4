//! The rules about audiences, against a double that has one defect at a time.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use hub_model::{EntityKind, Fault, FaultCode, RemoteKey};
use plugin_api::stream::MEMBERSHIP_KIND;
use plugin_api::{
    Audience, CallContext, Connector, Container, ContainerPage, ContainerWish, Cursor, FieldInfo,
    Found, Identity, JobState, LookupRequest, Manifest, MemberCounts, MemberOutcome, MemberReport,
    MemberRequest, Page, ReadRequest, StreamInfo, WriteReport, WriteRequest,
};
use plugin_conformance::{Standing, Subject, broken as breaches, judge_audience};
use serde_json::json;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    HasNone,
    NoStream,
    OtherFields,
    DoublesContainers,
    ListsNone,
    NeverEnds,
    TellsTooFew,
    CountsTooMany,
    RefusesToRemove,
    InventsContainers,
}

struct Ads {
    manifest: Manifest,
    defect: Option<Defect>,
    titles: Mutex<BTreeMap<u64, String>>,
}

impl Ads {
    fn new(defect: Option<Defect>) -> Self {
        let manifest = json!({
            "id": "ads", "version": "1", "contract": "0.1.0", "capabilities": ["audience"],
            "settings": {}
        });
        let manifest = serde_json::from_value(manifest).unwrap();
        Self { manifest, defect, titles: Mutex::default() }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn known(&self, key: &RemoteKey) -> Result<u64, Fault> {
        let number = key.as_str().parse().ok();
        let titles = self.titles.lock().unwrap();
        number.filter(|number| titles.contains_key(number)).ok_or(Fault::new(FaultCode::NotFound))
    }
}

fn container(number: u64, title: &str) -> Container {
    Container {
        key: RemoteKey::new(number.to_string()),
        title: title.to_owned(),
        kind: String::new(),
        size: None,
        ready_after_seconds: None,
    }
}

#[async_trait]
impl Connector for Ads {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn audience(&self) -> Option<&dyn Audience> {
        (!self.has(Defect::HasNone)).then_some(self as &dyn Audience)
    }

    async fn check(&self, _: &CallContext) -> Result<(), Fault> {
        Ok(())
    }

    async fn discover(&self, _: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        let field = if self.has(Defect::OtherFields) { "phone" } else { "email" };
        let stream = StreamInfo {
            name: "members".into(),
            kind: EntityKind::object(MEMBERSHIP_KIND),
            readable: false,
            writable: true,
            conditional_writes: false,
            upsert_by_key: false,
            idempotency_keys: false,
            atomic_batches: false,
            archives: false,
            purposes: Vec::new(),
            sends: None,
            batch_items_max: 10,
            batch_bytes_max: 10_000,
            schema: json!({ "type": "object", "properties": { field: {} } }),
            fields: vec![FieldInfo::new(field)],
        };
        Ok(if self.has(Defect::NoStream) { Vec::new() } else { vec![stream] })
    }

    async fn read(&self, _: &CallContext, _: &ReadRequest) -> Result<Page, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }

    async fn lookup(&self, _: &CallContext, _: &LookupRequest) -> Result<Vec<Found>, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }

    async fn write(&self, _: &CallContext, _: &WriteRequest) -> Result<WriteReport, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }

    async fn poll_job(&self, _: &CallContext, _: &str) -> Result<JobState, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }
}

#[async_trait]
impl Audience for Ads {
    async fn containers(
        &self,
        _: &CallContext,
        cursor: Option<&Cursor>,
    ) -> Result<ContainerPage, Fault> {
        let titles = self.titles.lock().unwrap();
        let shown = cursor.is_none() && !self.has(Defect::ListsNone);
        let items =
            titles.iter().filter(|_| shown).map(|(number, title)| container(*number, title));
        let next = self.has(Defect::NeverEnds).then(|| Cursor(vec![1]));
        Ok(ContainerPage { items: items.collect(), next })
    }

    async fn ensure_container(
        &self,
        _: &CallContext,
        wish: &ContainerWish,
    ) -> Result<Container, Fault> {
        if let Some(key) = &wish.key {
            return match self.known(key) {
                Err(_) if self.has(Defect::InventsContainers) => Ok(container(0, &wish.title)),
                known => known.map(|number| container(number, &wish.title)),
            };
        }
        let mut titles = self.titles.lock().unwrap();
        let known = titles.iter().find(|(_, title)| **title == wish.title);
        let known =
            known.map(|(number, _)| *number).filter(|_| !self.has(Defect::DoublesContainers));
        let number = known.unwrap_or_else(|| titles.keys().next_back().map_or(1, |last| last + 1));
        titles.insert(number, wish.title.clone());
        Ok(container(number, &wish.title))
    }

    async fn delete_container(&self, _: &CallContext, key: &RemoteKey) -> Result<(), Fault> {
        let number = self.known(key)?;
        self.titles.lock().unwrap().remove(&number);
        Ok(())
    }

    async fn write_members(
        &self,
        _: &CallContext,
        request: &MemberRequest,
    ) -> Result<MemberReport, Fault> {
        self.known(&request.container)?;
        let count = request.members.len();
        let removes = request.members[0].change == plugin_api::MemberChange::Remove;
        Ok(match self.defect {
            Some(Defect::TellsTooFew) => MemberReport::Items(vec![MemberOutcome::Done; count - 1]),
            Some(Defect::CountsTooMany) => {
                MemberReport::Aggregate(MemberCounts { received: 7, invalid: 0, matched: None })
            }
            Some(Defect::RefusesToRemove) if removes => {
                return Err(Fault::new(FaultCode::Rejected));
            }
            _ => MemberReport::Items(vec![MemberOutcome::Done; count]),
        })
    }
}

async fn broken(defect: Option<Defect>) -> Vec<&'static str> {
    let ads = Ads::new(defect);
    let sample = Identity { namespace: "email".to_owned(), value: "ana@x.example".to_owned() };
    let judged = judge_audience(&Subject::new(&ads, "members"), Some(&[sample])).await;
    breaches(&judged).iter().map(|breach| breach.must).collect()
}

#[tokio::test]
async fn a_sound_connector_keeps_the_rules_about_audiences() {
    assert_eq!(broken(None).await, [""; 0]);
    assert_eq!(broken(Some(Defect::HasNone)).await.len(), 5);
    let judged = judge_audience(&Subject::new(&Ads::new(None), "members"), None).await;
    let kept = judged.iter().filter(|it| it.standing == Standing::Kept);
    assert_eq!((kept.count(), judged.len()), (2, 6), "{judged:?}");
}

#[tokio::test]
async fn every_defect_of_audiences_is_found_by_its_rule() {
    for (defect, rule) in [
        (Defect::NoStream, "one stream of memberships"),
        (Defect::OtherFields, "matched by"),
        (Defect::DoublesContainers, "the same one"),
        (Defect::ListsNone, "listed once"),
        (Defect::NeverEnds, "listed once"),
        (Defect::TellsTooFew, "one outcome each"),
        (Defect::CountsTooMany, "one outcome each"),
        (Defect::RefusesToRemove, "leaves again"),
        (Defect::InventsContainers, "not-found"),
    ] {
        let broken = broken(Some(defect)).await;
        assert!(broken.iter().any(|must| must.contains(rule)), "{defect:?} broke {broken:#?}");
    }
}
