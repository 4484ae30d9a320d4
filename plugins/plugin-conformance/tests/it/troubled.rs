//! A connector of a system in trouble, that tells or does not.

use async_trait::async_trait;
use hub_model::{Fault, FaultCode};
use plugin_api::{
    CallContext, Connector, Found, JobState, LookupRequest, Manifest, Outcome, Page, ReadRequest,
    StreamInfo, WriteReport, WriteRequest,
};
use plugin_conformance::trouble::{RETRY_AFTER_SECONDS, Trouble};
use serde_json::json;

pub struct Troubled {
    manifest: Manifest,
    /// What it fails with; none = it notices nothing.
    fault: Option<Fault>,
    reads: bool,
}

impl Troubled {
    fn new(fault: Option<Fault>, reads: bool) -> Self {
        let manifest = json!({
            "id": "troubled", "version": "1", "contract": "0.1.0",
            "capabilities": ["source", "destination"], "settings": {}
        });
        Self { manifest: serde_json::from_value(manifest).unwrap(), fault, reads }
    }

    pub fn telling(trouble: Trouble) -> Self {
        Self::new(Some(fault_of(trouble)), false)
    }

    pub fn silent() -> Self {
        Self::new(None, true)
    }

    /// It fails, and says that it is its own mistake.
    pub fn mistaken() -> Self {
        Self::new(Some(Fault::new(FaultCode::ConnectorBug)), false)
    }

    /// Only its pages are empty.
    pub fn empty_pages(trouble: Trouble) -> Self {
        Self::new(Some(fault_of(trouble)), true)
    }

    fn told<T>(&self, otherwise: T) -> Result<T, Fault> {
        self.fault.clone().map_or(Ok(otherwise), Err)
    }
}

fn fault_of(trouble: Trouble) -> Fault {
    match trouble {
        Trouble::Html | Trouble::Truncated => Fault::new(FaultCode::SchemaDrift),
        Trouble::RateLimited => {
            Fault::new(FaultCode::RateLimited).with("after_seconds", RETRY_AFTER_SECONDS)
        }
        Trouble::Unauthorised => Fault::new(FaultCode::Auth),
        Trouble::Failing => Fault::new(FaultCode::Transient),
    }
}

#[async_trait]
impl Connector for Troubled {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    async fn check(&self, _: &CallContext) -> Result<(), Fault> {
        self.told(())
    }

    async fn discover(&self, _: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        self.told(Vec::new())
    }

    async fn read(&self, _: &CallContext, _: &ReadRequest) -> Result<Page, Fault> {
        let page = Page {
            items: Vec::new(),
            next: None,
            more: false,
            snapshot_complete: true,
            poll_after_seconds: None,
        };
        if self.reads { Ok(page) } else { self.told(page) }
    }

    async fn lookup(&self, _: &CallContext, _: &LookupRequest) -> Result<Vec<Found>, Fault> {
        self.told(vec![Found::None])
    }

    /// A fault of its item tells as well as one of the batch.
    async fn write(&self, _: &CallContext, _: &WriteRequest) -> Result<WriteReport, Fault> {
        let outcome = match self.told(Outcome::Deleted) {
            Ok(outcome) => outcome,
            Err(fault) => Outcome::Retry { after_seconds: None, fault },
        };
        Ok(WriteReport::Items(vec![outcome]))
    }

    async fn poll_job(&self, _: &CallContext, _: &str) -> Result<JobState, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }
}
